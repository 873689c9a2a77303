"""Values, gradients and strides are those of PyTorch's functions, over random sets."""

import numpy as np
import pytest
import torch
from torch import Tensor

import tconv
from arrays.torch_layers import DIRECT, LAST, TRANSPOSED
from strategies import padded_case, pick, sweep

torch.set_num_threads(1)

EXACT = (torch.float32, torch.float64, torch.complex64)
SMALL = (torch.bfloat16, torch.float16)
COUNT = 50


def draw(random, shape, dtype):
    numbers = torch.from_numpy(random.standard_normal(shape))
    if dtype.is_complex:
        numbers = numbers + 1j * torch.from_numpy(random.standard_normal(shape))
    return numbers.to(dtype)


# How a tensor may lie. Each takes a contiguous one to an equal one.


def last(t, random):
    return t.to(memory_format=LAST[t.ndim - 2]) if t.ndim in (4, 5) else t


def cut(t, random):
    """Channels out of the middle of more."""
    more = torch.cat([t[:, :1], t, t[:, :1]], 1)
    return last(more, random)[:, 1:-1]


def strided(t, random):
    """Every second cell of the last axis."""
    return torch.stack([t, t + 1], -1).flatten(-2)[..., ::2]


def turned(t, random):
    """Two axes stored the other way round."""
    return t.transpose(0, -1).contiguous().transpose(0, -1)


def offset(t, random):
    """At an odd place in more memory."""
    memory = torch.cat([t.new_zeros(3), t.reshape(-1)])
    return memory[3:].view(t.shape)


def conjugated(t, random):
    return t.conj().resolve_conj().conj() if t.is_complex() else t


def negated(t, random):
    """With the bit that says that a view's numbers are negative."""
    return torch._neg_view(-t)


LAYOUTS = (lambda t, random: t, last, cut, strided, turned, offset, conjugated, negated)


def laid_out(t, random):
    return pick(random, LAYOUTS)(t, random)


def cases(number, count=COUNT, draws=padded_case):
    """Yield sets in PyTorch's words; some by themselves, some expanded, unbatched or empty."""
    random = np.random.default_rng([7, number])
    for index in range(count):
        case = draws(random, 1 + index % 3)
        yield index, random, case


def operands(random, case, dtype, index):
    """Return x, weight and bias in random layouts."""
    x, weight, bias = (
        draw(random, shape, dtype) for shape in (case.x_shape, case.weight_shape, case.y_shape[1:2])
    )
    if index % 11 == 0 and len(x):
        x = x[:1].expand(case.x_shape)
    elif index % 5 == 0:
        x = draw(random, case.x_shape[1:], dtype)
    else:
        x = laid_out(x, random)
    bias = None if index % 7 == 0 else laid_out(bias.view(1, 1, -1), random)[0, 0]
    return x, laid_out(weight, random), bias


def words_of(case):
    return {**case.words, "groups": case.groups}


def steps(y):
    """Return the strides, without those of axes of one cell, which say nothing."""
    return [s for s, n in zip(y.stride(), y.shape, strict=True) if n > 1]


def assert_same_strides(y, expected, x, weight):
    """In three dimensions PyTorch's older code knows no channels last; we keep them."""
    if not y.numel():
        assert y.stride() == torch.empty(y.shape).stride()
        return
    last = any(map(has_channels_last, (x if x.ndim == weight.ndim else x.unsqueeze(0), weight)))
    if weight.ndim == 5 and expected.is_contiguous() and last:
        y = y if y.ndim == 5 else y.unsqueeze(0)
        assert y.is_contiguous(memory_format=LAST[3])
    else:
        assert steps(y) == steps(expected)


def has_channels_last(t):
    return torch._prims_common.suggest_memory_format(t) in LAST.values()


def fresh(t):
    """Copy to plain strides, also where an axis of one cell has others."""
    return t if t is None else t.reshape(-1).clone().view(t.shape)


def gradients(y, grad, given):
    wanted = [t for t in given if t is not None]
    return torch.autograd.grad(y, wanted, grad)


