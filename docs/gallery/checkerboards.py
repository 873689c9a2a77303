"""The checkerboard itself: what small layers make of a flat grey and of a photograph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from docs.pictures import eye, strip
from numpy.typing import NDArray

import tconv

Picture = NDArray[np.float64]
Panels = list[tuple[Picture, str]]

GREY = 112.0
MAGNIFIED = 8


@dataclass(frozen=True)
class Checkerboard:
    """A picture that no trace gives: what it shows, what its original left out, how it is made."""

    title: str
    shows: str
    notes: str
    make: Callable[[], Panels]


def uniform(picture: Picture, size: int, stride: int = 2) -> Picture:
    """Enlarge with equal weights whose mean gain is one, the border cut away.

    Examples
    --------
    >>> uniform(np.full((4, 4), 9.0), 3)[:2, :2]
    array([[16.,  8.],
           [ 8.,  4.]])
    >>> float(np.ptp(uniform(np.full((4, 4), 9.0), 4)))
    0.0
    """
    return enlarged(picture, np.full((size, size), (stride / size) ** 2), stride)


def enlarged(picture: Picture, kernel: Picture, stride: int = 2) -> Picture:
    """Put every channel through the layer, and keep the outputs that all their taps reach."""
    planes = np.moveaxis(np.atleast_3d(picture), -1, 0)[:, np.newaxis]
    y = tconv.conv_transpose(planes, kernel[np.newaxis, np.newaxis], stride=stride)
    border = -(-(len(kernel) - 1) // stride) * stride
    inner = y[:, 0, border : y.shape[2] - border, border : y.shape[3] - border]
    return np.moveaxis(inner, 0, -1).reshape(*inner.shape[1:], *picture.shape[2:])


def resized(picture: Picture, kernel: Picture) -> Picture:
    """Repeat every pixel and convolve, the border cut away."""
    large = np.repeat(np.repeat(picture, 2, 0), 2, 1)
    planes = np.moveaxis(np.atleast_3d(large), -1, 0)[:, np.newaxis]
    y = tconv.conv(planes, kernel[np.newaxis, np.newaxis])[:, 0]
    return np.moveaxis(y, 0, -1).reshape(*y.shape[1:], *picture.shape[2:])


def flat() -> Panels:
    """Put a flat grey through one layer of equal weights."""
    grey = np.full((16, 16), GREY)
    layers = ((3, 2), (5, 2), (4, 2), (6, 3))
    return [(_magnified(uniform(grey, k, s)), f"k{k} s{s}") for k, s in layers]


def photograph() -> Panels:
    """Put the cat's eye through one layer of equal weights, and through a resize-convolution."""
    picture = eye().astype(np.float64)
    sides = [
        (uniform(picture, 3), "k3 s2"),
        (uniform(picture, 4), "k4 s2"),
        (resized(picture, np.full((3, 3), 1 / 9)), "resized, then k3"),
    ]
    return [(np.repeat(np.repeat(side[40:140, 40:150], 2, 0), 2, 1), said) for side, said in sides]


def stacked() -> Panels:
    """Put a flat grey through one, two and three layers."""
    panels = []
    for size in (3, 4):
        picture = np.full((16, 16), GREY / 1.6)
        for depth in (1, 2, 3):
            picture = uniform(picture, size)
            said = f"k{size} s2, {depth} layer{'s' if depth > 1 else ''}"
            panels.append((_magnified(picture), said))
    return panels


def random() -> Panels:
    """Put a flat grey through layers of random weights, as before any training."""
    draw = np.random.default_rng(2)
    grey = np.full((16, 16), GREY)
    panels = []
    for size in (3, 4):
        kernel = draw.random((size, size))
        even = enlarged(grey, kernel * 4 / kernel.sum())
        panels.append((_magnified(even), f"k{size} s2, random"))
    kernel = draw.random((3, 3))
    even = resized(grey, kernel / kernel.sum())
    return [*panels, (_magnified(even), "resized, random k3")]


def _magnified(grey: Picture) -> Picture:
    """Show the middle of a grey picture large, each cell a block."""
    rows, columns = (max((n - 20) // 4 * 2, 0) for n in grey.shape)
    middle = grey[rows : rows + 20, columns : columns + 20]
    blocks = np.repeat(np.repeat(middle, MAGNIFIED, 0), MAGNIFIED, 1)
    return np.repeat(blocks[..., np.newaxis], 3, -1)


CHECKERBOARDS: Mapping[str, Checkerboard] = MappingProxyType(
    {
        "checkerboard-flat": Checkerboard(
            "A flat grey through one layer",
            "Equal weights turn a flat grey into a checkerboard where the stride does not divide "
            "the kernel, and leave it flat where it does.",
            "The article shows the pattern in pictures by trained generators; here nothing else "
            "is left.",
            flat,
        ),
        "checkerboard-photograph": Checkerboard(
            "A photograph through one layer",
            "The same weights on a cat's eye: k3 s2 weaves a grid over it, k4 s2 and resizing "
            "followed by a convolution do not.",
            "The article compares whole networks; one layer suffices.",
            photograph,
        ),
        "checkerboard-stacked": Checkerboard(
            "Several layers compound",
            "Each uneven layer lays its pattern over the enlarged pattern of the one before, and "
            "even layers stay flat at any depth.",
            "The article says that stacked layers often compound and can in principle cancel; "
            "equal weights never cancel.",
            stacked,
        ),
        "checkerboard-random": Checkerboard(
            "Random weights",
            "With random weights a layer of even overlap (k4 s2) is uneven too, and resizing "
            "followed by a convolution is level for any weights.",
            "Even overlap lets learning reach a level output; it does not begin there.",
            random,
        ),
    }
)


def save(name: str, folder: Path) -> None:
    """Make one picture."""
    strip(CHECKERBOARDS[name].make(), folder / f"{name}.png")
