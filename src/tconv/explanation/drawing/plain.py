"""Plain text: a frame for a terminal, with marks in place of colours."""

from tconv.explanation.drawing.layout import Grid, grid_of
from tconv.explanation.trace.model import APPENDED, CROP, CUT, HOLE, VOID, Panel, Ref, Step, Trace

COLUMNS, GAP = 80, 4
MOST_CELLS = 2**20  # of all frames together
EMPTY = {HOLE: ":", APPENDED: "+", CROP: "/", CUT: "/", VOID: " "}
MEANING = {CROP: "/ cropped", CUT: "/ cut away", HOLE: ": hole", APPENDED: "+ appended"}


def text(trace: Trace, frame: int, columns: int = COLUMNS) -> str:
    """Return a frame as plain text: ``[ ]`` the active cell, ``( )`` what it touches.

    Parameters
    ----------
    trace : Trace
    frame : int
        As the trace numbers frames.
    columns : int
        Panels stand side by side as far as they fit in so many.

    Returns
    -------
    str

    Examples
    --------
    >>> import tconv
    >>> trace = tconv.explain(2, 3, stride=2, x=[1, 2], weight=[1, 10, 100])
    >>> print(text(trace, 2))
    step 2 of 2: input 1 = 2 stamps the kernel at output 2…4
    y[2] = 1·100 + 2·1 = 102
    <BLANKLINE>
    input 2     kernel 3            output 5
     1  [2]      (1) (10) (100)       1   10  (100+2) (20) (200)
    <BLANKLINE>
    """
    at = frame + trace.frames if frame < 0 else frame
    shown = trace.cells(at)
    step = trace.steps[at - 1] if 0 < at < trace.frames - 1 else None
    apart = trace.cells(at, sums=False) if step else shown
    touched = _Touched(step)
    blocks = []
    for number, panel in enumerate(trace.panels):
        cells = [
            _cell(Ref(number, cell), kind, shown[number][cell], apart[number][cell], touched)
            for cell, kind in enumerate(panel.kinds)
        ]
        blocks.append(_block(panel, grid_of(panel), cells))
    lines = [_heading(trace, at, step), *([step.formula] if step else []), ""]
    for row in _rows(blocks, columns):
        lines += _beside(row)
        lines.append("")
    kinds = {kind for panel in trace.panels for kind in panel.kinds}
    known = [meaning for kind, meaning in MEANING.items() if kind in kinds]
    return "\n".join(lines + ([", ".join(known), ""] if known else []))


def whole_text(trace: Trace, frame: int | None = None) -> str:
    """Return one frame as plain text, or all of them below each other.

    Raises
    ------
    ValueError
        If a frame is out of range, or all of them are more than can be read.

    Examples
    --------
    >>> import tconv
    >>> print(whole_text(tconv.explain(2, 3), 0))
    Transposed convolution: stamps
    <BLANKLINE>
    input 2    kernel 3          output 4
     a   b      w1   w2   w3      .   .   .   .
    <BLANKLINE>
    """
    if frame is not None:
        return text(trace, frame)
    cells = sum(len(panel.kinds) for panel in trace.panels)
    if trace.frames * cells > MOST_CELLS:
        raise ValueError(
            f"{trace.frames:,} frames of {cells:,} cells are more than can be read; "
            "ask for one frame"
        )
    return "\n".join(text(trace, number) for number in range(trace.frames))


def _heading(trace: Trace, at: int, step: Step | None) -> str:
    if step:
        return f"step {at} of {len(trace.steps)}: {step.say}"
    return trace.title if at == 0 else "result"


class _Touched:
    """The cells that a step is about, looks at and writes; none without a step."""

    def __init__(self, step: Step | None) -> None:
        self.focus = set(step.focus) if step else set()
        self.reads = set(step.reads) if step else set()
        self.writes = {write.to for write in step.writes} if step else set()


def _cell(ref: Ref, kind: str, total: str, terms: str, touched: _Touched) -> str:
    writes = ref in touched.writes
    said = (terms if writes else total).replace(" ", "")
    if kind in (HOLE, APPENDED) and not writes:
        said = ""
    said = f"/{said}" if said and kind in (CROP, CUT) else said or EMPTY.get(kind, ".")
    if ref in touched.focus:
        return f"[{said}]"
    return f"({said})" if writes or ref in touched.reads else f" {said} "


def _block(panel: Panel, grid: Grid, cells: list[str]) -> list[str]:
    """Return the lines of a panel: its label, and its planes below each other."""
    wide = [max(map(len, cells[column :: grid.columns])) for column in range(grid.columns)]
    rows = [cells[first : first + grid.columns] for first in range(0, len(cells), grid.columns)]
    lines = [f"{panel.name} {panel.label}"]
    for number, row in enumerate(rows):
        if grid.captions and number % grid.rows == 0:
            lines.append(grid.captions[number // grid.rows])
        lines.append(" ".join(map(_middle, row, wide)))
    return lines


def _middle(cell: str, wide: int) -> str:
    return cell.rjust((wide + len(cell) + 1) // 2).ljust(wide)


def _rows(blocks: list[list[str]], columns: int) -> list[list[list[str]]]:
    rows: list[list[list[str]]] = [[]]
    taken = 0
    for block in blocks:
        wide = max(map(len, block)) + GAP
        if rows[-1] and taken + wide - GAP > columns:
            rows.append([])
            taken = 0
        rows[-1].append(block)
        taken += wide
    return rows


def _beside(blocks: list[list[str]]) -> list[str]:
    lines = []
    for line in range(max(map(len, blocks))):
        parts = []
        for block in blocks:
            said = block[line] if line < len(block) else ""
            parts.append(said.ljust(max(map(len, block)) + GAP))
        lines.append("".join(parts).rstrip())
    return lines
