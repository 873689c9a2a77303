"""Letters and fractions through the same definitions."""

from fractions import Fraction

import numpy as np
import pytest

import tconv
from strategies import METHODS, cropped_case
from tconv import symbolic
from tconv.symbolic import Expression, cells, letters, weights


def test_letters_and_weights():
    assert list(map(str, letters(28)))[24:] == ["y", "z", "aa", "ab"]
    assert str(letters((2, 2)).tolist()) == "[[a, b], [c, d]]"
    assert str(weights(3).tolist()) == "[w1, w2, w3]"
    assert str(weights((2, 3)).tolist()) == "[[w11, w12, w13], [w21, w22, w23]]"
    assert str(weights((1, 10))[0, 9]) == "w1,10"
    assert str(weights((1, 2, 1)).tolist()) == "[[[w111], [w121]]]"


@pytest.mark.parametrize("method", METHODS)
def test_cells_on_one_axis(method):
    def printed(*words, **more):
        return [str(cell) for cell in cells(*words, **more, method=method)]

    assert printed(2, 3, stride=2) == ["w1·a", "w2·a", "w3·a + w1·b", "w2·b", "w3·b"]
    assert printed(2, 1, stride=2, output_padding=1) == ["w1·a", "0", "w1·b", "0"]
    assert printed(2, 2, stride=1, dilation=2) == ["w1·a", "w1·b", "w2·a", "w2·b"]
    assert printed(3, 2, stride=3, padding="same") == [
        "w1·a", "w2·a", "0", "w1·b", "w2·b", "0", "w1·c", "w2·c", "0",
    ]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_cells_on_two_axes(method):
    made = cells((2, 2), (2, 1), stride=(1, 2), method=method)
    assert [[str(cell) for cell in row] for row in made] == [
        ["w11·a", "0", "w11·b"],
        ["w21·a + w11·c", "0", "w21·b + w11·d"],
        ["w21·c", "0", "w21·d"],
    ]


def test_every_method_gives_the_same_letters():
    random = np.random.default_rng(0)
    for index in range(40):
        geometry = cropped_case(random, 1 + index % 2).geometry
        words = (geometry.input_size, geometry.kernel_size, geometry.stride, geometry.crop, 0)
        first, *others = (cells(*words, geometry.dilation, method=method) for method in METHODS)
        assert first.shape == geometry.output_size
        for o in np.ndindex(first.shape):
            terms = len(first[o].terms) if isinstance(first[o], Expression) else 0
            assert terms == geometry.overlap_at(o)
        assert all((first == other).all() for other in others)


@pytest.mark.parametrize("method", METHODS)
def test_fractions_are_exact(method):
    thirds = np.array([[Fraction(1, 3), Fraction(2, 7)]])
    weight = np.array([[[Fraction(1, 2), Fraction(1, 5)], [Fraction(3), Fraction(4)]]])
    y = symbolic.conv_transpose(thirds, weight, [Fraction(1, 9), 0], method=method)
    first = [Fraction(1, 6), Fraction(1, 15) + Fraction(1, 7), Fraction(2, 35)]
    assert y.tolist() == [
        [cell + Fraction(1, 9) for cell in first],
        [Fraction(1), Fraction(4, 3) + Fraction(6, 7), Fraction(8, 7)],
    ]


@pytest.mark.parametrize("method", METHODS)
def test_groups_stay_apart(method):
    x = letters((2, 2))
    weight = weights((2, 2)).reshape(2, 1, 2)
    y = symbolic.conv_transpose(x, weight, groups=2, stride=2, method=method)
    assert str(y.tolist()) == ("[[w11·a, w12·a, w11·b, w12·b], [w21·c, w22·c, w21·d, w22·d]]")


def test_a_matrix_of_letters():
    matrix = tconv.matrix(weights(2), input_size=2, dense=True)
    assert str(matrix.tolist()) == "[[w1, w2, 0], [0, w1, w2]]"


def test_expression_arithmetic():
    (v, w), (a, b) = weights(2), letters(2)
    assert str(b * w + a * v) == "w1·a + w2·b"
    assert str(2 * a - b) == "2·a - b"
    assert str(1 - a) == "1 - a"
    assert str(a - a) == "0"
    assert str(-a * v) == "-w1·a"
    assert str(a * a + Fraction(1, 2)) == "1/2 + a·a"
    assert str(0.5 * a * np.int64(3)) == "1.5·a"
    assert (a + b) * (a - b) == a * a - b * b
    assert a + 0 == a == a * 1
    assert a - a == 0
    assert a != b
    assert a != "a"
    assert len({a * b, b * a, a + b, b + a}) == 2
    assert {a - a, a - a + 3, a} == {0, 3, a}
    with pytest.raises(TypeError):
        a + "b"
    with pytest.raises(TypeError):
        "b" - a
    with pytest.raises(TypeError):
        a * None


def test_refusals_name_the_call():
    with pytest.raises(
        ValueError, match=r"symbolic.conv_transpose: weight has 1 .* x has 2; .* \(x: "
    ):
        symbolic.conv_transpose(letters((2, 2)), weights((1, 1, 2)))
    with pytest.raises(TypeError, match="size must be an integer"):
        letters(2.5)
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        weights((2, 0))
