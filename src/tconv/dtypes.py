"""Dtypes: which hold numbers, what these are computed in, and how one dtype is spelled."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Dtype = np.dtype[Any]
INTEGER = np.dtype(np.int64)
SMALL = (np.dtype(np.float32), np.dtype(np.complex64))  # what smaller floats are computed in
ADDED = 2  # what `isbuiltin` says of a dtype that a library has added to NumPy's


def canonical(dtype: Dtype) -> Dtype:
    """Return the one dtype object of a number, however an array spells it.

    Zarr spells the native byte order out; a pickled array brings a dtype of its own; others carry
    metadata. These are equal, but the buffers they give name their format differently.

    Examples
    --------
    >>> canonical(np.dtype("f4").newbyteorder("<")) is canonical(np.dtype(">f4")) is np.dtype("f4")
    True
    """
    return np.dtype(dtype.type)


def spelled(array: NDArray[Any], dtype: Dtype) -> NDArray[Any]:
    """Return an array of an equal dtype as a view in just this one."""
    return array if array.dtype is dtype else array.view(dtype)


@lru_cache
def work_dtype(dtype: Dtype) -> Dtype | None:
    """Return what numbers of a dtype are computed in, None if they are none.

    Integers are computed in int64, floats and complex numbers below 32 bits a part in these: also
    those of ml_dtypes, which are known by what they can be cast to.

    Examples
    --------
    >>> work_dtype(np.dtype("uint8")), work_dtype(np.dtype("float16")), work_dtype(np.dtype("M8"))
    (dtype('int64'), dtype('float32'), None)
    """
    if dtype.isbuiltin == ADDED:
        return next((wide for wide in (INTEGER, *SMALL) if np.can_cast(dtype, wide)), None)
    if dtype.kind in "iu":
        return INTEGER
    if dtype.kind not in "fcO":
        return None
    return SMALL[0] if dtype.itemsize < SMALL[0].itemsize else canonical(dtype)


@lru_cache
def common_dtypes(*given: Dtype | None) -> tuple[Dtype, Dtype]:
    """Return the dtype of the result and of the work on arrays of these dtypes."""
    dtypes = [dtype for dtype in given if dtype is not None]
    if all(work_dtype(dtype) == INTEGER for dtype in dtypes):
        return INTEGER, INTEGER
    try:
        result = canonical(np.result_type(*dtypes))
    except TypeError:
        names = " and ".join(dict.fromkeys(map(str, dtypes)))
        raise TypeError(
            f"{names} have no common dtype; convert the arrays to one of them or to float32"
        ) from None
    return result, work_dtype(result) or result


def lacks_zero(dtype: Dtype) -> bool:
    """Tell whether a float has neither zero nor a sign, as the scales of block formats have not."""
    if dtype.isbuiltin != ADDED or work_dtype(dtype) != SMALL[0]:
        return False
    return bool((np.array([0, -1], np.float32).astype(dtype) != [0, -1]).any())
