"""What a trace is: panels of cells, and steps that read and write them. Plain data, versioned.

``docs/trace.md`` describes the same as JSON.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from tconv.explanation.constants import KINDS, TRACE_VERSION
from tconv.explanation.trace.values import Value, jsonable, sum_written, written
from tconv.geometry import Geometry

CELL, ZERO, PAD, CUT, CROP, HOLE, APPENDED, VOID = KINDS
ROLES = ("input", "kernel", "output", "between")


@dataclass(frozen=True, slots=True)
class Ref:
    """A cell, by panel number and by position in that panel's row-major list of cells."""

    panel: int
    cell: int


@dataclass(frozen=True, slots=True)
class Write:
    """One term put into a cell.

    Parameters
    ----------
    to : Ref
    factors : tuple of Ref
        The cells multiplied: (input, kernel); one cell where a value is copied.
    term : Value
        What is added.
    text : str
        The term with its factors, as a formula says it: ``2·3``, ``w2·a``.
    total : Value
        What the cell holds afterwards.
    """

    to: Ref
    factors: tuple[Ref, ...]
    term: Value
    text: str
    total: Value


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """One step: one stamp, one output, one phase — whatever the view goes by.

    Parameters
    ----------
    say : str
        The step in words.
    formula : str
        The step in arithmetic.
    focus : tuple of Ref
        The active cells: the one stamped, or the one computed.
    reads : tuple of Ref
        Every cell looked at, inserted zeros included.
    writes : tuple of Write
    """

    say: str
    formula: str
    focus: tuple[Ref, ...]
    reads: tuple[Ref, ...]
    writes: tuple[Write, ...]

    def __repr__(self) -> str:
        return f"<Step: {self.say}; {_counted(self.writes, 'write')}>"


@dataclass(frozen=True, slots=True, repr=False)
class Panel:
    """A grid of cells.

    Parameters
    ----------
    name : str
        As labelled: ``"input"``.
    role : {"input", "kernel", "output", "between"}
        What it is coloured as.
    axes : tuple of str
        A name an axis: ``("channel", "row", "column")``; the last two are drawn as a grid, those
        before them as stacked planes.
    size : tuple of int
        Cells along each axis, cropped and appended ones included.
    origin : tuple of int
        The index of the first cell along each axis: -1 where one cropped cell stands before cell 0.
    kinds : tuple of str
        One a cell, row by row.
    values : tuple of Value or None
        What the cells hold before the first step; None where they are yet to be written.
    label : str
        Its size in words, as the drawing says it: ``"3×3"``, ``"5×5, cropped to 3×3"``.
    """

    name: str
    role: str
    axes: tuple[str, ...]
    size: tuple[int, ...]
    origin: tuple[int, ...]
    kinds: tuple[str, ...]
    values: tuple[Value | None, ...]
    label: str

    def __repr__(self) -> str:
        return f"<Panel {self.name}: {self.label}>"

    def index(self, cell: int) -> tuple[int, ...]:
        """Return the index of a cell, as labelled (so -1 stands before 0)."""
        place = []
        for size, first in zip(reversed(self.size), reversed(self.origin), strict=True):
            cell, at = divmod(cell, size)
            place.append(at + first)
        return tuple(reversed(place))

    def cell(self, index: Sequence[int]) -> int:
        """Return the cell at an index.

        Examples
        --------
        >>> panel = Panel("x", "input", ("row", "column"), (2, 3), (-1, 0), (), (), "2×3")
        >>> panel.cell((0, 1)), panel.index(4)
        (4, (0, 1))
        """
        cell = 0
        for size, first, at in zip(self.size, self.origin, index, strict=True):
            cell = cell * size + at - first
        return cell


