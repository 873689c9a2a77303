"""What is refused of tensors: one sentence, with shapes and, where one is known, a next step."""

import re

import numpy as np
import pytest
import torch

import tconv
from arrays.torch_layers import DIRECT, TRANSPOSED
from strategies import cropped_case
from tconv import nn

torch.set_num_threads(1)

X, W = torch.ones(1, 3, 8), torch.ones(3, 5, 4)
OUT = torch.ones(1, 5, 11)
HUGE = 2**40


def refusal(call, *given, error=ValueError, **words):
    """Return the sentence a call is refused with, of just this class."""
    with pytest.raises(error) as refused:
        call(*given, **words)
    assert type(refused.value) is error
    assert refused.value.__suppress_context__
    said = str(refused.value)
    assert "\n" not in said
    assert re.search(r" \((x|weight|grad_output): .+\)$", said), said
    assert "torch.Size" not in said
    assert "np." not in said.partition(" (x: ")[0]
    return said


NO_DTYPE = "{} has dtype torch.%s, which no convolution takes; convert it, e.g. {}.%s"
NESTED = "{} is a nested tensor; pass its parts one by one, or {}.to_padded_tensor(0)"
STORED = "{} is stored as torch.%s; pass {}.to_dense()"
NO_TENSOR = "{} must be a tensor as the others are, got %s; convert it: torch.as_tensor({})"


def of_other_kinds():
    for layout in (torch.strided, torch.jagged):
        yield torch.nested.nested_tensor([X[0], X[0]], layout=layout), NESTED
    yield X.bool(), NO_DTYPE % ("bool", "float()")
    yield X.to(torch.complex32), NO_DTYPE % ("complex32", "to(torch.complex64)")
    yield X.to(torch.float8_e4m3fn), NO_DTYPE % ("float8_e4m3fn", "float()")
    yield X.to(torch.uint16), NO_DTYPE % ("uint16", "long()")
    yield X.to_sparse(), STORED % "sparse_coo"
    yield X[0].to_sparse_csr(), STORED % "sparse_csr"
    yield X.to_mkldnn(), STORED % "_mkldnn"
    quantized = torch.quantize_per_tensor(X, 0.1, 0, torch.quint8)
    yield quantized, "{} is quantized; pass {}.dequantize()"
    yield X.numpy(), NO_TENSOR % "ndarray"
    yield X.tolist(), NO_TENSOR % "list"
    yield 1.0, NO_TENSOR % "float"


@pytest.mark.filterwarnings("ignore:.*nested tensors.*:UserWarning")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested")
@pytest.mark.filterwarnings("ignore:ComplexHalf support")
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")
@pytest.mark.filterwarnings("ignore:.*torch.ao.quantization.*:DeprecationWarning")
def test_tensors_of_other_kinds():
    for value, sentence in of_other_kinds():
        said = refusal(tconv.conv_transpose, value, W, error=TypeError)
        assert said.startswith(f"conv_transpose: {sentence.format('x', 'x')} (x: ")
        said = refusal(tconv.conv_transpose, X, value, error=TypeError)
        assert said.startswith(f"conv_transpose: {sentence.format('weight', 'weight')} (x: ")
        said = refusal(tconv.conv_transpose, X, W, value, error=TypeError)
        assert said.startswith(f"conv_transpose: {sentence.format('bias', 'bias')} (x: ")
        said = refusal(tconv.conv, X, value, error=TypeError)
        assert said.startswith(f"conv: {sentence.format('weight', 'weight')} (x: ")
        said = refusal(tconv.weight_gradient, X, value, 4, error=TypeError)
        assert said.startswith(f"weight_gradient: {sentence.format('grad_output', 'grad_output')}")


@pytest.mark.parametrize("name", ["x", "weight"])
def test_nothing_for_a_tensor(name):
    given = {"x": X, "weight": W} | {name: None}
    said = refusal(tconv.conv_transpose, **given, error=TypeError)
    assert said.startswith(
        f"conv_transpose: {name} must be a tensor as the others are, got NoneType ("
    )


