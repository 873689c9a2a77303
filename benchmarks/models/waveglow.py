"""WaveGlow's upsampler: a mel spectrogram to the rate of samples in a single layer."""

from typing import Any

import torch
from torch import nn


class WaveGlowUpsampler(nn.Module):
    """What conditions the flow: a transposed convolution k1024 s256, then groups of samples.

    Prenger, Valle & Catanzaro 2019 (arXiv:1811.00002), with the sizes of NVIDIA/waveglow, glow.py
    and config.json: 80 channels, hop 256, window 1024, groups of 8. The flow itself has no
    transposed convolution and is left out.

    Parameters
    ----------
    mels, window, hop, group : int
    layers : module
        Whose ``ConvTranspose1d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(
        self,
        mels: int = 80,
        window: int = 1024,
        hop: int = 256,
        group: int = 8,
        *,
        layers: Any = nn,
    ) -> None:
        super().__init__()
        self.group, self.excess = group, window - hop
        self.upsample = layers.ConvTranspose1d(mels, mels, window, hop)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return (N, mels·group, hop·T/group) of (N, mels, T)."""
        x = self.upsample(mel)[:, :, : -self.excess]
        return x.unflatten(2, (-1, self.group)).permute(0, 1, 3, 2).flatten(1, 2)
