"""The public functions: dtypes, views, out=, and the algebra of the operator."""

import pickle
import sys
import tempfile

import numpy as np
import pytest

import tconv
from strategies import METHODS, cropped_case, random_array
from tconv import Geometry, engine

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "longlong"]
FLOATS = ["float16", "float32", "float64", "longdouble"]
COMPLEX = ["complex64", "complex128", "clongdouble"]


def small(random, shape, dtype="int64"):
    """Return small whole numbers, which every dtype holds and adds exactly."""
    return random.integers(0, 5, shape).astype(dtype)


@pytest.fixture
def random():
    return np.random.default_rng(0)


# Dtypes


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", INTEGERS + FLOATS + COMPLEX)
def test_dtype_of_the_result(random, dtype, method):
    x, weight, bias = (small(random, shape) for shape in ((2, 2, 3, 4), (2, 3, 2, 3), (3,)))
    words = {"stride": (2, 1), "padding": (0, 1), "method": method}
    expected = tconv.conv_transpose(x, weight, bias, **words)
    made = tconv.conv_transpose(*(a.astype(dtype) for a in (x, weight, bias)), **words)
    assert made.dtype == ("int64" if dtype in INTEGERS else dtype)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS + COMPLEX)
def test_dtype_of_conv_and_weight_gradient(random, dtype):
    x, grad, weight = (small(random, shape) for shape in ((2, 3, 4), (2, 1, 9), (3, 1, 3)))
    expected = np.int64 if dtype in INTEGERS else dtype
    made = tconv.weight_gradient(x.astype(dtype), grad.astype(dtype), 3, stride=2)
    assert made.dtype == expected
    np.testing.assert_array_equal(made, tconv.weight_gradient(x, grad, 3, stride=2))
    for method in ("auto", "direct", "matrix"):
        made = tconv.conv(grad.astype(dtype), weight.astype(dtype), stride=2, method=method)
        assert made.dtype == expected
        np.testing.assert_array_equal(made, tconv.conv(grad, weight, stride=2))


@pytest.mark.parametrize(
    ("dtypes", "result"),
    [
        (("int32", "float32", None), "float64"),
        (("int16", "float32", None), "float32"),
        (("float16", "float32", None), "float32"),
        (("float32", "float64", None), "float64"),
        (("float32", "complex64", None), "complex64"),
        (("float64", "complex64", None), "complex128"),
        (("int64", "int8", "float16"), "float64"),
        (("uint64", "int8", None), "int64"),
        (("uint8", "int32", "float32"), "float64"),
    ],
)
def test_mixed_dtypes_promote_as_numpy_does(random, dtypes, result):
    x, weight, bias = (small(random, shape) for shape in ((2, 4), (2, 1, 3), (1,)))
    arrays = [
        None if dtype is None else array.astype(dtype)
        for array, dtype in zip((x, weight, bias), dtypes, strict=True)
    ]
    made = tconv.conv_transpose(*arrays)
    assert made.dtype == result
    expected = tconv.conv_transpose(x, weight, None if dtypes[2] is None else bias)
    np.testing.assert_array_equal(made, expected)


def test_float16_is_computed_in_float32():
    """In float16 itself the sum would stop growing at 2048, and the products overflow."""
    x, weight = np.ones((1, 4096), "float16"), np.ones((1, 1, 4096), "float16")
    y = tconv.conv_transpose(x, weight, padding=4095)
    assert (y.dtype, y.item()) == ("float16", 4096)
    large = np.array([[60000, 60000]], "float16")
    y = tconv.conv_transpose(large, np.array([[[1, -1]]], "float16"))
    assert y.tolist() == [[60000, 0, -60000]]


SMALL = ["bfloat16", *(f"float{n}" for n in (
    "4_e2m1fn", "6_e2m3fn", "6_e3m2fn", "8_e3m4", "8_e4m3", "8_e4m3fn", "8_e4m3fnuz",
    "8_e4m3b11fnuz", "8_e5m2", "8_e5m2fnuz",
))]  # fmt: skip


