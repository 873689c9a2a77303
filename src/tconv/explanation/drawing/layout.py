"""Where everything stands, chosen once a trace: panel places, and one cell size for them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from tconv.explanation.constants import SIZES
from tconv.explanation.drawing.fitting import fitted
from tconv.explanation.drawing.fitting import width as text_width
from tconv.explanation.trace.model import Panel, Trace
from tconv.explanation.trace.values import sum_written, written

HEIGHTS = [
    start + step * n
    for start, stop, step in SIZES.heights
    for n in range(round((stop - start) / step))
]

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a cell holds from a step on: all its terms, and their sum."""

    step: int
    terms: str
    total: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands.

    Parameters
    ----------
    x, y : float
        Of its label's line.
    rows, columns : int
        Of a plane.
    planes : tuple of (float, float)
        The first cell's corner of each.
    captions : tuple of str
        One a plane; empty where there is a single plane.
    first_row : int or None
        The index of the first row; None where there are no rows.
    first_column : int
    """

    x: float
    y: float
    rows: int
    columns: int
    planes: tuple[tuple[float, float], ...]
    captions: tuple[str, ...]
    first_row: int | None
    first_column: int


@dataclass(frozen=True)
class Layout:
    """A trace with the places of its panels; see :func:`layout`."""

    trace: Trace
    keep: bool
    captions: bool
    width: float
    height: float
    stage: Box
    cell_width: float
    cell_height: float
    font: float
    ticks: bool
    stacked: bool
    places: tuple[Place, ...]
    history: tuple[tuple[tuple[Entry, ...], ...], ...]

    def plane(self, panel: int, plane: int) -> Box:
        """Return left, top, right and bottom of a plane's cells."""
        place = self.places[panel]
        x, y = place.planes[plane]
        across, down = place.columns * self.cell_width, place.rows * self.cell_height
        return x, y, x + across, y + down

    def corner(self, panel: int, cell: int) -> tuple[float, float]:
        """Return the upper left corner of a cell."""
        place = self.places[panel]
        plane, at = divmod(cell, place.rows * place.columns)
        row, column = divmod(at, place.columns)
        x, y = place.planes[plane]
        return x + column * self.cell_width, y + row * self.cell_height


