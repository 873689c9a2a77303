"""``tconv accelerate``: what tconv gains on an exported PyTorch model, layer by layer."""

from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zipfile import is_zipfile

import typer

if TYPE_CHECKING:
    from tconv.nn.accelerate import Report


def accelerate(
    model: Annotated[
        Path, typer.Argument(help="A model saved by torch.export.save, .pt2.", metavar="MODEL.pt2")
    ],
    input: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="N[xN…]|FILE.npy",
            help="An input, random of a size or from a file; again for each input. "
            "Left out: the example the model was exported with.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.pt2", help="Save what results."),
    ] = None,
    fold: Annotated[
        bool, typer.Option("--fold/--no-fold", help="Fold batch normalizations and activations.")
    ] = True,
    frozen: Annotated[
        bool, typer.Option("--frozen", help="Trust that nobody changes the weights.")
    ] = False,
    channels_last: Annotated[
        bool, typer.Option("--channels-last", help="Give the inputs channels last.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="PyTorch's threads, and tconv's.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="X", help="Largest difference over the largest output.")
    ] = 1e-4,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --output.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Let tconv compute the layers of a PyTorch model: tconv accelerate model.pt2."""
    from tconv.media.atomic import Replacement

    file = Replacement(output, force=force) if output else None
    import torch

    from tconv import nn

    if threads:
        torch.set_num_threads(threads)
    program = _program(model)
    example = _example(input, program, channels_last)
    module = program.module()
    _call(module, example)
    report = nn.accelerate(module, fold=fold, verify=example, frozen=frozen, tolerance=tolerance)
    if json:
        print(dumps(_plain(report), indent=2))
    else:
        _show(report)
    if file:
        with torch.no_grad():
            saved = torch.export.export(module, *example)
        try:
            temporary = file.temporary()
            torch.export.save(saved, temporary.with_suffix(".pt2"))
            temporary.with_suffix(".pt2").rename(temporary)
            file.commit(temporary)
        finally:
            file.discard()


def _program(path: Path) -> Any:
    import torch

    from tconv.checks import first_line

    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    why = "it is no archive"
    if is_zipfile(path):
        try:
            return torch.export.load(path)
        except Exception as error:  # whatever the reader of a foreign file raises
            why = first_line(error)
    raise ValueError(
        f"{path} is not a model that torch.export.save wrote: {why}; "
        "export it: torch.export.save(torch.export.export(model.eval(), (x,)), 'model.pt2')"
    )


def _call(module: Any, example: tuple[Any, Any]) -> None:
    """Refuse an input that the model refuses."""
    import torch

    from tconv.checks import first_line

    args, kwargs = example
    try:
        with torch.no_grad():
            module(*args, **kwargs)
    except Exception as error:  # of the model's own
        shapes = ", ".join("x".join(map(str, getattr(x, "shape", ()))) or "?" for x in args)
        raise ValueError(
            f"the model does not take this input ({shapes}): {first_line(error)}; give one of "
            "the sizes it was exported for, or export it with dynamic shapes"
        ) from None


def _example(texts: list[str] | None, program: Any, channels_last: bool) -> tuple[Any, Any]:
    """Return positional and named arguments."""
    import torch

    given = program.example_inputs
    if texts:
        args, kwargs = tuple(map(_tensor, texts)), {}
    elif given is not None:
        args, kwargs = given
    else:
        raise ValueError("the model holds no example; give its inputs, e.g. --input 1x3x224x224")
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    if channels_last:
        args = tuple(
            x.contiguous(memory_format=formats[x.ndim]) if getattr(x, "ndim", 0) in formats else x
            for x in args
        )
    return args, kwargs


def _tensor(text: str) -> Any:
    import numpy as np
    import torch

    if text.endswith(".npy"):
        return torch.from_numpy(np.load(text, allow_pickle=False))
    from tconv.cli.options import shape

    return torch.randn(shape("--input", text))


def _plain(report: "Report") -> dict[str, Any]:
    whole = {name: getattr(report, name) for name in ("before", "after", "share", "error", "gain")}
    layers = [{**asdict(layer), "gain": layer.gain} for layer in report.layers]
    return {**whole, "layers": layers, "notes": report.notes}


def _show(report: "Report") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from tconv.nn.accelerate.report import HEAD

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for heading in HEAD:
        number = heading in ("before", "after", "gain", "predicted")
        table.add_column(heading, justify="right" if number else "left", no_wrap=number)
    for layer in report.layers:
        table.add_row(*layer.row())
    console = Console()
    console.print(table)
    for line in report.summary():
        console.print(line, markup=False, soft_wrap=True)