def of_ml_dtypes(name):
    module = pytest.importorskip("ml_dtypes")
    if not hasattr(module, name):
        pytest.skip(f"this ml_dtypes has no {name}")
    return np.dtype(getattr(module, name))


def every_function(x, weight, grad, bias, **words):
    """Call each function that has arrays for arguments; x, weight and bias give grad's size."""
    yield tconv.conv_transpose(x, weight, bias, **words)
    yield tconv.conv(grad, weight, **words)
    yield tconv.weight_gradient(x, grad, weight.shape[2:], **words)
    yield tconv.plan(weight, bias, **words)(x)
    yield tconv.plan(weight, bias, **words).adjoint(grad)


@pytest.mark.parametrize("name", SMALL)
def test_small_floats_are_computed_in_float32(random, name):
    dtype = of_ml_dtypes(name)
    shapes = (1, 2, 5), (2, 3, 3), (1, 3, 11), (3,)
    arrays = [random.standard_normal(shape).astype(dtype) for shape in shapes]
    wide = [array.astype(np.float32) for array in arrays]
    for made, expected in zip(
        every_function(*arrays, stride=2), every_function(*wide, stride=2), strict=True
    ):
        assert made.dtype == dtype
        np.testing.assert_array_equal(made.astype(float), expected.astype(dtype).astype(float))
    for method in METHODS:
        assert tconv.conv_transpose(*arrays[:2], method=method).dtype == dtype
    assert tconv.conv_transpose(arrays[0], wide[1]).dtype == np.float32
    assert tconv.plan(wide[1], activation="relu")(arrays[0]).dtype == np.float32
    relu = tconv.plan(arrays[1], activation="relu")(arrays[0])
    assert relu.dtype == dtype
    assert (relu.astype(float) >= 0).all()
    matrix = tconv.matrix(arrays[1], 5, stride=2)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), tconv.matrix(wide[1], 5, 2, dense=True))
    dense = tconv.matrix(arrays[1], 5, stride=2, dense=True)
    assert dense.dtype == dtype
    np.testing.assert_array_equal(dense.astype(np.float32), matrix.toarray())


def test_sums_of_small_floats_go_on_growing():
    bfloat16 = of_ml_dtypes("bfloat16")
    ones = np.ones((1, 512), bfloat16), np.ones((1, 1, 512), bfloat16)
    assert tconv.conv_transpose(*ones, padding=511).astype(float).item() == 512


@pytest.mark.parametrize("name", ["int2", "int4", "uint2", "uint4"])
def test_small_integers_are_integers(random, name):
    dtype = of_ml_dtypes(name)
    shapes = (1, 2, 5), (2, 3, 3), (1, 3, 11), (3,)
    wide = [random.integers(0, 2, shape) for shape in shapes]
    arrays = [array.astype(dtype) for array in wide]
    for made, expected in zip(
        every_function(*arrays, stride=2), every_function(*wide, stride=2), strict=True
    ):
        assert made.dtype == np.int64
        np.testing.assert_array_equal(made, expected)
    assert tconv.conv_transpose(arrays[0], wide[1].astype("uint8")).dtype == np.int64
    assert tconv.matrix(arrays[1], 5).dtype == np.int64


def test_small_complex_numbers_are_computed_in_complex64(random):
    dtype = of_ml_dtypes("complex32")
    x, weight = (
        (random.integers(0, 3, shape) * (1 - 2j)).astype(dtype) for shape in ((1, 2, 5), (2, 3, 3))
    )
    made, expected = (
        tconv.conv_transpose(x.astype(kind), weight.astype(kind)) for kind in (dtype, "complex64")
    )
    assert made.dtype == dtype
    np.testing.assert_array_equal(made.astype("complex64"), expected)
    with pytest.raises(TypeError, match="activation 'relu' needs real floats, got complex32"):
        tconv.plan(weight, activation="relu")


