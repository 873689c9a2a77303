"""JAX arrays: values, dtypes and refusals, against NumPy's path and JAX's own convolution."""

import numpy as np
import pytest

import tconv
from strategies import (
    assert_close,
    cropped_case,
    idle_case,
    padded_case,
    pick,
    random_array,
    sweep,
)

jax = pytest.importorskip("jax")
jnp = jax.numpy

from tconv.arrays import jax as adapter  # noqa: E402
from tconv.peers import jax as peer  # noqa: E402

DTYPES = ("float32", "float64", "complex64", "complex128")


@pytest.fixture(autouse=True)
def _in_64_bits():
    with jax.enable_x64(True):
        yield


def words_of(case):
    """Return the arguments after the bias, in order."""
    words = case.words
    return (
        words["stride"], words["padding"], words.get("output_padding", 0), case.groups,
        words["dilation"],
    )  # fmt: skip


def drawn(number, count=8):
    """Yield random sets: in PyTorch's words, with any crop, with an idle axis; ranks 1 to 4."""
    random = np.random.default_rng(number)
    for index in range(count):
        draw = (cropped_case, padded_case, cropped_case, idle_case)[index % 4]
        case = draw(random, 1 + index % 3 if draw is idle_case else 1 + index // 2 % 4)
        dtype = np.dtype(pick(random, DTYPES))
        yield case, dtype, case.arrays(random, dtype), random


def bound(case, *arrays):
    """Return the sum of absolute products, and how many there are in each."""
    magnitude = tconv.conv_transpose(*map(np.abs, arrays), *words_of(case))
    return magnitude, case.channels[0] * case.geometry.taps_per_phase[1]


@pytest.mark.parametrize("number", sweep(130, 15))
def test_conv_transpose(number):
    """1,040 random sets by the engine, the definitions, and JAX's own convolution."""
    for case, dtype, (x, weight, bias), _ in drawn(number):
        made = tconv.conv_transpose(jnp.asarray(x), weight, bias, *words_of(case))
        assert isinstance(made, jax.Array)
        magnitude, terms = bound(case, x, weight, bias)
        for method in ("scatter", "phases"):
            expected = tconv.conv_transpose(x, weight, bias, *words_of(case), method=method)
            assert_close(np.asarray(made), expected, magnitude, terms, dtype)
        own = peer.run(x, weight, case.geometry, case.groups)
        own = own + bias.reshape(-1, *(1,) * case.geometry.rank)
        assert_close(np.asarray(made), own, magnitude, terms, dtype)


def test_the_sets_hold_what_they_must():
    met = {}
    for number in range(15):
        for case, dtype, _, _ in drawn(number):
            for name in (*case.properties(), str(dtype)):
                met[name] = met.get(name, 0) + 1
    needed = {
        "batch 0", "stride beyond kernel", "crop beyond kernel", "cells added at the end",
        "cells added at the start", "groups, C_in != C_out", "strides unequal",
        *(f"rank {rank}" for rank in range(1, 5)), *DTYPES,
    }  # fmt: skip
    assert min(met[name] for name in needed) >= 8, met


@pytest.mark.parametrize("number", sweep(60, 8))
def test_the_other_two(number):
    """The convolution and the weight gradient, of the same random sets."""
    for case, dtype, (x, weight, _), random in drawn(1000 + number, 4):
        y = random_array(random, case.y_shape, dtype)
        kernel = case.kernel_size
        made = tconv.weight_gradient(jnp.asarray(x), y, kernel, *words_of(case))
        expected = tconv.weight_gradient(x, y, kernel, *words_of(case))
        magnitude = tconv.weight_gradient(abs(x), abs(y), kernel, *words_of(case))
        assert_close(np.asarray(made), expected, magnitude, x.size // case.channels[0], dtype)
        words = case.geometry.adjoint()
        if words is None:
            continue
        words = (words.stride, words.padding, words.dilation, case.groups)
        made = tconv.conv(y, jnp.asarray(weight), None, *words)
        expected = tconv.conv(y, weight, None, *words)
        magnitude = tconv.conv(abs(y), abs(weight), None, *words)
        assert_close(np.asarray(made), expected, magnitude, weight[0].size, dtype)


@pytest.mark.parametrize("which", range(3))
def test_any_of_the_arrays_may_be_jax(which):
    random = np.random.default_rng(which)
    arrays = [random.standard_normal(shape) for shape in ((2, 3, 5), (3, 4, 3), (4,))]
    expected = tconv.conv_transpose(*arrays, stride=2)
    arrays[which] = jnp.asarray(arrays[which])
    np.testing.assert_allclose(tconv.conv_transpose(*arrays, stride=2), expected, atol=1e-13)
    lists = [array.tolist() for array in arrays]
    lists[which] = arrays[which]
    made = tconv.conv_transpose(*lists, stride=2)
    assert isinstance(made, jax.Array)
    np.testing.assert_allclose(made, expected, atol=1e-13)


@pytest.mark.parametrize("padding", ["same", "half", "full", "valid", [(1, -2)]])
def test_words(padding):
    x, weight, bias = np.ones((3, 7)), np.arange(30.0).reshape(3, 2, 5), np.ones(2)
    made = tconv.conv_transpose(jnp.asarray(x), weight, bias, 2, padding)
    np.testing.assert_allclose(made, tconv.conv_transpose(x, weight, bias, 2, padding))
    wide = np.arange(6.0 * 9).reshape(1, 6, 9)
    made = tconv.conv(jnp.asarray(wide), weight, None, 2, padding, groups=3)
    np.testing.assert_allclose(made, tconv.conv(wide, weight, None, 2, padding, groups=3))


@pytest.mark.parametrize("size", [17, 18])
def test_output_size(size):
    x, weight = np.ones((3, 7)), np.arange(30.0).reshape(3, 2, 5)
    made = tconv.conv_transpose(jnp.asarray(x), weight, stride=2, output_size=size)
    assert made.shape == (2, size)
    np.testing.assert_allclose(made, tconv.conv_transpose(x, weight, stride=2, output_size=size))


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float8_e4m3fn"])
def test_small_floats_are_summed_in_float32(name):
    random = np.random.default_rng(5)
    dtype = jnp.dtype(name)
    x, weight = (
        jnp.asarray(random.standard_normal(shape), dtype) for shape in ((2, 64, 9), (64, 3, 4))
    )
    made = tconv.conv_transpose(x, weight, stride=2)
    wide = np.asarray(x, np.float32), np.asarray(weight, np.float32)
    expected = tconv.conv_transpose(*wide, stride=2)
    assert made.dtype == dtype
    rounding = float(jnp.finfo(dtype).eps)
    np.testing.assert_allclose(np.asarray(made, np.float32), expected, rtol=rounding, atol=1e-4)
    if name != "float8_e4m3fn":
        grad = jax.grad(lambda w: tconv.conv_transpose(x, w, stride=2).sum(dtype="float32"))(weight)
        expected = tconv.weight_gradient(wide[0], np.ones_like(expected), 4, stride=2)
        assert grad.dtype == dtype
        np.testing.assert_allclose(np.asarray(grad, "f"), expected, rtol=rounding, atol=1e-4)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "int8"])
