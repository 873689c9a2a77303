"""What a frame shows, as a list of rectangles, lines, polygons and texts; colours by name."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tconv.explanation.constants import FITTING, KINDS, SIZES, STROKES
from tconv.explanation.drawing.fitting import Fitted, fitted, shrunk, width
from tconv.explanation.drawing.layout import Box, Entry, Layout, label_fonts
from tconv.explanation.trace.model import CELL, VOID, Panel, Ref, Step
from tconv.explanation.trace.values import written

Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle with round corners; `dash` is (on, off)."""

    x: float
    y: float
    width: float
    height: float
    radius: float
    fill: str
    line: str
    stroke: float
    dash: tuple[float, float] | None = None
    opacity: float | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines from point to point, four numbers each."""

    lines: tuple[Box, ...]
    line: str
    stroke: float
    opacity: float | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True)
class Polygon:
    """A filled polygon of (x, y) points."""

    points: tuple[tuple[float, float], ...]
    fill: str
    opacity: float | None = None
    cell: Cell | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `y` is its baseline."""

    x: float
    y: float
    text: str
    size: float
    fill: str
    anchor: str = "start"
    bold: bool = False
    cell: Cell | None = None


Primitive = Rect | Lines | Polygon | Text


@dataclass(frozen=True)
class Scene:
    """A frame: its size, what it says, and its primitives from back to front."""

    width: float
    height: float
    title: str
    progress: str
    say: str
    description: str
    primitives: tuple[Primitive, ...]


def frame(layout: Layout, number: int) -> Scene:
    """Return what one frame shows.

    Parameters
    ----------
    layout : Layout
    number : int
        As the trace numbers frames: 0 before the first step, n after step n, then the result.
        Negative counts from the end.

    Returns
    -------
    Scene

    Examples
    --------
    >>> import tconv
    >>> from tconv.explanation.drawing import layout
    >>> trace = tconv.explain(2, 3, stride=2)
    >>> scene = frame(layout(trace), 1)
    >>> [part.text for part in scene.primitives if isinstance(part, Text)][-2:]
    ['input 0 = a stamps the kernel at output 0…2', 'y[0] = w1·a']
    """
    trace = layout.trace
    frames = trace.frames
    at = number + frames if number < 0 else number
    if not 0 <= at < frames:
        raise ValueError(f"frame {number} is out of range: 0 to {frames - 1}")
    step = trace.steps[at - 1] if 0 < at < frames - 1 else None
    words = _words(layout, at, step)
    parts: list[Primitive] = []
    if layout.captions:
        parts += _heading(layout, words.progress)
    if step is not None:
        parts += _wedges(layout, step)
    for panel in range(len(trace.panels)):
        parts += _labels(layout, panel)
    parts += _cells(layout, at, step)
    if layout.captions:
        parts += _caption(layout, words)
    said = ". ".join(text for text in (words.say, words.formula) if text)
    return Scene(
        width=layout.width,
        height=layout.height,
        title=trace.title,
        progress=words.progress,
        say=words.say,
        description=f"{words.progress}: {said}",
        primitives=tuple(parts),
    )


@dataclass(frozen=True, slots=True)
class _Words:
    progress: str
    say: str
    formula: str


def _words(layout: Layout, at: int, step: Step | None) -> _Words:
    trace = layout.trace
    if step is not None:
        return _Words(f"step {at} of {len(trace.steps)}", step.say, step.formula)
    if at == 0:
        given = [f"{panel.name} {panel.label}" for panel in trace.panels if _known(panel)]
        return _Words("start", ", ".join(given), "")
    made = trace.panels[trace.result]
    return _Words("result", f"{made.name} {made.label}", "")


def _known(panel: Panel) -> bool:
    return None not in panel.values


