"""Geometry: constructors, answers over several axes, windows, the convolutions beside it."""

import doctest
import inspect
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given

import tconv
from strategies import axes, cropped_case, in_time
from tconv import Geometry
from tconv.geometry.axis import Axis

CASES = [cropped_case(np.random.default_rng(seed), 1 + seed % 4) for seed in range(120)]

# Constructors


@pytest.mark.parametrize(
    ("arguments", "words", "crop", "output_size"),
    [
        ((4, 3), {"stride": 2, "padding": 1}, [(1, 1)], (7,)),
        ((4, 3), {"stride": 2, "padding": 1, "output_padding": 1}, [(1, 0)], (8,)),
        ((4, 3), {"stride": 2, "output_padding": 1}, [(0, -1)], (10,)),
        ((4, 3), {"stride": 2, "dilation": 3, "output_padding": 2}, [(0, -2)], (15,)),
        ((4, 3), {"stride": 2, "padding": "valid"}, [(0, 0)], (9,)),
        ((4, 3), {"stride": 2, "padding": "same"}, [(0, 1)], (8,)),
        ((4, 6), {"stride": 2, "padding": "same"}, [(2, 2)], (8,)),
        ((3, 3), {"stride": 2, "padding": "same", "output_size": 5}, [(1, 1)], (5,)),
        ((3, 2), {"stride": 4, "padding": "same"}, [(0, -2)], (12,)),
        ((5, 3), {"dilation": 2, "padding": "half"}, [(2, 2)], (5,)),
        ((5, 3), {"padding": "full"}, [(2, 2)], (3,)),
        ((3, 3), {"stride": 2, "output_size": 8}, [(0, -1)], (8,)),
        ((3, 3), {"stride": 2, "padding": [(2, 0)]}, [(2, 0)], (5,)),
        ((3, 3), {"padding": [(-2, -1)]}, [(-2, -1)], (8,)),
        (((4, 6), (3, 5)), {"stride": (2, 1), "padding": (1, 2)}, [(1, 1), (2, 2)], (7, 6)),
        (((4, 6), 3), {"stride": (2, 3), "padding": [(1, 0), 1]}, [(1, 0), (1, 1)], (8, 16)),
        ((3, (2, 3, 4)), {"output_size": (4, 5, 6)}, [(0, 0)] * 3, (4, 5, 6)),
    ],
)
def test_of(arguments, words, crop, output_size):
    geometry = Geometry.of(*arguments, **words)
    assert geometry.crop == tuple(crop)
    assert geometry.output_size == output_size


def test_every_parameter_may_differ_per_axis():
    geometry = Geometry.of((3, 4), (2, 5), (3, 2), (1, 0), (2, 1), (4, 1))
    assert geometry.input_size == (3, 4)
    assert geometry.kernel_size == (2, 5)
    assert geometry.stride == (3, 2)
    assert geometry.dilation == (4, 1)
    assert geometry.effective_kernel == (5, 5)
    assert geometry.full == (11, 11)
    assert geometry.crop == ((1, -1), (0, -1))
    assert geometry.output_size == (11, 12)


def test_words_numpy_integers_and_arrays_mean_the_same():
    plain = Geometry.of((4, 4), (3, 3), (2, 2), (1, 1))
    assert Geometry.of(np.array([4, 4]), np.int64(3), [2, 2], np.uint8(1)) == plain
    assert Geometry.of((4, 4), 3, 2, "half") == plain


def test_same_takes_its_start_crop_from_the_output_size():
    six, five = (Geometry.of(3, 3, 2, "same", output_size=size) for size in (6, 5))
    assert (six.crop, five.crop) == (((0, 1),), ((1, 1),))


@given(axes())
def test_from_crop_gives_back_the_axis(axis):
    made = Geometry.from_crop(
        axis.input_size,
        axis.kernel_size,
        axis.stride,
        axis.dilation,
        [(axis.crop_start, axis.crop_end)],
    )
    assert made == Geometry((axis,))


def test_from_crop_by_one_integer():
    assert Geometry.from_crop((4, 5), 3, crop=1) == Geometry.of((4, 5), 3, padding=1)
    assert Geometry.from_crop((4, 5), 3, crop=-1).output_size == (8, 9)


