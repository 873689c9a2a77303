"""The engine's other two faces: the direct convolution, and the gradient of the weight.

What the engine does not do, NumPy does: :func:`tconv.engine.unsupported_reason` tells for all
three.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.dtypes import canonical
from tconv.engine import memory, native
from tconv.engine.packed import (
    REAL,
    Packed,
    as_images,
    as_pairs,
    idle_axes,
    kept,
    readable,
    three,
    unsupported_reason,
    with_images,
)
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.reference import phases, products


class PackedAdjoint(Packed):
    """The same weights, packed for the direct convolution: y (N, C_out, *O) -> x (N, C_in, *I).

    :meth:`run` fills x from y. Weights and bias may change afterwards.
    """

    def _compile(self, *layer: Any, **_words: object) -> Any:
        return native.adjoint_class(self._real)(*layer)

    def _as_real(self, weight: NDArray[Any]) -> NDArray[Any]:
        return super()._as_real(weight.conj())  # the transpose of a product's matrix


def conv(
    y: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute the direct convolution: y (N, C_out, *O) -> (N, C_in, *I)."""
    dtype = canonical(np.result_type(y, weight))
    if unsupported_reason(dtype, geometry) is not None:
        return phases.conv(y, weight, geometry, groups)
    y, geometry = _needed(y, geometry)
    packed = PackedAdjoint(weight.astype(dtype, copy=False), None, geometry, groups)
    x = memory.empty((len(y), len(weight), *geometry.input_size), dtype)
    packed.run(readable(y, dtype), x, packed.crop(geometry))
    return x


def weight_gradient(
    x: NDArray[Any], grad: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute the gradient with respect to the weight, x conjugated: (C_in, C_out/groups, *K).

    NaN and infinity meet the elements that exist, and no zero of a padding.
    """
    gradient = _gradient(x, grad, geometry, groups)
    if products.finite(gradient):
        return gradient
    return products.weight_gradient(x, grad, geometry, groups)


def _gradient(x: NDArray[Any], grad: NDArray[Any], geometry: Geometry, groups: int) -> NDArray[Any]:
    dtype = canonical(np.result_type(x, grad))
    if unsupported_reason(dtype, geometry) is not None:
        return phases.weight_gradient(x, grad, geometry, groups)
    grad, geometry = _needed(grad, geometry)
    c_in, c_out = x.shape[1], grad.shape[1] // groups
    x, grad = readable(x, dtype), readable(grad, dtype)
    if dtype == REAL[dtype]:
        gradient = _real_gradient(x, grad, geometry, groups)
        return gradient.reshape(c_in, c_out, *geometry.kernel_size)
    parts = _real_gradient(as_pairs(x, groups), as_pairs(grad, groups), geometry, groups)
    parts = parts.reshape(groups, 2, c_in // groups, 2, c_out, *geometry.kernel_size)
    made = np.empty((groups, c_in // groups, c_out, *geometry.kernel_size), dtype)
    made.real = parts[:, 0, :, 0] + parts[:, 1, :, 1]
    made.imag = parts[:, 0, :, 1] - parts[:, 1, :, 0]
    return made.reshape(c_in, c_out, *geometry.kernel_size)


def _real_gradient(
    x: NDArray[Any], grad: NDArray[Any], geometry: Geometry, groups: int
) -> NDArray[Any]:
    idle = idle_axes(geometry)
    kernel = kept(geometry.kernel_size, idle)
    gradient = np.empty((x.shape[1], grad.shape[1] // groups, *kernel), x.dtype)
    if idle:
        x, grad = (as_images(with_images(array, idle), idle) for array in (x, grad))
    native.weight_gradient(x.dtype)(
        native.target(), x, grad, gradient, groups,
        three(kept(geometry.stride, idle), 1),
        three(kept(geometry.dilation, idle), 1),
        three(kept(tuple(start for start, _ in geometry.crop), idle), 0),
    )  # fmt: skip
    return gradient


def _needed(y: NDArray[Any], geometry: Geometry) -> tuple[NDArray[Any], Geometry]:
    """Cut a view that must be copied to the cells that are read."""
    if y.flags.c_contiguous:
        return y, geometry
    windows, axes = zip(*map(_window, geometry.axes), strict=True)
    needed: Any = (..., *windows)
    return y[needed], Geometry(axes)


def _window(axis: Axis) -> tuple[slice, Axis]:
    size = axis.output_size
    first = min(max(-axis.crop_start, 0), size - 1)
    end = max(min(axis.full - axis.crop_start, size), first + 1)
    cut = replace(axis, crop_start=axis.crop_start + first, output_size=end - first)
    return slice(first, end), cut
