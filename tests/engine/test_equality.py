"""Thousands of random layers by every target and method, both layouts, any number of threads.

The definitions are the judge. Numbers are whole, so that every sum is exact; only Winograd's
transforms round.
"""

from collections import Counter

import numpy as np
import pytest

from strategies import Case, assert_close, cropped_case, padded_case
from tconv import engine
from tconv.engine import native
from tconv.engine.activations import Activation
from tconv.engine.packed import METHODS, Packed, can_run
from tconv.reference import DEFINITIONS

pytestmark = pytest.mark.skipif(not engine.available(), reason=str(engine.refusal()))

BLOCKS, SETS = 20, 260
THREADS = (1, 2, 5)
DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
EXACT = (None, "relu", "leaky_relu")
CURVES = ("tanh", "sigmoid", "gelu", "silu")
SLOPE = 0.25
LARGEST_INPUT = (70, 16, 7)  # of layers with equally many taps a phase, per rank


@pytest.fixture(autouse=True)
def threads():
    before = engine.get_num_threads()
    yield
    engine.set_num_threads(before)


def even_case(random, rank):
    """Draw a set whose phases have equally many taps: of channels that are wide, one, or many."""
    taps = int(random.integers(1, 4))
    stride = tuple(random.integers(1, 4, rank).tolist())
    kernel = tuple(taps * s if random.integers(5) else s for s in stride)
    size = tuple(random.integers(1, LARGEST_INPUT[rank - 1] + 1, rank).tolist())
    crop = [
        (int(random.integers(-2, k)), int(random.integers(-2, min(k, i * s))))
        for i, k, s in zip(size, kernel, stride, strict=True)
    ]
    axes = zip(size, kernel, stride, crop, strict=True)
    if any((i - 1) * s + k - sum(ends) < 1 for i, k, s, ends in axes):
        return even_case(random, rank)
    groups, channels = [
        (1, tuple(random.integers(1, 40, 2).tolist())),
        (int(random.integers(2, 30)), (1, 1)),
        (int(random.integers(2, 4)), (int(random.integers(2, 9)), int(random.integers(1, 9)))),
    ][int(random.integers(3))]
    words = {"stride": stride, "padding": crop}
    return Case(size, kernel, words, groups, channels, int(random.integers(1, 3)))


def idle_case(random, rank):
    """Draw a set of four axes, one of which the layer leaves as it is."""
    case = cropped_case(random, 3)
    at = int(random.integers(4))

    def with_one(values, one):
        return (*values[:at], one, *values[at:])

    words = {name: with_one(tuple(value), 1) for name, value in case.words.items()}
    words["padding"] = with_one(tuple(case.words["padding"]), (0, 0))
    size = with_one(case.input_size, int(random.integers(1, 4)))
    return Case(size, with_one(case.kernel_size, 1), words, case.groups, case.channels, case.batch)


