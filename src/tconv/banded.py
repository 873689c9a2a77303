"""Products with a banded matrix along one axis: a run of outputs at a time, as small dense blocks.

Neighbouring outputs read neighbouring inputs. `b` of them are one dense block of their weights, b
outputs by the inputs that any of them reads, and a matrix product with those inputs; where phases
repeat, so does the block. Blocks are kept so small that the BLAS library does not start threads.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tconv.resampling import Resampling

PRODUCT = 2**18  # multiply-adds of one product: up to here OpenBLAS takes one thread
TABLE = 2**20  # weights of blocks laid out at a time
LEAST, WIDE = 4, 32  # outputs in a block: where they are rows, and where they are columns


class Block(NamedTuple):
    """Outputs [output, output + b) of each of `repeats` periods: matrix times inputs."""

    output: int
    input: int
    matrix: NDArray[Any]  # (b, inputs)
    repeats: int
    outputs_on: int  # from one period to the next
    inputs_on: int


def product(
    x: NDArray[Any], axis: Resampling, start: int, stop: int, out: NDArray[Any]
) -> NDArray[Any]:
    """Fill `out` with the outputs [start, stop) of an axis.

    Parameters
    ----------
    x : ndarray, (N, inputs, W)
        The inputs of ``axis.window(start, stop)``.
    axis : Resampling
    start, stop : int
    out : ndarray, (N, stop - start, W)
        May be a view.

    Returns
    -------
    ndarray
        `out`. An output that reads no NaN and no infinity is finite, whatever its neighbours read.
    """
    columns = x.shape[2] == 1
    if columns:  # (1, inputs, N): inputs lie side by side
        x, out_rows = x[..., 0].T[np.newaxis], out[..., 0].T[np.newaxis]
    else:
        out_rows = out
    finite = _finite(x)
    for block in blocks(axis, start, stop, x.dtype, columns, repeat=finite):
        b, read = block.matrix.shape
        chunk = max(PRODUCT // (b * read), 16)
        for first in range(0, x.shape[2], chunk):
            part = slice(first, first + chunk)
            inputs = _periods(x[..., part], block.input, read, block.repeats, block.inputs_on)
            made = _periods(out_rows[..., part], block.output, b, block.repeats, block.outputs_on)
            if not finite and not _finite(inputs):
                _apart(block.matrix, inputs, made)
            elif columns:
                np.matmul(inputs.swapaxes(2, 3), block.matrix.T, out=made.swapaxes(2, 3))
            else:
                np.matmul(block.matrix, inputs, out=made)
    return out


def blocks(
    axis: Resampling, start: int, stop: int, dtype: np.dtype[Any], columns: bool, repeat: bool
) -> Iterator[Block]:
    """Cut outputs [start, stop) into blocks; those of a period are made once where it repeats."""
    b = round(axis.taps / axis.places.step) if axis.places.step else WIDE
    b = min(max(b, WIDE if columns else LEAST), WIDE)
    period = -(-b // axis.period) * axis.period
    low, high = (min(max(end, start), stop) for end in axis.inside)
    repeats = (high - low) // period if repeat else 0
    if repeats < 2:
        yield from _run(axis, start, stop, b, dtype, start)
        return
    end = low + repeats * period
    on = period // axis.period * axis.advance
    if start < low:
        yield from _run(axis, start, low, b, dtype, start)
    for block in _run(axis, low, low + period, b, dtype, start):
        yield block._replace(repeats=repeats, outputs_on=period, inputs_on=on)
    if end < stop:
        yield from _run(axis, end, stop, b, dtype, start)


def _run(
    axis: Resampling, start: int, stop: int, b: int, dtype: np.dtype[Any], origin: int
) -> Iterator[Block]:
    """Yield the blocks of outputs [start, stop), counted from `origin` as their inputs are."""
    before = axis.window(origin, origin + 1)[0]
    step = b * max(TABLE // (b * (axis.taps + int(b * axis.places.step))), 1)
    for first in range(start, stop, step):
        cells, weights = axis.read(first, min(first + step, stop))
        count = len(cells)
        block = np.arange(count) // b
        at = np.minimum.reduceat(cells.min(1), np.arange(0, count, b))
        read = int((cells.max(1) - at[block]).max()) + 1
        flat = (np.arange(count)[:, None] * read + cells - at[block][:, None]).ravel()
        matrix = np.bincount(flat, weights.ravel(), count * read).reshape(count, read)
        matrix = matrix.astype(dtype)
        ends = np.maximum.reduceat(cells.max(1), np.arange(0, count, b)) + 1
        for k, (low, end) in enumerate(zip(at.tolist(), ends.tolist(), strict=True)):
            rows = matrix[k * b : (k + 1) * b, : end - low]
            yield Block(first + k * b - origin, low - before, rows, 1, 0, 0)


def _periods(x: NDArray[Any], at: int, size: int, repeats: int, on: int) -> NDArray[Any]:
    """View (N, cells, W) as (N, repeats, size, W): cells [at, at + size), then `on` further on."""
    n, cell, w = x.strides
    part = x[:, at:]
    return as_strided(part, (len(x), repeats, size, x.shape[2]), (n, on * cell, cell, w))


def _finite(x: NDArray[Any]) -> bool:
    """Tell whether all numbers are finite; also false where their sum overflows."""
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.isfinite(x.sum()))


def _apart(matrix: NDArray[Any], inputs: NDArray[Any], out: NDArray[Any]) -> None:
    """Sum every output's own products, so that no zero meets a NaN or an infinity."""
    with np.errstate(invalid="ignore", over="ignore"):
        for row, weights in enumerate(matrix):
            used = np.flatnonzero(weights)
            out[..., row, :] = np.tensordot(weights[used], inputs[..., used, :], (0, 2))
