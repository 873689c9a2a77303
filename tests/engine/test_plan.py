"""Plans against the definitions, over random layers, dtypes, layouts and sizes."""

import re
from dataclasses import replace
from math import erf

import numpy as np
import pytest

import tconv
from strategies import cropped_case, idle_case, padded_case, random_array
from tconv import Geometry, engine
from tconv.engine import packed, plan, planning

from .harness import FIRST, LAST, LAYOUTS, METHODS, channels_first, laid_out, sample

DTYPES = ["float32", "float64", "complex64", "complex128"]
BLOCKS, SETS = 10, 60


def plan_of(layer, **words):
    case, geometry = layer.case, layer.case.geometry
    return engine.plan(
        layer.weight, layer.bias, geometry.stride, geometry.crop, 0, case.groups,
        geometry.dilation, **words,
    )  # fmt: skip


def layers(number):
    random = np.random.default_rng(100 + number)
    for index in range(SETS):
        rank = 1 + index % 4
        draw = (cropped_case, padded_case)[index // 3 % 2]
        case = idle_case(random, 3) if index % 8 == 7 else draw(random, rank)
        dtype = np.dtype(DTYPES[index // 4 % len(DTYPES)])
        yield sample(random, case, dtype, whole=False), random


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", range(BLOCKS))
def test_plans_agree_with_the_definition(number, layout):
    for layer, _ in layers(number):
        made, x = plan_of(layer, layout=layout), laid_out(layer.x, layout)
        for given in (x, x, np.asfortranarray(x)):
            y = made(given)
            assert y.flags.c_contiguous
            layer.compare(channels_first(y, layout))
        out = np.full_like(y, 7)
        assert made(x, out=out) is out
        np.testing.assert_array_equal(out, y)
        if len(x):
            singles = np.stack([made(one) for one in x])
            layer.compare(channels_first(singles, layout))
        one_call = engine.compute(layer.x, layer.weight, layer.case.geometry, layer.case.groups)
        replace(layer, bias=None).compare(one_call)


@pytest.mark.skipif(not engine.available(), reason="the engine is not built")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays_are_read_and_written_where_they_lie(layout, dtype, monkeypatch):
    given = []
    run = packed.Packed.run

    def watched(self, x, y, crop):
        given.append((x, y))
        run(self, x, y, crop)

    monkeypatch.setattr(packed.Packed, "run", watched)
    layer = engine.plan(np.ones((3, 5, 4, 4), dtype), stride=2, padding=1, layout=layout)
    last = layout == LAST
    x = np.ones((2, 6, 7, 3) if last else (2, 3, 6, 7), dtype)
    out = np.empty((2, 12, 14, 5) if last else (2, 5, 12, 14), dtype)
    for _ in range(2):
        y = layer(x)
        assert given[-1][0] is x
        assert given[-1][1] is y
        assert layer(x, out=out) is out
        assert given[-1][0] is x
        assert given[-1][1] is out
        np.testing.assert_array_equal(out, y)


def test_explain_tells_whether_channels_last_is_copied():
    words = {"stride": 2, "layout": "channels_last"}
    real = engine.plan(np.ones((2, 3, 4, 4), np.float32), **words).explain()
    assert ("layout      channels_last, read and written in place" in real) == engine.available()
    for weight in (np.ones((2, 3, 4), complex), np.ones((2, 3, 2, 2, 2, 2))):
        assert "channels_last, by copies" in engine.plan(weight, **words).explain()


@pytest.mark.parametrize("number", range(4))
def test_adjoint(number):
    for layer, random in layers(number):
        layer = replace(layer, bias=None)
        x, dtype = layer.x, layer.x.dtype
        y = random_array(random, layer.case.y_shape, dtype)
        made = plan_of(layer)
        back = made.adjoint(y)
        assert back.shape == x.shape
        assert back.dtype == dtype
        size = np.linalg.norm(made(abs(x)).ravel()) * np.linalg.norm(y.ravel())
        gap = abs(np.vdot(y, made(x)) - np.vdot(back, x))
        assert gap <= 1e3 * np.finfo(dtype).eps * (1 + size + np.abs(back).sum() * 4)
        last = plan_of(layer, layout=LAST).adjoint(np.moveaxis(y, 1, -1))
        np.testing.assert_array_equal(last, np.moveaxis(back, 1, -1))


@pytest.mark.parametrize(("padding", "size"), [("same", 14), ("full", 11), ((1, 2), 13)])
def test_adjoint_finds_the_input_size(padding, size):
    padding = [padding] if isinstance(padding, tuple) else padding
    layer = engine.plan(np.ones((1, 1, 3)), stride=2, padding=padding, output_padding=0)
    if padding == [(1, 2)]:
        layer = engine.plan(np.ones((1, 1, 3)), None, 2, padding, 1)
    assert layer(np.ones((1, 7))).shape == (1, size)
    assert layer.adjoint(np.ones((1, size))).shape == (1, 7)


def test_adjoint_refuses_sizes_it_does_not_give():
    layer = engine.plan(np.ones((2, 3, 3)), stride=2)
    with pytest.raises(ValueError, match=r"^plan.adjoint: y has size 8 .*; 7 or 9 would do \(y: "):
        layer.adjoint(np.ones((3, 8)))
    with pytest.raises(ValueError, match=r"y has size 1 along an axis.*; 3 would do"):
        layer.adjoint(np.ones((3, 1)))


@pytest.mark.parametrize(("rank", "idle"), [(4, (0,)), (4, (3,)), (5, (1, 3)), (5, (0, 1, 2))])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_axes_left_as_they_are_count_as_images(rank, idle, dtype):
    random = np.random.default_rng(0)
    kernel = tuple(1 if a in idle else 2 for a in range(rank))
    stride = [1 if a in idle else 2 for a in range(rank)]
    weight = random_array(random, (4, 3, *kernel), dtype)
    x = random_array(random, (2, 4, *(2 + a % 2 for a in range(rank))), dtype)
    geometry = Geometry.of(x.shape[2:], kernel, stride)
    if engine.available():
        assert engine.unsupported_reason(np.dtype(dtype), geometry) is None
    expected = tconv.conv_transpose(x, weight, stride=stride, groups=2, method="scatter")
    made = engine.plan(weight, stride=stride, groups=2)(x)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4)
    assert made.flags.c_contiguous


def test_what_numpy_does():
    weight = np.ones((1, 1, 2, 2, 2, 2), np.float32)
    layer = engine.plan(weight, np.ones(1, np.float32), activation="relu")
    np.testing.assert_array_equal(
        layer(-np.ones((1, 1, 1, 1, 1), np.float32)), np.zeros((1, 2, 2, 2, 2))
    )
    assert "NumPy phase product" in layer.explain()
    if engine.available():
        assert "at most 3 axes" in layer.explain()


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64"])
def test_integers_are_exact(dtype):
    random = np.random.default_rng(0)
    x, weight, bias = (
        random.integers(0, 100, shape).astype(dtype) for shape in ((2, 3, 5), (3, 2, 4), (2,))
    )
    made = engine.plan(weight, bias, stride=3)(x)
    assert made.dtype == np.int64
    np.testing.assert_array_equal(made, tconv.conv_transpose(x, weight, bias, 3))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(dtype):
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    random = np.random.default_rng(0)
    x, weight, bias = (
        random.standard_normal(shape).astype(dtype) for shape in ((2, 9, 5, 6), (9, 2, 4, 4), (2,))
    )
    made = engine.plan(weight, bias, 2, activation="silu")(x)
    assert made.dtype == dtype
    wide = [array.astype("float32") for array in (x, weight, bias)]
    expected = engine.plan(wide[1], wide[2], 2, activation="silu")(wide[0])
    np.testing.assert_array_equal(made, expected.astype(dtype))


@pytest.mark.parametrize(
    ("x_dtype", "weight_dtype", "result"),
    [
        ("float64", "float32", "float64"),
        ("float32", "float64", "float64"),
        ("int16", "float32", "float32"),
        ("float16", "float32", "float32"),
        ("complex64", "float32", "complex64"),
        ("float32", "complex64", "complex64"),
        ("float64", "complex64", "complex128"),
        (">f4", "float32", "float32"),
        ("float32", ">f8", "float64"),
        ("longdouble", "float64", "longdouble"),
        ("float32", "int32", "float64"),
    ],
)
def test_mixed_dtypes(x_dtype, weight_dtype, result):
    random = np.random.default_rng(0)
    x, weight = (
        random.integers(-9, 9, shape).astype(dtype)
        for shape, dtype in (((2, 4, 5), x_dtype), ((4, 3, 4), weight_dtype))
    )
    layer = engine.plan(weight, np.arange(6), 2, groups=2)
    expected = tconv.conv_transpose(x, weight, np.arange(6), 2, groups=2, method="scatter")
    for _ in range(2):
        made = layer(x)
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(made, expected)
    weight_only = engine.plan(weight, None, 2, groups=2)(x)
    assert weight_only.dtype == result


def test_one_plan_serves_any_size():
    random = np.random.default_rng(0)
    weight, bias = random.standard_normal((4, 3, 5, 2)), random.standard_normal(3)
    layer = engine.plan(weight, bias, (3, 1), 1, (1, 0))
    assert planning.REMEMBERED < 90
    for index in range(200):
        size = random.integers(3, 12, 2)
        batch = (int(random.integers(0, 4)),) * (index % 2)
        x = random.standard_normal((*batch, 4, *size))
        expected = tconv.conv_transpose(x, weight, bias, (3, 1), 1, (1, 0), method="subpixel")
        np.testing.assert_allclose(layer(x), expected, atol=1e-12)
    assert len(layer._seen) <= planning.REMEMBERED


def test_views_and_other_memory():
    random = np.random.default_rng(0)
    weight = random.standard_normal((4, 3, 2, 2))
    layer = engine.plan(weight, stride=2)
    whole = random.standard_normal((4, 9, 4, 11))
    bytes_ = np.zeros(whole.nbytes + 1, np.uint8)
    crooked = bytes_[1:].view(whole.dtype).reshape(whole.shape)
    crooked[...] = whole
    fixed = whole.copy()
    fixed.flags.writeable = False
    reads = [
        (whole[::-1, ::2, :, ::3][:, :4], None),
        (whole.transpose(2, 0, 3, 1), None),
        (np.asfortranarray(whole[:, :4]), None),
        (np.broadcast_to(whole[:1, :4], (3, 4, 4, 11)), None),
        (crooked[:, :4], whole[:, :4]),
        (crooked.reshape(9, 4, 4, 11), whole.reshape(9, 4, 4, 11)),
        (fixed.reshape(9, 4, 4, 11), None),
    ]
    for x, same in reads:
        expected = layer(np.array(x if same is None else same, order="C"))
        np.testing.assert_array_equal(layer(x), expected)
        np.testing.assert_array_equal(layer(x), expected)


def test_out_may_be_any_array_even_the_input():
    random = np.random.default_rng(0)
    weight = random.standard_normal((3, 3, 3, 3))
    layer = engine.plan(weight, padding=1)
    x = random.standard_normal((2, 3, 6, 6))
    expected = layer(x)
    for out in (
        np.empty((2, 3, 12, 12))[:, :, ::2, 1::2],
        np.empty_like(x, order="F"),
        np.empty((2, 3, 6, 6), ">f8"),
        np.empty(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape),
    ):
        assert layer(x, out=out) is out
        np.testing.assert_array_equal(out, expected)
    assert layer(x, out=x) is x
    np.testing.assert_array_equal(x, expected)


def test_a_plan_keeps_its_own_weights():
    weight, bias, x = np.ones((2, 2, 3)), np.ones(2), np.ones((1, 2, 5))
    layer = engine.plan(weight, bias)
    expected = layer(x)
    weight[...], bias[...] = 5, 7
    np.testing.assert_array_equal(layer(x), expected)
    np.testing.assert_array_equal(layer(x.astype(np.float32)), expected)
    np.testing.assert_array_equal(layer.adjoint(np.ones((1, 2, 7)))[0, 0, 2], 6)


ACTIVATIONS = {
    None: lambda v: v,
    "relu": lambda v: max(v, 0.0),
    "leaky_relu": lambda v: v if v > 0 else 0.01 * v,
    ("leaky_relu", 0.2): lambda v: v if v > 0 else 0.2 * v,
    "tanh": np.tanh,
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "gelu": lambda v: v * (1 + erf(v / np.sqrt(2))) / 2,
    "silu": lambda v: v / (1 + np.exp(-v)),
}


@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation, dtype, rank):
    random = np.random.default_rng(0)
    x = 3 * random.standard_normal((2, 4, 6, 5, 1, 2)[: 2 + rank]).astype(dtype)
    weight = random.standard_normal((4, 3, 3, 3, 2, 2)[: 2 + rank]).astype(dtype)
    bias = random.standard_normal(3).astype(dtype)
    made = engine.plan(weight, bias, 2, activation=activation)(x)
    linear = tconv.conv_transpose(*(a.astype(float) for a in (x, weight, bias)), 2)
    expected = np.vectorize(ACTIVATIONS[activation])(linear)
    assert made.dtype == dtype
    close = 2e-5 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(made, expected, rtol=close, atol=20 * close)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name])
