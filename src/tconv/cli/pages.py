"""What ``tconv explain`` prints, page by page."""

from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.coverage import unreached
from tconv.geometry.facts import overlap_words, unread_words

DRAWN, PHASES, ENDS, AROUND = 48, 32, 20, 3


def show(geometry: Geometry, known: dict[str, Any]) -> None:
    """Print a geometry and what :func:`tconv.geometry.facts.facts` knows of it."""
    console = Console(highlight=False)
    for page in _pages(geometry, known):
        console.print(page, soft_wrap=isinstance(page, Text))


def _pages(geometry: Geometry, known: dict[str, Any]) -> list[RenderableType]:
    pages: list[RenderableType] = [Text(str(geometry), style="bold")]
    pages += _page("Size", Text("\n".join([*known["derivation"], *_relations(known)])))
    same, adjoint = geometry.stretched(), geometry.adjoint()
    none = "of no direct convolution: cells stand where no such convolution would read"
    lines = [
        f"same as     {same}",
        f"            (padded to {'×'.join(map(str, same.padded_size))})",
        f"adjoint of  {adjoint or none}",
    ]
    pages += _page("Direct convolutions", Text("\n".join(lines)))
    pages += _page("Phases and taps", _phases(geometry))
    pages += _page(f"Overlap — {overlap_words(geometry)}", _overlap(geometry))
    if unread := unread_words(geometry):
        pages += _page("Thrown away", Text("\n".join(unread)))
    work = known["multiplications"]
    share = work["wasted"] / work["zero_inserted"]
    pages += _page(
        "Multiplications",
        Text(
            f"useful         {work['useful']:,}\nzero-inserted  {work['zero_inserted']:,}\n"
            f"wasted         {work['wasted']:,} ({share:.0%})"
        ),
    )
    pages += _page("The same layer", _code(known["code"]))
    if "cells" in known:
        text = "\n".join(f"y{place} = {cell}" for place, cell in known["cells"].items())
        pages += _page("Cells", Text(text))
    if "matrix" in known:
        pages += _page("Convolution matrix C", _grid(known["matrix"]))
        pages += _page("Its transpose, the transposed convolution", _grid(_turned(known["matrix"])))
    return pages


def _page(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold cyan"), body]


def _relations(known: dict[str, Any]) -> list[str]:
    several = len(known["relations"]) > 1
    lines = []
    for axis, relation in enumerate(known["relations"]):
        where = f", axis {axis}" if several else ""
        if relation is None:
            said = "none in the guide (dilation, or a crop that no symmetric padding expresses)"
        else:
            said = f"{relation['number']} ({relation['condition']}): {relation['formula']}"
        lines.append(f"relation{where}".ljust(19) + said)
    return ["", *lines]


def _phases(geometry: Geometry) -> RenderableType:
    table = Table("axis", "phase", "outputs", "taps k", r"reads x\[q - t], t", box=box.SIMPLE)
    for index, axis in enumerate(geometry.axes):
        for first in range(min(axis.stride, axis.output_size, PHASES)):
            phase = axis.phase(first)
            taps = axis.taps(phase)
            outputs = _few(range(first, axis.output_size, axis.stride), 2)
            table.add_row(
                str(index), str(phase), outputs, _few(taps) or "none", _few(axis.tap_offsets(phase))
            )
        if axis.stride > PHASES:
            table.add_row(str(index), "…", f"{axis.stride} phases", "", "")
    return table


def _few(cells: range, most: int = 12) -> str:
    shown = ", ".join(map(str, cells[:most]))
    return shown + (", …" if cells[most:] else "")


def _overlap(geometry: Geometry) -> RenderableType:
    if geometry.rank <= 2 and max(geometry.output_size) <= DRAWN:
        table = geometry.overlap_map()
        return _heat(table if geometry.rank == 2 else [table])
    lines = []
    for index, axis in enumerate(geometry.axes):
        for cells in _windows(axis):
            where = f"axis {index}, outputs {cells[0]} to {cells[-1]}:"
            lines.append(f"{where} {', '.join(str(axis.overlap_at(c)) for c in cells)}")
    if geometry.rank > 1:
        lines.append("a cell sums the product of its axes' counts")
    return Text("\n".join(lines))


def _windows(axis: Axis) -> list[range]:
    """Return the outputs to show: all, or both ends and the ends of the first and last holes."""
    size = axis.output_size
    if size <= DRAWN:
        return [range(size)]
    seen = [(0, ENDS), (size - ENDS, size)]
    holes = unreached(axis)
    if holes.count:
        for run in (next(holes.runs()), holes.last_run()):
            seen += [(edge - AROUND, edge + AROUND + 1) for edge in (run[0], run[-1])]
    windows: list[range] = []
    for first, end in sorted((max(first, 0), min(end, size)) for first, end in seen):
        if windows and first <= windows[-1].stop:
            windows[-1] = range(windows[-1].start, max(end, windows[-1].stop))
        else:
            windows.append(range(first, end))
    return windows


def _heat(counts: list[list[int]]) -> Text:
    top = max(map(max, counts))
    width = len(str(top)) + 1
    text = Text()
    for row in counts:
        for n in row:
            shade = 235 - round(175 * n / max(top, 1))
            ink = "black" if shade > 140 else "white"
            text.append(f"{n:>{width}} ", style=f"{ink} on rgb({shade},{shade},235)")
        text.append("\n")
    return text[:-1]


def _code(lines: dict[str, dict[str, str]]) -> Text:
    text = Text()
    for name, said in lines.items():
        text.append(f"{name:<12}")
        if "code" in said:
            text.append(said["code"])
        else:
            text.append(f"none: {said['none']}", style="dim")
        text.append("\n")
    return text[:-1]


def _turned(table: list[list[str]]) -> list[list[str]]:
    return [list(column) for column in zip(*table, strict=True)]


def _grid(table: list[list[str]]) -> Text:
    width = max(len(entry) for row in table for entry in row)
    return Text(
        "\n".join(" ".join(f"{entry:>{width}}" for entry in row) for row in table), no_wrap=True
    )
