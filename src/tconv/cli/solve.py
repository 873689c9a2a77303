"""``tconv solve``: parameters for the sizes wanted, in one layer or in several."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tconv.cli import options as o

if TYPE_CHECKING:
    from rich.table import Table

    from tconv.geometry.solving import Chain, Solution, Solutions

NOTHING = 1
PARAMETERS = ("kernel_size", "stride", "padding", "output_padding", "dilation")


def solve(
    input: o.MaybeInput = None,
    output_size: o.MaybeOutput = None,
    kernel: o.MaybeKernel = None,
    stride: o.MaybeStride = None,
    padding: o.MaybePadding = None,
    output_padding: o.MaybeOutputPadding = None,
    dilation: o.MaybeDilation = None,
    layers: Annotated[
        int | None, typer.Option("--layers", help="Chains of so many layers; sizes alone.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Search beyond layers as people build them.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows listed.")] = 20,
    json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> int:
    """List parameters that fit, least surprising first: tconv solve -i 4 -O 8.

    In several layers: tconv solve -i 1 -O 600 --layers 4.
    """
    from tconv.geometry.solving import solve as solved

    given = o.layer(
        input_size=input, output_size=output_size, kernel_size=kernel, stride=stride,
        padding=padding, output_padding=output_padding, dilation=dilation,
    )  # fmt: skip
    if layers is None:
        found = solved(**given, limit=limit, everything=everything)
        _print(found, json, _solutions, _plain)
        return 0 if found else NOTHING
    if given.keys() != {"input_size", "output_size"}:
        raise ValueError("--layers takes --input and --output-size, and no other parameter")
    chains = solved.chain(**given, layers=layers, limit=limit)
    _print(chains, json, _chains, _chained)
    return 0 if chains else NOTHING


def _print(
    found: "Solutions[Any]",
    json: bool,
    table: Callable[[Any], "Table"],
    plain: Callable[[Any], dict[str, Any]],
) -> None:
    if json:
        _print_json(found, plain)
        return
    from rich.console import Console

    from tconv.geometry.solving.nothing import direction

    console = Console(highlight=False, markup=False)
    if found:
        console.print(table(found))
        if found.convolution:
            console.print(direction(found.convolution))
    else:
        console.print(found.reason)
    console.print(f"searched: {found.searched}", style="dim")


def _print_json(found: "Solutions[Any]", plain: Callable[[Any], dict[str, Any]]) -> None:
    from json import dumps

    told = {
        "solutions": [plain(one) for one in found],
        "searched": found.searched,
        "reason": found.reason or None,
        "nearest_output_sizes": found.nearest or None,
        "convolution": str(found.convolution) if found.convolution else None,
    }
    print(dumps(told, indent=2, ensure_ascii=False))


def _table(*headings: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _solutions(found: "Sequence[Solution]") -> "Table":
    """Tell what differs between the answers; sizes that do not stand above."""
    from tconv.geometry.convolution import times

    sizes = ("input_size", "output_size")
    fixed = [name for name in sizes if len({getattr(one, name) for one in found}) == 1]
    names = [name for name in sizes if name not in fixed] + [
        name
        for name in PARAMETERS
        if name != "dilation" or any(d != 1 for one in found for d in one.dilation)
    ]
    table = _table(*(name.replace("_", " ") for name in names), "blemishes")
    table.title = ", ".join(
        f"{name.replace('_', ' ')} {times(getattr(found[0], name))}" for name in fixed
    )
    table.title_justify = "left"
    table.title_style = "bold"
    for one in found:
        table.add_row(*(times(getattr(one, name)) for name in names), _told(one))
    return table


def _chains(found: "Sequence[Chain]") -> "Table":
    from tconv.geometry.convolution import times

    table = _table("sizes", "strides", "kernels", "paddings", "blemishes")
    for one in found:
        table.add_row(
            " → ".join(map(times, one.sizes)),
            *(
                ", ".join(times(getattr(layer, name)) for layer in one.layers)
                for name in ("stride", "kernel_size", "padding")
            ),
            _told(one),
        )
    return table


def _told(one: "Solution | Chain") -> str:
    return "; ".join(map(str, one.blemishes)) or "none"


def _plain(one: "Solution") -> dict[str, Any]:
    blemishes = [blemish._asdict() for blemish in one.blemishes]
    return {**asdict(one), "even_overlap": one.geometry.even, "blemishes": blemishes}


def _chained(one: "Chain") -> dict[str, Any]:
    return {"sizes": one.sizes, "layers": [_plain(layer) for layer in one.layers]}