def test_dtypes_without_a_common_one_are_refused():
    x, weight = np.ones((1, 1, 3), of_ml_dtypes("bfloat16")), np.ones((1, 1, 2), "float16")
    message = "bfloat16 and float16 have no common dtype; convert the arrays to one of them or to"
    for call in (
        lambda: tconv.conv_transpose(x, weight),
        lambda: tconv.plan(weight)(x),
        lambda: tconv.conv_transpose(x, x, np.ones(1, "float16")),
    ):
        with pytest.raises(TypeError, match=message):
            call()


def test_a_float_without_zero_is_refused():
    scale = np.ones((1, 1, 3), of_ml_dtypes("float8_e8m0fnu"))
    with pytest.raises(TypeError, match=r"neither zero nor a sign; convert it, e\.g\. x\.astype"):
        tconv.conv_transpose(scale, np.ones((1, 1, 2)))


@pytest.mark.parametrize("method", METHODS)
def test_integers_are_exact(method):
    near = np.array([[2**31 - 1, -(2**31), 2**31 + 1]])
    y = tconv.conv_transpose(near, np.array([[[2**31 - 1, 2**30 + 1]]]), method=method)
    assert y.tolist() == [
        [
            (2**31 - 1) * (2**31 - 1),
            (2**31 - 1) * (2**30 + 1) - 2**31 * (2**31 - 1),
            (2**31 + 1) * (2**31 - 1) - 2**31 * (2**30 + 1),
            (2**31 + 1) * (2**30 + 1),
        ]
    ]
    narrow = np.full((1, 1), 2**31 - 1, "int32"), np.full((1, 1, 1), 2**31 - 1, "int32")
    assert tconv.conv_transpose(*narrow, method=method).item() == (2**31 - 1) ** 2


def test_integers_wrap_round_beyond_64_bits():
    y = tconv.conv_transpose(np.array([[2**62]]), np.array([[[2, 4]]]))
    assert y.tolist() == [[-(2**63), 0]]


# Shapes and views


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_unbatched_is_a_batch_of_one(random, rank):
    case = cropped_case(random, rank)
    x, weight, bias = case.arrays(random, np.dtype(float))
    x = random_array(random, case.x_shape[1:], float)
    words = (case.geometry.stride, case.geometry.crop, 0, case.groups, case.geometry.dilation)
    one = tconv.conv_transpose(x, weight, bias, *words)
    np.testing.assert_array_equal(one, tconv.conv_transpose(x[np.newaxis], weight, bias, *words)[0])
    assert one.shape == case.y_shape[1:]


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_batch_gives_an_empty_batch(method):
    y = tconv.conv_transpose(np.ones((0, 2, 3)), np.ones((2, 3, 2)), np.ones(3), method=method)
    assert (y.shape, y.dtype) == ((0, 3, 4), float)


def test_an_empty_batch_goes_back_too():
    x, weight = np.ones((0, 3, 4)), np.ones((2, 3, 2))
    for method in ("auto", "direct", "matrix"):
        assert tconv.conv(x, weight, method=method).shape == (0, 2, 3)
    gradient = tconv.weight_gradient(np.ones((0, 2, 3)), x, 2)
    assert gradient.tolist() == np.zeros((2, 3, 2)).tolist()


def test_lists_are_arrays():
    y = tconv.conv_transpose([[1, 2]], [[[1, 10, 100]]], [5], [2], [1])
    assert y.tolist() == [[15, 107, 25]]
    assert y.dtype == np.int64
    assert tconv.conv(((1, 2.5, 3),), (((1, 2),),)).tolist() == [[6, 8.5]]


