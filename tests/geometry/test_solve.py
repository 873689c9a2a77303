"""solve: the least surprising answer first, everything within its bounds, nothing that is wrong."""

import inspect
import random
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geometry.known_layers import LAYERS
from strategies import axes, in_time
from tconv import Geometry, Solution, solve
from tconv.geometry.parameters import per_axis
from tconv.geometry.solving import REASONS, Chain, Solutions
from tconv.geometry.solving.fit import Fit
from tconv.geometry.solving.joining import joined
from tconv.geometry.solving.reasons import surprise

GRAVEST = {"inputs read", "outputs reached"}


def reasons(solution):
    return {blemish.reason for blemish in solution.blemishes}


def whole(solution):
    return not GRAVEST & reasons(solution)


def parameters(solution):
    return tuple(
        getattr(solution, name)
        for name in ("kernel_size", "stride", "padding", "output_padding", "dilation")
    )


# The order


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_real_layers_come_first(layer):
    wanted = {name: getattr(layer, name) for name in layer.given}
    first = solve(layer.input_size, layer.output_size, **wanted)[0]
    rank = len(first.input_size)
    pads = layer.padding if isinstance(layer.padding, list) else [layer.padding] * rank
    assert first.padding == tuple(pads)
    for name in ("kernel_size", "stride", "output_padding"):
        assert getattr(first, name) == per_axis(name, getattr(layer, name), rank), first
    geometry = first.geometry
    assert geometry.output_size == per_axis("output_size", layer.output_size, rank)


def test_encodec_cuts_more_at_the_start_where_its_stride_is_odd():
    assert solve(1200, 6000)[0].geometry.crop == ((3, 2),)


@pytest.mark.parametrize(
    ("sizes", "words", "first"),
    [
        ((7, 15), {}, "input 7, kernel 4, stride 2, padding 1, output_padding 1 -> 15"),
        (
            (44, 89),
            {"stride": 2},
            "input 44, kernel 4, stride 2, padding 1, output_padding 1 -> 89",
        ),
        (
            ((80, 10), (80, 150)),
            {"kernel_size": (3, 30), "stride": (1, 15)},
            "input 80×10, kernel 3×30, stride 1×15, padding 1×8, output_padding 0×1 -> 80×150",
        ),
        ((4, 8), {"padding": 0}, "input 4, kernel 2, stride 2, padding 0 -> 8"),
        ((5, 5), {}, "input 5, kernel 1, stride 1, padding 0 -> 5"),
        ((8, 8), {"kernel_size": 4}, "input 8, kernel 4, stride 1, padding (1, 2) -> 8"),
        ((4, 8), {"kernel_size": 3, "padding": "same"}, "input 4, kernel 3, stride 2, "
         "padding (0, 1) -> 8"),
        ((10, 14), {"kernel_size": 3, "padding": "valid"}, "input 10, kernel 3, stride 1, "
         "padding 0, dilation 2 -> 14"),
        ((8, 15), {"padding": "half"}, "input 8, kernel 3, stride 2, padding 1 -> 15"),
        ((8, 6), {"padding": "full"}, "input 8, kernel 3, stride 1, padding 2 -> 6"),
        ((4, 9), {"padding": [(-1, 0)]}, "input 4, kernel 2, stride 2, padding (-1, 0) -> 9"),
        ((4, None), {"kernel_size": 3, "stride": 2}, "input 4, kernel 3, stride 2, padding 1, "
         "output_padding 1 -> 8"),
        ((8, 8), {"kernel_size": 9}, "input 8, kernel 9, stride 1, padding 4 -> 8"),
        ((4, 8), {"kernel_size": 20, "stride": 2}, "input 4, kernel 20, stride 2, padding 9 -> 8"),
        ((None, 16), {}, "input 8, kernel 4, stride 2, padding 1 -> 16"),
    ],
)  # fmt: skip
def test_first_answers(sizes, words, first):
    assert str(solve(*sizes, **words)[0]) == first


