"""Every target's kernels against the definitions, through the module's own door."""

import numpy as np
import pytest

from tconv import Geometry, engine
from tconv.engine import native
from tconv.engine.packed import METHODS
from tconv.reference import scatter

pytestmark = pytest.mark.skipif(not engine.available(), reason="the engine is not built")

RELU, LEAKY_RELU = 1, 2


def run(
    target, x, weight, bias, geometry, groups, activation=0, alpha=0.0, method="auto",
    channels_last=False, counts=(1, 2, 5),
):  # fmt: skip
    """Compute by one target's kernels into an array of NaN."""
    lead = (1,) * (3 - geometry.rank)
    plan = native.plan_class(x.dtype)(
        target, weight, bias, groups, lead + geometry.stride, lead + geometry.dilation,
        activation, alpha, channels_last=channels_last, method=METHODS.index(method),
    )  # fmt: skip
    shape = (len(x), weight.shape[1] * groups, *geometry.output_size)
    if channels_last:
        x, shape = np.ascontiguousarray(np.moveaxis(x, 1, -1)), (shape[0], *shape[2:], shape[1])
    crop = (0,) * len(lead) + tuple(start for start, _ in geometry.crop)
    results = []
    for threads in counts:
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
                y = run(target, *typed, geometry, groups, activation, 0.0, method, last)
                np.testing.assert_array_equal(
                    y, expected, err_msg=f"{target} {geometry} {groups=} {method} {last=}"
                )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "crop"),
    [
        ((280,), (540,), (2,), (1,), [(200, 5)]),  # sums that are cut
        ((2, 160), (2, 150), (1, 1), (1, 1), [(0, 1), (70, 0)]),
        ((3000,), (7,), (3,), (2,), [(4, -9)]),  # rows in pieces
        ((17, 30), (8, 9), (4, 5), (1, 1), [(2, 2), (3, 1)]),
        ((5, 6, 19), (3, 4, 7), (2, 3, 9), (3, 1, 2), [(1, 0), (-2, 3), (2, -4)]),
    ],
    ids=str,
)
@pytest.mark.parametrize("channels", [16, 37, 70])
def test_depthwise_with_channels_last(
    size, kernel, stride, dilation, crop, channels, dtype
) -> None:
    random = np.random.default_rng(channels)
    geometry = Geometry.from_crop(size, kernel, stride, dilation, crop)
    x = random.integers(-9, 10, (2, channels, *size)).astype(dtype)
    weight = random.integers(-9, 10, (channels, 1, *kernel)).astype(dtype)
    bias = random.integers(-9, 10, channels).astype(dtype)
    sums = scatter(x, weight, geometry, channels) + bias.reshape(-1, *(1,) * len(size))
    for target in engine.targets():
        for activation, expected in (
            (0, sums),
            (RELU, np.maximum(sums, 0)),
            (LEAKY_RELU, np.where(sums > 0, sums, sums / 2)),
        ):
            y = run(target, x, weight, bias, geometry, channels, activation, 0.5, "channels", True)
            np.testing.assert_array_equal(y, expected, err_msg=f"{target} {activation=}")


