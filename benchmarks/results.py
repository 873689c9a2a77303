"""What a run found: rows of figures, kept as JSON, and the few numbers that sum them up."""

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from math import exp, log
from pathlib import Path
from typing import Any

from benchmarks.layers import Layer
from benchmarks.peers import OURS, TWINS
from benchmarks.timing import Spread

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """One peer on one layer: its times, or the reason why there are none.

    Parameters
    ----------
    reason : str
    spread : Spread, optional
        Of the warm calls.
    variant : str
        The way it computed, the fastest of those it has.
    import_s, pack_s, first_s : float
        Seconds to import it, to pack the weights or build the model, and of the first call.
    peak_bytes : int
        Rise of the process's memory up to the end of the first call: packed weights, the input
        in the peer's own array, the output, and what it needs between.
    difference : float
        From the reference, over its largest value.
    """

    reason: str = ""
    spread: Spread | None = None
    variant: str = ""
    import_s: float = 0.0
    pack_s: float = 0.0
    first_s: float = 0.0
    peak_bytes: int = 0
    difference: float = 0.0

    @property
    def seconds(self) -> float:
        """Median time, or NaN."""
        return self.spread.median if self.spread else float("nan")


@dataclass(frozen=True, slots=True)
class Row:
    """One layer at one number of threads.

    Parameters
    ----------
    layer : Layer
    task : str
    threads : int
    dtype : str
    macs, bytes : int
        Useful multiply-adds and unavoidable traffic of one call.
    bound_s : float
        The least time by the machine's roofline.
    figures : dict of str to Figure
        By peer.
    """

    layer: Layer
    task: str
    threads: int
    dtype: str
    macs: int
    bytes: int
    bound_s: float
    figures: dict[str, Figure]

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What makes two rows of two runs the same."""
        return self.layer.name, self.task, self.threads, self.dtype

    def seconds(self, peer: str) -> float | None:
        """Return a peer's median time, if it has one."""
        figure = self.figures.get(peer)
        return figure.spread.median if figure and figure.spread else None

    @property
    def best_peer(self) -> str | None:
        """The fastest of the others, tconv's own variants left out."""
        others = [
            peer
            for peer, figure in self.figures.items()
            if figure.spread and peer != OURS and peer not in TWINS
        ]
        return min(others, key=lambda peer: self.figures[peer].seconds, default=None)

    def speed_over(self, peer: str | None) -> float | None:
        """Return how many times faster tconv is than a peer."""
        ours = self.seconds(OURS)
        theirs = self.seconds(peer) if peer else None
        return theirs / ours if ours and theirs else None

    def share(self, peer: str = OURS) -> float | None:
        """Return a peer's share of what the machine could do at best."""
        seconds = self.seconds(peer)
        return self.bound_s / seconds if seconds else None


@dataclass(slots=True)
class Results:
    """A run: the machine, the settings, the rows."""

    machine: dict[str, Any]
    settings: dict[str, Any]
    rows: list[Row] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write JSON; the file is whole or not there."""
        write_json(path, {"format": FORMAT, **asdict(self)})

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read what :meth:`save` wrote."""
        content = json.loads(path.read_text("utf-8"))
        if content.get("format") != FORMAT:
            raise ValueError(f"{path} is not of format {FORMAT}")
        return cls(content["machine"], content["settings"], [_row(r) for r in content["rows"]])


def write_json(path: Path, content: Any) -> None:
    """Write JSON; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False
    ) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    Path(file.name).chmod(0o666 & ~_umask())
    Path(file.name).replace(path)


def _row(entry: dict[str, Any]) -> Row:
    figures = {
        peer: Figure(
            **figure | {"spread": Spread(**figure["spread"]) if figure["spread"] else None}
        )
        for peer, figure in entry["figures"].items()
    }
    return Row(**entry | {"layer": Layer.of(entry["layer"]), "figures": figures})


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def geometric_mean(values: Iterable[float | None]) -> float | None:
    """Return the geometric mean of the values that there are.

    Examples
    --------
    >>> geometric_mean([1.0, None, 4.0]), geometric_mean([])
    (2.0, None)
    """
    logs = [log(value) for value in values if value]
    return round(exp(sum(logs) / len(logs)), 12) if logs else None


def summary(rows: list[Row]) -> list[tuple[str, str]]:
    """Return what sums up rows of one number of threads, as words and figures."""

    def mean(speed: Callable[[Row], float | None]) -> str:
        value = geometric_mean(map(speed, rows))
        return "-" if value is None else f"{value:.2f}"

    lines = [
        ("best peer's time over tconv's, geometric mean",
         mean(lambda row: row.speed_over(row.best_peer))),
        ("PyTorch's default time over tconv's, geometric mean",
         mean(lambda row: row.speed_over("torch"))),
        ("share of the roofline, geometric mean", mean(lambda row: row.share())),
        ("the same of the best peer",
         mean(lambda row: row.share(row.best_peer) if row.best_peer else None)),
    ]  # fmt: skip
    compared = [(speed, row) for row in rows if (speed := row.speed_over(row.best_peer))]
    if compared:
        speed, worst = min(compared, key=lambda pair: pair[0])
        lines.append(("worst layer", f"{worst.layer.name} at {speed:.2f} of {worst.best_peer}"))
        faster = sum(speed >= 1 for speed, _ in compared)
        lines.append(("layers where tconv is the fastest", f"{faster} of {len(compared)}"))
    return lines
