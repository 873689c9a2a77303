"""Products with a banded matrix along one axis: a run of outputs at a time, as small dense blocks.

Neighbouring outputs read neighbouring inputs: `b` of them are one dense block of weights, b outputs
by the inputs that any of them reads, and one matrix product. Where phases repeat, blocks do.
"""

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tconv.engine import get_num_threads
from tconv.interpolation.resampling import Resampling

PRODUCT = 2**18  # multiply-adds of one product: up to here OpenBLAS takes one thread
TOGETHER = 256  # lines of one product where blocks repeat: they should stay in the cache
TABLE = 2**20  # weights of blocks laid out at a time
HELD = 2**22  # weights of blocks that wait for their products
GATHERED = 32  # taps, at most, that are gathered one by one where lines are few
WORK = 2**18  # outputs of one work, where there are so many
WORTH = 2**16  # outputs of one work from which on threads pay: they wake each other for each
INTERLEAVED = 4  # channels, at most, that are resampled where they lie
LEAST, MOST, VECTOR = 4, 64, 16  # outputs in a block; where they lie side by side, of whole vectors


class Block(NamedTuple):
    """Outputs [output, output + b) of each of `repeats` periods: matrix times inputs."""

    output: int
    input: int
    matrix: NDArray[Any]  # (b, inputs)
    repeats: int = 1
    outputs_on: int = 0  # from one period to the next
    inputs_on: int = 0

    def spread(self, channels: int) -> "Block":
        """Return where the block lies if every cell is of so many numbers."""
        return Block(
            self.output * channels, self.input * channels, self.matrix, self.repeats,
            self.outputs_on * channels, self.inputs_on * channels,
        )  # fmt: skip