@dataclass(frozen=True, repr=False)
class Trace:
    """What happens, step by step.

    Frame 0 shows the panels before the first step, frame n step n, and frame ``len(steps) + 1`` the
    result.

    Parameters
    ----------
    view : str
    title : str
    geometry : Geometry
    sizes : tuple of str
        The size formula with its numbers, a line each.
    panels : tuple of Panel
    steps : tuple of Step
    result : int
        The number of the panel that holds the result.
    """

    view: str
    title: str
    geometry: Geometry
    sizes: tuple[str, ...]
    panels: tuple[Panel, ...]
    steps: tuple[Step, ...]
    result: int

    def __repr__(self) -> str:
        return f"<Trace {self.view}: {self.geometry}; {_counted(self.steps, 'step')}>"

    @property
    def frames(self) -> int:
        """Number of frames: before the first step, each step, the result."""
        return len(self.steps) + 2

    def terms(self, frame: int) -> dict[Ref, list[Value]]:
        """Return the terms that each written cell holds once `frame` is shown, in order.

        Examples
        --------
        >>> import tconv
        >>> trace = tconv.explain(2, 3, stride=2, x=[1, 2], weight=[1, 10, 100])
        >>> [terms for terms in trace.terms(trace.frames - 1).values() if len(terms) > 1]
        [[100, 2]]
        """
        held: dict[Ref, list[Value]] = {}
        for step in self.steps[: max(self._frame(frame), 0)]:
            for write in step.writes:
                held.setdefault(write.to, []).append(write.term)
        return held

    def cells(self, frame: int, *, sums: bool = True) -> list[list[str]]:
        """Return what every cell of every panel shows at a frame, written out.

        Parameters
        ----------
        frame : int
            0 to ``frames - 1``; negative counts from the end.
        sums : bool
            Whether terms are added up (``6``), or kept apart (``1 + 2 + 3``).

        Examples
        --------
        >>> import tconv
        >>> trace = tconv.explain(2, 3, stride=2, x=[1, 2], weight=[1, 10, 100])
        >>> trace.cells(2)[trace.result]
        ['1', '10', '102', '20', '200']
        >>> trace.cells(2, sums=False)[trace.result]
        ['1', '10', '100 + 2', '20', '200']
        """
        shown = [
            ["" if value is None else written(value) for value in panel.values]
            for panel in self.panels
        ]
        for step in self.steps[: self._frame(frame)] if sums else ():
            for write in step.writes:
                shown[write.to.panel][write.to.cell] = written(write.total)
        if not sums:
            for to, terms in self.terms(frame).items():
                shown[to.panel][to.cell] = sum_written([written(term) for term in terms])
        return shown

    def values(self, panel: int | None = None) -> Any:
        """Return the final values of a panel, as lists nested as deep as it has axes.

        Of the result's panel, without the cells that are cropped.

        Examples
        --------
        >>> import tconv
        >>> tconv.explain((2, 2), 3, stride=2, padding=1, weight="ones").values()
        [[1, 3, 2], [4, 10, 6], [3, 7, 4]]
        """
        number = self.result if panel is None else panel
        grid = self.panels[number]
        final: list[Value | None] = list(grid.values)
        for step in self.steps:
            for write in step.writes:
                if write.to.panel == number:
                    final[write.to.cell] = write.total
        kept = [
            value
            for value, kind in zip(final, grid.kinds, strict=True)
            if number != self.result or kind not in (CROP, VOID)
        ]
        size = list(grid.size)
        if number == self.result and len(kept) != prod(size):
            size[len(size) - self.geometry.rank :] = self.geometry.output_size
        return _nested(kept, size)

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as JSON holds it; see ``docs/trace.md``."""
        return {
            "version": TRACE_VERSION,
            "view": self.view,
            "title": self.title,
            "geometry": {
                "input_size": list(self.geometry.input_size),
                "kernel_size": list(self.geometry.kernel_size),
                "stride": list(self.geometry.stride),
                "dilation": list(self.geometry.dilation),
                "crop": [list(pair) for pair in self.geometry.crop],
                "output_size": list(self.geometry.output_size),
            },
            "sizes": list(self.sizes),
            "result": self.result,
            "panels": [_panel(panel) for panel in self.panels],
            "steps": [_step(step) for step in self.steps],
        }

    def to_json(self, indent: int | None = None) -> str:
        """Return the trace as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    def _frame(self, frame: int) -> int:
        number = frame + self.frames if frame < 0 else frame
        if not 0 <= number < self.frames:
            raise ValueError(f"frame {frame} is out of range: 0 to {self.frames - 1}")
        return number


def _counted(several: Sequence[object], noun: str) -> str:
    return f"{len(several)} {noun}{'' if len(several) == 1 else 's'}"


def _panel(panel: Panel) -> dict[str, Any]:
    return {
        "name": panel.name,
        "role": panel.role,
        "axes": list(panel.axes),
        "size": list(panel.size),
        "origin": list(panel.origin),
        "kinds": list(panel.kinds),
        "values": [jsonable(value) for value in panel.values],
        "label": panel.label,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "say": step.say,
        "formula": step.formula,
        "focus": [[ref.panel, ref.cell] for ref in step.focus],
        "reads": [[ref.panel, ref.cell] for ref in step.reads],
        "writes": [
            {
                "to": [write.to.panel, write.to.cell],
                "factors": [[ref.panel, ref.cell] for ref in write.factors],
                "term": jsonable(write.term),
                "text": write.text,
                "total": jsonable(write.total),
            }
            for write in step.writes
        ],
    }


def _nested(values: list[Any], size: Iterable[int]) -> Any:
    sizes = list(size)
    for n in reversed(sizes[1:]):
        values = [values[start : start + n] for start in range(0, len(values), n)]
    return values


def places(size: Sequence[int]) -> Iterable[tuple[int, ...]]:
    """Return every index of an array of this size, row by row."""
    return product(*map(range, size))
