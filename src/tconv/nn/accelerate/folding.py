"""A batch normalization in evaluation, folded into the weights of the convolution before it.

``γ·(conv(x, w) + b - μ)/√(σ² + ε) + β`` is ``conv(x, w·s) + (b - μ)·s + β`` with
``s = γ/√(σ² + ε)``, one an output channel.
"""

from typing import Any

import torch
from torch import Tensor


def folded(conv: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution that normalizes its result; rounded once.

    Parameters
    ----------
    conv : Conv1d, …, ConvTranspose3d
        Whose weight is (C_in, C_out/groups, *K) where it is transposed, else (C_out, …).
    norm : BatchNorm1d, BatchNorm2d or BatchNorm3d
        With running statistics.

    Examples
    --------
    >>> from torch import nn
    >>> conv, norm = nn.ConvTranspose1d(4, 6, 3, groups=2), nn.BatchNorm1d(6).eval()
    >>> norm.running_var.uniform_(0.5, 2).shape
    torch.Size([6])
    >>> weight, bias = folded(conv, norm)
    >>> x = torch.randn(2, 4, 5)
    >>> y = nn.functional.conv_transpose1d(x, weight, bias, groups=2)
    >>> torch.allclose(y, norm(conv(x)), atol=1e-6)
    True
    """
    with torch.no_grad():
        wide = torch.float64
        scale = (norm.running_var.to(wide) + norm.eps).rsqrt()
        shift = -norm.running_mean.to(wide)
        if conv.bias is not None:
            shift = shift + conv.bias.to(wide)
        if norm.weight is not None:
            scale = scale * norm.weight.to(wide)
        shift = shift * scale
        if norm.bias is not None:
            shift = shift + norm.bias.to(wide)
        weight = conv.weight.to(wide)
        ones = (1,) * (weight.ndim - 2)
        if conv.transposed:
            groups = conv.groups
            per_group = weight.unflatten(0, (groups, -1)) * scale.reshape(groups, 1, -1, *ones)
            weight = per_group.flatten(0, 1)
        else:
            weight = weight * scale.reshape(-1, 1, *ones)
        return weight.to(conv.weight.dtype), shift.to(conv.weight.dtype)


def sources(conv: Any, norm: Any) -> list[Tensor]:
    """Return the tensors that :func:`folded` reads."""
    tensors = conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var
    return [tensor for tensor in tensors if tensor is not None]
