"""Layers run on the compiled engine, by every target, method and layout, held to the definition.

One rule for every result. NaN and infinities stand where the definition puts them. Whole numbers
leave no rounding, and sums of them are equal to the bit, but where a method multiplies fractions;
elsewhere an output may be off by ``ROUNDING`` units of the last place of max|x|·Σ|w|, Σ over the
weights of its channel, by which docs/engine.md measures. A curve may add ``CURVE`` of its own.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from unittest.mock import patch

import numpy as np

from strategies import Case, Ranges, cropped_case, pick, random_array
from tconv import engine
from tconv.engine import native, planning
from tconv.engine.activations import NAMES, Activation
from tconv.engine.packed import ALGORITHMS as METHODS
from tconv.engine.packed import Packed
from tconv.reference import scatter

TARGETS = engine.targets()
LAYOUTS = planning.LAYOUTS
FIRST, LAST = LAYOUTS
DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
THREADS = (1, 2, 5)
FRACTIONS = ("auto", "winograd", "winograd_channels")  # multiply, or may multiply, fractions
LINEAR = Activation()
EXACT = (None, "relu", "leaky_relu")  # activations that do not round, with this slope
SLOPE = 0.25
CURVES = tuple(name for name in NAMES if name not in EXACT)
LAYOUTS_OF = {  # that know one alone
    **dict.fromkeys(("positions", "winograd", "streaming"), (FIRST,)),
    **dict.fromkeys(("strassen", "depthwise"), (LAST,)),
}
NOT_COMPILED = "not compiled for this target"
ROUNDING = 2
CURVE = 4


@dataclass(frozen=True)
class Sample:
    """A layer, its arrays, and what the definition makes of them."""

    case: Case
    x: np.ndarray
    weight: np.ndarray
    bias: np.ndarray | None = None
    activation: Activation = LINEAR
    whole: bool = False
    define: object = scatter

    def then(self, activation):
        """Return the same with an activation."""
        made = replace(self, activation=Activation(activation, SLOPE))
        made.__dict__["sums"] = self.sums
        return made

    @cached_property
    def sums(self):
        wide = np.result_type(self.x, float)
        x, weight = self.x.astype(wide), self.weight.astype(wide)
        sums = self.define(x, weight, self.case.geometry, self.case.groups)
        if self.bias is not None:
            sums = sums + self.bias.reshape(-1, *(1,) * self.case.geometry.rank)
        return sums

    @cached_property
    def expected(self):
        return self.activation(self.sums)

    @cached_property
    def reach(self):
        """Return max|x|·Σ|w|, of what is finite, and of the bias."""
        x, weight = (np.where(np.isfinite(a), abs(a), 0) for a in (self.x, self.weight))
        filters = weight.reshape(self.case.groups, -1, *weight.shape[1:])
        sums = filters.sum((1, *range(3, filters.ndim))).max(initial=0)
        return x.max(initial=0) * sums + (0 if self.bias is None else abs(self.bias).max())

    def compare(self, y, method="auto", part=()):
        """Hold a result, or a part of it, to the rule."""
        expected = self.expected[part]
        assert (y.shape, y.dtype) == (expected.shape, self.x.dtype)
        if np.array_equal(y, expected):
            return
        np.testing.assert_array_equal(kinds(y), kinds(expected))
        bound = 0 if self.whole and method not in FRACTIONS else ROUNDING * self.reach
        if self.activation.name not in EXACT:
            bound = bound + CURVE * (1 + abs(expected))
        off = np.where(np.isfinite(expected), abs(y - expected), 0)
        wrong = off > np.finfo(y.dtype).eps * bound
        assert not wrong.any(), f"{wrong.sum()} of {wrong.size} outputs are off, by {off.max()}"


def sample(random, case, dtype, activation=None, whole=True, bias=True, define=scatter):
    """Draw the arrays of a layer: of whole numbers, unless told otherwise.

    Before a curve they are 64ths, which leave no rounding either, and reach where it bends.
    """
    shapes = (case.x_shape, case.weight_shape, *[case.y_shape[1:2]] * bias)
    draw = random_whole if whole else random_array
    x, *rest = (draw(random, shape, dtype) for shape in shapes)
    scale = dtype.type(1 / 64 if activation in CURVES else 1)
    made = Sample(case, x, *(array * scale for array in rest), whole=whole, define=define)
    return made.then(activation) if activation else made


def random_whole(random, shape, dtype):
    return random.integers(-9, 10, shape).astype(dtype)


def kinds(array):
    """Tell NaN, infinities of either sign and finite numbers apart."""
    return np.where(np.isnan(array), 2, np.where(np.isinf(array), np.sign(array), 0))


def laid_out(array, layout):
    """Return (N, C, ...) as a layout has it."""
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if layout == LAST else array


def channels_first(array, layout):
    """View an array laid out so as (N, C, ...)."""
    return np.moveaxis(array, -1, 1) if layout == LAST else array


def same(one, other):
    """Tell whether two results are equal to the bit, wherever they are no numbers."""
    return np.array_equal(one, other) or np.array_equal(one, other, equal_nan=True)


def on(target):
    """Make a target the one in use."""
    return patch.object(native, "_target", target)


def filled(shape, dtype, fill, threads=THREADS):
    """Fill an array of NaN with each number of threads; return what all of them made."""
    results = []
    for count in threads:
        engine.set_num_threads(count)
        results.append(np.full(shape, np.nan, dtype))
        fill(results[-1])
    assert all(same(one, results[0]) for one in results[1:]), "the number of threads matters"
    return results[0]


def run(layer, target, method="auto", layout=FIRST, threads=THREADS, arithmetic="fast"):
    """Run a sample into NaN with each number of threads; return what all of them made.

    ValueError where the method does not take the layer.
    """
    geometry, x, shape = layer.case.geometry, layer.x, layer.case.y_shape
    with on(target):
        packed = Packed(
            layer.weight, layer.bias, geometry, layer.case.groups, layer.activation,
            method=method, channels_last=layout == LAST, arithmetic=arithmetic,
        )  # fmt: skip
    layout = LAST if packed.last else FIRST
    x, shape = laid_out(x, layout), laid_out(np.empty(shape), layout).shape
    y = filled(shape, x.dtype, lambda y: packed.run(x, y, packed.crop(geometry)), threads)
    return channels_first(y, layout)


def check(layer, methods=METHODS, layouts=LAYOUTS, met=None, targets=TARGETS, **words):
    """Hold every target, method and layout to the rule.

    Counts in `met` those that take the layer, and why others do not; without it all must that are
    compiled.
    """
    for target, layout in product(targets, layouts):
        made = {}
        for method in methods:
            try:
                made[method] = run(layer, target, method, layout, **words)
                layer.compare(made[method], method)
            except ValueError as refused:
                if met is None and str(refused) != NOT_COMPILED:
                    raise
                why = str(refused)
            except AssertionError as wrong:
                wrong.add_note(f"{target} {method} {layout} {layer.activation} {layer.case}")
                raise
            if met is not None:
                met[target, method, layout if method in made else why] += 1
        if len(made) > 1 and "auto" in made:
            taken = made.pop("auto")
            assert any(same(taken, y) for y in made.values()), f"{target} {layout} {layer.case}"


def taken(met, target, method):
    """Tell whether `met` has a method in each layout that it knows, or why it never may."""
    return met[target, method, NOT_COMPILED] or min(
        met[target, method, layout] for layout in LAYOUTS_OF.get(method, LAYOUTS)
    )


def a_case(size, kernel, stride=1, crop=0, channels=(1, 1), groups=1, batch=1, dilation=1):
    """Write a layer down: channels in and out of one group."""
    words = {"stride": stride, "padding": crop, "dilation": dilation}
    return Case(size, kernel, words, groups, channels, batch)


TAPS = [(kernel, stride) for stride in (1, 2, 3) for kernel in range(1, 3 * stride + 2)]
FEW_TAPS = [
    Ranges(size, kinds=kinds, groups=(1, 1, 2), channels=(inputs, range(1, 24)), batch=(1, 2))
    for size in ((60,), (14, 14), (14, 14), (7, 7, 7))
    for kinds in (TAPS, TAPS, TAPS, [(1, 1), (2, 2), (3, 3)])
    for inputs in (*[range(1, 21)] * 9, range(1, 200))
] + [
    Ranges(size, kinds=TAPS, groups=range(16, 40), channels=((1,), (1,)), batch=(1, 2))
    for size in ((60,), (14, 14), (7, 7, 7)) * 5
]


def few_taps_case(random):
    """Draw a layer that Winograd's or Strassen's algorithm takes, mostly."""
    return cropped_case(random, pick(random, FEW_TAPS))