def _heading(layout: Layout, progress: str) -> list[Primitive]:
    right = layout.width - SIZES.margin
    title = layout.trace.title
    size = shrunk(title, right - SIZES.margin - STROKES.progress_room, SIZES.title, "bold")
    parts: list[Primitive] = [
        Text(SIZES.margin, SIZES.title_line, title, size, "ink", bold=True),
        Text(right, SIZES.title_line, progress, STROKES.progress, "soft", "end"),
    ]
    room = layout.width - 2 * SIZES.margin
    for line, text in enumerate(layout.trace.sizes):
        y = SIZES.title_line + SIZES.first_size + line * SIZES.size_line
        parts.append(Text(SIZES.margin, y, text, shrunk(text, room, SIZES.size_text), "soft"))
    return parts


def _caption(layout: Layout, words: _Words) -> list[Primitive]:
    room = layout.width - 2 * SIZES.margin
    y = layout.height
    parts: list[Primitive] = _legend(layout)
    for text, size, up, fill in (
        (words.say, STROKES.say, STROKES.say_up, "ink"),
        (words.formula, STROKES.formula, STROKES.formula_up, "soft"),
    ):
        if text:
            parts.append(Text(SIZES.margin, y - up, text, shrunk(text, room, size), fill))
    return parts


def _legend(layout: Layout) -> list[Primitive]:
    """Name the special kinds of cells that the panels hold."""
    kinds = {kind for panel in layout.trace.panels for kind in panel.kinds}
    x = layout.width - SIZES.margin
    y = layout.height - STROKES.legend_up
    parts: list[Primitive] = []
    side, top = STROKES.legend_cell, y - STROKES.legend_cell_up
    for kind, drawn in reversed(KINDS.items()):
        if kind not in kinds or not drawn.legend:
            continue
        x -= width(drawn.legend, STROKES.legend)
        parts.append(Text(x, y, drawn.legend, STROKES.legend, "soft"))
        x -= STROKES.legend_gap
        parts += _box((x, top, side, side), kind, "", "line", None)
        x -= STROKES.legend_gap
    return parts


def _labels(layout: Layout, panel: int) -> list[Primitive]:
    """Name a panel, its planes, and the indices of its cells."""
    grid, place = layout.trace.panels[panel], layout.places[panel]
    y = place.y + SIZES.label
    large, small = label_fonts(layout.stacked)
    if layout.stacked:
        after, below = place.x, y + SIZES.stacked_line
    else:
        after, below = place.x + width(grid.name, large, "bold") + SIZES.label_gap, y
    parts: list[Primitive] = [
        Text(place.x, y, grid.name, large, f"{grid.role}-line", bold=True),
        Text(after, below, grid.label, small, "ink"),
    ]
    wide, tall = layout.cell_width, layout.cell_height
    tick = min(STROKES.tick, tall * STROKES.tick_of_cell)
    for plane, (x, y) in enumerate(place.planes):
        if place.captions:
            up = STROKES.caption_up_ticked if layout.ticks else STROKES.caption_up
            text = place.captions[plane]
            room = max(place.columns * wide, SIZES.narrowest_plane)
            parts.append(Text(x, y - up, text, shrunk(text, room, STROKES.caption), "soft"))
        if not layout.ticks:
            continue
        for column in range(place.columns):
            text = str(column + place.first_column)
            centre = x + (column + 0.5) * wide
            parts.append(Text(centre, y - STROKES.tick_up, text, tick, "faint", "middle"))
        if place.first_row is None:
            continue
        for row in range(place.rows):
            text = str(row + place.first_row)
            middle = y + (row + 0.5) * tall + STROKES.digit * tick
            parts.append(Text(x - STROKES.tick_left, middle, text, tick, "faint", "end"))
    return parts


