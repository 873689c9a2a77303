"""Five definitions and the method in use give the same output."""

from collections import Counter

import numpy as np
import pytest

import tconv
from strategies import METHODS, assert_close, cropped_case
from tconv import engine

DTYPES = ["int64", "float32", "float64", "complex64", "complex128"]
BLOCKS, SETS = 25, 100


def block(number):
    """Return reproducible sets: all ranks, dtypes in turn."""
    random = np.random.default_rng(number)
    for index in range(SETS):
        yield cropped_case(random, 1 + index % 4), np.dtype(DTYPES[index // 4 % len(DTYPES)])


def compute(case, x, weight, bias, method):
    geometry = case.geometry
    return tconv.conv_transpose(
        x, weight, bias, geometry.stride, geometry.crop, 0, case.groups, geometry.dilation,
        method=method,
    )  # fmt: skip


@pytest.mark.parametrize("number", range(BLOCKS))
def test_all_methods_agree(number):
    random = np.random.default_rng(number)
    for case, dtype in block(number):
        x, weight, bias = case.arrays(random, dtype)
        expected = by_loop(case, x, weight, bias)
        assert expected.shape == case.y_shape
        magnitude = compute(case, *map(np.abs, (x, weight, bias)), "scatter")
        terms = case.channels[0] * case.geometry.taps_per_phase[1]
        for method in METHODS:
            actual = compute(case, x, weight, bias, method)
            assert_close(actual, expected, magnitude, terms, dtype)


def by_loop(case, x, weight, bias):
    """Compute straight from the normal form, one kernel element at a time."""
    geometry, (c_in, c_out) = case.geometry, case.channels
    y = np.zeros(case.y_shape, x.dtype) + bias.reshape(-1, *(1,) * geometry.rank)
    for tap in np.ndindex(*geometry.kernel_size):
        read, write = [], []
        for axis, k in zip(geometry.axes, tap, strict=True):
            o = np.arange(axis.input_size) * axis.stride + k * axis.dilation - axis.crop_start
            lands = (o >= 0) & (o < axis.output_size)
            read.append(np.flatnonzero(lands))
            write.append(o[lands])
        for g in range(case.groups):
            ins, outs = np.arange(g * c_in, (g + 1) * c_in), np.arange(g * c_out, (g + 1) * c_out)
            images = np.arange(case.batch)
            values = x[np.ix_(images, ins, *read)]
            made = np.einsum("nc...,co->no...", values, weight[(ins, slice(None), *tap)])
            y[np.ix_(images, outs, *write)] += made
    return y


def test_the_sets_hold_what_they_must():
    met = Counter()
    for number in range(BLOCKS):
        for case, dtype in block(number):
            met += case.properties() + Counter([str(dtype)])
    assert BLOCKS * SETS >= 2000
    for name in (
        *("rank 1", "rank 2", "rank 3", "rank 4"),
        *("batch 0", "batch 1", "batch 2", "batch 3"),
        *DTYPES,
        *("strides unequal", "stride 7", "stride beyond kernel"),
        *("stride and dilation share a factor", "crop beyond kernel"),
        *("cells added at the end", "cells added at the start"),
        *("groups", "groups, C_in != C_out"),
    ):
        assert met[name] > 300, (name, met)


def test_definitions_are_the_five():
    named = ["scatter", "matrix", "stretch", "gradient", "subpixel"]
    assert list(METHODS) == ["auto", "phases", *named]
    assert ("engine" in tconv.METHODS) == engine.available()


@pytest.mark.parametrize("method", METHODS)
def test_cells_beyond_every_stamp_are_exactly_the_bias(method):
    x, weight = np.full((1, 2, 3), 0.1), np.full((2, 1, 2), 0.3)
    y = tconv.conv_transpose(x, weight, [0.7], 3, [(-2, -3)], method=method)
    holes = tconv.Geometry.from_crop(3, 2, 3, crop=[(-2, -3)]).holes()[0]
    assert holes == (0, 1, 4, 7, 10, 11, 12)
    assert (y[0, 0, list(holes)] == 0.7).all()
    assert (np.delete(y[0, 0], holes) == 0.7 + 2 * (0.1 * 0.3)).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_kernel_is_not_turned_round(method):
    x, weight = np.zeros((1, 1, 3, 3), int), np.arange(1, 7).reshape(1, 1, 2, 3)
    x[0, 0, 1, 1] = 1
    y = tconv.conv_transpose(x, weight, stride=(2, 3), method=method)
    np.testing.assert_array_equal(y[0, 0, 2:4, 3:6], weight[0, 0])
    assert y.sum() == weight.sum()


@pytest.mark.parametrize("endless", [np.inf, np.nan])
def test_an_infinite_weight_meets_the_zeros_of_two_definitions(endless):
    """Stretch multiplies the zeros it inserts and pads with, subpixel those it pads with."""
    x, weight = np.ones((1, 1, 3)), np.array([[[1.0, 1.0, endless, 1.0]]])
    lost = {
        method: np.flatnonzero(
            ~np.isfinite(tconv.conv_transpose(x, weight, None, 2, [(0, -1)], method=method))
        ).tolist()
        for method in METHODS
        if method not in ("auto", "phases")
    }
    reached = [2, 4, 6]  # by an input through that weight
    assert {name: lost[name] for name in ("scatter", "gradient", "matrix")} == dict.fromkeys(
        ("scatter", "gradient", "matrix"), reached
    )
    assert lost["subpixel"] == [0, 2, 4, 6, 8]
    assert lost["stretch"] == list(range(9))
