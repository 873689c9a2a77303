"""What an axis leaves out, against listing every cell; and at sizes that no list holds."""

import random
from itertools import islice, pairwise

import pytest

from tconv.geometry.axis import Axis
from tconv.geometry.coverage import unreached, unread


def drawn(count):
    chance = random.Random(11)
    while count:
        sizes = [chance.randint(1, most) for most in (9, 7, 7, 7)]
        yield Axis(*sizes, crop_start=chance.randint(-6, 25), output_size=chance.randint(1, 30))
        count -= 1


def test_counts_and_places_are_those_of_a_list():
    seen = 0
    for axis in drawn(4000):
        holes = [o for o in range(axis.output_size) if not axis.overlap_at(o)]
        skipped = [i for i in range(axis.input_size) if not axis.stamps(i)]
        for missing, listed in ((unreached(axis), holes), (unread(axis), skipped)):
            runs = list(missing.runs())
            assert [cell for run in runs for cell in run] == listed, axis
            assert missing.count == len(listed), axis
            assert all(run.stop < after.start for run, after in pairwise(runs))
            if listed:
                assert missing.last_run() == runs[-1], axis
                seen += 1
        assert axis.products == sum(map(axis.overlap_at, range(axis.output_size)))
    assert seen > 2000


@pytest.mark.parametrize(
    ("axis", "count", "runs", "last"),
    [
        (
            Axis(2**40, 5, 2**20, output_size=(2**40 - 1) * 2**20 + 5),
            (2**40 - 1) * (2**20 - 5),
            [range(5, 2**20), range(2**20 + 5, 2**21)],
            range((2**40 - 2) * 2**20 + 5, (2**40 - 1) * 2**20),
        ),
        (Axis(2**61, 2, 2, output_size=2**62 + 1), 1, [range(2**62, 2**62 + 1)], None),
        (Axis(2, 2**61, 2**61, 1, -3, 2**62), 3, [range(3)], None),
        (Axis(2, 2, 2**61, 2**60, 0, 2**62), 2**62 - 4, [range(1, 2**60)], None),
    ],
)
def test_huge_axes(axis, count, runs, last):
    holes = unreached(axis)
    assert holes.count == count
    assert list(islice(holes.runs(), len(runs))) == runs
    assert last is None or holes.last_run() == last


def test_huge_crops():
    """Every input before the crop is thrown away, but those whose stamps step over it."""
    skipped = unread(Axis(2**61, 3, 2, 1, crop_start=2**61, output_size=2**61))
    assert list(skipped.runs()) == [range(2**60 - 1)]
    window = unread(Axis(2**20, 2, 1, dilation=2**40, crop_start=2**40 + 5, output_size=3))
    assert list(window.runs()) == [range(5), range(8, 2**20)]
