"""Every target's kernels against the definitions, through the module's own door."""

import numpy as np
import pytest

from tconv import Geometry, engine
from tconv.definitions import scatter
from tconv.engine import native
from tconv.engine.packed import METHODS

pytestmark = pytest.mark.skipif(not engine.available(), reason="the engine is not built")

RELU = 1


def run(
    target, x, weight, bias, geometry, groups, activation=0, method="auto", channels_last=False
):
    """Compute by one target's kernels into an array of NaN."""
    lead = (1,) * (3 - geometry.rank)
    plan = native.plan_class(x.dtype)(
        target, weight, bias, groups, lead + geometry.stride, lead + geometry.dilation,
        activation, 0.0, channels_last=channels_last, method=METHODS.index(method),
    )  # fmt: skip
    shape = (len(x), weight.shape[1] * groups, *geometry.output_size)
    if channels_last:
        x, shape = np.ascontiguousarray(np.moveaxis(x, 1, -1)), (shape[0], *shape[2:], shape[1])
    crop = (0,) * len(lead) + tuple(start for start, _ in geometry.crop)
    results = []
    for threads in (1, 2, 5):
        native.set_num_threads(threads)
        y = np.full(shape, np.nan, x.dtype)
        plan.run(x, y, crop)
        results.append(y)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    return np.moveaxis(results[0], -1, 1) if channels_last else results[0]


@pytest.fixture(autouse=True)
def threads():
    before = native.get_num_threads()
    yield
    native.set_num_threads(before)


def random_geometry(random, largest, kernel, stride):
    rank = len(largest)
    while True:
        sizes = [int(random.integers(1, n + 1)) for n in largest]
        kernels = [int(random.integers(1, n + 1)) for n in kernel]
        strides = [int(random.integers(1, n + 1)) for n in stride]
        dilations = [int(random.integers(1, 4)) for _ in range(rank)]
        crop = [(int(random.integers(-3, 7)), int(random.integers(-4, 7))) for _ in range(rank)]
        try:
            return Geometry.from_crop(sizes, kernels, strides, dilations, crop)
        except ValueError:  # nothing left after the crop
            continue


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("largest", "kernel", "stride"),
    [((60,), (50,), (39,)), ((14, 11), (9, 6), (9, 5)), ((7, 4, 6), (5, 3, 4), (5, 3, 2))],
)
def test_whole_numbers_are_exact_on_every_target(largest, kernel, stride, dtype, seed) -> None:
    random = np.random.default_rng([seed, len(largest)])
    for _ in range(84):
        geometry = random_geometry(random, largest, kernel, stride)
        groups, batch = int(random.integers(1, 4)), int(random.integers(1, 4))
        c_in, c_out = groups * int(random.integers(1, 6)), int(random.integers(1, 20))

        def whole(*shape, random=random):
            return random.integers(-9, 10, shape)

        x = whole(batch, c_in, *geometry.input_size)
        weight = whole(c_in, c_out, *geometry.kernel_size)
        bias = whole(c_out * groups) if random.integers(3) else None
        expected = scatter(x, weight, geometry, groups)
        if bias is not None:
            expected = expected + bias.reshape(-1, *(1,) * geometry.rank)
        activation = int(random.integers(2))
        if activation == RELU:
            expected = np.maximum(expected, 0)
        typed = [None if a is None else a.astype(dtype) for a in (x, weight, bias)]
        for target in engine.targets():
            y = run(target, *typed, geometry, groups, activation)
            np.testing.assert_array_equal(y, expected, err_msg=f"{target} {geometry} {groups=}")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("largest", "kernel", "stride"),
    [((20,), (30,), (20,)), ((9, 8), (9, 6), (9, 5)), ((4, 4, 5), (5, 3, 4), (5, 3, 2))],
)
def test_lanes_along_channels_are_exact_in_both_layouts(
    largest, kernel, stride, dtype, seed
) -> None:
    random = np.random.default_rng([seed, len(largest)])
    for trial in range(24):
        geometry = random_geometry(random, largest, kernel, stride)
        groups, batch = int(random.integers(1, 4)), int(random.integers(0, 4))
        c_in, c_out = groups * int(random.integers(1, 6)), int(random.integers(1, 20))
        if trial % 4 == 0:  # whole vectors of channels, and images side by side
            c_out, batch = int(random.choice([16, 32, 48, 70])), int(random.integers(6, 20))
        elif trial % 4 == 1:  # sums long enough to be cut
            groups, c_in, c_out = 1, int(random.integers(100, 600)), int(random.integers(1, 5))
        elif trial % 4 == 2:
            groups = c_in = int(random.integers(1, 70))
            c_out = 1

        def whole(*shape, random=random):
            return random.integers(-9, 10, shape)

        x = whole(batch, c_in, *geometry.input_size)
        weight = whole(c_in, c_out, *geometry.kernel_size)
        bias = whole(c_out * groups) if random.integers(3) else None
        activation = int(random.integers(2))
        typed = [None if a is None else a.astype(dtype) for a in (x, weight, bias)]
        expected = scatter(*typed[:2], geometry, groups)
        if bias is not None:
            expected = expected + bias.reshape(-1, *(1,) * geometry.rank)
        if activation == RELU:
            expected = np.maximum(expected, 0)
        for target in engine.targets():
            for method, last in (("channels", False), ("channels", True), ("auto", True)):
                y = run(target, *typed, geometry, groups, activation, method, last)
                np.testing.assert_array_equal(
                    y, expected, err_msg=f"{target} {geometry} {groups=} {method} {last=}"
                )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("dtype", "epsilon"), [(np.float32, 2e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize(
    "stride", [(1,), (3,), (2, 1), (2, 2), (1, 3), (2, 2, 2), (1, 2, 3)], ids=str
)
def test_two_taps_a_phase_take_winograd_and_stay_exact(stride, dtype, epsilon, seed) -> None:
    random = np.random.default_rng([seed, *stride])
    rank = len(stride)
    for trial in range(4):
        largest = [(200,), (40, 30), (12, 9, 10)][rank - 1]
        size = [int(random.integers(4, n + 1)) for n in largest]
        kernel = [2 * s for s in stride]
        if rank > 1 and trial == 0:
            kernel[0] = stride[0]  # an axis of one tap a phase beside those of two
        crop = [(int(random.integers(-2, 3)), int(random.integers(-3, 2))) for _ in range(rank)]
        geometry = Geometry.from_crop(size, kernel, list(stride), 1, crop)
        groups = 1 + trial % 2
        c_in, c_out = groups * int(random.integers(24, 40)), int(random.integers(24, 40))
        x = random.standard_normal((2, c_in, *size)).astype(dtype)
        weight = random.standard_normal((c_in, c_out, *kernel)).astype(dtype)
        bias = random.standard_normal(c_out * groups).astype(dtype)
        wide = [a.astype(np.longdouble) for a in (x, weight)]
        expected = scatter(*wide, geometry, groups) + bias.reshape(-1, *(1,) * rank)
        for target in engine.targets():
            y = run(target, x, weight, bias, geometry, groups)
            error = abs(y - expected).max() / abs(expected).max()
            assert error < epsilon, f"{target} {geometry} {groups=}"