@pytest.mark.parametrize(
    ("given", "words", "sentence"),
    [
        ((torch.ones(1, 8, 3), W), {}, "weight has 3 input channels but x has 8; "
         "if x has its channels last, pass x.movedim(-1, 1)"),
        ((torch.ones(1, 5, 8), W), {}, "weight has 3 input channels but x has 5; "
         "if weight is laid out as a convolution's, (C_out, C_in/groups, *K), "
         "pass weight.swapaxes(0, 1)"),
        ((torch.ones(1, 4, 8), W), {}, "weight has 3 input channels but x has 4; if weight is laid "
         "out (*K, C_out/groups, C_in), pass weight.permute(2, 1, 0)"),
        ((torch.ones(5, 8), torch.ones(1, 2, 3)), {}, "weight has 1 input channel but x has 5; "
         "if x has no axis of channels, pass x[:, None]"),
        ((torch.ones(8), torch.ones(1, 2, 3)), {}, "x must have 3 axes (batch, channels and 1 "
         "spatial) or 2 (no batch) to match the weight, got 1; "
         "if it is one image of one channel, pass x[None]"),
        ((X, torch.ones(3, 5)), {}, "weight must be (C_in, C_out/groups, *kernel) with at least "
         "one kernel axis, got 2 axes; a bare kernel is weight[None, None]"),
        ((X, torch.ones(3, 5, 0)), {}, "kernel size 0 has an empty axis"),
        ((torch.ones(1, 3, 0), W), {}, "x has an empty spatial axis"),
        ((torch.ones(1, 0, 8), torch.ones(0, 5, 4)), {}, "weight has zero channels; "
         "at least one in and one out are needed"),
        ((X, W, torch.ones(4)), {}, "bias must have one entry for each of 5 output channels, "
         "got shape (4,)"),
        ((X, W, torch.ones(5, 1)), {}, "bias must have one entry for each of 5 output channels, "
         "got shape (5, 1); pass bias.flatten()"),
        ((X, W, torch.tensor(1.0)), {}, "bias must have one entry for each of 5 output channels, "
         "got shape (); pass bias.expand(5)"),
        ((X, W), {"groups": 2}, "groups 2 does not divide weight's 3 channels; 1 and 3 do"),
        ((X, W), {"groups": 0}, "groups must be at least 1, got 0"),
        ((X, W), {"stride": -1}, "stride must be at least 1, got -1"),
        ((X, W), {"stride": 0}, "stride must be at least 1, got 0"),
        ((X, W), {"stride": (1, 2)}, "stride must be one integer or 1 of them, one an axis, "
         "got (1, 2)"),
        ((X, W), {"dilation": 0}, "dilation must be at least 1, got 0"),
        ((X, W), {"padding": -1}, "padding must not be negative, got -1; "
         "only (before, after) pairs may be, and then append cells"),
        ((X, W), {"padding": 9}, "output size -7 is too small: full output (8-1)·1 + 4 = 11 "
         "less padding 9 and 9 plus output_padding 0; pad less"),
        ((X, W), {"padding": "sme"}, "padding 'sme' is not one of 'valid', 'same', 'half', 'full' "
         "(did you mean 'same'?)"),
        ((X, W), {"output_padding": 1}, "output_padding 1 must be smaller than stride 1 or "
         "dilation 1"),
        ((X, W), {"output_size": 22, "stride": 2},
         "output_size 22 is out of reach: stride 2 gives 18 or 19"),
        ((X, W), {"output_size": 19, "stride": 2, "output_padding": 1},
         "give output_padding or output_size, not both"),
        ((X, W), {"method": "scatter"}, "method 'scatter' is not one of 'auto', 'engine'; "
         "a call on arrays, x.detach().numpy(), takes it"),
        ((X, W), {"method": "engnie"}, "method 'engnie' is not one of 'auto', 'engine' "
         "(did you mean 'engine'?)"),
        ((X.int(), W.int()), {"method": "engine"}, "method 'engine' cannot do this: "
         "the engine computes in float32 and float64, not in int64"),
        ((X, W), {"arithmetic": "slow"}, "arithmetic 'slow' is not one of 'fast', 'direct'"),
        ((X, W.to("meta")), {}, "weight is on meta but x is on cpu"),
        ((X.to("meta"), W), {}, "weight is on cpu but x is on meta; move it: weight.to('meta')"),
        ((X, W), {"out": OUT[:, :4]}, "out must have shape (1, 5, 11) and dtype torch.float32 on "
         "cpu, got torch.float32 on cpu"),
        ((X, W), {"out": OUT.double()}, "out must have shape (1, 5, 11) and dtype torch.float32 on "
         "cpu, got torch.float64 on cpu"),
        ((X, W), {"out": OUT.to("meta")}, "out must have shape (1, 5, 11) and dtype torch.float32 "
         "on cpu, got torch.float32 on meta"),
        ((X, W), {"out": OUT[:, :1].expand(1, 5, 11)},
         "cells of out share their memory; pass a tensor of its own memory"),
        ((X, W), {"out": OUT.clone().requires_grad_()},
         "out records no gradient; leave it out, or call under torch.no_grad()"),
        ((X, W.clone().requires_grad_()), {"out": OUT},
         "out records no gradient; leave it out, or call under torch.no_grad()"),
    ],
)  # fmt: skip
def test_conv_transpose(given, words, sentence):
    said = refusal(tconv.conv_transpose, *given, **words)
    assert said.startswith(f"conv_transpose: {sentence} (x: {tuple(given[0].shape)}, weight: ")


