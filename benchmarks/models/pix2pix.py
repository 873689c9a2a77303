"""pix2pix's generator: a U-Net of strided convolutions down and transposed ones up."""

from typing import Any

import torch
from torch import nn


class Pix2Pix(nn.Module):
    """The generator "unet_256": eight levels down to 1×1 and eight up, all of k4 s2 p1.

    Isola et al. 2017 (arXiv:1611.07004), with the sizes of junyanz/pytorch-CycleGAN-and-pix2pix,
    models/networks.py: LeakyReLU(0.2) before what goes down, ReLU before what goes up, BatchNorm
    but at both ends, dropout in three levels, tanh.

    Parameters
    ----------
    colours, results, width : int
        Channels in and out; that file's ngf.
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(
        self, colours: int = 3, results: int = 3, width: int = 64, *, layers: Any = nn
    ) -> None:
        super().__init__()
        down = [width * factor for factor in (1, 2, 4, 8, 8, 8, 8, 8)]
        deepest = len(down) - 1
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for level, channels in enumerate(down):
            before = down[level - 1] if level else colours
            conv = nn.Conv2d(before, channels, 4, 2, 1, bias=False)
            if level == 0:
                self.downs.append(conv)
            elif level == deepest:
                self.downs.append(nn.Sequential(nn.LeakyReLU(0.2), conv))
            else:
                norm = nn.BatchNorm2d(channels)
                self.downs.append(nn.Sequential(nn.LeakyReLU(0.2), conv, norm))
        for level in reversed(range(len(down))):
            joined = down[level] * (1 if level == deepest else 2)
            after = down[level - 1] if level else results
            deconv = layers.ConvTranspose2d(joined, after, 4, 2, 1, bias=level == 0)
            parts = [nn.ReLU(), deconv, nn.BatchNorm2d(after) if level else nn.Tanh()]
            if 4 <= level < deepest:
                parts.append(nn.Dropout(0.5))
            self.ups.append(nn.Sequential(*parts))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a picture of the input's size, a multiple of 256."""
        skips = []
        for down in self.downs:
            x = down(x)
            skips.append(x)
        for index, up in enumerate(self.ups):
            x = up(torch.cat([skips[-1 - index], x], 1) if index else x)
        return x
