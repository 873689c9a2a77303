"""How far the drawn cells of an axis reach: the output's, and the stretched input's."""

from tconv.explanation.constants import STRENGTH
from tconv.explanation.trace.model import APPENDED, CELL, CROP, CUT, HOLE, PAD, VOID, ZERO
from tconv.geometry.axis import Axis, count

ADDED, TAKEN = {PAD, APPENDED}, {CUT, CROP}


def frame(axis: Axis) -> range:
    """Return the output indices drawn on an axis: the full output, and what is appended.

    Examples
    --------
    >>> frame(Axis(2, 3, stride=2, crop_start=1, output_size=5))
    range(-1, 5)
    """
    return range(min(-axis.crop_start, 0), max(axis.full - axis.crop_start, axis.output_size))


def output_kinds(axis: Axis) -> list[str]:
    """Return the kinds of the output cells drawn on an axis.

    Examples
    --------
    >>> output_kinds(Axis(2, 1, stride=2, crop_start=1, output_size=4))
    ['crop', 'hole', 'cell', 'appended', 'appended']
    """
    return [_output_kind(axis, o) for o in frame(axis)]


def padded(size: int, pads: tuple[int, int]) -> range:
    """Return the indices drawn of an axis padded, or cut, before and after.

    Examples
    --------
    >>> padded(3, (1, 2)), padded(3, (1, -1))
    (range(-1, 5), range(-1, 3))
    """
    before, after = pads
    return range(min(-before, 0), max(size + after, size))


def padded_kinds(size: int, pads: tuple[int, int], apart: int = 1) -> list[str]:
    """Return the kinds of the same cells; cells `apart` are inputs, with zeros between.

    Examples
    --------
    >>> padded_kinds(3, (1, 2), apart=2)
    ['pad', 'cell', 'zero', 'cell', 'pad', 'pad']
    >>> padded_kinds(3, (1, -1))
    ['pad', 'cell', 'cell', 'cut']
    """
    before, after = pads
    inside, kept = range(size), range(-before, size + after)
    return [
        ((ZERO if u % apart else CELL) if u in inside else PAD)
        if u in kept
        else CUT
        if u in inside
        else VOID
        for u in padded(size, pads)
    ]


def joined(kinds: tuple[str, ...]) -> str:
    """Return the kind of a cell from those it has along each axis.

    Examples
    --------
    >>> joined(("cell", "hole")), joined(("crop", "appended"))
    ('hole', 'void')
    """
    if not ADDED.isdisjoint(kinds) and not TAKEN.isdisjoint(kinds):
        return VOID
    return max(kinds, key=STRENGTH.index)


def drawn(axis: Axis) -> int:
    """Return how many output cells are drawn on an axis, also where ``len`` would overflow."""
    return count(frame(axis))


def _output_kind(axis: Axis, output: int) -> str:
    inside = 0 <= output + axis.crop_start < axis.full
    if not 0 <= output < axis.output_size:
        return CROP if inside else VOID
    if not inside:
        return APPENDED
    return CELL if axis.overlap_at(output) else HOLE
