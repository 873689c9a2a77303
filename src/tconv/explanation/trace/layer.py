"""A layer small enough to follow by eye: geometry, input and kernel, as exact values."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.explanation.constants import LIMITS
from tconv.explanation.trace.extents import drawn
from tconv.explanation.trace.values import as_values
from tconv.geometry import Geometry
from tconv.geometry.convolution import times
from tconv.geometry.parameters import is_sequence, length_of, shown
from tconv.symbolic import Expression, letters, weights

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
        For a view of the direct convolution that is transposed: its input, (C_out, *O).
    weight : ndarray of object, (C_in, C_out/groups, *K)
    groups : int
    direct : bool
        Whether `x` is the direct convolution's input.
    """

    geometry: Geometry
    x: NDArray[Any]
    weight: NDArray[Any]
    groups: int = 1
    direct: bool = False

    def __post_init__(self) -> None:
        pairs = len(self.weight) * int(self.weight.shape[1])
        _refuse_many(self.geometry, pairs, self.out_channels)
        if len(self.weight) % self.groups:
            raise ValueError(
                f"groups {self.groups} does not divide {len(self.weight)} input channels"
            )
        channels = self.out_channels if self.direct else len(self.weight)
        if len(self.x) != channels:
            raise ValueError(
                f"weight has {channels} {'output' if self.direct else 'input'} channels but x has "
                f"{len(self.x)} (x: {self.x.shape}, weight: {self.weight.shape})"
            )
        if any(isinstance(v, Expression) for held in (self.x, self.weight) for v in held.flat):
            self._refuse_long_sums(pairs)

    @classmethod
    def of(
        cls, geometry: Geometry, x: Any, weight: Any, groups: int = 1, *, direct: bool = False
    ) -> "Layer":
        """Make a layer of what is given: arrays with channels, words, or None.

        Examples
        --------
        >>> layer = Layer.of(Geometry.of(2, 3), "numbers", None)
        >>> layer.x, layer.weight
        (array([[1, 2]], dtype=object), array([[[w1, w2, w3]]], dtype=object))
        """
        _refuse_many(geometry, groups, groups)
        for name, array in (("x", x), ("weight", weight)):
            if isinstance(array, np.ndarray) and not array.size:
                raise ValueError(f"{name} {array.shape} is empty; give at least one channel")
        wide = groups
        if isinstance(weight, np.ndarray) and weight.ndim > 1:
            wide = weight.shape[1] * groups if direct else weight.shape[0]
        layout = "(*O) or (C_out, *O)" if direct else "(*I) or (C_in, *I)"
        size = geometry.output_size if direct else geometry.input_size
        inputs = _filled("x", x, layout, (wide,), size)
        channels = (groups, max(len(inputs) // groups, 1)) if direct else (len(inputs), 1)
        layout = "(*K) or (C_in, C_out/groups, *K)"
        kernel = _filled("weight", weight, layout, channels, geometry.kernel_size)
        return cls(geometry, inputs, kernel, groups, direct)

    def of_group(self, out_channel: int) -> int:
        """Return the number that an output channel has in its group."""
        return out_channel % int(self.weight.shape[1])

    def inputs_of(self, out_channel: int) -> range:
        """Return the input channels that an output channel sums."""
        each = len(self.weight) // self.groups
        group = out_channel // int(self.weight.shape[1])
        return range(group * each, (group + 1) * each)

    def outputs_of(self, in_channel: int) -> range:
        """Return the output channels that an input channel adds to."""
        each = int(self.weight.shape[1])
        group = in_channel // (len(self.weight) // self.groups)
        return range(group * each, (group + 1) * each)

    @property
    def out_channels(self) -> int:
        """C_out."""
        return int(self.weight.shape[1]) * self.groups

    def _refuse_long_sums(self, pairs: int) -> None:
        """Refuse sums of letters that take too long: each product writes its cell's sum anew."""
        axes = self.geometry.axes
        products = pairs * prod(axis.input_size * axis.kernel_size for axis in axes)
        if self.direct:
            terms = int(self.weight.shape[1]) * prod(self.geometry.kernel_size)
        else:
            terms = len(self.weight) // self.groups
            terms *= prod(min(axis.taps_per_phase[1], axis.input_size) for axis in axes)
        if products * terms > LIMITS.letters:
            raise ValueError(
                f"a cell would sum up to {terms:,} products of letters, more than can be followed "
                "by eye; give numbers, or smaller sizes"
            )


def _filled(
    name: str, given: Any, layout: str, channels: tuple[int, ...], size: tuple[int, ...]
) -> NDArray[Any]:
    """Return values given, or made by one of the words, checked against the sizes."""
    if given is None:
        given = "letters" if len(size) == 1 else "numbers"
    if isinstance(given, str):
        if given not in FILLED:
            raise ValueError(
                f"{name} {shown(given)} is not one of {', '.join(FILLED)}; or give an array"
            )
        lead = tuple(n for n in channels if n > 1)
        array = FILLED[given]((*lead, *size), name == "weight")
        return as_values(array.reshape(*channels, *size))
    if given.ndim != len(channels) + len(size) or given.shape[len(channels) :] != size:
        raise ValueError(
            f"{name} must be {layout} with {times(size)} at the end, got {given.shape}"
        )
    return as_values(given)


def refuse_axes(geometry: Geometry) -> None:
    """Refuse more axes than can be drawn."""
    if geometry.rank > 3:
        raise ValueError(f"a trace shows one to three axes, got {geometry.rank}")


def _refuse_many(geometry: Geometry, pairs: int, out_channels: int) -> None:
    refuse_axes(geometry)
    products = pairs * prod(geometry.input_size) * prod(geometry.kernel_size)
    cells = out_channels * prod(map(drawn, geometry.axes))
    for number, most, what in (
        (products, LIMITS.products, "products"),
        (cells, LIMITS.cells, "cells"),
    ):
        if number > most:
            raise ValueError(
                f"input {times(geometry.input_size)} and kernel {times(geometry.kernel_size)} "
                f"make {number:,} {what}, more than the {most:,} that can be followed by eye; "
                "smaller sizes show the same, and Geometry.tile gives a part of a large layer"
            )


def array_of(given: Any) -> Any:
    """Return what is given as an array, unless it is a word or None."""
    if given is None or isinstance(given, str | np.ndarray):
        return given
    array = np.array(given, dtype=object)
    if any(isinstance(cell, list | tuple) for cell in array.flat):
        raise ValueError(f"rows must be of equal length, got {shown(given)}")
    return array


def rank_of(sizes: list[Any], x: Any, weight: Any) -> int:
    """Find the number of axes: from a size that has one entry an axis, or from the arrays."""
    for size in sizes:
        if is_sequence(size):
            return length_of("a size", size)
    inputs = x.ndim if isinstance(x, np.ndarray) else None
    kernel = weight.ndim if isinstance(weight, np.ndarray) else None
    if inputs is None or kernel is None:
        return inputs or kernel or 1
    return int(kernel - 2 if kernel - inputs == 1 else min(inputs, kernel))
