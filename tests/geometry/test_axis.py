"""Every answer of an axis against counting."""

from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings

from strategies import axes
from tconv.geometry.axis import LISTED_AT_MOST, Axis, count

GRID = [
    Axis(i, k, s, d, start, size)
    for i, k, s, d in product((1, 2, 3, 4), (1, 2, 3, 4, 5), (1, 2, 3, 4, 6), (1, 2, 3, 4))
    for start in (-2, 0, 1, 4)
    for size in (1, 3, 8, 17)
]


def landings(axis):
    """Return every (input, kernel element, output) that lands, straight from the normal form."""
    pairs = product(range(axis.input_size), range(axis.kernel_size))
    places = [(i, k, i * axis.stride + k * axis.dilation - axis.crop_start) for i, k in pairs]
    return [(i, k, o) for i, k, o in places if 0 <= o < axis.output_size]


def check_sizes(axis):
    i, k = axis.input_size - 1, axis.kernel_size - 1
    assert axis.effective_kernel == len(range(k * axis.dilation + 1))
    assert axis.full == len(range(i * axis.stride + k * axis.dilation + 1))
    assert axis.crop_start + axis.output_size + axis.crop_end == axis.full


def check_places(axis):
    landed = landings(axis)
    for o in range(axis.output_size):
        inputs, kernel = axis.reads(o)
        assert set(zip(inputs, kernel, strict=True)) == {(i, k) for i, k, at in landed if at == o}
        assert axis.overlap_at(o) == len(inputs)
    for i in range(axis.input_size):
        assert list(axis.stamps(i)) == sorted(o for at, _, o in landed if at == i)
    reached = Counter(o for _, _, o in landed)
    assert axis.overlap() == tuple(reached[o] for o in range(axis.output_size))
    assert axis.holes() == tuple(o for o in range(axis.output_size) if o not in reached)
    assert axis.products == len(landed)
    assert axis.stretched_products == axis.kernel_size * axis.output_size


