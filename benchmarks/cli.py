"""The command ``python -m benchmarks``."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from benchmarks import arithmetic, jax_calls, overhead, runs, tables
from benchmarks import calibrate as costs
from benchmarks import layers as rows_of
from benchmarks.compare import TOLERATED, changes
from benchmarks.layers import Layer
from benchmarks.peers import OURS, PEERS, TWINS
from benchmarks.report import by_threads, write
from benchmarks.results import Results, summary

app = typer.Typer(
    help="Time tconv's layers in turn with other frameworks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console()

Kept = TypeVar("Kept")

Threads = Annotated[str, typer.Option(help="Numbers of threads, with commas.")]
Peers = Annotated[
    str, typer.Option(help=f"With commas, of: {', '.join(PEERS)}. tconv is always timed.")
]
Budget = Annotated[
    float, typer.Option("--budget", "--repeat", help="Seconds of calls a peer and layer.", min=0.0)
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="JSON file to write.")]
Saved = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON file of a run.")]
Only = Annotated[str, typer.Option(help="Layers whose name fits this pattern (with * and ?).")]
Dtype = Annotated[str, typer.Option(help="float32 or float64.")]
EVERYONE = ",".join(peer for peer in PEERS if peer != OURS)
BUSY = 0.5  # processes running before ours
TRAINERS = "torch,torch_channels_last"


@app.command("layers")
def time_layers(
    core: Annotated[bool, typer.Option("--core", help="40 real layers (the default).")] = False,
    every: Annotated[bool, typer.Option("--all", help="All real layers.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="The small core layers.")] = False,
    hard: Annotated[bool, typer.Option("--hard", help="Layers that peers are slow at.")] = False,
    only: Only = "*",
    threads: Threads = "1",
    peers: Peers = EVERYONE,
    budget: Budget = 0.5,
    dtype: Dtype = "float32",
    output: Output = None,
) -> None:
    """Time single layers."""
    chosen = [one for one in rows_of.real() if every or (one.core and not quick and not hard)]
    if core and not every and (quick or hard):
        chosen = [one for one in rows_of.real() if one.core]
    if quick and not (core or every):
        chosen += rows_of.quick()
    if hard:
        chosen += rows_of.HARD
    _show(_run(chosen, only, threads, peers, budget, dtype, output, "forward"))


@app.command()
def model(
    name: Annotated[str, typer.Argument(help="Models whose name fits this pattern.")] = "*",
    results: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Sum up this run, instead of one."),
    ] = None,
    threads: Threads = "1",
    peers: Peers = EVERYONE,
    budget: Budget = 0.5,
    dtype: Dtype = "float32",
    output: Output = None,
) -> None:
    """Sum up the transposed convolutions of whole models."""
    if results:
        found = _loaded(Results.load, results)
        found.rows = [row for row in found.rows if fnmatch(row.layer.model, name)]
    else:
        chosen = [one for one in rows_of.real() if fnmatch(one.model, name)]
        found = _run(chosen, "*", threads, peers, budget, dtype, output, "forward")
    for (task, count), rows in by_threads(found.rows).items():
        console.print(tables.models_table(rows, f"Models, {task}, threads: {count}"))


@app.command("models")
def time_models(
    only: Annotated[str, typer.Option(help="Models whose name fits this pattern.")] = "*",
    threads: Threads = "1",
    layouts: Annotated[
        str, typer.Option(help="PyTorch's and tconv's memory formats, with commas.")
    ] = "default,channels_last",
    peers: Annotated[
        str, typer.Option(help="With commas; tconv_frozen too. PyTorch is always timed.")
    ] = "onnxruntime,openvino,tconv",
    compiled: Annotated[
        bool, typer.Option("--compile", help="torch.compile too: slow to start.")
    ] = False,
    budget: Annotated[
        float, typer.Option("--budget", help="Seconds of calls a peer and model.", min=0.0)
    ] = 2.0,
    results: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Show this run, instead of one."),
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    output: Output = None,
) -> None:
    """Time whole models from end to end, and what their transposed convolutions take."""
    try:
        from benchmarks.end_to_end import runs as models_runs
        from benchmarks.end_to_end import tables as models_tables
        from benchmarks.end_to_end.results import Results as ModelsResults
        from benchmarks.models import MODELS
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"whole models need PyTorch: {error}") from None
    names = [name for name in MODELS if fnmatch(name, only)]
    if not names:
        raise typer.BadParameter(f"no model fits; there are {', '.join(MODELS)}")
    if results:
        found = _loaded(ModelsResults.load, results)
        found.rows = [row for row in found.rows if row.name in names]
    else:
        counts = _numbers(threads)
        try:
            who = models_runs.chosen(_words(layouts), _words(peers), compiled=compiled)
            with console.status("starting") as status:
                found = models_runs.run(
                    names, who, counts, budget, output=output, notice=status.update
                )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    _warn(found.machine)
    for count, rows in models_tables.by_threads(found.rows).items():
        if markdown:
            print(models_tables.markdown(rows))
            continue
        console.print(models_tables.times_table(rows, f"Models, best times, threads: {count}"))
        console.print(models_tables.shares_table(rows))
        if missing := models_tables.reasons_table(rows):
            console.print(missing)
    console.print(models_tables.about(found))


@app.command()
def training(
    only: Only = "*",
    quick: Annotated[bool, typer.Option("--quick", help="The small core layers.")] = False,
    threads: Threads = "1",
    peers: Peers = TRAINERS,
    budget: Budget = 0.5,
    dtype: Dtype = "float32",
    output: Output = None,
) -> None:
    """Time a training step: output, input gradient and weight gradient."""
    chosen = rows_of.quick() if quick else [one for one in rows_of.real() if one.core]
    _show(_run(chosen, only, threads, peers, budget, dtype, output, "training"))


@app.command("overhead")
def time_calls(
    compiled: Annotated[bool, typer.Option("--compiled", help="By torch.compile too.")] = False,
) -> None:
    """Time calls that have next to no work, beside an empty function, on one thread."""
    console.print(tables.overhead_table(overhead.measure(compiled=compiled)))


@app.command("jax")
def time_jax(threads: int = 2, rounds: int = 7) -> None:
    """Time some layers that JAX compiles, through tconv and by JAX's own convolution."""
    console.print(tables.jax_table(list(jax_calls.measure(threads, rounds))))


