"""What cannot be shown, or read, is refused in a sentence."""

import copy
import json

import numpy as np
import pytest

import tconv
from tconv.explanation import Trace


@pytest.mark.parametrize(
    ("arguments", "words", "reason"),
    [
        (((512, 512), 3), {}, "2,359,296 products, more than the 20,000"),
        ((2**40, 3), {}, "products, more than the 20,000"),
        ((100, 3), {"stride": 1000}, "99,003 cells, more than the 20,000"),
        ((2, 3), {"padding": [(-(10**12), 0)]}, "cells, more than the 20,000"),
        ((2, 3), {"padding": [(10**12, -(10**12))]}, "cells, more than the 20,000"),
        (((40, 40), 3), {"stride": 3, "view": "stretch"}, "more than the 50,000"),
        (((12, 12), 3), {"view": "matrix"}, "144×196, 28,224 entries, more than the 4,096"),
        (((12, 12), 3), {"view": "deconvolution"}, "entries, more than the 4,096"),
        (((2, 2), 3), {"stride": 9, "view": "subpixel"}, "81 phases, more than the 64"),
        ((2, 3), {"view": "scater"}, "view 'scater' is not one of scatter, gather"),
        ((4, 3), {"view": "deconvolution", "x": "letters"}, "but x holds letters"),
        ((4, 3), {"view": "deconvolution", "weight": "letters"}, "but weight holds letters"),
        ((4, 3), {"view": "deconvolution", "x": [10**400] * 6}, "a value is too large"),
        (((1, 1, 1, 1), 3), {}, "one to three axes, got 4"),
        ((2, 3), {"x": "numbrs"}, "not one of letters, numbers, ones"),
        ((2, 3), {"x": [1, 2, 3]}, "with 2 at the end"),
        ((2, 3), {"x": [1, 2], "view": "convolution"}, r"\(C_out, \*O\) with 4 at the end"),
        ((), {"x": [[1, 2], [3]], "weight": [[1]]}, "rows must be of equal length"),
        ((2, 3), {"x": [float("nan"), 2]}, "finite numbers, got nan"),
        (((2,), 3), {"x": np.ones((0, 2))}, "at least one channel"),
        (((2,), 3), {"weight": np.ones((1, 0, 3))}, "at least one channel"),
        (((2,), 3), {"weight": np.ones((1, 0, 3)), "view": "convolution"}, "at least one channel"),
        ((2, 3), {"groups": 2, "x": [1, 2]}, "groups 2 does not divide 1 input channels"),
        (
            (2, 3),
            {"x": np.ones((3, 2), int), "weight": np.ones((2, 1, 3), int)},
            "weight has 2 input channels but x has 3",
        ),
    ],
)
def test_explain(arguments, words, reason):
    with pytest.raises(ValueError, match=reason):
        tconv.explain(*arguments, **words)


@pytest.mark.parametrize("value", [True, None, 1j, "a"])
def test_cells_hold_numbers(value):
    with pytest.raises(TypeError, match="a number, a fraction or a letter"):
        tconv.explain(2, 3, x=[1, value])


@pytest.fixture(scope="module")
def held():
    return tconv.explain((2, 2), 3, stride=2, padding=1).to_dict()


def test_frames():
    trace = tconv.explain(2, 3)
    assert trace.cells(-1) == trace.cells(3)
    with pytest.raises(ValueError, match="frame 4 is out of range: 0 to 3"):
        trace.cells(4)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", '"trace"', "[" * 100_000, "{}"])
def test_texts_that_are_no_trace(text):
    with pytest.raises(ValueError, match=r"a trace is JSON|has no 'version'"):
        Trace.from_json(text)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (["version"], 2, "of version 2, and this tconv reads 1"),
        (["version"], True, "version must be an integer"),
        (["view"], None, "view must be a text"),
        (["result"], 3, "result is panel 3, but it has 3 panels"),
        (["panels"], {}, "panels must be a list"),
        (["sizes", 0], 1, "sizes holds 1, not a text"),
        (["geometry", "stride"], [2], "as many entries"),
        (["geometry", "stride"], [2, 0], "stride must be at least 1"),
        (["geometry", "crop"], [[1, 1], [1, 2]], "the end is 1"),
        (["geometry", "crop", 0], [1], "a pair of integers"),
        (["panels", 0, "kinds", 1], "cel", "panel 0 has kind 'cel', not one of cell, zero"),
        (["panels", 1, "role"], "filter", "panel 1 has role 'filter'"),
        (["panels", 0, "values"], [1, 2, 3], "4 cells has 4 kinds and 3 values"),
        (["panels", 0, "values", 0], "?", "is not a number, a fraction or a letter"),
        (["panels", 0, "values", 0], "1/0", "divides by zero"),
        (["panels", 0, "values", 0], True, "got a bool"),
        (["panels", 0, "values", 0], [1], "got list"),
        (["panels", 0, "size"], [2, 0], "sizes at least 1"),
        (["panels", 0, "origin"], [0], "an origin an axis"),
        (["steps", 1, "focus", 0], [0, 4], "step 2 names cell 4 of panel 0, which is not there"),
        (["steps", 1, "reads", 0], [-1, 0], "names cell 0 of panel -1"),
        (["steps", 1, "reads", 0], [0, 0.5], "a pair of integers"),
        (["steps", 1, "writes", 0, "to"], [3, 0], "step 2, write 1 names cell 0 of panel 3"),
        (["steps", 1, "writes", 0, "term"], None, "step 2, write 1: a cell holds a number"),
    ],
)
def test_traces_that_do_not_hold_together(held, place, value, reason):
    broken = copy.deepcopy(held)
    *way, last = place
    at = broken
    for key in way:
        at = at[key]
    at[last] = value
    with pytest.raises(ValueError, match=reason):
        Trace.from_dict(broken)


def test_every_entry_is_needed(held):
    def without(part):
        for key in part:
            rest = {name: value for name, value in part.items() if name != key}
            yield key, rest

    parts = [
        ([], held),
        (["geometry"], held["geometry"]),
        (["panels", 0], held["panels"][0]),
        (["steps", 0], held["steps"][0]),
        (["steps", 0, "writes", 0], held["steps"][0]["writes"][0]),
    ]
    for way, part in parts:
        for key, rest in without(part):
            broken = json.loads(json.dumps(held))
            at = broken
            for one in way[:-1]:
                at = at[one]
            if way:
                at[way[-1]] = rest
            else:
                broken = rest
            with pytest.raises(ValueError, match=f"has no '{key}'"):
                Trace.from_dict(broken)
