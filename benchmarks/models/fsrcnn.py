"""FSRCNN: a picture enlarged by one transposed convolution after thin convolutions."""

from typing import Any

from torch import nn


class FSRCNN(nn.Sequential):
    """FSRCNN(56, 12, 4): thin convolutions, and one wide kernel that enlarges.

    Dong, Loy & Tang 2016 (arXiv:1608.00367), section 3; the padding of yjn870/FSRCNN-pytorch,
    models.py. The paper's 12,464 parameters are the weights of its convolutions; biases and PReLUs
    come on top.

    Parameters
    ----------
    factor : int
        How many times larger the picture becomes.
    features, shrunken, mappings : int
        The paper's d, s and m.
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(
        self,
        factor: int = 3,
        features: int = 56,
        shrunken: int = 12,
        mappings: int = 4,
        *,
        layers: Any = nn,
    ) -> None:
        sizes = [
            (1, features, 5), (features, shrunken, 1), *[(shrunken, shrunken, 3)] * mappings,
            (shrunken, features, 1),
        ]  # fmt: skip
        parts: list[nn.Module] = []
        for before, after, kernel in sizes:
            parts += [nn.Conv2d(before, after, kernel, padding=kernel // 2), nn.PReLU(after)]
        super().__init__(*parts, layers.ConvTranspose2d(features, 1, 9, factor, 4, factor - 1))