def test_an_answer_that_throws_inputs_away_is_not_first_and_says_so():
    found = solve(7, 15, kernel_size=3, stride=3, padding=3)
    assert [str(blemish) for blemish in found[0].blemishes] == [
        "does not read inputs 0 and 6",
        "stride 3 is not the nearest to 15/7",
        "padding is 1 beyond ke - 1: whole stamps are cropped",
    ]
    listed = [str(one) for one in solve(7, 15)]
    assert "input 7, kernel 3, stride 2, padding 0 -> 15" in listed[:6]


def test_outputs_without_input_are_named():
    (found,) = solve(44, 89, kernel_size=2, stride=2, padding=0, dilation=1)
    assert found.geometry.holes() == ((88,),)
    assert str(found.blemishes[0]) == "leaves output 88 without input"
    found = solve((4, 4), (11, 4), kernel_size=(2, 1), stride=(3, 1), padding=0)[0]
    assert str(found.blemishes[0]) == "axis 0: leaves outputs 2, 5 and 8 without input"
    found = solve(9, 46, kernel_size=2, stride=5, padding=0, output_padding=4)[0]
    assert str(found.blemishes[0]) == "leaves 28 outputs (2, 3, 4, …) without input"


def test_the_sweep():
    """The first answer reads and reaches everything wherever any answer does."""
    for i in range(1, 41):
        for o in range(1, 5 * i + 1):
            found, all_of_them = solve(i, o, limit=20), solve(i, o, limit=1, everything=True)
            assert bool(found) == bool(all_of_them)
            if found:
                assert whole(found[0]) == whole(all_of_them[0]), (i, o)
                assert whole(found[0]) or not any(map(whole, found)), (i, o)
            if o >= i:
                assert found, (i, o)
                assert whole(found[0]), (i, o)


@pytest.mark.parametrize(
    "words",
    [
        {"input_size": 7, "output_size": 15, "everything": True},
        {"input_size": 5, "output_size": 14, "kernel_size": 3, "everything": True},
        {"input_size": 6, "output_size": 20, "padding": 1, "everything": True},
        {"input_size": 6, "output_size": 11, "padding": "half", "everything": True},
        {"input_size": (16, 30), "output_size": (16, 61)},
        {"input_size": (3, 4, 4), "output_size": (6, 8, 9), "limit": 300},
        {"input_size": 4, "kernel_size": 3, "stride": 2},
        {"output_size": 12, "stride": 3},
        {"output_size": (12, 9), "kernel_size": (4, 3)},
    ],
)
def test_answers_are_ordered_by_the_reasons(words):
    found = solve(**words)
    assert len(found) > 2
    assert list(found) == sorted(found, key=Solution.surprise)
    uneven = ["even overlap" in reasons(one) for one in found if whole(one)]
    if len(found[0].input_size) == 1:
        assert uneven == sorted(uneven)
    assert len(set(found)) == len(found)


def test_reasons_are_one_list():
    names = [reason.name for reason in REASONS]
    assert names == [
        "inputs read", "outputs reached", "even overlap", "stride", "dilation", "padding",
        "kernel", "output_padding",
    ]  # fmt: skip
    for reason in REASONS:
        assert reason.prefers


# Everything within the bounds, and nothing else


