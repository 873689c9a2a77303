"""The code given for a layer runs, and is that layer."""

import numpy as np
import pytest

from tconv import Geometry
from tconv.conventions import JAX, KERAS, ONNX, PYTORCH, TENSORFLOW
from tconv.peers import PEERS
from tconv.peers import jax as jax_peer
from tconv.peers.layout import channels_first, channels_last, kernel_last
from tconv.reference import scatter

CASES = [  # geometry, C_in, C_out, groups
    (Geometry.of(5, 4, stride=2, padding=1), 2, 3, 1),
    (Geometry.of((4, 5), 3, stride=2, padding="same"), 3, 2, 1),
    (Geometry.of((4, 5), (2, 3), stride=(2, 1), padding=(1, 0), output_padding=(1, 0)), 4, 6, 2),
    (Geometry.of((3, 4), 3, stride=(1, 1), dilation=(2, 3)), 2, 2, 1),
    (Geometry.of((2, 3, 4), (3, 1, 2), stride=(2, 3, 2)), 2, 3, 1),
    (Geometry.of((3, 4), 2, stride=(2, 3), dilation=2), 2, 1, 1),
    (Geometry.from_crop((4, 4), 3, stride=2, crop=[(1, 0), (0, 1)]), 2, 4, 2),
    (
        Geometry.from_crop((2, 2, 2, 3), 2, stride=2, crop=[(1, -1), (0, 0), (0, 1), (1, 1)]),
        1,
        2,
        1,
    ),
]
pytestmark = pytest.mark.filterwarnings("ignore")  # the frameworks' own


def sayable(convention):
    """Keep the cases that a framework can say."""
    for geometry, i, o, groups in CASES:
        try:
            yield geometry, convention.code(geometry, i, o, groups), i, o, groups
        except ValueError:
            continue


def arrays(geometry, i, o, groups):
    random = np.random.default_rng(0)
    x = random.standard_normal((2, i, *geometry.input_size)).astype("f")
    weight = random.standard_normal((i, o // groups, *geometry.kernel_size)).astype("f")
    return x, weight, scatter(x, weight, geometry, groups)


def test_pytorch_code_is_the_layer():
    torch = pytest.importorskip("torch")
    cases = list(sayable(PYTORCH))
    assert len(cases) == 5
    for geometry, code, i, o, groups in cases:
        x, weight, expected = arrays(geometry, i, o, groups)
        layer = eval(code, {"nn": torch.nn})
        layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.zeros(o)})
        np.testing.assert_allclose(layer(torch.tensor(x)).detach(), expected, atol=1e-4)


def test_jax_code_is_the_layer():
    jax = pytest.importorskip("jax")
    cases = list(sayable(JAX))
    assert len(cases) == len(CASES)
    for geometry, code, i, o, groups in cases:
        x, weight, expected = arrays(geometry, i, o, groups)
        kernel = kernel_last(weight)
        if groups > 1:
            unflip = (slice(None, None, -1),) * geometry.rank
            kernel = jax_peer.grouped_kernel(weight, groups)[unflip]
        y = eval(code, {"jax": jax, "x": channels_last(x), "kernel": kernel})
        np.testing.assert_allclose(channels_first(np.asarray(y)), expected, atol=1e-4)


def test_keras_code_is_the_layer():
    if PEERS["Keras"].available() is None:
        pytest.skip("Keras is not installed")
    plain = Geometry.of(2, 1)
    PEERS["Keras"].run(*arrays(plain, 1, 1, 1)[:2], plain, 1)  # chooses the backend
    import keras

    cases = list(sayable(KERAS))
    assert len(cases) == 5
    assert [code.split("(")[0] for _, code, *_ in cases][-1] == "keras.ops.conv_transpose"
    for geometry, code, i, o, groups in cases:
        x, weight, expected = arrays(geometry, i, o, groups)
        made = {"keras": keras, "x": channels_last(x), "kernel": kernel_last(weight)}
        y = eval(code, made)
        if callable(y):
            layer = y
            layer.build(made["x"].shape)
            layer.set_weights([made["kernel"], np.zeros(o)])
            y = layer(made["x"])
        y = keras.ops.convert_to_numpy(y)
        np.testing.assert_allclose(channels_first(y), expected, atol=1e-4)


def test_tensorflow_code_is_the_layer():
    tf = pytest.importorskip("tensorflow")
    cases = list(sayable(TENSORFLOW))
    assert len(cases) == 5
    for geometry, code, i, o, groups in cases:
        x, weight, expected = arrays(geometry, i, o, groups)
        y = eval(code, {"tf": tf, "x": channels_last(x), "filters": kernel_last(weight)})
        np.testing.assert_allclose(channels_first(np.asarray(y)), expected, atol=1e-4)


def test_onnx_code_is_the_node():
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    cases = list(sayable(ONNX))
    assert len(cases) == len(CASES)
    for geometry, code, i, o, groups in cases:
        node = eval(code, {"onnx": onnx})
        words = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        size = geometry.input_size, geometry.kernel_size
        assert ONNX.geometry(*size, **words) == geometry
        assert words.get("group", 1) == groups
        x, weight, expected = arrays(geometry, i, o, groups)
        y = PEERS["ONNX Runtime"].run(x, weight, geometry, groups)
        np.testing.assert_allclose(y, expected, atol=1e-4)
