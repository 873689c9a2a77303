"""Initial weights: fans are counted products, and variances what they promise."""

import itertools
from math import prod, sqrt

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from tconv import Geometry, nn
from tconv.nn import init

torch.set_num_threads(1)

LAYERS = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
THEIRS = {1: torch.nn.ConvTranspose1d, 2: torch.nn.ConvTranspose2d, 3: torch.nn.ConvTranspose3d}
AXES = [
    (k, s, d) for k, s, d in itertools.product((1, 2, 3, 4, 5), (1, 2, 3, 4, 6), (1, 2, 3, 4))
]  # fmt: skip


def counted(layer):
    """Count the taps of every phase that has any, and the cells of a stamp."""
    geometry = Geometry.of(
        (9,) * len(layer.stride), layer.kernel_size, layer.stride, dilation=layer.dilation
    )
    phases = itertools.product(*map(range, layer.stride))
    taps = [prod(map(len, geometry.taps(phase))) for phase in phases]
    taps = [n for n in taps if n]
    inputs, outputs = (c // layer.groups for c in (layer.in_channels, layer.out_channels))
    return inputs * sum(taps) / len(taps), outputs * prod(layer.kernel_size)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_fans_along_one_axis(axis, groups):
    kernel, stride, dilation = axis
    for kinds in (LAYERS, THEIRS):
        layer = kinds[1](4, 6, kernel, stride, dilation=dilation, groups=groups)
        assert init.fans(layer) == pytest.approx(counted(layer))


@pytest.mark.parametrize("rank", [2, 3])
def test_fans_along_several_axes(rank):
    for first in AXES[::7]:
        kernel, stride, dilation = zip(*(first, (3, 2, 1), (2, 3, 2))[:rank], strict=True)
        layer = LAYERS[rank](4, 6, kernel, stride, dilation=dilation, groups=2)
        assert init.fans(layer) == pytest.approx(counted(layer))


def test_fans_are_the_overlap_of_outputs_in_the_middle():
    geometry = Geometry.of((9, 9), (4, 5), (2, 3), padding=((4, 4), (6, 6)))
    layer = nn.ConvTranspose2d(3, 2, (4, 5), (2, 3))
    middle = [counts[3 : 3 + s * 3] for counts, s in zip(geometry.overlap(), (2, 3), strict=True)]
    mean = prod(sum(counts) / len(counts) for counts in middle)
    assert init.fans(layer)[0] == pytest.approx(3 * mean)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "groups"),
    [(4, 2, 1, 1), (3, 2, 1, 1), (2, 3, 1, 1), (3, 1, 2, 1), (4, 2, 1, 4), (3, 2, 2, 1)],
)
def test_kaiming_keeps_the_variance_of_what_is_rectified(kernel, stride, dilation, groups):
    """Over the outputs that anything reaches; a count over the whole kernel would not."""
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(
        256, 128, kernel, stride, dilation=dilation, groups=groups, bias=False
    )
    x = torch.randn(4, 256, 12, 12).relu()
    edge = (kernel - 1) * dilation
    for fill in (init.kaiming_normal_, init.kaiming_uniform_):
        fill(layer, nonlinearity="relu")
        y = layer(x)[..., edge : -edge or None, edge : -edge or None]
        reached = y.detach()[:, :, *(y[0, 0].detach() != 0).nonzero().T]
        assert reached.square().mean().sqrt().item() == pytest.approx(1, rel=0.06)
    torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    others = layer(x)[..., edge : -edge or None, edge : -edge or None]
    if groups == 1:
        assert others.square().mean().sqrt().item() != pytest.approx(1, rel=0.2)


def test_kaiming_backwards_keeps_the_variance_of_gradients():
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(64, 256, 4, 2, bias=False)
    init.kaiming_normal_(layer, mode="fan_out", nonlinearity="linear")
    x = torch.randn(2, 64, 12, 12, requires_grad=True)
    y = layer(x)
    (grad,) = torch.autograd.grad(y, x, torch.randn_like(y))
    assert grad.std().item() == pytest.approx(1, rel=0.05)