def sets(number):
    random = np.random.default_rng([7, number])
    for index in range(SETS):
        draw = (cropped_case, even_case, padded_case, even_case, idle_case)[index % 5]
        yield index, draw(random, 1 + index // 5 % 3), random


def whole(random, *shape):
    return random.integers(-5, 6, shape)


def properties(case):
    geometry = case.geometry
    held = {
        "dilation": any(d > 1 for d in geometry.dilation),
        "one channel a group": case.groups > 1 and case.channels == (1, 1),
        "holes": any(a.taps_per_phase[0] == 0 or a.crop_start < 0 for a in geometry.axes),
        "more than one image": case.batch > 1,
    }
    return case.properties() + Counter(name for name, holds in held.items() if holds)


def run(packed, x, geometry, shape):
    """Run into NaN with each number of threads; return what all of them made."""
    made = []
    for threads in THREADS:
        engine.set_num_threads(threads)
        y = np.full(shape, np.nan, x.dtype)
        packed.run(x, y, packed.crop(geometry))
        made.append(y)
    for other in made[1:]:
        np.testing.assert_array_equal(other, made[0])
    return made[0]


def check(y, expected, magnitude, terms, activation, method):
    """Hold a result to the exact one: equal, or within rounding where something rounds."""
    if activation.name in EXACT and method not in ("auto", "winograd", "winograd_channels"):
        np.testing.assert_array_equal(y, expected)
    elif activation.name in EXACT:
        assert_close(y, expected.astype(y.dtype), magnitude, 8 * terms, y.dtype)
    else:
        close = 2e-5 if y.dtype == np.float32 else 1e-13
        slack = close * (1 + magnitude.max(initial=0))
        np.testing.assert_allclose(y, expected, rtol=close, atol=slack)


def packed_by(method, met, *layer):
    """Return the layer packed for one method; None, counted, where it is refused."""
    try:
        packed = Packed(*layer, method=method)
    except ValueError as refused:
        met[f"{method}: {refused}"] += 1
        return None
    met[method] += 1
    return packed


@pytest.mark.parametrize("number", range(BLOCKS))
def test_every_target_and_method(number, monkeypatch):
    met = Counter()
    for index, case, random in sets(number):
        geometry, dtype = case.geometry, DTYPES[index // 2 % 2]
        activation = Activation((*EXACT, *EXACT, *CURVES)[index // 4 % 10], SLOPE)
        x, weight = whole(random, *case.x_shape), whole(random, *case.weight_shape)
        bias = whole(random, case.y_shape[1]) if index % 3 else None
        assert can_run(dtype, geometry) is None
        define = list(DEFINITIONS.values())[index % len(DEFINITIONS)]
        expected = define(x, weight, geometry, case.groups)
        magnitude = define(abs(x), abs(weight), geometry, case.groups)
        if bias is not None:
            expected = expected + bias.reshape(-1, *(1,) * geometry.rank)
            magnitude = magnitude + 5
        expected = activation(expected.astype(float))
        terms = case.channels[0] * geometry.taps_per_phase[1]
        typed_x, typed, typed_bias = (
            None if a is None else a.astype(dtype) for a in (x, weight, bias)
        )
        met += properties(case)
        met[dtype.name] += 1
        met[activation.name] += 1
        for target in engine.targets():
            monkeypatch.setattr(native, "_target", target)
            made = {}
            for method in METHODS:
                packed = packed_by(
                    method, met, typed, typed_bias, geometry, case.groups, activation, False
                )
                if packed is None:
                    continue
                made[method] = y = run(packed, typed_x, geometry, case.y_shape)
                check(y, expected, magnitude, terms, activation, method)
            forced = [y for method, y in made.items() if method != "auto"]
            assert any(np.array_equal(made["auto"], y) for y in forced)
            for method in ("auto", "strassen"):
                layer = channels_last(method, met, case, typed, typed_bias, activation)
                if layer is not None:
                    y = run_channels_last(layer, typed_x)
                    check(y, expected, magnitude, terms, activation, method)
    check_coverage(met)


def channels_last(method, met, case, weight, bias, activation):
    """Return a plan with channels last; None, where the method is refused."""
    name, geometry = activation.name, case.geometry
    try:
        layer = engine.plan(
            weight, bias, geometry.stride, geometry.crop, 0, case.groups, geometry.dilation,
            activation=(name, SLOPE) if name == "leaky_relu" else name, layout="channels_last",
            method=method,
        )  # fmt: skip
    except ValueError:
        return None
    met[method] += 1
    return layer


def run_channels_last(layer, x):
    """Run a plan with each number of threads; return what it made channels first."""
    made = []
    for threads in THREADS:
        engine.set_num_threads(threads)
        made.append(layer(np.ascontiguousarray(np.moveaxis(x, 1, -1))))
    for other in made[1:]:
        np.testing.assert_array_equal(other, made[0])
    return np.moveaxis(made[0], -1, 1)


def check_coverage(met):
    """Every block, a test of its own, must have met all of this."""
    wanted = dict.fromkeys(
        [
            "dilation", "groups", "one channel a group", "holes", "more than one image",
            "stride beyond kernel", "cells added at the start", "cells added at the end",
            "rank 1", "rank 2", "rank 3", "rank 4", "batch 0", *(d.name for d in DTYPES),
        ],
        20,
    )  # fmt: skip
    wanted |= dict.fromkeys((*EXACT, *CURVES), 10)
    for method in METHODS:
        if not met[f"{method}: not compiled"]:
            wanted[method] = 20
    assert {name: met[name] for name, least in wanted.items() if met[name] < least} == {}


def test_there_are_enough():
    assert BLOCKS * SETS >= 5000
