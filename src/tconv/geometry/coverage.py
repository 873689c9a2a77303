"""What an axis leaves out: outputs that no input reaches, inputs that no output reads.

Both are counted in closed form before any place, so that the n-th one is found by bisection: an
axis of 2**40 cells is looked through as fast as one of four.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from math import gcd

from tconv.geometry.axis import Axis, landing


@dataclass(frozen=True, slots=True)
class Missing:
    """Cells that are left out, of `size` cells.

    Parameters
    ----------
    size : int
    covered_before : callable
        How many of the cells before a place are not left out.
    """

    size: int
    covered_before: Callable[[int], int]

    @property
    def count(self) -> int:
        """How many there are."""
        return self.size - self.covered_before(self.size)

    def first(self, count: int) -> list[int]:
        """List the first of them, so many at most.

        Examples
        --------
        >>> unreached(Axis(input_size=2**40, kernel_size=1, stride=3, output_size=2**41)).first(3)
        [1, 2, 4]
        """
        return list(islice(chain.from_iterable(self.runs()), count))

    def runs(self) -> Iterator[range]:
        """Yield them in order, neighbours together.

        Examples
        --------
        >>> list(unreached(Axis(input_size=2, kernel_size=1, stride=3, output_size=6)).runs())
        [range(1, 3), range(4, 6)]
        """
        end = 0
        while (start := self._next(end)) < self.size:
            end = self._end(start)
            yield range(start, end)

    def last_run(self) -> range:
        """Return the last of :meth:`runs`; there must be one.

        Examples
        --------
        >>> unreached(Axis(input_size=2**40, kernel_size=1, stride=3, output_size=9)).last_run()
        range(7, 9)
        """
        end = _first(lambda n: self._missing(n) == self.count, 0, self.size)
        covered = self.covered_before(end)
        return range(_first(lambda n: self.covered_before(n) == covered, 0, end), end)

    def _missing(self, end: int) -> int:
        return end - self.covered_before(end)

    def _next(self, start: int) -> int:
        """Return the first missing cell from `start` on, or the size."""
        before = self._missing(start)
        if before == self.count:
            return self.size
        return _first(lambda n: self._missing(n) > before, start, self.size) - 1

    def _end(self, start: int) -> int:
        """Return the first cell after `start` that is not missing, or the size."""
        before = self.covered_before(start)
        if self.covered_before(self.size) == before:
            return self.size
        return _first(lambda n: self.covered_before(n) > before, start, self.size) - 1


def unreached(axis: Axis) -> Missing:
    """Return the outputs that no input reaches: holes.

    Examples
    --------
    >>> holes = unreached(Axis(input_size=44, kernel_size=2, stride=2, output_size=89))
    >>> holes.count, list(holes.runs())
    (1, [range(88, 89)])
    """
    crop, whole = axis.crop_start, _reached_before(axis, axis.crop_start)
    return Missing(axis.output_size, lambda n: _reached_before(axis, crop + n) - whole)


def unread(axis: Axis) -> Missing:
    """Return the inputs that no output reads.

    Examples
    --------
    >>> inputs = unread(Axis(input_size=7, kernel_size=3, stride=3, crop_start=3, output_size=15))
    >>> inputs.count, list(inputs.runs())
    (2, [range(0, 1), range(6, 7)])
    """
    i, k, s, d = axis.input_size, axis.kernel_size, axis.stride, axis.dilation
    start, end = axis.crop_start, axis.crop_start + axis.output_size
    if axis.output_size <= d:  # no input stamps so short an output twice
        return Missing(i, lambda n: landing(n, k, s, d, end) - landing(n, k, s, d, start))
    first, stop = axis.input_window(0, axis.output_size)
    return Missing(i, lambda n: min(max(n - first, 0), stop - first))


def _reached_before(axis: Axis, end: int) -> int:
    """Count the different cells i·s + k·d < end of the full output.

    A cell is reached by (i, k) and by (i + d', k - s'), with d' = d/gcd(s, d) and s' = s/gcd(s, d).
    Of its pairs the one with the least k has k < s', or else i >= I - d'.
    """
    i, k, s, d = axis.input_size, axis.kernel_size, axis.stride, axis.dilation
    common = gcd(s, d)
    taps, inputs = s // common, min(d // common, i)
    reached = landing(i, min(k, taps), s, d, end)
    if k > taps:
        reached += landing(inputs, k - taps, s, d, end - (i - inputs) * s - taps * d)
    return reached


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the least n of low … high from which on a condition holds, as it does at high."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