def brute(i, o, **known):
    """Try everything: paddings alike up to ke - 1, or one apart without output_padding."""
    found = set()
    for s in [known["stride"]] if "stride" in known else range(1, 2 * -(-o // i) + 1):
        margin = o - (i - 1) * s + max(sum(known.get("padding", (0, 0))), 0)
        for k in (
            [known["kernel_size"]] if "kernel_size" in known else range(1, max(8 * s, margin) + 1)
        ):
            for d in [known["dilation"]] if "dilation" in known else [1]:
                ke = d * (k - 1) + 1
                pads = [(p, p) for p in range(ke)] + [(p, p + 1) for p in range(ke - 1)]
                if "padding" in known:
                    pads = [known["padding"]]
                for before, after in pads:
                    extra = o - ((i - 1) * s + ke - before - after)
                    if extra != known.get("output_padding", extra) or not 0 <= extra < max(s, d):
                        continue
                    if before != after and extra and "padding" not in known:
                        continue
                    pad = before if before == after >= 0 else (before, after)
                    found.add(Solution((i,), (o,), (k,), (s,), (pad,), (extra,), (d,)))
    return found


@st.composite
def problems(draw):
    i, o = draw(st.integers(1, 7)), draw(st.integers(1, 12))
    choices = {
        "kernel_size": st.integers(1, 7),
        "stride": st.integers(1, 6),
        "output_padding": st.integers(0, 3),
        "padding": st.tuples(st.integers(-2, 5), st.integers(-2, 5)),
    }
    known = {name: draw(values) for name, values in choices.items() if draw(st.booleans())}
    if "kernel_size" in known:
        known["dilation"] = draw(st.integers(1, 3))
    return i, o, known


@given(problems())
@settings(max_examples=150, deadline=None)
def test_everything_is_found(problem):
    i, o, known = problem
    words = dict(known, padding=[known["padding"]]) if "padding" in known else known
    found = solve(i, o, **words, limit=10_000, everything=True)
    expected = brute(i, o, **known)
    if "too much" in found.searched:
        assert set(found) < expected
    else:
        assert set(found) == expected
    assert len(set(found)) == len(found)
    for one in found[:: max(len(found) // 30, 1)]:
        geometry = one.geometry
        assert (geometry.input_size, geometry.output_size) == ((i,), (o,))
        (axis,) = geometry.axes
        read = [i for i in range(axis.input_size) if axis.stamps(i)]
        assert ("inputs read" in reasons(one)) == (len(read) < axis.input_size)
        assert ("outputs reached" in reasons(one)) == bool(axis.holes())
        assert ("even overlap" in reasons(one)) == (not axis.even)


@given(axes())
@settings(max_examples=500)
def test_coverage_is_counted_without_listing(axis):
    extra = max(-axis.crop_end, 0)
    fit = Fit(
        axis.input_size, axis.output_size, axis.kernel_size, axis.stride, axis.dilation,
        axis.crop_start, axis.crop_end + extra, extra,
    )  # fmt: skip
    assert fit.axis == axis
    unread_ones = [i for i in range(axis.input_size) if not axis.stamps(i)]
    assert fit.unread.count == len(unread_ones)
    assert fit.unread.first(3) == unread_ones[:3]
    assert fit.unreached.count == len(axis.holes())
    assert fit.unreached.first(3) == list(axis.holes()[:3])


def test_axes_are_joined_as_if_all_combinations_were_sorted():
    columns = [
        [one.fits[0] for one in solve(*sizes, everything=True, limit=limit)]
        for sizes, limit in (((4, 4), 9), ((5, 10), 14), ((6, 19), 12))
    ]
    every = sorted(product(*columns), key=surprise)
    got = list(joined(columns))
    assert [surprise(fits) for fits in got] == [surprise(fits) for fits in every]
    assert set(got) == set(every)


@pytest.mark.parametrize("word", ["same", "half", "valid", "full"])
@pytest.mark.parametrize(("i", "o"), [(5, 10), (5, 13), (6, 9), (9, 6), ((4, 5), (8, 15))])
def test_padding_words_are_those_of_geometry(word, i, o):
    for one in solve(i, o, padding=word, everything=True, limit=50):
        extra = one.output_padding if word != "same" else 0
        same = Geometry.of(one.input_size, one.kernel_size, one.stride, word, extra, one.dilation)
        assert same == one.geometry
        assert same.output_size == one.output_size


def test_parameters_are_taken_axis_by_axis():
    found = solve(
        (3, 4), (6, 12), kernel_size=(3, 5), stride=(2, 3), padding=[1, (0, 2)], dilation=1
    )
    assert found == [Solution((3, 4), (6, 12), (3, 5), (2, 3), (1, (0, 2)), (1, 0), (1, 1))]
    assert found[0].words == {
        "stride": (2, 3), "padding": (1, (0, 2)), "output_padding": (1, 0), "dilation": (1, 1)
    }  # fmt: skip


def test_axes_alike_are_answered_alike_first():
    found = solve((30, 30), (60, 60))
    assert [one.kernel_size for one in found[:3]] == [(4, 4), (2, 2), (6, 6)]
    assert any(len(set(one.kernel_size)) > 1 for one in found)


# Nothing found


def test_smaller_outputs_are_the_direction_of_a_convolution():
    found = solve(25, 13)
    assert found == []
    assert str(found.convolution) == "input 25, kernel 3, stride 2, padding (1, 1) -> 13"
    assert "25 -> 13 is the direction of a direct convolution" in found.reason


@pytest.mark.parametrize("i", range(2, 60, 3))
def test_the_convolution_makes_the_sizes(i):
    for o in range(1, i):
        convolution = solve(i, o).convolution
        assert convolution is not None, (i, o)
        ((before, after),) = convolution.padding
        (k,), (s,), (d,) = convolution.kernel_size, convolution.stride, convolution.dilation
        assert (i + before + after - d * (k - 1) - 1) // s + 1 == o


def test_where_one_axis_shrinks_and_another_grows_there_is_no_convolution():
    found = solve((25, 4), (13, 8))
    assert found == []
    assert found.convolution is None
    assert found.reason.startswith("along axis 0, nothing fits 25 -> 13")


@pytest.mark.parametrize(
    ("sizes", "words", "nearest"),
    [
        ((4, 12), {"kernel_size": 3, "stride": 2, "dilation": 1}, (10,)),
        ((4, 2), {"kernel_size": 2, "stride": 3, "dilation": 1}, (9,)),
        ((4, 1000), {"kernel_size": 3, "padding": 1, "output_padding": 0, "stride": 2}, ()),
        ((None, 12), {"kernel_size": 3, "padding": 0, "output_padding": 0, "stride": 5,
                      "dilation": 1}, (8, 13)),
        ((5, 11), {"padding": "same"}, (10, 15)),
        ((5, 20), {"padding": "half", "stride": 2}, (10,)),
    ],
)  # fmt: skip
def test_the_nearest_sizes(sizes, words, nearest):
    found = solve(*sizes, **words)
    assert len(found) == 0
    if nearest:
        assert found.nearest == (nearest,)
    i, o = sizes
    reached = [n for n in range(1, 61) if solve(i, n, **words)]
    below, above = [n for n in reached if n < o], [n for n in reached if n > o]
    expected = tuple(below[-1:] + above[:1])
    if o < 60:
        assert found.nearest == (expected,)
    assert found.convolution or all(str(n) in found.reason for n in nearest)


def test_nearest_sizes_are_those_that_solve_finds():
    rng = random.Random(3)
    seen = 0
    while seen < 40:
        words = {
            "input_size": rng.choice([None, *range(1, 7)]),
            "kernel_size": rng.choice([None, *range(1, 6)]),
            "stride": rng.choice([None, *range(1, 6)]),
            "dilation": rng.choice([None, 1, 2, 3]),
            "output_padding": rng.choice([None, 0, 1, 2]),
            "padding": rng.choice([None, 0, 1, 2, "half", "full", [(0, 2)], [(-1, 1)]]),
        }
        o = rng.randrange(1, 30)
        found = solve(output_size=o, **words)
        if found:
            continue
        seen += 1
        reached = [n for n in range(1, 90) if solve(output_size=n, **words, limit=1)]
        below, above = [n for n in reached if n < o], [n for n in reached if n > o]
        assert found.nearest == (tuple(below[-1:] + above[:1]),), (o, words)


def test_nothing_found_says_what_was_given():
    found = solve((3, 4), (6, 10), kernel_size=2, stride=2, dilation=1)
    assert found == []
    assert found.nearest == ((6,), (9,))
    assert found.reason == (
        "along axis 1, nothing fits 4 -> 10 with kernel_size 2, stride 2 and dilation 1; "
        "the nearest output size is 9"
    )
    assert "empty" in solve(2, padding=9, kernel_size=3, stride=1).reason


# What comes back


def test_solutions_behave_as_a_list():
    found = solve(4, 8)
    assert isinstance(found, Solutions)
    assert found[0] in found
    assert list(found) == list(found[:])
    assert found == list(found)
    assert found != list(found[1:])
    assert len(found) == len(list(found))
    assert repr(found).splitlines()[0] == str(found[0])
    assert repr(found).splitlines()[-1] == f"searched: {found.searched}"
    assert hash(found) == hash(solve(4, 8))
    assert repr(solve(4, 12, kernel_size=1, stride=2)).startswith("nothing fits 4 -> 12")


def test_what_was_searched_is_said():
    assert "the stride nearest to O/I" in solve(4, 8).searched
    assert "strides up to 4" in solve(4, 8, everything=True).searched
    assert "the best 5 are listed" in solve(4, 8, limit=5, everything=True).searched
    assert solve(4, 8, 4, 2, 1, 0, 1).searched == "nothing: all was given"
    assert "too much" in solve(2, 2**40, kernel_size=2**30, everything=True, limit=9000).searched


def test_solve_is_a_function_that_has_chain():
    assert inspect.isfunction(solve)
    assert next(iter(inspect.signature(solve).parameters)) == "input_size"
    assert inspect.isfunction(solve.chain)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"padding": -1}, ValueError, "padding must not be negative, got -1"),
        ({"padding": "sam"}, ValueError, "did you mean 'same'"),
        ({"kernel_size": 2.0}, TypeError, r"kernel_size must be an integer, got 2.0 \(float\)"),
        ({"stride": True}, TypeError, r"stride must be an integer, got True \(bool\)"),
        ({"limit": 0}, ValueError, "limit must be at least 1, got 0"),
        ({"limit": 10**6}, ValueError, "limit must be at most 10000, got 1000000"),
        ({"limit": "9"}, TypeError, r"limit must be an integer, got '9' \(str\)"),
        ({"kernel_size": 3}, ValueError, "give input_size, output_size or both"),
        (
            {"input_size": (3, 4), "stride": (1, 2, 3)},
            ValueError,
            "disagree on the number of axes: input_size has 2, stride has 3",
        ),
        ({"output_size": ()}, ValueError, "output_size is empty"),
        ({"input_size": 2**63}, ValueError, "does not fit 64 bits"),
        (
            {"input_size": 4, "padding": "same", "output_padding": 1},
            ValueError,
            "padding='same' sets the output size; output_padding must be 0",
        ),
    ],
)
def test_refusals(words, error, message):
    with pytest.raises(error, match=message):
        solve(**words)


