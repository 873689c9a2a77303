"""Transposed convolution, done once and done right.

>>> import numpy as np
>>> import tconv
>>> x, weight = np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))
>>> tconv.conv_transpose(x, weight, stride=2, padding=1).shape
(1, 1, 7, 7)
>>> tconv.Geometry.of((4, 4), 3, stride=2, padding=1).even
False
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from tconv._version import __version__

if TYPE_CHECKING:
    from tconv import symbolic, threadpools
    from tconv.configuration import show_config
    from tconv.engine import (
        Plan,
        get_arithmetic,
        get_num_threads,
        plan,
        set_arithmetic,
        set_num_threads,
    )
    from tconv.explanation import VIEWS, Trace, explain
    from tconv.functional import METHODS, conv, conv_transpose, dot_test, matrix, weight_gradient
    from tconv.geometry import Geometry
    from tconv.geometry.relations import RELATIONS, Relation
    from tconv.geometry.solving import Solution, solve
    from tconv.interpolation import kernels, upsample

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

_NAMES = {
    "configuration": ("show_config",),
    "engine": (
        "Plan",
        "get_arithmetic",
        "get_num_threads",
        "plan",
        "set_arithmetic",
        "set_num_threads",
    ),
    "explanation": ("VIEWS", "Trace", "explain"),
    "functional": ("METHODS", "conv", "conv_transpose", "dot_test", "matrix", "weight_gradient"),
    "geometry": ("Geometry",),
    "geometry.relations": ("RELATIONS", "Relation"),
    "geometry.solving": ("Solution", "solve"),
    "interpolation": ("kernels", "upsample"),
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names}

if "threadpoolctl" in sys.modules:  # which limits what is loaded already
    from tconv import threadpools

if not TYPE_CHECKING:  # type checkers know every name, and refuse others

    def __getattr__(name):
        """Import a public name, or a module, when it is first asked for, and keep it."""
        home = f"{__name__}.{_HOMES.get(name, name)}"
        try:
            module = import_module(home)
        except ModuleNotFoundError as missing:
            if missing.name != home:
                raise
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
        value = getattr(module, name) if name in _HOMES else module
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