def test_activations_of_the_extremes(activation):
    far = np.array([[[-1e4, -1e2, 0.0, 1e2, 1e4]]], np.float32)
    made = engine.plan(np.ones((1, 1, 1), np.float32), activation=activation)(far)
    with np.errstate(over="ignore"):
        expected = [ACTIVATIONS[activation](float(v)) for v in far.ravel()]
    np.testing.assert_allclose(made.ravel(), expected, rtol=1e-5, atol=1e-6)


W, X = np.ones((4, 2, 3)), np.ones((2, 4, 5))


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"stride": 0}, ValueError, r"stride must be at least 1, got 0"),
        ({"stride": 2.5}, TypeError, r"stride must be an integer, got 2.5 \(float\)"),
        ({"padding": "smae"}, ValueError, r"did you mean 'same'"),
        ({"output_padding": 1}, ValueError, "must be smaller than stride 1 or dilation 1"),
        ({"groups": 3}, ValueError, "groups 3 does not divide weight's 4 channels"),
        ({"bias": np.ones(3)}, ValueError, "bias must have one entry for each of 2 output"),
        ({"activation": "relu6"}, ValueError, "activation 'relu6' is not one of 'relu', "),
        ({"activation": 3}, TypeError, "activation must be a name or None, got int"),
        ({"activation": ("tanh", 2.0)}, ValueError, "'tanh' takes no slope"),
        ({"activation": ("leaky_relu", "2")}, TypeError, "slope of leaky_relu must be"),
        ({"layout": "NCHW"}, ValueError, "layout 'NCHW' is not one of 'channels_first', "),
        ({"weight": np.ones((4, 2, 3), bool)}, TypeError, "weight has dtype bool"),
        ({"weight": np.ones((4, 3))}, ValueError, "weight must be .* got 2 axes"),
        ({"weight": W + 0j, "activation": "relu"}, TypeError, "needs real floats, got complex128"),
    ],
)
def test_bad_plans(words, error, message):
    with pytest.raises(error, match=rf"^plan: .*{message}.* \(weight: \(.*\)$") as raised:
        engine.plan(**{"weight": W, **words})
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("x", "out", "error", "message"),
    [
        (np.ones((2, 5, 5)), None, ValueError, "weight has 4 input channels but x has 5"),
        (np.ones((2, 4, 5, 5)), None, ValueError, "x must have 3 axes"),
        (np.ones((2, 4, 0)), None, ValueError, "x has an empty spatial axis"),
        (np.ones((2, 4, 5), bool), None, TypeError, "x has dtype bool"),
        ("text", None, TypeError, "x must be a NumPy array or nested lists"),
        (np.ma.ones((2, 4, 5)), None, TypeError, "x is a masked array"),
        (X, np.ones((2, 2, 6)), ValueError, r"out must have shape \(2, 2, 7\) and dtype float64"),
        (X, np.ones((2, 2, 7), "f4"), ValueError, r"out must have shape .* got float32"),
        (X, [0], TypeError, "out must be a NumPy array, got list"),
        (X + 0j, None, TypeError, "activation 'relu' needs real floats, got complex128"),
    ],
)
def test_bad_calls(x, out, error, message):
    layer = engine.plan(W, activation="relu")
    layer(X)
    with pytest.raises(error, match=rf"^plan: .*{message}.* \(x: .*weight: \(4, 2, 3\), groups=1"):
        layer(x, out)