# Large numbers


def test_huge_sizes_are_solved_exactly():
    found = solve(2**40, 2**41, kernel_size=3, stride=2, padding=1, dilation=1)
    assert found == [Solution((2**40,), (2**41,), (3,), (2,), (1,), (1,), (1,))]
    assert str(solve(2**40, 2**41, stride=2)[0]).startswith(
        "input 1099511627776, kernel 4, stride 2, padding 1 ->"
    )
    assert solve(1, 2**62)[0].kernel_size == (2**62,)
    found = solve(output_size=2**41, kernel_size=4, stride=2, padding=1, output_padding=0)
    assert [one.input_size for one in found] == [(2**40,)]
    (last,) = solve(2**40, 2**41 + 1, kernel_size=2, stride=2, padding=0, dilation=1)
    assert str(last.blemishes[0]) == f"leaves output {2**41} without input"


def test_sizes_beyond_64_bits_are_left_out():
    largest = 2**63 - 1
    found = solve(output_size=largest, kernel_size=3)
    assert found
    for one in found:
        assert one.input_size[0] <= largest
        assert one.geometry.output_size == (largest,)


def random_words(rng):
    numbers = [1, 2, 3, 7, 100, 2**20, 2**31, 2**40, 2**61, 2**62 - 1, 2**63 - 1]

    def number():
        return rng.choice([*numbers, rng.randrange(1, 2**63), rng.randrange(1, 50)])

    words = {
        name: number()
        for name in ("input_size", "output_size", "kernel_size", "stride", "dilation")
        if rng.random() < 0.55
    }
    if rng.random() < 0.4:
        words["output_padding"] = rng.choice([0, 1, 5, 2**40])
    if rng.random() < 0.5:
        words["padding"] = rng.choice(
            [0, 1, "same", "half", "full", "valid", [(0, 3)], [(-2, 5)], 2**40, number()]
        )
    return words | {"everything": rng.random() < 0.5}


