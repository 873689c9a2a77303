"""What a call costs beside its work: the smallest layer, timed beside an empty function."""

from collections.abc import Callable
from timeit import timeit
from typing import Any

import numpy as np

import tconv
from benchmarks import pytorch_calls

CALLS, TURNS = 1000, 15


def measure(calls: int = CALLS, turns: int = TURNS, compiled: bool = False) -> dict[str, float]:
    """Return the seconds of a call beyond an empty function, the least of several turns.

    The layer is 1x8x4x4 -> 1x8x8x8 with a kernel of 4, stride 2 and padding 1, on one thread. The
    kinds of call take turns, so that what slows the machine slows them all.
    """
    random = np.random.default_rng(0)
    x = random.standard_normal((1, 8, 4, 4)).astype(np.float32)
    weight = random.standard_normal((8, 8, 4, 4)).astype(np.float32)
    layer = tconv.plan(weight, stride=2, padding=1)
    out = layer(x)
    kinds: dict[str, Callable[[], Any]] = {
        "an empty function": lambda: None,
        "plan": lambda: layer(x),
        "plan, out=": lambda: layer(x, out),
        "conv_transpose": lambda: tconv.conv_transpose(x, weight, None, 2, 1),
        "conv_transpose, out=": lambda: tconv.conv_transpose(x, weight, None, 2, 1, out=out),
        "plan, made and called": lambda: tconv.plan(weight, None, 2, 1)(x),
        **pytorch_calls.kinds(compiled),
        **pytorch_calls.comparisons(),
    }
    before = tconv.get_num_threads()
    tconv.set_num_threads(1)
    try:
        least = dict.fromkeys(kinds, float("inf"))
        for _ in range(turns):
            for name, call in kinds.items():
                least[name] = min(least[name], timeit(call, number=calls))
    finally:
        tconv.set_num_threads(before)
    empty = least.pop("an empty function")
    return {name: (seconds - empty) / calls for name, seconds in least.items()}
