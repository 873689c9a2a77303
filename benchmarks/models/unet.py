"""U-Net: convolutions down and up, joined across; transposed convolutions double the size."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

WIDTHS = (64, 128, 256, 512, 1024)


class UNet(nn.Module):
    """U-Net, whose sizes stay those of the input because its convolutions are padded.

    Ronneberger, Fischer & Brox 2015 (arXiv:1505.04597): two 3×3 convolutions a level, 2×2 maximum
    pooling down, a transposed convolution k2 s2 that halves the channels up, and a join. With
    padding and BatchNorm, as in milesial/Pytorch-UNet, unet/unet_parts.py, it has 31.0 million
    parameters.

    Parameters
    ----------
    colours, classes : int
        Channels of the input and of the output.
    widths : sequence of int
        Channels of each level, from the top.
    norm : {"batch", "weight"}
        BatchNorm after every 3×3 convolution, or weight normalisation of it.
    bias : bool
        Of the 3×3 convolutions.
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(
        self,
        colours: int = 3,
        classes: int = 1,
        widths: Sequence[int] = WIDTHS,
        *,
        norm: str = "batch",
        bias: bool = False,
        layers: Any = nn,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(
            _twice(*channels, norm, bias=bias) for channels in pairwise((colours, *widths))
        )
        upwards = list(pairwise(reversed(widths)))
        self.ups = nn.ModuleList(layers.ConvTranspose2d(a, b, 2, 2) for a, b in upwards)
        self.decoders = nn.ModuleList(_twice(a, b, norm, bias=bias) for a, b in upwards)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of the input's size, which the levels' factors of two must divide."""
        skips: list[torch.Tensor] = []
        for index, encode in enumerate(self.encoders):
            x = encode(self.pool(x) if index else x)
            skips.append(x)
        for skip, up, decode in zip(skips[-2::-1], self.ups, self.decoders, strict=True):
            x = decode(torch.cat([skip, up(x)], 1))
        return self.head(x)


def _twice(before: int, after: int, norm: str, *, bias: bool) -> nn.Sequential:
    parts: list[nn.Module] = []
    for channels in (before, after):
        conv = nn.Conv2d(channels, after, 3, padding=1, bias=bias)
        if norm == "weight":
            parts += [weight_norm(conv), nn.ReLU(inplace=True)]
        else:
            parts += [conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts)
