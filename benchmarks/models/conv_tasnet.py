"""Conv-TasNet: speakers separated by masks between a learned analysis and its synthesis."""

from typing import Any

import torch
from torch import nn


class ConvTasNet(nn.Module):
    """The whole network; its synthesis is one transposed convolution of k = 2s with one channel.

    Luo & Mesgarani 2019 (arXiv:1809.07454), the non-causal network with N 512, L 16, B and Sc 128,
    H 512, P 3, X 8, R 3, sigmoid masks and the padding of pytorch/audio,
    torchaudio/models/conv_tasnet.py.

    Parameters
    ----------
    speakers, features, kernel, bottleneck, hidden, dilations, repeats : int
        The paper's C, N, L, B, H, X and R.
    layers : module
        Whose ``ConvTranspose1d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(
        self,
        speakers: int = 2,
        features: int = 512,
        kernel: int = 16,
        bottleneck: int = 128,
        hidden: int = 512,
        dilations: int = 8,
        repeats: int = 3,
        *,
        layers: Any = nn,
    ) -> None:
        super().__init__()
        self.speakers = speakers
        frames = (kernel, kernel // 2, kernel // 2)
        self.analysis = nn.Conv1d(1, features, *frames, bias=False)
        self.entrance = nn.Sequential(nn.GroupNorm(1, features), nn.Conv1d(features, bottleneck, 1))
        steps = [2**power for power in range(dilations)] * repeats
        last = len(steps) - 1
        self.blocks = nn.ModuleList(
            Block(bottleneck, hidden, step, residual=index < last)
            for index, step in enumerate(steps)
        )
        self.masks = nn.Sequential(
            nn.PReLU(), nn.Conv1d(bottleneck, features * speakers, 1), nn.Sigmoid()
        )
        self.synthesis = layers.ConvTranspose1d(features, 1, *frames, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, speakers, T) of (N, 1, T), where T is a multiple of half the kernel."""
        coded = self.analysis(x)
        features, summed = self.entrance(coded), 0.0
        for block in self.blocks:
            features, skip = block(features)
            summed = summed + skip
        masked = self.masks(summed).unflatten(1, (self.speakers, -1)) * coded.unsqueeze(1)
        return self.synthesis(masked.flatten(0, 1)).view(x.shape[0], self.speakers, x.shape[2])


class Block(nn.Module):
    """1×1, depthwise and dilated, 1×1: a residual for the next block and a skip to the masks."""

    def __init__(self, channels: int, hidden: int, dilation: int, *, residual: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(channels, hidden, 1), nn.PReLU(), nn.GroupNorm(1, hidden),
            nn.Conv1d(hidden, hidden, 3, 1, dilation, dilation, hidden),
            nn.PReLU(), nn.GroupNorm(1, hidden),
        )  # fmt: skip
        self.residual = nn.Conv1d(hidden, channels, 1) if residual else None
        self.skip = nn.Conv1d(hidden, channels, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the next block reads, and what the masks do."""
        inner = self.body(x)
        return x if self.residual is None else x + self.residual(inner), self.skip(inner)