@pytest.mark.parametrize(
    ("given", "words", "sentence"),
    [
        ((X, W), {"stride": 2.0}, "stride must be an integer, got 2.0 (float); write 2"),
        ((X, W), {"groups": 1.0}, "groups must be an integer, got 1.0 (float); write 1"),
        ((X, W), {"groups": True}, "groups must be an integer, got True (bool)"),
        ((X, W), {"method": 3}, "method must be a string, got 3 (int)"),
        ((X, W), {"out": OUT.numpy()},
         "out must be a tensor, got ndarray; pass torch.from_numpy(out), which shares its memory"),
        ((X, W), {"out": [0.0]}, "out must be a tensor, got list"),
    ],
)  # fmt: skip
def test_wrong_kinds_of_words(given, words, sentence):
    said = refusal(tconv.conv_transpose, *given, error=TypeError, **words)
    assert said.startswith(f"conv_transpose: {sentence} (x: ")


@pytest.mark.parametrize(
    ("given", "words", "sentence"),
    [
        ((X, torch.ones(2, 3, 9)), {}, "kernel 9 (dilated) is larger than the padded input "
         "8 + 0 + 0 = 8; pad more"),
        ((X, torch.ones(2, 3, 3)), {"groups": 2}, "weight has 6 input channels but x has 3; "
         "groups=1 would fit"),
        ((X, torch.ones(2, 3, 2)), {"padding": "half"},
         "padding='half' needs an odd effective kernel, got 2; give integers"),
        ((X, torch.ones(2, 3, 3), torch.ones(3)), {},
         "bias must have one entry for each of 2 output channels, got shape (3,)"),
        ((X, torch.ones(2, 3, 3)), {"method": "matrix"}, "method 'matrix' is not one of 'auto', "
         "'engine'; a call on arrays, x.detach().numpy(), takes it"),
        ((X, torch.ones(2, 3, 3)), {"out": OUT}, "out must have shape (1, 2, 6) and dtype "
         "torch.float32 on cpu, got torch.float32 on cpu"),
    ],
)  # fmt: skip
def test_conv(given, words, sentence):
    assert refusal(tconv.conv, *given, **words).startswith(f"conv: {sentence} (x: ")


