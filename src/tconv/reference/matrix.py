"""The convolution matrix, written out, transposed, times the flattened input."""

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tconv.checks import check_scratch
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def matrix(
    x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute as ``C.T @ x`` with C the matrix of the direct convolution.

    Examples
    --------
    >>> x, w = np.array([[[1, 2]]]), np.array([[[1, 10, 100]]])
    >>> matrix(x, w, Geometry.of(2, 3, stride=2))
    array([[[  1,  10, 102,  20, 200]]])
    """
    c = _written(x, weight, geometry, groups)
    y: NDArray[Any] = (c.T @ _flat(x)).T
    return y.reshape(len(x), weight.shape[1] * groups, *geometry.output_size)


def conv(
    y: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute the convolution whose adjoint has this geometry, as ``C @ y``.

    Examples
    --------
    >>> y, w = np.array([[[1, 2, 3, 4, 5]]]), np.array([[[1, 10, 100]]])
    >>> conv(y, w, Geometry.of(2, 3, stride=2))
    array([[[321, 543]]])
    """
    c = _written(y, weight, geometry, groups)
    x: NDArray[Any] = (c @ _flat(y)).T
    return x.reshape(len(y), len(weight), *geometry.input_size)


def sparse(weight: NDArray[Any], geometry: Geometry, groups: int = 1) -> "csr_array":
    """Return the convolution matrix as ``scipy.sparse.csr_array``."""
    try:
        from scipy.sparse import coo_array
    except ImportError:
        raise ImportError(
            "the convolution matrix needs SciPy: pip install 'tconv[matrix]'"
        ) from None
    values, rows, columns, shape = entries(weight, geometry, groups)
    return coo_array((values, (rows, columns)), shape=shape).tocsr()


def dense(weight: NDArray[Any], geometry: Geometry, groups: int = 1) -> NDArray[Any]:
    """Return the convolution matrix as an array."""
    values, rows, columns, shape = entries(weight, geometry, groups)
    check_scratch(weight.dtype, shape)
    table = np.zeros(shape, weight.dtype)
    table[rows, columns] = values
    return table


def entries(
    weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], tuple[int, int]]:
    """Return the matrix as (values, rows, columns) and its shape.

    Row (c_in, i), column (c_out, o) holds w[c_in, c_out, k] where i·s + k·d - c0 = o.
    """
    products = (geometry.products, *weight.shape[:2])
    pairs = zip(geometry.input_size, geometry.kernel_size, strict=True)
    check_scratch(np.dtype(np.int64), (3, *products), *((4, *pair) for pair in pairs))
    inputs, taps, outputs = zip(*map(_triples, geometry.axes), strict=True)
    row = np.ravel_multi_index(np.ix_(*inputs), geometry.input_size)
    column = np.ravel_multi_index(np.ix_(*outputs), geometry.output_size)
    in_channels, out_channels = weight.shape[:2]
    c, o = np.ix_(range(in_channels), range(out_channels))
    group = c // (in_channels // groups)
    values = weight[np.ix_(range(in_channels), range(out_channels), *taps)]
    cells_in, cells_out = prod(geometry.input_size), prod(geometry.output_size)
    spatial = (..., *(np.newaxis,) * geometry.rank)
    rows = np.broadcast_to((c * cells_in)[spatial] + row, values.shape)
    columns = ((group * out_channels + o) * cells_out)[spatial] + column
    shape = (in_channels * cells_in, out_channels * groups * cells_out)
    return values.ravel(), rows.ravel(), columns.ravel(), shape


def _written(x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int) -> Any:
    exact = object in (x.dtype, weight.dtype)
    return (dense if exact else sparse)(weight, geometry, groups)


def _flat(x: NDArray[Any]) -> NDArray[Any]:
    return x.reshape(len(x), prod(x.shape[1:])).T


def _triples(axis: Axis) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    i, k = np.indices((axis.input_size, axis.kernel_size)).reshape(2, -1)
    o = i * axis.stride + k * axis.dilation - axis.crop_start
    lands = (o >= 0) & (o < axis.output_size)
    return i[lands], k[lands], o[lands]