def spellings(array):
    """Return the same numbers as arrays of equal dtypes that are other objects."""
    dtype = array.dtype
    explicit = "<" if sys.byteorder == "little" else ">"
    return {
        "byte order spelled out": array.view(dtype.newbyteorder(explicit)),  # as Zarr 3 does
        "metadata": array.view(np.dtype(dtype, metadata={"unit": "m"})),
        "unpickled": pickle.loads(pickle.dumps(array)),
    }


def unusual(array):
    """Return the same numbers as views that are laid out unusually."""
    padded = np.stack([np.stack([array] * 2, axis=-1)] * 3, axis=1)
    frozen = array.copy()
    frozen.flags.writeable = False
    records = np.zeros(array.shape, [("flag", "i1"), ("value", array.dtype)])
    records["value"] = array
    with tempfile.TemporaryFile() as file:
        mapped = np.memmap(file, array.dtype, "w+", shape=array.shape)
    mapped[...] = array
    return spellings(array) | {
        "non-contiguous": padded[:, 0, ..., 0],
        "Fortran order": np.asfortranarray(array),
        "negative strides": array[..., ::-1].copy()[..., ::-1],
        "read-only": frozen,
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "subclass": array.view(type("Subclass", (np.ndarray,), {})),
        "field of records": records["value"],
        "memory map": mapped,
    }


def functions(x, weight, grad, bias):
    words = {"stride": (2, 1), "padding": (1, 0)}
    size = x.shape[2:]
    yield "weight_gradient", lambda: tconv.weight_gradient(x, grad, weight.shape[2:], **words)
    yield "plan", lambda: tconv.plan(weight, bias, **words)(x)
    yield "adjoint", lambda: tconv.plan(weight, bias, **words).adjoint(grad)
    yield "matrix", lambda: tconv.matrix(weight, size, **words).toarray()
    yield "dense matrix", lambda: tconv.matrix(weight, size, dense=True, **words)
    if weight.dtype.kind != "i" and weight.dtype.itemsize > 2:
        yield "dot_test", lambda: np.array(tconv.dot_test(weight, size, **words))
    if x.dtype.kind != "c" and x.size:
        yield "upsample", lambda: tconv.upsample(x, (1, 1, 2, 3))
    for method in ("auto", "direct", "matrix"):
        yield f"conv {method}", lambda m=method: tconv.conv(grad, weight, method=m, **words)
    for method in METHODS:
        yield method, lambda m=method: tconv.conv_transpose(x, weight, bias, method=m, **words)


@pytest.mark.parametrize("layout", unusual(np.zeros((1, 1))))
@pytest.mark.parametrize("batch", [2, 0])
@pytest.mark.parametrize(
    "dtype", ["int32", "int64", "float16", "float32", "float64", "longdouble", "complex128"]
)
def test_layouts_change_nothing_and_inputs_stay_as_they_are(random, layout, dtype, batch):
    shapes = (batch, 3, 4, 3), (3, 2, 3, 2), (batch, 2, 7, 4), (2,)
    plain = [small(random, shape, dtype) for shape in shapes]
    views = [unusual(array)[layout] for array in plain]
    before = [view.tobytes() for view in views]
    for (name, expected), (_, made) in zip(functions(*plain), functions(*views), strict=True):
        result, same = made(), expected()
        np.testing.assert_array_equal(result, same, err_msg=name)
        assert type(result) is np.ndarray
        assert result.dtype is same.dtype, name
    assert [view.tobytes() for view in views] == before
    assert [view.dtype for view in views] == [unusual(array)[layout].dtype for array in plain]


@pytest.mark.parametrize("spelling", spellings(np.zeros(1)))
def test_results_are_written_to_arrays_of_any_spelling(random, spelling):
    x, weight = random.standard_normal((2, 3, 5)), random.standard_normal((3, 2, 3))
    layer = tconv.plan(weight)
    expected, back = layer(x), tconv.conv(layer(x), weight)
    for call, same in (
        (lambda out: layer(x, out=out), expected),
        (lambda out: tconv.conv_transpose(x, weight, out=out), expected),
        (lambda out: tconv.conv(expected, weight, out=out), back),
    ):
        for _ in range(2):
            out = spellings(np.full_like(same, np.nan))[spelling]
            assert call(out) is out
            np.testing.assert_array_equal(out, same)


