"""``tconv solve``: from the sizes wanted to every parameter set that gives them."""

import json as json_format
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from tconv.cli import options as o
from tconv.convolution import times
from tconv.solve import solve as completions

PARAMETERS = (
    "input_size", "output_size", "kernel_size", "stride", "padding", "output_padding", "dilation",
)  # fmt: skip


def solve(
    input: o.MaybeInput = None,
    output_size: o.MaybeOutput = None,
    kernel: o.MaybeKernel = None,
    stride: o.MaybeStride = None,
    padding: o.MaybePadding = None,
    output_padding: o.MaybeOutputPadding = None,
    dilation: o.MaybeDilation = None,
    max_kernel: Annotated[int, typer.Option(help="Largest kernel tried.")] = 8,
    max_stride: Annotated[int, typer.Option(help="Largest stride tried.")] = 8,
    max_padding: Annotated[int, typer.Option(help="Largest padding tried.")] = 8,
    max_dilation: Annotated[int, typer.Option(help="Largest dilation tried.")] = 2,
    limit: Annotated[int, typer.Option(min=1, help="Rows printed.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print all of them as JSON.")] = False,
) -> None:
    """List every parameter set that fits, least surprising first: tconv solve -i 4 -O 8."""
    found = completions(
        o.maybe_sizes("--input", input),
        o.maybe_sizes("--output-size", output_size),
        o.maybe_sizes("--kernel", kernel),
        o.maybe_sizes("--stride", stride),
        o.maybe_sizes("--padding", padding),
        o.maybe_sizes("--output-padding", output_padding),
        o.maybe_sizes("--dilation", dilation),
        max_kernel=max_kernel,
        max_stride=max_stride,
        max_padding=max_padding,
        max_dilation=max_dilation,
    )
    if json:
        rows = [asdict(solution) | {"even_overlap": solution.geometry.even} for solution in found]
        print(json_format.dumps(rows, indent=2))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in (*(name.replace("_", " ") for name in PARAMETERS), "overlap"):
        table.add_column(heading, overflow="fold")
    for solution in found[:limit]:
        table.add_row(*_row(solution))
    console = Console(highlight=False)
    console.print(table)
    rest = f", {limit} shown; --limit shows more" if len(found) > limit else ""
    console.print(f"{len(found)} parameter set{'' if len(found) == 1 else 's'}{rest}")


def _row(solution: Any) -> list[str]:
    even = "even" if solution.geometry.even else "uneven"
    return [*(times(getattr(solution, name)) for name in PARAMETERS), even]
