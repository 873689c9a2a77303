"""``tconv bench``: what a model's layers take in ONNX Runtime, and in tconv."""

from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tconv.models.onnx_times import ModelTimes


def bench(
    model: Annotated[Path, typer.Argument(help="A model.", metavar="MODEL.onnx")],
    input: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            "-i",
            metavar="NAME=N[xN…]|NAME=FILE.npy",
            help="An input, random of a size or from a file; again for each input. The name may "
            "be left out where the model has one.",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads of both.")
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="Runs; the best of each layer counts.")
    ] = 5,
    json: Annotated[bool, typer.Option("--json", help="Print the times as JSON.")] = False,
) -> None:
    """Time a model's layers in ONNX Runtime and in tconv: tconv bench model.onnx."""
    from tconv.models.onnx_times import time_onnx

    given = dict(_input(text, model) for text in input or ())
    found = time_onnx(model, given, rounds=rounds, threads=threads)
    if json:
        whole = {"total": found.total, "share": found.share, "possible": found.possible}
        rows = [{**asdict(layer), "gain": layer.gain} for layer in found.layers]
        print(dumps({**whole, "threads": found.threads, "layers": rows}, indent=2))
    else:
        _show(found)


def _input(text: str, model: Path) -> tuple[str, Any]:
    import numpy as np

    from tconv.cli.options import shape

    name, equals, value = text.rpartition("=")
    if not equals:
        name = _only_input(model)
    if value.endswith(".npy"):
        return name, np.load(value, allow_pickle=False)
    return name, shape("--input", value)


def _only_input(path: Path) -> str:
    import onnx

    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    graph = onnx.load(path, load_external_data=False).graph
    held = {one.name for one in graph.initializer}
    names = [one.name for one in graph.input if one.name not in held]
    if len(names) != 1:
        raise ValueError(f"the model has the inputs {', '.join(names)}; name them, NAME=SIZE")
    return str(names[0])


def _show(found: "ModelTimes") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from tconv.geometry.convolution import times

    console = Console()
    if not found.layers:
        console.print("The model has no transposed convolution that ONNX Runtime ran.")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for heading in ("layer", "what", "input", "ONNX Runtime", "tconv", "gain"):
        number = heading in ("ONNX Runtime", "tconv", "gain")
        table.add_column(heading, justify="right" if number else "left", no_wrap=heading == "gain")
    for layer in found.layers:
        ours = f"{layer.tconv * 1e3:.3g} ms" if layer.tconv else layer.why_not or ""
        gain = f"{layer.gain:.2f}" if layer.gain else ""
        ort = f"{layer.onnxruntime * 1e3:.3g} ms"
        table.add_row(layer.name, layer.what, times(layer.input_shape), ort, ours, gain)
    console.print(table)
    console.print(
        f"Transposed convolutions have {found.share:.0%} of the {found.total * 1e3:.3g} ms that "
        f"ONNX Runtime's nodes take, {found.threads} thread{'s' * (found.threads > 1)}; with "
        f"tconv's times the model would be {found.possible:.2f} times as fast.",
        soft_wrap=True,
    )
