"""How places and spans are said in the sentences and formulas of a trace."""

from collections.abc import Sequence


def at(index: Sequence[int]) -> str:
    """Say a place: ``3`` on one axis, ``(0,1)`` on several.

    Examples
    --------
    >>> at((3,)), at((0, 1))
    ('3', '(0,1)')
    """
    inside = ",".join(map(str, index))
    return inside if len(index) == 1 else f"({inside})"


def named(name: str, index: Sequence[int]) -> str:
    """Name a cell in a formula: ``y[0,2]``."""
    return f"{name}[{','.join(map(str, index))}]"


def span(first: Sequence[int], last: Sequence[int]) -> str:
    """Say from where to where: ``(0,2)…(2,4)``, or one place.

    Examples
    --------
    >>> span((0, 2), (2, 4)), span((1,), (1,))
    ('(0,2)…(2,4)', '1')
    """
    return at(first) if tuple(first) == tuple(last) else f"{at(first)}…{at(last)}"
