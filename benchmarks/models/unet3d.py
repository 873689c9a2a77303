"""3-D U-Net: the U-Net of volumes."""

from typing import Any

import torch
from torch import nn


class UNet3D(nn.Module):
    """3-D U-Net, whose sizes stay those of the input because its convolutions are padded.

    Çiçek et al. 2016 (arXiv:1606.06650), figure 2: channels double before each pooling, and the
    transposed convolutions k2 s2 keep them. The paper's 19,069,955 parameters are the convolutions'
    with a bias each and the transposed ones' without; BatchNorm comes on top.

    Parameters
    ----------
    colours, classes : int
        Channels of the input and of the output.
    layers : module
        Whose ``ConvTranspose3d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(self, colours: int = 3, classes: int = 3, *, layers: Any = nn) -> None:
        super().__init__()
        widths = (64, 128, 256, 512)
        befores = (colours, *widths[:-1])
        self.encoders = nn.ModuleList(
            nn.Sequential(*_conv(a, b // 2), *_conv(b // 2, b))
            for a, b in zip(befores, widths, strict=True)
        )
        upwards = widths[:0:-1]
        self.ups = nn.ModuleList(layers.ConvTranspose3d(a, a, 2, 2, bias=False) for a in upwards)
        self.decoders = nn.ModuleList(
            nn.Sequential(*_conv(a + a // 2, a // 2), *_conv(a // 2, a // 2)) for a in upwards
        )
        self.pool = nn.MaxPool3d(2)
        self.head = nn.Conv3d(widths[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of the input's size, whose axes 8 must divide."""
        skips: list[torch.Tensor] = []
        for index, encode in enumerate(self.encoders):
            x = encode(self.pool(x) if index else x)
            skips.append(x)
        for skip, up, decode in zip(skips[-2::-1], self.ups, self.decoders, strict=True):
            x = decode(torch.cat([skip, up(x)], 1))
        return self.head(x)


def _conv(before: int, after: int) -> tuple[nn.Module, ...]:
    conv = nn.Conv3d(before, after, 3, padding=1)
    return conv, nn.BatchNorm3d(after), nn.ReLU(inplace=True)