def assert_within(made: Tensor, expected: Tensor, magnitude: Tensor, terms: int):
    """Compare within the rounding of a sum of products."""
    assert made.dtype == expected.dtype
    assert made.shape == expected.shape
    bound = 4 * (terms + 2) * torch.finfo(made.dtype).eps * magnitude.abs()
    assert bool(((made - expected).abs() <= bound).all())


@pytest.mark.parametrize("number", sweep(120, 20))
def test_conv_transpose(number):
    """A thousand sets, and more in a sweep: values and strides, and gradients of most."""
    for index, random, case in cases(number):
        dtype = EXACT[index // 3 % len(EXACT)]
        given = [
            t if t is None else t.requires_grad_() for t in operands(random, case, dtype, index)
        ]
        words = words_of(case)
        theirs = TRANSPOSED[case.geometry.rank]
        y, expected = tconv.conv_transpose(*given, **words), theirs(*given, **words)
        sizes = [None if t is None else t.detach().abs() for t in given]
        terms = case.channels[0] * case.geometry.taps_per_phase[1]
        assert_within(y, expected, theirs(*sizes, **words), terms)
        assert_same_strides(y, expected, given[0], given[1])
        if not y.numel():
            continue
        grad = laid_out(draw(random, y.shape, dtype), random) if y.ndim > 3 else torch.ones_like(y)
        sizes = [None if t is None else t.requires_grad_() for t in sizes]
        made, known, magnitudes = (
            gradients(*each)
            for each in (
                (y, grad, given),
                (expected, grad, given),
                (theirs(*sizes, **words), grad.abs(), sizes),
            )
        )
        for one, other, magnitude in zip(made, known, magnitudes, strict=True):
            assert_within(one, other, magnitude, grad.numel())


def direct_cases(number, count=COUNT):
    random = np.random.default_rng([8, number])
    for index in range(count):
        rank = 1 + index % 3
        k, s, p, d = (
            tuple(random.integers(a, b, rank).tolist()) for a, b in ((1, 4), (1, 5), (0, 5), (1, 4))
        )  # where padding alone is read, oneDNN crashes on channels last, in PyTorch 2.13
        p = tuple(min(c, b * (a - 1)) for a, b, c in zip(k, d, p, strict=True))
        least = [max(b * (a - 1) + 1 - 2 * c, 1) for a, b, c in zip(k, d, p, strict=True)]
        size = tuple(m + int(random.integers(0, 5)) for m in least)
        groups, (c_in, c_out) = int(random.integers(1, 4)), random.integers(1, 4, 2).tolist()
        words = {"stride": s, "padding": p, "dilation": d, "groups": groups}
        batch = int(random.integers(0, 4))
        yield index, random, (batch, groups * c_in, *size), (groups * c_out, c_in, *k), words


@pytest.mark.parametrize("number", sweep(60, 10))
def test_conv(number):
    for index, random, x_shape, weight_shape, words in direct_cases(number):
        dtype = EXACT[index // 3 % len(EXACT)]
        x, weight, bias = (
            draw(random, s, dtype) for s in (x_shape, weight_shape, weight_shape[:1])
        )
        x = x.sum(0) if index % 5 == 0 else laid_out(x, random)
        weight = laid_out(weight, random)
        given = [x, weight, None if index % 7 == 0 else bias]
        given = [t if t is None else t.detach().requires_grad_() for t in given]
        theirs = DIRECT[weight.ndim - 2]
        y = tconv.conv(*given, **words)
        assert_same_strides(y, theirs(*given, **words), x, weight)
        # PyTorch 2.13 reads some tensors of one channel in three dimensions wrongly as they lie
        expected = theirs(*map(fresh, given), **words)
        sizes = [None if t is None else fresh(t.detach().abs()).requires_grad_() for t in given]
        magnitude = theirs(*sizes, **words)
        assert_within(y, expected, magnitude, weight[0].numel())
        if not y.numel():
            continue
        grad = draw(random, y.shape, dtype)
        made, known, magnitudes = (
            gradients(*each)
            for each in ((y, grad, given), (expected, grad, given), (magnitude, grad.abs(), sizes))
        )
        for one, other, size in zip(made, known, magnitudes, strict=True):
            assert_within(one, other, size, grad.numel())


def spoilt(made, exact, magnitude):
    """Return how far results are off, in units of what their dtype can tell of these sums."""
    return ((made.double() - exact).abs() / (magnitude + 1e-30)).max().item()


@pytest.mark.parametrize("number", sweep(40, 4))
@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_small_floats_are_computed_in_float32(dtype, number):
    """They are off by one rounding, never by more than PyTorch's are."""
    for index, random, case in cases(number, 20):
        given = operands(random, case, dtype, index)
        words = words_of(case)
        theirs = TRANSPOSED[case.geometry.rank]
        y, known = tconv.conv_transpose(*given, **words), theirs(*given, **words)
        assert y.dtype == dtype
        assert_same_strides(y, known, given[0], given[1])
        if not y.numel():
            continue
        exact = theirs(*(None if t is None else t.double() for t in given), **words)
        rounded = exact.float().to(dtype).double()
        eps = torch.finfo(dtype).eps
        magnitude = theirs(*(None if t is None else t.double().abs() for t in given), **words)
        assert spoilt(y, exact, magnitude) <= eps / 2 * 1.01
        error, others = ((one.double() - exact).abs().max() for one in (y, known))
        assert error <= others * 1.001 + (rounded - exact).abs().max()


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_gradients_of_small_floats(dtype):
    for index, random, case in cases(5, 20):
        given = [
            t if t is None else t.detach().requires_grad_()
            for t in operands(random, case, dtype, index)
        ]
        y = tconv.conv_transpose(*given, **words_of(case))
        if not y.numel():
            continue
        made = gradients(y, torch.ones_like(y), given)
        exact = [t if t is None else t.detach().double().requires_grad_() for t in given]
        exact_y = TRANSPOSED[case.geometry.rank](*exact, **words_of(case))
        known = gradients(exact_y, torch.ones_like(exact_y), exact)
        sizes = [t if t is None else t.detach().abs().requires_grad_() for t in exact]
        sizes_y = TRANSPOSED[case.geometry.rank](*sizes, **words_of(case))
        magnitudes = gradients(sizes_y, torch.ones_like(sizes_y), sizes)
        for one, other, size in zip(made, known, magnitudes, strict=True):
            assert one.dtype == dtype
            assert spoilt(one, other, size) <= torch.finfo(dtype).eps


def test_the_sets_hold_what_they_must():
    met = dict.fromkeys(
        ("kernel below stride", "k1 s2", "dilated with output_padding", "unbatched", "no images",
         "groups", "channels last", "channels cut", "not contiguous", "conjugate", "expanded",
         "negative", "weight channels last", "weight channels last, one input channel"), 0,
    )  # fmt: skip
    for number in range(8):
        for index, random, case in cases(number):
            x, weight, _ = operands(random, case, EXACT[index // 3 % len(EXACT)], index)
            axes = case.geometry.axes
            extra = case.words["output_padding"]
            last_weight = has_channels_last(weight)
            held = {
                "kernel below stride": any(a.kernel_size < a.stride for a in axes),
                "k1 s2": any(a.kernel_size == 1 and a.stride == 2 for a in axes),
                "dilated with output_padding": any(
                    a.dilation > 1 and op for a, op in zip(axes, extra, strict=True)
                ),
                "unbatched": x.ndim == len(axes) + 1,
                "no images": x.ndim > len(axes) + 1 and not len(x),
                "groups": case.groups > 1,
                "channels last": has_channels_last(x),
                "channels cut": x.ndim in (4, 5) and x.stride(1) == 1 and x.stride(-1) > x.shape[1],
                "not contiguous": not x.is_contiguous(),
                "conjugate": x.is_conj(),
                "negative": x.is_neg(),
                "expanded": 0 in x.stride() and x.numel() > 0,
                "weight channels last": last_weight,
                "weight channels last, one input channel": last_weight and weight.shape[1] == 1,
            }
            for name, holds in held.items():
                met[name] += holds
    assert min(met.values()) >= 2, met
