"""Layers for PyTorch: transposed convolutions, and what may stand in their place.

>>> import torch
>>> layer = ConvTranspose2d(8, 4, kernel_size=4, stride=2, padding="same")
>>> layer(torch.ones(1, 8, 5, 6)).shape
torch.Size([1, 4, 10, 12])
"""

try:
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    if missing.name != "torch":
        raise
    raise ModuleNotFoundError(
        "tconv.nn needs PyTorch: pip install 'tconv[torch]'", name="torch"
    ) from None

from tconv.nn import init
from tconv.nn.accelerate import accelerate, restore
from tconv.nn.convolution import (
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    LazyConvTranspose1d,
    LazyConvTranspose2d,
    LazyConvTranspose3d,
)
from tconv.nn.upsamplers import (
    FixedSmooth1d,
    FixedSmooth2d,
    FixedSmooth3d,
    ResizeConv1d,
    ResizeConv2d,
    ResizeConv3d,
    SubPixelConv1d,
    SubPixelConv2d,
    SubPixelConv3d,
)

__all__ = [
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "FixedSmooth1d",
    "FixedSmooth2d",
    "FixedSmooth3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "ResizeConv1d",
    "ResizeConv2d",
    "ResizeConv3d",
    "SubPixelConv1d",
    "SubPixelConv2d",
    "SubPixelConv3d",
    "accelerate",
    "init",
    "restore",
]
