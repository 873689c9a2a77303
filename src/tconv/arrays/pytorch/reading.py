"""A layer's words, sizes and places, read from what a call on tensors says."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from tconv.arrays.pytorch.memory import Shape
from tconv.arrays.pytorch.weights import Reuse
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.layer import Layer
from tconv.geometry.padding import conv_axis_of
from tconv.geometry.parameters import Padding, is_plain, padding_per_axis


def read_layer(*words: Any) -> Layer:
    """Read a layer's parameters; a compiler follows how, and would warn of what is kept."""
    return Layer.read(*words) if torch.compiler.is_compiling() else Layer.of(*words)


def read(*words: Any) -> tuple[Layer, Shape, Shape]:
    """Return a layer, the size of its output, and the start crop, from words and input size."""
    if torch.compiler.is_compiling() or not is_plain(words):
        return _placed(words)
    return _kept(words)


def _placed(words: Any) -> tuple[Layer, Shape, Shape]:
    *parameters, input_size, output_size = words
    layer = read_layer(*parameters)
    return layer, *layer.placed(input_size, output_size)


_kept = lru_cache(4096)(_placed)


def geometry_of(x: Tensor, layer: Layer, size: Shape, crop: Shape) -> Geometry:
    """Return the geometry of a call, from the size of its output and its start crop."""
    place = layer.kernel_size, layer.stride, layer.dilation, crop, size
    return Geometry(tuple(map(Axis, x.shape[-layer.rank :], *place)))


def place_direct(layer: Layer, padding: Padding, input_size: Shape) -> tuple[Shape, Shape]:
    """Return the size of a direct convolution's result, and the cells put before its input."""
    sizes, before = [], []
    pads = padding_per_axis(padding, layer.rank)
    each = zip(input_size, layer.kernel_size, layer.stride, layer.dilation, strict=True)
    for index, (i, k, s, d) in enumerate(each):
        axis = conv_axis_of(i, k, s, d, pads if isinstance(pads, str) else pads[index])
        sizes.append(axis.input_size)
        before.append(axis.crop_start)
    return tuple(sizes), tuple(before)


def place_gradient(x: Shape, grad: Shape, layer: Layer) -> Shape | None:
    """Return the start crop of a layer, None where these are no input and output of it."""
    rank = layer.rank
    if len(x) != len(grad) or len(x) not in (rank + 1, rank + 2) or 0 in x[-rank - 1 :]:
        return None
    size, crop = layer.placed(tuple(x[-rank:]))
    channels = x[-rank - 1], grad[-rank - 1]
    fits = tuple(grad[-rank:]) == size and grad[: -rank - 1] == x[: -rank - 1]
    return crop if fits and all(c > 0 and c % layer.groups == 0 for c in channels) else None


def reuse_of(weight: Tensor, bias: Tensor | None) -> Reuse:
    """Return whether packed weights are worth keeping: not while they learn."""
    learns = weight.requires_grad or (bias is not None and bias.requires_grad)
    return "never" if learns and torch.is_grad_enabled() else "compared"
