"""The operator, its adjoint and its weight gradient as matrix products over strided views.

Phases that read the same inputs share one product: with u = o + c0 = s·q + r, the phases r whose
taps lie at the same offsets read the same cells x[q - t] for every q. No zero is inserted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.reference import products
from tconv.reference.cells import by_group, cropped

BLOCK = 2**18  # elements of one block: it and its product stay in the second-level cache
SPARSE = 4  # cells crossed for each cell read, from which on cells are picked out one by one


@dataclass(frozen=True)
class _PhaseGroup:
    """The phases of one axis whose taps lie at the same offsets, each with its taps."""

    axis: Axis
    offsets: range
    phases: tuple[tuple[int, range], ...]

    @property
    def rows(self) -> tuple[int, int]:
        """The q, [first, end), at which any of the phases has outputs that read inputs."""
        starts, ends = zip(*(self._span(phase) for phase, _ in self.phases), strict=True)
        first = max(min(starts), self.offsets[0])
        return first, max(first, min(max(ends), self.offsets[-1] + self.axis.input_size))

    def place(self, phase: int, first: int, end: int) -> tuple[slice, slice]:
        """Return where a phase's values for q in [first, end) go, and which of them do."""
        start, stop = self._span(phase)
        start, stop = max(start, first), max(min(stop, end), max(start, first))
        at = start * self.axis.stride + phase - self.axis.crop_start
        to = at + (stop - start) * self.axis.stride
        return slice(at, to, self.axis.stride), slice(start - first, stop - first)

    def _span(self, phase: int) -> tuple[int, int]:
        s, c0, size = self.axis.stride, self.axis.crop_start, self.axis.output_size
        return -((phase - c0) // s), -((phase - c0 - size) // s)


def _phase_groups(axis: Axis) -> list[_PhaseGroup]:
    together: dict[range, list[tuple[int, range]]] = {}
    for phase, taps, offsets in axis.tapped_phases():
        if offsets.step > axis.input_size:  # no output reads two of them
            for k, t in zip(taps, offsets, strict=True):
                together.setdefault(range(t, t + 1), []).append((phase, range(k, k + 1)))
        else:
            together.setdefault(offsets, []).append((phase, taps))
    return [_PhaseGroup(axis, offsets, tuple(phases)) for offsets, phases in together.items()]


def conv_transpose(
    x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute a transposed convolution: x (N, C_in, *I) -> (N, C_out, *O)."""
    if not products.finite(weight):
        return products.conv_transpose(x, weight, geometry, groups)
    out_channels = weight.shape[1]
    dtype = np.result_type(x, weight)
    y = np.zeros((len(x), groups * out_channels, *geometry.output_size), dtype)
    grouped_y = by_group(y, 1, groups)
    grouped_x, grouped_weight = by_group(x, 1, groups), by_group(weight, 0, groups)
    for phase_groups in product(*map(_phase_groups, geometry.axes)):
        rows = [group.rows for group in phase_groups]
        if any(first == end for first, end in rows):
            continue
        kernel = _phase_matrix(grouped_weight, phase_groups)
        taps = tuple(len(group.offsets) for group in phase_groups)
        for images, tile in _tiles(len(x), rows, x.shape[1] * prod(taps)):
            read = _read(
                grouped_x[images],
                start=[
                    first - group.offsets[-1]
                    for (first, _), group in zip(tile, phase_groups, strict=True)
                ],
                step=(1,) * len(taps),
                size=[end - first for first, end in tile],
                taps=taps,
                tap_step=[group.offsets.step for group in phase_groups],
            )
            part = kernel @ _columns(read, len(taps))
            part = part.reshape(
                groups,
                *(len(group.phases) for group in phase_groups),
                out_channels,
                len(grouped_x[images]),
                *(end - first for first, end in tile),
            )
            for which in np.ndindex(*part.shape[1 : 1 + len(phase_groups)]):
                to, of = zip(
                    *(
                        group.place(group.phases[p][0], *span)
                        for group, p, span in zip(phase_groups, which, tile, strict=True)
                    ),
                    strict=True,
                )
                values = part[(slice(None), *which, ..., *of)]
                grouped_y[(images, slice(None), slice(None), *to)] = np.moveaxis(values, 2, 0)
    return y


def conv(
    y: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute the adjoint, a direct convolution: y (N, C_out, *O) -> (N, C_in, *I)."""
    dtype = np.result_type(y, weight)
    x = np.empty((len(y), len(weight), *geometry.input_size), dtype)
    grouped_x, grouped_y = by_group(x, 1, groups), by_group(y, 1, groups)
    kernel = by_group(weight, 0, groups).reshape(groups, len(weight) // groups, -1)
    for images, tile in _direct_tiles(geometry, y):
        part = kernel @ _columns(_read_direct(grouped_y[images], geometry, tile), geometry.rank)
        size = [end - first for first, end in tile]
        part = part.reshape(groups, len(weight) // groups, len(grouped_y[images]), *size)
        to = tuple(slice(first, end) for first, end in tile)
        grouped_x[(images, slice(None), slice(None), *to)] = np.moveaxis(part, 2, 0)
    return x


def weight_gradient(
    x: NDArray[Any], grad: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute the gradient with respect to the weight, x conjugated: (C_in, C_out/groups, *K)."""
    dtype = np.result_type(x, grad)
    in_channels, out_channels = x.shape[1] // groups, grad.shape[1] // groups
    total = np.zeros((groups, in_channels, out_channels * prod(geometry.kernel_size)), dtype)
    grouped_x, grouped_grad = by_group(x, 1, groups), by_group(grad, 1, groups)
    for images, tile in _direct_tiles(geometry, grad):
        columns = _columns(_read_direct(grouped_grad[images], geometry, tile), geometry.rank)
        to = tuple(slice(first, end) for first, end in tile)
        values = grouped_x[(images, slice(None), slice(None), *to)].conj()
        total += np.moveaxis(values, 0, 2).reshape(groups, in_channels, -1) @ columns.swapaxes(1, 2)
    return total.reshape(groups * in_channels, out_channels, *geometry.kernel_size)


def _phase_matrix(weight: NDArray[Any], phase_groups: tuple[_PhaseGroup, ...]) -> NDArray[Any]:
    """Gather weight (g, C_in, C_out, *K) into (g, phases·C_out, C_in·taps), taps running back."""
    rank = len(phase_groups)
    index: list[Any] = []
    for a, group in enumerate(phase_groups):
        taps = np.array([list(reversed(taps)) for _, taps in group.phases])
        shape = [1] * (2 * rank)
        shape[a], shape[rank + a] = taps.shape
        index.append(taps.reshape(shape))
    gathered = weight[(..., *index)]  # (g, C_in, C_out, *phases, *taps)
    g, _, o = gathered.shape[:3]
    phases, taps_at = range(3, 3 + rank), range(3 + rank, 3 + 2 * rank)
    ordered = gathered.transpose(0, *phases, 2, 1, *taps_at)
    count = prod(gathered.shape[3 : 3 + rank])
    return ordered.reshape(g, count * o, -1)


def _read(
    array: NDArray[Any],
    *,
    start: list[int],
    step: tuple[int, ...],
    size: list[int],
    taps: tuple[int, ...],
    tap_step: list[int] | tuple[int, ...],
) -> NDArray[Any]:
    """View array (N, g, C, *I) as (N, g, C, *size, *taps): cell start + q·step + t·tap_step."""
    lengths = array.shape[3:]
    reach = [
        (n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(size, step, taps, tap_step, strict=True)
    ]
    if prod(reach) > SPARSE * (prod(lengths) + prod(size) * prod(taps)):
        places = [
            _places(*axis) for axis in zip(start, step, size, taps, tap_step, lengths, strict=True)
        ]
        return _picked(array, places)
    part = cropped(array, [(a, n - a - r) for a, n, r in zip(start, lengths, reach, strict=True)])
    strides = part.strides[3:]
    return as_strided(
        part,
        (*part.shape[:3], *size, *taps),
        (
            *part.strides[:3],
            *(b * s if n > 1 else b for b, s, n in zip(strides, step, size, strict=True)),
            *(b * s if n > 1 else b for b, s, n in zip(strides, tap_step, taps, strict=True)),
        ),
        writeable=False,
    )


def _places(
    start: int, step: int, size: int, taps: int, tap_step: int, length: int
) -> NDArray[np.int64]:
    """Return the cells start + q·step + t·tap_step as (size, taps); -1 where none is."""
    reach = (size - 1) * step + (taps - 1) * tap_step + 1
    first = min(max(start, -reach), length)  # beyond these there are no cells either
    places = np.arange(size)[:, np.newaxis] * step + np.arange(taps) * tap_step + first
    return np.where((places >= 0) & (places < length), places, -1)


def _picked(array: NDArray[Any], places: list[NDArray[np.int64]]) -> NDArray[Any]:
    """Copy the cells of array (N, g, C, *I) at places, (size, taps) an axis; 0 where none is."""
    rank = len(places)
    spread = []
    for a, place in enumerate(places):
        shape = [1] * (2 * rank)
        shape[a], shape[rank + a] = place.shape
        spread.append(place.reshape(shape))
    at: Any = (..., *spread)
    picked: NDArray[Any] = array[at]
    outside = np.zeros(picked.shape[3:], bool)
    for place in spread:
        outside |= place < 0
    missing: Any = (..., outside)
    picked[missing] = 0
    return picked


def _read_direct(y: NDArray[Any], geometry: Geometry, tile: list[tuple[int, int]]) -> NDArray[Any]:
    return _read(
        y,
        start=[
            first * axis.stride - axis.crop_start
            for (first, _), axis in zip(tile, geometry.axes, strict=True)
        ],
        step=geometry.stride,
        size=[end - first for first, end in tile],
        taps=geometry.kernel_size,
        tap_step=geometry.dilation,
    )


def _columns(read: NDArray[Any], rank: int) -> NDArray[Any]:
    """Copy (N, g, C, *size, *taps) into (g, C·taps, N·positions)."""
    size, taps = range(3, 3 + rank), range(3 + rank, 3 + 2 * rank)
    ordered = read.transpose(1, 2, *taps, 0, *size)
    g, c = ordered.shape[:2]
    return ordered.reshape(g, c * prod(read.shape[3 + rank :]), -1)


def _direct_tiles(
    geometry: Geometry, y: NDArray[Any]
) -> Iterator[tuple[slice, list[tuple[int, int]]]]:
    rows = [(0, size) for size in geometry.input_size]
    return _tiles(len(y), rows, y.shape[1] * prod(geometry.kernel_size))


def _tiles(
    images: int, rows: list[tuple[int, int]], depth: int
) -> Iterator[tuple[slice, list[tuple[int, int]]]]:
    """Split images and positions so that a block of `depth` rows stays near BLOCK elements."""
    columns = max(BLOCK // max(depth, 1), 64)
    block = []
    for first, end in reversed(rows):
        block.append(max(1, min(end - first, columns)))
        columns = max(columns // (end - first), 1)
    block.reverse()
    for n in range(0, images, columns):
        starts = (range(first, end, b) for (first, end), b in zip(rows, block, strict=True))
        for corner in product(*starts):
            yield (
                slice(n, n + columns),
                [
                    (at, min(at + b, end))
                    for at, b, (_, end) in zip(corner, block, rows, strict=True)
                ],
            )
