"""The operators on the CPU: tensors (N, C, *) in and out, computed by the engine.

Each is one of the three maps of the trilinear form
``sum of x[i]·w[k]·y[o] over i·s + k·d - c0 = o``; numbers are multiplied as they are, complex ones
too. `size` is that of the result, without batch and channels.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import torch
from numpy.typing import NDArray
from torch import Tensor

from tconv import engine
from tconv.arrays.pytorch.memory import DTYPES, WORK, Shape, as_array, empty, is_channels_last
from tconv.arrays.pytorch.threads import hosted
from tconv.arrays.pytorch.weights import Reuse, packed
from tconv.engine import memory
from tconv.engine.activations import Activation
from tconv.engine.adjoint import PackedAdjoint
from tconv.engine.arithmetic import Arithmetic, get_arithmetic
from tconv.engine.packed import AXES, Packed, three, unsupported_reason
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis


class Call(NamedTuple):
    """What calls of one shape have in common."""

    geometry: Geometry
    crop: Shape  # as the engine takes it
    packs: bool  # whether the engine packs weights for it


@lru_cache(4096)
def call_of(
    input_size: Shape,
    weight: Shape,
    output_size: Shape,
    stride: Shape,
    dilation: Shape,
    crop: Shape,
    dtype: torch.dtype,
) -> Call:
    """Return what a call needs, by the sizes of the transposed convolution it belongs to."""
    axes = map(Axis, input_size, weight[2:], stride, dilation, crop, output_size)
    geometry = Geometry(tuple(axes))
    packs = geometry.rank <= AXES and unsupported_reason(DTYPES[dtype], geometry) is None
    return Call(geometry, three(crop, 0) if packs else (), packs)


def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    dilation: Sequence[int],
    crop: Sequence[int],
    size: Sequence[int],
    groups: int,
    reuse: Reuse,
    arithmetic: Arithmetic | None = None,
    activation: str | None = None,
    slope: float = 0.0,
) -> Tensor:
    """Compute a transposed convolution: x (N, C_in, *I) -> (N, C_out, *size)."""
    last = is_channels_last(x, weight)
    y = empty((x.shape[0], weight.shape[1] * groups, *size), x, last)
    if not y.numel():
        return y
    words = weight.shape, tuple(stride), tuple(dilation), groups
    call = call_of(x.shape[2:], words[0], tuple(size), *words[1:3], tuple(crop), x.dtype)
    arithmetic, fused = arithmetic or get_arithmetic(), Activation(activation, slope)
    with hosted:
        if not call.packs:
            made = engine.compute(
                as_array(x), as_array(weight), call.geometry, groups,
                bias=None if bias is None else as_array(bias), arithmetic=arithmetic,
            )  # fmt: skip
            return y.copy_(torch.from_numpy(fused(made)))
        pack = partial(_pack_layer, call.geometry, groups, last, arithmetic, fused)
        layer = packed(weight, bias, (*words, last, arithmetic, fused), reuse, pack)
        return _run(layer, x, y, last, call.crop)


def conv(
    y: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    dilation: Sequence[int],
    crop: Sequence[int],
    size: Sequence[int],
    groups: int,
    reuse: Reuse,
) -> Tensor:
    """Compute a direct convolution: y (N, C_out, *O) -> (N, C_in, *size)."""
    last = is_channels_last(y, weight)
    x = empty((y.shape[0], weight.shape[0], *size), y, last)
    if not x.numel():
        return x
    words = weight.shape, tuple(stride), tuple(dilation), groups
    call = call_of(tuple(size), words[0], y.shape[2:], *words[1:3], tuple(crop), y.dtype)
    with hosted:
        if not call.packs:
            made = engine.conv(as_array(y), as_array(weight), call.geometry, groups)
            if bias is not None:
                made += as_array(bias).reshape(-1, *(1,) * call.geometry.rank)
            return x.copy_(torch.from_numpy(made))
        pack = partial(_pack_adjoint, call.geometry, groups)
        adjoint = packed(weight, bias, ("adjoint", *words), reuse, pack)
        return _run(adjoint, y, x, last, call.crop)


def weight_gradient(
    x: Tensor,
    y: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    crop: Sequence[int],
    groups: int,
) -> Tensor:
    """Compute the third map: x (N, C_in, *I), y (N, C_out, *O) -> (C_in, C_out/groups, *kernel)."""
    w = empty((x.shape[1], y.shape[1] // groups, *kernel), x, last=False)
    if not x.shape[0]:
        return w.zero_()
    sizes = x.shape[2:], tuple(w.shape), y.shape[2:]
    call = call_of(*sizes, tuple(stride), tuple(dilation), tuple(crop), x.dtype)
    with hosted:
        made = engine.weight_gradient(as_array(x.conj()), as_array(y), call.geometry, groups)
    made = torch.from_numpy(made)
    return made if made.dtype == w.dtype else w.copy_(made)


def _pack_layer(
    geometry: Geometry,
    groups: int,
    last: bool,
    arithmetic: Arithmetic,
    activation: Activation,
    weight: NDArray[Any],
    bias: NDArray[Any] | None,
    once: bool,
) -> Packed:
    return Packed(
        weight, bias, geometry, groups, activation, once, channels_last=last, arithmetic=arithmetic
    )


def _pack_adjoint(
    geometry: Geometry, groups: int, weight: NDArray[Any], bias: NDArray[Any] | None, _once: bool
) -> PackedAdjoint:
    return PackedAdjoint(weight, bias, geometry, groups)


def _run(layer: Packed, x: Tensor, y: Tensor, last: bool, crop: Shape) -> Tensor:
    """Fill y from x, where they lie if the engine knows their layout and dtype."""
    if layer.last == last and y.dtype not in WORK:
        layer.run(as_array(x, last), as_array(y, last), crop)
        return y
    n, channels, *_ = y.shape
    array = as_array(x, layer.last)
    size = tuple(y.shape[2:])
    made = memory.empty((n, *size, channels) if layer.last else (n, channels, *size), array.dtype)
    layer.run(array, made, crop)
    result = torch.from_numpy(made)
    return y.copy_(result.movedim(-1, 1) if layer.last else result)