def test_integers_keep_their_dtype_and_wrap_round(dtype):
    random = np.random.default_rng(6)
    x = random.integers(0, 100, (2, 4, 5, 4)).astype(dtype)
    weight = random.integers(0, 100, (4, 3, 3, 2)).astype(dtype)
    made = tconv.conv_transpose(jnp.asarray(x), weight, stride=2, groups=2)
    assert made.dtype == dtype
    exact = tconv.conv_transpose(x, weight, stride=2, groups=2)
    np.testing.assert_array_equal(made, exact.astype(dtype))
    back = tconv.conv(made, jnp.asarray(weight), stride=2, groups=2)
    exact = tconv.conv(np.asarray(made), weight, stride=2, groups=2)
    np.testing.assert_array_equal(back, exact.astype(dtype))
    gradient = tconv.weight_gradient(jnp.asarray(x), made, (3, 2), stride=2, groups=2)
    exact = tconv.weight_gradient(x, np.asarray(made), (3, 2), stride=2, groups=2)
    np.testing.assert_array_equal(gradient, exact.astype(dtype))


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("float32", "float64"), "float64"),
        (("int32", "float32"), "float32"),
        (("bfloat16", "float16"), "float32"),
        (("float32", "complex64"), "complex64"),
        (("int8", "uint8"), "int16"),
    ],
)
def test_mixed_dtypes_are_promoted_as_jax_does(dtypes, expected):
    x, weight = jnp.ones((1, 2, 3), dtypes[0]), jnp.ones((2, 2, 2), dtypes[1])
    assert tconv.conv_transpose(x, weight).dtype == expected
    assert tconv.conv(x, weight).dtype == expected
    assert tconv.weight_gradient(x, weight.reshape(1, 2, 4), 2).dtype == expected
    with jax.numpy_dtype_promotion("strict"), pytest.raises(TypeError, match="no common dtype"):
        tconv.conv_transpose(x, weight)


