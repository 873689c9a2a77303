"""What a run found: a row of figures a model, kept as JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.end_to_end.contenders import REFERENCE
from benchmarks.results import write_json

FORMAT = "models 1"


@dataclass(frozen=True, slots=True)
class Share:
    """What transposed convolutions take of a model's time in PyTorch.

    Parameters
    ----------
    total_s : float
        Of the fastest of the calls that were watched.
    layers_s : dict of str to float
        Of each transposed convolution in that call, by its name in the model.
    calls : int
    """

    total_s: float
    layers_s: dict[str, float]
    calls: int

    @classmethod
    def of(cls, calls: list[tuple[float, dict[str, float]]]) -> "Share":
        """Return what the fastest of some calls shows."""
        total, layers = min(calls, key=lambda call: call[0])
        return cls(total, layers, len(calls))

    @property
    def part(self) -> float:
        """Return their part of the whole."""
        return sum(self.layers_s.values()) / self.total_s

    @property
    def limit(self) -> float:
        """Return how many times faster the model would be if they took no time (Amdahl)."""
        return 1 / (1 - self.part)


@dataclass(frozen=True, slots=True)
class Figure:
    """One contender on one model: its times, or the reason why there are none.

    Parameters
    ----------
    reason : str
    best_s, median_s : float, optional
        Of the warm calls.
    calls : int
    prepare_s, first_s : float
        Seconds to load, build or compile, and of the first call.
    difference : float
        From PyTorch's result, over its largest value.
    note : str
        What the contender has to say.
    """

    reason: str = ""
    best_s: float | None = None
    median_s: float | None = None
    calls: int = 0
    prepare_s: float = 0.0
    first_s: float = 0.0
    difference: float = 0.0
    note: str = ""

    @classmethod
    def of(cls, times: list[float], cold: dict[str, Any]) -> "Figure":
        """Return the figure of at least one time."""
        return cls(best_s=min(times), median_s=median(times), calls=len(times), **cold)


@dataclass(frozen=True, slots=True)
class Row:
    """One model at one number of threads.

    Parameters
    ----------
    name, title, source : str
    shape : tuple of int
        Of the input.
    threads : int
    shares : dict of str to Share
        By layout.
    figures : dict of str to Figure
        By contender.
    """

    name: str
    title: str
    source: str
    shape: tuple[int, ...]
    threads: int
    shares: dict[str, Share]
    figures: dict[str, Figure]

    def seconds(self, contender: str) -> float | None:
        """Return a contender's best time, if it has one."""
        figure = self.figures.get(contender)
        return figure.best_s if figure else None

    @property
    def best(self) -> str | None:
        """The fastest contender."""
        timed = [name for name, figure in self.figures.items() if figure.best_s]
        return min(timed, key=lambda name: self.figures[name].best_s or 0.0, default=None)

    def speed(self, contender: str) -> float | None:
        """Return how many times faster a contender is than PyTorch's default."""
        base, other = self.seconds(REFERENCE), self.seconds(contender)
        return base / other if base and other else None


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
            raise ValueError(f"{path} is not of format {FORMAT!r}")
        rows = [
            Row(
                **entry
                | {
                    "shape": tuple(entry["shape"]),
                    "shares": {name: Share(**one) for name, one in entry["shares"].items()},
                    "figures": {name: Figure(**one) for name, one in entry["figures"].items()},
                }
            )
            for entry in content["rows"]
        ]
        return cls(content["machine"], content["settings"], rows)
