"""The compiled direct convolution and weight gradient against the definitions."""

import re
from math import prod

import numpy as np
import pytest

import tconv
from strategies import cropped_case, random_array
from tconv import Geometry, engine
from tconv.engine import native
from tconv.reference.cells import by_group, cropped, every
from tconv.reference.direct import conv as direct_conv

pytestmark = pytest.mark.skipif(not engine.available(), reason="the engine is not built")

THREADS = (1, 2, 5)


@pytest.fixture(autouse=True)
def threads():
    before = native.get_num_threads()
    yield
    native.set_num_threads(before)


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


def words_of(geometry):
    lead = (1,) * (3 - geometry.rank)
    crop = (0,) * len(lead) + tuple(start for start, _ in geometry.crop)
    return lead + geometry.stride, lead + geometry.dilation, crop


def same_for_any_threads(shape, dtype, fill):
    results = []
    for count in THREADS:
        native.set_num_threads(count)
        made = np.full(shape, np.nan, dtype)
        fill(made)
        results.append(made)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    return results[0]


def run_conv(target, y, weight, bias, geometry, groups):
    stride, dilation, crop = words_of(geometry)
    packed = native.adjoint_class(y.dtype)(target, weight, bias, groups, stride, dilation)
    shape = (len(y), len(weight), *geometry.input_size)
    return same_for_any_threads(shape, y.dtype, lambda x: packed.run(y, x, crop))


def run_gradient(target, x, y, geometry, groups):
    shape = (x.shape[1], y.shape[1] // groups, *geometry.kernel_size)
    words = words_of(geometry)
    compute = native.weight_gradient(x.dtype)
    return same_for_any_threads(
        shape, x.dtype, lambda made: compute(target, x, y, made, groups, *words)
    )


def check(random, geometry, groups, c_in, c_out, batch, dtype):
    """Hold every target to the definitions, in whole numbers, which leave no rounding."""

    def whole(*shape):
        return random.integers(-9, 10, shape)

    x = whole(batch, c_in, *geometry.input_size)
    y = whole(batch, c_out * groups, *geometry.output_size)
    weight = whole(c_in, c_out, *geometry.kernel_size)
    bias = whole(c_in) if random.integers(3) else None
    expected = direct_conv(y, weight, geometry, groups)
    if bias is not None:
        expected = expected + bias.reshape(-1, *(1,) * geometry.rank)
    gradient = gradient_by_definition(x, y, geometry, groups)
    typed = [None if a is None else a.astype(dtype) for a in (x, y, weight, bias)]
    said = f"{geometry} {groups=} {c_in=} {c_out=}"
    for target in engine.targets():
        made = run_conv(target, *typed[1:], geometry, groups)
        np.testing.assert_array_equal(made, expected, err_msg=f"{target} {said}")
        made = run_gradient(target, *typed[:2], geometry, groups)
        np.testing.assert_array_equal(made, gradient, err_msg=f"{target} {said}")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("largest", "kernel", "stride"),
    [((60,), (50,), (39,)), ((14, 11), (9, 6), (9, 5)), ((7, 4, 6), (5, 3, 4), (5, 3, 2))],
)
def test_whole_numbers_are_exact_on_every_target(largest, kernel, stride, dtype, seed) -> None:
    random = np.random.default_rng([seed, len(largest)])
    for _ in range(100):
        geometry = random_geometry(random, largest, kernel, stride)
        groups, batch = int(random.integers(1, 4)), int(random.integers(1, 4))
        c_in = groups * int(random.integers(1, (6, 40)[random.integers(2)]))
        check(random, geometry, groups, c_in, int(random.integers(1, 20)), batch, dtype)


def random_geometry(random, largest, kernel, stride):
    rank = len(largest)
    while True:
        sizes, kernels, strides = (
            [int(random.integers(1, n + 1)) for n in most] for most in (largest, kernel, stride)
        )
        if random.integers(2):  # strides that are read a vector at a time
            strides = [int(random.choice([1, 2, 3, 4, 8])) for _ in range(rank)]
        dilations = [int(random.integers(1, 4)) for _ in range(rank)]
        wide = 8 if random.integers(6) == 0 else 1  # crops that leave whole rows out
        crop = [(wide * int(random.integers(-3, 7)), int(random.integers(-4, 7))) for _ in sizes]
        try:
            return Geometry.from_crop(sizes, kernels, strides, dilations, crop)
        except ValueError:  # nothing left after the crop
            continue


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "c_in", "c_out", "groups", "batch"),
    [
        ((3000,), (4,), (2,), 5, 3, 1, 2),  # tiles along the row
        ((40, 90), (4, 4), (2, 2), 17, 9, 1, 1),
        ((1, 1), (3, 5), (1, 1), 40, 33, 1, 70),  # as many images as positions
        ((4, 4), (4, 4), (2, 2), 19, 6, 1, 40),
        ((6, 7), (2, 2), (2, 2), 300, 5, 1, 2),  # several blocks of input channels
        ((9, 8), (3, 3), (2, 2), 6, 400, 1, 1),  # and of output channels
        ((12, 16), (64, 64), (32, 32), 2, 3, 1, 1),  # kernels cut into boxes
        ((5,), (5000,), (1,), 2, 2, 1, 1),
        ((31,), (1024,), (256,), 9, 2, 1, 1),
        ((20, 21), (8, 8), (4, 4), 12, 1, 12, 2),  # depthwise
        ((30, 33), (1, 1), (1, 1), 8, 7, 1, 2),
        ((6, 5, 9), (4, 4, 4), (2, 2, 2), 10, 4, 2, 1),
    ],
)
def test_shapes_of_every_size(size, kernel, stride, c_in, c_out, groups, batch, dtype) -> None:
    geometry = Geometry.from_crop(size, kernel, stride, 1, [(1, -2)] * len(size))
    check(np.random.default_rng(0), geometry, groups, c_in, c_out, batch, dtype)


