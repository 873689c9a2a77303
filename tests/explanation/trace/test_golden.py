"""What the teaching material shows, cell by cell and step by step, written out here."""

import pytest

import tconv
from tconv.explanation import Trace
from tconv.explanation.trace.values import parsed

NUMBERS = [[1, 2], [3, 4]]
ONES = [[1, 1, 1]] * 3


def grid(trace, frame, *, sums=True):
    """Return the kept cells of the result as one line a row; ``.`` where nothing was written."""
    panel = trace.panels[trace.result]
    cells = trace.cells(frame, sums=sums)[trace.result]
    kept = [
        cell.replace(" ", "") or "."
        for cell, kind in zip(cells, panel.kinds, strict=True)
        if kind != "crop"
    ]
    across = trace.geometry.output_size[-1]
    return [" ".join(kept[at : at + across]) for at in range(0, len(kept), across)]


# Stamps, added up one by one ------------------------------------------------------------------

STEPS = {
    (1, 0): [
        [". . . .", ". . . .", ". . . .", ". . . ."],
        ["1 1 1 .", "1 1 1 .", "1 1 1 .", ". . . ."],
        ["1 3 3 2", "1 3 3 2", "1 3 3 2", ". . . ."],
        ["1 3 3 2", "4 6 6 2", "4 6 6 2", "3 3 3 ."],
        ["1 3 3 2", "4 10 10 6", "4 10 10 6", "3 7 7 4"],
    ],
    (2, 0): [
        [". . . . ."] * 5,
        ["1 1 1 . .", "1 1 1 . .", "1 1 1 . .", ". . . . .", ". . . . ."],
        ["1 1 3 2 2", "1 1 3 2 2", "1 1 3 2 2", ". . . . .", ". . . . ."],
        ["1 1 3 2 2", "1 1 3 2 2", "4 4 6 2 2", "3 3 3 . .", "3 3 3 . ."],
        ["1 1 3 2 2", "1 1 3 2 2", "4 4 10 6 6", "3 3 7 4 4", "3 3 7 4 4"],
    ],
    (2, 1): [
        [". . .", ". . .", ". . ."],
        ["1 1 .", "1 1 .", ". . ."],
        ["1 3 2", "1 3 2", ". . ."],
        ["1 3 2", "4 6 2", "3 3 ."],
        ["1 3 2", "4 10 6", "3 7 4"],
    ],
}


@pytest.mark.parametrize("view", ["scatter", "gradient"])
@pytest.mark.parametrize(("stride", "padding"), STEPS)
def test_partial_sums(view, stride, padding):
    trace = tconv.explain(x=NUMBERS, weight=ONES, stride=stride, padding=padding, view=view)
    assert len(trace.steps) == 4
    assert trace.frames == 6
    for frame, expected in enumerate(STEPS[stride, padding]):
        assert grid(trace, frame) == expected
    assert grid(trace, 5) == STEPS[stride, padding][4]


def test_a_cell_shows_every_term_before_its_sum():
    trace = tconv.explain(x=NUMBERS, weight=ONES)
    assert grid(trace, 4, sums=False) == [
        "1 1+2 1+2 2",
        "1+3 1+2+3+4 1+2+3+4 2+4",
        "1+3 1+2+3+4 1+2+3+4 2+4",
        "3 3+4 3+4 4",
    ]
    assert trace.steps[3].say == "input (1,1) = 4 stamps the kernel at output (1,1)…(3,3)"
    assert trace.steps[3].formula == "y[1,1] = 1·1 + 2·1 + 3·1 + 4·1 = 10"


def test_padding_drops_the_outer_layer():
    trace = tconv.explain((3, 3), 2, stride=2, padding=1)
    output = trace.panels[2]
    assert (output.size, output.origin, output.label) == ((6, 6), (-1, -1), "4×4, of a full 6×6")
    rows = [output.kinds[at : at + 6] for at in range(0, 36, 6)]
    ring = ("crop",) * 6
    assert rows == [ring, *[("crop", *("cell",) * 4, "crop")] * 4, ring]
    assert trace.steps[0].say.endswith("(-1,-1)…(0,0); 3 of 4 are cropped")


