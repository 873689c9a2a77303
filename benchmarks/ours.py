"""tconv itself, in the same words as its peers."""

from typing import Any

import numpy as np

import tconv
from benchmarks.layers import Array, Layer
from benchmarks.peers.base import Bind, Bound, Prepare
from tconv.engine.memory import empty  # as tconv itself makes outputs
from tconv.peers.layout import channels_first, channels_last


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
        """Return a plan for either layout; for versions without plans, the function."""
        if task == "training":
            return {"functions": lambda: _training(layer, weight)}
        if hasattr(tconv, "plan"):
            return {
                "channels first": lambda: self._plan(layer, weight, bias),
                "channels last": lambda: self._plan(layer, weight, bias, last=True),
            }
        return {"functions": lambda: self._function(layer, weight, bias)}

    def _out(self, layer: Layer, x: Array, *, last: bool = False) -> Array | None:
        size = layer.geometry(x.shape[2:]).output_size
        shape = (*size, layer.out_channels) if last else (layer.out_channels, *size)
        return empty((layer.batch, *shape), x.dtype) if self.reuse else None

    def _plan(self, layer: Layer, weight: Array, bias: Array | None, *, last: bool = False) -> Bind:
        layout = {"layout": "channels_last"} if last else {}
        plan: Any = tconv.plan(weight, bias, **layer.words, **layout)  # type: ignore[attr-defined,unused-ignore]

        def bind(x: Array) -> Bound:
            out = self._out(layer, x, last=last)
            if last:
                x = channels_last(x)
            return Bound(lambda: plan(x, out=out), _read_last if last else _read)

        return bind

    def _function(self, layer: Layer, weight: Array, bias: Array | None) -> Bind:
        words = layer.words

        def bind(x: Array) -> Bound:
            out = self._out(layer, x)
            return Bound(lambda: tconv.conv_transpose(x, weight, bias, **words, out=out), _read)

        return bind


def _training(layer: Layer, weight: Array) -> Bind:
    words = layer.words
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


def _read_last(result: Array) -> tuple[Array, ...]:
    return (channels_first(result),)
