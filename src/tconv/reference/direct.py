"""The direct convolution (cross-correlation) that deep learning calls convolution."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.checks import check_scratch
from tconv.geometry import Geometry
from tconv.reference.cells import by_group, cropped, every


def direct(
    x: NDArray[Any],
    weight: NDArray[Any],
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Iterable[tuple[int, int]],
    groups: int = 1,
) -> NDArray[Any]:
    """Compute ``y[i] = sum over k of x[i·s + k·d - before]·w[k]``.

    ``x`` is (N, C_in, *I), ``weight`` (C_out, C_in/groups, *K); negative padding cuts cells.

    Examples
    --------
    >>> x, w = np.array([[[1, 2, 3, 4]]]), np.array([[[1, 0, 2]]])
    >>> direct(x, w, stride=[1], dilation=[1], padding=[(0, 1)])
    array([[[ 7, 10,  3]]])
    """
    crop = [(-before, -after) for before, after in padding]
    padded = (n - sum(ends) for n, ends in zip(x.shape[2:], crop, strict=True))
    check_scratch(x.dtype, (*x.shape[:2], *padded))
    x = cropped(x, crop)
    kernel = weight.shape[2:]
    along = zip(x.shape[2:], kernel, stride, dilation, strict=True)
    size = tuple((i - d * (k - 1) - 1) // s + 1 for i, k, s, d in along)
    x, weight = by_group(x, 1, groups), by_group(weight, 0, groups)
    total = np.zeros((*x.shape[:2], weight.shape[1], *size), np.result_type(x, weight))
    for tap in np.ndindex(kernel):
        start = (k * d for k, d in zip(tap, dilation, strict=True))
        read = x[every(start, stride, size)]
        total += np.einsum("ngc...,goc->ngo...", read, weight[(..., *tap)])
    return total.reshape(len(x), groups * weight.shape[1], *size)


def conv(
    y: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute the convolution whose adjoint has this geometry: (N, C_out, *O) to (N, C_in, *I).

    Examples
    --------
    >>> y, w = np.array([[[1, 2, 3, 4, 5]]]), np.array([[[1, 10, 100]]])
    >>> conv(y, w, Geometry.of(2, 3, stride=2))
    array([[[321, 543]]])
    """
    return direct(y, weight, geometry.stride, geometry.dilation, geometry.crop, groups)
