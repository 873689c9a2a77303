"""NaN, infinity and large numbers reach what the definition gives them, and nothing else."""

import numpy as np
import pytest

import tconv
from tconv import Geometry, engine
from tconv.reference import phases, scatter

from .test_kernels import LEAKY_RELU, RELU, pytestmark, run, threads  # noqa: F401

METHODS = [
    ("winograd", False), ("winograd_channels", False), ("winograd_channels", True),
    ("strassen", True),
]  # fmt: skip
LARGEST = {1: 60, 2: 14, 3: 7}
LAYERS = 250  # of a seed


def draw(random):
    """Draw a geometry that Winograd's or Strassen's algorithm takes, channels and groups."""
    rank = int(random.choice([1, 2, 2, 3]))
    while True:
        stride = [int(s) for s in random.integers(1, 4, rank)]
        one_tap = random.random() < 0.25
        kernel = [s if one_tap else int(random.integers(1, 3 * s + 2)) for s in stride]
        if not one_tap and max(k / s for k, s in zip(kernel, stride, strict=True)) <= 1:
            continue
        size = [int(n) for n in random.integers(1, LARGEST[rank] + 1, rank)]
        crop = [tuple(int(c) for c in random.integers(-1, k + 1, 2)) for k in kernel]
        try:
            geometry = Geometry.from_crop(size, kernel, stride, 1, crop)
        except ValueError:  # nothing left after the crop
            continue
        inputs = int(random.choice([64, 130, 200])) if random.random() < 0.1 else 20
        groups = int(random.choice([1, 1, 2]))
        return geometry, int(random.integers(1, inputs + 1)), int(random.integers(1, 24)), groups


def spoil(random, array):
    """Put NaN and infinities at random places."""
    for _ in range(int(random.integers(1, 4))):
        place = tuple(random.integers(0, n) for n in array.shape)
        array[place] = random.choice([np.nan, np.inf, -np.inf])


def kinds(array):
    """Tell NaN, infinities of either sign and finite numbers apart."""
    return np.where(np.isnan(array), 2, np.where(np.isinf(array), np.sign(array), 0))


def takers(geometry):
    """Name the methods, and whether their channels are last, that take a layer."""
    ones = all(axis.taps_per_phase[1] == 1 for axis in geometry.axes)
    most = max(axis.taps_per_phase[1] for axis in geometry.axes)
    return [
        one
        for one in METHODS
        if (ones if one[0] == "strassen" else most > 1 and (most < 4 or one[0] != "winograd"))
    ]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("seed", range(12))
def test_they_stand_where_the_definition_puts_them(seed) -> None:
    random = np.random.default_rng(seed)
    for _ in range(LAYERS):
        geometry, c_in, c_out, groups = draw(random)
        dtype, epsilon = ((np.float32, 1e-5), (np.float64, 1e-13))[random.integers(2)]
        shape = (int(random.integers(1, 3)), groups * c_in, *geometry.input_size)
        x = random.standard_normal(shape).astype(dtype)
        weight = random.standard_normal((groups * c_in, c_out, *geometry.kernel_size)).astype(dtype)
        bias = random.standard_normal(groups * c_out).astype(dtype)
        where = random.integers(5)
        if where != 0:
            spoil(random, x)
        if where < 2:
            spoil(random, weight)
        expected = scatter(x, weight, geometry, groups) + bias.reshape(-1, *(1,) * geometry.rank)
        finite = np.isfinite(expected)
        limit = epsilon * max(abs(expected[finite]).max(initial=0), 1)
        counts = (1, 2, 5) if random.integers(8) == 0 else (2,)
        for target in engine.targets():
            for method, last in takers(geometry):
                y = run(target, x, weight, bias, geometry, groups, 0, 0.0, method, last, counts)
                said = f"{target} {method} {last=} {geometry} {groups=} {c_in=} {c_out=}"
                np.testing.assert_array_equal(kinds(y), kinds(expected), err_msg=said)
                np.testing.assert_allclose(
                    y[finite], expected[finite], rtol=0, atol=limit, err_msg=said
                )


