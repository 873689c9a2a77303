"""The compiled direct convolution and weight gradient against the definitions."""

from math import prod

import numpy as np
import pytest

import tconv
from strategies import Ranges, cropped_case, pick, random_array, sweep
from tconv import engine
from tconv.engine import native
from tconv.engine.adjoint import PackedAdjoint
from tconv.reference.cells import by_group, cropped, every
from tconv.reference.direct import conv as direct_conv

from .harness import DTYPES, TARGETS, a_case, filled, on, random_whole

pytestmark = pytest.mark.skipif(not engine.available(), reason=str(engine.refusal()))


def gradient_by_definition(x, grad, geometry, groups):
    """Add x[i]*·grad[i·s + k·d - c0] over images and positions, one kernel element at a time."""
    x, grad = by_group(x.conj(), 1, groups), by_group(grad, 1, groups)
    padded = cropped(grad, [(-before, -after) for before, after in geometry.crop])
    shape = (groups, x.shape[2], grad.shape[2], *geometry.kernel_size)
    total = np.zeros(shape, np.result_type(x, grad))
    positions = prod(geometry.input_size)
    for tap in np.ndindex(*geometry.kernel_size):
        start = (k * d for k, d in zip(tap, geometry.dilation, strict=True))
        read = padded[every(start, geometry.stride, geometry.input_size)]
        flat = (array.reshape(*array.shape[:3], positions) for array in (x, read))
        total[(..., *tap)] = np.einsum("ngcp,ngop->gco", *flat)
    return total.reshape(-1, *shape[2:])


def run_conv(target, y, weight, bias, case):
    with on(target):
        packed = PackedAdjoint(weight, bias, case.geometry, case.groups)
    crop = packed.crop(case.geometry)
    return filled(case.x_shape, y.dtype, lambda x: packed.run(y, x, crop))


def run_gradient(target, x, y, case):
    geometry, lead = case.geometry, (1,) * (3 - case.geometry.rank)
    crop = (0,) * len(lead) + tuple(start for start, _ in geometry.crop)
    words = (case.groups, lead + geometry.stride, lead + geometry.dilation, crop)
    compute = native.weight_gradient(x.dtype)
    return filled(case.weight_shape, x.dtype, lambda made: compute(target, x, y, made, *words))


def check(random, case, dtype):
    """Hold every target to the definitions, in whole numbers, which leave no rounding."""
    geometry, groups = case.geometry, case.groups
    x, y, weight, bias = (
        random_whole(random, shape, dtype)
        for shape in (case.x_shape, case.y_shape, case.weight_shape, case.x_shape[1:2])
    )
    bias = bias if random.integers(3) else None
    expected = direct_conv(y, weight, geometry, groups)
    if bias is not None:
        expected = expected + bias.reshape(-1, *(1,) * geometry.rank)
    gradient = gradient_by_definition(x, y, geometry, groups)
    for target in TARGETS:
        made = run_conv(target, y, weight, bias, case)
        np.testing.assert_array_equal(made, expected, err_msg=f"{target} {case}")
        made = run_gradient(target, x, y, case)
        np.testing.assert_array_equal(made, gradient, err_msg=f"{target} {case}")


SHAPES = (((60,), (50,), (39,)), ((14, 11), (9, 6), (9, 5)), ((7, 4, 6), (5, 3, 4), (5, 3, 2)))
# strides that are read a vector at a time, too
READ = ([(k, s) for s in (1, 2, 3, 4, 8) for k in range(1, most + 1)] for most in (50, 9, 5))
RANGES = [
    (
        Ranges(*shape, 3, channels=(inputs, range(1, 20)), batch=(1, 2, 3)),
        Ranges(shape[0], kinds=kinds, channels=(inputs, range(1, 20)), batch=(1, 2, 3)),
    )
    for shape, kinds in zip(SHAPES, READ, strict=True)
    for inputs in (range(1, 6), range(1, 40))
]


