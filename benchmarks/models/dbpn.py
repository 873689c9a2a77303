"""DBPN: a picture enlarged by going up, back down and up again, and correcting the difference."""

from typing import Any

import torch
from torch import nn

KERNELS = {2: (6, 2, 2), 4: (8, 4, 2), 8: (12, 8, 2)}


class DBPN(nn.Module):
    """Dense deep back-projection, of any number of stages.

    Haris, Shakhnarovich & Ukita 2018 (arXiv:1803.02735), with the sizes of
    alterzero/DBPN-Pytorch, dbpn.py and base_networks.py. With seven stages and a factor of four it
    is the paper's D-DBPN; with two, three units of a projection each, it is dbpns.py.

    Parameters
    ----------
    stages, factor, features, width : int
        Units upward; 2, 4 or 8; channels of the first layer, and of all others.
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(
        self,
        stages: int = 2,
        factor: int = 4,
        features: int = 256,
        width: int = 64,
        *,
        layers: Any = nn,
    ) -> None:
        super().__init__()
        self.entrance = nn.Sequential(
            nn.Conv2d(3, features, 3, padding=1), nn.PReLU(),
            nn.Conv2d(features, width, 1), nn.PReLU(),
        )  # fmt: skip
        self.ups = nn.ModuleList(
            Projection(width, max(index, 1), factor, layers, up=True) for index in range(stages)
        )
        self.downs = nn.ModuleList(
            Projection(width, index + 1, factor, layers, up=False) for index in range(stages - 1)
        )
        self.exit = nn.Conv2d(stages * width, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the picture enlarged."""
        small: list[torch.Tensor] = []
        large = [self.ups[0](self.entrance(x))]
        for up, down in zip(self.ups[1:], self.downs, strict=True):
            small.insert(0, down(_join(large)))
            large.insert(0, up(_join(small)))
        return self.exit(_join(large))


class Projection(nn.Module):
    """There, back, and there again with what was lost: three layers, of one kernel and stride."""

    def __init__(self, width: int, joined: int, factor: int, layers: Any, *, up: bool) -> None:
        super().__init__()
        kinds = [layers.ConvTranspose2d, nn.Conv2d]
        there, back = kinds if up else kinds[::-1]
        self.reduce = (
            nn.Sequential(nn.Conv2d(joined * width, width, 1), nn.PReLU())
            if joined > 1
            else nn.Identity()
        )
        self.there, self.back, self.again = (
            nn.Sequential(kind(width, width, *KERNELS[factor]), nn.PReLU())
            for kind in (there, back, there)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `width` channels, `factor` times as large, or as small."""
        x = self.reduce(x)
        first = self.there(x)
        return first + self.again(self.back(first) - x)


def _join(parts: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat(parts, 1) if len(parts) > 1 else parts[0]