def _cells(layout: Layout, at: int, step: Step | None) -> list[Primitive]:
    """Draw every cell with what it holds."""
    trace = layout.trace
    focus = set(step.focus) if step else set()
    reads = set(step.reads) if step else set()
    writes = {write.to for write in step.writes} if step else set()
    over = at == trace.frames - 1
    heat = _heat(layout)
    parts: list[Primitive] = []
    for number, panel in enumerate(trace.panels):
        for cell, kind in enumerate(panel.kinds):
            if kind == VOID:
                continue
            ref = Ref(number, cell)
            entry = _entry(layout.history[number][cell], at)
            value = panel.values[cell]
            touched = ref in reads or ref in writes
            state = "active" if touched else "held" if entry or value is not None else "empty"
            box = _cell_box(layout, number, cell)
            said = [""] if value is None else [written(value)]
            if entry is not None:
                apart = not over and (layout.keep or ref in writes)
                said = [entry.terms, entry.total] if apart else [entry.total]
            if KINDS[kind].dash and not over:
                said = [""]
            drawn = _box(box, kind, panel.role, state, (number, cell))
            if heat and number == trace.result and entry is not None and kind == CELL:
                level = float(entry.total) / heat
                drawn = [_heated(drawn[0], level)]
            parts += drawn
            if ref in focus:
                parts.append(
                    Rect(*box, _radius(box), "none", "ink", _outline(layout), cell=(number, cell))
                )
            fill = "ink" if kind == CELL else "soft"
            settled = ref in focus and not layout.keep
            parts += _text(_fitted(layout, said, box, settled), box, fill, (number, cell))
    return parts


def _entry(entries: Sequence[Entry], at: int) -> Entry | None:
    held = None
    for entry in entries:
        if entry.step > at:
            break
        held = entry
    return held


def _heat(layout: Layout) -> float:
    """Return the largest count where the view paints counts, or 0."""
    trace = layout.trace
    if trace.view != "overlap":
        return 0.0
    counts = [float(cell[-1].total) for cell in layout.history[trace.result] if cell]
    return max(counts, default=0.0)


def _heated(drawn: Primitive, level: float) -> Primitive:
    assert isinstance(drawn, Rect)
    opacity = STROKES.heat_least + STROKES.heat_more * level
    return replace(drawn, fill="output-active", opacity=opacity)


def _cell_box(layout: Layout, panel: int, cell: int) -> Box:
    """Return left, top, width and height of a cell, the gap to its neighbours left out."""
    x, y = layout.corner(panel, cell)
    gap = min(STROKES.gap, layout.cell_height * STROKES.gap_of_cell)
    return x + gap, y + gap, layout.cell_width - 2 * gap, layout.cell_height - 2 * gap


def _outline(layout: Layout) -> float:
    return min(STROKES.outline, layout.cell_height * STROKES.outline_of_cell)


def _radius(box: Box) -> float:
    return min(STROKES.radius, box[3] * STROKES.radius_of_cell)


def _box(box: Box, kind: str, role: str, state: str, cell: Cell | None) -> list[Primitive]:
    """Draw an empty cell as its kind and state have it."""
    x, y, wide, tall = box
    active, radius = state == "active", _radius(box)
    drawn, stroke = KINDS[kind], STROKES.stroke
    if drawn.dash:
        fill = f"{role}-held" if active else "none"
        dashed = STROKES.dashed_stroke
        return [Rect(x, y, wide, tall, radius, fill, "soft", dashed, drawn.dash, cell=cell)]
    if drawn.fill and active:
        fill, line, opacity = f"{role}-active", f"{role}-line", STROKES.zero_opacity
        return [Rect(x, y, wide, tall, radius, fill, line, stroke, opacity=opacity, cell=cell)]
    if drawn.fill:
        return [Rect(x, y, wide, tall, radius, drawn.fill, "faint", stroke, cell=cell)]
    if drawn.hatched:
        fill = f"{role}-held" if active else "paper"
        return [
            Rect(x, y, wide, tall, radius, fill, "faint", stroke, cell=cell),
            Lines(_hatching(box), "hatch", stroke, cell=cell),
        ]
    if state == "empty":
        return [Rect(x, y, wide, tall, radius, "empty", "faint", stroke, cell=cell)]
    return [Rect(x, y, wide, tall, radius, f"{role}-{state}", f"{role}-line", stroke, cell=cell)]


