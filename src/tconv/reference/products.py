"""The operator and its weight gradient one kernel element at a time: only products that exist.

Where inputs or weights are NaN or infinite, a product with a zero of the padding is no zero. The
other ways make such products, as they cost nothing otherwise; these do not. Matrix products over
views do the work, one for every element of the kernel.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.reference.cells import by_group


def finite(array: NDArray[Any]) -> bool:
    """Tell whether an array holds numbers alone, no NaN and no infinity.

    Examples
    --------
    >>> finite(np.array([1, 2])), finite(np.array([1.0, np.nan]))
    (True, False)
    """
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def conv_transpose(
    x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute a transposed convolution: x (N, C_in, *I) -> (N, C_out, *O).

    Examples
    --------
    >>> x, w = np.array([[[1.0, 2.0]]]), np.array([[[np.inf, 1.0, 10.0]]])
    >>> conv_transpose(x, w, Geometry.of(2, 3, stride=2))
    array([[[inf,  1., inf,  2., 20.]]])
    """
    out_channels = weight.shape[1]
    dtype = np.result_type(x, weight)
    y = np.zeros((len(x), groups * out_channels, *geometry.output_size), dtype)
    grouped_x, grouped_y = by_group(x, 1, groups), by_group(y, 1, groups)
    grouped_weight = by_group(weight, 0, groups)
    for tap, inputs, outputs in _elements(geometry):
        rows = np.moveaxis(grouped_x[inputs], 2, -1)  # (N, g, *i, C_in)
        matrices = grouped_weight[tap].reshape(
            groups, *(1,) * (geometry.rank - 1), -1, out_channels
        )
        grouped_y[outputs] += np.moveaxis(rows @ matrices, -1, 2)
    return y


def weight_gradient(
    x: NDArray[Any], grad: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute the sums of x*[i]·grad[i·s + k·d - c0]: (C_in, C_out/groups, *K).

    Examples
    --------
    >>> x, grad = np.array([[[np.nan, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]])
    >>> weight_gradient(x, grad, Geometry.of(2, 3, stride=2, padding=1))
    array([[[20., nan, nan]]])
    """
    in_channels, out_channels = x.shape[1] // groups, grad.shape[1] // groups
    total = np.zeros(
        (groups, in_channels, out_channels, *geometry.kernel_size), np.result_type(x, grad)
    )
    grouped_x, grouped_grad = by_group(x, 1, groups), by_group(grad, 1, groups)
    for tap, inputs, outputs in _elements(geometry):
        left = np.moveaxis(grouped_x[inputs], 0, 2).reshape(groups, in_channels, -1).conj()
        right = np.moveaxis(grouped_grad[outputs], 0, 2).reshape(groups, out_channels, -1)
        total[tap] = left @ right.swapaxes(1, 2)
    return total.reshape(groups * in_channels, out_channels, *geometry.kernel_size)


def _elements(geometry: Geometry) -> Iterator[tuple[Any, Any, Any]]:
    """Index each kernel element, the inputs whose products land, and the outputs they land on."""
    for tap in np.ndindex(geometry.kernel_size):
        ranges = [_landing(axis, k) for axis, k in zip(geometry.axes, tap, strict=True)]
        if all(ranges):
            inputs, outputs = [], []
            for axis, k, some in zip(geometry.axes, tap, ranges, strict=True):
                start = some.start * axis.stride + k * axis.dilation - axis.crop_start
                inputs.append(slice(some.start, some.stop))
                outputs.append(slice(start, start + (len(some) - 1) * axis.stride + 1, axis.stride))
            yield (..., *tap), (..., *inputs), (..., *outputs)


def _landing(axis: Axis, k: int) -> range:
    """Return the inputs whose product with kernel element `k` lands in the output."""
    before = axis.crop_start - k * axis.dilation
    first = max(-(-before // axis.stride), 0)
    return range(
        first, max(min((before + axis.output_size - 1) // axis.stride + 1, axis.input_size), first)
    )
