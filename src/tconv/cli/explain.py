"""``tconv explain``: what a transposed convolution does to sizes and places."""

import json as json_format
import re
from math import prod
from pathlib import Path
from typing import Annotated, Any

import typer

from tconv.cli import options as o
from tconv.conventions import code
from tconv.geometry import Geometry
from tconv.geometry.facts import facts

PRINTED = 4096


def explain(
    input: o.Input,
    kernel: o.Kernel,
    stride: o.Stride = "1",
    padding: o.Padding = "0",
    output_padding: o.OutputPadding = "0",
    dilation: o.Dilation = "1",
    output_size: o.MaybeOutput = None,
    cells: Annotated[
        bool, typer.Option("--cells", help="Print every output cell in letters (one axis).")
    ] = False,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Print the convolution matrix and its transpose.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    draw: Annotated[
        str | None,
        typer.Option("--draw", metavar="VIEW", help=f"Draw step by step: {o.VIEWS}."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=f"File for --draw, else the terminal: {o.SUFFIXES}.",
        ),
    ] = None,
    frame: Annotated[
        int | None,
        typer.Option(metavar="N", help="One frame: 0 before the first step, -1 the result."),
    ] = None,
    theme: Annotated[
        str | None, typer.Option(metavar="NAME", help="light (the default) or dark.")
    ] = None,
    terms: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="step (the default): sums settle after each step; keep: at the end.",
        ),
    ] = None,
    scale: Annotated[
        float | None, typer.Option(metavar="X", help="Pixels for each unit of a drawing; 1.")
    ] = None,
    x: o.InputValues = None,
    weight: o.KernelValues = None,
    groups: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Groups of channels in --x; 1.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Explain sizes, phases, overlap, waste and code: tconv explain -i 4 -k 3 -s 2 -p 1.

    With --draw, show it step by step: tconv explain -i 4 -k 3 -s 2 --draw scatter -o it.gif.
    """
    words = o.layer(
        input_size=input, kernel_size=kernel, stride=stride, padding=padding,
        output_padding=output_padding, dilation=dilation, output_size=output_size,
    )  # fmt: skip
    printing = {"--cells": cells, "--matrix": matrix, "--json": json}
    style = {"theme": theme, "terms": terms, "scale": scale}
    drawing = {
        "--output": output, "--frame": frame, "--x": x, "--weight": weight, "--groups": groups,
        "--force": force or None, **{f"--{name}": value for name, value in style.items()},
    }  # fmt: skip
    if draw is None:
        _refuse_drawing(drawing)
        _print(Geometry.of(**words), **{name.strip("-"): on for name, on in printing.items()})
        return
    for name, on in printing.items():
        if on:
            trace = "; for the trace as JSON, --output trace.json" if name == "--json" else ""
            raise ValueError(f"give --draw or {name}, not both{trace}")
    texts = {
        "view": draw, "i": input, "k": kernel, "s": stride, "p": padding, "op": output_padding,
        "d": dilation, "o": output_size, "x": x, "w": weight,
        "g": None if groups is None else str(groups),
    }  # fmt: skip
    given = {name: value for name, value in style.items() if value is not None}
    _draw(
        {key: text for key, text in texts.items() if text is not None}, output, frame, force, given
    )


def _refuse_drawing(options: dict[str, Any]) -> None:
    file = options["--output"]
    if file is not None and re.fullmatch(r"\d+([x×]\d+)*", str(file)):
        raise ValueError(f"-o names the file of --draw; the output size is -O {file}")
    given = [name for name, value in options.items() if value is not None]
    if given:
        needs = "needs" if len(given) == 1 else "need"
        raise ValueError(f"{', '.join(given)} {needs} --draw, one of {o.VIEWS}")


def _draw(
    texts: dict[str, str],
    output: Path | None,
    frame: int | None,
    force: bool,
    style: dict[str, Any],
) -> None:
    from tconv.explanation import explain as explained
    from tconv.explanation.trace.written import read

    trace = explained(**read(texts))
    if output is not None:
        trace.save(output, frame, force=force, **style)
        return
    if style or force:
        given = ", ".join(f"--{name}" for name in (*style, *["force"] * force))
        raise ValueError(f"{given} is for a file; name one with --output")
    from tconv.explanation.drawing import whole_text

    print(whole_text(trace, frame), end="")


def _print(geometry: Geometry, *, cells: bool, matrix: bool, json: bool) -> None:
    known = facts(geometry) | {"code": code(geometry)}
    if cells:
        known["cells"] = _cells(geometry)
    if matrix:
        known["matrix"] = _matrix(geometry)
    if json:
        print(json_format.dumps(known, indent=2, ensure_ascii=False))
        return
    from tconv.cli.pages import show

    show(geometry, known)


def _cells(geometry: Geometry) -> dict[str, str]:
    if geometry.rank != 1:
        raise ValueError(f"--cells prints one axis, got {geometry.rank}")
    _printable("--cells", geometry.products)
    _printable("--cells", *geometry.output_size)
    from tconv.symbolic import cells as symbolic_cells

    letters = symbolic_cells(
        geometry.input_size, geometry.kernel_size, geometry.stride, geometry.crop,
        dilation=geometry.dilation,
    )  # fmt: skip
    return {f"[{place}]": str(cell) for place, cell in enumerate(letters)}


def _matrix(geometry: Geometry) -> list[list[str]]:
    _printable("--matrix", prod(geometry.input_size) * prod(geometry.output_size))
    from tconv.functional import matrix
    from tconv.symbolic import weights

    table = matrix(
        weights(geometry.kernel_size), geometry.input_size, geometry.stride, geometry.crop,
        dilation=geometry.dilation, dense=True,
    )  # fmt: skip
    return [[str(entry) for entry in row] for row in table]


def _printable(option: str, cells: int) -> None:
    if cells > PRINTED:
        raise ValueError(f"{option} would print {cells} entries, more than {PRINTED}; ask for less")
