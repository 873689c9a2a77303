"""Arrays that begin at a cache line, so that vectors of the engine do not lie across two."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE = 64
WORTH = 1 << 14  # bytes from which on it pays


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array of that shape, aligned to a cache line if it is not small; NumPy's are not.

    Examples
    --------
    >>> empty((40, 200), np.dtype(np.float32)).ctypes.data % LINE
    0
    """
    size = prod(shape) * dtype.itemsize
    if size < WORTH:
        return np.empty(shape, dtype)
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % LINE
    return memory[start : start + size].view(dtype).reshape(shape)