def test_without_64_bits():
    x, weight = np.ones((1, 2, 3)), np.ones((2, 2, 2))
    with jax.enable_x64(False):
        made = tconv.conv_transpose(jnp.asarray(x), weight)
        assert made.dtype == jnp.float32
        compiled = jax.jit(lambda x: tconv.conv_transpose(x, weight, groups=2))
        assert compiled(jnp.asarray(x)).dtype == jnp.float32
        assert tconv.conv_transpose(jnp.ones((1, 2, 3), int), weight.astype(int)).dtype == jnp.int32
        assert tconv.conv_transpose(jnp.ones((1, 2, 3)) + 1j, weight).dtype == jnp.complex64


@pytest.mark.parametrize("arithmetic", ["fast", "direct", None])
def test_arithmetic(arithmetic):
    """Direct arithmetic is not touched by a large number that an output does not read."""
    x, weight = np.ones((1, 32, 32, 32), "f"), np.ones((32, 32, 4, 4), "f")
    x[..., 16] = 1e30
    words = {"stride": 2, "padding": 1, "arithmetic": arithmetic}
    made = tconv.conv_transpose(jnp.asarray(x), weight, **words)
    expected = tconv.conv_transpose(x, weight, **words)
    np.testing.assert_allclose(made, expected, rtol=1e-5)
    assert f"arithmetic={arithmetic or 'fast'}" in str(
        jax.make_jaxpr(lambda x: tconv.conv_transpose(x, weight, **words))(x)
    )


def test_nan_and_infinity_are_those_of_products_that_exist():
    x, weight = np.ones((1, 2, 5)), np.ones((2, 2, 3))
    x[0, 0, 1], weight[1, 0, 2] = np.nan, np.inf
    words = {"stride": 4, "padding": 1}
    made = tconv.conv_transpose(jnp.asarray(x), weight, **words)
    np.testing.assert_array_equal(made, tconv.conv_transpose(x, weight, **words, method="scatter"))
    grad = np.ones((1, 4, 10, 5))
    grad[0, 1, 0, 0], grad[0, 2, 9, 4] = np.inf, np.nan
    x = np.ones((1, 2, 4, 3))
    x[0, 1, 3, 2] = np.inf
    words = {"stride": 2, "padding": [(1, 2), (1, 1)], "dilation": (2, 1), "groups": 2}
    made = tconv.weight_gradient(jnp.asarray(x), grad, (4, 3), **words)
    expected = tconv.weight_gradient(x, grad, (4, 3), **words)
    assert not np.isfinite(expected).all()
    assert np.isfinite(expected).any()
    np.testing.assert_array_equal(made, expected)


REFUSALS = {
    "channels": ({"x": jnp.ones((1, 3, 5))}, ValueError, "weight has 4 input channels but x has 3"),
    "bias": ({"bias": jnp.ones(3)}, ValueError, "one entry for each of 2 output channels"),
    "groups": ({"groups": 3}, ValueError, "groups 3 does not divide weight's 4 channels"),
    "axes": ({"x": jnp.ones((1, 1, 4, 5, 5))}, ValueError, "x must have 3 axes"),
    "bool": ({"x": jnp.ones((1, 4, 5), bool)}, TypeError, "x has dtype bool; convert it"),
    "keys": ({"x": jax.random.split(jax.random.key(0), (1, 4, 5))}, TypeError, "holds no numbers"),
    "out": ({"out": np.ones(3)}, TypeError, "JAX arrays, which never change; use the result"),
    "method": ({"method": "scatter"}, ValueError, "the others take NumPy arrays: np.asarray"),
    "mistyped": ({"method": "engin"}, ValueError, "did you mean 'engine'"),
    "arithmetic": ({"arithmetic": "slow"}, ValueError, "arithmetic 'slow' is not one of"),
    "stride": ({"stride": 1.5}, TypeError, "stride must be an integer, got 1.5"),
    "size": ({"output_size": 100}, ValueError, "output_size 100 is out of reach"),
    "small": ({"padding": 4}, ValueError, "output size -1 is too small"),
    "string": ({"bias": "no"}, TypeError, "bias must be a NumPy array or nested lists"),
    "overflow": ({"stride": 2**60}, ValueError, "overflows 64 bits"),
}


