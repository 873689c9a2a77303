"""NaN, infinity and large numbers reach what the definition gives them, and nothing else."""

from collections import Counter

import numpy as np
import pytest

import tconv
from strategies import random_array, sweep
from tconv import engine
from tconv.reference import phases

from .harness import (
    DTYPES,
    LAST,
    LAYOUTS,
    METHODS,
    TARGETS,
    a_case,
    check,
    few_taps_case,
    kinds,
    sample,
    taken,
)

pytestmark = [
    pytest.mark.skipif(not engine.available(), reason=str(engine.refusal())),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
LAYERS = 250  # of a seed


def spoil(random, array):
    """Put NaN and infinities at random places."""
    for _ in range(int(random.integers(1, 4))):
        place = tuple(random.integers(0, n) for n in array.shape)
        array[place] = random.choice([np.nan, np.inf, -np.inf])


@pytest.mark.parametrize("seed", sweep(12, 3))
def test_they_stand_where_the_definition_puts_them(seed):
    random, met = np.random.default_rng(seed), Counter()
    for _ in range(LAYERS):
        case = few_taps_case(random)
        layer = sample(random, case, DTYPES[random.integers(2)])
        where = random.integers(5)
        if where != 0:
            spoil(random, layer.x)
        if where < 2:
            spoil(random, layer.weight)
        check(layer, met=met, threads=(1, 2, 5) if random.integers(8) == 0 else (2,))
        y = phases.conv_transpose(layer.x, layer.weight, case.geometry, case.groups)
        y += layer.bias.reshape(-1, *(1,) * case.geometry.rank)
        np.testing.assert_array_equal(kinds(y), kinds(layer.sums), err_msg=str(case))
    assert all(taken(met, target, method) for target in TARGETS for method in METHODS), met


def test_the_zeros_of_a_convolution_meet_weights_as_its_definition_says():
    random = np.random.default_rng(6)
    for _ in range(60):
        case = few_taps_case(random)
        y, weight = (random.standard_normal(shape) for shape in (case.y_shape, case.weight_shape))
        spoil(random, weight)
        words = (None, case.geometry.stride, case.geometry.crop, 1, case.groups)
        made = {
            method: tconv.conv(y, weight, *words, method=method)
            for method in ("auto", "phases", "direct", "matrix")
        }
        for method in ("auto", "phases"):
            np.testing.assert_array_equal(kinds(made[method]), kinds(made["direct"]), method)
        assert (np.isfinite(made["direct"]) <= np.isfinite(made["matrix"])).all()


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_parts_of_complex_numbers_meet(dtype, paired):
    random = np.random.default_rng(paired)
    for trial in range(30):
        case = few_taps_case(random)
        x, weight, _ = case.arrays(random, dtype)
        if not paired:
            weight.imag = 0
        if trial % 3:
            spoil(random, x.real if trial % 2 else x.imag)
        else:
            spoil(random, weight.real)
        geometry = case.geometry
        words = {"padding": geometry.crop, "groups": case.groups, "stride": geometry.stride}
        y = tconv.conv_transpose(x, weight, **words)
        expected = tconv.conv_transpose(x, weight, **words, method="scatter")
        for part, wanted in ((y.real, expected.real), (y.imag, expected.imag)):
            np.testing.assert_array_equal(kinds(part), kinds(wanted), err_msg=str(geometry))


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_an_activation_follows_what_is_computed_again(activation):
    case = a_case((9, 8), (4, 4), 2, 1, (5, 6))
    layer = sample(np.random.default_rng(3), case, DTYPES[1], whole=False)
    layer.x[0, 1, 4, 4], layer.x[0, 2, 8, 0] = np.nan, -np.inf
    check(layer.then(activation), met=Counter())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kernel", [4, 2])
def test_what_is_not_touched_keeps_its_bits(layout, kernel):
    random = np.random.default_rng(kernel)
    x = random.standard_normal((2, 64, 32, 32)).astype(np.float32)
    weight = random.standard_normal((64, 64, kernel, kernel)).astype(np.float32)
    method = "winograd_channels" if kernel == 4 else "auto"
    layer = tconv.plan(weight, stride=2, padding=kernel // 4, layout=layout, method=method)
    spoilt = x.copy()
    spoilt[1, 7, 20, 11] = np.nan
    if layout == LAST:
        x, spoilt = (np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in (x, spoilt))
    plain, touched = layer(x), layer(spoilt)
    np.testing.assert_array_equal(touched[0], plain[0])
    assert np.isnan(touched).sum() == 64 * kernel**2
    assert (touched == plain).mean() > 0.98


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kernel", [4, 2])
@pytest.mark.parametrize("size", [3e19, 1e38])
def test_large_numbers_do_not_overflow_in_sums(layout, kernel, size):
    random = np.random.default_rng(kernel)
    x = random.standard_normal((1, 64, 20, 20))
    x[0, 3, 9, 9], x[0, 3, 9, 10], x[0, 4, 9, 9] = size, -size, size
    weight = random.standard_normal((64, 64, kernel, kernel)) / 64
    words = {"stride": 2, "padding": kernel // 4}
    expected = tconv.conv_transpose(x, weight, **words)
    x, weight = x.astype(np.float32), weight.astype(np.float32)
    if layout == LAST:
        x = np.moveaxis(x, 1, -1)
    y = tconv.plan(weight, **words, layout=layout)(x)
    if layout == LAST:
        y = np.moveaxis(y, -1, 1)
    assert np.isfinite(y).all()
    near = abs(expected) > size / 1e6
    np.testing.assert_allclose(y[near], expected[near], rtol=1e-2)
    np.testing.assert_allclose(y[~near], expected[~near], atol=1e-3)


def test_weights_too_large_for_sums_are_multiplied_directly():
    weight = np.full((64, 64, 4, 4), 1e13, np.float32)
    layer = tconv.plan(weight, stride=2, padding=1)
    assert "winograd    cannot: sums of weights as large as these may overflow" in layer.explain(32)
    y = layer(np.full((1, 64, 32, 32), 1e19, np.float32))
    np.testing.assert_allclose(y[0, 0, 4, 1:-1], np.float32(64 * 4 * 1e32), rtol=1e-5)


def test_a_plan_tells_that_its_weights_are_not_finite():
    weight = np.ones((8, 8, 4, 4))
    weight[1, 2, 0, 3] = np.inf
    said = tconv.plan(weight, stride=2).explain((20, 20))
    assert "takes       the definition, product by product: the weight holds NaN" in said


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.longdouble])
def test_weight_gradients_hold_no_product_with_padding(dtype):
    random = np.random.default_rng(5)
    for _ in range(100):
        case = few_taps_case(random)
        geometry, groups = case.geometry, case.groups
        x, grad = (random_array(random, shape, dtype) for shape in (case.x_shape, case.y_shape))
        spoil(random, x)
        made = tconv.weight_gradient(
            x, grad, geometry.kernel_size, geometry.stride, geometry.crop, groups=groups
        )
        some = np.isfinite(x).astype(float)
        paired = tconv.weight_gradient(
            1 - some, np.ones_like(grad, float), geometry.kernel_size, geometry.stride,
            geometry.crop, groups=groups,
        )  # fmt: skip
        np.testing.assert_array_equal(np.isfinite(made), paired == 0)