@pytest.mark.parametrize(
    ("grad", "kernel", "words", "sentence"),
    [
        ((1, 5, 12), 4, {}, "grad_output must be (1, C_out, 11), got (1, 5, 12)"),
        ((1, 11, 5), 4, {}, "grad_output must be (1, C_out, 11), got (1, 11, 5); "
         "if it has its channels last, pass grad_output.movedim(-1, 1)"),
        ((1, 5, 19), 4, {"stride": 2}, "grad_output must be (1, C_out, 18), got (1, 5, 19); "
         "output_padding=(1,) gives that size"),
        ((2, 5, 11), 4, {}, "grad_output must be (1, C_out, 11), got (2, 5, 11)"),
        ((5, 11), 4, {}, "x and grad_output must have equally many axes, got 3 and 2; "
         "give both a batch axis or neither"),
        ((1, 5, 11), 4, {"groups": 3}, "groups 3 does not divide grad_output's 5 channels; "
         "1 and 5 do"),
        ((1, 0, 11), 4, {}, "groups 1 does not divide grad_output's 0 channels"),
        ((1, 5, 11), 0, {}, "kernel_size must be at least 1, got 0"),
        ((1, 5, 11), (3, 5, 4), {}, "x must have 5 axes (batch, channels and 3 spatial) or 4 "
         "(no batch) to match the weight, got 3; if kernel_size is a weight's shape, leave the "
         "channels out, weight.shape[2:]"),
    ],
)  # fmt: skip
def test_weight_gradient(grad, kernel, words, sentence):
    said = refusal(tconv.weight_gradient, X, torch.ones(grad), kernel, **words)
    assert said.startswith(f"weight_gradient: {sentence} (x: (1, 3, 8), grad_output: {grad}")


def test_what_is_told_is_right():
    """The code in a sentence does what it says."""
    names = {"x": torch.rand(1, 8, 3), "weight": W, "torch": torch}
    said = refusal(tconv.conv_transpose, names["x"], W)
    x = eval(re.search(r"pass (x\S+ ?\S*\))", said)[1], names)
    assert tconv.conv_transpose(x, W).shape == (1, 5, 11)
    weight = torch.rand(4, 5, 3)
    said = refusal(tconv.conv_transpose, X, weight)
    weight = eval(re.search(r"pass (weight\.permute\S+ \S+ \S+\))", said)[1], {"weight": weight})
    assert tconv.conv_transpose(X, weight).shape == (1, 5, 11)


def view(*shape, dtype=torch.float32):
    """Return a tensor of any size that takes a few bytes."""
    return torch.ones(1, dtype=dtype).expand(shape)


TOO_LARGE = [
    (lambda: tconv.conv_transpose(X, W, stride=HUGE), "float32 needs 143360.0 GiB"),
    (lambda: tconv.conv_transpose(X, W, padding=[(0, -HUGE)]), "needs 20480.0 GiB"),
    (lambda: tconv.conv_transpose(X, W, stride=2**62), "overflows 64 bits"),
    (lambda: tconv.conv_transpose(X, W, stride=HUGE, padding="same"), "needs 163840.0 GiB"),
    (lambda: tconv.conv_transpose(view(1, 1, 2), view(1, HUGE, 2)), "needs 12288.0 GiB"),
    (lambda: tconv.conv_transpose(view(HUGE, 3, 1), W), "float32 needs 81920.0 GiB"),
    (
        lambda: tconv.conv_transpose(view(HUGE, 3, 1, dtype=torch.int32), W.int()),
        "int64 needs 163840.0 GiB",
    ),
    (lambda: tconv.conv(X, W.transpose(0, 1), padding=HUGE), "needs 40960.0 GiB"),
    (
        lambda: tconv.weight_gradient(view(1, 2**20, 1), view(1, 2**20, 2), 2),
        "weight gradient .* needs 8192.0 GiB",
    ),
]