def check_phases(axis):
    s, d = axis.stride, axis.dilation
    for phase in range(s):
        taps = [k for k in range(axis.kernel_size) if (k * d - phase) % s == 0]
        assert list(axis.taps(phase)) == taps
        assert list(axis.tap_offsets(phase)) == [(k * d - phase) // s for k in taps]
    for i, k, o in landings(axis):
        phase = axis.phase(o)
        back = dict(zip(axis.taps(phase), axis.tap_offsets(phase), strict=True))
        assert 0 <= phase < s
        assert i == (o + axis.crop_start) // s - back[k]


def check_evenness(axis):
    residues = Counter(k * axis.dilation % axis.stride for k in range(axis.kernel_size))
    counts = [residues[phase] for phase in range(axis.stride)]
    assert axis.taps_per_phase == (min(counts), max(counts))
    assert axis.even == (len(set(counts)) == 1)


def check_windows(axis):
    landed = landings(axis)
    for start, stop in ((0, axis.output_size), (axis.output_size // 3, axis.output_size // 2 + 1)):
        needed = [i for i, _, o in landed if start <= o < stop]
        first, end = axis.input_window(start, stop)
        assert 0 <= first <= end <= axis.input_size
        assert set(needed) <= set(range(first, end))
        if axis.dilation == 1:
            assert (first, end) == ((min(needed), max(needed) + 1) if needed else (0, 0))
    for start, stop in ((0, axis.input_size), (axis.input_size // 2, axis.input_size)):
        made = [o for i, _, o in landed if start <= i < stop]
        first, end = axis.output_window(start, stop)
        assert 0 <= first <= end <= axis.output_size
        assert set(made) <= set(range(first, end))
        if made and axis.dilation == 1 and axis.stride <= axis.kernel_size:
            assert (first, end) == (min(made), max(made) + 1)


def check_tile(axis):
    for start, stop in ((0, 1), (axis.output_size // 2, axis.output_size)):
        (first, end), tile = axis.tile(start, stop)
        assert 0 <= first < end <= axis.input_size
        assert {(i + first, k, o + start) for i, k, o in landings(tile)} == {
            (i, k, o) for i, k, o in landings(axis) if start <= o < stop
        }


CHECKS = [
    check_sizes,
    check_places,
    check_phases,
    check_evenness,
    check_windows,
    check_tile,
]


@pytest.mark.parametrize("check", CHECKS)
def test_grid(check):
    for axis in GRID:
        check(axis)


@given(axes())
@settings(max_examples=300)
def test_random(axis):
    for check in CHECKS:
        check(axis)


def test_stride_dividing_the_kernel_is_not_enough_for_even():
    assert Axis(4, 4, 2, 1, 0, 10).even
    assert not Axis(4, 4, 2, 2, 0, 13).even
    assert Axis(4, 4, 2, 3, 0, 16).even


def test_taps_that_share_a_factor_leave_phases_empty():
    axis = Axis(3, 3, 2, 2, 0, 9)
    assert [len(axis.taps(phase)) for phase in (0, 1)] == [3, 0]
    assert axis.holes() == (1, 3, 5, 7)


HUGE = 2**40


@pytest.mark.parametrize(
    ("parameters", "products"),
    [
        ((HUGE, 3, 2, 1, 0, 2 * HUGE + 1), 3 * HUGE),
        ((HUGE, 3, 2, 1, 1, 2 * HUGE - 1), 3 * HUGE - 2),
        ((3, HUGE, 2, 1, 0, HUGE + 4), 3 * HUGE),
        ((HUGE, HUGE, 1, 1, HUGE - 1, 1), HUGE),
        ((HUGE, HUGE, 1, 1, 0, HUGE), HUGE * (HUGE + 1) // 2),
        ((2, 2, 2**62, 1, 0, 2**62 + 2), 4),
        ((1, 2**63 - 1, 1, 1, 0, 2**63 - 1), 2**63 - 1),
    ],
)
def test_huge_products_are_exact(parameters, products):
    assert Axis(*parameters).products == products


def test_huge_places_are_exact():
    axis = Axis(HUGE, HUGE, 3, 5, HUGE, 2**63 - 1)
    middle = 4 * HUGE
    inputs, kernel = axis.reads(middle)
    assert count(inputs) == count(kernel) == axis.overlap_at(middle) > HUGE // 6
    for which in (0, -1):
        assert inputs[which] * 3 + kernel[which] * 5 - HUGE == middle
    first, end = axis.input_window(middle, middle + 1)
    assert first <= inputs[-1] < inputs[0] < end
    assert list(axis.stamps(1)[:2]) == [2, 7]


@pytest.mark.parametrize("what", ["overlap", "holes"])
def test_lists_too_long_for_memory_are_refused(what):
    with pytest.raises(ValueError, match=f"{what} would list .* more than {LISTED_AT_MOST}"):
        getattr(Axis(HUGE, 3, 2, 1, 0, HUGE), what)()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ((0, 1), ValueError, "input_size must be at least 1, got 0"),
        ((1, 0), ValueError, "kernel_size must be at least 1, got 0"),
        ((1, 1, -2), ValueError, "stride must be at least 1, got -2"),
        ((1, 1, 1, 0), ValueError, "dilation must be at least 1, got 0"),
        ((1, True), TypeError, r"kernel_size must be an integer, got True \(bool\)"),
        ((1, 1, 1, 1, 0.0), TypeError, r"crop_start must be an integer, got 0.0 \(float\)"),
        ((2**63, 1), ValueError, "input_size 9223372036854775808 does not fit 64 bits"),
        ((4, 3, 1, 1, 3, 0), ValueError, "output size 0 is too small: full output 6 less crops 3"),
    ],
)
def test_refusals(parameters, error, message):
    with pytest.raises(error, match=message):
        Axis(*parameters)


def test_an_axis_is_a_value():
    axis = Axis(4, 3, 2, 1, 1, 7)
    assert axis == Axis(4, 3, 2, 1, 1, 7)
    assert hash(axis) == hash(Axis(4, 3, 2, 1, 1, 7))
    assert axis != Axis(4, 3, 2, 1, 1, 8)
    with pytest.raises(AttributeError):
        axis.stride = 3
