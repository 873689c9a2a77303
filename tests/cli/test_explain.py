import json

import numpy as np
import pytest

import tconv

EVERYTHING = [
    "input 4, kernel 3, stride 2, crop (1, 1) -> 7",
    "O = full - c0 - c1 = 9 - 1 - 1 = 7",
    "13 ((i + 2p - k) a multiple of s): o = s(i - 1) + k - 2p",
    "input 4, stretched by 2 to 7, kernel 3 flipped, stride 1, padding (1, 1) -> 7",
    "input 7, kernel 3, stride 2, padding (1, 1) -> 4",
    "reads x[q - t], t",
    "uneven: 1 to 2 taps a phase",
    "1  2  1  2  1  2  1",
    "11 (52%)",
    "nn.ConvTranspose1d(1, 1, kernel_size=3, stride=2, padding=1)",
    "keras.layers.Conv1DTranspose(",
    "jax.lax.conv_transpose(",
    'onnx.helper.make_node("ConvTranspose"',
]


def test_everything_of_one_layer(tconv_says) -> None:
    said = tconv_says("explain", "-i", 4, "-k", 3, "-s", 2, "-p", 1)
    for expected in EVERYTHING:
        assert expected in said


def test_cells_are_the_lecture_letters(tconv_says) -> None:
    said = tconv_says("explain", "-i", 4, "-k", 3, "-p", 1, "--cells")
    assert "y[0] = w2·a + w1·b\ny[1] = w3·a + w2·b + w1·c\n" in said


def test_matrix_and_its_transpose(tconv_says) -> None:
    said = tconv_says("explain", "-i", 2, "-k", 3, "--matrix")
    assert "w1 w2 w3  0\n 0 w1 w2 w3\n" in said
    assert "w1  0\nw2 w1\nw3 w2\n 0 w3\n" in said


def test_two_axes_draw_the_product_of_their_overlaps(tconv_says) -> None:
    said = tconv_says("explain", "-i", "2x3", "-k", "3x2", "-s", "2x1")
    assert " 1  2  2  1 \n 1  2  2  1 \n 2  4  4  2 \n" in said


def test_maps_too_large_to_draw_are_listed(tconv_says) -> None:
    said = tconv_says("explain", "-i", "3x4x5x2", "-k", 3)
    assert "axis 1, outputs 0 to 5: 1, 2, 3, 3, 2, 1\n" in said
    assert "a cell sums the product of its axes' counts" in said


@pytest.mark.parametrize(
    ("arguments", "sentence", "windows"),
    [
        (
            ["-i", 24, "-k", 2, "-s", 2, "--output-padding", 1],
            "with holes: 1 tap in every phase; output 48 is reached by no input",
            ["outputs 0 to 19: 1, 1, ", "outputs 29 to 48: 1, 1, ", ", 1, 0\n"],
        ),
        (
            ["-i", 100, "-k", 3, "-p", "0:-2"],
            "with holes: 3 taps in every phase; outputs 102 and 103 are reached by no input",
            ["outputs 84 to 103: 3, ", ", 3, 2, 1, 0, 0\n"],
        ),
        (
            ["-i", 2, "-k", 30, "-s", 60],
            "uneven, with holes: 0 to 1 taps a phase; outputs 30 to 59 are reached by no input",
            ["outputs 27 to 33: 1, 1, 1, 0, 0, 0, 0\n", "outputs 56 to 62: 0, 0, 0, 0, 1, 1, 1\n"],
        ),
        (
            ["-i", 2**40, "-k", 5, "-s", 2**20],
            "outputs are reached by no input: 5 to 1048575, 1048581 to 2097151, 2097157 to "
            "3145727, … 1152921504604749829 to 1152921504605798399",
            ["outputs 1048572 to 1048578: 0, 0, 0, 0, 1, 1, 1\n"],
        ),
        (
            ["-i", "25x6", "-k", "1x4", "-s", 2],
            "on axis 0, 24 of 49 outputs are reached by no input: 1, 3, 5, … 47",
            ["axis 0, outputs 0 to 19: 1, 0, ", "axis 1, outputs 0 to 13: 1, 1, 2, 2, "],
        ),
    ],
)
def test_holes_are_named_and_shown(arguments, sentence, windows, tconv_says) -> None:
    said = tconv_says("explain", *arguments)
    title = next(line for line in said.splitlines() if line.startswith("Overlap"))
    assert title.endswith(sentence)
    assert "even:" not in said
    for window in windows:
        assert window in said