@pytest.mark.parametrize(("call", "message"), TOO_LARGE)
def test_results_beyond_memory_are_refused_before_they_are_made(call, message):
    with pytest.raises(ValueError, match=message) as refused:
        call()
    assert "this machine has" in str(refused.value) or "64 bits" in str(refused.value)


def test_where_nothing_is_computed_nothing_is_too_large():
    x, weight = view(HUGE, 3, 8).to("meta"), W.to("meta")
    assert tconv.conv_transpose(x, weight, stride=9).shape == (HUGE, 5, 67)


def test_integers_record_no_gradient():
    with pytest.raises(RuntimeError, match="floating point"):
        X.int().requires_grad_()
    y = tconv.conv_transpose(X.int(), W.int())
    assert y.dtype == torch.int32
    assert not y.requires_grad
    assert torch.equal(y, tconv.conv_transpose(X, W).int())


def test_out_is_written_and_returned():
    for words in ({}, {"stride": 2, "padding": "same"}):
        expected = tconv.conv_transpose(X, W, **words)
        out = torch.empty_like(expected)
        assert tconv.conv_transpose(X, W, **words, out=out) is out
        assert torch.equal(out, expected)
    direct = W.transpose(0, 1)
    expected = tconv.conv(X, direct)
    memory = torch.zeros(1, 5, 10)
    assert tconv.conv(X, direct, out=memory[..., ::2]).data_ptr() == memory.data_ptr()
    assert torch.equal(memory[..., ::2], expected)
    assert memory[..., 1::2].abs().max() == 0
    learns = W.clone().requires_grad_()
    with torch.no_grad():
        out = torch.empty(1, 5, 11)
        assert tconv.conv_transpose(X, learns, out=out) is out
    square = torch.rand(1, 3, 8)
    eye = torch.eye(3).unsqueeze(-1) * 2
    assert torch.equal(tconv.conv_transpose(square, eye, out=square), square)  # it is read before


def test_layers():
    layer = nn.ConvTranspose2d(3, 5, 4, 2)
    x = torch.ones(1, 3, 8, 8)
    said = refusal(layer, torch.ones(1, 4, 8, 8))
    assert said.startswith("conv_transpose: weight has 3 input channels but x has 4")
    assert "got ndarray" in refusal(layer, x.numpy(), error=TypeError)
    assert "output_size 22 is out of reach: stride 2" in refusal(layer, x, output_size=(22, 20))
    for size in ((20,), (1, 1, 1, 20, 20), (5, 20, 20)):
        assert "output_size must be one integer or 2" in refusal(layer, x, output_size=size)
    for words, message in (
        ({"kernel_size": (4, 4, 4)}, "kernel_size must be one integer or 2 of them"),
        ({"kernel_size": 4, "padding_mode": "reflekt"}, "did you mean 'reflect'"),
        ({"kernel_size": 4, "output_padding": 1}, "output_padding 1 must be smaller than stride 1"),
        ({"kernel_size": 4, "stride": 0}, "stride must be at least 1, got 0"),
        ({"kernel_size": 4, "groups": 2}, "in_channels must be divisible by groups"),
        ({"kernel_size": 4, "padding": "half"}, "needs an odd effective kernel, got 4"),
    ):
        with pytest.raises(ValueError, match=message):
            nn.ConvTranspose2d(3, 5, **words)


# Other devices, where PyTorch's own operators compute: on fake tensors, and by value on the CPU


@pytest.fixture
def cuda():
    from torch._subclasses.fake_tensor import FakeTensorMode

    from tconv.arrays.pytorch import elsewhere

    elsewhere._say_once.cache_clear()
    with FakeTensorMode():
        yield lambda *shape: torch.empty(shape, device="cuda")
    elsewhere._say_once.cache_clear()


