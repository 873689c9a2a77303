"""Results as Rich tables."""

from collections import defaultdict

from rich.table import Table

from benchmarks.end_to_end.contenders import CONTENDERS, LAYOUTS
from benchmarks.end_to_end.results import Results, Row
from benchmarks.tables import duration, ratio


def by_threads(rows: list[Row]) -> dict[int, list[Row]]:
    """Return rows by their number of threads."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.threads].append(row)
    return found


def contenders_of(rows: list[Row]) -> list[str]:
    """Return the contenders that have a time in some row."""
    return [name for name in CONTENDERS if any(row.seconds(name) for row in rows)]


def times_table(rows: list[Row], title: str) -> Table:
    """Return a table of best times.

    `share` is what transposed convolutions take of PyTorch's time in its default layout, and
    `limit` how many times faster the model would be if they took none.
    """
    contenders = contenders_of(rows)
    table = Table(title=title, title_justify="left")
    table.add_column("model", no_wrap=True)
    for heading in ("share", "limit", *(CONTENDERS[name].title for name in contenders)):
        table.add_column(heading, justify="right")
    table.add_column("best over PyTorch", justify="right")
    for row in rows:
        share = row.shares.get(LAYOUTS[0])
        best = row.best
        times = [
            f"[bold]{duration(row.seconds(name))}[/]" if name == best
            else duration(row.seconds(name))
            for name in contenders
        ]  # fmt: skip
        table.add_row(
            row.name,
            _percent(share.part if share else None),
            ratio(share.limit if share else None),
            *times,
            ratio(row.speed(best) if best else None),
        )
    return table


def shares_table(rows: list[Row]) -> Table:
    """Return each transposed convolution's time in PyTorch, in each layout."""
    table = Table(title="Transposed convolutions in PyTorch", title_justify="left")
    for heading in ("model", "layer"):
        table.add_column(heading)
    layouts = [layout for layout in LAYOUTS if any(layout in row.shares for row in rows)]
    for layout in layouts:
        table.add_column(layout, justify="right")
        table.add_column("share", justify="right")
    for row in rows:
        names = next(iter(row.shares.values())).layers_s if row.shares else {}
        for index, layer in enumerate(names):
            cells = []
            for layout in layouts:
                share = row.shares.get(layout)
                seconds = share.layers_s[layer] if share else None
                part = seconds / share.total_s if seconds is not None and share else None
                cells += [duration(seconds), _percent(part)]
            table.add_row("" if index else row.name, layer, *cells)
        if names:
            table.add_section()
    return table


def reasons_table(rows: list[Row]) -> Table | None:
    """Return why there are figures missing, or None if none are."""
    missing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        for name, figure in row.figures.items():
            if figure.reason:
                missing[CONTENDERS[name].title, figure.reason].append(row.name)
    if not missing:
        return None
    table = Table("contender", "reason", "models", title="Without a figure", title_justify="left")
    for (contender, reason), models in missing.items():
        table.add_row(contender, reason, ", ".join(models))
    return table


def about(results: Results) -> str:
    """Return on what, and with what, the figures were measured."""
    machine, versions = results.machine, results.settings["versions"]
    named = ", ".join(f"{CONTENDERS[name].title} {version}" for name, version in versions.items()
                      if "channels_last" not in name)  # fmt: skip
    return f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['date'][:10]}; {named}."


def markdown(rows: list[Row]) -> str:
    """Return the table of best times as Markdown."""
    contenders = contenders_of(rows)
    headings = ["model", "share", *(CONTENDERS[name].title for name in contenders)]
    lines = ["| " + " | ".join(headings) + " |", "|---" + "|--:" * (len(headings) - 1) + "|"]
    for row in rows:
        share = row.shares.get(LAYOUTS[0])
        times = [
            f"**{duration(row.seconds(name))}**" if name == row.best
            else duration(row.seconds(name))
            for name in contenders
        ]  # fmt: skip
        cells = [row.name, _percent(share.part if share else None), *times]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{part:.0%}"
