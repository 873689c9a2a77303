"""The panels that views share, and where their cells stand."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

from numpy.typing import NDArray

from tconv.explanation.constants import AXES, KERNEL_AXES
from tconv.explanation.trace.extents import frame, joined, output_kinds
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import APPENDED, CELL, HOLE, VOID, Panel, Ref
from tconv.explanation.trace.values import Value
from tconv.geometry.convolution import times


class Cells:
    """Where the cells of an array stand in the panel that shows it, axes of size one included.

    Parameters
    ----------
    panel : int
        The panel's number.
    size : sequence of int
        The array's, channels first.
    origin : sequence of int, optional
        The index of its first cell.

    Examples
    --------
    >>> cells = Cells(2, (1, 3, 4), (0, -1, 0))
    >>> cells((0, 0, 1))
    Ref(panel=2, cell=5)
    """

    def __init__(self, panel: int, size: Sequence[int], origin: Sequence[int] | None = None):
        self._panel = panel
        steps = [1]
        for n in reversed(size[1:]):
            steps.append(steps[-1] * n)
        self._steps = steps[::-1]
        self._first = sum(a * b for a, b in zip(origin or (), self._steps, strict=False))

    def __call__(self, index: Sequence[int]) -> Ref:
        """Return the cell at an index."""
        at = sum(a * b for a, b in zip(index, self._steps, strict=True))
        return Ref(self._panel, at - self._first)


def input_cells(layer: Layer, panel: int) -> Cells:
    """Place (channel, *position) of the input."""
    return Cells(panel, layer.x.shape)


def kernel_cells(layer: Layer, panel: int) -> Cells:
    """Place (input channel, output channel of its group, *tap) of the kernel."""
    return Cells(panel, layer.weight.shape)


def framed_cells(channels: int, extents: Sequence[range], panel: int) -> Cells:
    """Place (channel, *index) of a panel whose axes are drawn over these ranges."""
    return Cells(panel, (channels, *map(len, extents)), (0, *(cells.start for cells in extents)))


def output_cells(layer: Layer, panel: int) -> Cells:
    """Place (channel, *output) of the output, cropped cells included."""
    return framed_cells(layer.out_channels, [frame(a) for a in layer.geometry.axes], panel)


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


def framed_panel(
    name: str,
    role: str,
    channels: int,
    extents: Sequence[range],
    kinds: Sequence[Sequence[str]],
    *,
    values: Iterable[Value | None] | None = None,
    label: str,
) -> Panel:
    """Return a panel whose axes are drawn over ranges, each index of a kind.

    Without values, holes and appended cells hold 0 and the rest is yet to be written; with them,
    void cells still hold none.
    """
    known: dict[tuple[str, ...], str] = {}
    plane = [known.get(each) or known.setdefault(each, joined(each)) for each in product(*kinds)]
    every = tuple(plane * channels)
    lead = (channels,) if channels > 1 else ()
    held: list[Value | None]
    if values is None:
        held = [0 if kind in (HOLE, APPENDED) else None for kind in every]
    else:
        held = [None if k == VOID else v for v, k in zip(values, every, strict=True)]
    return Panel(
        name=name,
        role=role,
        axes=(*("channel",) * len(lead), *spatial(len(extents))),
        size=(*lead, *map(len, extents)),
        origin=(*(0,) * len(lead), *(cells.start for cells in extents)),
        kinds=every,
        values=tuple(held),
        label=label,
    )


def input_panel(layer: Layer, name: str = "input") -> Panel:
    """Return the panel of the input."""
    return filled_panel(name, "input", layer.x, ("channel",))


def kernel_panel(layer: Layer) -> Panel:
    """Return the panel of the kernel."""
    return filled_panel("kernel", "kernel", layer.weight, KERNEL_AXES)


def output_panel(layer: Layer, name: str = "output") -> Panel:
    """Return the empty panel of the output: the full output's cells and the appended ones."""
    axes = layer.geometry.axes
    kept, full = times(layer.geometry.output_size), times(layer.geometry.full)
    return framed_panel(
        name,
        "output",
        layer.out_channels,
        [frame(axis) for axis in axes],
        [output_kinds(axis) for axis in axes],
        label=kept if kept == full else f"{kept}, of a full {full}",
    )


def spatial(rank: int) -> tuple[str, ...]:
    """Return the names of the last axes: ``("row", "column")`` for two."""
    return AXES[-rank:]
