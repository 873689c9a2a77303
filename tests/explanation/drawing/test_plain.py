"""Frames as plain text."""

import pytest

from explanation.drawing.cases import CASES, trace_of
from tconv.explanation.drawing import text


def test_a_step_is_marked():
    said = text(trace_of("lecture"), 2).splitlines()
    assert said[1:] == [
        "y[0,1] = 1·1 + 2·1 = 3",
        "",
        "input 2×2    kernel 3×3     output 3×3, of a full 5×5",
        " 1  [2]      (1) (1) (1)     /1   /1  (/1+2) (/2) (/2)",
        " 3   4       (1) (1) (1)     /1    1   (1+2)  (2) (/2)",
        "             (1) (1) (1)     /1    1   (1+2)  (2) (/2)",
        "                              /    .     .     .    /",
        "                              /    /     /     /    /",
        "",
        "/ cropped",
    ]


def test_the_result_has_sums():
    said = text(trace_of("appended and holes"), -1)
    assert ": hole, + appended" in said
    assert "16" in said


@pytest.mark.parametrize(("name", "view"), CASES)
def test_every_value_is_there(name, view):
    trace = trace_of(name, view)
    said = text(trace, -1)
    for panel, cells in zip(trace.panels, trace.cells(-1), strict=True):
        assert f"{panel.name} {panel.label}" in said
        for cell, kind in zip(cells, panel.kinds, strict=True):
            assert kind not in ("cell", "crop") or cell.replace(" ", "") in said


def test_lines_fit_a_terminal():
    for name in ("lecture", "letters", "asymmetric crop", "slices"):
        trace = trace_of(name)
        for number in range(trace.frames):
            assert max(map(len, text(trace, number).splitlines()[2:])) <= 80
