"""The gradient of a direct convolution with respect to its input: product, then fold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.checks import check_scratch
from tconv.geometry import Geometry
from tconv.reference.cells import by_group, cropped, every


def gradient(
    x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute as back-propagation through a direct convolution whose output gradient is ``x``.

    Each output i of that convolution read the cells i·s + k·d of its padded input through w[k].
    The product with every kernel element comes first, as columns; then each column is folded back
    (added) onto the cells it came from, and the padding's own gradient is dropped. That convolution
    has the weight ``w*``: the gradient of a complex one conjugates, and so gives ``x·w`` again.

    Examples
    --------
    >>> x, w = np.array([[[1, 2]]]), np.array([[[1, 10, 100]]])
    >>> gradient(x, w, Geometry.of(2, 3, stride=2, padding=1))
    array([[[ 10, 102,  20]]])
    """
    x, weight = by_group(x, 1, groups), by_group(weight, 0, groups)
    taps = list(np.ndindex(geometry.kernel_size))
    kernel = weight.reshape(*weight.shape[:3], len(taps))
    shape = (len(x), groups, weight.shape[2], *geometry.full)
    check_scratch(np.result_type(x, weight), shape, (len(taps), *shape[:3], *geometry.input_size))
    columns = np.einsum("ngc...,gcok->kngo...", x, kernel)
    padded = np.zeros(shape, columns.dtype)
    for column, tap in zip(columns, taps, strict=True):
        start = (k * d for k, d in zip(tap, geometry.dilation, strict=True))
        padded[every(start, geometry.stride, geometry.input_size)] += column
    return cropped(padded.reshape(len(x), groups * weight.shape[2], *geometry.full), geometry.crop)
