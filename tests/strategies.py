"""Random parameters, the arrays that fit them, and what a result must hold to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import gcd, inf, prod
from threading import Thread

import numpy as np
import pytest
from hypothesis import strategies as st

import tconv
from tconv import Geometry
from tconv.geometry.axis import Axis

Range = Sequence[int]


@dataclass(frozen=True)
class Ranges:
    """What random layers are drawn from: the most along each axis, and ranges of the rest.

    With `kinds` the kernel and stride of an axis are drawn together, and not dilated.
    """

    input_size: tuple[int, ...]
    kernel_size: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    dilation: int = 4
    kinds: Sequence[tuple[int, int]] = ()
    cells: float = inf  # of the full output, at most
    groups: Range = range(1, 4)
    channels: tuple[Range, Range] = (range(1, 4), range(1, 4))  # in and out, of one group
    batch: Range = range(4)

    def axes(self, random):
        """Draw input size, kernel, stride and dilation, each of every axis."""

        def draw(most):
            return tuple(random.integers(1, np.add(most, 1)).tolist())

        if not self.kinds:
            sizes = (draw(most) for most in (self.input_size, self.kernel_size, self.stride))
            return (*sizes, draw((self.dilation,) * len(self.input_size)))
        drawn = (pick(random, self.kinds) for _ in self.input_size)
        kernel, stride = zip(*drawn, strict=True)
        return draw(self.input_size), kernel, stride, (1,) * len(kernel)


SMALL = [  # per rank
    Ranges((most,) * rank, (kernel,) * rank, (7,) * rank, cells=cells)
    for rank, most, kernel, cells in (
        (1, 9, 6, 200),
        (2, 5, 4, 900),
        (3, 4, 3, 1500),
        (4, 3, 2, 2500),
    )
]


@dataclass(frozen=True)
class Case:
    """One random parameter set; `words` are the keywords of Geometry.of."""

    input_size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    words: dict[str, object]
    groups: int
    channels: tuple[int, int]  # in and out, of one group
    batch: int

    @cached_property
    def geometry(self):
        return Geometry.of(self.input_size, self.kernel_size, **self.words)

    @property
    def x_shape(self):
        return (self.batch, self.groups * self.channels[0], *self.input_size)

    @property
    def y_shape(self):
        return (self.batch, self.groups * self.channels[1], *self.geometry.output_size)

    @property
    def weight_shape(self):
        return (self.groups * self.channels[0], self.channels[1], *self.kernel_size)

    def __str__(self):
        said = f"{self.geometry} groups={self.groups} channels={self.channels} batch={self.batch}"
        return said.replace("Geometry", "", 1)

    def arrays(self, random, dtype):
        """Return x, weight and bias."""
        shapes = (self.x_shape, self.weight_shape, self.y_shape[1:2])
        return tuple(random_array(random, shape, dtype) for shape in shapes)

    def properties(self):
        """Name the rarer things this set is an example of."""
        axes = self.geometry.axes
        held = {
            f"rank {self.geometry.rank}": True,
            f"batch {self.batch}": True,
            "strides unequal": len(set(self.geometry.stride)) > 1,
            "stride 7": 7 in self.geometry.stride,
            "stride beyond kernel": any(a.stride > a.effective_kernel for a in axes),
            "stride and dilation share a factor": any(gcd(a.stride, a.dilation) > 1 for a in axes),
            "crop beyond kernel": any(a.crop_start >= a.effective_kernel for a in axes),
            "cells added at the end": any(a.crop_end < 0 for a in axes),
            "cells added at the start": any(a.crop_start < 0 for a in axes),
            "groups": self.groups > 1,
            "groups, C_in != C_out": self.groups > 1 and self.channels[0] != self.channels[1],
        }
        return Counter(name for name, holds in held.items() if holds)


def random_array(random, shape, dtype):
    if np.issubdtype(dtype, np.integer):
        return random.integers(-1000, 1000, shape).astype(dtype)
    array = random.standard_normal(shape)
    if np.issubdtype(dtype, np.complexfloating):
        array = array + 1j * random.standard_normal(shape)
    return array.astype(dtype)


def pick(random, options):
    return options[int(random.integers(len(options)))]


def _random_case(random, ranges, words_of):
    while True:
        input_size, kernel_size, stride, dilation = ranges.axes(random)
        axes = list(zip(input_size, kernel_size, stride, dilation, strict=True))
        effective = [d * (k - 1) + 1 for _, k, _, d in axes]
        full = [(i - 1) * s + ke for (i, _, s, _), ke in zip(axes, effective, strict=True)]
        words = words_of(full, effective, stride, dilation)
        if prod(full) <= ranges.cells and words:
            words |= {"stride": stride, "dilation": dilation}
            groups, *channels = (pick(random, some) for some in (ranges.groups, *ranges.channels))
            batch = pick(random, ranges.batch)
            return Case(input_size, kernel_size, words, groups, tuple(channels), batch)


def cropped_case(random, drawn_from):
    """Draw a set with an asymmetric crop, which may be negative or pass the kernel's reach.

    From Ranges, or from those of small layers of a rank.
    """

    def words(full, effective, stride, dilation):
        pairs = [tuple(random.integers(-4, ke + 4, 2).tolist()) for ke in effective]
        fits = all(f - sum(pair) >= 1 for f, pair in zip(full, pairs, strict=True))
        return {"padding": pairs} if fits else {}

    return _random_case(random, _ranges(drawn_from), words)


def padded_case(random, drawn_from):
    """Draw a set in PyTorch's words: symmetric padding and output_padding."""

    def words(full, effective, stride, dilation):
        padding = [int(random.integers(0, ke + 2)) for ke in effective]
        extra = [int(random.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)]
        sizes = [f - 2 * p + a for f, p, a in zip(full, padding, extra, strict=True)]
        return {"padding": padding, "output_padding": extra} if min(sizes) >= 1 else {}

    return _random_case(random, _ranges(drawn_from), words)


