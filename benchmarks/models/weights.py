"""Random weights: the same in every process, and such that values neither die out nor explode."""

from math import prod, sqrt
from typing import Any

import torch
from torch import nn

SEED = 0
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm)


def randomise(model: nn.Module, gain: float = sqrt(2), seed: int = SEED) -> nn.Module:
    """Fill a model with random weights, in place, and return it, to be evaluated.

    The standard deviation of a weight is gain/√n, where n is how many products one output sums (He
    et al. 2015, arXiv:1502.01852); a transposed convolution sums C_in/groups·ΠK/Πs. Norms get
    factors, shifts and running statistics that folding must not overlook.

    Parameters
    ----------
    model : nn.Module
        Nothing is done to weights on the meta device.
    gain : float
        √2 keeps the size of values that pass a ReLU; less, where residuals add up.
    seed : int
    """
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if _is_convolution(module) and not module.weight.is_meta:
                module.weight.normal_(0, gain / sqrt(_products(module)), generator=random)
                if module.bias is not None:
                    module.bias.normal_(0, 0.05, generator=random)
            elif isinstance(module, NORMS) and not module.weight.is_meta:
                module.weight.uniform_(0.5, 1.5, generator=random)
                module.bias.normal_(0, 0.1, generator=random)
                if not isinstance(module, nn.GroupNorm):
                    module.running_mean.normal_(0, 0.1, generator=random)
                    module.running_var.uniform_(0.5, 1.5, generator=random)
    return model.eval()


def example(*shape: int) -> torch.Tensor:
    """Return a random input of a model, the same in every process."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(SEED + 1))


def is_transposed(module: Any) -> bool:
    """Say whether a module is a transposed convolution, PyTorch's or tconv's."""
    return _is_convolution(module) and "Transpose" in type(module).__name__


def _is_convolution(module: Any) -> bool:
    return hasattr(module, "kernel_size") and hasattr(module, "weight")


def _products(module: Any) -> float:
    taps = prod(module.kernel_size) * module.in_channels / module.groups
    return taps / prod(module.stride) if is_transposed(module) else taps
