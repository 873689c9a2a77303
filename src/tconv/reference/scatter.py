"""Stamps: every input cell stamps the kernel, times its value, onto the output; stamps add."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.checks import check_scratch
from tconv.geometry import Geometry
from tconv.reference.cells import by_group, cropped, every


def scatter(
    x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute by stamps.

    Input cell i adds ``x[i]·w`` to the cells i·s, i·s + d, …, i·s + d·(K-1) of the full output,
    which is then cropped.

    Examples
    --------
    >>> x, ones = np.array([[[1, 2]]]), np.ones((1, 1, 3), int)
    >>> scatter(x, ones, Geometry.of(2, 3, stride=2))
    array([[[1, 1, 3, 2, 2]]])
    """
    x, weight = by_group(x, 1, groups), by_group(weight, 0, groups)
    out_channels = weight.shape[2]
    dtype, shape = np.result_type(x, weight), (len(x), groups, out_channels, *geometry.full)
    check_scratch(dtype, shape)
    full = np.zeros(shape, dtype)
    for position in np.ndindex(geometry.input_size):
        stamp = np.einsum("ngc,gco...->ngo...", x[(..., *position)], weight)
        start = (i * s for i, s in zip(position, geometry.stride, strict=True))
        full[every(start, geometry.dilation, geometry.kernel_size)] += stamp
    full = full.reshape(len(x), groups * out_channels, *geometry.full)
    return cropped(full, geometry.crop)