def _hatching(box: Box) -> tuple[Box, ...]:
    """Return diagonals from lower left to upper right, a fixed part of the cell apart."""
    x, y, wide, tall = box
    apart = max(tall / STROKES.hatches, STROKES.hatch_gap)
    lines = []
    along = apart
    while along < wide + tall:
        lines.append(
            (
                x + max(along - tall, 0.0),
                y + min(along, tall),
                x + min(along, wide),
                y + max(along - wide, 0.0),
            )
        )
        along += apart
    return tuple(lines)


def _fitted(layout: Layout, said: list[str], box: Box, settled: bool) -> Fitted:
    """Fit the terms of a cell; the sum of a cell computed at once where they do not all fit."""
    fit = fitted(said[0], box[2], box[3], layout.font)
    if settled and (not fit.lines or fit.lines[0].startswith("…")):
        fit = fitted(said[-1], box[2], box[3], layout.font)
    return fit


def _text(fit: Fitted, box: Box, fill: str, cell: Cell) -> list[Primitive]:
    middle = box[0] + box[2] / 2
    leading, digit = FITTING.leading, STROKES.digit
    first = box[1] + box[3] / 2 - (len(fit.lines) - 1) * fit.size * leading / 2 + digit * fit.size
    return [
        Text(middle, first + line * fit.size * leading, said, fit.size, fill, "middle", cell=cell)
        for line, said in enumerate(fit.lines)
        if said
    ]


def _wedges(layout: Layout, step: Step) -> list[Primitive]:
    """Connect what the step touches, panel by panel, each plane's cells in one box."""
    touched: dict[int, dict[int, Box]] = {}
    for ref in (*step.focus, *step.reads, *(write.to for write in step.writes)):
        place = layout.places[ref.panel]
        plane = ref.cell // (place.rows * place.columns)
        x, y = layout.corner(ref.panel, ref.cell)
        box = (x, y, x + layout.cell_width, y + layout.cell_height)
        planes = touched.setdefault(ref.panel, {})
        planes[plane] = _around(planes.get(plane, box), box)
    parts: list[Primitive] = []
    panels = sorted(touched)
    for one, other in pairwise(panels):
        role = layout.trace.panels[one].role
        for start, end in _pairs(sorted(touched[one]), sorted(touched[other])):
            side = _side(layout.plane(one, start), layout.plane(other, end))
            if side:
                parts += _wedge(touched[one][start], touched[other][end], side, role)
    return parts


def _around(one: Box, other: Box) -> Box:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _pairs(starts: list[int], ends: list[int]) -> list[tuple[int, int]]:
    """Pair planes one to one where there are as many, else every one with every other."""
    if len(starts) == len(ends):
        pairs = list(zip(starts, ends, strict=True))
    else:
        pairs = [(start, end) for start in starts for end in ends]
    return pairs[: STROKES.most_wedges]


def _side(one: Box, other: Box) -> str:
    """Return on which side of one plane another one stands; nowhere if they overlap."""
    if one[2] <= other[0]:
        return "right"
    if other[2] <= one[0]:
        return "left"
    if one[3] <= other[1]:
        return "below"
    return "above" if other[3] <= one[1] else ""


def _wedge(start: Box, end: Box, side: str, role: str) -> list[Primitive]:
    """Draw what lies between the facing sides of two boxes."""
    left, top, right, bottom = start
    if side == "right":
        edges = ((right, top, end[0], end[1]), (right, bottom, end[0], end[3]))
    elif side == "left":
        edges = ((left, top, end[2], end[1]), (left, bottom, end[2], end[3]))
    elif side == "below":
        edges = ((left, bottom, end[0], end[1]), (right, bottom, end[2], end[1]))
    else:
        edges = ((left, top, end[0], end[3]), (right, top, end[2], end[3]))
    (a, b, c, d), (e, f, g, h) = edges
    return [
        Polygon(((a, b), (c, d), (g, h), (e, f)), f"{role}-active", STROKES.wedge_opacity),
        Lines(edges, f"{role}-line", STROKES.wedge_stroke, STROKES.wedge_line_opacity),
    ]