@pytest.mark.parametrize(
    ("x", "kernel", "stride", "padding", "expected"),
    [
        ((4, 4), 3, 1, 0, (2, 2)),
        ((5, 5), 3, 1, 1, (5, 5)),
        ((6, 6), 3, 2, 1, (3, 3)),
        ((4, 4), 2, 2, 1, (3, 3)),
    ],
)
def test_direct_convolutions(x, kernel, stride, padding, expected):
    ones = [[1] * x[1]] * x[0]
    trace = tconv.explain(
        x=ones, weight=[[1] * kernel] * kernel, stride=stride, padding=padding, view="convolution"
    )
    assert trace.panels[2].size == expected
    assert len(trace.steps) == expected[0] * expected[1]
    assert trace.panels[0].size == tuple(n + 2 * padding for n in x)
    assert trace.panels[0].kinds.count("pad") == (x[0] + 2 * padding) ** 2 - x[0] ** 2
    corner = (kernel - padding) ** 2
    assert trace.values()[0][0] == corner
    assert len(trace.steps[0].writes) == corner
    assert len(trace.steps[0].reads) == 2 * kernel**2


def test_a_direct_convolution_in_numbers():
    x = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]
    trace = tconv.explain(x=x, weight=[[1, 4, 1], [1, 4, 3], [3, 3, 1]], view="convolution")
    assert trace.values() == [[130, 151], [214, 235]]


# One dimension, in letters --------------------------------------------------------------------

STRIDE_1 = ["w2·a + w1·b", "w3·a + w2·b + w1·c", "w3·b + w2·c + w1·d", "w3·c + w2·d"]
STRIDE_2 = ["w2·a", "w3·a + w1·b", "w2·b", "w3·b + w1·c", "w2·c", "w3·c + w1·d", "w2·d"]


@pytest.mark.parametrize("view", ["scatter", "gather", "stretch", "matrix", "subpixel", "gradient"])
@pytest.mark.parametrize(("stride", "expected"), [(1, STRIDE_1), (2, STRIDE_2)])
def test_letters(view, stride, expected):
    trace = tconv.explain(4, 3, stride=stride, padding=1, view=view)
    assert list(map(str, trace.values())) == expected
    kept = [
        cell
        for cell, kind in zip(
            trace.cells(-1)[trace.result], trace.panels[trace.result].kinds, strict=True
        )
        if kind != "crop"
    ]
    assert kept == expected


def test_stretched_letters():
    trace = tconv.explain(6, 3, stride=2, padding=1, view="stretch")
    assert trace.cells(0)[1] == ["0", "a", "0", "b", "0", "c", "0", "d", "0", "e", "0", "f", "0"]
    assert trace.panels[1].kinds[:4] == ("pad", "cell", "zero", "cell")
    assert trace.cells(0)[2] == ["w3", "w2", "w1"]
    assert trace.steps[0].formula == "y[0] = w2·a"
    assert trace.steps[1].say == (
        "output 1 reads the window 0…2: 3 products, 1 by a zero that was put there"
    )


@pytest.mark.parametrize(
    ("kernel", "stride", "counts"),
    [
        (6, 3, [1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1]),
        (5, 2, [1, 1, 2, 2, 3, 2, 3, 2, 2, 1, 1]),
        (3, 2, [1, 1, 2, 1, 2, 1, 2, 1, 1]),
    ],
)
def test_overlap(kernel, stride, counts):
    assert tconv.explain(4, kernel, stride=stride, view="overlap").values() == counts


def test_overlap_leaves_channels_and_values_out():
    x = [[[5, 6], [7, 8]]] * 3
    trace = tconv.explain(2, 3, stride=2, x=x, weight=[[ONES] * 2] * 3, view="overlap")
    assert trace.values() == [
        [1, 1, 2, 1, 1],
        [1, 1, 2, 1, 1],
        [2, 2, 4, 2, 2],
        [1, 1, 2, 1, 1],
        [1, 1, 2, 1, 1],
    ]  # the centre is reached by every input, a corner by one


# The convolution matrix -----------------------------------------------------------------------

KERNEL = [[1, 4, 1], [1, 4, 3], [3, 3, 1]]
MATRIX = [
    [1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0, 0, 0, 0, 0],
    [0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0, 0, 0, 0],
    [0, 0, 0, 0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0],
    [0, 0, 0, 0, 0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1],
]


def test_the_matrix_and_its_transpose():
    trace = tconv.explain(x=[[2, 1], [4, 4]], weight=KERNEL, view="matrix")
    assert trace.values(0) == MATRIX
    assert trace.values(1) == [list(row) for row in zip(*MATRIX, strict=True)]
    assert trace.values(2) == [[2], [1], [4], [4]]
    assert [panel.label for panel in trace.panels[:4]] == ["4×16", "16×4", "4×1", "16×1"]
    assert [kind == "zero" for kind in trace.panels[0].kinds] == [
        entry == 0 for row in MATRIX for entry in row
    ]
    assert len(trace.steps) == 16
    assert trace.steps[5].formula == "y[5] = 2·4 + 1·1 + 4·4 + 4·1 = 29"
    expected = [[2, 9, 6, 1], [6, 29, 30, 7], [10, 29, 33, 13], [12, 24, 16, 4]]
    assert trace.values() == expected
    assert trace.values(3) == [[value] for row in expected for value in row]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "expected"),
    [
        (2, 3, 1, 0, 4),
        (2, 3, 2, 0, 5),
        (6, 4, 2, 0, 14),
        (5, 3, 1, "half", 5),
        (5, 3, 1, "full", 3),
    ],
)
def test_sizes(size, kernel, stride, padding, expected):
    trace = tconv.explain((size, size), kernel, stride=stride, padding=padding)
    assert trace.geometry.output_size == (expected, expected)
    assert trace.sizes[0].endswith(f" = {expected}")


