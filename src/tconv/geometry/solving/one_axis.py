"""One axis solved alone: what fits, the least surprising first, found one by one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import islice
from math import gcd, isqrt
from typing import TypeVar

from tconv.geometry.parameters import LARGEST
from tconv.geometry.solving.fit import Fit
from tconv.geometry.solving.known import STRIDES, Known
from tconv.geometry.solving.reasons import Measure, is_even, measure, stride_order, usual_kernels

CANDIDATES_AT_MOST = 10_000
DIVISORS_BELOW = 20_000  # and the divisors they belong to
SORTED_AT_MOST = 512  # fits of one stride, where their order must be found by sorting

Sizes = tuple[int, int, int]  # input size, output size, stride
Candidate = TypeVar("Candidate")


class _SpentError(Exception):
    """Enough candidates were looked at."""


class Search:
    """The fits of one axis, in the order of :data:`~tconv.geometry.solving.reasons.REASONS`.

    First only what people use is looked at: the stride nearest to the ratio of the sizes, usual
    kernels, no dilation, crops that differ by one cell at most. Where that gives an answer that
    reads every input and reaches every output, others would only hide it.

    Parameters
    ----------
    known : Known
        With an input or an output size.
    everything : bool
        Whether to look at everything within the bounds in any case.
    candidates : int
        How many are looked at, at most.

    Attributes
    ----------
    wide, stopped : bool
        Whether everything within the bounds was looked at, and whether that stopped early.

    Examples
    --------
    >>> from tconv.geometry.solving.known import known_axes
    >>> search = Search(known_axes(input_size=7, output_size=15)[0])
    >>> fit = next(iter(search))
    >>> fit.kernel_size, fit.stride, fit.padding, fit.output_padding
    (4, 2, 1, 1)
    """

    def __init__(
        self, known: Known, everything: bool = False, candidates: int = CANDIDATES_AT_MOST
    ) -> None:
        self.known = known
        self.wide = everything
        self.stopped = False
        self._candidates = candidates
        self._left = 0

    def __iter__(self) -> Iterator[Fit]:
        if not self.wide:
            usual = self._ordered()
            first = next(usual, None)
            if first and not first.unread.count and not first.unreached.count:
                yield first
                yield from usual
                return
            self.wide = True
        yield from self._ordered()

    def _ordered(self) -> Iterator[Fit]:
        blemished = defaultdict(list)
        self.stopped = False
        for even in (True, False):
            self._left = self._candidates // 2
            try:
                for fit in self._fits(even):
                    flags = fit.unread.count > 0, fit.unreached.count > 0
                    if any(flags):
                        blemished[(*flags, not even)].append(fit)
                    else:
                        yield fit
            except _SpentError:
                self.stopped = True
        for _, fits in sorted(blemished.items()):
            yield from fits

    def _fits(self, even: bool) -> Iterator[Fit]:
        """Yield every fit whose overlap is even, or every other, in the order of the later reasons.

        Even or not is settled before anything is tried: with k a multiple of s, coprime to d.
        """
        for i, o, s in self._sizes(even):
            for d in self._dilations(i, o, s):
                if not even or d == 1 or gcd(s, d) == 1:
                    if self.known.padding is None:
                        yield from self._padded(i, o, s, d, even)
                    else:
                        given = self._given_padding(i, o, s, d, even)
                        yield from sorted(islice(given, SORTED_AT_MOST), key=measure)
                        self.stopped |= next(given, None) is not None

    # Sizes and strides ------------------------------------------------------------------------

    def _sizes(self, even: bool) -> Iterable[Sizes]:
        """Yield sizes and strides, the stride nearest to the ratio of the sizes first."""
        i, o = self.known.input_size, self.known.output_size
        if i is not None and o is not None:
            return self._counted((i, o, s) for s in self._strides(i, o, even))
        strides = [self.known.stride] if self.known.stride else range(1, STRIDES + 1)
        streams = [self._completed(i, o, s) for s in strides]
        return self._counted(merge(*streams, key=_stride_order))

    def _strides(self, i: int, o: int, even: bool) -> Iterable[int]:
        known = self.known
        if known.stride is not None:
            return [known.stride]
        low, high = known.strides(i, o)
        if known.padding == "same":
            return [o // i] if o % i == 0 else []
        if not self.wide:
            near = (1,) if i == 1 else (max(o // i, 1), o // i + 1)
            return [min(near, key=lambda s: stride_order(i, o, s))]
        if even and known.kernel_size is not None:
            usable = (s for s in _divisors(known.kernel_size) if low <= s <= high)
            return sorted(usable, key=lambda s: stride_order(i, o, s))
        centre = 1 if i == 1 else o // i
        return _outward(low, high, centre, lambda s: stride_order(i, o, s))

    def _completed(self, i: int | None, o: int | None, s: int) -> Iterator[Sizes]:
        """Yield the sizes that one size leaves open, those with O nearest to I·s first."""
        least, most = self.known.reach(s, self.known.dilation or 1)
        if self.known.kernel_size is None and self.known.padding is None:
            least, most = max(least, 0), min(most, 2 * s)
        if i is not None:
            low, high = max((i - 1) * s + least, 1), min((i - 1) * s + most, LARGEST)
            for size in _outward(low, high, i * s, lambda size: stride_order(i, size, s)):
                yield i, size, s
        elif o is not None:
            low, high = 1 - (most - o) // s, min((o - least) // s + 1, LARGEST)
            several = _outward(max(low, 2), high, o // s, lambda size: stride_order(size, o, s))
            single = [1] if low <= 1 <= high else []  # ordered by its stride alone
            for size in merge(several, single, key=lambda size: stride_order(size, o, s)):
                yield size, o, s

    def _dilations(self, i: int, o: int, s: int) -> Iterable[int]:
        known = self.known
        k, margin = known.kernel_size, o - (i - 1) * s
        if known.dilation is not None:
            return [known.dilation]
        sizes_known = known.input_size is not None and known.output_size is not None
        if k is None or k == 1 or not sizes_known or not self.wide:
            return [1]
        reach = known.largest_kernel(margin, s)
        first = 1
        if known.padding is None:  # ke + output_padding is at least the margin
            first = max(min(-((s - margin) // (k - 1)), -(-margin // k)), 1)
        return self._counted(range(first, max((reach - 1) // (k - 1), first) + 1))

    # Kernel, padding and output_padding -------------------------------------------------------

    def _padded(self, i: int, o: int, s: int, d: int, even: bool) -> Iterator[Fit]:
        """Yield fits with every padding up to ke - 1, the crops most alike first."""
        least, most = self.known.extras(s, d)
        margin = o - (i - 1) * s
        for apart in self._counted(self._lopsided(least, most)):
            for k in self._counted(self._kernels(margin, s, d, even)):
                ke = d * (k - 1) + 1
                cut = ke - margin  # before + after - output_padding
                if apart is None:
                    before, after, extra = cut // 2, cut - cut // 2, 0
                    fits = cut % 2 and before >= 0
                else:
                    extra = 2 * apart + cut % 2
                    before = after = (cut + extra) // 2
                    fits = least <= extra <= most and before >= 0
                if fits and after < ke and after <= LARGEST:
                    yield Fit(i, o, k, s, d, before, after, extra)

    def _lopsided(self, least: int, most: int) -> Iterator[int | None]:
        """Yield halves of output_padding; None, after 0, stands for unequal padding without it."""
        if not self.wide and self.known.output_padding is None:
            most = min(most, 1)
        for apart in range(least // 2, most // 2 + 1):
            yield apart
            if apart == 0 and least == 0:
                yield None

    def _given_padding(self, i: int, o: int, s: int, d: int, even: bool) -> Iterator[Fit]:
        known = self.known
        least, most = known.extras(s, d)
        margin = o - (i - 1) * s
        for k in self._counted(self._kernels(margin, s, d, even)):
            ke = d * (k - 1) + 1
            if known.padding == "half" and ke % 2 == 0:
                continue
            before, after = known.pads(k, s, d)
            extra = margin - ke + before + after
            if least <= extra <= most and max(-before, before, -after, after) <= LARGEST:
                yield Fit(i, o, k, s, d, before, after, extra)

    def _kernels(self, margin: int, s: int, d: int, even: bool) -> Iterator[int]:
        """Yield the kernels that can fit, those that people use first, then the smaller."""
        low, high = self.known.kernels(margin, s, d)
        low, high = max(-((1 - low) // d) + 1, 1), min((high - 1) // d + 1, LARGEST)
        if self.known.kernel_size is not None:
            low, high = max(low, self.known.kernel_size), min(high, self.known.kernel_size)
        if not even and s == 1:
            return
        usual = usual_kernels(s)
        for k in dict.fromkeys(usual):
            if low <= k <= high and is_even(k, s, d) == even:
                yield k
        if not self.wide and self.known.kernel_size is None:
            # without a stride, nothing else reaches so far
            low, high = max(low, margin), min(high, margin if s == d == 1 else 0)
        step = s if even else 1
        others = range(-(-low // step) * step, high + 1, step)
        descending = isinstance(self.known.padding, tuple)  # the least output_padding first
        for k in reversed(others) if descending else others:
            if k not in usual and (even or not is_even(k, s, d)):
                yield k

    def _counted(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        for candidate in candidates:
            if not self._left:
                raise _SpentError
            self._left -= 1
            yield candidate


def _stride_order(sizes: Sizes) -> Measure:
    return stride_order(*sizes)


def _outward(low: int, high: int, centre: int, key: Callable[[int], Measure]) -> Iterator[int]:
    """Yield the integers of [low, high] by a key that grows on either side of the centre."""
    down = min(max(centre, low - 1), high)
    up = down + 1
    while low <= down or up <= high:
        if up > high or (low <= down and key(down) <= key(up)):
            yield down
            down -= 1
        else:
            yield up
            up += 1


def _divisors(number: int) -> set[int]:
    """Return the divisors of a number, those of very large numbers as far as they are small."""
    small = [n for n in range(1, min(isqrt(number), DIVISORS_BELOW) + 1) if number % n == 0]
    return {*small, *(number // n for n in small)}