def test_other_devices_warn_once_where_they_are_called(cuda):
    x, weight = cuda(2, 3, 8, 8), cuda(3, 5, 5, 5)
    with pytest.warns(UserWarning, match="tconv computes on the CPU; tensors on cuda go to") as met:
        y = tconv.conv_transpose(x, weight, cuda(5), 2, 2, 1)
    assert [one.filename for one in met] == [__file__]
    assert (y.shape, y.device.type) == ((2, 5, 16, 16), "cuda")
    for padding in ("same", ((0, 1), (2, 0)), ((-1, 0), (0, -2))):
        y = tconv.conv_transpose(x, weight, cuda(5), 2, padding)
        assert y.shape == tconv.conv_transpose(*(torch.ones(t.shape) for t in (x, weight)), None, 2,
                                               padding).shape  # fmt: skip
        assert y.device.type == "cuda"
    assert tconv.conv(x, cuda(5, 3, 4, 4), None, 2, "same").shape == (2, 5, 4, 4)
    assert tconv.weight_gradient(x, cuda(2, 5, 18, 18), 4, 2).shape == (3, 5, 4, 4)


def test_other_devices_refuse(cuda):
    x, weight = cuda(2, 3, 8, 8), cuda(3, 5, 5, 5)
    said = refusal(tconv.conv_transpose, x, torch.ones(3, 5, 5, 5))
    assert "weight is on cpu but x is on cuda:0; move it: weight.to('cuda:0') (x: " in said
    said = refusal(tconv.conv_transpose, torch.ones(2, 3, 8, 8), weight)
    assert "weight is on cuda:0 but x is on cpu; move it: weight.to('cpu') (x: " in said
    said = refusal(tconv.conv_transpose, x, weight, method="engine")
    assert "method 'engine' computes on the CPU, not on cuda:0; pass x.cpu() (x: " in said
    said = refusal(tconv.conv_transpose, cuda(1, 3, 2, 2, 2, 2), cuda(3, 5, 1, 1, 1, 1))
    assert "on cuda:0 there are 1 to 3 spatial axes, not 4; fold axes" in said


@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128], ids=str)
@pytest.mark.filterwarnings("ignore:tconv computes on the CPU")
def test_what_other_devices_are_given_is_the_same_layer(dtype):
    from tconv.arrays.pytorch import elsewhere
    from tconv.engine.activations import Activation

    random = np.random.default_rng(0)
    for index in range(30):
        case = cropped_case(random, 1 + index % 3)
        if not case.batch:
            continue
        arrays = case.arrays(random, np.dtype(str(dtype).removeprefix("torch.")))
        x, weight, bias = map(torch.from_numpy, arrays)
        y = tconv.conv_transpose(x, weight, bias, **case.words, groups=case.groups)
        place = case.geometry, case.groups
        torch.testing.assert_close(elsewhere.conv_transpose(x, weight, bias, *place), y)
        crop = [start for start, _ in case.geometry.crop]
        words = (case.geometry.stride, case.geometry.dilation, crop, case.input_size, case.groups)
        back = torch.ops.tconv.conv(y, weight, None, *words, "never")
        torch.testing.assert_close(elsewhere.conv(y, weight, None, *place), back)
        if dtype.is_complex:  # PyTorch has no complex weight gradient by itself
            continue
        made = elsewhere.weight_gradient(x, y, *place)
        known = tconv.weight_gradient(x, y, case.kernel_size, groups=case.groups, **case.words)
        torch.testing.assert_close(made, known)
        for activation in (Activation("leaky_relu", 0.3), Activation("gelu"), Activation("silu")):
            made = elsewhere.conv_transpose(x, weight, bias, *place, activation)
            known = torch.from_numpy(activation(y.numpy()))
            torch.testing.assert_close(made, known, rtol=1e-6, atol=1e-6)


def test_the_tables_are_complete():
    from tconv.arrays.pytorch import elsewhere
    from tconv.engine.activations import NAMES

    assert {*elsewhere.ACTIVATIONS, "leaky_relu"} == set(NAMES)
    assert elsewhere.TRANSPOSED == TRANSPOSED
    assert elsewhere.DIRECT == DIRECT
