"""How long calls take: in turn, the best of several rounds."""

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

ROUNDS = 7
ENOUGH = 0.02  # seconds that a round takes at least
MOST = 1000  # calls of a round


def best_times(calls: Sequence[Callable[[], Any]], rounds: int = ROUNDS) -> list[float]:
    """Return the seconds that each call takes: the best of several rounds, called in turn.

    Examples
    --------
    >>> fast, slow = best_times([lambda: sum(range(10)), lambda: sum(range(10_000))], rounds=3)
    >>> fast < slow
    True
    """
    repeats = []
    for call in calls:
        call()  # weights are kept when they are met for the second time
        repeats.append(max(1, min(MOST, int(ENOUGH / max(_time(call, 1), 1e-7)))))
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for index, (call, count) in enumerate(zip(calls, repeats, strict=True)):
            best[index] = min(best[index], _time(call, count))
    return best


def _time(call: Callable[[], Any], count: int) -> float:
    start = perf_counter()
    for _ in range(count):
        call()
    return (perf_counter() - start) / count
