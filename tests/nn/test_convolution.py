"""ConvTranspose layers in the place of PyTorch's: parameters, states, sizes, copies."""

import copy
import io
import pickle

import pytest
import torch

import tconv
from tconv import nn

torch.set_num_threads(1)

RANKS = (1, 2, 3)
SIZES = {1: (5,), 2: (5, 4), 3: (4, 5, 3)}
WORDS = {
    "plain": {"kernel_size": 3},
    "strided": {"kernel_size": 4, "stride": 2, "padding": 1},
    "groups": {"kernel_size": 3, "stride": 2, "groups": 2, "output_padding": 1},
    "dilated": {"kernel_size": 2, "dilation": 3, "bias": False},
}


def kinds(rank, lazy=False):
    name = f"{'Lazy' * lazy}ConvTranspose{rank}d"
    return getattr(nn, name), getattr(torch.nn, name)


def pair(rank, channels=(4, 6), **words):
    """Return a layer of ours and one of PyTorch's, made after the same seed."""
    made = []
    for kind in kinds(rank):
        torch.manual_seed(rank)
        made.append(kind(*channels, **words))
    return made


def image(rank, channels=4, batch=2):
    random = torch.Generator().manual_seed(rank)
    return torch.randn(batch, channels, *SIZES[rank], generator=random)


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("rank", RANKS)
def test_weights_are_drawn_as_pytorch_draws_them(rank, name):
    ours, theirs = pair(rank, **WORDS[name])
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for key, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[key], value)
    ours.reset_parameters()
    assert not torch.equal(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.weight.std(), theirs.weight.std(), rtol=0.3, atol=0)


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("rank", RANKS)
def test_a_layer_is_one_of_pytorchs(rank, name):
    ours, theirs = pair(rank, **WORDS[name])
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    for word in ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation",
                 "output_padding", "groups", "padding_mode", "transposed", "training"):  # fmt: skip
        assert getattr(ours, word) == getattr(theirs, word), word
    x = image(rank)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours(x[0]), theirs(x[0]))


@pytest.mark.parametrize("rank", RANKS)
def test_states_are_loaded_both_ways(rank):
    ours, theirs = pair(rank, kernel_size=3, stride=2)
    ours.reset_parameters()
    assert not torch.equal(ours.weight, theirs.weight)
    theirs.load_state_dict(ours.state_dict(), strict=True)
    x = image(rank)
    torch.testing.assert_close(theirs(x), ours(x))
    theirs.reset_parameters()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    torch.testing.assert_close(ours(x), theirs(x))
    for layer in (ours, theirs):
        with pytest.raises(RuntimeError, match="Unexpected key"):
            layer.load_state_dict({**ours.state_dict(), "more": torch.ones(1)})


@pytest.mark.parametrize("rank", RANKS)
def test_output_sizes(rank):
    ours, theirs = pair(rank, kernel_size=3, stride=3, padding=1)
    x = image(rank)
    least = [3 * n - 2 for n in SIZES[rank]]
    for more in range(3):
        size = [n + more for n in least]
        expected = theirs(x, output_size=size)
        for spelled in (size, tuple(size), torch.Size(size), [2, 6, *size]):
            torch.testing.assert_close(ours(x, output_size=spelled), expected)
        torch.testing.assert_close(ours(x[0], [6, *size]), expected[0])
    with pytest.raises(ValueError, match="out of reach: stride 3 gives"):
        ours(x, output_size=[n + 3 for n in least])


def test_an_output_size_stands_for_the_output_padding():
    """As with PyTorch, whose layer forgets its own where a call says the size."""
    ours, theirs = pair(2, kernel_size=3, stride=3, output_padding=2)
    x = image(2)
    for more in range(3):
        size = [15 + more, 12 + more]
        torch.testing.assert_close(ours(x, size), theirs(x, size))
    square = torch.randn(1, 4, 5, 5)
    assert ours(square, output_size=16).shape == (1, 6, 16, 16)


SAID = {
    "same": ({"padding": "same"}, lambda i, k, s: i * s),
    "half": ({"padding": "half"}, lambda i, k, s: (i - 1) * s + 1),
    "full": ({"padding": "full"}, lambda i, k, s: (i - 1) * s + 2 - k),
    "valid": ({"padding": "valid"}, lambda i, k, s: (i - 1) * s + k),
    "pairs": ({"padding": 1}, lambda i, k, s: (i - 1) * s + k - 2),
}


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("rank", RANKS)
def test_paddings_beyond_pytorchs(rank, name):
    """Their layer is the whole output, cut."""
    words, size = SAID[name]
    if name == "pairs":
        words = {"padding": [(0, 2), (2, 0), (3, -1)][:rank]}
    layer = kinds(rank)[0](4, 6, 5, 2, **words)
    x = image(rank)
    y = layer(x)
    assert y.shape == (2, 6, *(size(i, 5, 2) for i in SIZES[rank]))
    geometry = tconv.Geometry.of(SIZES[rank], (5,) * rank, 2, **words)
    whole = getattr(torch.nn.functional, f"conv_transpose{rank}d")(x, layer.weight, stride=2)
    sides = [-n for crop in reversed(geometry.crop) for n in crop]
    bias = layer.bias.reshape(-1, *(1,) * rank)
    torch.testing.assert_close(y, torch.nn.functional.pad(whole, sides) + bias)
    assert str(layer.padding) in repr(layer) or name == "valid"