@pytest.mark.parametrize("method", METHODS)
def test_zero_stride_views(method):
    x, weight = np.broadcast_to(2.0, (2, 3, 4)), np.broadcast_to(3.0, (3, 2, 3))
    expected = tconv.conv_transpose(x.copy(), weight.copy(), stride=2)
    made = tconv.conv_transpose(x, weight, stride=2, method=method)
    np.testing.assert_array_equal(made, expected)


def test_a_huge_view_is_read_only_where_it_is_needed():
    x = np.broadcast_to(2.0, (1, 1, 2**40))
    y = tconv.conv_transpose(x, np.array([[[1.0, 10.0]]]), padding=[(2**39, 2**39 - 2)])
    assert y.tolist() == [[[22.0, 22.0, 22.0]]]
    y = tconv.conv(x, np.array([[[1.0, 10.0]]]), stride=2**39)
    assert y.tolist() == [[[22.0, 22.0]]]


# out=


@pytest.fixture
def call(random):
    x, weight, bias = random.standard_normal((2, 2, 5)), random.standard_normal((2, 2, 3)), [1.0, 2]
    return lambda **words: tconv.conv_transpose(x, weight, bias, padding=1, **words)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layout", ["contiguous", "strided", "Fortran", "reversed", "big-endian"])
def test_out_is_written_and_returned(call, layout, method):
    expected = call()
    out = {
        "contiguous": np.full((2, 2, 5), np.nan),
        "strided": np.full((4, 2, 15), np.nan)[::2, :, ::3],
        "Fortran": np.full((5, 2, 2), np.nan).T,
        "reversed": np.full((2, 2, 5), np.nan)[..., ::-1],
        "big-endian": np.full((2, 2, 5), np.nan, ">f8"),
    }[layout]
    assert call(out=out, method=method) is out
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def test_out_may_overlap_the_input(random):
    x, weight = random.standard_normal((1, 1, 6)), random.standard_normal((1, 1, 3))
    expected = tconv.conv_transpose(x, weight, padding=1)
    for make in (lambda a: a, lambda a: a[..., ::-1]):
        memory = x.copy()
        made = tconv.conv_transpose(memory, weight, padding=1, out=make(memory))
        np.testing.assert_array_equal(made, expected)
    memory = x.copy()
    np.testing.assert_array_equal(
        tconv.conv(memory, weight, padding=1, out=memory), tconv.conv(x, weight, padding=1)
    )


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8"])
def test_out_may_overlap_the_weight_and_the_bias(random, dtype):
    x = random.standard_normal((1, 2, 1)).astype(dtype)
    weight = random.standard_normal((2, 9, 7)).astype(dtype)
    bias = random.standard_normal(9).astype(dtype)
    expected = tconv.conv_transpose(x, weight, bias)
    memory = weight.copy()
    made = tconv.conv_transpose(x, memory, bias, out=memory[:1])
    np.testing.assert_array_equal(made, expected)
    expected, memory = tconv.conv_transpose(x, weight[..., :1], bias), bias.copy()
    made = tconv.conv_transpose(x, weight[..., :1], memory, out=memory[np.newaxis, :, np.newaxis])
    np.testing.assert_array_equal(made, expected)


@pytest.mark.skipif(not engine.available(), reason="the engine is not built")
def test_the_engine_writes_out_in_place(call, monkeypatch):
    expected = call()
    monkeypatch.setattr("tconv.engine.memory.empty", None)
    np.testing.assert_array_equal(call(out=np.full((2, 2, 5), np.nan)), expected)


