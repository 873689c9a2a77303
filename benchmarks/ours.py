"""tconv itself, in the same words as its peers."""

from typing import Any

import numpy as np

import tconv
from benchmarks.layers import Array, Layer
from benchmarks.peers.base import Bind, Bound, Prepare


class Ours:
    """tconv, with its weights packed ahead where it has plans.

    Parameters
    ----------
    reuse : bool
        Whether the output is written into an array made before, as ONNX Runtime and OpenVINO do;
        else every call makes a new one, as PyTorch, TensorFlow and JAX do.
    """

    module = "tconv"

    def __init__(self, *, reuse: bool) -> None:
        self.title = "tconv" if reuse else "tconv, new output"
        self.reuse = reuse

    def version(self) -> str | None:
        """Return tconv's version."""
        return tconv.__version__

    def start(self, threads: int) -> None:
        """Set the number of threads."""
        if hasattr(tconv, "set_num_threads"):
            tconv.set_num_threads(threads)

    def variants(
        self, layer: Layer, weight: Array, bias: Array | None, task: str
    ) -> dict[str, Prepare]:
        """Return the one way to compute this."""
        if task == "training":
            return {"functions": lambda: _training(layer, weight)}
        if hasattr(tconv, "plan"):
            return {"plan": lambda: self._plan(layer, weight, bias)}
        return {"functions": lambda: self._function(layer, weight, bias)}

    def _out(self, layer: Layer, x: Array) -> Array | None:
        size = layer.geometry(x.shape[2:]).output_size
        shape = (layer.batch, layer.out_channels, *size)
        return np.empty(shape, x.dtype) if self.reuse else None

    def _plan(self, layer: Layer, weight: Array, bias: Array | None) -> Bind:
        plan: Any = tconv.plan(weight, bias, **_words(layer))  # type: ignore[attr-defined,unused-ignore]

        def bind(x: Array) -> Bound:
            out = self._out(layer, x)
            return Bound(lambda: plan(x, out=out), _read)

        return bind

    def _function(self, layer: Layer, weight: Array, bias: Array | None) -> Bind:
        words = _words(layer)

        def bind(x: Array) -> Bound:
            out = self._out(layer, x)
            return Bound(lambda: tconv.conv_transpose(x, weight, bias, **words, out=out), _read)

        return bind


def _words(layer: Layer) -> dict[str, Any]:
    return {
        "stride": layer.stride,
        "padding": layer.padding,
        "output_padding": layer.output_padding,
        "groups": layer.groups,
        "dilation": layer.dilation,
    }


def _training(layer: Layer, weight: Array) -> Bind:
    words = _words(layer)
    crop = [
        (pad, pad - more) for pad, more in zip(layer.padding, layer.output_padding, strict=True)
    ]

    def bind(x: Array) -> Bound:
        size = layer.geometry(x.shape[2:]).output_size
        grad = np.ones((layer.batch, layer.out_channels, *size), x.dtype)

        def step() -> tuple[Array, ...]:
            y = tconv.conv_transpose(x, weight, **words)
            dx = tconv.conv(grad, weight, None, layer.stride, crop, layer.dilation, layer.groups)
            return y, dx, tconv.weight_gradient(x, grad, layer.kernel, **words)

        return Bound(step, lambda result: result)

    return bind


def _read(result: Array) -> tuple[Array, ...]:
    return (result,)
