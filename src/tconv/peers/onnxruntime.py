"""A model of one ONNX ConvTranspose node, run by ONNX Runtime on the CPU."""

import numpy as np

from tconv.conventions.onnx import ONNX
from tconv.geometry import Geometry
from tconv.peers.installed import installed
from tconv.peers.layout import Array

NAME = "ONNX Runtime"
DTYPES = ("float32",)
OPSET, IR_VERSION = 11, 8


def available() -> str | None:
    """Return ONNX Runtime's version if it and onnx are installed."""
    return installed("onnxruntime", "onnx")


def run(x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Compute with ONNX Runtime."""
    words = ONNX.words(geometry, groups)
    import onnxruntime
    from onnx import TensorProto, helper

    def tensor(name: str, shape: tuple[int, ...]) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], **words)
    y_shape = (len(x), weight.shape[1] * groups, *geometry.output_size)
    inputs, outputs = [tensor("x", x.shape), tensor("w", weight.shape)], [tensor("y", y_shape)]
    model = helper.make_model(
        helper.make_graph([node], "one node", inputs, outputs),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return np.asarray(session.run(None, {"x": x, "w": weight})[0])
