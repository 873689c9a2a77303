"""The dot test: some rounding errors for an adjoint, and far more for anything else."""

from types import MappingProxyType

import numpy as np
import pytest

import tconv
from strategies import cropped_case
from tconv import functional

DTYPES = ["float32", "float64", "complex64", "complex128"]


def words(case):
    geometry = case.geometry
    return {
        "input_size": geometry.input_size,
        "stride": geometry.stride,
        "padding": geometry.crop,
        "dilation": geometry.dilation,
        "groups": case.groups,
    }


@pytest.mark.parametrize("method", tconv.METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_method_is_the_adjoint(method, dtype):
    random = np.random.default_rng(0)
    eps = np.finfo(dtype).eps
    for index in range(60):
        case = cropped_case(random, 1 + index % 4)
        weight = case.arrays(random, np.dtype(dtype))[1]
        figure = tconv.dot_test(weight, method=method, seed=index, batch=2, **words(case))
        assert isinstance(figure, float)
        assert figure <= 20 * eps


def flipped(x, weight, geometry, groups=1):
    turned = np.flip(weight, tuple(range(2, weight.ndim)))
    return tconv.METHODS["scatter"](x, turned, geometry, groups)


def unconjugated(x, weight, geometry, groups=1):
    return tconv.METHODS["scatter"](x, weight.conj(), geometry, groups)


def shifted(x, weight, geometry, groups=1):
    return np.roll(tconv.METHODS["scatter"](x, weight, geometry, groups), 1, axis=-1)


def single(x, weight, geometry, groups=1):
    narrow = tconv.METHODS["scatter"](
        x.astype("complex64"), weight.astype("complex64"), geometry, groups
    )
    return narrow.astype("complex128")


@pytest.mark.parametrize("wrong", [flipped, unconjugated, shifted, single])
def test_what_is_not_the_adjoint_is_caught(monkeypatch, wrong):
    methods = MappingProxyType({**tconv.METHODS, "wrong": wrong})
    monkeypatch.setattr(functional, "METHODS", methods)
    random = np.random.default_rng(1)
    weight = random.standard_normal((2, 3, 3, 4)) + 1j * random.standard_normal((2, 3, 3, 4))
    least = 1e-9 if wrong is single else 0.01
    for seed in range(10):
        figure = tconv.dot_test(weight, (5, 6), (2, 1), 1, method="wrong", seed=seed)
        assert figure > least


def test_nothing_landing_is_exact():
    assert tconv.dot_test(np.ones((1, 1, 1)), 2, padding=[(-3, 1)]) == 0.0


def test_seed_and_batch_are_used():
    weight = np.random.default_rng(0).standard_normal((3, 3, 5)).astype("float32")
    figures = {tconv.dot_test(weight, 50, seed=seed) for seed in range(5)}
    assert len(figures) > 1
    assert tconv.dot_test(weight, 50, seed=3) == tconv.dot_test(weight, 50, seed=3)
    assert tconv.dot_test(weight, 50, batch=2) != tconv.dot_test(weight, 50, batch=1)