def test_any_parameters_are_answered_or_refused_in_time():
    rng = random.Random(0)
    for _ in range(200):
        words = random_words(rng)
        start = time.perf_counter()
        outcome = in_time(lambda words=words: solve(**words), seconds=20)
        assert time.perf_counter() - start < 5, words
        assert isinstance(outcome, Solutions | ValueError), (words, outcome)
        for one in outcome[:3] if isinstance(outcome, Solutions) else ():
            geometry = one.geometry
            assert geometry.output_size == one.output_size
            for name in {"input_size", "output_size", "kernel_size", "stride", "dilation"}:
                assert name not in words or getattr(one, name) == (words[name],)
            assert isinstance(one.blemishes, tuple)


# Chains


@pytest.mark.parametrize(
    ("sizes", "layers", "strides"),
    [
        ((1, 600), 4, [8, 5, 5, 3]),
        ((1, 600), None, [8, 5, 5, 3]),
        ((32, 8192), 4, [8, 8, 2, 2]),  # HiFi-GAN v1; jik876/hifi-gan: config_v1.json
        ((32, 8192), 3, [8, 8, 4]),  # HiFi-GAN v3; config_v3.json
        ((75, 24000), 4, [8, 5, 4, 2]),  # EnCodec; facebookresearch/encodec: seanet.py
        ((861, 440832), 4, [8, 8, 4, 2]),  # DAC; descript-audio-codec: conf/final/44khz.yml
        ((4, 64), 4, [2, 2, 2, 2]),  # DCGAN
        ((1, 601), None, [8, 5, 5, 3]),
        ((44, 89), None, [2]),
        ((7, 15), None, [2]),
        ((5, 5), None, [1]),
        ((3, 6), 3, [2, 1, 1]),
        ((1, 22), None, [7, 3]),
        ((1, 13), None, [13]),
    ],
)
def test_chains(sizes, layers, strides):
    first = solve.chain(*sizes, layers)[0]
    assert [s for (s,) in first.strides] == strides
    assert (first.sizes[0], first.sizes[-1]) == ((sizes[0],), (sizes[1],))
    for layer, after in zip(first.layers, first.sizes[1:], strict=True):
        assert layer.geometry.output_size == after
        assert whole(layer)


