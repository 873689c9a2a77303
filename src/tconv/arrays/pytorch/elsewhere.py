"""Tensors that are not on the CPU: PyTorch's own operators, on the device where they are."""

import sys
from collections.abc import Callable
from functools import cache
from warnings import warn

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tconv.conventions.base import Inexpressible
from tconv.conventions.pytorch import PYTORCH
from tconv.engine.activations import Activation
from tconv.geometry import Geometry

TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
DIRECT = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
OF_WEIGHT = {1: torch.nn.grad.conv1d_weight, 2: torch.nn.grad.conv2d_weight}
OF_WEIGHT[3] = torch.nn.grad.conv3d_weight
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": F.gelu, "silu": F.silu,
}  # fmt: skip
OURS = ("tconv", "torch")


def check(device: torch.device, rank: int, method: str) -> None:
    """Refuse what PyTorch's operators cannot do, and what the engine alone is to do."""
    if method == "engine":
        raise ValueError(f"method 'engine' computes on the CPU, not on {device}; pass x.cpu()")
    if rank > len(DIRECT):
        raise ValueError(
            f"on {device} there are 1 to 3 spatial axes, not {rank}; "
            "fold axes with kernel 1 and stride 1 into the batch"
        )


def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    geometry: Geometry,
    groups: int,
    activation: Activation | None = None,
) -> Tensor:
    """Compute a transposed convolution by PyTorch, which crops both ends alike; the rest is cut."""
    _say(x.device.type)
    compute = TRANSPOSED[geometry.rank]
    try:
        y = compute(x, weight, bias, **PYTORCH.words(geometry, groups))
    except Inexpressible:
        y = compute(x, weight, None, geometry.stride, 0, 0, groups, geometry.dilation)
        y = _pad(y, [-cells for cells in _sides(geometry)])
        if bias is not None:
            y = y + bias.reshape(-1, *(1,) * geometry.rank)
    if activation is None or activation.name is None:
        return y
    if activation.name == "leaky_relu":
        return F.leaky_relu(y, activation.alpha)
    return ACTIVATIONS[activation.name](y)


def conv(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, groups: int) -> Tensor:
    """Compute a direct convolution by PyTorch, its input padded before."""
    _say(x.device.type)
    compute = DIRECT[geometry.rank]
    padded = _pad(x, _sides(geometry))
    return compute(padded, weight, bias, geometry.stride, 0, geometry.dilation, groups)


def weight_gradient(x: Tensor, grad: Tensor, geometry: Geometry, groups: int) -> Tensor:
    """Compute the gradient of the weight by PyTorch: x conjugated; both with a batch axis."""
    _say(x.device.type)
    padded = _pad(grad, _sides(geometry))
    shape = (x.shape[1], grad.shape[1] // groups, *geometry.kernel_size)
    compute = OF_WEIGHT[geometry.rank]
    made = compute(padded, shape, x, geometry.stride, 0, geometry.dilation, groups)
    return made.conj() if made.is_complex() else made


def _sides(geometry: Geometry) -> list[int]:
    """Return the cropped cells as ``F.pad`` takes them: the last axis first."""
    return [cells for pair in reversed(geometry.crop) for cells in pair]


def _pad(x: Tensor, sides: list[int]) -> Tensor:
    """Append zeros, then cut: cells that are cut may be more than there were."""
    appended = F.pad(x, [max(cells, 0) for cells in sides])
    return F.pad(appended, [min(cells, 0) for cells in sides])


def _say(device: str) -> None:
    if not torch.compiler.is_compiling():
        _say_once(device)


@cache
def _say_once(device: str) -> None:
    frame, level = sys._getframe(), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in OURS:
        frame, level = frame.f_back, level + 1
    warn(
        f"tconv computes on the CPU; tensors on {device} go to PyTorch's own convolutions",
        stacklevel=level,
    )