@app.command("arithmetic")
def compare_arithmetic(only: Only = "*", threads: int = 2, rounds: int = 7) -> None:
    """Time and check fast and direct arithmetic on the core layers."""
    chosen = [one for one in rows_of.real() if one.core and fnmatch(one.name, only)]
    console.print(tables.arithmetic_table(list(arithmetic.measure(chosen, threads, rounds))))


@app.command()
def calibrate(
    only: Only = "*",
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    results: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Fit to this run, instead of one."),
    ] = None,
    output: Output = None,
) -> None:
    """Hold the cost model against every algorithm on all real layers, and fit its constants."""
    if results:
        measured = _loaded(costs.load, results)
    else:
        chosen = _fitting(rows_of.real(), only)
        measured = []
        with console.status("starting") as status:
            for case in costs.measure(chosen, rounds):
                measured += case
                status.update(f"{case[0].layer}, {case[0].layout}" if case else "")
    if output:
        costs.save(measured, output)
    shipped = costs.Constants.shipped()
    fitted = costs.fit(measured, shipped)
    console.print(tables.constants_table(shipped, fitted))
    console.print(tables.losses_table(costs.losses(measured, shipped)))
    for layout in (*costs.LAYOUTS, ""):
        some = [one for one in measured if layout in one.layout]
        console.print(
            f"{layout or 'all'}: of {len(costs.cases(some))} choices within 5 % of the best: "
            f"shipped {costs.right(some, shipped)}, fitted here {costs.right(some, fitted)}"
        )


@app.command()
def compare(old: Saved, new: Saved) -> None:
    """Hold two runs against each other; exit with 1 if a layer became slower."""
    found = changes(_loaded(Results.load, old), _loaded(Results.load, new))
    console.print(tables.changes_table(found))
    slower = sum(one.slower for one in found)
    console.print(f"{slower} of {len(found)} layers are slower by more than {TOLERATED - 1:.0%}")
    raise typer.Exit(1 if slower else 0)


@app.command()
def report(
    results: Saved,
    folder: Annotated[Path, typer.Option("-o", "--output", help="Folder.")] = Path("docs"),
) -> None:
    """Write a page of text and a picture from a run."""
    for path in write(_loaded(Results.load, results), folder):
        console.print(f"wrote {path}")


def _fitting(layers: Iterable[Layer], only: str) -> list[Layer]:
    chosen = [one for one in layers if fnmatch(one.name, only)]
    if not chosen:
        raise typer.BadParameter("no layer fits")
    return chosen


def _loaded(load: Callable[[Path], Kept], path: Path) -> Kept:
    try:
        return load(path)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise typer.BadParameter(f"{path} is not what a run of this kind wrote: {error}") from None


def _run(
    chosen: list[Layer],
    only: str,
    threads: str,
    peers: str,
    budget: float,
    dtype: str,
    output: Path | None,
    task: str,
) -> Results:
    chosen = _fitting(chosen, only)
    if dtype not in ("float32", "float64"):
        raise typer.BadParameter(f"dtype {dtype!r} is neither float32 nor float64")
    counts = _numbers(threads)
    asked = _words(peers)
    if unknown := [peer for peer in asked if peer not in PEERS]:
        raise typer.BadParameter(f"no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    if task == "training":
        asked = [peer for peer in asked if peer not in TWINS]
    named = list(dict.fromkeys([OURS, *asked]))
    with console.status("starting") as status:
        try:
            return runs.run(
                chosen, named, counts, budget, task=task, dtype=dtype, output=output,
                notice=status.update,
            )  # fmt: skip
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None


def _numbers(words: str) -> list[int]:
    try:
        return [int(word) for word in words.split(",")]
    except ValueError:
        raise typer.BadParameter(f"threads {words!r} are not numbers") from None


def _words(words: str) -> list[str]:
    return [word for word in words.split(",") if word]


def _warn(machine: dict[str, Any]) -> None:
    if machine["load"] > BUSY:
        console.print(f"[red]The machine was busy, load {machine['load']:.1f}: all is rough")


def _show(results: Results) -> None:
    _warn(results.machine)
    for (task, count), rows in by_threads(results.rows).items():
        console.print(tables.layers_table(rows, f"{task.capitalize()}, threads: {count}"))
        console.print(tables.cold_table(rows))
        missing = tables.reasons_table(rows)
        if missing:
            console.print(missing)
        for words, value in summary(rows):
            console.print(f"{words}: [bold]{value}[/]")