def test_sizes_are_refused_before_anything_is_made():
    layer = engine.plan(np.ones((1, 1, 1), np.float32), stride=2**40)
    with pytest.raises(ValueError, match=r"^plan: output .* needs .* GiB"):
        layer(np.ones((1, 8), np.float32))
    small = engine.plan(np.ones((1, 1, 3)), padding=3)
    assert small(np.ones((1, 9))).shape == (1, 5)
    with pytest.raises(ValueError, match=r"^plan: output size -3 is too small"):
        small(np.ones((1, 1)))


def test_lists_and_single_images():
    layer = engine.plan([[[1.0, 2.0]]], stride=2)
    np.testing.assert_array_equal(layer([[1.0, 3.0]]), [[1, 2, 3, 6]])
    np.testing.assert_array_equal(layer([[[1.0, 3.0]]]), [[[1, 2, 3, 6]]])
    assert layer(np.ones((0, 1, 4))).shape == (0, 1, 8)


def test_explain():
    layer = engine.plan(
        np.ones((4, 3, 4, 4), np.float32), np.ones(6), 2, 1, groups=2, dilation=(1, 2),
        activation="leaky_relu", layout="channels_last",
    )  # fmt: skip
    text = layer.explain()
    for said in ("4 -> 6 channels, 2 groups, kernel 4×4, stride 2×2, dilation 1×2", "leaky_relu",
                 "channels_last"):  # fmt: skip
        assert said in text
    if engine.available():
        assert engine.target() in text
    assert engine.target() in repr(layer)