FEW_TAPS = [  # (kernel, stride) an axis: phases of one to three taps
    [(4, 2)],
    [(3, 2)],
    [(5, 2)],
    [(3, 1)],
    [(9, 3), (2, 1)],
    [(9, 4), (8, 4), (16, 8)],
    [(3, 2), (1, 1), (2, 2)],
    [(5, 2), (4, 2), (3, 1), (6, 3), (5, 3)],
]
MANY_TAPS = [[(7, 2)], [(25, 4), (1, 1)], [(16, 4), (2, 1)], [(5, 1), (6, 2)], [(9, 2), (1, 1)]]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("dtype", "epsilon"), [(np.float32, 2e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("largest", [(200,), (30, 24), (9, 7, 8)], ids=str)
@pytest.mark.parametrize(
    ("method", "channels_last", "kinds"),
    [
        *(("winograd", False, kinds) for kinds in FEW_TAPS),
        *(("winograd_channels", True, kinds) for kinds in FEW_TAPS + MANY_TAPS),
        *(("winograd_channels", False, kinds) for kinds in FEW_TAPS + MANY_TAPS),
    ],
    ids=str,
)
def test_winograd_is_exact(method, channels_last, kinds, largest, dtype, epsilon, seed) -> None:
    random = np.random.default_rng([seed, len(largest), len(kinds), *kinds[0]])
    rank = len(largest)
    for trial in range(3):
        size = [int(random.integers(1, (n, n // 3 + 1, 4)[trial] + 1)) for n in largest]
        chosen = [kinds[random.integers(len(kinds))] for _ in range(rank - 1)] + [kinds[0]]
        random.shuffle(chosen)
        kernel, stride = (list(part) for part in zip(*chosen, strict=True))
        crop = [(int(random.integers(-2, 3)), int(random.integers(-3, 1))) for _ in range(rank)]
        geometry = Geometry.from_crop([n + 2 for n in size], kernel, stride, 1, crop)
        groups, batch = 1 + trial % 2, (1, 2, 9)[trial]
        most = 300 if rank == 1 and trial == 0 else 20
        c_in, c_out = groups * int(random.integers(1, 20)), int(random.integers(1, most))
        if seed == 2:
            c_out = (c_out + 15) // 16 * 16  # whole vectors, and where they are many several bands
        x = random.standard_normal((batch, c_in, *geometry.input_size)).astype(dtype)
        weight = random.standard_normal((c_in, c_out, *kernel)).astype(dtype)
        bias = random.standard_normal(c_out * groups).astype(dtype)
        wide = [a.astype(np.float64 if dtype == np.float32 else np.longdouble) for a in (x, weight)]
        expected = scatter(*wide, geometry, groups) + bias.reshape(-1, *(1,) * rank)
        way = {"method": method, "channels_last": channels_last}
        for target in engine.targets():
            y = run(target, x, weight, bias, geometry, groups, **way)
            error = abs(y - expected).max() / abs(expected).max()
            assert error < epsilon, f"{target} {geometry} {groups=}"
            y = run(target, x, weight, bias, geometry, groups, LEAKY_RELU, 0.5, **way)
            np.testing.assert_allclose(
                y, np.where(expected > 0, expected, expected / 2),
                rtol=0, atol=epsilon * abs(expected).max(),
            )  # fmt: skip
            y = run(target, x, weight, bias, geometry, groups, RELU, **way)
            np.testing.assert_allclose(
                y, np.maximum(expected, 0), rtol=0, atol=epsilon * abs(expected).max()
            )


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"),
    [((8, 8), (2, 2), 1), ((1, 1), (1, 1), 1), ((3, 3), (1, 1), 2)],
)
def test_winograd_refuses_other_kernels_in_a_sentence(kernel, stride, dilation) -> None:
    geometry = Geometry.from_crop((9, 9), kernel, stride, dilation, [(0, 0), (0, 0)])
    weight = np.ones((2, 2, *kernel), np.float32)
    with pytest.raises(ValueError, match="tap"):
        run(engine.targets()[0], np.ones((1, 2, 9, 9), np.float32), weight, None, geometry, 1,
            method="winograd")  # fmt: skip
    if kernel == (8, 8):
        return
    with pytest.raises(ValueError, match="tap"):
        run(engine.targets()[0], np.ones((1, 2, 9, 9), np.float32), weight, None, geometry, 1,
            method="winograd_channels")  # fmt: skip


ONE_TAP = [(1, 1), (2, 2), (1, 2), (3, 3), (4, 4)]  # (kernel, stride) an axis


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("largest", [(300,), (24, 17), (7, 6, 8)], ids=str)
def test_products_of_halves_are_exact(largest, dtype, seed) -> None:
    random = np.random.default_rng([seed, len(largest)])
    rank = len(largest)
    for trial in range(6):
        size = [int(random.integers(2, n + 1)) for n in largest]
        kernel, stride = zip(*(ONE_TAP[random.integers(5)] for _ in size), strict=True)
        ends = (-2, 2) if trial % 2 else (0, 1)
        crop = [tuple(int(end) for end in random.integers(*ends, 2)) for _ in size]
        geometry = Geometry.from_crop(size, kernel, stride, 1, crop)
        groups, batch = 1 + trial % 3 // 2, int(random.integers(0, 4))
        c_in = groups * int(random.integers(1, (50, 400)[trial % 3 == 0]))
        c_out = int(random.integers(1, 40))
        if trial % 3 == 1:
            c_out = (c_out + 15) // 16 * 16  # whole vectors
        x = random.integers(-5, 6, (batch, c_in, *size)).astype(dtype)
        weight = random.integers(-5, 6, (c_in, c_out, *kernel)).astype(dtype)
        bias = random.integers(-5, 6, c_out * groups).astype(dtype)
        sums = scatter(x, weight, geometry, groups) + bias.reshape(-1, *(1,) * rank)
        for target in engine.targets():
            for activation, expected in (
                (0, sums),
                (RELU, np.maximum(sums, 0)),
                (LEAKY_RELU, np.where(sums > 0, sums, sums / 2)),
            ):
                y = run(
                    target, x, weight, bias, geometry, groups, activation, 0.5, "strassen", True
                )
                np.testing.assert_array_equal(
                    y, expected, err_msg=f"{target} {geometry} {groups=} {activation=}"
                )


@pytest.mark.parametrize("target", engine.targets())
def test_products_of_halves_round_little_in_large_outputs(target) -> None:
    random = np.random.default_rng(0)
    geometry = Geometry.of((71, 67), (2, 2), (2, 2))
    x = random.standard_normal((1, 259, 71, 67)).astype(np.float32)
    weight = random.standard_normal((259, 128, 2, 2)).astype(np.float32)
    y = run(target, x, weight, None, geometry, 1, method="strassen", channels_last=True)
    error = y - scatter(x.astype(np.float64), weight.astype(np.float64), geometry, 1)
    assert abs(error).max() < 1.5e-4
    assert np.sqrt(np.mean(error**2)) < 1e-5


def test_products_of_halves_refuse_in_a_sentence() -> None:
    geometry = Geometry.of((9,), (3,), (2,))
    x, weight = np.ones((1, 2, 9), np.float32), np.ones((2, 2, 3), np.float32)
    for last, why in ((True, "some outputs have several taps"), (False, "only with channels last")):
        with pytest.raises(ValueError, match=why):
            run(engine.targets()[0], x, weight, None, geometry, 1, method="strassen",
                channels_last=last)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("largest", "kernel", "stride"),
    [
        ((60,), (50,), (20,)),
        ((4000,), (9,), (9,)),
        ((14, 11), (9, 6), (9, 5)),
        ((5, 300), (5, 9), (4, 8)),
        ((7, 4, 6), (5, 3, 4), (5, 3, 2)),
    ],
)
def test_streamed_whole_numbers_are_exact(largest, kernel, stride, dtype, seed) -> None:
    random = np.random.default_rng([seed, *largest])
    for _ in range(20):
        geometry = random_geometry(random, largest, kernel, stride)
        groups = int(random.integers(1, 4))
        c_in, c_out = groups * int(random.integers(1, 4)), int(random.integers(1, 7))
        x = random.integers(-9, 10, (2, c_in, *geometry.input_size)).astype(dtype)
        weight = random.integers(-9, 10, (c_in, c_out, *geometry.kernel_size)).astype(dtype)
        bias = random.integers(-9, 10, c_out * groups).astype(dtype)
        expected = scatter(x, weight, geometry, groups) + bias.reshape(-1, *(1,) * geometry.rank)
        activation = int(random.integers(3))
        if activation == RELU:
            expected = np.maximum(expected, 0)
        elif activation == LEAKY_RELU:
            expected = np.where(expected > 0, expected, expected / 2)
        for target in engine.targets():
            y = run(target, x, weight, bias, geometry, groups, activation, 0.5, "streaming")
            np.testing.assert_array_equal(y, expected, err_msg=f"{target} {geometry} {groups=}")


@pytest.mark.parametrize("target", engine.targets())
def test_streamed_long_sums_and_large_outputs(target) -> None:
    random = np.random.default_rng(0)
    geometry = Geometry.of((30, 700), (3, 600), (1, 3))
    x = random.integers(-3, 4, (1, 4, 30, 700)).astype(np.float32)
    weight = random.integers(-3, 4, (4, 1, 3, 600)).astype(np.float32)
    y = run(target, x, weight, None, geometry, 1, method="streaming")
    np.testing.assert_array_equal(y, scatter(x, weight, geometry, 1))
    geometry = Geometry.of((600, 1600), (4, 4), (2, 2), (1, 1))
    x = random.integers(-9, 10, (1, 2, 600, 1600)).astype(np.float32)
    weight = random.integers(-9, 10, (2, 1, 4, 4)).astype(np.float32)
    y = run(target, x, weight, None, geometry, 2, method="streaming")
    np.testing.assert_array_equal(y, scatter(x, weight, geometry, 2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "crop", "batch"),
    [
        ((8,), (31,), (2,), (1,), [(15, 14)], 1),
        ((3,), (9,), (2,), (3,), [(-2, 5)], 2),
        ((2, 3), (4, 5), (2, 2), (1, 1), [(1, 1), (2, 0)], 3),
        ((4, 4), (3, 4), (1, 3), (2, 1), [(0, 3), (1, -4)], 1),
        ((2, 1, 2), (3, 4, 3), (2, 2, 1), (1, 1, 1), [(0, 1), (1, 1), (1, 0)], 2),
    ],
    ids=str,
)
@pytest.mark.parametrize("outputs", [64, 70])
def test_few_cells_are_stamped(size, kernel, stride, dilation, crop, batch, outputs, dtype) -> None:
    random = np.random.default_rng([outputs, *size])
    geometry = Geometry.from_crop(size, kernel, stride, dilation, crop)
    for groups, channels in ((1, 300), (2, 65)):
        x = random.integers(-9, 10, (batch, groups * channels, *size)).astype(dtype)
        weight = random.integers(-9, 10, (groups * channels, outputs, *kernel)).astype(dtype)
        bias = random.integers(-9, 10, groups * outputs).astype(dtype)
        sums = scatter(x, weight, geometry, groups) + bias.reshape(-1, *(1,) * len(size))
        for target in engine.targets():
            for last in (True, False):
                for activation, expected in (
                    (0, sums),
                    (RELU, np.maximum(sums, 0)),
                    (LEAKY_RELU, np.where(sums > 0, sums, sums / 2)),
                ):
                    y = run(target, x, weight, bias, geometry, groups, activation, 0.5, "channels",
                            last)  # fmt: skip
                    np.testing.assert_array_equal(
                        y, expected, err_msg=f"{target} {groups=} {last=}"
                    )
