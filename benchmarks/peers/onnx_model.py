"""The ONNX model of one layer, for the runtimes that read such models."""

from typing import Any

from benchmarks.layers import Array, Layer
from tconv.conventions.onnx import ONNX

OPSET, IR_VERSION = 13, 8


def one_node(layer: Layer, weight: Array, bias: Array | None) -> bytes:
    """Return a model of one ConvTranspose node whose weights are inside.

    The spatial size is left open if the layer has many.
    """
    from onnx import helper, numpy_helper

    geometry = layer.geometry()
    kind = helper.np_dtype_to_tensor_dtype(weight.dtype)
    constants = [numpy_helper.from_array(weight, "w")]
    if bias is not None:
        constants.append(numpy_helper.from_array(bias, "b"))
    names = ["x", *(constant.name for constant in constants)]
    node = helper.make_node("ConvTranspose", names, ["y"], **ONNX.words(geometry, layer.groups))

    def tensor(name: str, channels: int, size: tuple[int, ...]) -> Any:
        open_or_size = [f"{name}_size"] if layer.lengths else list(size)
        return helper.make_tensor_value_info(name, kind, [layer.batch, channels, *open_or_size])

    x = tensor("x", layer.in_channels, layer.spatial)
    y = tensor("y", layer.out_channels, geometry.output_size)
    model = helper.make_model(
        helper.make_graph([node], "layer", [x], [y], constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    return bytes(model.SerializeToString())