def test_inputs_that_nothing_reads_are_named(tconv_says) -> None:
    said = tconv_says("explain", "-i", 7, "-k", 3, "-s", 3, "-p", 3)
    assert "Thrown away\ninputs 0 and 6 are read by no output\n" in said
    assert "even: 1 tap in every phase" in said
    assert "Thrown away" not in tconv_says("explain", "-i", 7, "-k", 3, "-s", 3, "-p", 1)


def test_what_is_left_out_as_json(tconv_says) -> None:
    known = json.loads(
        tconv_says("explain", "-i", "7x4", "-k", "3x2", "-s", "3x2", "-p", "3:1x0:-1", "--json")
    )
    assert known["even_overlap"] is False
    assert (known["holes"], known["hole_counts"]) == ([[], [8]], [0, 1])
    assert (known["unread_inputs"], known["unread_counts"]) == ([[0], []], [1, 0])
    assert known["left_out"] == [
        "on axis 1, output 8 is reached by no input",
        "on axis 0, input 0 is read by no output",
    ]
    huge = json.loads(
        tconv_says("explain", "-i", 2**61, "-k", 2, "-s", 2, "-O", 2**62 + 1, "--json")
    )
    assert (huge["holes"], huge["hole_counts"]) == (None, [1])
    assert huge["left_out"] == [f"output {2**62} is reached by no input"]


def test_phases_list_outputs_that_are_there(tconv_says) -> None:
    said = tconv_says("explain", "-i", 2, "-k", 2, "-s", 3, "-p", "0:2")
    rows = [line.split() for line in said.splitlines() if line.startswith("  0 ")]
    assert [row[2] for row in rows] == ["0", "1", "2"]


@pytest.mark.parametrize("padding", ["same", "1:0", "1:0x1:0"])
def test_a_padding_says_the_same_drawn_or_not(padding, tconv_says) -> None:
    arguments = ["explain", "-i", "4x3", "-k", 3, "-s", 2, "-p", padding]
    size = json.loads(tconv_says(*arguments, "--json"))["output_size"]
    assert f"output {'×'.join(map(str, size))}" in tconv_says(*arguments, "--draw", "scatter")


def test_huge_layers_are_explained(tconv_says) -> None:
    said = tconv_says("explain", "-i", 2**40, "-k", 5, "-s", 2**20)
    assert f"= {(2**40 - 1) * 2**20 + 5}" in said


def test_json_holds_everything(tconv_says) -> None:
    arguments = ["-i", "4x6", "-k", "3x5", "-s", "2", "-p", "0:1x2", "-d", "1x2"]
    known = json.loads(tconv_says("explain", *arguments, "--json", "--matrix"))
    g = tconv.Geometry.of((4, 6), (3, 5), 2, [(0, 1), (2, 2)], dilation=(1, 2))
    assert tuple(known["output_size"]) == g.output_size
    assert known["overlap"] == [list(counts) for counts in g.overlap()]
    assert known["multiplications"] == {
        "useful": g.products,
        "zero_inserted": g.stretched_products,
        "wasted": g.wasted_products,
    }
    assert known["adjoint_of"]["padding"] == [[0, 1], [2, 2]]
    assert np.shape(known["matrix"]) == (24, np.prod(g.output_size))
    assert set(known["code"]) == {"PyTorch", "Keras", "TensorFlow", "JAX", "ONNX"}
    assert "none" in known["code"]["PyTorch"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", 3], "'--input'"),
        (["-i", 4, "-k", "three"], "--kernel: 'three' is not an integer"),
        (["-i", 4, "-k", 3, "-s", 0], "stride must be at least 1, got 0"),
        (["-i", "4x4", "-k", "3x3x3"], "disagree on the number of axes"),
        (["-i", 4, "-k", 3, "-p", "smae"], "did you mean 'same'?"),
        (
            ["-i", 3, "-k", 3, "-s", 2, "-O", 9],
            "output_size 9 is out of reach: stride 2 gives 7",
        ),
        (["-i", 1, "-k", 3, "-p", 2], "output size -1 is too small"),
        (["-i", 2**63, "-k", 3], "does not fit 64 bits"),
        (["-i", "4x4", "-k", 3, "--cells"], "--cells prints one axis, got 2"),
        (["-i", 100, "-k", 3, "--matrix"], "more than 4096"),
        (["-i", 10**6, "-k", 10**6, "--cells"], "more than 4096"),
    ],
)
def test_mistakes(arguments, message, tconv_refuses) -> None:
    assert message in tconv_refuses("explain", *arguments)
