"""The rules against the frameworks themselves: their own words, random kernels, unequal sizes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tconv import Geometry
from tconv.conventions import JAX, KERAS, ONNX, PYTORCH, TENSORFLOW, Inexpressible
from tconv.peers import PEERS
from tconv.peers.layout import channels_first, channels_last, kernel_last
from tconv.reference import scatter

pytestmark = pytest.mark.filterwarnings("ignore")  # the frameworks' own
RAMP, DECADES = np.arange(1.0, 4.0), 10.0 ** np.arange(8)  # every product tells its tap


def installed(name):
    if PEERS[name].available() is None:
        pytest.skip(f"{name} is not installed")
    return PEERS[name]


def arrays(random, rank, channels=(2, 3)):
    """Draw x, a kernel that is no mirror image of itself, and stride and dilation."""
    sizes, kernel = random.integers(2, 6, rank).tolist(), random.integers(1, 5, rank).tolist()
    x = random.standard_normal((2, channels[0], *sizes)).astype("f")
    weight = random.standard_normal((*channels, *kernel)).astype("f")
    stride, dilation = (random.integers(1, most, rank).tolist() for most in (5, 4))
    return x, weight, tuple(stride), tuple(dilation)


def line(size, kernel):
    """Return a 1-D input 1, 2, … and a kernel 1, 10, …, one channel each."""
    ramp = np.arange(1, size + 1, dtype="f")[np.newaxis, np.newaxis]
    return ramp, DECADES[:kernel].astype("f")[np.newaxis, np.newaxis]


def pytorch_says(x, weight, *words):
    """Run PyTorch with its own words, by place."""
    torch = pytest.importorskip("torch")
    compute = getattr(torch.nn.functional, f"conv_transpose{x.ndim - 2}d")
    y = compute(torch.tensor(x), torch.tensor(weight), None, *words)
    return y.numpy(), PYTORCH.geometry(x.shape[2:], weight.shape[2:], *words)


def keras_says(x, weight, **words):
    """Run Keras with its own words, and tconv with what the rule makes of them."""
    installed("Keras").run(*line(1, 1), Geometry.of(1, 1), 1)  # chooses the backend
    import keras

    words = {"data_format": "channels_last", **words}
    y = keras.ops.conv_transpose(channels_last(x), kernel_last(weight), **words)
    del words["data_format"]
    geometry = KERAS.geometry(x.shape[2:], weight.shape[2:], **words)
    return channels_first(keras.ops.convert_to_numpy(y)), geometry


def jax_says(x, weight, **words):
    """Run JAX with its own words; `weight` is flipped where JAX flips."""
    jax = pytest.importorskip("jax")
    kernel = kernel_last(weight)
    if not words.get("transpose_kernel"):
        kernel = kernel.swapaxes(-1, -2)
    y = jax.lax.conv_transpose(channels_last(x), kernel, **words)
    geometry = JAX.geometry(x.shape[2:], weight.shape[2:], **words)
    return channels_first(np.asarray(y)), geometry


def onnx_says(x, weight, opset=11, **words):
    """Run a node with its own words in ONNX Runtime."""
    ort = pytest.importorskip("onnxruntime")
    helper = pytest.importorskip("onnx").helper
    tensor = [
        helper.make_tensor_value_info(name, 1, shape)
        for name, shape in (("x", x.shape), ("w", weight.shape), ("y", [None] * x.ndim))
    ]
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], **words)
    graph = helper.make_graph([node], "one node", tensor[:2], tensor[2:])
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    geometry = ONNX.geometry(x.shape[2:], weight.shape[2:], **words)
    return session.run(None, {"x": x, "w": weight})[0], geometry


def tensorflow_says(x, weight, output_size, **words):
    """Run TensorFlow with its own words."""
    tf = pytest.importorskip("tensorflow")
    shape = (len(x), *output_size, weight.shape[1])
    rank = x.ndim - 2
    compute = getattr(tf.nn, f"conv{rank}d_transpose")
    y = compute(channels_last(x), kernel_last(weight), shape, **words)
    geometry = TENSORFLOW.geometry(x.shape[2:], weight.shape[2:], shape, **words)
    return channels_first(np.asarray(y)), geometry


def agree(said, x, weight, groups=1):
    y, geometry = said
    assert_allclose(y, scatter(x, weight, geometry, groups), rtol=1e-4, atol=1e-4)
    return geometry


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_pytorch_reads_as_pytorch_computes(rank, groups):
    random = np.random.default_rng((rank, groups))
    for _ in range(15):
        x, weight, stride, dilation = arrays(random, rank, (4, 3))
        full = Geometry.of(x.shape[2:], weight.shape[2:], stride, dilation=dilation).full
        padding = tuple(int(random.integers(0, min(5, (f + 1) // 2))) for f in full)
        extra = tuple(
            int(random.integers(0, max(pair))) for pair in zip(stride, dilation, strict=True)
        )
        words = (stride, padding, extra, groups, dilation)
        agree(pytorch_says(x, weight, *words), x, weight, groups)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("explicit", [False, True])
def test_keras_reads_as_keras_computes(rank, padding, explicit):
    random = np.random.default_rng((rank, padding == "same", explicit))
    for _ in range(8):
        x, weight, stride, dilation = arrays(random, rank)
        extra = None
        if explicit:
            even = [(d * (k - 1)) % 2 for k, d in zip(weight.shape[2:], dilation, strict=True)]
            least = even if padding == "same" else [0] * rank
            extra = tuple(
                int(random.integers(e, e + s)) for e, s in zip(least, stride, strict=True)
            )
        words = {"strides": stride, "padding": padding, "output_padding": extra}
        agree(keras_says(x, weight, dilation_rate=dilation, **words), x, weight)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("padding", ["VALID", "SAME", "pairs", "consistent"])
def test_jax_reads_as_jax_computes(rank, padding):
    random = np.random.default_rng((rank, len(padding)))
    for _ in range(6):
        x, weight, stride, dilation = arrays(random, rank)
        words = {"strides": stride, "padding": padding, "rhs_dilation": dilation}
        if padding.islower():
            words["padding"] = [tuple(random.integers(0, 3, 2).tolist()) for _ in range(rank)]
            words["use_consistent_padding"] = padding == "consistent"
        try:
            JAX.geometry(x.shape[2:], weight.shape[2:], **words)
        except ValueError:
            continue  # an empty output
        agree(jax_says(x, weight, transpose_kernel=True, **words), x, weight)


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER", "shape"])
def test_onnx_reads_as_the_runtime_computes(rank, kind):
    random = np.random.default_rng((rank, len(kind), kind == "SAME_LOWER"))
    for _ in range(10 if rank < 4 else 3):
        x, weight, stride, dilation = arrays(random, rank, (2, 1))
        full = Geometry.of(x.shape[2:], weight.shape[2:], stride, dilation=dilation).full
        words = {"strides": stride, "dilations": dilation}
        words["output_padding"] = [int(random.integers(0, s)) for s in stride]
        if kind == "shape":
            words["output_shape"] = [int(random.integers(1, f + 1)) for f in full]
            words["auto_pad"] = str(random.choice(["NOTSET", "SAME_UPPER", "SAME_LOWER"]))
        elif kind == "NOTSET":
            words["pads"] = [int(random.integers(0, (f + 1) // 2)) for f in full * 2]
        else:
            words["auto_pad"] = kind
        agree(onnx_says(x, weight, **words), x, weight)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_tensorflow_reads_as_tensorflow_computes(rank, padding):
    random = np.random.default_rng((rank, len(padding)))
    for _ in range(8):
        x, weight, stride, dilation = arrays(random, rank)
        full = Geometry.of(x.shape[2:], weight.shape[2:], stride, dilation=dilation)
        same = [(axis.input_size - 1) * axis.stride + 1 for axis in full.axes]
        least = full.full if padding == "VALID" else same
        output = [int(random.integers(o, o + s)) for o, s in zip(least, stride, strict=True)]
        words = {"strides": stride, "padding": padding, "dilations": dilation}
        agree(tensorflow_says(x, weight, output, **words), x, weight)


# Named traps ------------------------------------------------------------------------------------


def test_keras_same_has_the_right_shape_and_the_right_values():
    x, weight = line(3, 3)
    y, geometry = keras_says(x, weight, strides=2, padding="same")
    assert geometry.crop == ((0, 1),)
    shifted = Geometry.of(3, 3, stride=2, padding=1, output_padding=1)
    assert shifted.output_size == geometry.output_size
    assert_allclose(y, scatter(x, weight, geometry))
    assert not np.allclose(y, scatter(x, weight, shifted))
    with pytest.raises(Inexpressible, match="has more at the end"):
        PYTORCH.words(geometry)


def test_a_flipped_kernel_shows():
    x, weight = line(3, 3)
    geometry = Geometry.of(3, 3, stride=2)
    plain = jax_says(x, weight, strides=(2,), padding="VALID")[0]
    transposed = jax_says(x, weight, strides=(2,), padding="VALID", transpose_kernel=True)[0]
    assert_allclose(transposed, scatter(x, weight, geometry))
    assert_allclose(plain, scatter(x, weight[:, :, ::-1], geometry))
    assert not np.allclose(plain, transposed)
    ones = np.ones_like(weight)
    assert_allclose(
        jax_says(x, ones, strides=(2,), padding="VALID")[0],
        jax_says(x, ones, strides=(2,), padding="VALID", transpose_kernel=True)[0],
    )


@pytest.mark.parametrize(("output", "start"), [(6, 0), (5, 1)])
def test_tensorflow_same_start_depends_on_the_output_size(output, start):
    shape = (None, output, None)
    assert TENSORFLOW.geometry(3, 3, shape, 2, "SAME").crop[0][0] == start
    x, weight = line(3, 3)
    agree(tensorflow_says(x, weight, [output], strides=2, padding="SAME"), x, weight)


@pytest.mark.parametrize(("extra", "crop"), [(0, (1, 1)), (1, (0, 1)), (None, (0, 1))])
def test_keras_output_padding_under_same_moves_the_front(extra, crop):
    words = {"strides": 2, "padding": "same", "output_padding": extra}
    assert KERAS.geometry(3, 3, **words).crop == (crop,)
    x, weight = line(3, 3)
    agree(keras_says(x, weight, **words), x, weight)


@pytest.mark.parametrize("opset", [7, 11, 22])  # 7 holds ConvTranspose-1, whose text swaps sides
@pytest.mark.parametrize(("side", "crop"), [("SAME_UPPER", (0, 1)), ("SAME_LOWER", (1, 0))])
def test_onnx_upper_cuts_the_end_in_every_operator_set(opset, side, crop):
    words = {"strides": [2], "auto_pad": side}
    assert ONNX.geometry(3, 3, **words).crop == (crop,)
    x, weight = line(3, 3)
    agree(onnx_says(x, weight, opset, **words), x, weight)


def test_jax_pairs_and_words_mean_different_paddings():
    assert JAX.geometry(3, 3, 2, "VALID").crop == ((0, 0),)
    assert JAX.geometry(3, 3, 2, [(0, 0)]).crop == ((2, 2),)
    assert JAX.geometry(3, 3, 2, [(0, 0)], use_consistent_padding=True).crop == ((0, 0),)
    x, weight = line(3, 3)
    for consistent in (False, True):
        words = {"padding": [(0, 0)], "use_consistent_padding": consistent}
        agree(jax_says(x, weight, strides=(2,), transpose_kernel=True, **words), x, weight)


def test_output_padding_of_the_stride_needs_a_larger_dilation():
    geometry = Geometry.of(3, 2, stride=2, dilation=4, output_padding=3)
    assert PYTORCH.words(geometry)["output_padding"] == (3,)
    assert geometry.adjoint() is None
    x, weight = line(3, 2)
    y = PEERS["PyTorch"].run(x, weight, geometry, 1)
    assert_allclose(y, scatter(x, weight, geometry))
    for convention in (ONNX, KERAS, TENSORFLOW):
        with pytest.raises(Inexpressible):
            convention.words(geometry)


def test_a_stride_beyond_the_kernel_gives_different_default_sizes():
    assert PYTORCH.geometry(3, 2, stride=4).output_size == (10,)
    assert ONNX.geometry(3, 2, strides=4).output_size == (10,)
    assert ONNX.geometry(3, 2, strides=4, auto_pad="SAME_UPPER").output_size == (10,)
    assert KERAS.geometry(3, 2, strides=4).output_size == (12,)
    assert JAX.geometry(3, 2, strides=4).output_size == (12,)


def test_groups_and_dilation_keep_pytorchs_order():
    assert PYTORCH.geometry(3, 3, 2, 0, 0, 1, 2).dilation == (2,)
    assert list(PYTORCH.words(Geometry.of(3, 3)))[-2:] == ["groups", "dilation"]


@pytest.mark.parametrize("name", ["PyTorch", "JAX", "ONNX Runtime"])
def test_groups_keep_their_channels(name):
    geometry = Geometry.of((3, 4), (2, 3), stride=(2, 1))
    random = np.random.default_rng(0)
    x = random.standard_normal((1, 6, 3, 4)).astype("f")
    weight = random.standard_normal((6, 2, 2, 3)).astype("f")
    y = installed(name).run(x, weight, geometry, 3)
    assert_allclose(y, scatter(x, weight, geometry, 3), atol=1e-5)


@pytest.mark.parametrize("name", ["PyTorch", "Keras", "JAX", "ONNX Runtime"])
def test_phases_without_taps_and_cells_past_the_stamps_stay_zero(name):
    x, weight = line(3, 3)
    geometry = Geometry.of(3, 3, stride=2, dilation=2, output_padding=1)
    y = installed(name).run(x, weight, geometry, 1)
    assert_allclose(y, scatter(x, weight, geometry))
    assert not y[..., 1::2].any()
    assert not y[..., geometry.full[0] :].any()
