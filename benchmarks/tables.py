"""Results as Rich tables."""

from collections import defaultdict

from rich.table import Table

from benchmarks.arithmetic import Found
from benchmarks.calibrate import NEAR, Constants
from benchmarks.compare import Change
from benchmarks.layers import Layer
from benchmarks.peers import OURS, PEERS, TWINS
from benchmarks.results import Row, geometric_mean


def duration(seconds: float | None) -> str:
    """Write a time with three digits and its unit.

    Examples
    --------
    >>> duration(0.001234), duration(12.3), duration(None)
    ('1.23 ms', '12.3 s', '-')
    """
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            value = seconds / size
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    raise AssertionError


def ratio(value: float | None, digits: int = 2) -> str:
    """Write a ratio, or a dash."""
    return "-" if value is None else f"{value:.{digits}f}"


def peers_of(rows: list[Row]) -> list[str]:
    """Return the peers that have a time in some row."""
    named = dict.fromkeys(peer for row in rows for peer in row.figures)
    return [peer for peer in named if any(row.seconds(peer) for row in rows)]


def title_of(peer: str) -> str:
    """Return what tables call a peer."""
    return PEERS[peer].title if peer in PEERS else peer


def way_of(row: Row) -> str:
    """Return which of its ways tconv computed a layer in."""
    figure = row.figures.get(OURS)
    return figure.variant if figure and figure.variant else "-"


def layers_table(rows: list[Row], title: str) -> Table:
    """Return a table of times, with the best peer's marked."""
    peers = peers_of(rows)
    table = Table(title=title, title_justify="left")
    table.add_column("layer")
    for peer in peers:
        table.add_column(title_of(peer), justify="right")
    table.add_column("over best peer", justify="right")
    table.add_column("share", justify="right")
    table.add_column("layout")
    for row in rows:
        best = row.best_peer
        cells = [
            f"[bold]{duration(row.seconds(peer))}[/]" if peer == best
            else duration(row.seconds(peer))
            for peer in peers
        ]  # fmt: skip
        speed = row.speed_over(best)
        colour = "green" if speed and speed >= 1 else "red"
        table.add_row(
            row.layer.name, *cells, f"[{colour}]{ratio(speed)}[/]", ratio(row.share()), way_of(row)
        )
    return table


def cold_table(rows: list[Row]) -> Table:
    """Return what peers cost before they are warm: means over the layers."""
    table = Table(title="Before they are warm, means a layer", title_justify="left")
    for heading in ("peer", "import", "packing", "first call", "warm call", "peak memory"):
        table.add_column(heading, justify="left" if heading == "peer" else "right")
    for peer in peers_of(rows):
        timed = [row.figures[peer] for row in rows if row.seconds(peer)]
        count = len(timed)
        table.add_row(
            title_of(peer),
            duration(timed[0].import_s),
            duration(sum(one.pack_s for one in timed) / count),
            duration(sum(one.first_s for one in timed) / count),
            duration(sum(one.seconds for one in timed) / count),
            f"{sum(one.peak_bytes for one in timed) / count / 2**20:.0f} MiB",
        )
    return table


def reasons_table(rows: list[Row]) -> Table | None:
    """Return why there are figures missing, or None if none are."""
    missing: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        for peer, figure in row.figures.items():
            if figure.reason:
                missing[title_of(peer), figure.reason].append(row.layer.name)
    if not missing:
        return None
    table = Table("peer", "reason", "layers", title="Without a figure", title_justify="left")
    for (peer, reason), layers in missing.items():
        some = ", ".join(layers[:3])
        table.add_row(
            peer, reason, some if len(layers) < 4 else f"{some} and {len(layers) - 3} more"
        )
    return table


def models_table(rows: list[Row], title: str) -> Table:
    """Return sums over the layers of each model; a peer that lacks one has no sum."""
    peers = peers_of(rows)
    table = Table(title=title, title_justify="left")
    table.add_column("model")
    table.add_column("layers", justify="right")
    for peer in peers:
        table.add_column(title_of(peer), justify="right")
    table.add_column("over best peer", justify="right")
    for model, sums, count in model_sums(rows):
        others = [s for p, s in sums.items() if s and p != OURS and p not in TWINS]
        ours = sums.get(OURS)
        speed = min(others) / ours if others and ours else None
        table.add_row(model, str(count), *(duration(sums[p]) for p in peers), ratio(speed))
    return table


