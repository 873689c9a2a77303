"""DCGAN's generator: nothing but transposed convolutions."""

from typing import Any

from torch import nn


class DCGAN(nn.Sequential):
    """The generator of 64×64 pictures.

    Five layers: 1×1 to 4×4, then a factor of two each, with BatchNorm and ReLU between and tanh
    at the end. Radford, Metz & Chintala 2016 (arXiv:1511.06434), with the sizes and names of
    pytorch/examples, dcgan/main.py.

    Parameters
    ----------
    latent, width, colours : int
        That file's nz, ngf and nc.
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(
        self, latent: int = 100, width: int = 64, colours: int = 3, *, layers: Any = nn
    ) -> None:
        channels = [latent, 8 * width, 4 * width, 2 * width, width]
        parts: list[nn.Module] = []
        for index in range(4):
            enlarging = (4, 2, 1) if index else (4, 1, 0)
            deconv = layers.ConvTranspose2d(*channels[index : index + 2], *enlarging, bias=False)
            parts += [deconv, nn.BatchNorm2d(channels[index + 1]), nn.ReLU(inplace=True)]
        parts += [layers.ConvTranspose2d(width, colours, 4, 2, 1, bias=False), nn.Tanh()]
        super().__init__(*parts)