@pytest.mark.parametrize("seed", sweep(4, 2))
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("ranges", RANGES, ids=range(len(RANGES)))
def test_whole_numbers_are_exact_on_every_target(ranges, dtype, seed):
    random = np.random.default_rng([seed, len(ranges[0].input_size)])
    for _ in range(50):
        check(random, cropped_case(random, pick(random, ranges)), dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    "case",
    [
        a_case(size, kernel, stride, [(1, -2)] * len(size), channels, groups, batch)
        for size, kernel, stride, channels, groups, batch in (
            ((3000,), (4,), 2, (5, 3), 1, 2),  # tiles along the row
            ((40, 90), (4, 4), 2, (17, 9), 1, 1),
            ((1, 1), (3, 5), 1, (40, 33), 1, 70),  # as many images as positions
            ((4, 4), (4, 4), 2, (19, 6), 1, 40),
            ((6, 7), (2, 2), 2, (300, 5), 1, 2),  # several blocks of input channels
            ((9, 8), (3, 3), 2, (6, 400), 1, 1),  # and of output channels
            ((12, 16), (64, 64), 32, (2, 3), 1, 1),  # kernels cut into boxes
            ((5,), (5000,), 1, (2, 2), 1, 1),
            ((31,), (1024,), 256, (9, 2), 1, 1),
            ((20, 21), (8, 8), 4, (1, 1), 12, 2),  # depthwise
            ((30, 33), (1, 1), 1, (8, 7), 1, 2),
            ((6, 5, 9), (4, 4, 4), 2, (5, 4), 2, 1),
        )
    ],
    ids=str,
)
def test_shapes_of_every_size(case, dtype):
    check(np.random.default_rng(0), case, dtype)


@pytest.mark.parametrize("number", range(4))
def test_the_functions_agree_with_the_definitions(number):
    random = np.random.default_rng(number)
    for index in range(60):
        case = cropped_case(random, 1 + index % 4)
        dtype = np.dtype(("float32", "float64", "complex64", "complex128")[number])
        geometry = case.geometry
        x, weight, _ = case.arrays(random, dtype)
        y = random_array(random, case.y_shape, dtype)
        bias = random_array(random, case.x_shape[1:2], dtype)
        near = {"rtol": 0, "atol": 5000 * np.finfo(dtype).eps}
        words = {"padding": geometry.crop, "dilation": geometry.dilation, "groups": case.groups}
        words["stride"] = geometry.stride
        if _gives(geometry):
            made = tconv.conv(y, weight, bias, **words)
            assert made.dtype == dtype
            same = tconv.conv(y, weight, bias, method="direct", **words)
            np.testing.assert_allclose(made, same, **near)
        made = tconv.weight_gradient(x, y, geometry.kernel_size, **words)
        assert made.dtype == dtype
        np.testing.assert_allclose(
            made, gradient_by_definition(x, y, geometry, case.groups), **near
        )


def _gives(geometry):
    """Tell whether a convolution of that output gives just this input size."""
    return all(
        axis.input_size == (axis.output_size + sum(crop) - axis.effective_kernel) // axis.stride + 1
        for axis, crop in zip(geometry.axes, geometry.crop, strict=True)
    )


def test_what_is_not_finite_stays_where_it_is_read():
    """A cell that is not a number touches the elements that read it, and no other."""
    for c_in, size in ((1, (3, 21)), (20, (5, 6))):
        case = a_case(size, (3, 3), 2, [(1, 1), (0, 0)], (c_in, 4), batch=2)
        x, clean, weight = (
            np.ones(shape, np.float32) for shape in (case.x_shape, case.y_shape, case.weight_shape)
        )
        for place in np.ndindex(*case.geometry.output_size):
            y = clean.copy()
            y[(1, 2, *place)] = np.nan
            for target in TARGETS:
                made = run_gradient(target, x, y, case)
                expected = gradient_by_definition(x, y, case.geometry, 1)
                np.testing.assert_array_equal(np.isnan(made), np.isnan(expected))
                made = run_conv(target, y, weight, None, case)
                expected = direct_conv(y, weight, case.geometry, 1)
                np.testing.assert_array_equal(np.isnan(made), np.isnan(expected))


def test_a_plan_packs_for_its_adjoint_once():
    weight = np.random.default_rng(0).standard_normal((3, 2, 4)) * (1 + 2j)
    layer = engine.plan(weight, stride=2)
    y = np.arange(24.0).reshape(1, 2, 12)
    first = layer.adjoint(y)
    weight[:] = 0
    np.testing.assert_array_equal(layer.adjoint(y), first)
    assert first.any()


def test_conv_insists_on_the_engine():
    with pytest.raises(ValueError, match="method 'engine' cannot do this: the engine computes in"):
        tconv.conv(np.ones((1, 4), int), np.ones((1, 1, 2), int), method="engine")
    assert tconv.conv(np.ones((1, 4)), np.ones((1, 1, 2)), method="engine").tolist() == [[2, 2, 2]]
