"""Transposed convolution, done once and done right.

>>> import numpy as np
>>> import tconv
>>> x, weight = np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))
>>> tconv.conv_transpose(x, weight, stride=2, padding=1).shape
(1, 1, 7, 7)
>>> tconv.Geometry.of((4, 4), 3, stride=2, padding=1).even
False
"""

from typing import TYPE_CHECKING, Any

from tconv import kernels, symbolic, threadpools
from tconv._version import __version__
from tconv.configuration import show_config
from tconv.engine import (
    Plan,
    get_arithmetic,
    get_num_threads,
    plan,
    set_arithmetic,
    set_num_threads,
)
from tconv.functional import METHODS, conv, conv_transpose, dot_test, matrix, weight_gradient
from tconv.geometry import Geometry
from tconv.relations import RELATIONS, Relation
from tconv.solving import Solution, solve
from tconv.upsampling import upsample

if TYPE_CHECKING:
    from tconv.traces import VIEWS, Trace, explain

__all__ = [
    "METHODS",
    "RELATIONS",
    "VIEWS",
    "Geometry",
    "Plan",
    "Relation",
    "Solution",
    "Trace",
    "__version__",
    "conv",
    "conv_transpose",
    "dot_test",
    "explain",
    "get_arithmetic",
    "get_num_threads",
    "kernels",
    "matrix",
    "plan",
    "set_arithmetic",
    "set_num_threads",
    "show_config",
    "solve",
    "symbolic",
    "threadpools",
    "upsample",
    "weight_gradient",
]


def __getattr__(name: str) -> Any:
    """Load traces when they are first asked for: they are a third of what an import costs."""
    if name not in ("VIEWS", "Trace", "explain"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tconv import traces

    return getattr(traces, name)
