"""Sizes and paddings as short texts: ``4x6``, ``0:1``, ``same``."""

import re
from typing import Any

from tconv.geometry.parameters import PADDING_WORDS, is_sequence

INTEGER = re.compile(r"\s*[+-]?\d{1,32}\s*", re.ASCII)
SIZES = "write 3, or 3x5 for two axes"
PADDINGS = f"write 1, 0:1 for before:after, 1x2 for two axes, or one of {', '.join(PADDING_WORDS)}"


def sizes(name: str, text: str) -> int | tuple[int, ...]:
    """Read ``4`` or ``4x6``: one integer for every axis, or one an axis.

    Examples
    --------
    >>> sizes("--kernel", "4x6")
    (4, 6)
    """
    numbers = tuple(integer(name, part) for part in _parts(text))
    return numbers[0] if len(numbers) == 1 else numbers


def sizes_written(given: Any) -> str:
    """Write sizes as :func:`sizes` reads them.

    Examples
    --------
    >>> sizes_written(4), sizes_written((4, 6))
    ('4', '4x6')
    """
    return "x".join(map(str, given)) if is_sequence(given) else str(given)


def padding(name: str, text: str) -> Any:
    """Read ``1``, ``1x2``, ``before:after`` an axis, or a word.

    Examples
    --------
    >>> padding("--padding", "0:1x2")
    ((0, 1), 2)
    >>> padding("--padding", "same")
    'same'
    """
    if text[:1].isalpha():
        return text
    parts = tuple(
        tuple(integer(name, side, PADDINGS) for side in part.split(":"))
        if ":" in part
        else integer(name, part, PADDINGS)
        for part in _parts(text)
    )
    return parts[0] if len(parts) == 1 and isinstance(parts[0], int) else parts


def for_every_axis(padding: Any, rank: int) -> Any:
    """Repeat a single (before, after) pair over the axes.

    Examples
    --------
    >>> for_every_axis(((0, 1),), 2), for_every_axis("same", 2)
    (((0, 1), (0, 1)), 'same')
    """
    return padding * rank if is_sequence(padding) and len(padding) == 1 else padding


def padding_written(given: Any) -> str:
    """Write a padding as :func:`padding` reads it.

    Examples
    --------
    >>> padding_written(((0, 1), 2)), padding_written("same")
    ('0:1x2', 'same')
    """
    if not is_sequence(given):
        return str(given)
    return "x".join(":".join(map(str, one)) if is_sequence(one) else str(one) for one in given)


def integer(name: str, text: str, instead: str = SIZES) -> int:
    """Read one integer; `instead` says what could have been written.

    Examples
    --------
    >>> integer("--kernel", " 3")
    3
    """
    if not INTEGER.fullmatch(text):
        raise ValueError(f"{name}: {brief(text)} is not an integer; {instead}")
    return int(text)


def brief(text: str) -> str:
    """Quote a text, shortened, as a refusal does.

    Examples
    --------
    >>> brief("1" * 50) == repr("1" * 39 + "…")
    True
    """
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


def _parts(text: str) -> list[str]:
    return re.split("[xX×]", text)