def test_out_of_conv_and_of_an_unbatched_call():
    out = np.empty((1, 3))
    x, weight = np.array([[1.0, 2.0]]), np.array([[[1.0, 10.0]]])
    assert tconv.conv_transpose(x, weight, out=out) is out
    assert out.tolist() == [[1, 12, 20]]
    half = np.empty((1, 3), "float16")
    tconv.conv_transpose(x.astype("float16"), weight.astype("float16"), out=half)
    assert half.tolist() == [[1, 12, 20]]
    out = np.empty((1, 1))
    assert tconv.conv(x, weight, out=out) is out
    assert out.tolist() == [[21]]


# Algebra


def test_linear_in_every_argument(random):
    for index in range(30):
        case = cropped_case(random, 1 + index % 3)
        (x, weight, bias), (x2, weight2, bias2) = (case.arrays(random, np.int64) for _ in "ab")
        words = (case.geometry.stride, case.geometry.crop, 0, case.groups, case.geometry.dilation)

        def y(x, weight, bias=None, words=words):
            return tconv.conv_transpose(x, weight, bias, *words)

        np.testing.assert_array_equal(
            y(2 * x + 3 * x2, weight), 2 * y(x, weight) + 3 * y(x2, weight)
        )
        np.testing.assert_array_equal(y(x, weight - weight2), y(x, weight) - y(x, weight2))
        added = y(x, weight, bias + bias2) - y(x, weight, bias)
        assert (added == bias2.reshape(-1, *(1,) * case.geometry.rank)).all()


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_shifting_the_input_by_one_shifts_the_output_by_the_stride(random, stride):
    x, weight = small(random, (1, 2, 6, 5)), small(random, (2, 3, 4, 2))
    shifted = np.zeros((1, 2, 7, 6), int)
    shifted[..., 1:, 1:] = x
    y = tconv.conv_transpose(x, weight, stride=(stride, 2))
    moved = tconv.conv_transpose(shifted, weight, stride=(stride, 2))
    np.testing.assert_array_equal(moved[..., stride:, 2:], y)
    assert not moved[..., :stride, :].any()


def test_auto_does_not_depend_on_how_the_batch_is_split(random):
    for shape, kernel, stride in (
        ((7, 4, 300), (4, 6, 5), 2),
        ((5, 8, 40, 33), (8, 4, 4, 4), 2),
        ((3, 64, 30, 30), (64, 8, 5, 5), 3),
    ):
        x, weight = small(random, shape), small(random, kernel)
        whole = tconv.conv_transpose(x, weight, stride=stride)
        ones = [tconv.conv_transpose(image, weight, stride=stride) for image in x]
        np.testing.assert_array_equal(whole, ones)


def test_panels_join_without_a_seam(random):
    """Shapes far larger than one panel, in batch and along every axis."""
    for shape, kernel, words in (
        ((1, 1, 600_000), (1, 2, 3), {"stride": 2, "padding": 1}),
        ((3, 16, 200, 150), (16, 4, 4, 3), {"stride": (2, 3), "dilation": (1, 2), "groups": 2}),
        ((2000, 32, 9), (32, 5, 4), {"stride": 3}),
        ((1, 8, 30, 20, 40), (8, 2, 3, 2, 4), {"stride": 2, "padding": 1}),
    ):
        x, weight = small(random, shape), small(random, kernel)
        y = tconv.conv_transpose(x, weight, **words)
        np.testing.assert_array_equal(
            y, tconv.conv_transpose(x, weight, method="gradient", **words)
        )
        grad = small(random, y.shape)
        assert np.vdot(tconv.conv_transpose(x, weight, **words), grad) == np.vdot(
            weight, tconv.weight_gradient(x, grad, kernel[2:], **words)
        )
        words.setdefault("padding", 0)
        direct = tconv.conv(grad, weight, **words)
        assert direct.shape == x.shape
        assert np.vdot(direct, x) == np.vdot(grad, y)


