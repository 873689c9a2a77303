"""Small random layers to be traced, and the products they make, counted by plain loops."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

import tconv
from tconv import Geometry

LARGEST = ((5, 4), (4, 3), (3, 2))  # input and kernel, per rank
CELLS, PRODUCTS, ENTRIES = 60, 150, 1200  # entries of the convolution matrix


@dataclass(frozen=True)
class Case:
    geometry: Geometry
    x: np.ndarray
    weight: np.ndarray
    groups: int

    @cached_property
    def y(self):
        return tconv.conv_transpose(
            self.x, self.weight, None, self.geometry.stride, self.geometry.crop, 0, self.groups,
            self.geometry.dilation,
        )  # fmt: skip

    @cached_property
    def expected(self):
        """Without a channel axis where there is one channel, as a trace gives it."""
        return self.y[0] if len(self.y) == 1 else self.y

    @cached_property
    def products(self):
        """Return every useful product as (c_in, *i, c_out, *o) -> (x, w), by the definition."""
        per_in, per_out = len(self.x) // self.groups, self.weight.shape[1]
        found = {}
        for c, out in product(range(len(self.x)), range(per_out * self.groups)):
            if c // per_in != out // per_out:
                continue
            for i in np.ndindex(*self.geometry.input_size):
                for k in np.ndindex(*self.geometry.kernel_size):
                    o = tuple(
                        p * a.stride + q * a.dilation - a.crop_start
                        for p, q, a in zip(i, k, self.geometry.axes, strict=True)
                    )
                    if all(0 <= at < n for at, n in zip(o, self.geometry.output_size, strict=True)):
                        factors = (self.x[c, *i], self.weight[c, out % per_out, *k])
                        found[c, *i, out, *o] = tuple(map(int, factors))
        return found

    def trace(self, view):
        x = self.direct_x if view in ("convolution", "deconvolution") else self.x
        return tconv.explain(self.geometry, x=x, weight=self.weight, groups=self.groups, view=view)

    @cached_property
    def direct_x(self):
        random = np.random.default_rng(prod(self.x.shape))
        return random.integers(-4, 5, self.y.shape)


def random_case(random):
    while True:
        rank = int(random.choice([1, 2, 2, 3]))
        inputs, kernel = (
            tuple(random.integers(1, most + 1, rank).tolist()) for most in LARGEST[rank - 1]
        )
        stride, dilation = (tuple(random.integers(1, 4, rank).tolist()) for _ in range(2))
        crop = [tuple(random.integers(-2, 4, 2).tolist()) for _ in range(rank)]
        groups = int(random.choice([1, 1, 1, 2, 3]))
        per_in, per_out = random.choice([1, 1, 2], 2).tolist()
        full = [
            (i - 1) * s + d * (k - 1) + 1
            for i, k, s, d in zip(inputs, kernel, stride, dilation, strict=True)
        ]
        sizes = [n - sum(pair) for n, pair in zip(full, crop, strict=True)]
        if min(sizes) < 1 or max(prod(full), prod(sizes)) > CELLS:
            continue
        if prod(inputs) * prod(kernel) * groups * per_in * per_out > PRODUCTS:
            continue
        if prod(inputs) * prod(sizes) * groups**2 * per_in * per_out > ENTRIES:
            continue
        return Case(
            Geometry.from_crop(inputs, kernel, stride, dilation, crop),
            random.integers(-4, 5, (groups * per_in, *inputs)),
            random.integers(-4, 5, (groups * per_in, per_out, *kernel)),
            groups,
        )