@pytest.mark.parametrize("padding", [0, 1, 3, "valid", "same", "full", [(2, 0)], [(-1, 0)]])
def test_of_conv_counts_the_kernel_positions(padding):
    for size, k, s, d in product(range(1, 9), (1, 2, 3), (1, 2, 3), (1, 2)):
        reach = d * (k - 1)
        if padding == "same":
            outputs = -(-size // s)
            total = max((outputs - 1) * s + reach + 1 - size, 0)
            before, after = total // 2, total - total // 2
        else:
            words = {"valid": (0, 0), "full": (reach, reach)}
            before, after = words.get(str(padding)) or np.broadcast_to(padding, (1, 2))[0].tolist()
            outputs = len(range(0, size + before + after - reach, s))
        if outputs < 1:
            with pytest.raises(ValueError, match="larger than the padded input"):
                Geometry.of_conv(size, k, s, padding, d)
            continue
        geometry = Geometry.of_conv(size, k, s, padding, d)
        assert geometry.input_size == (outputs,)
        assert geometry.output_size == (size,)
        assert geometry.crop[0][0] == before


def test_of_conv_half():
    assert Geometry.of_conv((5, 7), 3, padding="half", dilation=(1, 2)).input_size == (5, 7)


REFUSED = [
    ({"stride": True}, TypeError, r"stride must be an integer, got True \(bool\)"),
    ({"stride": 2.0}, TypeError, r"stride must be an integer, got 2.0 \(float\)"),
    ({"stride": "2"}, TypeError, r"stride must be an integer, got '2' \(str\)"),
    ({"dilation": float("nan")}, TypeError, r"dilation must be an integer, got nan \(float\)"),
    ({"kernel_size": None}, TypeError, r"kernel_size must be an integer, got None \(NoneType\)"),
    ({"padding": None}, TypeError, r"padding must be an integer, got None"),
    ({"padding": 1.5}, TypeError, r"padding must be an integer, got 1.5 \(float\)"),
    ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    ({"dilation": -1}, ValueError, "dilation must be at least 1, got -1"),
    ({"input_size": 0}, ValueError, "input_size must be at least 1, got 0"),
    ({"output_padding": -1}, ValueError, "output_padding must be at least 0, got -1"),
    (
        {"stride": 2, "output_padding": 2},
        ValueError,
        "output_padding 2 must be smaller than stride 2 or dilation 1",
    ),
    ({"padding": -1}, ValueError, "padding must not be negative, got -1; only .before, after."),
    ({"padding": "smae"}, ValueError, r"padding 'smae' is not one of .* \(did you mean 'same'\?\)"),
    ({"padding": "xyz"}, ValueError, "padding 'xyz' is not one of 'valid', 'same', 'half', 'full'"),
    ({"padding": [(1, 2, 3)]}, ValueError, r"must be \(before, after\), got \(1, 2, 3\)"),
    ({"padding": 3}, ValueError, "output size 0 is too small: full output .* less padding 3 and 3"),
    ({"kernel_size": 2, "padding": "half"}, ValueError, "needs an odd effective kernel, got 2"),
    (
        {"padding": "same", "output_padding": 1, "stride": 2},
        ValueError,
        "padding='same' sets the output size",
    ),
    (
        {"stride": 2, "output_padding": 1, "output_size": 9},
        ValueError,
        "give output_padding or output_size, not both",
    ),
    ({"output_size": 7}, ValueError, "output_size 7 is out of reach: stride 1 gives 6$"),
    ({"stride": 2, "output_size": 11}, ValueError, "out of reach: stride 2 gives 9 or 10$"),
    ({"stride": 3, "output_size": 11}, ValueError, "out of reach: stride 3 gives 12 to 14$"),
    (
        {"kernel_size": 1, "stride": 2, "padding": [(0, 7)], "output_size": 0},
        ValueError,
        "output_size 0 is out of reach: stride 2 gives 1$",
    ),
    (
        {"padding": 9, "output_size": 1},
        ValueError,
        "output_size 1 is out of reach: every size stride 1 gives is below 1; pad less",
    ),
    (
        {"stride": (1, 2), "dilation": (1, 2, 3)},
        ValueError,
        "parameters disagree on the number of axes: stride has 2, dilation has 3",
    ),
    ({"stride": ()}, ValueError, "stride is empty; give at least one axis"),
    ({"input_size": 2**63}, ValueError, "input_size 9223372036854775808 does not fit 64 bits"),
    (
        {"input_size": 2**62, "stride": 8},
        ValueError,
        "output_size 36893488147419103227 does not fit 64 bits",
    ),
]


@pytest.mark.parametrize(("words", "error", "message"), REFUSED)
def test_of_refuses(words, error, message):
    with pytest.raises(error, match=message):
        Geometry.of(**{"input_size": 4, "kernel_size": 3} | words)


def test_other_refusals():
    geometry = Geometry.of((4, 4), 3)
    with pytest.raises(ValueError, match="a geometry needs at least one axis"):
        Geometry(())
    with pytest.raises(TypeError, match="axes must hold Axis objects, got 3"):
        Geometry((3,))
    with pytest.raises(ValueError, match=r"kernel 5 \(dilated\) is larger than .* 3 \+ 0 \+ 1 = 4"):
        Geometry.of_conv(3, 3, dilation=2, padding=[(0, 1)])
    for wrong in ((1,), (1, 2, 3), 1):
        with pytest.raises(ValueError, match="give one entry for each of 2 axes"):
            geometry.overlap_at(wrong)
    with pytest.raises(ValueError, match="groups 2 must divide in_channels 3 and out_channels 4"):
        geometry.macs(in_channels=3, out_channels=4, groups=2)


# Answers over several axes


@pytest.mark.parametrize("case", CASES[:40:3])
def test_cells_are_products_over_the_axes(case):
    geometry, random = case.geometry, np.random.default_rng(0)
    for _ in range(5):
        output = tuple(int(random.integers(size)) for size in geometry.output_size)
        pairs = geometry.reads(output)
        assert len(pairs) == len(set(pairs)) == geometry.overlap_at(output)
        for position, tap in pairs:
            assert all(
                i * axis.stride + k * axis.dilation - axis.crop_start == o
                for i, k, axis, o in zip(position, tap, geometry.axes, output, strict=True)
            )
            assert output in product(*geometry.stamps(position))
        phase = tuple(axis.phase(o) for axis, o in zip(geometry.axes, output, strict=True))
        assert phase in geometry.phases()
        assert {tap for _, tap in pairs} <= set(product(*geometry.taps(phase)))


@pytest.mark.parametrize("case", CASES)
def test_counts_are_what_a_kernel_of_ones_gives(case):
    geometry = case.geometry
    ones = np.ones((1, *geometry.input_size), int), np.ones((1, 1, *geometry.kernel_size), int)
    counted = tconv.conv_transpose(*ones, padding=geometry.crop, **strides(geometry))[0]
    assert geometry.overlap_map() == counted.tolist()
    assert geometry.products == counted.sum()
    holes = {cell for cell in product(*map(range, geometry.output_size)) if not counted[cell]}
    assert holes == {
        cell
        for cell in product(*map(range, geometry.output_size))
        if any(o in of for o, of in zip(cell, geometry.holes(), strict=True))
    }
    taps = [prod(map(len, geometry.taps(phase))) for phase in geometry.phases()]
    assert geometry.taps_per_phase == (min(taps), max(taps))
    assert geometry.even == (min(taps) == max(taps))


def strides(geometry):
    return {"stride": geometry.stride, "dilation": geometry.dilation}


@pytest.mark.parametrize("case", CASES[:60])
def test_macs_count_every_product_of_a_layer(case):
    c_in, c_out = case.channels
    made = case.geometry.macs(case.batch, c_in * case.groups, c_out * case.groups, case.groups)
    assert made == case.geometry.products * case.batch * c_in * c_out * case.groups


def test_even_needs_every_axis():
    assert Geometry.of((4, 4), (4, 3), stride=(2, 3)).even
    assert not Geometry.of((4, 4), (4, 4), stride=(2, 3)).even


# Windows


@pytest.mark.parametrize("case", CASES)
def test_a_tile_makes_exactly_its_outputs(case):
    geometry, random = case.geometry, np.random.default_rng(1)
    x, weight, _ = case.arrays(random, np.int64)
    whole = tconv.conv_transpose(
        x, weight, padding=geometry.crop, groups=case.groups, **strides(geometry)
    )
    for _ in range(3):
        window = [random_window(random, size) for size in geometry.output_size]
        inputs, tile = geometry.tile(window)
        part = tconv.conv_transpose(
            cut(x, inputs), weight, padding=tile.crop, groups=case.groups, **strides(tile)
        )
        np.testing.assert_array_equal(part, cut(whole, window))
        needed = geometry.input_window(window)
        assert all(n in ((0, 0), i) for n, i in zip(needed, inputs, strict=True))


@pytest.mark.parametrize("case", CASES[:60])
def test_an_input_changes_nothing_outside_its_output_window(case):
    geometry, random = case.geometry, np.random.default_rng(2)
    window = [(int(random.integers(size)), size) for size in geometry.input_size]
    x = np.zeros((1, *geometry.input_size), int)
    cut(x, window)[...] = 1
    ones = np.ones((1, 1, *geometry.kernel_size), int)
    y = tconv.conv_transpose(x, ones, padding=geometry.crop, **strides(geometry))
    cut(y, geometry.output_window(window))[...] = 0
    assert not y.any()


def random_window(random, size):
    start = int(random.integers(size))
    return start, int(random.integers(start, size)) + 1


def cut(array, window):
    return array[(..., *(slice(first, end) for first, end in window))]


# The convolutions beside it


@pytest.mark.parametrize("case", CASES)
def test_stretched_sizes(case):
    geometry = case.geometry
    same = geometry.stretched()
    assert (same.stretch, same.flip, set(same.stride)) == (geometry.stride, True, {1})
    for padded, kernel, output, axis in zip(
        same.padded_size, same.kernel_size, same.output_size, geometry.axes, strict=True
    ):
        assert padded - axis.dilation * (kernel - 1) == output == axis.output_size
    assert geometry.stretched_products == prod(geometry.kernel_size) * prod(geometry.output_size)
    assert geometry.wasted_products == geometry.stretched_products - geometry.products >= 0


@given(axes(largest=4))
def test_adjoint_is_none_exactly_where_no_padding_gives_the_adjoint(axis):
    outputs = range(axis.output_size)
    pairs = {(i, k, o) for o in outputs for i, k in zip(*axis.reads(o), strict=True)}
    words = Geometry((axis,)).adjoint()
    if words is not None:
        assert words.padding[0][0] >= 0 <= words.padding[0][1]
        assert conv_pairs(axis, *words.padding[0]) == pairs
        assert (words.input_size, words.output_size) == ((axis.output_size,), (axis.input_size,))
    elif pairs:  # nothing lands: every convolution of that size is the adjoint
        room = range(axis.full + axis.output_size + 1)
        assert all(conv_pairs(axis, *pad) != pairs for pad in product(room, room))


def conv_pairs(axis, before, after):
    """Return what a convolution of the output reads, or None where its size is not the input's."""
    reach = axis.dilation * (axis.kernel_size - 1)
    if len(range(0, axis.output_size + before + after - reach, axis.stride)) != axis.input_size:
        return None
    taps = product(range(axis.input_size), range(axis.kernel_size))
    read = {(i, k, i * axis.stride + k * axis.dilation - before) for i, k in taps}
    return {(i, k, o) for i, k, o in read if 0 <= o < axis.output_size}


def test_adjoint_of_random_arrays():
    random, met = np.random.default_rng(3), 0
    for seed in range(300):
        case = cropped_case(np.random.default_rng(seed), 1 + seed % 3)
        words = case.geometry.adjoint()
        if words is None:
            continue
        met += 1
        x, weight, _ = case.arrays(random, np.int64)
        y = random.integers(-9, 9, case.y_shape)
        conv = tconv.conv(y, weight, None, words.stride, words.padding, words.dilation, case.groups)
        back = tconv.conv_transpose(
            x, weight, padding=case.geometry.crop, groups=case.groups, **strides(case.geometry)
        )
        assert conv.shape == x.shape
        assert np.vdot(conv, x) == np.vdot(y, back)
    assert met > 80


def test_symmetric_adjoints_are_said_symmetrically():
    assert Geometry.of(3, 3, 2, padding=1, output_padding=1).adjoint().padding == ((1, 1),)
    assert Geometry.of(3, 3, 2, padding="same").adjoint().padding == ((0, 1),)


# Words and values


def test_derivation():
    assert Geometry.of(
        (4, 2), (3, 2), (2, 3), [(1, 1), (-1, -2)], dilation=(1, 4)
    ).derivation() == (
        "axis 0\n"
        "stretched input    (I-1)·s + 1 = (4-1)·2 + 1 = 7\n"
        "effective kernel   ke = d·(K-1) + 1 = 1·(3-1) + 1 = 3\n"
        "full output        (I-1)·s + ke = (4-1)·2 + 3 = 9\n"
        "crop               1 at the start, 1 at the end\n"
        "output             O = full - c0 - c1 = 9 - 1 - 1 = 7\n"
        "\n"
        "axis 1\n"
        "stretched input    (I-1)·s + 1 = (2-1)·3 + 1 = 4\n"
        "effective kernel   ke = d·(K-1) + 1 = 4·(2-1) + 1 = 5\n"
        "full output        (I-1)·s + ke = (2-1)·3 + 5 = 8\n"
        "crop               1 untouched cell added at the start, "
        "2 untouched cells added at the end\n"
        "output             O = full - c0 - c1 = 8 - (-1) - (-2) = 11"
    )


def test_str():
    geometry = Geometry.of((4, 2), 3, (2, 3), (1, 0), dilation=(1, 2))
    assert str(geometry) == (
        "input 4×2, kernel 3×3, stride 2×3, dilation 1×2, crop (1, 1)×(0, 0) -> 7×8"
    )
    assert str(geometry.adjoint()) == (
        "input 7×8, kernel 3×3, stride 2×3, dilation 1×2, padding (1, 1)×(0, 0) -> 4×2"
    )
    assert str(geometry.stretched()) == (
        "input 4×2, stretched by 2×3 to 7×4, kernel 3×3 flipped, stride 1×1, dilation 1×2, "
        "padding (1, 1)×(4, 4) -> 7×8"
    )


def test_a_geometry_is_a_value():
    geometry = Geometry.of((4, 5), 3, stride=2)
    assert geometry == Geometry.of((4, 5), (3, 3), (2, 2))
    assert len({geometry, Geometry.of((4, 5), 3, 2), Geometry.of((4, 5), 3)}) == 2
    assert geometry != Geometry.of((5, 4), 3, stride=2)
    with pytest.raises(AttributeError):
        geometry.axes = ()


@pytest.mark.parametrize(
    "name", [name for name in vars(Geometry) if name[0] != "_" and name != "axes"]
)
def test_methods_have_an_example(name):
    method = inspect.getattr_static(Geometry, name)
    if isinstance(method, property):
        assert method.__doc__
    else:
        method = getattr(method, "__func__", method)
        assert doctest.DocTestParser().get_examples(method.__doc__)


# Sizes near the end of 64 bits

BIG = 2**40


def huge():
    return Geometry.of((BIG, BIG), (BIG, 3), (3, 2**20), (1, 0), dilation=(2, 1))


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda g: g.output_size, (5 * BIG - 6, (BIG - 1) * 2**20 + 3)),
        (lambda g: g.overlap_at((3, 2**20 + 1)), 1),
        (lambda g: g.taps((1, 0)), (range(2, BIG, 3), range(1))),
        (lambda g: g.taps_per_phase, (0, -(-BIG // 3))),
        (lambda g: g.stamps((0, 1)), (range(1, 2 * BIG - 2, 2), range(2**20, 2**20 + 3))),
        (lambda g: g.input_window([(0, 2), (0, 1)]), ((0, 1), (0, 1))),
        (lambda g: g.even, False),
        (lambda g: g.products, (BIG**2 - 2) * 3 * BIG),
        (lambda g: g.wasted_products + g.products, BIG * 3 * prod(huge().output_size)),
        (lambda g: g.tile([(4, 5), (4, 5)])[1].output_size, (1, 1)),
        (lambda g: g.adjoint().output_size, (BIG, BIG)),
        (lambda g: g.stretched().output_size, huge().output_size),
        (lambda g: str(g.macs(2**20, 2**20, 2**20)), str(huge().products * 2**60)),
    ],
)
def test_huge_sizes_are_answered_exactly(ask, answer):
    assert in_time(lambda: ask(huge())) == answer


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda g: g.overlap(), "overlap would list"),
        (lambda g: g.holes(), "holes would list"),
        (lambda g: g.overlap_map(), "the overlap map has"),
        (lambda g: list(Geometry.of(2, 1, stride=BIG).phases()), "phases would list"),
        (lambda g: g.reads((2 * BIG, 0)), "reads would list"),
        (lambda g: Geometry.of((2**20, 2**20), 2**20).reads((2**20,) * 2), "reads would list"),
    ],
)
def test_huge_lists_are_refused(ask, message):
    outcome = in_time(lambda: ask(huge()))
    assert isinstance(outcome, ValueError)
    assert message in str(outcome)


@pytest.mark.parametrize("size", [2**40, 2**63 - 1, 2**63])
@pytest.mark.parametrize(
    "name", ["input_size", "kernel_size", "stride", "dilation", "padding", "output_padding"]
)
def test_every_parameter_may_be_huge_or_is_refused(name, size):
    words = {"input_size": 2, "kernel_size": 2, name: size}
    outcome = in_time(lambda: Geometry.of(**words))
    if isinstance(outcome, Geometry):
        least = (outcome.input_size[0] - 1) * outcome.stride[0] + outcome.effective_kernel[0]
        assert outcome.output_size == outcome.full == (least,)
        assert least < 2**63
        assert isinstance(Axis(2, 2, 3, 4, 5, size - 1), Axis)
    else:
        assert type(outcome) is ValueError
        assert str(size) in str(outcome) or "does not fit 64 bits" in str(outcome)


def test_a_crop_may_bring_a_huge_full_output_back_into_reach():
    geometry = Geometry.of(2, 2, stride=2**62, padding=[(0, 2**62)])
    assert geometry.output_size == (2,)
    assert geometry.products == 2
