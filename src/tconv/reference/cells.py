"""The small moves on cells and channels that the definitions share."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def cropped(array: NDArray[Any], crop: Iterable[tuple[int, int]]) -> NDArray[Any]:
    """Cut (start, end) cells from the trailing axes; a negative number adds zeros there.

    Examples
    --------
    >>> cropped(np.array([1, 2, 3]), [(1, -2)])
    array([2, 3, 0, 0])
    """
    crop = list(crop)
    lead = array.ndim - len(crop)
    kept: list[slice] = []
    placed: list[slice] = []
    size: list[int] = []
    for (start, end), n in zip(crop, array.shape[lead:], strict=True):
        first, last = max(start, 0), min(n - end, n)
        kept.append(slice(first, max(last, first)))
        placed.append(slice(first - start, max(last, first) - start))
        size.append(n - start - end)
    source: Any = (..., *kept)
    part: NDArray[Any] = array[source]
    if part.shape[lead:] == tuple(size):
        return part
    whole = np.zeros((*array.shape[:lead], *size), array.dtype)
    if part.size:
        target: Any = (..., *placed)
        whole[target] = part
    return whole


def every(start: Iterable[int], step: Iterable[int], size: Iterable[int]) -> tuple[Any, ...]:
    """Index `size` cells from `start`, `step` apart, along each trailing axis.

    Examples
    --------
    >>> np.arange(10)[every([1], [3], [3])]
    array([1, 4, 7])
    """
    along = zip(start, step, size, strict=True)
    return (..., *(slice(a, a + (n - 1) * b + 1, b) for a, b, n in along))


def by_group(array: NDArray[Any], axis: int, groups: int) -> NDArray[Any]:
    """Split the channels on `axis` into (groups, channels of a group)."""
    shape = array.shape
    return array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
