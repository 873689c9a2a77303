"""``tconv explain``: what a transposed convolution does to sizes and places."""

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tconv.cli import options as o
from tconv.cli.facts import facts, overlap_words
from tconv.drawing import save, whole_text
from tconv.drawing.saving import SUFFIXES
from tconv.functional import matrix
from tconv.geometry import Geometry
from tconv.symbolic import cells as symbolic_cells
from tconv.symbolic import weights
from tconv.traces import VIEWS
from tconv.traces.written import traced

DRAWN, PRINTED, PHASES = 48, 4096, 32


def explain(
    input: o.Input,
    kernel: o.Kernel,
    stride: o.Stride = "1",
    padding: o.Padding = "0",
    output_padding: o.OutputPadding = "0",
    dilation: o.Dilation = "1",
    output_size: Annotated[
        str | None, typer.Option("--output-size", metavar="N[xN…]", help="Output size.")
    ] = None,
    cells: Annotated[
        bool, typer.Option("--cells", help="Print every output cell in letters (one axis).")
    ] = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Print the convolution matrix and its transpose.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    draw: Annotated[
        str | None,
        typer.Option("--draw", metavar="VIEW", help=f"Draw step by step: {', '.join(VIEWS)}."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help=f"File for --draw: {', '.join(SUFFIXES)}."),
    ] = None,
    frame: Annotated[
        int | None, typer.Option(help="One frame: 0 before the first step, -1 the result.")
    ] = None,
    theme: Annotated[str, typer.Option(help="light or dark.")] = "light",
    terms: Annotated[
        str, typer.Option(help="step: sums settle after each step; keep: after the last.")
    ] = "step",
    scale: Annotated[float, typer.Option(help="Pixels for each unit of a drawing.")] = 1.0,
    x: o.InputValues = None,
    weight: o.KernelValues = None,
    groups: Annotated[int, typer.Option(min=1, help="Groups of channels in --x.")] = 1,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Explain sizes, phases, overlap, waste and code: [b]tconv explain -i 4 -k 3 -s 2 -p 1[/b].

    With --draw, show it step by step: [b]tconv explain -i 4 -k 3 -s 2 --draw scatter -o it.gif[/b].
    """
    if draw is not None:
        texts = {
            "view": draw, "i": input, "k": kernel, "s": stride, "p": padding,
            "op": output_padding, "d": dilation, "o": output_size, "x": x, "w": weight,
            "g": str(groups),
        }  # fmt: skip
        trace = traced({key: text for key, text in texts.items() if text is not None})
        if output is None:
            print(whole_text(trace, frame), end="")
        else:
            save(trace, output, frame, theme=theme, terms=terms, scale=scale, force=force)
        return
    if output is not None or x is not None or weight is not None:
        raise ValueError(f"--output, --x and --weight need --draw, one of {', '.join(VIEWS)}")
    geometry = Geometry.of(
        o.sizes("--input", input),
        o.sizes("--kernel", kernel),
        o.sizes("--stride", stride),
        o.padding("--padding", padding),
        o.sizes("--output-padding", output_padding),
        o.sizes("--dilation", dilation),
        o.maybe_sizes("--output-size", output_size),
    )
    known = facts(geometry)
    if cells:
        known["cells"] = _cells(geometry)
    if matrix:
        known["matrix"] = _matrix(geometry)
    if json:
        print(json_format.dumps(known, indent=2, ensure_ascii=False))
        return
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
            outputs = f"{first}, {first + axis.stride}, …"
            table.add_row(
                str(index), str(phase), outputs, _few(taps) or "none", _few(axis.tap_offsets(phase))
            )
        if axis.stride > PHASES:
            table.add_row(str(index), "…", f"{axis.stride} phases", "", "")
    return table


def _few(cells: range) -> str:
    shown = ", ".join(map(str, cells[:12]))
    return shown + (", …" if cells[12:] else "")


def _overlap(geometry: Geometry) -> RenderableType:
    if geometry.rank <= 2 and max(geometry.output_size) <= DRAWN:
        counts = np.array(geometry.overlap_map())
        return _heat(np.atleast_2d(counts))
    lines = []
    for index, axis in enumerate(geometry.axes):
        shown = ", ".join(str(axis.overlap_at(c)) for c in range(min(axis.output_size, DRAWN)))
        lines.append(f"axis {index}: {shown}{', …' if axis.output_size > DRAWN else ''}")
    return Text("\n".join([*lines, "a cell sums the product of its axes' counts"]))


def _heat(counts: np.ndarray[Any, Any]) -> Text:
    width = len(str(counts.max())) + 1
    text = Text()
    top = max(int(counts.max()), 1)
    for row in counts:
        for n in row:
            shade = 235 - round(175 * int(n) / top)
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


def _cells(geometry: Geometry) -> dict[str, str]:
    if geometry.rank != 1:
        raise ValueError(f"--cells prints one axis, got {geometry.rank}")
    _printable("--cells", geometry.products)
    _printable("--cells", *geometry.output_size)
    letters = symbolic_cells(
        geometry.input_size, geometry.kernel_size, geometry.stride, geometry.crop,
        dilation=geometry.dilation,
    )  # fmt: skip
    return {f"[{place}]": str(cell) for place, cell in enumerate(letters)}


def _matrix(geometry: Geometry) -> list[list[str]]:
    _printable("--matrix", int(np.prod(geometry.input_size)) * int(np.prod(geometry.output_size)))
    table = matrix(
        weights(geometry.kernel_size), geometry.input_size, geometry.stride, geometry.crop,
        dilation=geometry.dilation, dense=True,
    )  # fmt: skip
    return [[str(entry) for entry in row] for row in table]


def _printable(option: str, cells: int) -> None:
    if cells > PRINTED:
        raise ValueError(f"{option} would print {cells} entries, more than {PRINTED}; ask for less")


def _turned(table: list[list[str]]) -> list[list[str]]:
    return [list(column) for column in zip(*table, strict=True)]


def _grid(table: list[list[str]]) -> Text:
    width = max(len(entry) for row in table for entry in row)
    return Text(
        "\n".join(" ".join(f"{entry:>{width}}" for entry in row) for row in table), no_wrap=True
    )
