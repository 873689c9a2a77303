"""What fast arithmetic gains over direct, and what it rounds: times and errors, side by side."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

import tconv
from benchmarks.layers import Array, Layer
from benchmarks.timing import timed
from tconv.engine.arithmetic import Arithmetic
from tconv.engine.memory import empty
from tconv.peers.layout import channels_first, channels_last

LAYOUTS = ("channels_first", "channels_last")
UNIT = 2.0**-24  # of float32: half the distance from 1 to the next number


@dataclass(frozen=True, slots=True)
class Found:
    """One layer by one arithmetic, in the layout that it is fastest in.

    Parameters
    ----------
    seconds : float
        Least of all calls, in the layout that is faster.
    rms : float
        Root mean square of the errors, over that of the outputs.
    largest : float
        The largest error of an output, over 2**-24·max|x|·S, where S is the largest sum of the
        absolute weights of an output channel.
    """

    seconds: float
    rms: float
    largest: float


def measure(
    layers: Iterable[Layer], threads: int = 2, rounds: int = 7
) -> Iterator[tuple[Layer, dict[str, Found]]]:
    """Yield each layer, and what was found of each arithmetic; they are called in turn.

    Errors are those of float32 against the same layer in float64 and direct arithmetic, of random
    normal inputs and weights; the worse of both layouts counts.
    """
    before = tconv.get_num_threads()
    tconv.set_num_threads(threads)
    try:
        for layer in layers:
            yield layer, _layer(layer, rounds)
    finally:
        tconv.set_num_threads(before)


def _layer(layer: Layer, rounds: int) -> dict[str, Found]:
    weight, _ = layer.parameters("float32")
    x = next(layer.inputs("float32"))
    exact: Array = tconv.plan(weight.astype(float), **layer.words, arithmetic="direct")(
        x.astype(float)
    )
    grouped = abs(weight).reshape(layer.groups, -1, *weight.shape[1:])
    sums = grouped.sum((1, *range(3, grouped.ndim)))
    unit = UNIT * float(abs(x).max()) * float(sums.max())
    ways = {}
    for arithmetic in get_args(Arithmetic):
        for layout in LAYOUTS:
            plan: Any = tconv.plan(weight, **layer.words, layout=layout, arithmetic=arithmetic)
            given = x if layout == LAYOUTS[0] else channels_last(x)
            first = plan(given)
            out = empty(first.shape, first.dtype)
            error = (first if layout == LAYOUTS[0] else channels_first(first)) - exact
            ways[arithmetic, layout] = (lambda p=plan, g=given, o=out: p(g, out=o)), error
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for way, (call, _) in ways.items():
            least[way] = min(least[way], timed(call)[0])
    scale = float(np.sqrt(np.mean(exact**2)))
    return {
        arithmetic: Found(
            min(least[arithmetic, layout] for layout in LAYOUTS),
            max(float(np.sqrt(np.mean(ways[arithmetic, one][1] ** 2))) for one in LAYOUTS) / scale,
            max(float(abs(ways[arithmetic, one][1]).max()) for one in LAYOUTS) / unit,
        )
        for arithmetic in get_args(Arithmetic)
    }
