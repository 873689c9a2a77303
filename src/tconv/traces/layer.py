"""A layer small enough to follow by eye: geometry, input and kernel, as exact values."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.geometry import Geometry
from tconv.symbolic import letters, weights
from tconv.traces.values import as_values

MOST_PRODUCTS = 20_000
MOST_CELLS = 20_000
FILLED: dict[str, Callable[[tuple[int, ...], bool], NDArray[Any]]] = {
    "letters": lambda size, kernel: (weights if kernel else letters)(size),
    "numbers": lambda size, _: np.arange(1, prod(size) + 1).reshape(size),
    "ones": lambda size, _: np.ones(size, int),
}


@dataclass(frozen=True)
class Layer:
    """A layer to be traced.

    Parameters
    ----------
    geometry : Geometry
        Of one to three axes.
    x : ndarray of object, (C_in, *I)
    weight : ndarray of object, (C_in, C_out/groups, *K)
    groups : int
    """

    geometry: Geometry
    x: NDArray[Any]
    weight: NDArray[Any]
    groups: int = 1

    def __post_init__(self) -> None:
        _refuse_many(self.geometry, len(self.x) * int(self.weight.shape[1]))
        if len(self.x) != len(self.weight):
            raise ValueError(
                f"weight has {len(self.weight)} input channels but x has {len(self.x)} "
                f"(x: {self.x.shape}, weight: {self.weight.shape})"
            )
        if len(self.x) % self.groups:
            raise ValueError(f"groups {self.groups} does not divide {len(self.x)} input channels")

    @classmethod
    def of(cls, geometry: Geometry, x: Any, weight: Any, groups: int = 1) -> "Layer":
        """Make a layer of what is given: arrays with channels, words, or None.

        Examples
        --------
        >>> layer = Layer.of(Geometry.of(2, 3), "numbers", None)
        >>> layer.x, layer.weight
        (array([[1, 2]], dtype=object), array([[[w1, w2, w3]]], dtype=object))
        """
        _refuse_many(geometry, groups)
        wide = weight.shape[0] if isinstance(weight, np.ndarray) and weight.ndim else groups
        inputs = _filled("x", x, "(*I) or (C_in, *I)", (wide,), geometry.input_size)
        kernel = _filled(
            "weight", weight, "(*K) or (C_in, C_out/groups, *K)", (len(inputs), 1),
            geometry.kernel_size,
        )  # fmt: skip
        return cls(geometry, inputs, kernel, groups)

    @property
    def out_channels(self) -> int:
        """C_out."""
        return int(self.weight.shape[1]) * self.groups


def _filled(
    name: str, given: Any, layout: str, channels: tuple[int, ...], size: tuple[int, ...]
) -> NDArray[Any]:
    """Return values given, or made by one of the words, checked against the sizes."""
    if given is None:
        given = "letters" if len(size) == 1 else "numbers"
    if isinstance(given, str):
        if given not in FILLED:
            raise ValueError(
                f"{name} {given!r} is not one of {', '.join(FILLED)}; or give an array"
            )
        lead = tuple(n for n in channels if n > 1)
        array = FILLED[given]((*lead, *size), name == "weight")
        return as_values(array.reshape(*channels, *size))
    if given.ndim != len(channels) + len(size) or given.shape[len(channels) :] != size:
        raise ValueError(
            f"{name} must be {layout} with {_times(size)} at the end, got {given.shape}"
        )
    return as_values(given)


def _refuse_many(geometry: Geometry, channels: int) -> None:
    if geometry.rank > 3:
        raise ValueError(f"a trace shows one to three axes, got {geometry.rank}")
    products = channels * prod(geometry.input_size) * prod(geometry.kernel_size)
    cells = max(prod(geometry.full), prod(geometry.output_size))
    for count, most, what in ((products, MOST_PRODUCTS, "products"), (cells, MOST_CELLS, "cells")):
        if count > most:
            raise ValueError(
                f"input {_times(geometry.input_size)} and kernel {_times(geometry.kernel_size)} "
                f"make {count:,} {what}, more than the {most:,} that can be followed by eye; "
                "smaller sizes show the same, and Geometry.tile gives a part of a large layer"
            )


def _times(size: tuple[int, ...]) -> str:
    return "×".join(map(str, size))
