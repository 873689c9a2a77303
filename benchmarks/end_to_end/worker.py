"""The process that a contender lives in: told what to prepare, and when to be timed."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.end_to_end.contenders import CONTENDERS, Case, PyTorch, Ready
from benchmarks.peers.base import UnsupportedError
from benchmarks.timing import WARM_BELOW, repeat, settle, timed
from benchmarks.worker import main


class ModelWorker:
    """One contender, and the model it is prepared for."""

    def __init__(self, name: str, threads: int) -> None:
        self.contender, self.threads = CONTENDERS[name], threads
        self.ready: Ready | None = None

    def start(self) -> dict[str, Any]:
        """Import the contender; say which version it is."""
        version = self.contender.version()
        self.contender.start(self.threads)
        return {"version": version}

    def export(self, case: Case) -> None:
        """Write the model as the runtimes read it."""
        assert isinstance(self.contender, PyTorch)
        self.contender.export(case)

    def shares(self, case: Case, seconds: float) -> list[tuple[float, dict[str, float]]]:
        """Return what the transposed convolutions take of the calls of some seconds."""
        assert isinstance(self.contender, PyTorch)
        found = self.contender.shares(case, seconds)
        settle()
        return found

    def prepare(self, case: Case, reference: Path, *, keep: bool) -> dict[str, Any]:
        """Load, build or compile the model, and run it once.

        Its result is kept as the reference, or held against that: the largest difference over the
        largest value.
        """
        self.ready = None
        prepare_s, ready = timed(lambda: self.contender.prepare(case))
        first_s, result = timed(ready.run)
        y = ready.read(result)
        self.ready = ready
        difference = 0.0
        if keep:
            np.save(reference, y)
        else:
            difference = _difference(y, np.load(reference))
        return {
            "prepare_s": prepare_s, "first_s": first_s, "note": ready.note,
            "difference": difference,
        }  # fmt: skip

    def time(self, seconds: float, *, last: float) -> list[float]:
        """Time calls for some seconds, then wait until all threads rest."""
        assert self.ready is not None
        times = repeat(self.ready.run, seconds, warm=last < WARM_BELOW)
        settle()
        return times

    def drop(self) -> None:
        """Forget the model."""
        self.ready = None


def _difference(y: Any, reference: Any) -> float:
    if y.shape != reference.shape:
        raise UnsupportedError(f"wrong shape {y.shape}, not {reference.shape}")
    return float(np.max(np.abs(y - reference))) / (float(np.max(np.abs(reference))) or 1.0)


if __name__ == "__main__":
    main(ModelWorker, *sys.argv[1:])
