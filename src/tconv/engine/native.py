"""The compiled module: whether it is there, which target of it runs, and how many threads."""

import os
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.geometry.parameters import integer

_module: Any = None
_broken = ""
try:
    _module = import_module("tconv.engine._native")
except ModuleNotFoundError:
    _broken = "tconv was installed without its compiled engine (TCONV_NATIVE=0)"
except ImportError as error:
    _broken = f"the compiled engine does not load: {error}"

_targets: tuple[str, ...] = tuple(_module.targets()) if _module else ()


def _choose(wanted: str | None) -> tuple[str | None, str | None]:
    """Return the target to run, or else why there is none."""
    if not _targets:
        return None, _broken
    if not wanted:
        return _targets[0], None
    if wanted in _targets:
        return wanted, None
    return None, f"TCONV_CPU={wanted} is not one of {', '.join(_targets)}, which this machine runs"


_target, _refusal = _choose(os.environ.get("TCONV_CPU"))


def available() -> bool:
    """Return whether compiled kernels run here.

    Examples
    --------
    >>> available() == (refusal() is None)
    True
    """
    return _target is not None


def refusal() -> str | None:
    """Return why NumPy does the work instead: not built, or TCONV_CPU asks for what is not here."""
    return _refusal


def targets() -> tuple[str, ...]:
    """Return the targets that this machine runs, best first; none if the engine is not built.

    Examples
    --------
    >>> not targets() or "baseline" in targets()
    True
    """
    return _targets


def target() -> str:
    """Return the target in use: the best, or what TCONV_CPU names; ``"numpy"`` without one."""
    return _target or "numpy"


def algorithms() -> tuple[str, ...]:
    """Return the names of the engine's algorithms in their order; none if it is not built.

    Examples
    --------
    >>> not available() or "winograd" in algorithms()
    True
    """
    return tuple(_module.algorithms()) if _module else ()


def compiler() -> str | None:
    """Return what the engine was compiled by."""
    return str(_module.compiler()) if _module else None


def costs() -> tuple[float, dict[str, tuple[float, float]]]:
    """Return the constants of the cost model for the target in use.

    These are the bytes that one thread moves in the time of a multiply-add, and of each algorithm
    the time of a product and of another operation that it counts, in that unit.
    """
    bytes_per_operation, algorithms = _module.costs(_target)
    return bytes_per_operation, dict(zip(_module.algorithms(), algorithms, strict=True))


@cache
def lanes() -> int:
    """Return how many float32 a vector of the target in use holds."""
    return int(_module.lanes(_target))


@cache
def speed() -> float:
    """Return the vector multiply-adds that one thread does in a second, measured once."""
    return float(_module.speed(_target))


def plan_class(dtype: np.dtype[Any]) -> Any:
    """Return the compiled class that packs weights of float32 or float64."""
    return _module.PlanF32 if dtype == np.float32 else _module.PlanF64


def adjoint_class(dtype: np.dtype[Any]) -> Any:
    """Return the compiled class of the direct convolution in float32 or float64."""
    return _module.AdjointF32 if dtype == np.float32 else _module.AdjointF64


def weight_gradient(dtype: np.dtype[Any]) -> Any:
    """Return the compiled weight gradient in float32 or float64."""
    return _module.weight_gradient_f32 if dtype == np.float32 else _module.weight_gradient_f64


def set_num_threads(n: int) -> None:
    """Set how many threads a call may use, the caller's included.

    At first it is what TCONV_NUM_THREADS says, or OMP_NUM_THREADS, where they are numbers of at
    least 1, or as many as there are CPUs for this process, by its affinity and by the quota of its
    control group. Results do not depend on it. Without the compiled engine it does nothing: the
    threads are those of NumPy's own library.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    threads = integer("n", n, minimum=1)
    if _module:
        _module.set_num_threads(min(threads, 2**31 - 1))


def get_num_threads() -> int:
    """Return how many threads a call may use; 1 without the compiled engine.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    return int(_module.get_num_threads()) if _module else 1


def xla_functions(minor_version: int) -> dict[str, Any]:
    """Return the functions that XLA may call, as capsules by name, for the target in use.

    They say that they are of this minor version of XLA's interface, or of the nearest one known.
    """
    return dict(_module.xla_functions(_target, minor_version))


def kept_weights() -> tuple[int, int]:
    """Return of how many layers packed weights are kept for XLA's calls, and their bytes."""
    return tuple(_module.kept_weights()) if _module else (0, 0)


def forget_weights() -> None:
    """Let go of the packed weights that are kept for XLA's calls."""
    if _module:
        _module.forget_weights()


def set_host(address: int) -> None:
    """Give the C function by which a library runs a range on its threads."""
    if _module:
        _module.set_host(address)


def set_hosted_threads(threads: int) -> None:
    """Let calls of this thread use so many threads of the host from now on; with 0, ours again."""
    if _module:
        _module.set_hosted_threads(threads)


def same_bytes(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Tell whether two contiguous arrays of one dtype hold the same bytes: NaN and -0.0 count.

    Examples
    --------
    >>> same_bytes(np.array([np.nan, 0.0]), np.array([np.nan, 0.0]))
    True
    >>> same_bytes(np.array([0.0]), np.array([-0.0]))
    False
    """
    return bool(_module.same_bytes(one, other)) if _module else one.tobytes() == other.tobytes()