def test_matrix_is_the_convolution_matrix(random):
    for index in range(60):
        case = cropped_case(random, 1 + index % 3)
        geometry, (x, weight, _) = case.geometry, case.arrays(random, np.int64)
        words = (geometry.stride, geometry.crop, 0, case.groups, geometry.dilation)
        matrix = tconv.matrix(weight, geometry.input_size, *words)
        dense = tconv.matrix(weight, geometry.input_size, *words, dense=True)
        np.testing.assert_array_equal(matrix.toarray(), dense)
        y = tconv.conv_transpose(x, weight, None, *words)
        np.testing.assert_array_equal(
            x.reshape(len(x), len(dense)) @ dense, y.reshape(len(y), dense.shape[1])
        )


def test_matrix_of_a_bare_kernel_and_of_fractions():
    kernel = np.arange(1, 7).reshape(2, 3)
    bare = tconv.matrix(kernel, (2, 2), stride=(2, 1), dense=True)
    whole = tconv.matrix(kernel[np.newaxis, np.newaxis], (2, 2), stride=(2, 1), dense=True)
    np.testing.assert_array_equal(bare, whole)
    assert bare.dtype == kernel.dtype
    assert bare.shape == (4, Geometry.of((2, 2), (2, 3), (2, 1)).full[0] * 4)


def test_matrix_without_scipy_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"needs SciPy: pip install 'tconv\[matrix\]'"):
        tconv.matrix([1, 2], 3)
    assert tconv.matrix([1, 2], 2, dense=True).tolist() == [[1, 2, 0], [0, 1, 2]]


def test_show_config(capsys):
    tconv.show_config()
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["tconv"] == tconv.__version__
    assert lines["numpy"] == np.__version__


def crooked(array):
    """Return a copy that no pointer of its dtype is aligned to."""
    copy = np.zeros(array.nbytes + 1, np.uint8)[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert not copy.flags.aligned or not array.size
    return copy


@pytest.mark.parametrize("batch", [2, 0])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("which", range(3))
def test_unaligned_arrays(random, which, dtype, batch):
    arrays = [random.standard_normal(s).astype(dtype) for s in ((batch, 2, 5), (2, 3, 4), (3,))]
    expected = tconv.conv_transpose(*arrays, stride=2)
    planned = tconv.plan(*arrays[1:], stride=2)(arrays[0])
    arrays[which] = crooked(arrays[which])
    np.testing.assert_array_equal(tconv.conv_transpose(*arrays, stride=2), expected)
    out = crooked(expected)
    assert tconv.conv_transpose(*arrays, stride=2, out=out) is out
    np.testing.assert_array_equal(out, expected)
    layer = tconv.plan(*arrays[1:], stride=2)
    for _ in range(2):
        np.testing.assert_array_equal(layer(arrays[0]), planned)
        out = crooked(expected)
        assert layer(arrays[0], out=out) is out
        np.testing.assert_array_equal(out, planned)
    assert layer.adjoint(crooked(expected)).shape == (batch, 2, 5)


@pytest.mark.parametrize("fake", [True, 1.0, "1", [True], (True,), (1.0,), ((True, 1),)])
def test_what_was_seen_as_a_number_before_is_read_anew(fake):
    x, weight = np.ones((1, 1, 3)), np.ones((1, 1, 3))
    for padding in (1, [1], ((1, 1),)):
        for _ in range(2):
            assert tconv.conv_transpose(x, weight, None, 1, padding, 0).shape == (1, 1, 3)
    with pytest.raises((TypeError, ValueError), match=r"^conv_transpose: padding"):
        tconv.conv_transpose(x, weight, None, 1, fake, 0)
    if isinstance(fake, list | tuple) and isinstance(fake[0], tuple):
        return
    with pytest.raises(TypeError, match=r"^conv_transpose: stride must be an integer"):
        tconv.conv_transpose(x, weight, None, fake, 1, 0)
