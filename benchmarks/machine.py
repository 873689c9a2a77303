"""The machine and the versions that figures belong to, and what it can do at best."""

import os
import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import tconv
from benchmarks.roofline import Roofline

SIDE = 3072
WORKING_SETS = tuple(2**n for n in range(16, 31, 2))  # 64 KiB to 1 GiB
MEASURED = 0.08  # seconds a figure
TRIES = 5


def describe() -> dict[str, Any]:
    """Return CPU, cores, system, date and tconv's own version and engine."""
    return {
        "cpu": _cpu_name(),
        "cpus": len(usable_cpus()),
        "features": _features(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "tconv": tconv.__version__,
        "numpy": version("numpy"),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load": _load(),
    }


def usable_cpus() -> list[int]:
    """Return the CPUs this process may use, one hardware thread of each core first."""
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    allowed = sorted(os.sched_getaffinity(0))
    first: list[int] = []
    second: list[int] = []
    seen: set[str] = set()
    for cpu in allowed:
        core = str(cpu)
        with suppress(OSError):
            topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
            core = topology.read_text("ascii")
        (second if core in seen else first).append(cpu)
        seen.add(core)
    return first + second


def measure(threads: int, dtype: str = "float32") -> Roofline:
    """Measure a large matrix product, the best of NumPy's and PyTorch's, and copies.

    To be called in a process of its own, whose environment holds BLAS to that many threads.
    """
    flops = 2 * SIDE**3 / min(_product_times(threads, dtype))
    return Roofline(flops, tuple((size, _copy_rate(size, threads)) for size in WORKING_SETS))


def _product_times(threads: int, dtype: str) -> list[float]:
    a = np.random.default_rng(0).standard_normal((SIDE, SIDE)).astype(dtype)
    out = np.empty_like(a)
    times = _times(lambda: np.matmul(a, a, out=out))
    try:
        import torch
    except ImportError:
        return times
    torch.set_num_threads(threads)
    b = torch.from_numpy(a)
    return times + _times(lambda: b @ b)


def _copy_rate(size: int, threads: int) -> float:
    """Return bytes read and written a second by as many threads, each with its own share."""
    count = size // threads // 8
    pairs = [(np.ones(count, np.float32), np.ones(count, np.float32)) for _ in range(threads)]

    def copy(pair: tuple[Any, Any]) -> float:
        target, source = pair
        done, start = 0, perf_counter()
        while perf_counter() - start < MEASURED:
            np.copyto(target, source)
            done += 1
        return done * 8 * count / (perf_counter() - start)

    with ThreadPoolExecutor(threads) as pool:
        return max(sum(pool.map(copy, pairs)) for _ in range(2))


def _times(call: Callable[[], Any]) -> list[float]:
    call()
    times = []
    for _ in range(TRIES):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return times


def _cpu_name() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _features() -> list[str]:
    telling = ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "asimd", "sve")
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith(("flags", "Features")):
                return [word for word in line.split() if word in telling]
    return []


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