def model_sums(rows: list[Row]) -> list[tuple[str, dict[str, float | None], int]]:
    """Return (model, seconds of each peer, layers) for each model."""
    peers = peers_of(rows)
    by_model: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_model[row.layer.model].append(row)
    found = []
    for model, members in by_model.items():
        sums: dict[str, float | None] = {}
        for peer in peers:
            times = [row.seconds(peer) for row in members]
            sums[peer] = None if None in times else sum(t for t in times if t is not None)
        found.append((model, sums, len(members)))
    return found


def overhead_table(found: dict[str, float]) -> Table:
    """Return what calls cost beyond an empty function."""
    table = Table(title="A call on 1x8x4x4, beyond an empty function", title_justify="left")
    table.add_column("call")
    table.add_column("time", justify="right")
    for name, seconds in found.items():
        table.add_row(name, duration(seconds))
    return table


def jax_table(found: list[tuple[object, dict[str, float]]]) -> Table:
    """Return what layers take that JAX compiles, and their gradients."""
    table = Table(title="Compiled by JAX, float32, least of several turns", title_justify="left")
    table.add_column("layer", overflow="fold")
    table.add_column("")
    ways = [name for name in found[0][1] if "gradients" not in name]
    for way in ways:
        table.add_column(way, justify="right", no_wrap=True)
    for layer, seconds in found:
        for kind, ending in (("forward", ""), ("gradients", ", gradients")):
            name = str(layer) if not ending else ""
            table.add_row(name, kind, *(duration(seconds[way + ending]) for way in ways))
    return table


def arithmetic_table(found: list[tuple[Layer, dict[str, Found]]]) -> Table:
    """Return times and errors of fast and of direct arithmetic, and the worst and mean of all."""
    table = Table(title="Fast and direct arithmetic, float32", title_justify="left")
    table.add_column("layer", overflow="fold")
    for heading in ("fast", "direct", "ratio", "rms error", "direct", "largest", "direct"):
        table.add_column(heading, justify="right", no_wrap=True)
    for layer, by in found:
        fast, direct = by["fast"], by["direct"]
        table.add_row(
            layer.name, duration(fast.seconds), duration(direct.seconds),
            ratio(direct.seconds / fast.seconds), f"{fast.rms:.1e}", f"{direct.rms:.1e}",
            f"{fast.largest:.2f}", f"{direct.largest:.2f}",
        )  # fmt: skip
    speed = geometric_mean(by["direct"].seconds / by["fast"].seconds for _, by in found)
    worst = {
        name: [max(getattr(by[name], field) for _, by in found) for field in ("rms", "largest")]
        for name in ("fast", "direct")
    }
    table.add_section()
    table.add_row(
        "mean, worst", "", "", ratio(speed), f"{worst['fast'][0]:.1e}",
        f"{worst['direct'][0]:.1e}", f"{worst['fast'][1]:.2f}", f"{worst['direct'][1]:.2f}",
    )  # fmt: skip
    return table


def constants_table(shipped: Constants, fitted: Constants) -> Table:
    """Return the cost model's constants, those shipped beside those fitted to this machine."""
    table = Table(title="Constants, in vector multiply-adds", title_justify="left")
    for heading in ("constant", "shipped", "fitted here"):
        table.add_column(heading, justify="left" if heading == "constant" else "right")
    moved = (shipped.bytes_per_operation, fitted.bytes_per_operation)
    table.add_row("bytes moved in one", *(f"{value:.1f}" for value in moved))
    for name in shipped.algorithms:
        for of, word in enumerate(("product", "other operation")):
            values = (one.algorithms[name][of] for one in (shipped, fitted))
            table.add_row(f"{name}: {word}", *(f"{value:.2f}" for value in values))
    return table


def losses_table(losses: dict[tuple[str, str], float]) -> Table:
    """Return the layers whose chosen algorithm is not the best, the worst first."""
    table = Table(title="Choices that lose time", title_justify="left")
    for heading in ("layer", "layout", "over the best"):
        table.add_column(heading, justify="right" if heading == "over the best" else "left")
    for (layer, layout), loss in sorted(losses.items(), key=lambda one: -one[1]):
        if loss > NEAR:
            table.add_row(layer, layout, ratio(loss))
    return table


def changes_table(found: list[Change]) -> Table:
    """Return old and new times, the slower ones flagged."""
    table = Table(title="tconv, new run over old", title_justify="left")
    for heading in ("layer", "task", "threads", "old", "new", "ratio", "best peer's ratio", ""):
        table.add_column(heading, justify="left" if heading in ("layer", "task") else "right")
    for one in found:
        name, task, threads, _ = one.key
        flag = "[red]slower[/]" if one.slower else ""
        table.add_row(
            name, task, str(threads), duration(one.old), duration(one.new),
            ratio(one.ratio), ratio(one.others), flag,
        )  # fmt: skip
    return table
