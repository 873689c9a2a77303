"""Equal to PyTorch, values and refusals."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import tconv
from strategies import assert_close, padded_case, random_array, sweep

torch.set_num_threads(1)  # its layers here are small, and other tests run beside
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
DIRECT = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


def positional(case):
    """Return the arguments after the bias, in the order both libraries have."""
    words = case.words
    return (
        words["stride"], words["padding"], words["output_padding"], case.groups, words["dilation"],
    )  # fmt: skip


DTYPES = ("float64", "float32", "complex128", "complex64")


def cases(number, count=60):
    """Yield random sets with at least one image, without and with the batch axis."""
    random = np.random.default_rng(number)
    for index in range(count):
        case = padded_case(random, 1 + index % 3)
        dtype = np.dtype(DTYPES[index // 3 % len(DTYPES)])
        x, weight, bias = case.arrays(random, dtype)
        if index % 5 == 0:
            x = random_array(random, x.shape[1:], dtype)
        yield case, dtype, x, weight, bias if index % 7 else None


@pytest.mark.parametrize("number", sweep(20, 10))
def test_conv_transpose(number):
    for case, dtype, x, weight, bias in cases(number):
        actual = tconv.conv_transpose(x, weight, bias, *positional(case))
        expected = TRANSPOSED[case.geometry.rank](*tensors(x, weight, bias), *positional(case))
        parts = (None if a is None else np.abs(a) for a in (x, weight, bias))
        magnitude = tconv.conv_transpose(*parts, *positional(case))
        terms = case.channels[0] * case.geometry.taps_per_phase[1]
        assert_close(actual, expected.numpy(), magnitude, terms, dtype)


def test_the_sets_hold_what_they_must():
    met = {"op >= stride": 0, "p > ke - 1": 0, "groups": 0, "unbatched": 0, "dilation": 0}
    for number in range(20):
        for case, _, x, _, _ in cases(number):
            axes = list(zip(*(case.words[n] for n in ("output_padding", "padding")), strict=True))
            along = list(zip(axes, case.geometry.axes, strict=True))
            met["op >= stride"] += any(op >= a.stride for (op, _), a in along)
            met["p > ke - 1"] += any(p >= a.effective_kernel for (_, p), a in along)
            met["groups"] += case.groups > 1
            met["unbatched"] += x.ndim == len(axes) + 1
            met["dilation"] += max(case.geometry.dilation) > 1
    assert min(met.values()) > 100, met


def tensors(*arrays):
    return (None if array is None else torch.from_numpy(array) for array in arrays)


@pytest.mark.parametrize("number", range(10))
def test_gradients(number):
    """A plan's adjoint is PyTorch's input gradient, and the weight gradients agree."""
    for case, dtype, x, weight, _ in cases(100 + number, count=30):
        if not x.size:
            continue
        given = [array.requires_grad_() for array in tensors(x, weight)]
        y = TRANSPOSED[case.geometry.rank](*given, None, *positional(case))
        grad = random_array(np.random.default_rng(number), tuple(y.shape), dtype)
        y.backward(torch.from_numpy(grad))
        made = tconv.weight_gradient(x, grad, weight.shape[2:], *positional(case))
        parts = np.abs(x), np.abs(grad)
        magnitude = tconv.weight_gradient(*parts, weight.shape[2:], *positional(case))
        terms = x.size // case.channels[0]
        assert_close(made, given[1].grad.numpy(), magnitude, terms, dtype)
        magnitude = tconv.plan(np.abs(weight), None, *positional(case)).adjoint(np.abs(grad))
        back = tconv.plan(weight, None, *positional(case)).adjoint(grad)
        assert_close(back, given[0].grad.numpy(), magnitude, weight[0].size, dtype)
        if case.geometry.adjoint() is None:
            continue
        words = case.geometry.adjoint()
        back = (words.stride, words.padding, words.dilation, case.groups)
        made = tconv.conv(grad, weight.conj(), None, *back)
        assert_close(made, given[0].grad.numpy(), magnitude, weight[0].size, dtype)


@pytest.mark.parametrize("number", range(6))
def test_conv(number):
    random = np.random.default_rng(200 + number)
    for index in range(60):
        rank = 1 + index % 3
        k, s, p, d = (random.integers(a, b, rank).tolist() for a, b in
                      ((1, 4), (1, 5), (0, 5), (1, 4)))  # fmt: skip
        least = [max(b * (a - 1) + 1 - 2 * c, 1) for a, b, c in zip(k, d, p, strict=True)]
        size = [m + int(random.integers(0, 6)) for m in least]
        groups, (c_in, c_out) = int(random.integers(1, 4)), random.integers(1, 4, 2).tolist()
        dtype = np.dtype(DTYPES[index % len(DTYPES)])
        batch = () if index % 5 == 0 else (int(random.integers(0, 4)),)
        x = random_array(random, (*batch, groups * c_in, *size), dtype)
        weight = random_array(random, (groups * c_out, c_in, *k), dtype)
        bias = random_array(random, len(weight), dtype)
        given = [array.requires_grad_() for array in tensors(x, weight, bias)]
        y = DIRECT[rank](*given, s, p, d, groups)
        magnitude = tconv.conv(*map(np.abs, (x, weight, bias)), s, p, d, groups)
        for method in ("auto", "direct", "matrix"):
            made = tconv.conv(x, weight, bias, s, p, d, groups, method=method)
            assert_close(made, y.detach().numpy(), magnitude, weight[0].size, dtype)
        if index % 3 or not x.size:
            continue
        grad = random_array(random, tuple(y.shape), dtype)
        y.backward(torch.from_numpy(grad))
        sizes = x.shape[1 + len(batch) :]
        whole = tconv.Geometry.of_conv(sizes, k, s, [(n, n) for n in p], d)
        words = (s, whole.crop, 0, groups, d)
        by_weight = tconv.weight_gradient(grad, x, k, *words).conj()
        magnitude = tconv.weight_gradient(np.abs(grad), np.abs(x), k, *words)
        terms = grad.size // c_out
        assert_close(by_weight, given[1].grad.numpy(), magnitude, terms, dtype)
        by_x = tconv.conv_transpose(grad, weight.conj(), None, *words)
        magnitude = tconv.conv_transpose(np.abs(grad), np.abs(weight), None, *words)
        assert_close(by_x, given[0].grad.numpy(), magnitude, weight.size, dtype)


X, WEIGHT = (1, 4, 5), (4, 2, 3)
REFUSALS = {
    "negative padding": ({"padding": -1}, ValueError, "padding must not be negative, got -1"),
    "negative output_padding": (
        {"output_padding": -1}, ValueError, "output_padding must be at least 0, got -1",
    ),
    "stride 0": ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    "stride negative": ({"stride": -2}, ValueError, "stride must be at least 1, got -2"),
    "groups 0": ({"groups": 0}, ValueError, "groups must be at least 1, got 0"),
    "groups negative": ({"groups": -1}, ValueError, "groups must be at least 1, got -1"),
    "dilation 0": ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
    "kernel 0": ({"weight": (4, 2, 0)}, ValueError, "kernel size 0 has an empty axis"),
    "output_padding too large": (
        {"stride": 2, "dilation": 3, "output_padding": 3}, ValueError,
        "output_padding 3 must be smaller than stride 2 or dilation 3",
    ),
    "channels": ({"x": (1, 3, 5)}, ValueError, "weight has 4 input channels but x has 3"),
    "bias length": (
        {"bias": (3,)}, ValueError,
        r"bias must have one entry for each of 2 output channels, got shape \(3,\)",
    ),
    "bias rank": (
        {"bias": (1, 2)}, ValueError,
        r"bias must have one entry for each of 2 output channels, got shape \(1, 2\)",
    ),
    "groups beyond channels": (
        {"groups": 8}, ValueError, "groups 8 does not divide weight's 4 channels",
    ),
    "groups dividing": ({"groups": 3}, ValueError, "groups 3 does not divide weight's 4 channels"),
    "output too small": (
        {"padding": 4}, ValueError,
        r"output size -1 is too small: full output \(5-1\)·1 \+ 3 = 7 less padding 4 and 4",
    ),
    "too many strides": (
        {"stride": [1, 2]}, ValueError, "stride must be one integer or 1 of them, one an axis",
    ),
    "weight rank": ({"weight": (4, 2, 3, 3, 3)}, ValueError, "x must have 5 axes"),
    "zero-size input": ({"x": (1, 4, 0)}, ValueError, "x has an empty spatial axis"),
    "no input channels": ({"x": (1, 0, 5), "weight": (0, 2, 3)}, ValueError, "zero channels"),
    "no output channels": ({"weight": (4, 0, 3)}, ValueError, "weight has zero channels"),
    "float stride": ({"stride": 1.5}, TypeError, r"stride must be an integer, got 1.5 \(float\)"),
    "string stride": ({"stride": "2"}, TypeError, r"stride must be an integer, got '2' \(str\)"),
    "no weight": ({"weight": None}, TypeError, "weight must be a NumPy array"),
}  # fmt: skip


@pytest.mark.parametrize(("words", "error", "message"), REFUSALS.values(), ids=REFUSALS)
def test_what_pytorch_refuses_is_refused(words, error, message):
    given = {"x": X, "weight": WEIGHT, "bias": None} | words
    shapes = [given.pop(name) for name in ("x", "weight", "bias")]
    arrays = [None if shape is None else np.ones(shape) for shape in shapes]
    with pytest.raises((RuntimeError, TypeError, ValueError)):
        F.conv_transpose1d(*tensors(*arrays), **given)
    with pytest.raises(error, match=message) as refused:
        tconv.conv_transpose(*arrays, **given)
    assert type(refused.value) is error


@pytest.mark.parametrize("size", range(1, 12))
def test_output_size_reaches_as_far_as_the_module(size):
    module = torch.nn.ConvTranspose1d(1, 1, 3, stride=2, bias=False, dtype=torch.float64)
    x, weight = np.arange(1.0, 4)[np.newaxis, np.newaxis], module.weight.detach().numpy()
    if size in (7, 8):
        expected = module(torch.from_numpy(x), output_size=[size]).detach().numpy()
        made = tconv.conv_transpose(x, weight, stride=2, output_size=size)
        np.testing.assert_allclose(made, expected, rtol=1e-14)
        return
    with pytest.raises(ValueError, match="requested an output size"):
        module(torch.from_numpy(x), output_size=[size])
    with pytest.raises(ValueError, match=f"output_size {size} is out of reach: .* gives 7 or 8"):
        tconv.conv_transpose(x, weight, stride=2, output_size=size)
