"""A run written up: a page of text and a picture."""

from pathlib import Path

from benchmarks.peers import PEERS
from benchmarks.results import Results, Row, summary
from benchmarks.tables import duration, peers_of, ratio, title_of, way_of

PAGE, PICTURE = "performance.md", "performance.png"


def write(results: Results, folder: Path) -> list[Path]:
    """Write the page and its picture into a folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    page, picture = folder / PAGE, folder / PICTURE
    page.write_text(text(results), "utf-8")
    plot(results, picture)
    return [page, picture]


def by_threads(rows: list[Row]) -> dict[tuple[str, int], list[Row]]:
    """Return rows by (task, threads)."""
    found: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        found.setdefault((row.task, row.threads), []).append(row)
    return found


def text(results: Results) -> str:
    """Return the page."""
    machine, settings = results.machine, results.settings
    versions = ", ".join(_versions(settings["versions"]))
    lines = [
        "# Performance",
        "",
        f"![Speed over the best peer, layer by layer]({PICTURE})",
        "",
        f"Measured on {machine['cpu']} ({machine['cpus']} CPUs, {machine['system']}), "
        f"{machine['date'][:10]}, {settings['dtype']}, by `python -m benchmarks`. {versions}.",
        "",
        "Every peer runs in a process of its own, with its weights packed ahead where it can, in "
        "its best layout (tconv, TensorFlow and JAX try both and keep the faster), and is timed in "
        "turn with the others; figures are medians. tconv, ONNX "
        "Runtime and OpenVINO write into an output made before; the others make a new one each "
        "call, as tconv does in its second column where there is one. `share` is the part of what "
        "the machine could do at best: the slower of computing the useful products at the speed "
        "of a large matrix product and moving input, weight and output once at the speed of a copy "
        "of that size. It exceeds 1 where an algorithm needs fewer products than the definition.",
    ]
    for (task, threads), rows in by_threads(results.rows).items():
        roof = settings["rooflines"][str(threads)]
        lines += ["", f"## {task.capitalize()}, {threads} thread{'s' * (threads > 1)}", ""]
        lines += [
            f"Large matrix product {roof['flops'] / 1e9:.0f} GFLOP/s, "
            f"large copy {roof['bandwidth'][-1][1] / 1e9:.1f} GB/s.",
            "",
        ]
        lines += [f"- {words}: {value}" for words, value in summary(rows)]
        lines += ["", *_table(rows)]
    return "\n".join(lines) + "\n"


def _versions(versions: dict[str, str]) -> list[str]:
    """Return each library once, by the title of the first peer that it is behind."""
    libraries: dict[str, str] = {}
    for peer, version in versions.items():
        libraries.setdefault(PEERS[peer].module, f"{title_of(peer)} {version}")
    return list(libraries.values())


def _table(rows: list[Row]) -> list[str]:
    peers = peers_of(rows)
    headings = ["layer", *map(title_of, peers), "over best peer", "share", "tconv's layout"]
    lines = [
        "| " + " | ".join(headings) + " |",
        "|---" + "|--:" * (len(headings) - 1) + "|",
    ]
    for row in rows:
        times = [
            f"**{duration(row.seconds(peer))}**" if peer == row.best_peer
            else duration(row.seconds(peer))
            for peer in peers
        ]  # fmt: skip
        cells = [
            row.layer.name, *times, ratio(row.speed_over(row.best_peer)), ratio(row.share()),
            way_of(row),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def plot(results: Results, path: Path) -> None:
    """Draw a bar a layer: how many times faster than the best peer, on a logarithmic axis."""
    from matplotlib.figure import Figure

    groups = {
        key: ordered
        for key, rows in by_threads(results.rows).items()
        if (ordered := _ordered(rows))
    }
    most = max(map(len, groups.values()), default=1)
    figure = Figure(figsize=(7 * max(len(groups), 1), 1.5 + 0.2 * most), layout="constrained")
    panels = figure.subplots(1, max(len(groups), 1), squeeze=False)[0]
    for axes, ((task, threads), ordered) in zip(panels, groups.items(), strict=False):
        names = [name for name, _ in ordered]
        speeds = [speed for _, speed in ordered]
        colours = ["#2b7a78" if speed >= 1 else "#c8553d" for speed in speeds]
        axes.barh(names, [speed - 1 for speed in speeds], left=1, color=colours)
        axes.set_xscale("log")
        axes.axvline(1, color="black", linewidth=0.8)
        axes.set_xlabel("best peer's time / tconv's")
        axes.set_title(f"{task}, {threads} thread{'s' * (threads > 1)}")
        ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
                 if min(speeds) * 0.7 <= t <= max(speeds) * 1.5 or t == 1]  # fmt: skip
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_xticks([], minor=True)
        axes.tick_params(axis="y", labelsize=7)
        axes.margins(y=0.01)
    figure.savefig(path, dpi=120)


def _ordered(rows: list[Row]) -> list[tuple[str, float]]:
    """Return the layers with a speed over the best peer, the slowest first."""
    found = [(row.layer.name, speed) for row in rows if (speed := row.speed_over(row.best_peer))]
    return sorted(found, key=lambda pair: pair[1])