@pytest.mark.parametrize("number", range(4))
def test_the_functions_agree_with_the_definitions(number) -> None:
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


def test_what_is_not_finite_stays_where_it_is_read() -> None:
    """A cell that is not a number touches the elements that read it, and no other."""
    for c_in, size in ((1, (3, 21)), (20, (5, 6))):
        geometry = Geometry.from_crop(size, (3, 3), (2, 2), 1, [(1, 1), (0, 0)])
        x = np.ones((2, c_in, *size), np.float32)
        clean = np.ones((2, 4, *geometry.output_size), np.float32)
        for place in np.ndindex(*geometry.output_size):
            y = clean.copy()
            y[(1, 2, *place)] = np.nan
            weight = np.ones((c_in, 4, 3, 3), np.float32)
            for target in engine.targets():
                made = run_gradient(target, x, y, geometry, 1)
                expected = gradient_by_definition(x, y, geometry, 1)
                np.testing.assert_array_equal(np.isnan(made), np.isnan(expected))
                made = run_conv(target, y, weight, None, geometry, 1)
                np.testing.assert_array_equal(
                    np.isnan(made), np.isnan(direct_conv(y, weight, geometry, 1))
                )


def test_a_plan_packs_for_its_adjoint_once() -> None:
    weight = np.random.default_rng(0).standard_normal((3, 2, 4)) * (1 + 2j)
    layer = engine.plan(weight, stride=2)
    y = np.arange(24.0).reshape(1, 2, 12)
    first = layer.adjoint(y)
    weight[:] = 0
    np.testing.assert_array_equal(layer.adjoint(y), first)
    assert first.any()


def test_conv_insists_on_the_engine() -> None:
    with pytest.raises(ValueError, match="method 'engine' cannot do this: the engine computes in"):
        tconv.conv(np.ones((1, 4), int), np.ones((1, 1, 2), int), method="engine")
    assert tconv.conv(np.ones((1, 4)), np.ones((1, 1, 2)), method="engine").tolist() == [[2, 2, 2]]


# The door

WEIGHT = np.ones((4, 3, 2, 2), np.float32)
X, Y = np.ones((2, 4, 5, 5), np.float32), np.ones((2, 6, 6, 6), np.float32)
ONES, NONE = (1, 1, 1), (0, 0, 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"target": "vax"}, "does not run the target vax"),
        ({"weight": WEIGHT.astype(float)}, "weight must be float32"),
        ({"weight": WEIGHT.T}, "weight must be a C-contiguous array"),
        ({"groups": 3}, "groups must be a divisor"),
        ({"bias": np.ones(6, "f4")}, "bias must be one number an input channel"),
        ({"stride": (1, 0, 1)}, "kernel, stride and dilation must be positive"),
    ],
)
def test_the_door_refuses_layers(words, message) -> None:
    given = {"target": engine.targets()[0], "weight": WEIGHT, "bias": None, "groups": 2,
             "stride": ONES, "dilation": ONES}  # fmt: skip
    with pytest.raises(ValueError, match=message):
        native.adjoint_class(np.dtype("f4"))(**given | words)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :3].copy(), Y, "x must be of as many channels"),
        (X, Y[:, :5].copy(), "y must be of as many channels"),
        (X, Y[:1], "y must be of the same batch"),
        (X[0], Y[0], "must be of as many axes"),
        (X, Y.astype(float), "y must be float32"),
        (X, Y[..., ::2], "y must be a C-contiguous array"),
        (X, Y[:, :, :0].copy(), "sizes must be positive"),
    ],
)
def test_the_door_refuses_arrays(x, y, message) -> None:
    target = engine.targets()[0]
    packed = native.adjoint_class(np.dtype("f4"))(target, WEIGHT, None, 2, ONES, ONES)
    with pytest.raises(ValueError, match=message):
        packed.run(y, x, NONE)
    with pytest.raises(ValueError, match=message):
        native.weight_gradient(np.dtype("f4"))(
            target, x, y, np.empty_like(WEIGHT), 2, ONES, ONES, NONE
        )


def test_the_door_writes_nothing_that_is_read_only() -> None:
    fixed = WEIGHT.copy()
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match=re.escape("gradient must be a C-contiguous writable")):
        native.weight_gradient(np.dtype("f4"))(
            engine.targets()[0], X, Y, fixed, 2, ONES, ONES, NONE
        )