def test_explain_predicts_each_method_for_a_size():
    layer = plan(np.ones((64, 32, 4, 4), np.float32), stride=2, padding=1)
    said = layer.explain((32, 48), batch=2)
    assert "2 images of 32×48 -> 64×96" in said
    assert re.search(r"^takes +\w+: the least predicted$", said, re.MULTILINE)
    for method in METHODS[1:]:
        assert re.search(rf"^{method} +([\d.e+-]+ ms: \d+%|cannot: )", said, re.MULTILINE), method


def test_a_method_can_be_forced():
    rng = np.random.default_rng(0)
    weight = rng.integers(-4, 5, (32, 24, 4, 4)).astype(np.float32)
    x = rng.integers(-4, 5, (2, 32, 9, 13)).astype(np.float32)
    expected = tconv.conv_transpose(x, weight, stride=2, method="subpixel")
    done = 0
    for method in METHODS[1:]:
        if re.search(rf"^{method} +cannot", plan(weight, stride=2).explain(9), re.MULTILINE):
            with pytest.raises(ValueError, match=f"method '{method}' cannot do this: "):
                plan(weight, stride=2, method=method)
            continue
        layer = plan(weight, stride=2, method=method)
        np.testing.assert_allclose(layer(x), expected, rtol=1e-5, atol=1e-3)
        assert re.search(rf"^takes +{method}$", layer.explain(9), re.MULTILINE)
        done += 1
    assert done >= 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_new_outputs_begin_at_a_cache_line(layout):
    layer = plan(np.ones((8, 16, 4, 4), np.float32), stride=2, layout=layout)
    shape = (1, 8, 70, 30) if layout == FIRST else (1, 70, 30, 8)
    kept = [layer(np.ones(shape, np.float32)) for _ in range(3)]
    for y in kept:
        assert y.ctypes.data % 64 == 0
        assert y.flags.writeable
        assert y.flags.c_contiguous