class Cut(NamedTuple):
    """How outputs are cut into blocks: `repeats` periods from `low` on, and the rest one by one."""

    b: int
    periods: int  # of the phases, in a period of the blocks
    low: int
    repeats: int

    @classmethod
    def of(
        cls, axis: Resampling, start: int, stop: int, beside: bool, lines: int, repeat: bool
    ) -> "Cut":
        """Choose blocks for outputs [start, stop)."""
        b = int(axis.taps / axis.places.step) if axis.places.step else MOST
        b = min(max(b, LEAST), MOST) if axis.taps < TABLE else 1
        if beside:
            b = -(-b // VECTOR) * VECTOR
        periods = -(-b // axis.period)
        if beside and lines < VECTOR and axis.advance:  # so far apart that inputs are a matrix
            read = axis.taps + int(b * axis.places.step) + 1
            periods = max(periods, -(-read // axis.advance))
        low, high = (min(max(end, start), stop) for end in axis.inside)
        repeats = (high - low) // (periods * axis.period) if repeat else 0
        return cls(b, periods, low, repeats)

    def blocks(self, axis: Resampling, start: int, stop: int) -> Iterator[Block]:
        """Yield the blocks; those of a period once where it repeats."""
        if self.repeats < 2:
            yield from _run(axis, start, stop, self.b, start)
            return
        period, low = self.periods * axis.period, self.low
        end = low + self.repeats * period
        yield from _run(axis, start, low, self.b, start)
        for block in _run(axis, low, low + period, self.b, start):
            yield Block(*block[:3], self.repeats, period, self.periods * axis.advance)
        yield from _run(axis, end, stop, self.b, start)


def multiply(
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
    channels = x.shape[2]
    if 1 < channels <= INTERLEAVED and len(x) < VECTOR:  # a sound: its channels are lines
        apart = np.empty((len(x) * channels, out.shape[1], 1), x.dtype)
        multiply(x.swapaxes(1, 2).reshape(len(apart), -1, 1), axis, start, stop, apart)
        out[...] = apart.reshape(len(x), channels, -1).swapaxes(1, 2)
        return out
    beside = channels <= INTERLEAVED  # inputs, of all channels, lie side by side: N lines of them
    lines = len(x) if beside else channels
    if beside:
        x, out = x.reshape(len(x), -1, 1), out.reshape(len(x), -1, 1)
    finite = _finite(x)
    cut = Cut.of(axis, start, stop, beside, lines, finite)
    if finite and beside and lines < VECTOR and cut.repeats < 2 and axis.taps <= GATHERED:
        _gather(x, axis, start, stop, out)
        return out
    works: list[partial[None]] = []
    held = 0
    for block in cut.blocks(axis, start, stop):
        matrix = block.matrix.astype(x.dtype)
        if beside and channels > 1:
            matrix = np.kron(matrix, np.eye(channels, dtype=x.dtype))
            block = block.spread(channels)
        b, read = matrix.shape
        inputs = _periods(x, block.input, read, block.repeats, block.inputs_on)
        made = _periods(out, block.output, b, block.repeats, block.outputs_on)
        if beside:  # (periods, lines, inputs), or (lines, periods, inputs) where they are few
            few = lines < VECTOR and block.inputs_on >= read
            order = (0, 1, 2) if few else (1, 0, 2)
            inputs, made = inputs[..., 0].transpose(order), made[..., 0].transpose(order)
            matrix = np.ascontiguousarray(matrix.T)
        chunk = max(PRODUCT // (b * read), VECTOR)
        if beside:
            most = min(chunk, TOGETHER) if block.repeats > 1 else chunk
            for part in _parts(inputs.shape[1], most):
                works.append(partial(_beside, matrix, inputs[:, part], made[:, part], finite))
        else:
            periods = max(WORK // (len(x) * b * min(chunk, lines)), 1)
            for some, part in product(_parts(block.repeats, periods), _parts(lines, chunk)):
                ends = inputs[:, some, :, part], made[:, some, :, part]
                works.append(partial(_above, matrix, *ends, finite))
        held += matrix.size
        if held > HELD:
            _do(works, out.size)
            works, held = [], 0
    _do(works, out.size)
    return out


def _run(axis: Resampling, start: int, stop: int, b: int, origin: int) -> Iterator[Block]:
    """Yield the blocks of outputs [start, stop), counted from `origin` as their inputs are."""
    before = axis.window(origin, origin + 1)[0]
    step = b * max(TABLE // (b * (axis.taps + int(b * axis.places.step))), 1)
    for first in range(start, stop, step):
        cells, weights = axis.read(first, min(first + step, stop))
        count = len(cells)
        lows = np.minimum.reduceat(cells.min(1), np.arange(0, count, b))
        ends = np.maximum.reduceat(cells.max(1), np.arange(0, count, b)) + 1
        read = int((ends - lows).max())
        at = np.arange(count)[:, np.newaxis] * read + cells - lows.repeat(b)[:count, np.newaxis]
        matrix = np.bincount(at.ravel(), weights.ravel(), count * read).reshape(count, read)
        for k, (low, end) in enumerate(zip(lows.tolist(), ends.tolist(), strict=True)):
            rows = matrix[k * b : (k + 1) * b, : end - low]
            yield Block(first + k * b - origin, low - before, rows)


def _gather(x: NDArray[Any], axis: Resampling, start: int, stop: int, out: NDArray[Any]) -> None:
    """Fill out (lines, outputs, 1), every output for itself."""
    before = axis.window(start, start + 1)[0]
    step = max(TABLE // axis.taps, 1)
    for first in range(start, stop, step):
        cells, weights = axis.read(first, min(first + step, stop))
        read = x[:, cells - before, 0]
        part = slice(first - start, first - start + len(cells))
        out[:, part, 0] = np.einsum("lnt,nt->ln", read, weights.astype(x.dtype))


def _periods(x: NDArray[Any], at: int, size: int, repeats: int, on: int) -> NDArray[Any]:
    """View (N, cells, W) as (N, repeats, size, W): cells [at, at + size), then `on` further on."""
    n, cell, w = x.strides
    return as_strided(x[:, at:], (len(x), repeats, size, x.shape[2]), (n, on * cell, cell, w))


def _above(matrix: NDArray[Any], inputs: NDArray[Any], out: NDArray[Any], finite: bool) -> None:
    """Fill out (…, b, W) from inputs (…, inputs, W) and a matrix (b, inputs)."""
    if finite or _finite(inputs):
        np.matmul(matrix, inputs, out=out)
        return
    with np.errstate(invalid="ignore", over="ignore"):
        for row, weights in enumerate(matrix):  # so that no zero meets a NaN or an infinity
            used = np.flatnonzero(weights)
            out[..., row, :] = np.tensordot(weights[used], inputs[..., used, :], (0, -2))


def _beside(matrix: NDArray[Any], inputs: NDArray[Any], out: NDArray[Any], finite: bool) -> None:
    """Fill out (…, lines, b) from inputs (…, lines, inputs) and a matrix (inputs, b)."""
    if finite:
        np.matmul(inputs, matrix, out=out)
    else:
        _above(matrix.T, inputs.swapaxes(-1, -2), out.swapaxes(-1, -2), finite)


def _finite(x: NDArray[Any]) -> bool:
    """Tell whether all numbers are finite; also false where their sum overflows."""
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.isfinite(x.sum()))


def _parts(size: int, most: int) -> list[slice]:
    return [slice(first, first + most) for first in range(0, size, most)]


def _do(works: list[partial[None]], outputs: int) -> None:
    """Do the works, each thread every so many; `outputs` is what they come to."""
    wanted = get_num_threads() if outputs >= WORTH * len(works) else 1
    threads = max(min(wanted, len(works)), 1)

    def some(first: int) -> None:
        for work in works[first::threads]:
            work()

    if threads == 1:
        some(0)
        return
    from concurrent.futures import ThreadPoolExecutor  # dear to import, and rarely needed

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(some, range(threads)))