def test_a_symmetric_padding_is_spelled_as_pytorch_does():
    assert nn.ConvTranspose2d(1, 1, 3, padding=((1, 1), (2, 2))).padding == (1, 2)
    assert nn.ConvTranspose2d(1, 1, 3, padding=((1, 1), (2, 1))).padding == ((1, 1), (2, 1))
    assert "padding=((1, 1), (2, 1))" in repr(nn.ConvTranspose2d(1, 1, 3, padding=[1, (2, 1)]))


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
@pytest.mark.parametrize("rank", RANKS)
def test_lazy_layers(rank):
    x = image(rank)
    for words in ({"stride": 2, "padding": "same"}, {"groups": 2, "bias": False}):
        layer = kinds(rank, lazy=True)[0](6, 3, **words)
        assert type(layer).__name__ == f"LazyConvTranspose{rank}d"
        assert layer.has_uninitialized_params()
        torch.manual_seed(5)
        made = layer(x)
        torch.manual_seed(5)
        other = kinds(rank)[0](4, 6, 3, **words)
        assert type(layer) is type(other)
        assert repr(layer) == repr(other)
        torch.testing.assert_close(made, other(x))
        assert layer.state_dict().keys() == other.state_dict().keys()
    fresh = kinds(rank, lazy=True)[0](6, 3, stride=2)
    known = kinds(rank)[0](4, 6, 3, stride=2)
    fresh.load_state_dict(known.state_dict())
    torch.testing.assert_close(fresh(x), known(x))
    alone = kinds(rank, lazy=True)[0](6, 3, stride=3)
    size = [3 * n + 2 for n in SIZES[rank]]
    assert alone(x[0], output_size=size).shape == (6, *size)


@pytest.mark.parametrize("name", ["strided", "groups"])
@pytest.mark.parametrize("rank", RANKS)
def test_copies(rank, name):
    layer, _ = pair(rank, **WORDS[name])
    layer = layer.eval()
    x, stream = image(rank), io.BytesIO()
    expected = layer(x)
    torch.save(layer, stream)
    stream.seek(0)
    others = (
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        torch.load(stream, weights_only=False),
        type(layer)(4, 6, **WORDS[name]),
    )
    others[-1].load_state_dict(layer.state_dict())
    for other in others:
        assert type(other) is type(layer)
        assert repr(other) == repr(layer)
        assert torch.equal(other(x), expected)
    with torch.no_grad():
        others[0].weight.zero_()
    assert torch.equal(layer(x), expected)


@pytest.mark.parametrize("rank", [2, 3])
def test_channels_last_come_out_as_they_went_in(rank):
    layout = {2: torch.channels_last, 3: torch.channels_last_3d}[rank]
    layer, theirs = pair(rank, kernel_size=3, stride=2)
    x = image(rank)
    expected = theirs(x)
    for images, weights in ((True, False), (False, True), (True, True)):
        layer = layer.to(memory_format=layout if weights else torch.contiguous_format)
        made = layer(x.to(memory_format=layout) if images else x)
        assert made.is_contiguous(memory_format=layout)
        torch.testing.assert_close(made, expected)
        with torch.no_grad():
            for _ in range(3):
                made = layer(x.to(memory_format=layout) if images else x)
        assert made.is_contiguous(memory_format=layout)
        torch.testing.assert_close(made, expected)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.complex64], ids=str)
def test_dtypes(dtype):
    ours, theirs = pair(2, kernel_size=3, stride=2, dtype=dtype)
    x = image(2).to(dtype)
    assert ours.weight.dtype == ours(x).dtype == dtype
    torch.testing.assert_close(ours(x), theirs(x), rtol=2e-2, atol=2e-2)


def test_the_meta_device():
    layer = nn.ConvTranspose2d(4, 6, 3, 2, "same", device="meta")
    assert layer(torch.empty(2, 4, 5, 7, device="meta")).shape == (2, 6, 10, 14)
    layer = layer.to_empty(device="cpu")
    layer.reset_parameters()
    assert layer(torch.ones(1, 4, 5, 7)).isfinite().all()


@pytest.mark.parametrize("rank", RANKS)
def test_functions_by_which_pytorch_changes_layers(rank):
    """Hooks, parametrizations, freezing, and a move to another dtype work as on its own."""
    ours, theirs = pair(rank, kernel_size=3, stride=2)
    x = image(rank)
    seen = []
    ours.register_forward_hook(lambda module, given, y: seen.append(y.shape))
    for layer in (ours, theirs):
        torch.nn.utils.parametrizations.weight_norm(layer, dim=1)
        layer.parametrizations.weight.original0.data.mul_(2)
    torch.testing.assert_close(ours(x), theirs(x))
    assert len(seen) == 1
    ours.requires_grad_(False)
    assert not ours(x).requires_grad
    assert ours.double()(x.double()).dtype == torch.float64


def test_empty_batches():
    layer = nn.ConvTranspose2d(4, 6, 3, 2)
    y = layer(torch.ones(0, 4, 5, 5).requires_grad_())
    assert y.shape == (0, 6, 11, 11)
    y.sum().backward()
    assert layer.weight.grad.abs().max() == 0
    assert layer.bias.grad.abs().max() == 0
