"""The panels that views share: input, kernel, and output with the ring that is cropped."""

from math import prod
from typing import Any

from numpy.typing import NDArray

from tconv.axis import Axis
from tconv.convolution import times
from tconv.traces.layer import Layer
from tconv.traces.model import APPENDED, CELL, CROP, HOLE, VOID, Panel, Ref, places

SPATIAL = ("slice", "row", "column")
SEVERITY = (CELL, HOLE, APPENDED, CROP, VOID)


def spatial(rank: int) -> tuple[str, ...]:
    """Return the names of the last axes: ``("row", "column")`` for two."""
    return SPATIAL[3 - rank :]


def filled_panel(
    name: str, role: str, array: NDArray[Any], lead: tuple[str, ...], *, label: str | None = None
) -> Panel:
    """Return a panel of known values; leading axes of size one are left out."""
    rank = array.ndim - len(lead)
    kept = [(n, size) for n, size in zip(lead, array.shape, strict=False) if size > 1]
    size = (*(s for _, s in kept), *array.shape[len(lead) :])
    return Panel(
        name=name,
        role=role,
        axes=(*(n for n, _ in kept), *spatial(rank)),
        size=size,
        origin=(0,) * len(size),
        kinds=(CELL,) * array.size,
        values=tuple(array.ravel()),
        label=label or times(array.shape[len(lead) :]),
    )


def input_panel(layer: Layer) -> Panel:
    """Return the panel of the input."""
    return filled_panel("input", "input", layer.x, ("channel",))


def kernel_panel(layer: Layer) -> Panel:
    """Return the panel of the kernel."""
    return filled_panel("kernel", "kernel", layer.weight, ("input channel", "output channel"))


def output_panel(layer: Layer) -> Panel:
    """Return the empty panel of the output: the full output's cells and the appended ones."""
    axes = layer.geometry.axes
    frames = [frame(axis) for axis in axes]
    kinds = [[_kind(axis, o) for o in cells] for axis, cells in zip(axes, frames, strict=True)]
    size = tuple(map(len, frames))
    plane = [
        _joined(tuple(kinds[a][at] for a, at in enumerate(place))) for place in places(size)
    ] * layer.out_channels
    lead = (layer.out_channels,) if layer.out_channels > 1 else ()
    kept = times(layer.geometry.output_size)
    full = times(layer.geometry.full)
    return Panel(
        name="output",
        role="output",
        axes=(*("channel",) * len(lead), *spatial(len(axes))),
        size=(*lead, *size),
        origin=(*(0,) * len(lead), *(cells[0] for cells in frames)),
        kinds=tuple(plane),
        values=tuple(0 if kind in (HOLE, APPENDED) else None for kind in plane),
        label=kept if kept == full else f"{kept}, of a full {full}",
    )


def frame(axis: Axis) -> range:
    """Return the output indices drawn on an axis: the full output, and what is appended.

    Examples
    --------
    >>> frame(Axis(2, 3, stride=2, crop_start=1, output_size=5))
    range(-1, 5)
    """
    return range(min(-axis.crop_start, 0), max(axis.full - axis.crop_start, axis.output_size))


def channel_of(index: tuple[int, ...], rank: int) -> int:
    """Return the channel in an index whose channel axis may have been left out."""
    return index[0] if len(index) > rank else 0


class Places:
    """Where the cells of input, kernel and output stand in their panels, whatever is left out.

    Parameters
    ----------
    layer : Layer
    panels : tuple of (int, Panel)
        Number and panel of input, kernel and output.
    """

    def __init__(self, layer: Layer, x: int, kernel: int, y: int, output: Panel) -> None:
        self._layer = layer
        self._x, self._kernel, self._y = x, kernel, y
        self._frames = [frame(axis) for axis in layer.geometry.axes]
        self._cells = prod(map(len, self._frames))
        self._output = output

    def x(self, channel: int, position: tuple[int, ...]) -> Ref:
        """Return the input cell of a channel and position."""
        return Ref(self._x, _flat((channel, *position), self._layer.x.shape))

    def kernel(self, in_channel: int, out_channel: int, tap: tuple[int, ...]) -> Ref:
        """Return the kernel element between two channels; `out_channel` is the whole layer's."""
        shape = self._layer.weight.shape
        return Ref(self._kernel, _flat((in_channel, out_channel % shape[1], *tap), shape))

    def y(self, channel: int, output: tuple[int, ...]) -> Ref:
        """Return the output cell of a channel and output index, cropped ones included."""
        at = tuple(o - cells[0] for o, cells in zip(output, self._frames, strict=True))
        return Ref(self._y, channel * self._cells + _flat(at, tuple(map(len, self._frames))))

    def lands(self, ref: Ref) -> bool:
        """Whether an output cell is kept."""
        return self._output.kinds[ref.cell] not in (CROP, VOID)


def _flat(index: tuple[int, ...], size: tuple[int, ...]) -> int:
    cell = 0
    for at, n in zip(index, size, strict=True):
        cell = cell * n + at
    return cell


def _kind(axis: Axis, output: int) -> str:
    if not 0 <= output < axis.output_size:
        return CROP
    if not 0 <= output + axis.crop_start < axis.full:
        return APPENDED
    return CELL if axis.overlap_at(output) else HOLE


def _joined(kinds: tuple[str, ...]) -> str:
    if CROP in kinds and APPENDED in kinds:
        return VOID
    return max(kinds, key=SEVERITY.index)