@pytest.mark.parametrize("activation", [None, "relu", "leaky_relu"])
@pytest.mark.parametrize(("channels", "stride"), [(128, 1), (64, 2), (20, 4)])
def test_outputs_past_the_caches_wherever_they_begin(channels, stride, activation):
    random = np.random.default_rng(channels)
    side = 132 // stride
    x = random.integers(-9, 10, (2, side, side + 1, 5)).astype(np.float32)
    weight = random.integers(-9, 10, (5, channels, stride, stride)).astype(np.float32)
    layer = plan(weight, stride=stride, layout="channels_last", method="channels",
                 activation=activation)  # fmt: skip
    y = tconv.conv_transpose(np.moveaxis(x, -1, 1), weight, stride=stride, method="scatter")
    if activation is not None:
        y = np.maximum(y, 0 if activation == "relu" else y * np.float32(0.01))
    expected = np.moveaxis(y, 1, -1)
    tolerance = {"rtol": 1e-6} if activation == "leaky_relu" else {"rtol": 0}
    np.testing.assert_allclose(layer(x), expected, **tolerance)
    memory = np.full(expected.size + 16, np.nan, np.float32)
    for start in (0, 1, 4, 8):
        out = memory[start : start + expected.size].reshape(expected.shape)
        np.testing.assert_allclose(layer(x, out=out), expected, **tolerance)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_size_seen_before_is_not_checked_again(layout, monkeypatch):
    layer = plan(np.ones((8, 16, 4, 4), np.float32), stride=2, layout=layout)
    x = np.ones((2, 8, 5, 7) if layout == FIRST else (2, 5, 7, 8), np.float32)
    y = layer(x)
    monkeypatch.setattr(planning, "operands", None)
    np.testing.assert_array_equal(layer(x), y)
    out = np.zeros_like(y)
    assert layer(x, out=out) is out
    np.testing.assert_array_equal(out, y)
    with pytest.raises(TypeError):
        layer(x[:1], out=out[:1])  # another size


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"'auto', 'positions', .*'channels'"):
        plan(np.ones((1, 1, 2)), method="fast")
    with pytest.raises(ValueError, match=r"method 'winograd' cannot do this: .*taps"):
        plan(np.ones((1, 1, 2)), stride=3, method="winograd")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_relu_keeps_what_is_no_number_by_every_method(layout):
    x = np.ones((1, 24, 9, 9), np.float32)
    x[0, 0, 4, 4] = np.nan
    if layout == LAST:
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    weight = np.ones((24, 8, 4, 4), np.float32)
    expected = np.isnan(plan(weight, stride=2, layout=layout)(x))
    assert expected.any()
    assert not expected.all()
    for method in METHODS:
        try:
            layer = plan(weight, stride=2, activation="relu", layout=layout, method=method)
        except ValueError:
            continue
        touched = np.isnan(layer(x))
        assert touched[expected].all(), method


