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


def sums(products: int) -> str:
    """Say what an output does with so many products.

    Examples
    --------
    >>> sums(1), sums(0)
    ('sums 1 product', 'is reached by no input')
    """
    return f"sums {counted(products, 'product')}" if products else "is reached by no input"


def counted(number: int, thing: str) -> str:
    """Say how many: ``1 product``, ``4 products``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
