"""Times of an ONNX model's layers, and ``tconv bench``."""

import json

import numpy as np
import pytest

from tconv.cli.app import run

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from tconv.models.onnx_times import time_onnx  # noqa: E402


def tensor(name, *shape):
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Two layers without a name; the weight of one is an initializer, of the other a constant."""
    held = helper.make_node("Constant", [], ["w1"], value=tensor("c", 32, 4, 3, 3))
    up = helper.make_node("ConvTranspose", ["x", "w0", "b0"], ["h"], strides=[2, 2], pads=[1] * 4)
    relu = helper.make_node("Relu", ["h"], ["g"])
    words = {"strides": [2, 2], "auto_pad": "SAME_UPPER", "group": 2}
    same = helper.make_node("ConvTranspose", ["g", "w1"], ["y"], **words)
    graph = helper.make_graph(
        [held, up, relu, same], "two layers", [value("x", ["n", 64, "h", 8])],
        [value("y", ["n", 8, "o", "p"])], [tensor("w0", 64, 32, 4, 4), tensor("b0", 32)],
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


def test_each_layer_is_found_and_timed(model):
    found = time_onnx(model, {"x": (2, 64, 6, 8)}, rounds=2)
    first, second = found.layers
    assert first.input_shape == (2, 64, 6, 8)
    assert first.output_shape == second.input_shape == (2, 32, 12, 16)
    assert second.output_shape == (2, 8, 24, 32)
    assert (first.what, second.what) == ("64->32 k4×4 s2×2", "32->8 k3×3 s2×2 g2")
    for layer in found.layers:
        assert 0 < layer.onnxruntime <= found.total < 10
        assert 0 < layer.tconv < 1
        assert layer.gain == layer.onnxruntime / layer.tconv
    assert 0 < found.share <= 1
    assert found.possible >= 1


def test_the_command(model, capsys, tmp_path):
    assert run(["bench", str(model), "-i", "1x64x6x8", "--rounds", "1"]) == 0
    said = capsys.readouterr().out
    assert "64->32 k4×4 s2×2" in said
    assert "times as fast" in said
    np.save(tmp_path / "x.npy", np.ones((1, 64, 3, 8)))
    given = f"x={tmp_path / 'x.npy'}"
    assert run(["bench", str(model), "-i", given, "--json", "--rounds", "1"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [layer["input_shape"] for layer in report["layers"]] == [[1, 64, 3, 8], [1, 32, 6, 16]]


def test_a_model_without_any(tmp_path, capsys):
    relu = helper.make_node("Relu", ["x"], ["y"])
    graph = helper.make_graph([relu], "none", [value("x", [1, 3])], [value("y", [1, 3])])
    path = tmp_path / "none.onnx"
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    assert run(["bench", str(path)]) == 0
    assert "no transposed convolution" in capsys.readouterr().out


def test_a_weight_that_is_computed_is_said(tmp_path):
    twice = helper.make_node("Add", ["v", "v"], ["w"])
    up = helper.make_node("ConvTranspose", ["x", "w"], ["y"])
    graph = helper.make_graph(
        [twice, up], "computed", [value("x", [1, 2, 5]), value("v", ["a", "b", "c"])],
        [value("y", ["n", "c", "o"])],
    )  # fmt: skip
    path = tmp_path / "computed.onnx"
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    (layer,) = time_onnx(path, {"v": np.ones((2, 3, 4))}, rounds=1).layers
    assert layer.gain is None
    assert "its weight is computed" in layer.why_not


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.onnx"], "there is no file nothing.onnx"),
        (["nothing.onnx", "-i", "2"], "there is no file nothing.onnx"),
        ([__file__], "is not an ONNX model"),
        (["MODEL"], "give them: --input x=Nx64xNx8"),
        (["MODEL", "-i", "z=1x64x6x8"], "the model has no input 'z'; it has x"),
        (["MODEL", "-i", "1x3x6x8"], "ONNX Runtime does not run"),
        (["MODEL", "-i", "x=four"], "--input"),
        (["MODEL", "-i", "x=1x64x-6x8"], "--input must be at least 1, got -6"),
        (["MODEL", "--rounds", "0"], "--rounds"),
    ],
)
def test_mistakes_are_one_sentence(model, capsys, arguments, said):
    assert run(["bench", *(a.replace("MODEL", str(model)) for a in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
