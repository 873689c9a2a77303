"""Derivatives of any order, backward and forward, against finite differences and PyTorch's."""

import pytest
import torch
from torch.autograd import forward_ad, gradcheck, gradgradcheck

import tconv
from arrays.torch_layers import SAYABLE, SMALL

torch.set_num_threads(1)
DTYPES = (torch.float64, torch.complex128)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", SMALL)
def test_first_derivatives(name, dtype):
    """Backward and in forward mode, one direction and batches of them."""
    layer = SMALL[name]
    assert gradcheck(
        layer.ours, layer.tensors(dtype), check_forward_ad=True, check_batched_grad=True,
        check_batched_forward_grad=True, fast_mode=True,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", SMALL)
def test_second_derivatives(name, dtype):
    layer = SMALL[name]
    assert gradgradcheck(
        layer.ours, layer.tensors(dtype), check_fwd_over_rev=True, check_rev_over_rev=True,
        check_batched_grad=True, fast_mode=True,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["1d dilated", "2d groups"])
def test_every_entry_of_the_jacobian(name):
    layer = SMALL[name]
    assert gradcheck(layer.ours, layer.tensors(), check_forward_ad=True)


CONV = {
    "1d": ((2, 4, 7), (6, 2, 3), {"stride": 2, "padding": 1, "groups": 2}),
    "2d": ((1, 2, 5, 4), (3, 2, 3, 2), {"stride": (2, 1), "dilation": (1, 2), "padding": (2, 0)}),
    "2d same": ((2, 2, 5, 4), (3, 2, 2, 3), {"stride": 2, "padding": "same"}),
    "2d negative": ((1, 2, 5, 5), (3, 2, 2, 2), {"padding": ((-1, 0), (1, -2))}),
    "3d": ((1, 1, 3, 4, 3), (2, 1, 2, 2, 3), {"stride": (1, 2, 1), "padding": (0, 1, 1)}),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", CONV)
def test_of_the_direct_convolution(name, dtype):
    x, weight, words = CONV[name]
    given = [torch.randn(s, dtype=dtype, requires_grad=True) for s in (x, weight, weight[:1])]

    def call(x, weight, bias):
        return tconv.conv(x, weight, bias, **words)

    options = {"check_batched_grad": True, "fast_mode": True}
    assert gradcheck(call, given, check_forward_ad=True, **options)
    assert gradgradcheck(call, given, check_fwd_over_rev=True, **options)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_of_the_weight_gradient(dtype):
    """Conjugate-linear in x, linear in the gradient."""
    x = torch.randn(2, 4, 3, 2, dtype=dtype, requires_grad=True)
    grad = torch.randn(2, 2, 5, 4, dtype=dtype, requires_grad=True)

    def call(x, grad):
        return tconv.weight_gradient(x, grad, (3, 2), 2, ((1, 1), (0, 0)), groups=2)

    assert gradcheck(call, (x, grad), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(call, (x, grad), fast_mode=True)


@pytest.mark.parametrize("name", ["1d stride beyond the kernel", "2d unequal"])
def test_third_derivatives(name):
    """Against finite differences: PyTorch's own fail with an output padding."""
    layer = SMALL[name]
    assert layer.words["output_padding"]
    x, weight, _ = layer.tensors()

    def slope(x, weight):
        y = layer.ours(x, weight)
        (first,) = torch.autograd.grad((y**3).sum(), x, create_graph=True)
        return torch.autograd.grad((first**2).sum(), (x, weight), create_graph=True)

    assert gradcheck(slope, (x, weight), fast_mode=True)


@pytest.mark.parametrize("name", SAYABLE)
def test_tangents_are_pytorchs(name):
    """An operator without rules for forward mode gives tangents of zero, and says nothing."""
    layer = SAYABLE[name]
    x, weight, bias = (t.detach() for t in layer.tensors())
    tangents = [torch.randn_like(t) for t in (x, weight, bias)]
    for which in ((0,), (1,), (2,), (0, 1, 2)):
        with forward_ad.dual_level():
            given = [
                forward_ad.make_dual(t, tangent) if index in which else t
                for index, (t, tangent) in enumerate(zip((x, weight, bias), tangents, strict=True))
            ]
            made = forward_ad.unpack_dual(layer.ours(*given)).tangent
            expected = forward_ad.unpack_dual(layer.theirs(*given)).tangent
        assert expected.abs().max() > 0
        torch.testing.assert_close(made, expected)


def test_what_needs_no_gradient_gets_none():
    x, weight, bias = SMALL["2d"].tensors()
    y = SMALL["2d"].ours(x.detach(), weight, bias.detach())
    y.sum().backward()
    assert x.grad is None
    assert bias.grad is None
    assert weight.grad is not None
    with torch.no_grad():
        assert not SMALL["2d"].ours(x, weight, bias).requires_grad
    assert not SMALL["2d"].ours(x.detach(), weight.detach()).requires_grad


def test_a_tensor_changed_before_its_gradient_is_taken_is_an_error():
    x, weight, bias = SMALL["2d"].tensors()
    y = SMALL["2d"].ours(x, weight, bias)
    with torch.no_grad():
        weight.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_saved_tensors_go_through_hooks():
    """Checkpoints, and tensors that wait elsewhere for the way back, work by these."""
    x, weight, bias = SMALL["2d"].tensors()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        y = SMALL["2d"].ours(x, weight, bias)
    assert any(one is x for one in kept)
    expected = torch.autograd.grad(y.sum(), (x, weight, bias))
    made = torch.utils.checkpoint.checkpoint(SMALL["2d"].ours, x, weight, bias, use_reentrant=False)
    for one, other in zip(
        torch.autograd.grad(made.sum(), (x, weight, bias)), expected, strict=True
    ):
        torch.testing.assert_close(one, other)


def test_gradients_of_mixed_layouts():
    """A gradient comes in any strides: expanded, transposed, of channels last."""
    layer = SMALL["2d"]
    x, weight, bias = layer.tensors()
    expected = None
    grad = torch.randn_like(layer.ours(x, weight, bias))
    laid_out = (
        grad,
        grad.to(memory_format=torch.channels_last),
        grad.mT.contiguous().mT,
        grad.repeat_interleave(2, 0)[::2],
    )
    for one in laid_out:
        made = torch.autograd.grad(layer.ours(x, weight, bias), (x, weight, bias), one)
        expected = expected or made
        for each, other in zip(made, expected, strict=True):
            torch.testing.assert_close(each, other)
    made = torch.autograd.grad(layer.ours(x, weight, bias).sum(), (x, weight))
    known = torch.autograd.grad(layer.theirs(x, weight, bias).sum(), (x, weight))
    for each, other in zip(made, known, strict=True):
        torch.testing.assert_close(each, other)


def test_nan_in_an_input_meets_no_zero_of_the_padding():
    x = torch.ones(1, 1, 3, dtype=torch.float64)
    x[0, 0, 0] = torch.nan
    weight = torch.ones(1, 1, 3, dtype=torch.float64, requires_grad=True)
    tconv.conv_transpose(x, weight, stride=2, padding=1).sum().backward()
    assert weight.grad[0, 0, 0] == 2  # cropped where x[0] would meet it
    assert weight.grad[0, 0, 1:].isnan().all()
