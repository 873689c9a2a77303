"""``tconv check``: whether every method, and every framework installed here, agrees."""

from dataclasses import asdict
from json import dumps
from math import isfinite
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tconv.verify import Row


def check(
    trials: Annotated[
        int, typer.Option(min=1, metavar="N", help="Random parameter sets to compare.")
    ] = 200,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="The same seed draws the same sets.")
    ] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Compare every method and every installed framework with the definition."""
    from tconv.cli.progress import progress_bar
    from tconv.verify import verify

    with progress_bar() as progress:
        task = progress.add_task("comparing", total=trials)
        rows = verify(
            trials, seed, on_progress=lambda done, _: progress.update(task, completed=done)
        )
    if json:
        print(dumps([_plain(row) for row in rows], indent=2))
    else:
        _show(rows)
    if not all(row.agrees for row in rows):
        raise typer.Exit(1)


def _plain(row: "Row") -> dict[str, object]:
    worst = row.worst if isfinite(row.worst) else None
    return {**asdict(row), "worst": worst, "agrees": row.agrees}


def _show(rows: "list[Row]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for heading in ("", "version", "compared", "not expressible", "worst error", "agrees"):
        whole = heading in ("", "worst error")
        table.add_column(heading, no_wrap=whole, min_width=min(len(heading), 11))
    for row in rows:
        worst = f"{row.worst:.1e} {row.dtype}" if row.dtype else "0"
        agrees = "yes" if row.agrees else "[bold red]NO[/]"
        counts = str(row.compared), str(row.inexpressible)
        table.add_row(row.name, row.version, *counts, worst, agrees if row.compared else "-")
    console = Console()
    console.print(table)
    for row in rows:
        if row.disagreement:
            console.print(f"{row.name} disagrees first here:", style="bold red")
            console.print(row.disagreement, markup=False, soft_wrap=True)
