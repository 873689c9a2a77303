"""The process that a peer lives in: told by its parent what to prepare, and when to be timed.

One peer a process: thread pools are not shared, and a crash loses one peer on one layer.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.layers import Array, Layer
from benchmarks.machine import measure
from benchmarks.peers import PEERS, Bind, Bound, UnsupportedError
from benchmarks.timing import WARM_BELOW, PeakMemory, repeat, settle, timed

TRIALS = 2


class Worker:
    """One peer, and the layer it is prepared for."""

    def __init__(self, peer: str, threads: int) -> None:
        self.name, self.threads = peer, threads
        self.drop()

    def drop(self) -> None:
        """Forget the layer."""
        self.layer: Layer | None = None
        self.bind: Bind | None = None
        self.bound: list[Bound] = []
        self.dtype = ""

    def measure(self, dtype: str) -> dict[str, Any]:
        """Measure the machine instead of a peer."""
        return asdict(measure(self.threads, dtype))

    def start(self) -> dict[str, Any]:
        """Import the peer; say which version it is."""
        peer = PEERS[self.name]
        version = peer.version()
        if version is None:
            raise UnsupportedError("not installed")
        peer.start(self.threads)
        return {"version": version}

    def prepare(self, layer: Layer, task: str, dtype: str) -> dict[str, Any]:
        """Pack the weights each way the peer knows; keep the fastest way, and say what it cost."""
        self.drop()
        self.layer, self.dtype = layer, dtype
        weight, bias = layer.parameters(dtype)
        ways = PEERS[self.name].variants(layer, weight, bias, task)
        tried, reasons = [], []
        for way, pack in ways.items():
            self.bound = []
            memory = PeakMemory()
            try:
                pack_s, self.bind = timed(pack)
                bound = self._bind(-1)
                first_s, _ = timed(lambda: _run(bound))  # noqa: B023
                peak = memory.rise()
                warm = self._trial() if len(ways) > 1 else first_s
            except Exception as error:
                reasons.append(
                    f"{way}: {first_line(error)}" if len(ways) > 1 else first_line(error)
                )
                continue
            tried.append((warm, self.bind, {
                "variant": way, "pack_s": pack_s, "first_s": first_s, "peak_bytes": peak,
            }))  # fmt: skip
            self.bound = bound
        if not tried:
            raise UnsupportedError("; ".join(reasons))
        _, self.bind, cold = min(tried, key=lambda entry: entry[0])
        self.bound = [] if layer.lengths else self._bind(0)
        return cold

    def check(self, path: str, *, keep: bool) -> float:
        """Keep this peer's result as the reference, or return how far it is from that.

        The largest difference over the largest value, the worst of the results.
        """
        bound = self._bind(0)[0]
        results = bound.read(bound.run())
        worst = 0.0
        for index, result in enumerate(results):
            file = Path(f"{path}.{index}.npy")
            if keep:
                np.save(file, result)
                continue
            worst = max(worst, _difference(result, np.load(file, mmap_mode="r")))
        return worst

    def time(self, seconds: float, turn: int, *, last: float) -> list[float]:
        """Time calls for some seconds, then wait until all threads rest."""
        assert self.layer is not None
        if self.layer.lengths:
            bound = self._bind(turn)
            times = [timed(lambda: _run(bound))[0]]
        else:
            times = repeat(self._call(), seconds, warm=last < WARM_BELOW)
        settle()
        return times

    def _bind(self, turn: int) -> list[Bound]:
        assert self.layer is not None
        assert self.bind is not None
        return [self.bind(x) for x in self.layer.inputs(self.dtype, turn)]

    def _call(self) -> Callable[[], Any]:
        return self.bound[0].run

    def _trial(self) -> float:
        bound = self._bind(-2)
        trials = 1 if self.layer and self.layer.lengths else TRIALS
        return min(timed(lambda: _run(bound))[0] for _ in range(trials))


def _run(bound: list[Bound]) -> Any:
    result = None
    for one in bound:
        result = one.run()
    return result


def _difference(result: Array, reference: Array) -> float:
    if result.shape != reference.shape:
        raise UnsupportedError(f"wrong shape {result.shape}, not {reference.shape}")
    scale = float(np.max(np.abs(reference))) or 1.0
    return float(np.max(np.abs(result - reference))) / scale


def first_line(error: BaseException) -> str:
    """Return an error in one short line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    kind = "" if isinstance(error, UnsupportedError) else f"{type(error).__name__}: "
    return (kind + (lines[0].strip() if lines else ""))[:160].rstrip(": ")


def serve(connection: Connection, worker: Any) -> None:
    """Answer the parent's requests, (method, arguments, keywords), until it hangs up."""
    while True:
        try:
            method, arguments, keywords = connection.recv()
        except EOFError:
            return
        try:
            answer = (True, getattr(worker, method)(*arguments, **keywords))
        except Exception as error:
            answer = (False, first_line(error))
        connection.send(answer)


def main(
    make: Callable[[str, int], Any], descriptor: str, peer: str, threads: str, cpus: str
) -> None:
    """Serve a worker on an inherited connection, confined to some CPUs."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [int(cpu) for cpu in cpus.split(",")])
    serve(Connection(int(descriptor)), make(peer, int(threads)))


if __name__ == "__main__":
    main(Worker, *sys.argv[1:])
