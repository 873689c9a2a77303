"""HiFi-GAN's generator: from a mel spectrogram to samples, 256 for each frame."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

RATES, KERNELS = (8, 8, 2, 2), (16, 16, 4, 4)
BLOCKS, DILATIONS = (3, 7, 11), (1, 3, 5)
SLOPE = 0.1


class HiFiGAN(nn.Module):
    """The generator V1.

    Kong, Kim & Bae 2020 (arXiv:2010.05646), with the sizes of jik876/hifi-gan, models.py and
    config_v1.json: transposed convolutions of k = 2s that halve the channels, each followed by the
    mean of three residual blocks of kernel 3, 7 and 11. Without weight normalisation, which that
    repository removes before it is used.

    Parameters
    ----------
    mels, width : int
        Channels of the spectrogram and of the first layer.
    layers : module
        Whose ``ConvTranspose1d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(self, mels: int = 80, width: int = 512, *, layers: Any = nn) -> None:
        super().__init__()
        self.entrance = nn.Conv1d(mels, width, 7, padding=3)
        self.ups, self.blocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(RATES, KERNELS, strict=True):
            padding = (kernel - rate) // 2
            self.ups.append(layers.ConvTranspose1d(width, width // 2, kernel, rate, padding))
            width //= 2
            self.blocks.append(nn.ModuleList(Residuals(width, size) for size in BLOCKS))
        self.exit = nn.Conv1d(width, 1, 7, padding=3)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return (N, 1, 256·T) of (N, mels, T)."""
        x = self.entrance(mel)
        for up, blocks in zip(self.ups, self.blocks, strict=True):
            x = up(functional.leaky_relu(x, SLOPE))
            total = blocks[0](x)
            for block in blocks[1:]:
                total = total + block(x)
            x = total / len(BLOCKS)
        return torch.tanh(self.exit(functional.leaky_relu(x)))


class Residuals(nn.Module):
    """Three residuals of two convolutions, the first of them dilated by 1, 3 and 5."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()

        def conv(dilation: int) -> nn.Conv1d:
            padding = dilation * (kernel - 1) // 2
            return nn.Conv1d(channels, channels, kernel, padding=padding, dilation=dilation)

        self.dilated = nn.ModuleList(conv(dilation) for dilation in DILATIONS)
        self.plain = nn.ModuleList(conv(1) for _ in DILATIONS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return what has the input's shape."""
        for dilated, plain in zip(self.dilated, self.plain, strict=True):
            inner = dilated(functional.leaky_relu(x, SLOPE))
            x = x + plain(functional.leaky_relu(inner, SLOPE))
        return x
