"""The compiled engine: plans that pack a layer's weights, its kernels for each CPU, its threads.

Where it is not built, or cannot do a layer, NumPy's phase product does the work instead.
"""

from tconv.engine.adjoint import conv, weight_gradient
from tconv.engine.arithmetic import get_arithmetic, set_arithmetic
from tconv.engine.native import (
    available,
    compiler,
    get_num_threads,
    refusal,
    set_num_threads,
    target,
    targets,
)
from tconv.engine.packed import ALGORITHMS, compute, unsupported_reason
from tconv.engine.planning import Plan, plan

__all__ = [
    "ALGORITHMS",
    "Plan",
    "available",
    "compiler",
    "compute",
    "conv",
    "get_arithmetic",
    "get_num_threads",
    "plan",
    "refusal",
    "set_arithmetic",
    "set_num_threads",
    "target",
    "targets",
    "unsupported_reason",
    "weight_gradient",
]
