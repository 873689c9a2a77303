"""Padding modes: the adjoint of PyTorch's convolution with that padding and mode."""

import itertools

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from tconv import nn

torch.set_num_threads(1)

MODES = ("circular", "reflect", "replicate")
LAYERS = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
WORDS = {
    "plain": {"kernel_size": 3, "padding": 1},
    "strided": {"kernel_size": 4, "stride": 2, "padding": 1},
    "with more at the end": {
        "kernel_size": 3, "stride": 3, "padding": 2, "output_padding": 1,
    },
    "dilated": {"kernel_size": 3, "stride": 2, "dilation": 2, "padding": 2, "output_padding": 1},
    "groups": {"kernel_size": 3, "stride": 2, "padding": 1, "groups": 2, "output_padding": 1},
    "no padding": {"kernel_size": 2, "stride": 3, "output_padding": 2},
}  # fmt: skip


def direct(y, weight, layer, pads, mode):
    """Compute PyTorch's convolution of y, padded before and after by copies of its cells."""
    sides = [n for pair in reversed(pads) for n in pair]
    y = F.pad(y, sides, mode=mode) if any(sides) else y
    return CONVOLUTIONS[layer.rank](y, weight, None, layer.stride, 0, layer.dilation, layer.groups)


def pairs(padding, rank):
    each = padding if isinstance(padding, tuple) else (padding,) * rank
    return [one if isinstance(one, tuple) else (one, one) for one in each]


def assert_adjoint(layer, x, pads, mode):
    y = layer(x)
    other = torch.randn_like(y)
    back = direct(other, layer.weight, layer, pads, mode)
    assert back.shape == x.shape
    torch.testing.assert_close((y * other).sum(), (x * back).sum())
    assert (y * other).abs().sum() > 0
    return y


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rank", LAYERS)
def test_the_layer_is_the_adjoint_of_the_convolution(rank, mode, name):
    torch.manual_seed(rank)
    words = WORDS[name]
    layer = LAYERS[rank](4, 2, bias=False, padding_mode=mode, dtype=torch.float64, **words)
    x = torch.randn(2, 4, *(5, 4, 3)[:rank], dtype=torch.float64)
    assert_adjoint(layer, x, pairs(words.get("padding", 0), rank), mode)
    torch.testing.assert_close(layer(x[0]), layer(x)[0])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rank", LAYERS)
def test_pairs_and_output_sizes(rank, mode):
    torch.manual_seed(rank)
    padding = ((0, 2), (2, 1), (1, 0))[:rank]
    layer = LAYERS[rank](
        2, 3, 4, 3, padding=padding, bias=False, padding_mode=mode, dtype=torch.float64
    )
    x = torch.randn(1, 2, *(5, 4, 3)[:rank], dtype=torch.float64)
    least = layer(x).shape[2:]
    for more in range(3):
        size = [n + more for n in least]
        y = layer(x, output_size=size)
        assert list(y.shape[2:]) == size
        other = torch.randn_like(y)
        back = direct(other, layer.weight, layer, padding, mode)
        torch.testing.assert_close((y * other).sum(), (x * back).sum())


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("mode", MODES)
def test_same(mode, kernel):
    """The convolution that is meant has stride s and pads so that I·s cells become I."""
    layer = nn.ConvTranspose2d(
        2, 3, kernel, 2, "same", bias=False, padding_mode=mode, dtype=torch.float64
    )
    x = torch.randn(1, 2, 5, 6, dtype=torch.float64)
    y = layer(x)
    assert y.shape[2:] == (10, 12)
    total = max(kernel - 2, 0)
    pads = [(total // 2, total - total // 2)] * 2
    other = torch.randn_like(y)
    back = direct(other, layer.weight, layer, pads, mode)[..., :5, :6]
    torch.testing.assert_close((y * other).sum(), (x * back).sum())


@pytest.mark.parametrize("mode", MODES)
def test_biases_gradients_and_layouts(mode):
    layer = nn.ConvTranspose2d(2, 3, 4, 2, 1, padding_mode=mode, dtype=torch.float64)
    x = torch.randn(1, 2, 3, 4, dtype=torch.float64, requires_grad=True)
    bare = nn.ConvTranspose2d(2, 3, 4, 2, 1, bias=False, padding_mode=mode, dtype=torch.float64)
    bare.weight = layer.weight
    torch.testing.assert_close(layer(x), bare(x) + layer.bias.reshape(-1, 1, 1))

    def call(x, weight, bias):
        parameters = {"weight": weight, "bias": bias}
        return torch.func.functional_call(layer, parameters, (x,))

    assert torch.autograd.gradcheck(call, (x, layer.weight, layer.bias), fast_mode=True)
    last = layer(x.detach().to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, layer(x.detach()))


def test_sums_are_kept():
    """Each cell of the whole output is added to one cell; nothing is dropped."""
    for mode, rank in itertools.product(MODES, LAYERS):
        layer = LAYERS[rank](2, 3, 3, 2, 1, bias=False, padding_mode=mode, dtype=torch.float64)
        x = torch.randn(1, 2, *(5, 4, 3)[:rank], dtype=torch.float64)
        whole = LAYERS[rank](2, 3, 3, 2, bias=False, dtype=torch.float64)
        whole.weight = layer.weight
        torch.testing.assert_close(layer(x).sum(), whole(x).sum())


@pytest.mark.parametrize("mode", MODES)
def test_what_cannot_be_a_copy_is_refused(mode):
    layer = nn.ConvTranspose1d(1, 1, 9, padding=5, padding_mode=mode)
    x = torch.ones(1, 1, 3)
    if mode == "replicate":
        assert layer(x).shape == (1, 1, 1)
    else:
        most = 1 if mode == "circular" else 0
        with pytest.raises(ValueError, match=f"{mode}' copies at most {most} cells of 1"):
            layer(x)
    with pytest.raises(ValueError, match="padding must not be negative"):
        nn.ConvTranspose1d(1, 1, 3, padding=((-1, 0),), padding_mode=mode)(x)


def test_a_mode_without_padding_changes_nothing():
    x = torch.randn(1, 2, 4, 5)
    plain = nn.ConvTranspose2d(2, 3, 3, 2, bias=False)
    for mode in MODES:
        layer = nn.ConvTranspose2d(2, 3, 3, 2, bias=False, padding_mode=mode)
        layer.weight = plain.weight
        assert torch.equal(layer(x), plain(x))
        assert f"padding_mode={mode}" in repr(layer)