@pytest.mark.parametrize(("words", "error", "message"), REFUSALS.values(), ids=REFUSALS)
def test_refusals(words, error, message):
    given = {"x": jnp.ones((1, 4, 5)), "weight": jnp.ones((4, 2, 3)), **words}
    with pytest.raises(error, match=message) as refused:
        tconv.conv_transpose(**given)
    assert type(refused.value) is error
    assert str(refused.value).startswith("conv_transpose: ")
    assert "weight: (4, 2, 3)" in str(refused.value)


def test_refusals_of_the_other_two():
    x, weight = jnp.ones((1, 4, 5)), jnp.ones((4, 2, 3))
    with pytest.raises(TypeError, match=r"conv: out cannot .* \(x: \(1, 4, 5\), weight: "):
        tconv.conv(x, weight, groups=2, out=np.ones(3))
    with pytest.raises(ValueError, match="conv: weight has 4 input channels but x has 3"):
        tconv.conv(x[:, :3], weight, groups=2)
    with pytest.raises(ValueError, match=r"weight_gradient: grad_output must be \(1, C_out, 7\)"):
        tconv.weight_gradient(x, x, 3)
    with pytest.raises(TypeError, match="grad_output has dtype bool"):
        tconv.weight_gradient(x, jnp.ones((1, 2, 7), bool), 3)


def test_a_refusal_while_tracing_is_the_same():
    with pytest.raises(ValueError, match=r"weight has 4 input .* \(x: \(1, 3, 5\), weight: \(4"):
        jax.jit(tconv.conv_transpose)(jnp.ones((1, 3, 5)), jnp.ones((4, 2, 3)))
    with pytest.raises(TypeError, match="stride must be an integer, got"):
        jax.jit(lambda s: tconv.conv_transpose(jnp.ones((1, 4, 5)), jnp.ones((4, 2, 3)), stride=s))(
            2
        )


def test_the_method_engine_insists():
    if why := adapter.lowering.refusal():
        pytest.skip(why)
    x, weight = jnp.ones((1, 4, 5), jnp.float32), jnp.ones((4, 2, 3), jnp.float32)
    made = tconv.conv_transpose(x, weight, method="engine")
    np.testing.assert_array_equal(made, tconv.conv_transpose(x, weight))
    with pytest.raises(ValueError, match="engine computes in float32 and float64, not in int64"):
        tconv.conv_transpose(x.astype("int32"), weight.astype("int32"), method="engine")
    with pytest.raises(ValueError, match="works along at most 3 axes, not 4"):
        tconv.conv(jnp.ones((1, 1, 3, 3, 3, 3)), jnp.ones((1, 1, 2, 2, 2, 2)), method="engine")
    traced = jax.jit(lambda x: tconv.conv_transpose(x, weight, method="engine")).trace(x)
    with pytest.raises(ValueError, match="method 'engine' works on the CPU alone"):
        traced.lower(lowering_platforms=("cuda",))


def test_other_platforms_are_given_jaxs_convolution():
    x, weight = jnp.ones((1, 4, 5), jnp.bfloat16), jnp.ones((4, 2, 3), jnp.bfloat16)
    traced = jax.jit(lambda x, w: tconv.conv_transpose(x, w, stride=2)).trace(x, weight)
    for platform in ("cuda", "tpu"):
        said = traced.lower(lowering_platforms=(platform,)).as_text()
        assert "stablehlo.convolution" in said
        assert "custom_call" not in said


@pytest.mark.parametrize("number", range(6))
def test_jaxs_convolution_says_the_same(number):
    """What other platforms are given, run here: all three operators."""
    for case, dtype, (x, weight, _), random in drawn(2000 + number, 4):
        y = random_array(random, case.y_shape, dtype)
        given = {"x": x, "weight": weight, "y": y}
        for operator in adapter.lowering.OPERATORS:
            one, other, _ = (given[name] for name in operator.arrays)
            made = operator.on_lax(*map(jnp.asarray, (one, other)), case.geometry, case.groups)
            assert made.shape == operator.shape(one, other, case.geometry, case.groups)
            if not x.size:
                continue
            expected = operator.in_numpy(one, other, case.geometry, case.groups, "direct")
            parts = abs(one), abs(other), case.geometry, case.groups, "direct"
            assert_close(np.asarray(made), expected, operator.in_numpy(*parts), x.size, dtype)
