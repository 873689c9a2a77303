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


@pytest.mark.parametrize("arguments", [["-i", "3x4x5x2", "-k", 3], ["-i", 500, "-k", 3, "-s", 2]])
def test_maps_too_large_to_draw_are_listed(arguments, tconv_says) -> None:
    assert "a cell sums the product of its axes' counts" in tconv_says("explain", *arguments)


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
            ["-i", 3, "-k", 3, "-s", 2, "--output-size", 9],
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
