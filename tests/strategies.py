"""Random parameters, the arrays that fit them, and what a result must hold to."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import gcd, prod
from threading import Thread

import numpy as np
from hypothesis import strategies as st

import tconv
from tconv import Geometry
from tconv.geometry.axis import Axis

LARGEST_INPUT = (9, 5, 4, 3)  # per rank
LARGEST_KERNEL = (6, 4, 3, 2)
CELLS = (200, 900, 1500, 2500)  # of the full output, at most


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


def _random_case(random, rank, words_of):
    def draw(most, least=1):
        return tuple(random.integers(least, most + 1, rank).tolist())

    while True:
        input_size, kernel_size = draw(LARGEST_INPUT[rank - 1]), draw(LARGEST_KERNEL[rank - 1])
        stride, dilation = draw(7), draw(4)
        axes = list(zip(input_size, kernel_size, stride, dilation, strict=True))
        effective = [d * (k - 1) + 1 for _, k, _, d in axes]
        full = [(i - 1) * s + ke for (i, _, s, _), ke in zip(axes, effective, strict=True)]
        words = words_of(random, full, effective, stride, dilation)
        if prod(full) <= CELLS[rank - 1] and words:
            words |= {"stride": stride, "dilation": dilation}
            groups, batch = int(random.integers(1, 4)), int(random.integers(0, 4))
            return Case(input_size, kernel_size, words, groups, draw_channels(random), batch)


def draw_channels(random):
    return tuple(random.integers(1, 4, 2).tolist())


def cropped_case(random, rank):
    """Draw a set with an asymmetric crop, which may be negative or pass the kernel's reach."""

    def words(random, full, effective, stride, dilation):
        pairs = [tuple(random.integers(-4, ke + 4, 2).tolist()) for ke in effective]
        fits = all(f - sum(pair) >= 1 for f, pair in zip(full, pairs, strict=True))
        return {"padding": pairs} if fits else {}

    return _random_case(random, rank, words)


def padded_case(random, rank):
    """Draw a set in PyTorch's words: symmetric padding and output_padding."""

    def words(random, full, effective, stride, dilation):
        padding = [int(random.integers(0, ke + 2)) for ke in effective]
        extra = [int(random.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)]
        sizes = [f - 2 * p + a for f, p, a in zip(full, padding, extra, strict=True)]
        return {"padding": padding, "output_padding": extra} if min(sizes) >= 1 else {}

    return _random_case(random, rank, words)


def assert_close(actual, expected, magnitude, terms, dtype):
    """Compare within rounding: `magnitude` is the sum of absolute products, of `terms` terms."""
    assert actual.dtype == expected.dtype == dtype
    assert actual.shape == expected.shape
    if np.issubdtype(dtype, np.integer):
        np.testing.assert_array_equal(actual, expected)
        return
    bound = 4 * (terms + 2) * np.finfo(dtype).eps * magnitude
    assert np.all(np.abs(actual - expected) <= bound)


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
