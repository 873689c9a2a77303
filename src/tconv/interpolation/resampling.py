"""One axis resampled: where its outputs lie, and the phases of one kernel that they read.

Outputs lie `step` = q/p inputs apart, in lowest terms, the first at `start`. Outputs n and n + p
lie at the same place between two inputs, q inputs apart: they read the same phase. The transposed
convolution with stride p has all phases one after the other, and output n is its output n·q.
"""

from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv.geometry.axis import Axis, floor_sum
from tconv.interpolation.kernels import LARGEST_KERNEL, Align, Profile

Edges = Literal["normalize", "replicate", "zero"]

LISTED = 2**26  # weights of phases that are kept; beyond, they are sampled when they are needed
SAMPLED = 2**20  # weights that are sampled at a time, to be kept
PATIENCE = 2**35  # weights that are sampled when they are needed, at most
FARTHEST = 2**24  # inputs that an output may read
GAINS = 2**22  # weights that are summed to tell the gains
EXACT = 2**62


@dataclass(frozen=True)
class Places:
    """Where the outputs of one axis lie among its inputs: output n at ``start + n·step``.

    Parameters
    ----------
    input_size, output_size : int
    step, start : Fraction
        In inputs.
    align : {"centres", "corners", "starts"}
        What made it so.

    Examples
    --------
    >>> places = Places.of(4, scale=Fraction(3, 2))
    >>> places.output_size, [str(places.start + n * places.step) for n in range(4)]
    (6, ['-1/6', '1/2', '7/6', '11/6'])
    """

    input_size: int
    output_size: int
    step: Fraction
    start: Fraction
    align: Align = "centres"

    @classmethod
    def of(
        cls,
        input_size: int,
        scale: Fraction | None = None,
        output_size: int | None = None,
        align: Align = "centres",
    ) -> "Places":
        """Lay out the outputs, by the scale, by how many there are, or both.

        Raises
        ------
        ValueError
            If the scale leaves no output.
        """
        if output_size is None:
            assert scale is not None
            output_size = input_size * scale.numerator // scale.denominator
            if output_size == 0:
                raise ValueError(f"scale {scale} leaves nothing of {input_size} cells; give a size")
        start = Fraction()
        if align == "corners":
            gaps = output_size - 1
            step = Fraction(input_size - 1, gaps) if gaps else Fraction()
        else:
            step = Fraction(input_size, output_size) if scale is None else 1 / scale
            start = (step - 1) / 2 if align == "centres" else start
        return cls(input_size, output_size, step, start, align)

    @property
    def factor(self) -> Fraction:
        """Outputs an input, by how close they lie."""
        return 1 / self.step if self.step else Fraction(self.output_size, self.input_size)

    @property
    def stays(self) -> bool:
        """Whether every output lies on the input of its own number."""
        return self.step == 1 and not self.start and self.output_size == self.input_size