def drawn_tile(random, geometry):
    """Draw spans of the output: where the tile lies in x and in y, and its geometry."""
    spans = []
    for size in geometry.output_size:
        start = int(random.integers(size))
        spans.append((start, int(random.integers(start + 1, size + 1))))
    windows, tile = geometry.tile(spans)
    read, made = ((..., *(slice(*span) for span in some)) for some in (windows, spans))
    return read, made, tile


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", range(3))
def test_tiles_are_parts_of_the_whole(number, layout):
    for layer, random in layers(number):
        read, part, tile = drawn_tile(random, layer.case.geometry)
        x, made = laid_out(layer.x[read], layout), plan_of(layer, layout=layout)
        for _ in range(2):  # the second time nothing is checked
            y = made.tile(x, tile)
            layer.compare(channels_first(y, layout), part=part)
        out = np.full_like(y, 7)
        assert made.tile(x, tile, out) is out
        np.testing.assert_array_equal(out, y)


@pytest.mark.parametrize("crop", [(0, 0), (1, 1)])
def test_tiles_of_many_axes_may_leave_other_axes_than_the_plan(crop):
    """An axis that the plan crops may stay whole in a tile, and the other way round."""
    x, weight = np.random.default_rng(0).random((1, 1, 4, 5, 3, 4)), np.ones((1, 1, 1, 2, 2, 3))
    layer = engine.plan(weight, padding=[crop, (0, 0), (0, 0), (0, 0)])
    other = [(1 - end, 1 - end) for end in crop[:1]]
    tile = Geometry.of((4, 5, 3, 4), (1, 2, 2, 3), padding=[*other, (0, 0), (0, 0), (0, 0)])
    expected = tconv.conv_transpose(x, weight, padding=tile.crop, method="scatter")
    np.testing.assert_allclose(layer.tile(x, tile), expected)