@pytest.mark.parametrize("method", ["positions", "channels", "streaming", "auto"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_padding_meets_a_weight_that_is_not_finite(method, last) -> None:
    if last and method in ("positions", "streaming"):
        pytest.skip("channels first only")
    random = np.random.default_rng(0)
    for trial in range(60):
        geometry, c_in, c_out, groups = draw(random)
        x = random.standard_normal((2, groups * c_in, *geometry.input_size))
        weight = random.standard_normal((groups * c_in, c_out, *geometry.kernel_size))
        spoil(random, weight)
        if trial % 2:
            spoil(random, x)
        expected = scatter(x, weight, geometry, groups)
        for target in engine.targets():
            y = run(target, x, weight, None, geometry, groups, 0, 0.0, method, last, (2,))
            np.testing.assert_array_equal(kinds(y), kinds(expected), err_msg=str(geometry))
        y = phases.conv_transpose(x, weight, geometry, groups)
        np.testing.assert_array_equal(kinds(y), kinds(expected), err_msg=str(geometry))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_zeros_of_a_convolution_meet_weights_as_its_definition_says() -> None:
    random = np.random.default_rng(6)
    for _ in range(60):
        geometry, c_in, c_out, groups = draw(random)
        y = random.standard_normal((2, groups * c_out, *geometry.output_size))
        weight = random.standard_normal((groups * c_in, c_out, *geometry.kernel_size))
        spoil(random, weight)
        words = (None, geometry.stride, geometry.crop, 1, groups)
        made = {
            method: tconv.conv(y, weight, *words, method=method)
            for method in ("auto", "phases", "direct", "matrix")
        }
        for method in ("auto", "phases"):
            np.testing.assert_array_equal(kinds(made[method]), kinds(made["direct"]), method)
        assert (np.isfinite(made["direct"]) <= np.isfinite(made["matrix"])).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_parts_of_complex_numbers_meet(dtype, paired) -> None:
    random = np.random.default_rng(paired)
    for trial in range(30):
        geometry, c_in, c_out, groups = draw(random)
        x = random.standard_normal((2, groups * c_in, *geometry.input_size)).astype(dtype)
        weight = random.standard_normal((groups * c_in, c_out, *geometry.kernel_size)).astype(dtype)
        x.imag = random.standard_normal(x.shape)
        if paired:
            weight.imag = random.standard_normal(weight.shape)
        if trial % 3:
            spoil(random, x.real if trial % 2 else x.imag)
        else:
            spoil(random, weight.real)
        words = {"padding": geometry.crop, "groups": groups, "stride": geometry.stride}
        y = tconv.conv_transpose(x, weight, **words)
        expected = tconv.conv_transpose(x, weight, **words, method="scatter")
        for part, wanted in ((y.real, expected.real), (y.imag, expected.imag)):
            np.testing.assert_array_equal(kinds(part), kinds(wanted), err_msg=str(geometry))


@pytest.mark.parametrize("activation", [RELU, LEAKY_RELU])
@pytest.mark.parametrize(("method", "last"), METHODS[:3])
def test_an_activation_follows_what_is_computed_again(activation, method, last) -> None:
    geometry = Geometry.of((9, 8), 4, 2, 1)
    random = np.random.default_rng(3)
    x = random.standard_normal((1, 5, 9, 8))
    x[0, 1, 4, 4], x[0, 2, 8, 0] = np.nan, -np.inf
    weight = random.standard_normal((5, 6, 4, 4))
    plain = scatter(x, weight, geometry, 1)
    expected = np.maximum(plain, 0) if activation == RELU else np.where(plain > 0, plain, plain / 2)
    for target in engine.targets():
        y = run(target, x, weight, None, geometry, 1, activation, 0.5, method, last)
        np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("kernel", [4, 2])
def test_what_is_not_touched_keeps_its_bits(layout, kernel) -> None:
    random = np.random.default_rng(kernel)
    x = random.standard_normal((2, 64, 32, 32)).astype(np.float32)
    weight = random.standard_normal((64, 64, kernel, kernel)).astype(np.float32)
    method = "winograd_channels" if kernel == 4 else "auto"
    layer = tconv.plan(weight, stride=2, padding=kernel // 4, layout=layout, method=method)
    spoilt = x.copy()
    spoilt[1, 7, 20, 11] = np.nan
    if layout == "channels_last":
        x, spoilt = (np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in (x, spoilt))
    plain, touched = layer(x), layer(spoilt)
    np.testing.assert_array_equal(touched[0], plain[0])
    assert np.isnan(touched).sum() == 64 * kernel**2
    assert (touched == plain).mean() > 0.98


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
@pytest.mark.parametrize("kernel", [4, 2])
@pytest.mark.parametrize("size", [3e19, 1e38])
def test_large_numbers_do_not_overflow_in_sums(layout, kernel, size) -> None:
    random = np.random.default_rng(kernel)
    x = random.standard_normal((1, 64, 20, 20))
    x[0, 3, 9, 9], x[0, 3, 9, 10], x[0, 4, 9, 9] = size, -size, size
    weight = random.standard_normal((64, 64, kernel, kernel)) / 64
    words = {"stride": 2, "padding": kernel // 4}
    expected = tconv.conv_transpose(x, weight, **words)
    x, weight = x.astype(np.float32), weight.astype(np.float32)
    if layout == "channels_last":
        x = np.moveaxis(x, 1, -1)
    y = tconv.plan(weight, **words, layout=layout)(x)
    if layout == "channels_last":
        y = np.moveaxis(y, -1, 1)
    assert np.isfinite(y).all()
    near = abs(expected) > size / 1e6
    np.testing.assert_allclose(y[near], expected[near], rtol=1e-2)
    np.testing.assert_allclose(y[~near], expected[~near], atol=1e-3)


def test_weights_too_large_for_sums_are_multiplied_directly() -> None:
    weight = np.full((64, 64, 4, 4), 1e13, np.float32)
    layer = tconv.plan(weight, stride=2, padding=1)
    assert "winograd    cannot: sums of weights as large as these may overflow" in layer.explain(32)
    y = layer(np.full((1, 64, 32, 32), 1e19, np.float32))
    np.testing.assert_allclose(y[0, 0, 4, 1:-1], np.float32(64 * 4 * 1e32), rtol=1e-5)


def test_a_plan_tells_that_its_weights_are_not_finite() -> None:
    weight = np.ones((8, 8, 4, 4))
    weight[1, 2, 0, 3] = np.inf
    said = tconv.plan(weight, stride=2).explain((20, 20))
    assert "takes       the definition, product by product: the weight holds NaN" in said


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.longdouble])
def test_weight_gradients_hold_no_product_with_padding(dtype) -> None:
    random = np.random.default_rng(5)
    for _ in range(100):
        geometry, c_in, c_out, groups = draw(random)
        x = random.standard_normal((2, groups * c_in, *geometry.input_size)).astype(dtype)
        grad = random.standard_normal((2, groups * c_out, *geometry.output_size)).astype(dtype)
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