class _Spread(NamedTuple):
    """Which inputs output n reads: ``(n·a + low)//d + 1`` to ``(n·a + high)//d``, both included."""

    a: int
    low: int
    high: int
    d: int

    def first(self, n: Any) -> Any:
        return (n * self.a + self.low) // self.d + 1

    def last(self, n: Any) -> Any:
        return (n * self.a + self.high) // self.d

    def total(self, offset: int, start: int, stop: int) -> int:
        """Sum ``(n·a + offset)//d`` over outputs [start, stop)."""
        begin = start * self.a + offset
        lift = max(-(begin // self.d), 0)
        count = max(stop - start, 0)
        return floor_sum(count, self.d, self.a, begin + lift * self.d) - lift * count


class Resampling:
    """One axis: what every output sums.

    Parameters
    ----------
    places : Places
    kernel : Profile or ndarray of float, (K,)
        An interpolation, or the weights of a transposed convolution with stride p, whose middle
        lies on the output.
    edges : {"normalize", "replicate", "zero"}
        Near the border, divide by the part of the kernel that covers the input; or go on with the
        border's cells; or with zeros.
    antialias : bool
        Whether an interpolation is stretched by the step where that is above 1.

    Examples
    --------
    >>> from tconv.interpolation.kernels import PROFILES
    >>> axis = Resampling(Places.of(4, scale=Fraction(3, 2)), PROFILES["bilinear"])
    >>> axis.period, axis.advance, axis.taps
    (3, 2, 2)
    >>> cells, weights = axis.read(2, 4)
    >>> cells, (6 * weights).round()
    (array([[1, 2],
           [1, 2]]), array([[5., 1.],
           [1., 5.]]))
    """

    def __init__(
        self,
        places: Places,
        kernel: "Profile | NDArray[np.float64]",
        edges: Edges = "normalize",
        antialias: bool = True,
    ) -> None:
        self.input_size = places.input_size
        self.output_size = places.output_size
        self.places = places
        self.edges = edges
        self._kernel = kernel
        self._antialias = antialias
        self._stretch = Fraction(1)
        step, start = places.step, places.start
        if isinstance(kernel, Profile):
            low, high, self._stretch = kernel.reach(step, antialias)
            d = lcm(*(part.denominator for part in (step, start, low, high)))
            self._origin = int(start * d)
            low, high = (start + low) * d, (start + high) * d
        else:
            d = self.period
            high = Fraction(max((len(kernel) - 1 + 2 * d * start) // 2, 0))
            self._origin, low = int(high), high - len(kernel)
        self._spread = _Spread(int(step * d), int(low), int(high), d)
        self.taps = max(-((self._spread.low - self._spread.high) // d), 1)
        if self.taps > FARTHEST:
            raise ValueError(
                f"an output would read {self.taps} inputs, {step} inputs apart; "
                f"more than {FARTHEST}: scale less, or say antialias=False"
            )

    def cut(self, input_size: int) -> "Resampling":
        """Return the same phases at work on fewer inputs, with zeros around them."""
        step, start = self.places.step, self.places.start
        outputs = min(max(int(input_size / step) if step else 1, 1), self.output_size)
        places = Places(input_size, outputs, step, start, self.places.align)
        return Resampling(places, self._kernel, "zero", self._antialias)

    def check_time(self) -> None:
        """Refuse what would take hours: weights that are too many to keep, for too many outputs."""
        if self.phases * self.taps > LISTED and self.output_size * self.taps > PATIENCE:
            raise ValueError(
                f"{self.output_size} outputs of {self.taps} taps and {self.phases} phases would "
                "take hours; take a simpler ratio"
            )

    @property
    def name(self) -> str:
        """What the kernel is called; weights alone have no name."""
        name = self._kernel.name if isinstance(self._kernel, Profile) else ""
        return name if self._stretch == 1 else f"{name} widened {float(self._stretch):.3g} times"

    @property
    def period(self) -> int:
        """The phases of the kernel, p: the stride of its transposed convolution."""
        return self.places.step.denominator

    @property
    def advance(self) -> int:
        """Inputs from one output to the next of the same phase, q; also phases to the next one."""
        return self.places.step.numerator

    @property
    def phases(self) -> int:
        """The phases that are read."""
        return min(self.period, self.output_size)

    @cached_property
    def stays(self) -> bool:
        """Whether the output is the input."""
        if not self.places.stays:
            return False
        return isinstance(self._kernel, Profile) or self._kernel.tolist() == [1.0]

    @cached_property
    def inside(self) -> tuple[int, int]:
        """The outputs [first, end) that read nothing beyond the input."""
        outputs = range(self.output_size)
        first = bisect_left(outputs, 0, key=self._spread.first)
        end = bisect_left(outputs, self.input_size - self.taps + 1, key=self._spread.first)
        return first, max(first, end)

    @property
    def gains(self) -> NDArray[np.float64]:
        """What a constant 1 becomes in each phase that is read (of very many, in the first).

        Away from the borders.
        """
        some = max(min(self.phases, GAINS // self.taps), 1)
        gains: NDArray[np.float64] = self._phases(0, some)[1].sum(1)
        return gains

    @property
    def products(self) -> int:
        """Products of a weight and an input that are summed."""
        spread, outputs, size = self._spread, range(self.output_size), self.input_size
        low = bisect_left(outputs, 0, key=spread.last)
        high = max(bisect_left(outputs, size, key=spread.first), low)
        ended = min(bisect_left(outputs, size, key=spread.last), high)  # the last input ends them
        begun = min(max(bisect_left(outputs, 0, key=spread.first), low), high)
        last = spread.total(spread.high, low, ended) + (high - ended) * (size - 1)
        return last - spread.total(spread.low, begun, high) - (high - begun) + high - low

    @property
    def laid_out(self) -> int:
        """Cells of the kernel that holds all phases, at most."""
        return self.taps * self.period + self.advance

    def window(self, start: int, stop: int) -> tuple[int, int]:
        """Return the inputs [first, end) that outputs [start, stop) read; at least one."""
        last = self.input_size - 1
        first = min(max(self._spread.first(start), 0), last)
        return first, min(max(self._spread.last(stop - 1), first), last) + 1

    def read(self, start: int, stop: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return the inputs and the weights of outputs [start, stop), the edges cared for.

        Returns
        -------
        cells, weights : ndarray, (stop - start, taps)
            All of `cells` lie in :meth:`window`; one may be named twice.
        """
        first, weights = self._phases(start, stop)
        cells = first[:, np.newaxis] + np.arange(self.taps)
        within = (cells >= 0) & (cells < self.input_size)
        if self.edges != "replicate" and not within.all():
            due = weights.sum(1)
            weights = weights * within
            if self.edges == "normalize":
                received = weights.sum(1)
                whole = np.isclose(received, due) | (received == 0) | (due == 0)
                weights /= np.divide(received, due, out=np.ones_like(due), where=~whole)[:, None]
        low, end = self.window(start, stop)
        return np.clip(cells, low, end - 1), weights

    @cached_property
    def kernel(self) -> tuple[NDArray[np.float64], Axis]:
        """The phases as one kernel, and its transposed convolution of the whole input.

        Output n of the resampling is its output n·q; phases that are never read are zeros.

        Examples
        --------
        >>> from tconv.interpolation.kernels import PROFILES
        >>> third = Resampling(Places.of(3, scale=Fraction(3)), PROFILES["bilinear"], "zero")
        >>> third.kernel[0] * 3
        array([1., 2., 3., 2., 1.])
        """
        p, q, taps = self.period, self.advance, np.arange(self.taps)
        if self.laid_out > LARGEST_KERNEL:
            raise ValueError(
                f"a kernel of {self.laid_out} cells is larger than {LARGEST_KERNEL}; take a "
                "simpler ratio, or method='auto', which does not lay it out"
            )
        first, weights = self._phases(0, self.phases)
        at = np.arange(self.phases)[:, None] * q - (first[:, None] + taps) * p
        used = weights != 0
        low, high = (int(at[used].min()), int(at[used].max())) if used.any() else (0, 0)
        kernel = np.zeros(high - low + 1)
        kernel[at[used] - low] = weights[used]
        return kernel, Axis(
            self.input_size,
            len(kernel),
            p,
            crop_start=-low,
            output_size=(self.output_size - 1) * q + 1,
        )

    def _phases(self, start: int, stop: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the first input, maybe before 0, and the weights of outputs [start, stop)."""
        outputs = np.arange(start, stop)
        periods, phase = np.divmod(outputs, self.period)
        if self._table is None:
            first, weights = self._sampled(phase)
        else:
            first, weights = (column[phase] for column in self._table)
        return first + periods * self.advance, weights

    @cached_property
    def _table(self) -> tuple[NDArray[Any], NDArray[np.float64]] | None:
        if self.phases * self.taps > LISTED:
            return None
        firsts = np.empty(self.phases, np.intp)
        weights = np.empty((self.phases, self.taps))
        together = max(SAMPLED // self.taps, 1)
        for start in range(0, self.phases, together):
            some = slice(start, start + together)
            firsts[some], weights[some] = self._sampled(np.arange(self.phases)[some])
        return firsts, weights

    def _sampled(self, n: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Sample the kernel for outputs of the first period."""
        spread = self._spread
        if int(n.max()) * spread.a + abs(spread.low) + abs(spread.high) + spread.d > EXACT:
            n = n.astype(object)
        first, last = spread.first(n), spread.last(n)
        taps = np.arange(self.taps).astype(n.dtype)
        counted = (first[:, None] + taps <= last[:, None]).astype(bool)
        # from the output to each input, in d-ths of an input: exact, as borders of supports are
        behind = (first * spread.d - (n * spread.a + self._origin))[:, None]
        distance = behind + taps * spread.d
        if isinstance(self._kernel, Profile):
            inputs = (distance / spread.d).astype(np.float64)
            weights = self._kernel.weigh(inputs / float(self._stretch)) * counted
            total = weights.sum(1)
            weights /= np.where(total == 0, 1, total)[:, None]
        else:
            at = np.clip(-distance.astype(np.intp), 0, len(self._kernel) - 1)
            weights = np.where(counted, self._kernel[at], 0.0)
        return first.astype(np.intp), weights