def test_the_adjoint_is_not_the_inverse():
    trace = tconv.explain(x=[1, 2, 3, 4], weight=[1, 1], view="deconvolution")
    assert trace.values(2) == [3, 5, 7]
    assert trace.values(3) == [3, 8, 12, 7]
    assert trace.values(4) == pytest.approx([1.5, 1.5, 3.5, 3.5], abs=1e-8)
    assert [step.formula for step in trace.steps] == [
        "C = A·B", "‖Aᵀ·C - B‖ = 11.4018", "‖A⁺·C - B‖ = 1",
    ]  # fmt: skip
    assert "as A keeps 3 of 4" in trace.steps[2].say


def test_the_inverse_finds_what_the_convolution_keeps():
    trace = tconv.explain(x=[5, -2, 7], weight=[1, 3], padding=1, view="deconvolution")
    assert trace.values(2) == [15, -1, 19, 7]
    assert trace.values(4) == pytest.approx([5, -2, 7], abs=1e-8)
    assert trace.steps[2].say == (
        "the inverse by least squares is B itself, as no other B has this C: 0 away from B"
    )


# Every one is a padded or stretched input and a direct convolution ----------------------------


@pytest.mark.parametrize(("stride", "padded", "output"), [(1, (6, 6), (4, 4)), (2, (7, 7), (5, 5))])
def test_examples_of_stretching(stride, padded, output):
    trace = tconv.explain(x=NUMBERS, weight=ONES, stride=stride, view="stretch")
    assert trace.panels[1].size == padded
    assert trace.panels[3].size == output
    assert grid(trace, -1) == STEPS[stride, 0][4]
    told = sum(int(step.say.rpartition("products, ")[2].split()[0]) for step in trace.steps)
    assert told == 9 * output[0] * output[1] - 36


def test_the_kernel_is_flipped():
    trace = tconv.explain(x=NUMBERS, weight=[[1, 2], [3, 4]], view="stretch")
    assert trace.values(2) == [[4, 3], [2, 1]]
    assert trace.values() == [[1, 4, 4], [6, 20, 16], [9, 24, 16]]


def test_a_stride_beyond_the_kernel_leaves_holes():
    x = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    for view in ("scatter", "gather", "stretch", "matrix", "subpixel", "gradient"):
        trace = tconv.explain(x=x, weight=[[1]], stride=2, output_padding=1, view=view)
        none = [0] * 6
        assert trace.values() == [
            [1, 0, 2, 0, 3, 0], none, [4, 0, 5, 0, 6, 0], none, [7, 0, 8, 0, 9, 0], none,
        ]  # fmt: skip
        kinds = trace.panels[trace.result].kinds
        assert kinds[:6] == ("cell", "hole", "cell", "hole", "cell", "appended")
        assert kinds[30:] == ("appended",) * 6


def test_phases():
    trace = tconv.explain(3, 5, stride=2, view="subpixel")
    assert [trace.cells(0)[panel] for panel in (1, 2)] == [["w5", "w3", "w1"], ["w4", "w2"]]
    assert trace.panels[1].label == "3, turned: taps (4,2,0)"
    assert [step.formula for step in trace.steps[-2:]] == ["y[0+2n] = phase 0", "y[1+2n] = phase 1"]
    assert list(map(str, trace.values(3)))[:2] == ["w1·a", "w3·a + w1·b"]
    assert list(map(str, trace.values(4)))[:2] == ["w2·a", "w4·a + w2·b"]


@pytest.mark.parametrize("texts", [["1/3", "a"], ["0.1", "-b", "-2/7·c + 0.5"], ["1", "1/2"]])
@pytest.mark.parametrize("view", ["scatter", "matrix", "convolution"])
def test_json_keeps_fractions_and_letters(texts, view):
    x = [parsed(text) for text in texts]
    trace = tconv.explain(x=x, kernel_size=1, weight="letters", view=view)
    again = Trace.from_json(trace.to_json())
    assert again == trace
    assert again.to_json() == trace.to_json()
    assert again.cells(-1) == trace.cells(-1)
