"""TensorFlow: ``tf.nn.conv{1,2,3}d_transpose``."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.layers import Array, Layer
from benchmarks.peers.base import Bind, Bound, Prepare, UnsupportedError, forward_only
from tconv.conventions.base import Inexpressible
from tconv.conventions.tensorflow import TENSORFLOW
from tconv.geometry import Geometry
from tconv.peers.installed import installed
from tconv.peers.layout import channels_first, channels_last, kernel_last

Compute = Callable[[Any], Any]


class TensorFlow:
    """TensorFlow on the CPU: eager, compiled by XLA, and XLA with channels first."""

    title = "TensorFlow"
    module = "tensorflow"

    def version(self) -> str | None:
        """Return TensorFlow's version if it is installed."""
        return installed("tensorflow")

    def start(self, threads: int) -> None:
        """Import it and set its threads."""
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)

    def variants(
        self, layer: Layer, weight: Array, bias: Array | None, task: str
    ) -> dict[str, Prepare]:
        """Return eager and compiled ways; compiling every new length is left out."""
        forward_only(task)
        if layer.groups > 1 and layer.rank == 3:
            raise UnsupportedError("no groups in three dimensions")
        ways: dict[str, Prepare] = {"eager": lambda: _prepare(layer, weight, bias)}
        if not layer.lengths:
            ways["XLA"] = lambda: _prepare(layer, weight, bias, xla=True)
            if layer.rank == 2:
                ways["XLA, channels first"] = lambda: _prepare(
                    layer, weight, bias, xla=True, last=False
                )
        return ways


def _prepare(
    layer: Layer, weight: Array, bias: Array | None, *, xla: bool = False, last: bool = True
) -> Bind:
    import tensorflow as tf

    w = tf.constant(kernel_last(weight))
    b = None if bias is None else tf.constant(bias)

    def bind(array: Array) -> Bound:
        compute = _compute(tf, layer, layer.geometry(array.shape[2:]), w, b, last=last)
        x = tf.constant(channels_last(array) if last else array)
        if xla:
            compute = tf.function(compute, jit_compile=True)
        return Bound(
            lambda: compute(x),
            lambda y: (channels_first(y.numpy()) if last else y.numpy(),),
        )

    return bind


def _compute(tf: Any, layer: Layer, geometry: Geometry, w: Any, b: Any, *, last: bool) -> Compute:
    """Return the operation; where no padding of TensorFlow's says the crop, it cuts itself."""
    by_hand = False
    try:
        words = TENSORFLOW.words(geometry, layer.groups)
    except Inexpressible:
        by_hand = True
        words = TENSORFLOW.words(
            Geometry.of(
                geometry.input_size, geometry.kernel_size, geometry.stride,
                dilation=geometry.dilation,
            ),
            layer.groups,
        )  # fmt: skip
    size = tuple(words["output_shape"][1:-1])
    pads = words["padding"]
    words |= {"strides": list(geometry.stride), "dilations": list(geometry.dilation)}
    if last:
        words["output_shape"] = (layer.batch, *size, layer.out_channels)
    else:
        words["output_shape"] = (layer.batch, layer.out_channels, *size)
        words["data_format"] = "NCHW"
        if not isinstance(pads, str):
            words["padding"] = [pads[0], pads[-1], *pads[1:-1]]
    transposed = getattr(tf.nn, f"conv{layer.rank}d_transpose")
    cut = [slice(before, before + o)
           for (before, _), o in zip(geometry.crop, geometry.output_size, strict=True)]  # fmt: skip
    cut = [slice(None), *cut] if last else [slice(None), slice(None), *cut]
    missing = [(0, max(-after, 0)) for _, after in geometry.crop]
    missing = [(0, 0), *missing, (0, 0)] if last else [(0, 0), (0, 0), *missing]
    short = bool(np.any(missing))

    def compute(x: Any) -> Any:
        y = transposed(x, w, **words)
        if by_hand:
            y = y[tuple(cut)]
            y = tf.pad(y, missing) if short else y
        if b is None:
            return y
        return y + b if last else tf.nn.bias_add(y, b, "NCHW")

    return compute