def test_tiles_are_not_packed_again(monkeypatch):
    weight = np.ones((1, 1, 6), np.float32)
    layer = engine.plan(weight, stride=3, padding=2)
    geometry = Geometry.of(20, 6, stride=3, padding=2)
    x = np.random.default_rng(0).random((1, 1, 20), np.float32)
    whole = layer(x)
    monkeypatch.setattr(planning, "Packed", None)
    for start in range(geometry.output_size[0] - 4):
        (window,), tile = geometry.tile([(start, start + 4)])
        part = layer.tile(x[..., slice(*window)], tile)
        np.testing.assert_allclose(part, whole[..., start : start + 4], rtol=1e-6)


@pytest.mark.skipif(not engine.available(), reason="it is a method of the compiled engine")
@pytest.mark.parametrize("number", range(3))
def test_tiles_of_positions_equal_the_whole_to_the_bit(number):
    for layer, random in layers(number):
        if layer.case.geometry.rank > 3:
            continue
        made = plan_of(layer, method="positions")
        read, part, tile = drawn_tile(random, layer.case.geometry)
        np.testing.assert_array_equal(made.tile(layer.x[read], tile), made(layer.x)[part])


@pytest.mark.parametrize(
    ("tile", "error", "message"),
    [
        (((1, 5),), TypeError, "tile must be a Geometry, as Geometry.tile gives it"),
        (None, TypeError, "tile must be a Geometry, as Geometry.tile gives it"),
        (Geometry.of(4, 3, stride=2), ValueError, "the tile is of kernel 3, stride 2, dilation 1"),
        (Geometry.of(4, 4, stride=1), ValueError, "the plan of kernel 4, stride 2, dilation 1"),
        (Geometry.of(5, 4, stride=2), ValueError, "the tile needs inputs of size 5, got 4"),
    ],
)
def test_tiles_of_another_layer_are_refused(tile, error, message):
    layer = engine.plan(np.ones((1, 1, 4)), stride=2, padding=1)
    with pytest.raises(error, match=message):
        layer.tile(np.ones((1, 1, 4)), tile)
