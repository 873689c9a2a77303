"""The constants that Python and the page have in common, as ``constants.json`` holds them.

The page's ``web/constants.js`` reads the same file: no constant is typed in both languages.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cell.

    Parameters
    ----------
    means : str
        What such a cell is.
    legend : str
        Its name below a drawing; empty where it needs none.
    fill : str
        The colour that it has whatever it holds, by name.
    hatched : bool
    dash : (float, float) or None
        The length of the dashes around it, and of the gaps between them.
    """

    means: str
    legend: str = ""
    fill: str = ""
    hatched: bool = False
    dash: Pair | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is traced, and how long a text may be; the numbers above are refused.

    Parameters
    ----------
    products, cells : int
        Of a layer.
    letters : int
        Products of letters, times how many of them a cell sums.
    reads : int
        Products of the stretched convolution.
    entries : int
        Of the matrix.
    phases : int
    characters, value_characters : int
        Of one parameter written as text, and of one value in it.
    digits : int
        After the first one of the largest value, in what least squares give.
    """

    products: int
    cells: int
    letters: int
    reads: int
    entries: int
    phases: int
    characters: int
    value_characters: int
    digits: int


@dataclass(frozen=True, slots=True)
class Fitting:
    """How texts are fitted into cells.

    Parameters
    ----------
    leading : float
        From baseline to baseline, of the font's size.
    smallest, legible : float
        The least size of one line, and of several.
    step : float
        Between the sizes tried.
    broken_below : float
        Of the largest size; a text on one line is read more easily.
    across, down : float
        The part of a cell that a text may take.
    """

    leading: float
    smallest: float
    legible: float
    step: float
    broken_below: float
    across: float
    down: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """Where panels stand on a slide, in its units.

    Parameters
    ----------
    width, height, margin, bare_margin : float
        Of the slide, and of one without words.
    title, title_line, size_text, size_line, first_size : float
        The font of the title and its baseline; the font of the size formula, from line to line,
        and from the title to its first line.
    above_stage, below_stage : float
        Below the last baseline of the sizes; what the words below take.
    label, label_gap : float
        The font of a panel's name and size; between them.
    stacked_from, stacked_name, stacked_size, stacked_line : float
        From so many panels on, the size stands below the name; their fonts, and from line to line.
    header, tick, ticked, plane_caption, narrowest_plane : float
        What labels, indices and a plane's caption take; the least height of cells with indices.
    panel_gap, narrow_gap, widest_gap, row_gap, plane_gap : float
        Between panels, between stacked ones, and at most; between rows, and between planes.
    heights : ranges
        Of cells, as start, stop and step.
    ratios : floats
        Of a cell's width to its height.
    font_of_cell, largest_font, least_font : float
        Of a cell's height; in units; of the largest that a cell has.
    stretched, stretched_flat, beside, height_per_point : float
        What wide cells cost, on one axis; what panels side by side cost there; the height of a
        cell that counts as one unit of its font.
    """

    width: float
    height: float
    margin: float
    bare_margin: float
    title: float
    title_line: float
    size_text: float
    size_line: float
    first_size: float
    above_stage: float
    below_stage: float
    label: float
    label_gap: float
    stacked_from: int
    stacked_name: float
    stacked_size: float
    stacked_line: float
    header: float
    tick: float
    ticked: float
    plane_caption: float
    narrowest_plane: float
    panel_gap: float
    narrow_gap: float
    widest_gap: float
    row_gap: float
    plane_gap: float
    heights: tuple[tuple[float, float, float], ...]
    ratios: tuple[float, ...]
    font_of_cell: float
    largest_font: float
    least_font: float
    stretched: float
    stretched_flat: float
    beside: float
    height_per_point: float


@dataclass(frozen=True, slots=True)
class Strokes:
    """How cells and words are drawn on a slide; a name with ``_of_cell`` is a part of its height.

    Parameters
    ----------
    digit : float
        Half the height of a digit, of the font's size.
    progress, progress_room, say, say_up, formula, formula_up : float
        Fonts of the step's number, words and arithmetic; what the number takes of the title's
        line; how far above the lower edge the words stand.
    legend, legend_up, legend_gap, legend_cell, legend_cell_up : float
        The legend's font; above the lower edge; around a cell, its side, its top above the line.
    tick, tick_of_cell, tick_up, tick_left : float
        The font of indices, at most; above and beside the cells.
    caption, caption_up, caption_up_ticked : float
        The font of a plane's caption; above the cells, and above their indices.
    gap, gap_of_cell, radius, radius_of_cell, outline, outline_of_cell : float
        Between cells, of their corners, and of the line around the active one, at most.
    stroke, dashed_stroke, zero_opacity : float
        Of lines; of a zero that is read.
    hatches, hatch_gap : float
        Diagonals in a cell's height; between them, at least.
    heat_least, heat_more : float
        How opaque the least count is, and how much more the largest.
    most_wedges, wedge_opacity, wedge_stroke, wedge_line_opacity : float
        What connects the cells of a step.
    """

    digit: float
    progress: float
    progress_room: float
    say: float
    say_up: float
    formula: float
    formula_up: float
    legend: float
    legend_up: float
    legend_gap: float
    legend_cell: float
    legend_cell_up: float
    tick: float
    tick_of_cell: float
    tick_up: float
    tick_left: float
    caption: float
    caption_up: float
    caption_up_ticked: float
    gap: float
    gap_of_cell: float
    radius: float
    radius_of_cell: float
    outline: float
    outline_of_cell: float
    stroke: float
    dashed_stroke: float
    zero_opacity: float
    hatches: float
    hatch_gap: float
    heat_least: float
    heat_more: float
    most_wedges: int
    wedge_opacity: float
    wedge_stroke: float
    wedge_line_opacity: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """How many frames stand on a sheet, in its units.

    Parameters
    ----------
    family : str
        The font, here and on a slide.
    most_frames : int
    frame_width, frame_height, frame_head, frame_gap, least_width : float
        Of the slide without words that each frame is; its words; between frames; at least.
    head, title, title_line, size_text, size_line, first_size : float
        Above the frames; the fonts of the title and of the size formula, and their baselines.
    progress, progress_line, say, say_line : float
        Fonts and baselines above a frame.
    aspect : (float, float)
        Wanted of the sheet, width to height.
    empty_place : float
        What a place left empty costs, beside an aspect that is off.
    """

    family: str
    most_frames: int
    frame_width: float
    frame_height: float
    frame_head: float
    frame_gap: float
    least_width: float
    head: float
    title: float
    title_line: float
    size_text: float
    size_line: float
    first_size: float
    progress: float
    progress_line: float
    say: float
    say_line: float
    aspect: Pair
    empty_place: float


def _frozen(held: Any) -> Any:
    """Return what JSON holds with tuples in place of lists."""
    if isinstance(held, dict):
        return {name: _frozen(value) for name, value in held.items()}
    return tuple(map(_frozen, held)) if isinstance(held, list) else held


_held = _frozen(
    json.loads(files("tconv.explanation").joinpath("constants.json").read_text("utf-8"))
)

TRACE_VERSION: int = _held["trace_version"]
KINDS: dict[str, Kind] = {name: Kind(**kind) for name, kind in _held["kinds"].items()}
STRENGTH: tuple[str, ...] = _held["strength"]  # of two kinds, the later one is drawn
AXES: tuple[str, ...] = _held["axes"]
KERNEL_AXES: tuple[str, ...] = _held["kernel_axes"]
LIMITS = Limits(**_held["limits"])
THEMES: dict[str, dict[str, str]] = _held["themes"]
FITTING = Fitting(**_held["fitting"])
SIZES = Sizes(**_held["sizes"])
STROKES = Strokes(**_held["strokes"])
SHEET = Sheet(**_held["sheet"])
