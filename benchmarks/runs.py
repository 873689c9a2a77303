"""One run: every layer at every number of threads, saved as it goes."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.crew import Crew, measure
from benchmarks.layers import Layer
from benchmarks.machine import describe, usable_cpus
from benchmarks.results import Results, Row

Notice = Callable[[str], None]


def run(
    layers: list[Layer],
    peers: list[str],
    threads: list[int],
    budget: float,
    *,
    task: str = "forward",
    dtype: str = "float32",
    output: Path | None = None,
    notice: Notice = lambda words: None,
    each: Callable[[Row], None] = lambda row: None,
) -> Results:
    """Time layers with peers.

    Parameters
    ----------
    layers : list of Layer
    peers : list of str
        tconv first: the others' results are held against the first's.
    threads : list of int
    budget : float
        Seconds of timed calls for each peer, layer and number of threads.
    task, dtype : str
    output : Path, optional
        Saved to after every layer, so that a run cut short is not lost.
    notice, each : callable
        Told what is going on, and every row.
    """
    for count in threads:
        if not 0 < count <= len(usable_cpus()):
            raise ValueError(f"{count} threads, but {len(usable_cpus())} CPUs may be used")
    settings: dict[str, Any] = {
        "budget_s": budget, "task": task, "dtype": dtype, "peers": peers, "threads": threads,
        "versions": {}, "rooflines": {},
    }  # fmt: skip
    results = Results(describe(), settings)
    for count in threads:
        notice(f"measuring the machine, threads: {count}")
        roofline = measure(count, dtype)
        settings["rooflines"][str(count)] = asdict(roofline)
        notice(f"starting the peers, threads: {count}")
        with Crew(peers, count, roofline, dtype) as crew:
            settings["versions"] |= crew.versions
            for layer in layers:
                notice(f"{layer.name}, threads: {count}")
                row = crew.run(layer, task, budget)
                results.rows.append(row)
                each(row)
                if output:
                    results.save(output)
    return results
