"""The public functions on PyTorch's tensors: read, checked, handed to the operators.

Differentiable to any order, for every transform of ``torch.func``, ``torch.compile`` and
``torch.export``; on the CPU, without copies.
"""

from tconv.arrays.pytorch.functions import conv, conv_transpose, weight_gradient

__all__ = ["conv", "conv_transpose", "weight_gradient"]
