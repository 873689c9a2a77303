"""The parent's side: one process a peer, asked in turn, so that all see the same machine."""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.layers import Layer
from benchmarks.machine import usable_cpus
from benchmarks.peers import OURS, PEERS
from benchmarks.results import Figure, Row
from benchmarks.roofline import Roofline
from benchmarks.timing import Spread

ROUNDS = 5
LEAST_CALLS = 3
LEAST_PASSES = 2  # of a layer of many lengths, each pass a mean of all of them
PATIENCE = 300.0  # seconds for any one answer
TOLERANCE = {"float32": 1e-3, "float64": 1e-9}


class PeerError(Exception):
    """A peer said why it could not, or fell silent."""


class Process:
    """A worker process, started anew when it died.

    Parameters
    ----------
    peer : str
    threads : int
    module : str
        What the process runs: it serves a worker for this peer.
    """

    def __init__(self, peer: str, threads: int, module: str = "benchmarks.worker") -> None:
        self.peer, self.threads, self.module = peer, threads, module
        self.process: subprocess.Popen[bytes] | None = None
        self.about: dict[str, Any] = {}
        self._launch()

    def _launch(self) -> None:
        self.mercy = 5.0  # seconds for a process to end by itself
        self.connection, theirs = Pipe()
        cpus = ",".join(map(str, usable_cpus()[: self.threads]))
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - read when the process ends
        number = theirs.fileno()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, str(number), self.peer, str(self.threads), cpus],
            env=environment(self.threads), pass_fds=[number], stdout=subprocess.DEVNULL,
            stderr=self.errors,
        )  # fmt: skip
        theirs.close()

    def ask(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Return a worker's answer; raise PeerError with its reason."""
        if self.process is None:
            self._launch()
            self.about |= self.ask("start")
        try:
            self.connection.send((method, arguments, keywords))
            if not self.connection.poll(PATIENCE):
                self.mercy = 0.0
                self.close()
                raise PeerError(f"no answer within {PATIENCE:.0f} s")
            good, answer = self.connection.recv()
        except (EOFError, OSError):
            raise PeerError(f"its process ended: {self._last_words()}") from None
        if not good:
            raise PeerError(answer)
        return answer

    def _last_words(self) -> str:
        assert self.process is not None
        code = self._end()
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        self.close()
        return f"exit code {code}, {lines[-1][:120]}" if lines else f"exit code {code}"

    def _end(self) -> int:
        """Hang up, and wait for the process or kill it."""
        assert self.process is not None
        self.connection.close()
        try:
            return self.process.wait(self.mercy)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self._end()
            self.errors.close()
            self.process = None


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: what must be said before libraries are imported."""
    root = str(Path(__file__).parents[1])
    count = str(threads)
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)]),
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "TCONV_NUM_THREADS": count,
        "NPROC": count,
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


@cache
def import_seconds(module: str) -> float:
    """Return how long a fresh interpreter takes to import a module and what it needs."""
    code = (
        "from time import perf_counter; start = perf_counter(); "
        f"import {module}; print(); print(perf_counter() - start)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(1), capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])


def measure(threads: int, dtype: str) -> Roofline:
    """Measure the machine in a process that is held to this many threads."""
    process = Process("", threads)
    try:
        found = process.ask("measure", dtype)
    finally:
        process.close()
    return Roofline(found["flops"], tuple(map(tuple, found["bandwidth"])))


class Crew:
    """All peers at one number of threads."""

    def __init__(self, peers: list[str], threads: int, roofline: Roofline, dtype: str) -> None:
        self.threads, self.roofline, self.dtype = threads, roofline, dtype
        self.reasons: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.processes: dict[str, Process] = {}
        self.scratch = tempfile.TemporaryDirectory()
        for peer in peers:
            process = Process(peer, threads)
            try:
                process.about = process.ask("start")
            except PeerError as error:
                self.reasons[peer] = str(error)
                process.close()
            else:
                self.processes[peer] = process
                self.versions[peer] = process.about["version"]
                process.about["import_s"] = import_seconds(PEERS[peer].module)

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self.processes.values():
            process.close()
        self.scratch.cleanup()

    def run(self, layer: Layer, task: str, budget: float) -> Row:
        """Prepare, check and time one layer with every peer, in turn.

        Parameters
        ----------
        layer : Layer
        task : {"forward", "training"}
        budget : float
            Seconds of timed calls for each peer; a peer slower than that is called a few times.
        """
        figures = {peer: Figure(reason=reason) for peer, reason in self.reasons.items()}
        ready: dict[str, dict[str, Any]] = {}
        for peer, process in self.processes.items():
            try:
                cold = process.ask("prepare", layer, task, self.dtype)
                cold["difference"] = self._check(peer, first=not ready)
                ready[peer] = cold
            except PeerError as error:
                figures[peer] = Figure(reason=str(error))
        least = LEAST_PASSES if layer.lengths else LEAST_CALLS
        times: dict[str, list[float]] = {peer: [] for peer in ready}
        for turn in range(ROUNDS):
            order = list(ready)
            order = order[turn % max(len(order), 1) :] + order[: turn % max(len(order), 1)]
            for peer in order:
                if sum(times[peer]) >= budget and len(times[peer]) >= least:
                    continue
                last = times[peer][-1] if times[peer] else ready[peer]["first_s"]
                try:
                    times[peer] += self.processes[peer].ask(
                        "time", budget / ROUNDS, turn, last=last
                    )
                except PeerError as error:
                    figures[peer] = Figure(reason=str(error))
                    del ready[peer]
        for peer, cold in ready.items():
            import_s = self.processes[peer].about["import_s"]
            figures[peer] = Figure(spread=Spread.of(times[peer]), import_s=import_s, **cold)
            with suppress(PeerError):
                self.processes[peer].ask("drop")
        for file in Path(self.scratch.name).iterdir():
            file.unlink()
        passes = 3 if task == "training" else 1
        macs = layer.macs() * passes
        size = layer.values() * passes * (8 if self.dtype == "float64" else 4)
        ordered = {peer: figures[peer] for peer in [*self.processes, *self.reasons]}
        return Row(
            layer, task, self.threads, self.dtype, macs, size,
            self.roofline.seconds(macs, size), ordered,
        )  # fmt: skip

    def _check(self, peer: str, *, first: bool) -> float:
        path = str(Path(self.scratch.name) / "reference")
        difference = float(self.processes[peer].ask("check", path, keep=first))
        if not difference <= TOLERANCE[self.dtype]:  # so that NaN fails too
            raise PeerError(f"wrong result: differs from {OURS} by {difference:.1e} of the largest")
        return difference
