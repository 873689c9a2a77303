"""Parameters as short texts: read, refused, and written back."""

from fractions import Fraction

import numpy as np
import pytest

import tconv
from tconv.explanation.trace import written
from tconv.explanation.trace.values import parsed


def as_lists(arguments):
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in arguments.items()
    }


READ = [
    ({}, {}),
    ({"i": "4", "k": "3"}, {"input_size": (4,), "kernel_size": (3,)}),
    ({"i": "4X5", "k": "3×2"}, {"input_size": (4, 5), "kernel_size": (3, 2)}),
    (
        {"i": "4x6", "k": "3", "s": "2x1", "op": "1x0", "d": "1", "g": "2", "view": "gather"},
        {
            "input_size": (4, 6), "kernel_size": (3, 3), "stride": (2, 1),
            "output_padding": (1, 0), "dilation": 1, "groups": 2, "view": "gather",
        },
    ),
    ({"p": "same"}, {"padding": "same"}),
    ({"i": "3×3", "p": "-1:2"}, {"input_size": (3, 3), "padding": ((-1, 2), (-1, 2))}),
    ({"p": "0:1x2", "o": "5x4"}, {"padding": ((0, 1), 2), "output_size": (5, 4)}),
    ({"x": "1, 2; 3, 4"}, {"x": [[[1, 2], [3, 4]]]}),
    ({"x": "1,2|3,4", "k": "3"}, {"x": [[1, 2], [3, 4]], "kernel_size": (3,)}),
    ({"i": "1x2", "x": "1,2|3,4"}, {"input_size": (1, 2), "x": [[[1, 2]], [[3, 4]]]}),
    (
        {"x": "1/3,-0.5,.5,2.,1e-3,+7", "w": "ones"},
        {"x": [[Fraction(1, 3), -0.5, 0.5, 2.0, 0.001, 7]], "weight": "ones"},
    ),
    ({"x": "a,-w1", "w": "k"}, {"x": [[parsed("a"), parsed("-w1")]], "weight": [[[parsed("k")]]]}),
    (
        {"x": "1|2", "w": "1,2|3,4|5,6|7,8", "k": "2"},
        {"x": [[1], [2]], "weight": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], "kernel_size": (2,)},
    ),
    (
        {"w": "1,2|3,4|5,6|7,8", "g": "4"},
        {"weight": [[[1, 2]], [[3, 4]], [[5, 6]], [[7, 8]]], "groups": 4},
    ),
    (
        {"i": "2x1x2", "k": "1", "x": "1,2|3,4|5,6|7,8"},
        {
            "input_size": (2, 1, 2), "kernel_size": (1, 1, 1),
            "x": [[[[1, 2]], [[3, 4]]], [[[5, 6]], [[7, 8]]]],
        },
    ),
    (
        {"i": "1x1x2", "k": "2x1x1", "x": "1,2|3,4", "view": "convolution"},
        {
            "input_size": (1, 1, 2), "kernel_size": (2, 1, 1), "x": [[[[1, 2]], [[3, 4]]]],
            "view": "convolution",
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "expected"), READ)
def test_read_and_written_back(texts, expected):
    arguments = written.read(texts)
    assert as_lists(arguments) == expected
    again = written.read(written.write(arguments))
    assert as_lists(again) == expected


def test_traced():
    texts = {"x": "1,2;3,4", "w": "ones", "k": "3", "s": "2", "p": "1", "view": "gradient"}
    trace = tconv.explain(**written.read(texts))
    assert trace.values() == [[1, 3, 2], [4, 10, 6], [3, 7, 4]]
    assert trace == tconv.explain(
        x=[[1, 2], [3, 4]], weight="ones", kernel_size=(3, 3), stride=2, padding=1, view="gradient"
    )


def test_channels_are_those_of_the_arrays():
    texts = {"x": "1,2|3,4", "w": "1,0|0,1|1,1|2,0", "k": "2", "s": "2"}
    x, weight = [[[1, 2], [3, 4]]], [[[1, 0], [0, 1]], [[1, 1], [2, 0]]]
    expected = tconv.conv_transpose(np.array(x), np.array(weight), stride=2)[0]
    assert tconv.explain(**written.read(texts)).values() == expected.tolist()


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ({"q": "1"}, "'q' is not one of view, i, k"),
        ({"view": "scater"}, "view 'scater' is not one of"),
        ({"i": ""}, "i: '' is not an integer"),
        ({"i": "4x"}, "is not an integer"),
        ({"i": "1_0"}, "is not an integer"),
        ({"i": "٣"}, "is not an integer"),
        ({"k": "3.0"}, "k: '3.0' is not an integer; write 3, or 3x5 for two axes"),
        ({"i": "9" * 5000}, "is not an integer"),
        ({"i": "9" * 30, "k": "1"}, "does not fit 64 bits"),
        ({"p": "1:2:3", "i": "2", "k": "3"}, r"\(before, after\)"),
        ({"p": "sane", "i": "2", "k": "3"}, "did you mean 'same'"),
        ({"i": "2x2", "k": "3x3x3"}, "kernel_size"),
        ({"x": ""}, "x: '' is not a number"),
        ({"x": "1,,2"}, "x: '' is not a number"),
        ({"x": "1,2;3"}, "rows of equal length"),
        ({"x": "1,2|3"}, "equal planes"),
        ({"x": "1/0"}, "divides by zero"),
        ({"x": "1e999"}, "finite numbers, got inf"),
        ({"x": "a b"}, "is not a number, a fraction or a letter"),
        ({"x": "<script>"}, "is not a number, a fraction or a letter"),
        ({"x": "1" * 65}, "longer than 64 characters"),
        ({"x": "1," * 60_000}, "x is 120,000 characters long, more than 100,000"),
        ({"i": "2x2x2", "x": "1,2;3,4|1,2;3,4"}, "need i and k"),
        ({"i": "2x2x2", "k": "1", "x": "1,2;3,4"}, "x has 1 planes, not a multiple of 2 slices"),
        ({"x": "1|2", "w": "1|2|3"}, "w has 3 planes, not a multiple of 2 input channels"),
        ({"g": "x"}, "g: '' is not an integer|g: 'x' is not an integer"),
        ({"g": "0", "i": "2", "k": "3"}, "groups must be at least 1"),
        ({"i": "512x512", "k": "3"}, "more than the 20,000"),
    ],
)
def test_texts_that_say_nothing(texts, reason):
    with pytest.raises(ValueError, match=reason):
        tconv.explain(**written.read(texts))
