"""Under ``torch.autocast`` results have PyTorch's dtype, and are nearer to the truth."""

import pytest
import torch

import tconv
from arrays.torch_layers import DIRECT, SAYABLE, TRANSPOSED
from tconv import nn

torch.set_num_threads(1)

LOW = (torch.bfloat16, torch.float16)


def cast(dtype=torch.bfloat16):
    return torch.autocast("cpu", dtype)


@pytest.mark.parametrize("dtype", LOW, ids=str)
@pytest.mark.parametrize("given", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", SAYABLE)
def test_conv_transpose(name, given, dtype):
    layer = SAYABLE[name]
    x, weight, bias = (t.detach() for t in layer.tensors(torch.float32))
    x = x.to(given)
    exact = layer.theirs(x.double(), weight.double(), bias.double())
    with cast(dtype):
        made, known = (f(x, weight, bias) for f in (layer.ours, layer.theirs))
    assert made.dtype == known.dtype == dtype
    assert made.stride() == known.stride()
    rounded = exact.float().to(dtype)
    assert (made - rounded).abs().max() <= torch.finfo(dtype).eps * rounded.abs().max()


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_errors_are_little_more_than_half_of_pytorchs(rank):
    """One rounding, of the result; PyTorch also rounds what it reads."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(2, 32, *(6,) * rank, generator=random)
    weight = torch.randn(32, 16, *(4,) * rank, generator=random)
    for ours, theirs, w in (
        (tconv.conv_transpose, TRANSPOSED[rank], weight),
        (tconv.conv, DIRECT[rank], weight.transpose(0, 1)),
    ):
        exact = theirs(x.double(), w.double(), stride=2, padding=1)
        with cast():
            made, known = (f(x, w, stride=2, padding=1) for f in (ours, theirs))
        error, others = ((y.double() - exact).square().mean().sqrt() for y in (made, known))
        assert error < 0.65 * others
        assert error > 0


def test_gradients_have_the_dtypes_of_what_they_belong_to():
    layer = SAYABLE["2d unequal"]
    found = []
    for call in (layer.ours, layer.theirs):
        given = [t.detach().requires_grad_() for t in layer.tensors(torch.float32)]
        x = given[0].bfloat16()
        x.retain_grad()
        with cast():
            y = call(x, *given[1:])
        y.float().square().sum().backward()
        assert x.grad.dtype == torch.bfloat16
        found.append([t.grad for t in given])
    for made, known in zip(*found, strict=True):
        assert made.dtype == torch.float32
        torch.testing.assert_close(made, known, rtol=0.05, atol=0.05 * known.abs().max().item())


def test_layers_and_modes_inside_each_other():
    layer, x = nn.ConvTranspose2d(4, 3, 4, 2, "same"), torch.randn(1, 4, 5, 5)
    expected = layer(x)
    with cast():
        assert layer(x).dtype == torch.bfloat16
        assert layer(layer.weight.new_ones(4, 5, 5)).dtype == torch.bfloat16
        with torch.autocast("cpu", enabled=False):
            torch.testing.assert_close(layer(x), expected)
        with torch.no_grad():
            for _ in range(3):  # packed weights are float32's, whatever dtype is around
                assert layer(x).dtype == torch.bfloat16
    with torch.no_grad():
        torch.testing.assert_close(layer(x), expected)
    assert all(p.dtype == torch.float32 for p in layer.parameters())


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex64, torch.int64], ids=str)
def test_other_dtypes_stay(dtype):
    """As with PyTorch, whose rule casts floats below float64."""
    x, weight = torch.ones(1, 2, 3).to(dtype), torch.ones(2, 3, 2).to(dtype)
    with cast():
        assert tconv.conv_transpose(x, weight).dtype == dtype
        assert TRANSPOSED[1](x, weight).dtype == dtype
        assert tconv.conv(x, weight.transpose(0, 1)).dtype == dtype
        assert tconv.weight_gradient(x, tconv.conv_transpose(x, weight), 2).dtype == dtype


FLOATS = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
OTHERS = (torch.complex64, torch.complex128, torch.int64, torch.uint8)
MIXED = [(a, b) for a in (*FLOATS, *OTHERS) for b in (*FLOATS, *OTHERS) if a != b]


@pytest.mark.parametrize("dtypes", MIXED, ids=str)
def test_mixed_dtypes_are_refused_but_where_autocast_makes_them_one(dtypes):
    one, other = dtypes
    x, weight, bias = torch.ones(1, 2, 3).to(one), torch.ones(2, 3, 2).to(other), torch.ones(3)
    said = rf"^conv_transpose: weight is {other} but x is {one}; convert one of them, e\.g\. weight"
    with pytest.raises(TypeError, match=said):
        tconv.conv_transpose(x, weight)
    calls = (
        lambda: tconv.conv_transpose(x, weight),
        lambda: tconv.conv(x, weight.transpose(0, 1)),
        lambda: tconv.weight_gradient(x, torch.ones(1, 3, 4).to(other), 2),
        lambda: tconv.conv_transpose(x, torch.ones(2, 3, 2).to(one), bias.to(other)),
    )
    cast_both = {one, other} <= {torch.float32, *LOW}
    for call in calls:
        with pytest.raises(TypeError, match=f"is {other} but x is {one}"):
            call()
        with cast():
            if cast_both:
                assert call().dtype == torch.bfloat16
                continue
            with pytest.raises(TypeError, match=f"is {other} but x is {one}"):
                call()


def test_mixed_dtypes_on_the_meta_device():
    """Which knows no autocast."""
    x, weight = (torch.ones(2, 2, 3, device="meta", dtype=d) for d in FLOATS[::3])
    said = r"weight is torch\.float64 but x is torch\.float32"
    with cast(), pytest.raises(TypeError, match=said):
        tconv.conv_transpose(x, weight)
