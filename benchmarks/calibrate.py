"""The cost model held against the clock: how often its choice is right, and its constants here."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

import tconv
from benchmarks.layers import Layer
from benchmarks.results import write_json
from benchmarks.timing import timed
from tconv.engine import native, packed
from tconv.engine.memory import empty
from tconv.peers.layout import channels_last

LAYOUTS = ("channels_first", "channels_last")
NEAR = 1.05  # times the least time: a choice as good as the best
TRIED = 2  # calls of every algorithm: the first touches its output
CONTENDING = 2.0  # times the least of these: timed again, and fitted with full weight
TASK_COST = 1500.0  # heuristics/costs.hpp
FARTHEST = log(4)  # of a constant from where it starts


@dataclass(frozen=True, slots=True)
class Measured:
    """One algorithm on one layer: the operations that it estimates, and the least of its times."""

    layer: str
    layout: str
    algorithm: str
    products: float
    others: float
    bytes: float
    tasks: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Constants:
    """The constants of the cost model, in the time of one vector multiply-add.

    Parameters
    ----------
    bytes_per_operation : float
    algorithms : dict of str to (float, float)
        Of each algorithm a product, and another operation.
    """

    bytes_per_operation: float
    algorithms: dict[str, tuple[float, float]]

    @classmethod
    def shipped(cls) -> "Constants":
        """Return those of the engine's target in use."""
        return cls(*native.costs())

    def operations(self, one: Measured) -> float:
        """Return what the model expects of one thread."""
        product, other = self.algorithms[one.algorithm]
        moved = one.bytes / self.bytes_per_operation
        return product * one.products + other * one.others + moved + one.tasks * TASK_COST


def measure(layers: Iterable[Layer], rounds: int = 5) -> Iterator[list[Measured]]:
    """Yield for each layer and layout what every algorithm takes, with one thread, in turn."""
    before = tconv.get_num_threads()
    tconv.set_num_threads(1)
    try:
        for layer in layers:
            for layout in LAYOUTS:
                yield list(_measure(layer, layout, rounds))
    finally:
        tconv.set_num_threads(before)


def _measure(layer: Layer, layout: str, rounds: int) -> Iterator[Measured]:
    weight, bias = layer.parameters("float32")
    x: Any = next(layer.inputs("float32"))
    geometry = layer.geometry(x.shape[2:])
    last = layout == LAYOUTS[1]
    _, estimates = packed.Packed(
        weight, bias, geometry, layer.groups, channels_last=last
    ).estimates(len(x), geometry)
    x = channels_last(x) if last else x
    calls: dict[str, Any] = {}
    least: dict[str, float] = {}
    for estimate in estimates:
        if estimate.unsupported:
            continue
        plan = tconv.plan(weight, bias, **layer.words, layout=layout, method=estimate.method)
        first = plan(x)
        out = empty(first.shape, first.dtype)
        calls[estimate.method] = partial(plan, x, out=out)
        least[estimate.method] = min(timed(calls[estimate.method])[0] for _ in range(TRIED))
    contending = {name for name in calls if least[name] <= CONTENDING * min(least.values())}
    for _ in range(rounds if len(contending) > 1 else 0):
        for name in contending:
            least[name] = min(least[name], timed(calls[name])[0])
    for one in estimates:
        if one.method in least:
            yield Measured(
                layer.name, layout, one.method, one.products, one.others, one.bytes, one.tasks,
                least[one.method],
            )  # fmt: skip


def cases(measured: list[Measured]) -> list[list[Measured]]:
    """Return the layers and layouts that more than one algorithm does."""
    grouped = groupby(measured, lambda one: (one.layer, one.layout))
    return [case for case in (list(some) for _, some in grouped) if len(case) > 1]


def losses(measured: list[Measured], constants: Constants) -> dict[tuple[str, str], float]:
    """Return by layer and layout the time of the algorithm chosen over that of the best."""
    return {
        (case[0].layer, case[0].layout): min(case, key=constants.operations).seconds
        / min(one.seconds for one in case)
        for case in cases(measured)
    }


def right(measured: list[Measured], constants: Constants) -> int:
    """Return how often the choice is within five percent of the best."""
    return sum(loss <= NEAR for loss in losses(measured, constants).values())


def fit(measured: list[Measured], start: Constants) -> Constants:
    """Return the constants that tell the measured times best, in the mean of logarithms.

    Algorithms far from the best of their layer count little, as they are not chosen anyway. The
    first algorithm's product keeps its cost, since the unit of all is free.
    """
    names = [name for name in start.algorithms if any(m.algorithm == name for m in measured)]
    rows = [one for case in cases(measured) for one in case]
    least = {(c[0].layer, c[0].layout): min(m.seconds for m in c) for c in cases(measured)}
    near = np.array([m.seconds / least[m.layer, m.layout] for m in rows])
    weights = np.where(near <= CONTENDING, 1.0, 0.2)
    table = np.array([(m.products, m.others, m.bytes, m.tasks * TASK_COST) for m in rows])
    index = np.array([names.index(m.algorithm) for m in rows])
    seconds = np.log([m.seconds for m in rows])
    given = np.log([start.algorithms[name] for name in names])

    def unpack(values: Any) -> tuple[Any, Any, Any]:
        scale = given + values[2:].reshape(-1, 2)
        scale[0, 0] = given[0, 0]
        return values[0], log(start.bytes_per_operation) + values[1], scale

    def errors(values: Any) -> Any:
        speed, moved, scale = unpack(values)
        work = (table[:, :2] * np.exp(scale)[index]).sum(1) + table[:, 2] / exp(moved) + table[:, 3]
        slack = 0.05 * values[1:]  # keeps what the layers do not tell where it was
        return np.concatenate((weights * (np.log(work) - speed - seconds), slack))

    first = np.zeros(2 + 2 * len(names))
    first[0] = np.median(np.log([start.operations(m) for m in rows]) - seconds)
    limit = np.full(len(first), FARTHEST)
    limit[0] = np.inf
    found = least_squares(errors, first, bounds=(-limit, limit), loss="soft_l1", f_scale=0.1)
    _, moved, scale = unpack(found.x)
    fitted = {name: (float(p), float(o)) for name, (p, o) in zip(names, np.exp(scale), strict=True)}
    return Constants(exp(moved), {**start.algorithms, **fitted})


def save(measured: list[Measured], path: Path) -> None:
    """Write measurements as JSON."""
    write_json(path, [asdict(one) for one in measured])


def load(path: Path) -> list[Measured]:
    """Read measurements that :func:`save` wrote."""
    return [Measured(**one) for one in json.loads(path.read_text("utf-8"))]
