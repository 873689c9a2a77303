"""The samples that PyTorch tests its own convolutions with, our functions in their place."""

import pytest
import torch

import tconv
from arrays.torch_internals import OPERATORS

torch.set_num_threads(1)

DTYPES = (torch.float32, torch.float64, torch.complex64, torch.bfloat16, torch.float16, torch.int64)


def ours(name):
    return tconv.conv_transpose if "transpose" in name else tconv.conv


def samples(name, dtype, learns):
    yield from OPERATORS[name].sample_inputs("cpu", dtype, requires_grad=learns)


def assert_as_good(made, expected, exact):
    """Compare what both computed with what is exact: off by no more, or by rounding of the largest.

    In half and bfloat16 PyTorch itself is off by far more.
    """
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    if not made.numel():
        return
    if not made.dtype.is_floating_point and not made.dtype.is_complex:
        assert torch.equal(made, expected)
        return
    error, others = ((one - exact).abs().max() for one in (made, expected))
    assert error <= max(others, 4 * torch.finfo(made.dtype).eps * exact.abs().max())


def exactly(name, given, words):
    wide = torch.complex128 if given[0].is_complex() else torch.float64
    cast = [t.detach().to(wide) if isinstance(t, torch.Tensor) else t for t in given]
    return OPERATORS[name].op(*cast, **words)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", OPERATORS)
def test_samples(name, dtype):
    learns = dtype in (torch.float64, torch.complex64)
    met = 0
    for sample in samples(name, dtype, learns):
        given = (sample.input, *sample.args)
        made, expected = (f(*given, **sample.kwargs) for f in (ours(name), OPERATORS[name].op))
        assert_as_good(made, expected, exactly(name, given, sample.kwargs))
        met += 1
        if not learns or not made.numel():
            continue
        wanted = [t for t in given if isinstance(t, torch.Tensor)]
        grad = torch.randn_like(made)
        found = (torch.autograd.grad(y, wanted, grad) for y in (made, expected))
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    assert met >= 10


SAYABLE = "padding='same' is not supported for strided"  # here it is


@pytest.mark.parametrize("name", [name for name in OPERATORS if "transpose" not in name])
def test_what_is_an_error_there_is_one_here(name):
    met = 0
    for error in OPERATORS[name].error_inputs("cpu"):
        if SAYABLE in error.error_regex:
            continue
        sample = error.sample_input
        with pytest.raises((TypeError, ValueError), match=r"^conv: .* \(x: "):
            tconv.conv(sample.input, *sample.args, **sample.kwargs)
        met += 1
    assert met >= 9
