"""Mask R-CNN's mask head, on regions that are cut out already."""

from typing import Any

from torch import nn


class MaskHead(nn.Sequential):
    """Four 3×3 convolutions, a transposed one k2 s2, and a 1×1 for the classes.

    He et al. 2017 (arXiv:1703.06870), figure 4 right, with the sizes of pytorch/vision,
    torchvision/models/detection/mask_rcnn.py: 256 channels, 14×14 cells a region to 28×28, 91
    classes.

    Parameters
    ----------
    channels, classes : int
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(self, channels: int = 256, classes: int = 91, *, layers: Any = nn) -> None:
        parts: list[nn.Module] = []
        for _ in range(4):
            parts += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(inplace=True)]
        parts += [layers.ConvTranspose2d(channels, channels, 2, 2), nn.ReLU(inplace=True)]
        super().__init__(*parts, nn.Conv2d(channels, classes, 1))