def layout(
    trace: Trace,
    *,
    terms: str = "step",
    captions: bool = True,
    width: float = SIZES.width,
    height: float = SIZES.height,
) -> Layout:
    """Place the panels of a trace on a slide.

    Parameters
    ----------
    trace : Trace
    terms : {"step", "keep"}
        Whether only the cells being written show their terms, or all do until the result.
    captions : bool
        Whether title, sizes, words and arithmetic are drawn; else the stage alone fills the slide.
    width, height : float
        Of the slide.

    Returns
    -------
    Layout

    Examples
    --------
    >>> import tconv
    >>> place = layout(tconv.explain((2, 2), 3)).places[0]
    >>> place.rows, place.columns
    (2, 2)
    """
    if terms not in ("step", "keep"):
        raise ValueError(f"terms {terms!r} is not one of step, keep")
    history = _history(trace)
    margin = SIZES.margin if captions else SIZES.bare_margin
    sizes = len(trace.sizes) * SIZES.size_line
    top = SIZES.title_line + sizes + SIZES.above_stage if captions else margin
    bottom = height - (SIZES.below_stage if captions else margin)
    totals, sums = _longest(trace, history)
    across, down = width - 2 * margin, bottom - top
    grids = [grid_of(panel) for panel in trace.panels]
    best = (-1.0, 0, 1, 1.0, 1.0, 1.0)
    flat = all(grid.rows == 1 and not grid.lead for grid in grids)
    stretched = SIZES.stretched_flat if flat else SIZES.stretched
    stacked = not flat and len(grids) >= SIZES.stacked_from
    for mode, abreast, ratio in product(range(3), range(len(grids), 0, -1), SIZES.ratios):
        blocks = _blocks(trace.panels, grids, mode, stacked)
        tall = _tallest(blocks, abreast, ratio, across, down)
        wide = tall * ratio
        largest = min(tall * SIZES.font_of_cell, SIZES.largest_font)
        size = min(fitted(text, wide, tall, largest).size for text in totals)
        apart = min(fitted(text, wide, tall, largest).size for text in sums)
        font = max(size, largest * SIZES.least_font)
        score = (size + font + apart / 2) * (1 - stretched * (ratio - 1))
        score += tall / SIZES.height_per_point
        if flat and abreast > 1:
            score *= SIZES.beside
        if score > best[0]:
            best = (score, mode, abreast, tall, wide, font)
    _, mode, abreast, tall, wide, font = best
    blocks = _blocks(trace.panels, grids, mode, stacked)
    room = (margin, top, width - margin, bottom)
    places, stage = _placed(blocks, abreast, wide, tall, room)
    return Layout(
        trace=trace,
        keep=terms == "keep",
        captions=captions,
        width=width,
        height=height,
        stage=stage,
        cell_width=wide,
        cell_height=tall,
        font=font,
        ticks=tall >= SIZES.ticked,
        stacked=stacked,
        places=places,
        history=history,
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """How a panel's cells fall into planes."""

    rows: int
    columns: int
    lead: tuple[int, ...]
    captions: tuple[str, ...]
    first_row: int | None
    first_column: int


@dataclass(frozen=True, slots=True)
class _Block:
    """A panel's planes, in rows, and the least width of its label."""

    grid: Grid
    down: int
    across: int
    label: float
    header: float
    gap: float

    def measure(self, wide: float, tall: float) -> tuple[float, float]:
        """Return width and height for a cell size."""
        plane_width, plane_height = self.plane(wide, tall)
        return (
            max(self.across * (plane_width + SIZES.plane_gap) - SIZES.plane_gap, self.label),
            self.header + self.down * (plane_height + SIZES.plane_gap) - SIZES.plane_gap,
        )

    def plane(self, wide: float, tall: float) -> tuple[float, float]:
        """Return width and height of one plane, its ticks and caption included."""
        tick = SIZES.tick if tall >= SIZES.ticked else 0
        narrowest = SIZES.narrowest_plane if self.grid.captions else 0
        return (
            tick + max(self.grid.columns * wide, narrowest),
            tick + self.grid.rows * tall + (SIZES.plane_caption if self.grid.captions else 0),
        )


def grid_of(panel: Panel) -> Grid:
    """Return how a panel falls into planes: its last axes, and one plane for each place before."""
    flat = len(panel.size) == 1 or _leads(panel.axes[-2])
    lead = panel.size[: -1 if flat else -2]
    rows = 1 if flat else panel.size[-2]
    captions = []
    if lead:
        names = [_short(name, len(lead)) for name in panel.axes[: len(lead)]]
        for place in product(*map(range, lead)):
            at = [i + first for i, first in zip(place, panel.origin, strict=False)]
            captions.append(", ".join(f"{n} {i}" for n, i in zip(names, at, strict=True)))
    first_row = None if flat else panel.origin[-2]
    return Grid(rows, panel.size[-1], lead, tuple(captions), first_row, panel.origin[-1])


def _leads(axis: str) -> bool:
    return axis == "slice" or "channel" in axis or "phase" in axis


def _short(axis: str, axes: int) -> str:
    return axis.replace("put channel", "") if axes > 1 else axis


def _blocks(
    panels: Sequence[Panel], grids: Sequence[Grid], mode: int, stacked: bool
) -> list[_Block]:
    """Stack each panel's planes: below each other, in a square, or side by side."""
    blocks = []
    for panel, grid in zip(panels, grids, strict=True):
        planes = prod(grid.lead)
        across = (1, _root(planes), planes)[mode]
        if len(grid.lead) > 1:
            across = grid.lead[-1]
        name, size = _label_widths(panel, stacked)
        if stacked:
            label, header = max(name, size), SIZES.header + SIZES.stacked_line
        else:
            label, header = name + SIZES.label_gap + size, SIZES.header
        gap = SIZES.narrow_gap if stacked else SIZES.panel_gap
        blocks.append(_Block(grid, -(-planes // across), across, label, header, gap))
    return blocks


def _root(planes: int) -> int:
    side = 1
    while side * side < planes:
        side += 1
    return side


def _label_widths(panel: Panel, stacked: bool) -> tuple[float, float]:
    """Return the widths of a panel's name and of its size."""
    name, size = label_fonts(stacked)
    return text_width(panel.name, name, "bold"), text_width(panel.label, size)


def label_fonts(stacked: bool) -> tuple[float, float]:
    """Return the font sizes of a panel's name and of its size."""
    return (SIZES.stacked_name, SIZES.stacked_size) if stacked else (SIZES.label, SIZES.label)


def _rows(blocks: Sequence[_Block], abreast: int) -> list[Sequence[_Block]]:
    return [blocks[first : first + abreast] for first in range(0, len(blocks), abreast)]


def _added(numbers: Sequence[float]) -> float:
    """Add from first to last: ``sum`` rounds otherwise from Python 3.12 on, and in the page."""
    total = 0.0
    for number in numbers:
        total += number
    return total


def _tallest(
    blocks: Sequence[_Block], abreast: int, ratio: float, across: float, down: float
) -> float:
    """Return the largest cell height with which the blocks fit the stage, or the least of all."""
    rows = _rows(blocks, abreast)

    def fits(tall: float) -> bool:
        wide, high = 0.0, -SIZES.row_gap
        for row in rows:
            sizes = [block.measure(tall * ratio, tall) for block in row]
            wide = max(wide, _added([size[0] for size in sizes]) + row[0].gap * (len(row) - 1))
            high += max(size[1] for size in sizes) + SIZES.row_gap
        return wide <= across and high <= down

    fitting, beyond = 0, len(HEIGHTS)
    while beyond - fitting > 1:
        middle = (fitting + beyond) // 2
        if fits(HEIGHTS[middle]):
            fitting = middle
        else:
            beyond = middle
    return HEIGHTS[fitting]


def _placed(
    blocks: Sequence[_Block], abreast: int, wide: float, tall: float, room: Box
) -> tuple[tuple[Place, ...], Box]:
    """Centre every row in the room, and every panel on its row; return what they take up, too."""
    start, top, end, bottom = room
    rows = _rows(blocks, abreast)
    sizes = [[block.measure(wide, tall) for block in row] for row in rows]
    heights = [max(size[1] for size in row) for row in sizes]
    spare = bottom - top - _added(heights) - SIZES.row_gap * (len(rows) - 1)
    row_gap = SIZES.row_gap + min(spare / (len(rows) + 1), SIZES.row_gap)
    used = _added(heights) + row_gap * (len(rows) - 1)
    first = y = top + (bottom - top - used) / 2
    places = []
    left = end
    for row, measured, height in zip(rows, sizes, heights, strict=True):
        taken = _added([size[0] for size in measured])
        gap = min(max((end - start - taken) / (len(row) + 1), row[0].gap), SIZES.widest_gap)
        x = start + (end - start - taken - gap * (len(row) - 1)) / 2
        left = min(left, x)
        for block, (block_width, block_height) in zip(row, measured, strict=True):
            above = y + (height - block_height) / 2
            places.append(_place(block, x, above, wide, tall, block_width))
            x += block_width + gap
        y += height + row_gap
    return tuple(places), (left, first, start + end - left, first + used)


def _place(
    block: _Block, x: float, y: float, wide: float, tall: float, block_width: float
) -> Place:
    grid = block.grid
    tick = SIZES.tick if tall >= SIZES.ticked else 0
    plane_width, plane_height = block.plane(wide, tall)
    above = block.header + tick + (SIZES.plane_caption if grid.captions else 0)
    used = block.across * (plane_width + SIZES.plane_gap) - SIZES.plane_gap
    left = x + (block_width - used) / 2
    corners = []
    for plane in range(prod(grid.lead)):
        down, along = divmod(plane, block.across)
        corners.append(
            (
                left + tick + along * (plane_width + SIZES.plane_gap),
                y + above + down * (plane_height + SIZES.plane_gap),
            )
        )
    label = corners[0][0] if block.label <= block_width - (corners[0][0] - x) else x
    return Place(
        x=label,
        y=y,
        rows=grid.rows,
        columns=grid.columns,
        planes=tuple(corners),
        captions=grid.captions,
        first_row=grid.first_row,
        first_column=grid.first_column,
    )


def _history(trace: Trace) -> tuple[tuple[tuple[Entry, ...], ...], ...]:
    entries: list[list[list[Entry]]] = [[[] for _ in panel.kinds] for panel in trace.panels]
    terms: dict[tuple[int, int], list[str]] = {}
    for number, step in enumerate(trace.steps, 1):
        for write in step.writes:
            held = terms.setdefault((write.to.panel, write.to.cell), [])
            held.append(written(write.term))
            cell = entries[write.to.panel][write.to.cell]
            entry = Entry(number, sum_written(held), written(write.total))
            if cell and cell[-1].step == number:
                cell.pop()
            cell.append(entry)
    return tuple(tuple(map(tuple, panel)) for panel in entries)


def _longest(
    trace: Trace, history: Sequence[Sequence[Sequence[Entry]]]
) -> tuple[list[str], list[str]]:
    """Return each panel's widest value, and its widest line of terms."""
    totals, sums = [], []
    for panel, cells in zip(trace.panels, history, strict=True):
        values = [written(value) for value in panel.values if value is not None]
        values += [entry.total for cell in cells for entry in cell]
        totals.append(_widest(values))
        sums.append(_widest([entry.terms for cell in cells for entry in cell]))
    return totals, sums


def _widest(texts: list[str]) -> str:
    widest, most = "0", 0.0
    for text in texts:
        wide = text_width(text, 1)
        if wide > most:
            widest, most = text, wide
    return widest
