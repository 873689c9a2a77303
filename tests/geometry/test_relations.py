"""The guide's fifteen relations, over everything their conditions allow up to 12."""

from itertools import product

import pytest

from tconv import RELATIONS, Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.relations import relation_of

TO = range(1, 13)
DIRECT = [
    number for number, relation in RELATIONS.items() if relation.of != "transposed convolution"
]
TRANSPOSED = [number for number in RELATIONS if number not in DIRECT]


def condition(number, k, s, p, d, a):
    """Return the relation's condition as the guide states it."""
    plain = d == 1 and a == 0
    return {
        1: plain and s == 1 and p == 0,
        2: plain and s == 1,
        3: plain and s == 1 and k % 2 == 1 and p == k // 2,
        4: plain and s == 1 and p == k - 1,
        5: plain and p == 0,
        6: plain,
        7: plain and p == 0,
        8: plain and s == 1 and p == 0,
        9: plain and s == 1,
        10: plain and s == 1 and k % 2 == 1 and p == k // 2,
        11: plain and s == 1 and p == k - 1,
        12: plain and p == 0,
        13: plain,
        14: d == 1 and a < s,
        15: a == 0,
    }[number]


def test_there_are_fifteen():
    assert list(RELATIONS) == [relation.number for relation in RELATIONS.values()]
    assert list(RELATIONS) == list(range(1, 16))
    assert DIRECT == [1, 2, 3, 4, 5, 6, 7, 15]


@pytest.mark.parametrize("number", RELATIONS)
def test_condition(number):
    relation, met = RELATIONS[number], 0
    for k, s, p, d, a in product(TO, (1, 2, 3, 12), range(13), (1, 2, 3), (0, 1, 3)):
        holds = condition(number, k, s, p, d, a)
        assert relation.holds(12, k, s, p, d, a) is holds
        met += holds
        if not holds:
            with pytest.raises(ValueError, match=f"relation {number} needs .*, got k={k}, s={s}"):
                relation(12, k, s, p, d, a)
    assert met


@pytest.mark.parametrize("number", DIRECT)
def test_convolution_relations_are_the_geometry(number):
    relation, met = RELATIONS[number], 0
    for i, k, s, p, d in product(TO, TO, TO, range(13), (1, 2, 5)):
        if not condition(number, k, s, p, d, 0):
            continue
        met += 1
        if i + 2 * p < d * (k - 1) + 1:
            with pytest.raises(ValueError, match="is larger than the padded input"):
                relation(i, k, s, p, d)
        else:
            assert Geometry.of_conv(i, k, s, p, d).input_size == (relation(i, k, s, p, d),)
    assert met >= 72


@pytest.mark.parametrize("number", TRANSPOSED)
def test_transposed_relations_are_the_geometry(number):
    relation, met = RELATIONS[number], 0
    for i, k, s, p, a in product(TO, TO, TO, range(13), (0, 1, 2, 5, 11)):
        if condition(number, k, s, p, 1, a) and s * (i - 1) + k + a > 2 * p:
            met += 1
            assert Geometry.of(i, k, s, p, a).output_size == (relation(i, k, s, p, a=a),)
    assert met >= 72


def test_a_names_the_convolution_a_transposed_one_undoes():
    """Relation 14: its a is (i' + 2p - k) mod s of the convolution on an input of size i'."""
    for size, k, s, p in product(TO, range(1, 6), range(1, 6), range(5)):
        if size + 2 * p >= k:
            forth = RELATIONS[6](size, k, s, p)
            assert RELATIONS[14](forth, k, s, p, a=(size + 2 * p - k) % s) == size


@pytest.mark.parametrize(
    ("axis", "number"),
    [
        (Axis(4, 3, 1, 1, 0, 6), 8),
        (Axis(5, 4, 1, 1, 2, 4), 9),
        (Axis(5, 3, 1, 1, 1, 5), 10),
        (Axis(7, 4, 1, 1, 3, 4), 11),
        (Axis(2, 3, 2, 1, 0, 5), 12),
        (Axis(3, 3, 2, 1, 1, 5), 13),
        (Axis(3, 3, 2, 1, 1, 6), 14),
        (Axis(3, 3, 2, 2, 0, 9), None),
        (Axis(3, 3, 2, 1, 0, 6), None),
        (Axis(3, 3, 2, 1, -1, 9), None),
        (Axis(3, 3, 2, 1, 0, 9), None),
    ],
)
def test_relation_of(axis, number):
    relation = relation_of(axis)
    assert (relation and relation.number) == number
    if relation:
        a = axis.crop_start - axis.crop_end
        size = relation(axis.input_size, axis.kernel_size, axis.stride, axis.crop_start, a=a)
        assert size == axis.output_size


def test_letters_are_checked():
    for words, error, message in (
        ({"i": 0}, ValueError, "i must be at least 1, got 0"),
        ({"p": -1}, ValueError, "p must be at least 0, got -1"),
        ({"s": 1.5}, TypeError, r"s must be an integer, got 1.5 \(float\)"),
        ({"k": True}, TypeError, r"k must be an integer, got True \(bool\)"),
    ):
        with pytest.raises(error, match=message):
            RELATIONS[6](**{"i": 4, "k": 3} | words)


def test_str():
    assert str(RELATIONS[14]) == (
        "relation 14 (transposed convolution, a = (i + 2p - k) mod s): o = s(i - 1) + a + k - 2p"
    )
