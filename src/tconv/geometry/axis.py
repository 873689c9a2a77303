"""One axis of a transposed convolution: the normal form that everything in tconv reads from.

With input size I, kernel size K, stride s, dilation d, start crop c0 and output size O::

    y[o] = sum of x[i]·w[k] over all (i, k) with i·s + k·d - c0 = o,   0 <= o < O

Every answer is in closed form, so an axis of 2**40 cells costs no more than one of four.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd

from tconv.geometry.parameters import integer

LISTED_AT_MOST = 2**20


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis in normal form.

    Parameters
    ----------
    input_size, kernel_size, stride, dilation : int
        At least 1.
    crop_start : int
        Cells cut from the start of the full output; negative puts untouched cells before it.
    output_size : int
        Cells kept, at least 1; past the end of the full output they are untouched cells.

    Raises
    ------
    TypeError
        If a parameter is not an integer.
    ValueError
        If it is out of range.

    Examples
    --------
    >>> Axis(input_size=3, kernel_size=3, stride=2, crop_start=1, output_size=5).crop_end
    1
    """

    input_size: int
    kernel_size: int
    stride: int = 1
    dilation: int = 1
    crop_start: int = 0
    output_size: int = 1

    def __post_init__(self) -> None:
        for name in ("input_size", "kernel_size", "stride", "dilation"):
            self._read(name, minimum=1)
        for name in ("crop_start", "output_size"):
            self._read(name)
        if self.output_size < 1:
            raise ValueError(
                f"output size {self.output_size} is too small: full output {self.full} "
                f"less crops {self.crop_start} and {self.crop_end}; crop less"
            )

    def _read(self, name: str, minimum: int | None = None) -> None:
        given = getattr(self, name)
        number = integer(name, given, minimum)
        if number is not given:
            object.__setattr__(self, name, number)

    @property
    def effective_kernel(self) -> int:
        """Cells from a stamp's first tap to its last: d·(K-1) + 1."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def full(self) -> int:
        """Output size before cropping: (I-1)·s + d·(K-1) + 1."""
        return (self.input_size - 1) * self.stride + self.effective_kernel

    @property
    def crop_end(self) -> int:
        """Cells cut from the end of the full output; negative appends untouched cells."""
        return self.full - self.crop_start - self.output_size

    def phase(self, output: int) -> int:
        """Return the phase of an output: (o + c0) mod s."""
        return (output + self.crop_start) % self.stride

    def taps(self, phase: int) -> range:
        """Return the kernel elements that reach a phase: all k with k·d ≡ phase (mod s).

        Examples
        --------
        >>> axis = Axis(input_size=4, kernel_size=5, stride=2, output_size=11)
        >>> [list(axis.taps(phase)) for phase in range(2)]
        [[0, 2, 4], [1, 3]]
        """
        common = gcd(self.stride, self.dilation)
        period = self.stride // common
        if _cell("phase", phase, self.stride) % common:
            return range(0)
        inverse = pow(self.dilation // common, -1, period)
        return range(phase // common * inverse % period, self.kernel_size, period)

    def tap_offsets(self, phase: int) -> range:
        """Return how many inputs back each tap of a phase reads: t = (k·d - phase)/s.

        With u = o + c0 = s·q + phase, output o sums x[q - t]·w[k] over the pairs (k, t).
        """
        taps = self.taps(phase)
        start = (taps.start * self.dilation - phase) // self.stride
        step = self.dilation // gcd(self.stride, self.dilation)
        return range(start, start + step * count(taps), step)

    def tapped_phases(self) -> Iterator[tuple[int, range, range]]:
        """Return the phases that have taps and outputs, each with its taps and their offsets.

        They are the residues k·d mod s, which repeat after s/gcd(s, d) taps: at most K of them,
        however large the stride, and at most O. They come in no particular order.

        Examples
        --------
        >>> axis = Axis(input_size=4, kernel_size=3, stride=2**40, output_size=9)
        >>> [phase for phase, taps, offsets in axis.tapped_phases()]
        [0, 1, 2]
        """
        k, s, d = self.kernel_size, self.stride, self.dilation
        period, step = s // gcd(s, d), d // gcd(s, d)
        if min(s, self.output_size) < min(k, period):
            for output in range(min(s, self.output_size)):
                phase = self.phase(output)
                if taps := self.taps(phase):
                    yield phase, taps, self.tap_offsets(phase)
            return
        for first in range(min(k, period)):
            start, phase = divmod(first * d, s)
            if self.outputs(phase):
                taps = range(first, k, period)
                yield phase, taps, range(start, start + step * count(taps), step)

    def outputs(self, phase: int) -> range:
        """Return the outputs of a phase: every s-th.

        Examples
        --------
        >>> Axis(input_size=4, kernel_size=3, stride=2, crop_start=1, output_size=7).outputs(0)
        range(1, 7, 2)
        """
        first = (_cell("phase", phase, self.stride) - self.crop_start) % self.stride
        return range(first, max(first, self.output_size), self.stride)

    def reads(self, output: int) -> tuple[range, range]:
        """Return the inputs that an output reads and, pair by pair, the kernel elements it uses.

        Examples
        --------
        >>> axis = Axis(input_size=4, kernel_size=3, stride=2, crop_start=1, output_size=7)
        >>> inputs, kernel = axis.reads(3)
        >>> list(zip(inputs, kernel, strict=True))
        [(2, 0), (1, 2)]
        """
        at = _cell("output", output, self.output_size) + self.crop_start
        taps = self.taps(self.phase(output))
        first = _ceil_div(at - (self.input_size - 1) * self.stride, self.dilation)
        last = at // self.dilation
        kernel = _clip(taps, first, last + 1)
        inputs_back = self.dilation // gcd(self.stride, self.dilation)
        start = (at - kernel.start * self.dilation) // self.stride
        return range(start, start - inputs_back * count(kernel), -inputs_back), kernel

    def stamps(self, position: int) -> range:
        """Return the outputs that an input stamps.

        Examples
        --------
        >>> list(Axis(input_size=4, kernel_size=3, stride=2, crop_start=1, output_size=7).stamps(0))
        [0, 1]
        """
        first = _cell("input", position, self.input_size) * self.stride - self.crop_start
        stamp = range(first, first + self.effective_kernel, self.dilation)
        return _clip(stamp, 0, self.output_size)

    def overlap_at(self, output: int) -> int:
        """Return how many products an output sums."""
        return count(self.reads(output)[1])

    def overlap(self) -> tuple[int, ...]:
        """Return how many products each output sums.

        Examples
        --------
        >>> Axis(input_size=4, kernel_size=3, stride=2, output_size=9).overlap()
        (1, 1, 2, 1, 2, 1, 2, 1, 1)
        """
        return tuple(self._counts("overlap"))

    def holes(self) -> tuple[int, ...]:
        """Return the outputs that no input reaches.

        Examples
        --------
        >>> Axis(input_size=3, kernel_size=1, stride=2, output_size=6).holes()
        (1, 3, 5)
        """
        return tuple(o for o, n in enumerate(self._counts("holes")) if n == 0)

    def _counts(self, what: str) -> list[int]:
        """List how many products each output sums, phase by phase."""
        counts = [0 for _ in self.listed(what, self.output_size)]
        for phase, _, offsets in self.tapped_phases():
            outputs = self.outputs(phase)
            q = (outputs.start + self.crop_start) // self.stride
            counts[outputs.start :: self.stride] = self._reached(offsets, q, len(outputs))
        return counts

    def _reached(self, offsets: range, q: int, size: int) -> list[int]:
        """List how many of the offsets t reach an input q - t, for `size` successive q."""
        taps, step = count(offsets), offsets.step
        low, high = q - offsets.start, q - offsets.start - self.input_size
        return [
            max(min(n // step + 1, taps) - max(m // step + 1, 0), 0)
            for n, m in zip(range(low, low + size), range(high, high + size), strict=True)
        ]

    @property
    def taps_per_phase(self) -> tuple[int, int]:
        """Return the fewest and the most taps that any phase has."""
        common = gcd(self.stride, self.dilation)
        period = self.stride // common
        fewest = 0 if common > 1 else self.kernel_size // period
        return fewest, _ceil_div(self.kernel_size, period)

    @property
    def even(self) -> bool:
        """Whether every phase has equally many taps.

        The residues k·d mod s are hit equally often exactly when gcd(s, d) = 1 and s divides K:
        s | K alone is not enough.

        Examples
        --------
        >>> Axis(input_size=4, kernel_size=4, stride=2, output_size=10).even
        True
        >>> Axis(input_size=4, kernel_size=4, stride=2, dilation=2, output_size=13).even
        False
        """
        fewest, most = self.taps_per_phase
        return fewest == most

    @property
    def products(self) -> int:
        """Products of an input and a kernel element that land in the output."""
        sizes = self.input_size, self.kernel_size, self.stride, self.dilation
        end = self.crop_start + self.output_size
        return landing(*sizes, end) - landing(*sizes, self.crop_start)

    @property
    def stretched_pads(self) -> tuple[int, int]:
        """Zeros put before and after the zero-stretched input (negative: cells cut)."""
        margin = self.effective_kernel - 1
        return margin - self.crop_start, margin - self.crop_end

    @property
    def conv_pads(self) -> tuple[int, int]:
        """Zeros that the direct convolution puts before and after its input (negative: cut).

        Alike at both ends where that is the same. Cells past its last window may stay unread, if
        they are too few for one more.

        Examples
        --------
        >>> Axis(3, 3, stride=2, crop_start=1, output_size=6).conv_pads
        (1, 1)
        """
        before, after = self.crop_start, self.crop_end
        if 0 <= before - after < self.stride:
            return before, before
        return before, 0 if -self.stride < after < 0 else after

    @property
    def stretched_products(self) -> int:
        """Products that the zero-stretched direct convolution makes: K an output."""
        return self.kernel_size * self.output_size

    def input_window(self, start: int, stop: int) -> tuple[int, int]:
        """Return the inputs [first, end) that the outputs [start, stop) need (their halo included).

        The smallest such range for dilation 1; with dilation it may hold inputs that only step
        over the window.

        Examples
        --------
        >>> axis = Axis(input_size=9, kernel_size=4, stride=2, crop_start=1, output_size=18)
        >>> axis.input_window(4, 8)
        (1, 5)
        """
        _window("output", start, stop, self.output_size)
        margin = self.effective_kernel - 1
        first = max(_ceil_div(start + self.crop_start - margin, self.stride), 0)
        end = min((stop - 1 + self.crop_start) // self.stride + 1, self.input_size)
        return (first, end) if first < end else (0, 0)

    def output_window(self, start: int, stop: int) -> tuple[int, int]:
        """Return the outputs [first, end) from the first to the last stamp of inputs [start, stop).

        The smallest such range for dilation 1.

        Examples
        --------
        >>> axis = Axis(input_size=9, kernel_size=4, stride=2, crop_start=1, output_size=18)
        >>> axis.output_window(1, 5)
        (1, 11)
        """
        _window("input", start, stop, self.input_size)
        margin = self.effective_kernel - 1
        low = max(_ceil_div(self.crop_start - margin, self.stride), start)
        high = min((self.output_size - 1 + self.crop_start) // self.stride, stop - 1)
        if low > high:
            return 0, 0
        first = max(low * self.stride - self.crop_start, 0)
        end = min(high * self.stride + self.effective_kernel - self.crop_start, self.output_size)
        return first, end

    def tile(self, start: int, stop: int) -> tuple[tuple[int, int], "Axis"]:
        """Return what makes outputs [start, stop) alone: the input window, and its own axis.

        Examples
        --------
        >>> axis = Axis(input_size=9, kernel_size=4, stride=2, crop_start=1, output_size=18)
        >>> window, tile = axis.tile(4, 8)
        >>> window, tile.crop_start, tile.output_size
        ((1, 5), 3, 4)
        """
        first, end = self.input_window(start, stop)
        if first == end:  # all holes: any one input does, none of its stamps land
            first, end = 0, 1
        return (first, end), Axis(
            input_size=end - first,
            kernel_size=self.kernel_size,
            stride=self.stride,
            dilation=self.dilation,
            crop_start=self.crop_start + start - first * self.stride,
            output_size=stop - start,
        )

    def listed(self, what: str, size: int) -> range:
        """Return ``range(size)``, refused where listing it would fill the memory."""
        if size > LISTED_AT_MOST:
            raise ValueError(
                f"{what} would list {size} cells, more than {LISTED_AT_MOST}; "
                "ask for single cells instead"
            )
        return range(size)


def count(cells: range) -> int:
    """Return the length of a range, also where ``len`` would overflow.

    Examples
    --------
    >>> count(range(0, 2**80, 2)) == 2**79
    True
    """
    return max(0, -((cells.start - cells.stop) // cells.step))


def landing(inputs: int, taps: int, stride: int, dilation: int, end: int) -> int:
    """Count the pairs (i, k) of an input and a tap with i·s + k·d < end.

    Examples
    --------
    >>> landing(2, 3, stride=2, dilation=1, end=3)  # at 0, 1, 2, and at 2 again
    4
    """
    whole = _clamp(_ceil_div(end - (inputs - 1) * stride, dilation), taps)
    some = _clamp(_ceil_div(end, dilation), taps)
    if inputs < 1 or some <= whole:
        return max(inputs, 0) * whole
    # sum of ceil((end - k·d)/s) over whole <= k < some, counted from the last k up
    last = end - (some - 1) * dilation
    return inputs * whole + floor_sum(some - whole, stride, dilation, last + stride - 1)


def _clamp(value: int, most: int) -> int:
    return min(max(value, 0), most)


def _cell(name: str, value: int, size: int) -> int:
    cell = integer(name, value)
    if not 0 <= cell < size:
        raise ValueError(f"{name} {cell} is out of range: 0 to {size - 1}")
    return cell


def _window(name: str, start: int, stop: int, size: int) -> None:
    if not 0 <= integer(f"{name} window start", start) < integer("stop", stop) <= size:
        raise ValueError(
            f"{name} window [{start}, {stop}) must hold at least one of the cells 0 to {size - 1}"
        )


def _ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


def _clip(cells: range, low: int, high: int) -> range:
    """Keep the cells of an increasing range that lie in [low, high)."""
    start = cells.start + max(0, _ceil_div(low - cells.start, cells.step)) * cells.step
    stop = min(cells.stop, high)
    return range(start, max(start, stop), cells.step)


def floor_sum(n: int, m: int, a: int, b: int) -> int:
    """Sum floor((a·i + b)/m) over 0 <= i < n, in logarithmic time (b >= 0)."""
    total = 0
    while n > 0:
        total += n * (n - 1) // 2 * (a // m) + n * (b // m)
        a, b = a % m, b % m
        top = a * n + b
        if top < m:
            break
        n, b, m, a = top // m, top % m, a, m
    return total
