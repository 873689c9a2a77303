"""What may stand in a transposed convolution's place: what each is made of, and its output size."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from strategies import padded_case
from tconv import nn

torch.set_num_threads(1)

RANKS = (1, 2, 3)
SIZES = {1: (6,), 2: (6, 5), 3: (5, 4, 6)}
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
LAST = {2: torch.channels_last, 3: torch.channels_last_3d}


def kind(name, rank):
    return getattr(nn, f"{name}{rank}d")


def image(rank, channels=4, batch=2):
    random = torch.Generator().manual_seed(rank)
    return torch.randn(batch, channels, *SIZES[rank], generator=random, dtype=torch.float64)


def smoothed(y, stride, order):
    """Filter each channel by boxes of s cells and sum 1, to every cell that they reach."""
    for axis, s in enumerate(stride, 2):
        for _ in range(order + 1):
            moved = y.movedim(axis, -1)
            rows = moved.reshape(-1, 1, moved.shape[-1])
            rows = F.conv1d(rows, y.new_full((1, 1, s), 1 / s), padding=s - 1)
            y = rows.reshape(*moved.shape[:-1], -1).movedim(-1, axis)
    return y


SMOOTH = [
    {"kernel_size": 4, "stride": 2, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1, "groups": 2},
    {"kernel_size": 2, "stride": 3, "padding": "same"},
    {"kernel_size": 3, "stride": 2, "dilation": 3, "padding": 2, "bias": False},
    {"kernel_size": 1, "stride": 2, "padding": [(0, 1)]},
]


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("words", SMOOTH, ids=str)
@pytest.mark.parametrize("rank", RANKS)
def test_fixed_smooth_is_a_layer_and_a_filter(rank, words, order):
    if isinstance(words["padding"], list):
        words = {**words, "padding": words["padding"] * rank}
    layer = kind("FixedSmooth", rank)(4, 2, order=order, dtype=torch.float64, **words)
    x = image(rank)
    made = layer(x)
    place = layer.stride, 0, 0, layer.groups, layer.dilation
    whole = smoothed(TRANSPOSED[rank](x, layer.weight, None, *place), layer.stride, order)
    made_size, starts = layer._layer(None).placed(SIZES[rank])
    for axis, (n, start, s) in enumerate(zip(made_size, starts, layer.stride, strict=True), 2):
        first = start + (order + 1) * (s - 1) // 2
        zeros = torch.zeros_like(whole.narrow(axis, 0, 1))
        whole = torch.cat([whole, *[zeros] * (first + n)], axis).narrow(axis, first, n)
    bias = 0 if layer.bias is None else layer.bias.reshape(-1, *(1,) * rank)
    torch.testing.assert_close(made, whole + bias)
    torch.testing.assert_close(layer(x[0]), made[0])


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), [(3, 2, 1), (4, 3, 1), (2, 3, 1), (3, 4, 2), (3, 2, 2)]
)
@pytest.mark.parametrize("rank", RANKS)
def test_fixed_smooth_paints_no_checkerboard(rank, kernel, stride, dilation):
    """A constant comes out constant, whatever the weights; without the filter it does not."""
    layer, bare = (
        kind(name, rank)(2, 3, kernel, stride, dilation=dilation, dtype=torch.float64)
        for name in ("FixedSmooth", "ConvTranspose")
    )
    bare.load_state_dict(layer.state_dict())
    edge = dilation * (kernel - 1) + stride
    inner = (..., *(slice(edge, -edge),) * rank)
    x = torch.ones(1, 2, *(12,) * rank, dtype=torch.float64)
    y, other = layer(x)[inner], bare(x)[inner]
    flat = y.flatten(2)
    torch.testing.assert_close(flat, flat[..., :1].expand_as(flat))
    assert y.numel()
    assert other.flatten(2).std(2).min() > 1e-3


def test_fixed_smooth_has_the_states_of_a_layer():
    layer = nn.FixedSmooth2d(4, 6, 3, 2, order=1)
    other = torch.nn.ConvTranspose2d(4, 6, 3, 2)
    layer.load_state_dict(other.state_dict())
    assert repr(layer) == "FixedSmooth2d(4, 6, kernel_size=(3, 3), stride=(2, 2), order=1)"
    x = torch.randn(1, 4, 5, 6)
    assert layer(x, output_size=(12, 14)).shape == (1, 6, 12, 14)
    for words, said in (({"padding_mode": "circular"}, "padding_mode must be 'zeros'"),
                        ({"order": -1}, "order must be at least 0")):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            nn.FixedSmooth2d(4, 6, 3, **words)


@pytest.mark.parametrize("mode", ["nearest", "linear", "bicubic"])
@pytest.mark.parametrize(
    "words",
    [
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 4, "stride": (2, 3, 1), "padding": 1, "groups": 2},
        {"kernel_size": 3, "stride": 3, "dilation": 2, "padding": "same", "bias": False},
        {"kernel_size": 2, "stride": 4, "output_padding": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("rank", RANKS)
def test_resize_conv_is_a_resize_and_a_convolution(rank, words, mode):
    words = {n: v[:rank] if isinstance(v, tuple) else v for n, v in words.items()}
    make = kind("ResizeConv", rank)
    if mode == "bicubic" and rank != 2:
        with pytest.raises(ValueError, match="mode 'bicubic' is not one of 'nearest', '"):
            make(4, 2, mode=mode, **words)
        return
    layer = make(4, 2, mode=mode, dtype=torch.float64, **words)
    x = image(rank)
    full = LINEAR[rank] if mode == "linear" else mode
    corners = None if mode == "nearest" else False
    scale = [float(s) for s in layer.stride]
    large = F.interpolate(x, scale_factor=scale, mode=full, align_corners=corners)
    conv = layer.conv
    expected = CONV[rank](
        F.pad(large, layer.pads), conv.weight, conv.bias, 1, 0, conv.dilation, conv.groups
    )
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(layer(x[0]), expected[0])
    other = kind("ConvTranspose", rank)(4, 2, dtype=torch.float64, **words)
    assert layer(x).shape == other(x).shape


def test_resize_conv_is_centred():
    """Equal pads where they can be: an image that is symmetric stays so under an even kernel."""
    layer = nn.ResizeConv1d(1, 1, 3, 2, padding="same", bias=False, dtype=torch.float64)
    with torch.no_grad():
        layer.conv.weight.copy_(torch.tensor([[[1.0, 2, 1]]]))
    x = torch.tensor([[[1.0, 5, 2, 5, 1]]], dtype=torch.float64)
    torch.testing.assert_close(layer(x), layer(x).flip(-1))


@pytest.mark.parametrize("rank", RANKS)
def test_sub_pixel_conv_is_a_convolution_whose_channels_are_phases(rank):
    stride = (2, 3, 2)[:rank]
    for words in ({}, {"groups": 2}, {"bias": False, "dilation": 2}):
        layer = kind("SubPixelConv", rank)(
            4, 6, 3, stride, padding="same", dtype=torch.float64, **words
        )
        torch.nn.init.normal_(layer.conv.weight)
        x = image(rank)
        made = layer(x)
        conv = layer.conv
        y = CONV[rank](x, conv.weight, conv.bias, 1, "same", conv.dilation, conv.groups)
        phases = itertools.product(*map(range, stride))
        for index, phase in enumerate(phases):
            cells = (..., *(slice(p, None, s) for p, s in zip(phase, stride, strict=True)))
            torch.testing.assert_close(made[cells], y[:, index :: len(y[0]) // 6])
        torch.testing.assert_close(layer(x[0]), made[0])
        assert made.shape == (2, 6, *(i * s for i, s in zip(SIZES[rank], stride, strict=True)))


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_sub_pixel_conv_equals_pixel_shuffle(kernel):
    layer = nn.SubPixelConv2d(4, 6, kernel, 2, padding="same").double()
    x = image(2)
    y = F.conv2d(F.pad(x, layer.pads), layer.conv.weight, layer.conv.bias)
    torch.testing.assert_close(layer(x), torch.nn.PixelShuffle(2)(y))


def test_sub_pixel_conv_begins_without_a_checkerboard():
    layer = nn.SubPixelConv2d(4, 6, 3, 2, padding="same")
    y = layer(torch.randn(1, 4, 5, 5))
    assert torch.equal(y, F.interpolate(y[..., ::2, ::2], scale_factor=2))
    layer.conv.reset_parameters()
    layer.reset_parameters()
    y = layer(torch.randn(1, 4, 5, 5))
    assert torch.equal(y, F.interpolate(y[..., ::2, ::2], scale_factor=2))
    with pytest.raises(ValueError, match=r"gives I·s outputs .* these parameters I·s\+1; padding="):
        nn.SubPixelConv2d(4, 6, 3, 2)


def test_output_sizes_are_those_of_conv_transpose():
    """Over random parameters; a sub-pixel convolution says where it cannot."""
    random = np.random.default_rng(0)
    met = 0
    for index in range(120):
        case = padded_case(random, 1 + index % 3)
        rank = case.geometry.rank
        words = {**case.words, "groups": case.groups}
        channels = [case.groups * n for n in case.channels]
        x = torch.randn(1, channels[0], *case.input_size)
        size = case.geometry.output_size
        for name in ("ResizeConv", "FixedSmooth"):
            layer = kind(name, rank)(*channels, case.kernel_size, **words)
            assert layer(x).shape[2:] == size
        axes = zip(case.geometry.input_size, case.geometry.stride, size, strict=True)
        make = kind("SubPixelConv", rank)
        if all(o == i * s for i, s, o in axes):
            assert make(*channels, case.kernel_size, **words)(x).shape[2:] == size
            met += 1
        else:
            with pytest.raises(ValueError, match="padding='same' gives I·s"):
                make(*channels, case.kernel_size, **words)
    assert met >= 3


MAKES = {
    name: lambda rank, name=name, **words: kind(name, rank)(4, 6, 4, 2, 1, **words)
    for name in ("ConvTranspose", "FixedSmooth", "ResizeConv", "SubPixelConv")
}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("name", MAKES)
def test_every_layer_copies_trains_and_keeps_its_layout(name, rank):
    torch.manual_seed(0)
    layer = MAKES[name](rank)
    x = image(rank).float()
    expected = layer(x)
    assert expected.shape == (2, 6, *(2 * n for n in SIZES[rank]))
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(other) == repr(layer)
        assert torch.equal(other(x), expected)
    assert f"stride={layer.stride}" in repr(layer)
    before = [p.detach().clone() for p in layer.parameters()]
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = (layer(x) - 1).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    for old, new in zip(before, layer.parameters(), strict=True):
        assert not torch.equal(old, new)
    if rank > 1:
        plain = layer(x)
        assert plain.is_contiguous()
        made = layer(x.to(memory_format=LAST[rank]))
        assert made.is_contiguous(memory_format=LAST[rank])
        torch.testing.assert_close(made, plain)


@pytest.mark.parametrize("name", MAKES)
def test_every_layer_takes_a_device_and_a_dtype(name):
    layer = MAKES[name](2, device="meta", dtype=torch.float64)
    x = torch.empty(2, 4, 5, 7, dtype=torch.float64, device="meta")
    assert layer(x).shape == (2, 6, 10, 14)
    assert {p.dtype for p in layer.parameters()} == {torch.float64}
    assert not list(MAKES[name](2, bias=False).named_buffers())
    assert len(list(MAKES[name](2, bias=False).parameters())) == 1
