"""The size lines say both paddings, and where axes differ, each axis."""

import pytest

import tconv
from tconv import Geometry
from tconv.explanation.trace.sizes import convolution_sizes, transposed_sizes

CROPS = "the padding of the convolution that is transposed; it crops here"
AROUND = "the zeros around the stretched input of the equivalent convolution"
ZEROS = "the zeros around the input, which the transposed convolution crops"


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (
            Geometry.of((3, 3), 3, stride=2, padding=1),
            [
                "O = (I-1)·s + K - 2p = (3-1)·2 + 3 - 2·1 = 5",
                f"p = 1: {CROPS}",
                f"p' = K-1-p = 1: {AROUND}",
            ],
        ),
        (
            Geometry.of(3, 3, stride=2, padding=1, output_padding=1),
            [
                "O = (I-1)·s + K - 2p + a = (3-1)·2 + 3 - 2·1 + 1 = 6",
                f"p = 1: {CROPS}, a = 1 less at the end",
                f"p' = K-1-p (+ a at the end) = 1:2: {AROUND}",
            ],
        ),
        (
            Geometry.of((4, 2), (3, 2), stride=(2, 1), padding=((0, 1), (2, -1)), dilation=(1, 2)),
            [
                "rows: ke = d·(K-1) + 1 = 1·(3-1) + 1 = 3; "
                "O = (I-1)·s + ke - (p₀ + p₁) = (4-1)·2 + 3 - (0 + 1) = 8",
                "columns: ke = d·(K-1) + 1 = 2·(2-1) + 1 = 3; "
                "O = (I-1)·s + ke - (p₀ + p₁) = (2-1)·1 + 3 - (2 - 1) = 3",
                f"p = 0:1×2:-1: {CROPS}",
                f"p' = ke-1-p = 2:1×0:3: {AROUND}",
            ],
        ),
    ],
)
def test_transposed(geometry, expected):
    assert list(transposed_sizes(geometry)) == expected
    assert list(tconv.explain(geometry).sizes) == expected


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (
            Geometry.of_conv((6, 6), 3, stride=2, padding=1),
            ["O = ⌊(I + 2p - K)/s⌋ + 1 = ⌊(6 + 2·1 - 3)/2⌋ + 1 = 3", f"p = 1: {ZEROS}"],
        ),
        (
            Geometry.of_conv(6, 3, stride=2, padding="same"),
            [
                "O = ⌊(I + (p₀ + p₁) - K)/s⌋ + 1 = ⌊(6 + (0 + 1) - 3)/2⌋ + 1 = 3",
                f"p = 0:1: {ZEROS}",
            ],
        ),
    ],
)
def test_convolution(geometry, expected):
    assert list(convolution_sizes(geometry)) == expected
    assert list(tconv.explain(geometry, view="convolution").sizes) == expected
