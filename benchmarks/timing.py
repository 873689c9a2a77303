"""Plain timing: one clock, every call timed, medians and quartiles; and peak memory."""

import ctypes
import gc
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

WARM_BELOW = 0.1  # seconds: a call that takes longer gains nothing from one before it
SETTLE_AT_MOST = 0.5
STEP = 0.004


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of times in seconds.

    Examples
    --------
    >>> Spread.of([3.0, 1.0, 2.0])
    Spread(median=2.0, lower=1.5, upper=2.5, calls=3)
    """

    median: float
    lower: float
    upper: float
    calls: int

    @classmethod
    def of(cls, times: Sequence[float]) -> "Spread":
        """Return the spread of at least one time."""
        ordered = sorted(times)
        if len(ordered) == 1:
            return cls(ordered[0], ordered[0], ordered[0], 1)
        lower, median, upper = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(median, lower, upper, len(ordered))


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call takes, and its result."""
    start = perf_counter()
    result = call()
    return perf_counter() - start, result


def repeat(call: Callable[[], Any], seconds: float, *, warm: bool) -> list[float]:
    """Time calls, at least one, for some seconds.

    Parameters
    ----------
    call : callable
    seconds : float
    warm : bool
        Whether to call once untimed before, to fill the caches and wake the threads.

    Returns
    -------
    list of float
        Results are let go of outside the timed region.
    """
    if warm:
        call()
    times: list[float] = []
    start = perf_counter()
    while not times or perf_counter() - start < seconds:
        times.append(timed(call)[0])
    return times


def settle() -> None:
    """Wait until this process's threads have stopped spinning, so that the next peer has the CPUs.

    Thread pools keep their threads awake for some milliseconds after the work.
    """
    for _ in range(int(SETTLE_AT_MOST / STEP)):
        before = process_time()
        sleep(STEP)
        if process_time() - before < STEP / 8:
            return


class PeakMemory:
    """How far a process's resident memory rises above where it was when this was made.

    Memory that a library kept from an earlier layer and uses again does not show.
    """

    def __init__(self) -> None:
        gc.collect()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", "ascii")  # starts VmHWM afresh
        self.before = _status("VmRSS") or _highest()

    def rise(self) -> int:
        """Return bytes."""
        return max((_status("VmHWM") or _highest()) - self.before, 0)


def _status(field: str) -> int:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


def _highest() -> int:
    if os.name != "posix":
        return 0
    import resource

    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024
