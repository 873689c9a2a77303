"""Winograd's tiles of four and five positions, and the ends of an axis that are computed alone."""

import numpy as np
import pytest

from tconv import Geometry, engine
from tconv.reference import scatter

from .test_kernels import LEAKY_RELU, pytestmark, run, threads  # noqa: F401

CASES = [  # input channels, sizes, kernel, stride, crop
    (70, (21,), (4,), (2,), [(1, 1)]),
    (64, (4,), (6,), (3,), [(0, 2)]),
    (128, (5,), (8,), (4,), [(2, 2)]),
    (131, (31,), (4,), (2,), [(1, 1)]),
    (130, (64,), (25,), (4,), [(11, 10)]),
    (140, (16,), (3,), (2,), [(1, 0)]),
    (130, (12,), (5,), (2,), [(2, 1)]),
    (192, (4, 4), (4, 4), (2, 2), [(1, 1), (1, 1)]),
    (192, (12, 17), (4, 4), (2, 2), [(1, 1), (1, 1)]),
    (200, (8, 5), (3, 3), (2, 2), [(1, 0), (1, 0)]),
    (195, (8, 9), (3, 4), (2, 2), [(0, 0), (1, 1)]),
    (192, (1, 3), (4, 3), (2, 1), [(1, 1), (1, 1)]),
    (192, (9, 4), (12, 1), (8, 1), [(2, 2), (0, 0)]),
    (256, (4, 3, 8), (4, 4, 4), (2, 2, 2), [(1, 1), (1, 1), (1, 1)]),
    (9, (4, 7), (4, 4), (2, 2), [(1, 1), (1, 1)]),  # tiles of three, whose both ends are alone
    (6, (8, 2, 5), (4, 4, 4), (2, 2, 2), [(1, 1), (1, 1), (1, 1)]),
    (5, (10,), (5,), (1,), [(0, 0)]),
]


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("channels_last", [True, False])
@pytest.mark.parametrize("outputs", [5, 21, 128])
def test_they_agree_with_the_definition(case, channels_last, outputs) -> None:
    c_in, size, kernel, stride, crop = case
    random = np.random.default_rng([c_in, *size, outputs])
    geometry = Geometry.from_crop(size, kernel, stride, 1, crop)
    for dtype, epsilon in ((np.float32, 4e-6), (np.float64, 1e-14)):
        groups, batch = (2, 1) if outputs == 21 else (1, 3)
        x = random.standard_normal((batch, c_in * groups, *size)).astype(dtype)
        weight = random.standard_normal((c_in * groups, outputs, *kernel)).astype(dtype)
        bias = random.standard_normal(outputs * groups).astype(dtype)
        wide = [a.astype(np.longdouble if dtype == np.float64 else np.float64) for a in (x, weight)]
        expected = scatter(*wide, geometry, groups) + bias.reshape(-1, *(1,) * len(size))
        for target in engine.targets():
            for activation, value in (
                (0, expected),
                (LEAKY_RELU, np.maximum(expected, expected / 2)),
            ):
                y = run(target, x, weight, bias, geometry, groups, activation, 0.5,
                        "winograd_channels", channels_last)  # fmt: skip
                np.testing.assert_allclose(
                    y, value, rtol=0, atol=epsilon * abs(expected).max(), err_msg=target
                )


@pytest.mark.parametrize(
    ("channels", "size"), [(64, (40,)), (128, (40,)), (192, (12, 12)), (256, (4, 4, 8))]
)
def test_their_rounding_stays_near_that_of_a_sum(channels, size) -> None:
    random = np.random.default_rng(channels)
    rank = len(size)
    geometry = Geometry.from_crop(size, (4,) * rank, (2,) * rank, 1, [(1, 1)] * rank)
    x = random.standard_normal((1, channels, *size)).astype(np.float32)
    weight = random.standard_normal((channels, 16, *(4,) * rank)).astype(np.float32)
    expected = scatter(x.astype(float), weight.astype(float), geometry, 1)
    for target in engine.targets():
        y = run(target, x, weight, None, geometry, 1, method="winograd_channels")
        error = np.sqrt(np.mean((y - expected) ** 2)) / expected.std()
        # twice that of float32 sums of as many channels, each tap's by itself
        assert error < 2 * 1.8e-8 * np.sqrt(channels) * 1.15, target