def test_bounds_and_deviations():
    layer = nn.ConvTranspose2d(32, 48, (4, 3), (2, 1), groups=4)
    fan_in, fan_out = init.fans(layer)
    assert (fan_in, fan_out) == (8 * 2 * 3, 12 * 12)
    for fill, bound in (
        (lambda: init.kaiming_uniform_(layer, a=sqrt(5)), sqrt(1 / fan_in)),
        (lambda: init.kaiming_uniform_(layer, mode="fan_out"), sqrt(6 / fan_out)),
        (lambda: init.xavier_uniform_(layer, gain=2), 2 * sqrt(6 / (fan_in + fan_out))),
    ):
        bias = layer.bias.detach().clone()
        weight = fill()
        assert weight.data_ptr() == layer.weight.data_ptr()
        assert layer.weight.requires_grad
        assert 0.98 * bound < weight.abs().max() <= bound
        assert weight.std().item() == pytest.approx(bound / sqrt(3), rel=0.05)
        assert torch.equal(layer.bias, bias)
    for fill, deviation in (
        (lambda: init.kaiming_normal_(layer, nonlinearity="tanh"), 5 / 3 / sqrt(fan_in)),
        (lambda: init.xavier_normal_(layer), sqrt(2 / (fan_in + fan_out))),
    ):
        assert fill().std().item() == pytest.approx(deviation, rel=0.05)


def test_generators():
    layer, other = (nn.ConvTranspose1d(2, 3, 4) for _ in range(2))
    for fill in (init.kaiming_uniform_, init.kaiming_normal_, init.xavier_uniform_,
                 init.xavier_normal_):  # fmt: skip
        state = torch.get_rng_state()
        one = fill(layer, generator=torch.Generator().manual_seed(3))
        assert torch.equal(one, fill(other, generator=torch.Generator().manual_seed(3)))
        assert torch.equal(torch.get_rng_state(), state)


def test_what_is_refused():
    with pytest.raises(TypeError, match="fans are those of a ConvTranspose layer, got Conv2d"):
        init.fans(torch.nn.Conv2d(2, 3, 4))
    with pytest.raises(ValueError, match="mode must be 'fan_in' or 'fan_out', got 'fan'"):
        init.kaiming_normal_(nn.ConvTranspose1d(2, 3, 4), mode="fan")
    with pytest.raises(ValueError, match="9 output channels are not 4 phases of each channel"):
        init.icnr_(torch.empty(9, 1, 3, 3), 4)
    for words, said in (
        ({"kernel_size": 3, "stride": 2}, "needs kernel_size .4,."),
        ({"kernel_size": 4, "stride": 2, "dilation": 2}, "no dilation"),
    ):
        with pytest.raises(ValueError, match=said):
            init.bilinear_(nn.ConvTranspose1d(2, 2, **words))
    with pytest.raises(ValueError, match="2 -> 3"):
        init.bilinear_(nn.ConvTranspose1d(2, 3, 4, 2))


@pytest.mark.parametrize("r", [2, 3])
def test_icnr_begins_as_a_nearest_neighbour_resize(r):
    conv = torch.nn.Conv2d(3, 4 * r * r, 3, padding=1, bias=False)
    before = conv.weight.data_ptr()
    init.icnr_(conv.weight, r * r)
    assert conv.weight.data_ptr() == before
    y = torch.nn.PixelShuffle(r)(conv(torch.randn(2, 3, 5, 4)))
    nearest = F.interpolate(y[..., ::r, ::r], scale_factor=r, mode="nearest")
    assert torch.equal(y, nearest)
    assert y[:, 0].std() > 0
    assert not torch.equal(y[:, 0], y[:, 1])
    init.icnr_(conv.weight, r * r, initializer=torch.nn.init.ones_)
    assert bool((conv.weight == 1).all())


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rank", LAYERS)
def test_bilinear_interpolates(rank, stride, groups):
    """In the interior as F.interpolate; at the edges it reads zeros."""
    strides = (stride, 2, 3)[:rank]
    kernel = tuple(2 * s - s % 2 for s in strides)
    layer = LAYERS[rank](3, 3, kernel, strides, "same", groups=groups, bias=False).double()
    made = init.bilinear_(layer)
    assert made.data_ptr() == layer.weight.data_ptr()
    x = torch.randn(1, 3, *(6, 5, 7)[:rank], dtype=torch.float64)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[rank]
    expected = F.interpolate(
        x, scale_factor=tuple(map(float, strides)), mode=mode, align_corners=False
    )
    inner = (..., *(slice(s, -s) for s in strides))
    torch.testing.assert_close(layer(x)[inner], expected[inner])
