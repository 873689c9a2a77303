"""What a refusal tells to do next: the whole sentence, and that what it tells to do is right."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

import tconv
from tconv import checks, engine
from tconv.conventions import JAX, KERAS, ONNX, TENSORFLOW
from tconv.geometry import hints


def refusal(call, *given, **words):
    with pytest.raises((TypeError, ValueError)) as caught:
        call(*given, **words)
    assert type(caught.value) in (TypeError, ValueError)
    return str(caught.value)


def arange(*shape):
    return np.arange(float(np.prod(shape))).reshape(shape) % 7


# Layouts: each hint is followed, and gives what the right arrays give

SWAP = "if weight is laid out as a convolution's, (C_out, C_in/groups, *K), pass "
BACK = "if weight is laid out as a transposed convolution's, (C_in, C_out/groups, *K), pass "
LAST = "if x has its channels last, pass np.moveaxis(x, -1, 1)"


def to_last(x):
    return np.moveaxis(x, 1, -1)


def kernel_first(weight):
    """Lay out as TensorFlow does: the channels last and turned round."""
    return np.moveaxis(weight, (0, 1), (-1, -2))


LAYOUTS = {  # what is right, groups, what is passed instead, and what the refusal tells
    "a convolution's weight": (
        ((2, 3, 8, 9), (3, 5, 4, 2)), 1, (None, lambda w: w.swapaxes(0, 1)),
        f"weight has 5 input channels but x has 3; {SWAP}weight.swapaxes(0, 1)",
    ),
    "a convolution's weight in groups": (
        ((2, 4, 8), (4, 3, 5)), 2,
        (None, lambda w: w.reshape(2, 2, 3, 5).swapaxes(1, 2).reshape(6, 2, 5)),
        f"weight has 6 input channels but x has 4; {SWAP}"
        "weight.reshape(2, 3, 2, 5).swapaxes(1, 2).reshape(4, 3, 5)",
    ),
    "channels last": (
        ((2, 3, 8, 9), (3, 5, 4, 2)), 1, (to_last, None),
        f"weight has 3 input channels but x has 8; {LAST}",
    ),
    "channels last of one image": (
        ((3, 8, 9), (3, 5, 4, 2)), 1, (lambda x: np.moveaxis(x, 0, -1), None),
        "weight has 3 input channels but x has 8; if x has its channels last, "
        "pass np.moveaxis(x, -1, 0)",
    ),
    "TensorFlow's weight": (
        ((2, 3, 8, 9), (3, 5, 4, 2)), 1, (None, kernel_first),
        "weight has 4 input channels but x has 3; if weight is laid out "
        "(*K, C_out/groups, C_in), pass weight.transpose(3, 2, 0, 1)",
    ),
    "TensorFlow's weight and input": (
        ((2, 3, 8, 9), (3, 5, 4, 2)), 1, (to_last, kernel_first),
        "weight has 4 input channels but x has 8; if x has its channels last and weight is laid "
        "out (*K, C_out/groups, C_in), pass np.moveaxis(x, -1, 1) and weight.transpose(3, 2, 0, 1)",
    ),
    "no axis of channels": (
        ((3, 1, 8, 9), (1, 5, 4, 2)), 1, (lambda x: x[:, 0], None),
        "weight has 1 input channel but x has 3; if x has no axis of channels, "
        "pass x[:, np.newaxis]",
    ),
    "neither batch nor channels": (
        ((1, 1, 8, 9), (1, 5, 4, 2)), 1, (lambda x: x[0, 0], None),
        "x must have 4 axes (batch, channels and 2 spatial) or 3 (no batch) to match the weight, "
        "got 2; if it is one image of one channel, pass x[np.newaxis]",
    ),
}  # fmt: skip
CONV_LAYOUTS = {
    "a transposed convolution's weight": (
        ((2, 3, 8, 9), (5, 3, 4, 2)), 1, (None, lambda w: w.swapaxes(0, 1)),
        f"weight has 5 input channels but x has 3; {BACK}weight.swapaxes(0, 1)",
    ),
    "channels last": (
        ((2, 3, 8, 9), (5, 3, 4, 2)), 1, (to_last, None),
        f"weight has 3 input channels but x has 8; {LAST}",
    ),
    "TensorFlow's weight": (
        ((2, 3, 8, 9), (5, 3, 4, 2)), 1, (None, kernel_first),
        "weight has 2 input channels but x has 3; if weight is laid out "
        "(*K, C_in/groups, C_out), pass weight.transpose(3, 2, 0, 1)",
    ),
}  # fmt: skip


def follow(call, right, groups, wrong, sentence):
    arrays = [arange(*shape) for shape in right]
    x, weight = (
        array if change is None else change(array)
        for array, change in zip(arrays, wrong, strict=True)
    )
    said = refusal(call, x, weight, groups=groups)
    shapes = f"(x: {x.shape}, weight: {weight.shape}, groups={groups})"
    assert said == f"{call.__name__}: {sentence} {shapes}"
    for code in said.partition(", pass ")[2].partition(" (x: ")[0].split(" and "):
        mended = eval(code, {"np": np, "x": x, "weight": weight})
        x, weight = (mended, weight) if code.startswith(("x", "np.moveaxis(x")) else (x, mended)
    expected = call(*arrays, groups=groups)
    np.testing.assert_array_equal(np.broadcast_to(call(x, weight, groups=groups), expected.shape),
                                  expected)  # fmt: skip


@pytest.mark.parametrize("case", LAYOUTS)
def test_layouts_of_conv_transpose(case):
    follow(tconv.conv_transpose, *LAYOUTS[case])


@pytest.mark.parametrize("case", CONV_LAYOUTS)
def test_layouts_of_conv(case):
    follow(tconv.conv, *CONV_LAYOUTS[case])


def test_groups_that_a_convolution_forgot():
    x, weight = arange(2, 8, 9), arange(8, 1, 3)
    assert refusal(tconv.conv, x, weight) == (
        f"conv: weight has 1 input channel but x has 8; groups=8 would fit; {BACK}"
        "weight.swapaxes(0, 1) (x: (2, 8, 9), weight: (8, 1, 3), groups=1)"
    )
    assert tconv.conv(x, weight, groups=8).shape == (2, 8, 7)


def test_layouts_of_plans():
    weight = arange(3, 5, 4, 2)
    first, last = tconv.plan(weight), tconv.plan(weight, layout="channels_last")
    x = arange(2, 3, 8, 9)
    weight_said = "weight: (3, 5, 4, 2), groups=1)"
    assert refusal(first, to_last(x)) == (
        f"plan: weight has 3 input channels but x has 8; {LAST} (x: (2, 8, 9, 3), {weight_said}"
    )
    assert refusal(last, x) == (
        "plan: weight has 3 input channels but x has 9; if x has its channels first, "
        f"pass np.moveaxis(x, 1, -1) (x: (2, 3, 8, 9), {weight_said}"
    )
    assert refusal(last, x[0]) == (
        "plan: weight has 3 input channels but x has 9; if x has its channels first, "
        f"pass np.moveaxis(x, 0, -1) (x: (3, 8, 9), {weight_said}"
    )
    y = first(x)
    assert refusal(first.adjoint, to_last(y)) == (
        "plan.adjoint: weight has 5 output channels but y has 11; if y has its channels last, "
        f"pass np.moveaxis(y, -1, 1) (y: (2, 11, 10, 5), {weight_said}"
    )
    assert refusal(first.adjoint, y[:, :2]) == (
        f"plan.adjoint: weight has 5 output channels but y has 2 (y: (2, 2, 11, 10), {weight_said}"
    )
    assert refusal(tconv.plan, weight, layout="NHWC") == (
        "plan: layout 'NHWC' is not one of 'channels_first', 'channels_last' "
        "(NHWC is 'channels_last') (weight: (3, 5, 4, 2), groups=1)"
    )
    assert "(NCL is 'channels_first')" in refusal(tconv.plan, weight, layout="NCL")
    assert "(did you mean 'channels_last'?)" in refusal(tconv.plan, weight, layout="channel_last")


# Every other sentence

X, W = np.ones((1, 3, 8)), np.ones((3, 5, 4))
X2, W2 = np.ones((1, 3, 8, 8)), np.ones((3, 5, 4, 4))
PADDING = "padding must be one integer, {0} of them or {0} (before, after) pairs, got "
AXES = "must have {} axes (batch, channels and {} spatial) or {} (no batch) to match the weight, "
BIAS = "bias must have one entry for each of 5 output channels, got shape "


@pytest.mark.parametrize(
    ("given", "words", "sentence"),
    [
        ((X, W, np.ones((5, 1, 1))), {}, f"{BIAS}(5, 1, 1); pass np.ravel(bias)"),
        ((X, W, 2.0), {}, f"{BIAS}(); pass np.full(5, bias)"),
        ((X, W, np.ones(3)), {}, f"{BIAS}(3,)"),
        ((X, np.ones((4, 2))), {},
         "weight must be (C_in, C_out/groups, *kernel) with at least one kernel axis, got 2 axes; "
         "a bare kernel is weight[np.newaxis, np.newaxis]"),
        ((X2, W), {}, f"x {AXES.format(3, 1, 2)}got 4; "
         "weight[..., np.newaxis] leaves the last axes as they are"),
        ((X, np.ones((12, 5, 4))), {"groups": 5},
         "groups 5 does not divide weight's 12 channels; 4 and 6 do"),
        ((X, np.ones((12, 5, 4))), {"groups": 100},
         "groups 100 does not divide weight's 12 channels; 12 does"),
        ((X2, W2), {"output_size": (1, 5, 16, 16)},
         "output_size must be one integer or 2 of them, one an axis, got (1, 5, 16, 16); "
         "leave batch and channels out of output_size"),
        ((X2, W2), {"stride": (1, 2, 2, 1)},
         "stride must be one integer or 2 of them, one an axis, got (1, 2, 2, 1); "
         "leave batch and channels out of stride"),
        ((X2, W2), {"padding": [(0, 0), (1, 1), (1, 1), (0, 0)]},
         f"{PADDING.format(2)}[(0, 0), (1, 1), (1, 1), (0, 0)]; "
         "leave batch and channels out of padding"),
        ((X2, W2), {"padding": (1, 1, 0, 0)},
         f"{PADDING.format(2)}(1, 1, 0, 0); pairs are written [(before, after), …], one an axis"),
        ((X, W), {"padding": (1, 0)},
         f"{PADDING.format(1)}(1, 0); a pair (before, after) for one axis is written [(1, 0)]"),
        ((X, W), {"output_padding": -1},
         "output_padding must be at least 0, got -1; to crop 1 more at the end, "
         "write padding as a pair, [(p, p + 1)]"),
        ((X, W), {"stride": 2.0}, "stride must be an integer, got 2.0 (float); write 2"),
        ((X, W), {"stride": "2"}, "stride must be an integer, got '2' (str); write 2"),
        ((X, W), {"dilation": np.float32(3)},
         f"dilation must be an integer, got {np.float32(3)!r} (float32); write 3"),
        ((X, W), {"groups": 1.0}, "groups must be an integer, got 1.0 (float); write 1"),
        ((X, W), {"stride": 0.5}, "stride must be an integer, got 0.5 (float)"),
        ((X, W), {"padding": "SAME"},
         "padding 'SAME' is not one of 'valid', 'same', 'half', 'full' (did you mean 'same'?)"),
        ((X, W), {"padding": "1"},
         "padding '1' is not one of 'valid', 'same', 'half', 'full'; write 1"),
        ((X, W), {"method": "Scatter"},
         f"method 'Scatter' is not one of {', '.join(map(repr, tconv.METHODS))} "
         "(did you mean 'scatter'?)"),
        ((X, W), {"out": np.ma.ones((1, 5, 11))},
         "out is a masked array, whose mask would be lost; pass out.data"),
        ((X, W), {"out": np.broadcast_to(1.0, (1, 5, 11))},
         "out is read-only; pass an array of its own memory"),
        ((X, W), {"out": np.lib.stride_tricks.as_strided(np.ones(11), (1, 5, 11), (0, 0, 8))},
         "cells of out share their memory; pass an array of its own memory"),
        ((X, W), {"out": torch.ones(1, 5, 11)},
         "out must be a NumPy array, got Tensor; pass out.numpy(), which shares its memory"),
        ((X, W), {"out": torch.ones(1, 5, 11, dtype=torch.bfloat16)},
         "out must be a NumPy array, got Tensor; leave it out and convert the result"),
    ],
)  # fmt: skip
def test_conv_transpose(given, words, sentence):
    said = refusal(tconv.conv_transpose, *given, **words)
    assert said.startswith(f"conv_transpose: {sentence} (x: {given[0].shape}, weight: ")
    assert "\n" not in said


@pytest.mark.skipif(not engine.available(), reason="the engine is not built")
def test_a_method_that_another_function_takes():
    assert "; tconv.plan takes it (" in refusal(tconv.conv_transpose, X, W, method="winograd")
    assert "; tconv.conv_transpose takes it (" in refusal(tconv.plan, W, method="scatter")


@pytest.mark.parametrize(
    ("grad", "kernel", "words", "sentence"),
    [
        ((1, 11, 5), 4, {}, "grad_output must be (1, C_out, 11), got (1, 11, 5); "
         "if it has its channels last, pass np.moveaxis(grad_output, -1, 1)"),
        ((1, 5, 19), 4, {"stride": 2}, "grad_output must be (1, C_out, 18), got (1, 5, 19); "
         "output_padding=(1,) gives that size"),
        ((1, 5, 20), 4, {"stride": 2}, "grad_output must be (1, C_out, 18), got (1, 5, 20)"),
        ((5, 11), 4, {}, "x and grad_output must have equally many axes, got 3 and 2; "
         "give both a batch axis or neither"),
        ((1, 5, 11), (3, 5, 4), {}, f"x {AXES.format(5, 3, 4)}got 3; "
         "if kernel_size is a weight's shape, leave the channels out, weight.shape[2:]"),
        ((1, 5, 11), 4, {"groups": 3},
         "groups 3 does not divide grad_output's 5 channels; 1 and 5 do"),
    ],
)  # fmt: skip
def test_weight_gradient(grad, kernel, words, sentence):
    said = refusal(tconv.weight_gradient, X, np.ones(grad), kernel, **words)
    assert said.startswith(f"weight_gradient: {sentence} (x: (1, 3, 8), grad_output: {grad}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"padding": (1, 0)},
         "padding must be one integer, 1 of them or 1 (before, after) pairs, got (1, 0); "
         "a pair (before, after) for one axis is written [(1, 0)]"),
        ({"stride": (1, 2, 1)}, "stride must be one integer or 1 of them, one an axis, "
         "got (1, 2, 1); leave batch and channels out of stride"),
        ({"output_padding": -2},
         "output_padding must be at least 0, got -2; to crop 2 more at the end, "
         "write padding as a pair, [(p, p + 2)]"),
        ({"activation": "swish"}, "activation 'swish' is not one of 'relu', 'leaky_relu', 'tanh', "
         "'sigmoid', 'gelu', 'silu' (did you mean 'silu'?)"),
        ({"activation": "ReLU"}, "activation 'ReLU' is not one of 'relu', 'leaky_relu', 'tanh', "
         "'sigmoid', 'gelu', 'silu' (did you mean 'relu'?)"),
        ({"method": 3}, "method must be a string, got 3 (int)"),
        ({"layout": None}, "layout must be a string, got None (NoneType)"),
        ({"bias": np.ma.ones(5)},
         "bias is a masked array, whose mask would be lost; fill it first, bias.filled(0)"),
    ],
)  # fmt: skip
def test_plan(words, sentence):
    assert refusal(tconv.plan, W, **words).startswith(f"plan: {sentence} (weight: (3, 5, 4)")


def test_dot_test():
    assert refusal(tconv.dot_test, W.astype(int), 5) == (
        "dot_test: dot_test needs float32, float64 or complex, got int64; "
        "convert it, e.g. weight.astype(float) (weight: (3, 5, 4), groups=1)"
    )
    assert "seed must be at least 0, got -1" in refusal(tconv.dot_test, W, 5, seed=-1)


# What holds no numbers, or those of another library

LAZY = torch.ones(1, 3, 8, requires_grad=True)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (torch.ones(1, 3, 8), "got torch.Tensor; convert it: x.numpy()"),
        (LAZY, "got torch.Tensor; convert it: x.detach().numpy()"),
        (LAZY.bfloat16(), "got torch.Tensor; convert it: x.detach().float().numpy()"),
        (torch.nn.Parameter(torch.ones(1, 3, 8)),
         "got torch.nn.parameter.Parameter; convert it: x.detach().numpy()"),
        (torch.ones(1, 3, 8).to_sparse(), "got torch.Tensor; convert it: x.to_dense().numpy()"),
        (torch.ones(1, 3, 8, dtype=torch.complex64).conj(),
         "got torch.Tensor; convert it: x.resolve_conj().numpy()"),
        (range(3), "got builtins.range; convert it: np.asarray(x)"),
        (memoryview(b"123"), "got builtins.memoryview; convert it: np.asarray(x)"),
        ("text", "got builtins.str"),
        ({1: 2}, "got builtins.dict"),
        (SimpleNamespace(shape=(1, 3, 8)), "got types.SimpleNamespace"),
    ],
)  # fmt: skip
def test_other_libraries(value, sentence):
    said = f"x must be a NumPy array or nested lists, {sentence} (x: "
    assert refusal(tconv.plan(W), value).startswith(f"plan: {said}")
    if isinstance(value, torch.Tensor):  # which the functions take, but not mixed with arrays
        return
    assert refusal(tconv.conv_transpose, value, W).startswith(f"conv_transpose: {said}")
    assert refusal(tconv.conv, value, W).startswith(f"conv: {said}")
    assert refusal(tconv.weight_gradient, value, X, 3).startswith(f"weight_gradient: {said}")


def test_tensors_are_not_mixed_with_arrays():
    x, weight = torch.ones(1, 3, 8), torch.ones(3, 5, 4)
    for call in (tconv.conv_transpose, tconv.conv):
        name = call.__name__
        assert refusal(call, x, W).startswith(
            f"{name}: weight must be a tensor as the others are, got ndarray; convert it: "
            "torch.as_tensor(weight) (x: (1, 3, 8), weight: (3, 5, 4)"
        )
        assert refusal(call, X, weight).startswith(f"{name}: x must be a tensor as the others are")
        assert refusal(call, x, weight, np.ones(5)).startswith(f"{name}: bias must be a tensor")
    assert refusal(tconv.weight_gradient, x, X, 3).startswith(
        "weight_gradient: grad_output must be a tensor as the others are, got ndarray"
    )


def test_what_is_told_of_tensors_is_right():
    for value in (LAZY, LAZY.bfloat16(), LAZY.to_sparse(), (LAZY * 1j).conj(), LAZY.conj()):
        code = hints.conversion("x", value).removeprefix("; convert it: ")
        assert type(eval(code, {"x": value})) is np.ndarray


LIBRARIES = {
    "cupy.ndarray": "; convert it: x.get()",
    "dask.array.core.Array": "; convert it: x.compute()",
    "h5py._hl.dataset.Dataset": "; convert it: x[...]",
    "h5py._hl.files.File": "; pass one of its arrays",
    "jaxlib._jax.ArrayImpl": "; convert it: np.asarray(x)",
    "jax._src.interpreters.partial_eval.DynamicJaxprTracer":
        "; it has no values inside jit: call from outside it, or by jax.pure_callback",
    "keras.src.backend.Variable": "; convert it: keras.ops.convert_to_numpy(x)",
    "pandas.core.frame.DataFrame": "; convert it: x.to_numpy()",
    "polars.series.series.Series": "; convert it: x.to_numpy()",
    "scipy.sparse._csr.csr_array": "; convert it: x.toarray()",
    "tensorflow.python.framework.ops.EagerTensor": "; convert it: x.numpy()",
    "tensorflow.python.framework.ops.SymbolicTensor":
        "; it has no values inside tf.function: call from outside it, or by tf.numpy_function",
    "xarray.core.dataarray.DataArray": "; convert it: x.values",
    "xarray.core.dataset.Dataset": "; pass one of its arrays",
    "zarr.core.array.Array": "; convert it: x[...]",
    "zarr.core.group.Group": "; pass one of its arrays",
    "elsewhere.Thing": "",
}  # fmt: skip


@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_by_their_names(name):
    module, _, kind = name.rpartition(".")
    value = type(kind, (), {"__module__": module})()
    assert hints.conversion("x", value) == LIBRARIES[name]
    said = refusal(tconv.conv_transpose, value, W)
    assert said == (
        f"conv_transpose: x must be a NumPy array or nested lists, got {name}{LIBRARIES[name]} "
        "(x: (), weight: (3, 5, 4), groups=1)"
    )
    expected = ""
    if LIBRARIES[name].startswith("; convert"):
        expected = "; leave it out and convert the result"
    if LIBRARIES[name].endswith("[...]"):
        expected = "; leave it out and assign the result, out[...] = …"
    assert f"got {kind}{expected} (x:" in refusal(tconv.conv_transpose, X, W, out=value)


MADE = {
    "dask.array": lambda module, x: module.from_array(x),
    "h5py": lambda module, x: module.File.in_memory().create_dataset("x", data=x),
    "jax.numpy": lambda module, x: module.asarray(x),
    "pandas": lambda module, x: module.DataFrame(x[0]),
    "scipy.sparse": lambda module, x: module.csr_array(x[0]),
    "tensorflow": lambda module, x: module.constant(x),
    "xarray": lambda module, x: module.DataArray(x),
    "zarr": lambda module, x: module.array(x),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_told_of_libraries_is_right(name):
    value = MADE[name](pytest.importorskip(name), X)
    code = hints.conversion("x", value).removeprefix("; convert it: ")
    x = eval(code, {"x": value, "np": np})
    assert type(x) is np.ndarray
    x = x if x.ndim == 3 else x[np.newaxis]
    np.testing.assert_array_equal(
        tconv.conv_transpose(x, W), tconv.conv_transpose(X.astype(x.dtype), W)
    )


@pytest.mark.parametrize(
    ("value", "error", "sentence"),
    [
        (np.array([["1"]]), TypeError,
         "x has dtype <U1, which holds no numbers; x.astype(float) reads numbers written as text"),
        (np.zeros((1, 3, 8), "M8[s]"), TypeError,
         "x has dtype datetime64[s], which holds no numbers; "
         "x.astype(np.int64) counts its units of time"),
        (np.zeros((1, 3, 8), "m8[h]"), TypeError,
         "x has dtype timedelta64[h], which holds no numbers; "
         "x.astype(np.int64) counts its units of time"),
        (np.zeros((1, 3, 8), [("a", "f4")]), TypeError,
         "x has dtype [('a', '<f4')], which holds no numbers; pass one of its fields, x['a']"),
        (np.zeros((1, 3, 8), "V3"), TypeError, "x has dtype |V3, which holds no numbers"),
        (np.zeros((1, 3, 8), bool), TypeError,
         "x has dtype bool; convert it to numbers, e.g. x.astype(float)"),
        (np.ma.masked_less(X, 0), TypeError,
         "x is a masked array, whose mask would be lost; fill it first, x.filled(0)"),
        ([np.ma.masked_less(X[0], 0)], TypeError,
         "x holds a masked array, whose mask would be lost; fill it first"),
        ([[LAZY[0, 0]]], TypeError, "x holds what is no number; convert it: "
         "x[0][0].detach().numpy()"),
        ([[1, 2], [3]], ValueError, "x is ragged: its nested lists differ in length"),
        ([[10**400, 1.5]], TypeError,
         "x has dtype object; letters and fractions go through tconv.symbolic"),
    ],
)  # fmt: skip
def test_arrays_of_no_numbers(value, error, sentence):
    for call in (tconv.conv_transpose, tconv.conv, lambda x, w: tconv.plan(w)(x)):
        said = refusal(call, value, W)
        assert f": {sentence} (x: " in said
        with pytest.raises(error):
            call(value, W)


def test_lists_in_circles_are_refused():
    circle = []
    circle.append(circle)
    assert "x is ragged" in refusal(tconv.conv_transpose, circle, W)


class Hostile:
    """Raises whatever it is asked."""

    @property
    def shape(self):
        raise RuntimeError("no")

    def __array__(self, *_, **__):
        raise RuntimeError("no")


def test_whatever_other_arrays_raise_is_told_in_a_sentence():
    assert refusal(tconv.conv_transpose, Hostile(), W) == (
        "conv_transpose: x must be a NumPy array or nested lists, got test_hints.Hostile; "
        "convert it: np.asarray(x) (x: unknown, weight: (3, 5, 4), groups=1)"
    ).replace("test_hints", __name__)
    said = refusal(tconv.conv_transpose, [Hostile()], W)
    assert "x holds what is no number; convert it: np.asarray(x[0]) (x: unknown" in said


# Frameworks' words


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: TENSORFLOW.geometry((4, 4), 3, (8, 8), 2),
         "output_shape (8, 8) must have 4 entries, batch and channels included: "
         "write [None, 8, 8, None]"),
        (lambda: TENSORFLOW.geometry((4, 4), 3, 8, 2),
         "output_shape 8 must have 4 entries, batch and channels included: "
         "write [None, 8, 8, None]"),
        (lambda: TENSORFLOW.geometry(4, 3, 8, 2),
         "output_shape 8 must have 3 entries, batch and channels included: write [None, 8, None]"),
        (lambda: TENSORFLOW.geometry((4, 4), 3, (1, 8, 8, 3), 2, [(1, 0), (1, 0)]),
         "padding [(1, 0), (1, 0)] must have 4 entries, batch and channels included: "
         "write [[0, 0], (1, 0), (1, 0), [0, 0]]"),
        (lambda: TENSORFLOW.geometry((4, 4), 3, (1, 8, 8, 3), (1, 2, 2, 1)),
         "parameters disagree on the number of axes: input_size has 2, strides has 4; "
         "leave batch and channels out of strides"),
        (lambda: TENSORFLOW.geometry((4, 4), 3, (1, None, 8, 3), 2),
         "output_shape must be an integer, got None (NoneType)"),
        (lambda: KERAS.geometry(4, 3, 2, 1), "padding must be a string, got 1 (int)"),
        (lambda: JAX.geometry((4, 4), 3, 2, 1),
         "padding must be a sequence, got 1 (int)"),
        (lambda: JAX.geometry((4, 4), 3, 2, [(1, 1)]),
         "padding must hold one pair for each of 2 axes, got [(1, 1)]"),
        (lambda: ONNX.geometry(4, 3, auto_pad="same"),
         "auto_pad 'same' is not one of NOTSET, SAME_UPPER, SAME_LOWER, VALID; "
         "write 'SAME_UPPER'"),
    ],
)  # fmt: skip
def test_frameworks_words(call, sentence):
    assert refusal(call) == sentence


def test_a_call_that_is_not_refused_asks_for_no_hint(monkeypatch):
    for module in (checks, tconv.functional, tconv.geometry.parameters):
        monkeypatch.setattr(module, "hints", None)
    y = tconv.conv_transpose(X2, W2, np.ones(5), (2, 1), [(1, 0), 1], (1, 0), 1, 1)
    tconv.weight_gradient(X2, y, (4, 4), (2, 1), [(1, 0), 1], (1, 0))
    tconv.plan(W2, activation="relu")(X2)