def test_chains_are_different_and_exact():
    found = solve.chain(3, 3 * 240, 4)
    assert len({one.strides for one in found}) == len(found) > 3
    assert max(max(s) for s in found[0].strides) <= 8
    for one in found:
        assert isinstance(one, Chain)
        sizes = [3]
        for layer in one.layers:
            assert layer.input_size == (sizes[-1],)
            sizes.append(layer.geometry.output_size[0])
        assert sizes[-1] == 720


def test_chains_of_unlike_axes_enlarge_the_small_ones_last():
    found = solve.chain((16, 32, 32), (32, 256, 256))[0]
    assert found.strides == ((2, 8, 8),)
    found = solve.chain((8, 8), (16, 64), 3)[0]
    assert found.strides == ((2, 2), (1, 2), (1, 2))
    assert found.sizes[-1] == (16, 64)


def test_a_chain_names_its_layers_blemishes():
    found = solve.chain(1, 600)[0]
    assert [str(one) for one in found.blemishes] == ["layers 2, 3 and 4: output_padding is 1"]
    assert repr(found).startswith("Chain(1 -> 8 -> 40 -> 200 -> 600: strides 8, 5, 5, 3;")


def test_chains_do_not_shrink():
    found = solve.chain(25, 13)
    assert found == []
    assert "direct convolution" in found.reason
    assert found.convolution is not None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((1, 600, 0), ValueError, "layers must be at least 1, got 0"),
        ((1, 600, 65), ValueError, "layers must be at most 64, got 65"),
        ((1, 600, 2.0), TypeError, "layers must be an integer"),
        (((1, 2), (3, 4, 5)), ValueError, "disagree on the number of axes"),
    ],
)
def test_chain_refusals(arguments, error, message):
    with pytest.raises(error, match=message):
        solve.chain(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [(1, 2**62), (1, 2**62, 40), (3, 2**61 - 1, 3), (1, 2**20 * 3**13 * 5**5 * 7**2, 30),
     (1, 2**20 * 3**13 * 5**5 * 7**2, 3), ((1, 2, 3), (2**61, 2**60 + 1, 3**39), 5),
     (2**40, 2**63 - 1, 64)],
)  # fmt: skip
def test_long_chains_in_time(arguments):
    found = in_time(lambda: solve.chain(*arguments), seconds=20)
    assert found
    wanted = arguments[1]
    rank = len(found[0].sizes[-1])
    assert found[0].sizes[-1] == per_axis("output_size", wanted, rank)
