"""Two runs of tconv held against each other, to see whether a layer became slower."""

from dataclasses import dataclass

from benchmarks.peers import OURS
from benchmarks.results import Results

TOLERATED = 1.05


@dataclass(frozen=True, slots=True)
class Change:
    """tconv's time on one layer in two runs.

    Parameters
    ----------
    key : tuple
        Layer, task, threads, dtype.
    old, new : float
        Seconds.
    others : float or None
        New over old of the best peer that both runs have: what the machine itself changed by.
    """

    key: tuple[str, str, int, str]
    old: float
    new: float
    others: float | None

    @property
    def ratio(self) -> float:
        """New time over old."""
        return self.new / self.old

    @property
    def slower(self) -> bool:
        """Whether it is slower by more than noise."""
        return self.ratio > TOLERATED


def changes(old: Results, new: Results) -> list[Change]:
    """Return the change of every layer that both runs timed, the worst first."""
    before = {row.key: row for row in old.rows}
    found = []
    for row in new.rows:
        was = before.get(row.key)
        if was is None:
            continue
        a, b = was.seconds(OURS), row.seconds(OURS)
        if a is None or b is None:
            continue
        peer = was.best_peer
        then, now = (was.seconds(peer), row.seconds(peer)) if peer else (None, None)
        found.append(Change(row.key, a, b, now / then if now and then else None))
    return sorted(found, key=lambda change: -change.ratio)
