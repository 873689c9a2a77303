"""Tensors that are not on the CPU: PyTorch's own operators, where these can say the layer."""

from functools import cache
from warnings import warn

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from tconv.conventions.pytorch import PYTORCH
from tconv.geometry import Geometry

TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
DIRECT = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def conv_transpose(
    x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, groups: int
) -> Tensor:
    """Compute a transposed convolution by PyTorch.

    Raises
    ------
    ValueError
        If PyTorch cannot say the layer; the message tells how it could be had.
    """
    words = PYTORCH.words(geometry, groups)
    _say(x.device.type)
    return TRANSPOSED[geometry.rank](x, weight, bias, **words)


def conv(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, groups: int) -> Tensor:
    """Compute a direct convolution by PyTorch, its input padded before."""
    _say(x.device.type)
    pads = [side for pair in reversed(geometry.crop) for side in pair]
    direct = DIRECT[geometry.rank]
    return direct(F.pad(x, pads), weight, bias, geometry.stride, 0, geometry.dilation, groups)


@cache
def _say(device: str) -> None:
    warn(
        f"tconv computes on the CPU; tensors on {device} go to PyTorch's own convolutions",
        stacklevel=5,
    )
