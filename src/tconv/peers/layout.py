"""From tconv's array layouts to channels-last ones, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def channels_last(x: Array) -> Array:
    """Turn (N, C, *spatial) into (N, *spatial, C)."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def channels_first(y: Array) -> Array:
    """Turn (N, *spatial, C) into (N, C, *spatial)."""
    return np.ascontiguousarray(np.moveaxis(y, -1, 1))


def kernel_last(weight: Array) -> Array:
    """Turn (C_in, C_out/groups, *K) into (*K, C_out/groups, C_in)."""
    return np.ascontiguousarray(np.moveaxis(weight, (0, 1), (-1, -2)))
