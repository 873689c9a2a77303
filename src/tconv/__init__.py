"""Transposed convolution, done once and done right.

>>> import numpy as np
>>> import tconv
>>> x, weight = np.ones((1, 1, 4, 4)), np.ones((1, 1, 3, 3))
>>> tconv.conv_transpose(x, weight, stride=2, padding=1).shape
(1, 1, 7, 7)
>>> tconv.Geometry.of((4, 4), 3, stride=2, padding=1).even
False
"""

from tconv import kernels, symbolic, threadpools
from tconv._version import __version__
from tconv.configuration import show_config
from tconv.engine import Plan, get_num_threads, plan, set_num_threads
from tconv.functional import METHODS, conv, conv_transpose, dot_test, matrix, weight_gradient
from tconv.geometry import Geometry
from tconv.relations import RELATIONS, Relation
from tconv.solve import Solution, solve
from tconv.traces import VIEWS, Trace, explain
from tconv.upsampling import upsample

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
    "get_num_threads",
    "kernels",
    "matrix",
    "plan",
    "set_num_threads",
    "show_config",
    "solve",
    "symbolic",
    "threadpools",
    "upsample",
    "weight_gradient",
]
