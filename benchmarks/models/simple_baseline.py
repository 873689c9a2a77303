"""SimpleBaseline: joints of a person from a ResNet and three transposed convolutions."""

from typing import Any

import torch
from torch import nn

BLOCKS = (3, 4, 6, 3)
JOINTS = 17


class SimpleBaseline(nn.Sequential):
    """The whole network on a ResNet-50: 34.0 million parameters.

    Xiao, Wu & Wei 2018 (arXiv:1804.06208), with the sizes of
    microsoft/human-pose-estimation.pytorch, lib/models/pose_resnet.py: three transposed
    convolutions k4 s2 p1 of 256 channels without bias, each with BatchNorm and ReLU, then 1×1. The
    backbone is the ResNet-50 of He et al. 2016 (arXiv:1512.03385), strided in its 3×3 convolutions.

    Parameters
    ----------
    joints : int
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn, or one with the same classes.
    """

    def __init__(self, joints: int = JOINTS, *, layers: Any = nn) -> None:
        backbone, channels = _resnet50()
        head: list[nn.Module] = []
        for _ in range(3):
            deconv = layers.ConvTranspose2d(channels, 256, 4, 2, 1, bias=False)
            head += [deconv, nn.BatchNorm2d(256), nn.ReLU(inplace=True)]
            channels = 256
        super().__init__(backbone, *head, nn.Conv2d(channels, joints, 1))


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 with four times the channels, and the input added."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        after = 4 * channels
        self.body = nn.Sequential(
            *_conv(before, channels, 1), nn.ReLU(inplace=True),
            *_conv(channels, channels, 3, stride), nn.ReLU(inplace=True),
            *_conv(channels, after, 1),
        )  # fmt: skip
        plain = stride == 1 and before == after
        self.shortcut = nn.Identity() if plain else nn.Sequential(*_conv(before, after, 1, stride))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return 4·channels channels, strided."""
        return self.activation(self.body(x) + self.shortcut(x))


def _resnet50() -> tuple[nn.Sequential, int]:
    """Return the layers before the classifier, and their channels."""
    channels = 64
    parts: list[nn.Module] = [
        *_conv(3, channels, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
    ]  # fmt: skip
    for stage, blocks in enumerate(BLOCKS):
        width = 64 * 2**stage
        for block in range(blocks):
            parts.append(Bottleneck(channels, width, 2 if stage and not block else 1))
            channels = 4 * width
    return nn.Sequential(*parts), channels


def _conv(before: int, after: int, kernel: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return conv, nn.BatchNorm2d(after)