def idle_case(random, drawn_from):
    """Draw a set of one axis more, which it leaves as it is."""
    case = cropped_case(random, drawn_from)
    at = int(random.integers(1 + len(case.input_size)))

    def with_one(values, one):
        return (*values[:at], one, *values[at:])

    words = {name: with_one(tuple(value), 1) for name, value in case.words.items()}
    return replace(
        case,
        input_size=with_one(case.input_size, int(random.integers(1, 4))),
        kernel_size=with_one(case.kernel_size, 1),
        words=words | {"padding": with_one(tuple(case.words["padding"]), (0, 0))},
    )


def _ranges(drawn_from):
    return SMALL[drawn_from - 1] if isinstance(drawn_from, int) else drawn_from


def assert_close(actual, expected, magnitude, terms, dtype):
    """Compare within rounding: `magnitude` is the sum of absolute products, of `terms` terms."""
    assert actual.dtype == expected.dtype == dtype
    assert actual.shape == expected.shape
    if np.issubdtype(dtype, np.integer):
        np.testing.assert_array_equal(actual, expected)
        return
    bound = 4 * (terms + 2) * np.finfo(dtype).eps * magnitude
    assert np.all(np.abs(actual - expected) <= bound)


def sweep(most, kept):
    """Return the numbers below `most` as parameters; those from `kept` on are a sweep's alone."""
    return [
        pytest.param(number, marks=pytest.mark.sweep) if number >= kept else number
        for number in range(most)
    ]


def in_time(call, seconds=10):
    """Run a call on a thread, so that one that hangs fails the test instead of stopping it."""
    outcome = []

    def run():
        try:
            outcome.append(call())
        except Exception as error:
            outcome.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"no answer in {seconds} s"
    return outcome[0]


@st.composite
def axes(draw, largest=8):
    """Draw an Axis with any crop, negative ones included."""
    size = st.integers(1, largest)
    i, k, s, d = (draw(size) for _ in range(4))
    start = draw(st.integers(-largest, d * (k - 1) + largest))
    return Axis(i, k, s, d, start, draw(st.integers(1, 3 * largest)))


# "engine" insists on what the compiled engine does; these take every dtype and rank
METHODS = [method for method in tconv.METHODS if method != "engine"]
