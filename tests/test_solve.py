"""solve finds every valid parameter set within its bounds, and no other."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies import in_time
from tconv import Geometry, Solution, solve

BOUNDS = {"max_kernel": 3, "max_stride": 3, "max_padding": 2, "max_dilation": 2, "max_size": 4}
EVERY = []
for words in product(range(1, 17), range(1, 4), range(1, 4), range(3), range(1, 3), range(3)):
    i, k, s, p, d, a = words
    if a < max(s, d) and (size := (i - 1) * s + d * (k - 1) + 1 - 2 * p + a) >= 1:
        EVERY.append(((i,), (size,), (k,), (s,), (p,), (a,), (d,)))
NAMES = (
    "input_size", "output_size", "kernel_size", "stride", "padding", "output_padding", "dilation",
)  # fmt: skip
LIMITS = dict(zip(NAMES, (4, 12, 3, 3, 2, 2, 2), strict=True))


@st.composite
def knowns(draw):
    names = draw(st.sets(st.sampled_from(NAMES)))
    least = {name: 0 if "padding" in name else 1 for name in names}
    return {name: draw(st.integers(least[name], LIMITS[name])) for name in sorted(names)}


@given(knowns())
@settings(max_examples=200)
def test_one_axis_is_complete_and_valid(known):
    """Against trying everything; sizes follow freely where only one of them is asked for."""
    found = solve(**known, **BOUNDS)
    expected = [
        one
        for one in map(dict, (zip(NAMES, values, strict=True) for values in EVERY))
        if all(one[name] == (value,) for name, value in known.items())
        and ("input_size" in known or "output_size" in known or one["input_size"][0] <= 4)
    ]
    assert len(found) == len(set(found))
    assert {tuple(getattr(s, n) for n in NAMES) for s in found} == {
        tuple(one.values()) for one in expected
    }


def test_every_solution_makes_its_sizes():
    found = solve(input_size=(3, 4), output_size=(6, 8))
    assert len(found) > 20
    for solution in found:
        geometry = solution.geometry
        assert geometry.input_size == (3, 4)
        assert geometry.output_size == (6, 8)
        assert geometry == Geometry.of(
            (3, 4), solution.kernel_size, solution.stride, solution.padding,
            solution.output_padding, solution.dilation,
        )  # fmt: skip


def test_axes_that_differ_are_solved_together():
    (found,) = solve(
        input_size=(3, 4), output_size=(6, 12), kernel_size=(3, 5), stride=(2, 3), padding=1,
        dilation=1,
    )  # fmt: skip
    assert found == Solution((3, 4), (6, 12), (3, 5), (2, 3), (1, 1), (1, 0), (1, 1))
    assert solve((3, 4), (6, 10), kernel_size=2, stride=2, dilation=1) == []


def test_order_is_least_surprising_first():
    found = solve(input_size=4, output_size=8)
    first = found[0]
    assert (first.kernel_size, first.stride, first.padding) == ((2,), (2,), (0,))
    evens = [solution.geometry.even for solution in found]
    assert evens == sorted(evens, reverse=True)
    assert found == sorted(found, key=Solution.surprise)
    among_even = [s.output_padding for s in found if s.geometry.even]
    assert among_even == sorted(among_even)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ({"padding": -1}, ValueError, "padding must be at least 0, got -1"),
        ({"kernel_size": 2.0}, TypeError, r"kernel_size must be an integer, got 2.0 \(float\)"),
        ({"stride": True}, TypeError, r"stride must be an integer, got True \(bool\)"),
        ({"max_kernel": 0}, ValueError, "max_kernel must be at least 1, got 0"),
        ({"max_size": "9"}, TypeError, r"max_size must be an integer, got '9' \(str\)"),
        (
            {"input_size": (3, 4), "stride": (1, 2, 3)},
            ValueError,
            "disagree on the number of axes: input_size has 2, stride has 3",
        ),
        ({"output_size": ()}, ValueError, "output_size is empty"),
        ({"input_size": 2**63}, ValueError, "does not fit 64 bits"),
    ],
)
def test_refusals(words, error, message):
    with pytest.raises(error, match=message):
        solve(**words)


@pytest.mark.parametrize(
    "words",
    [
        {"max_kernel": 2**40},
        {"max_kernel": 1000, "max_stride": 1000, "max_padding": 1000},
        {"input_size": 1, "kernel_size": 1, "stride": 2**40},
        {"input_size": 1, "kernel_size": 1, "stride": 2**40, "padding": 2**38, "dilation": 1},
        {"output_size": 2**40, "kernel_size": 1, "stride": 1, "dilation": 2**41},
        {"input_size": (3, 3, 3), "kernel_size": 1, "stride": 90, "padding": 0, "dilation": 1},
    ],
)
def test_too_many_answers_are_refused_in_time(words):
    outcome = in_time(lambda: solve(**words), seconds=30)
    assert isinstance(outcome, ValueError)
    assert "give more parameters" in str(outcome)


def test_huge_sizes_are_solved_exactly():
    (found,) = solve(2**40, 2**41, kernel_size=3, stride=2, padding=1, dilation=1)
    assert found.output_padding == (1,)
    (found,) = solve(output_size=2**41, kernel_size=4, stride=2, padding=1, dilation=1,
                     output_padding=0)  # fmt: skip
    assert found.input_size == (2**40,)


def test_completions_beyond_64_bits_are_left_out() -> None:
    largest = 2**63 - 1
    found = solve(output_size=largest, kernel_size=3)
    assert found
    for solution in found:
        assert solution.input_size[0] <= largest
        assert solution.geometry.output_size == (largest,)
