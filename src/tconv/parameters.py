"""What a caller may write for a size, stride, dilation or padding: read once, refused clearly."""

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias

from tconv import hints

LARGEST = 2**63 - 1

Sizes: TypeAlias = SupportsIndex | Sequence[SupportsIndex]
Padding: TypeAlias = (
    str | SupportsIndex | Sequence[SupportsIndex | Sequence[SupportsIndex]]
)  # an int, one an axis, or (before, after) pairs

PADDING_WORDS = ("valid", "same", "half", "full")


def integer(name: str, value: object, minimum: int | None = None) -> int:
    """Read one integer; bool, float, string and NaN are refused.

    Raises
    ------
    TypeError
        If `value` is not an integer.
    ValueError
        If it is below `minimum` or does not fit 64 bits.

    Examples
    --------
    >>> integer("stride", 2, minimum=1)
    2
    """
    number = value if type(value) is int else _index(name, value)
    if minimum is not None and number < minimum:
        raise ValueError(
            f"{name} must be at least {minimum}, got {number}{hints.below(name, number)}"
        )
    if not -LARGEST <= number <= LARGEST:
        raise ValueError(f"{name} {number} does not fit 64 bits (largest: {LARGEST})")
    return number


def _index(name: str, value: object) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r} (bool)")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{name} must be an integer, got {value!r} ({type(value).__name__}){hints.whole(value)}"
        ) from None


def is_plain(value: Any) -> bool:
    """Tell whether a parameter is None, a string, an int, or tuples of these, and no other type.

    Such values are equal only if they mean the same, so that answers for them may be kept.

    Examples
    --------
    >>> is_plain((2, (0, 1))), is_plain(True), is_plain((2.0,))
    (True, False, False)
    """
    kind = type(value)
    if kind is tuple:
        return all(map(is_plain, value))
    return value is None or kind is int or kind is str


def is_sequence(value: object) -> bool:
    """Tell whether a parameter was given one value an axis."""
    kind = type(value)
    if kind is int:
        return False
    if kind is tuple or kind is list:
        return True
    if isinstance(value, Sequence):
        return not isinstance(value, str | bytes)
    return hasattr(value, "__array__") and getattr(value, "ndim", 0) != 0


def common_rank(**parameters: object) -> int:
    """Return the number of axes that the parameters given as sequences agree on (1 if none is).

    Examples
    --------
    >>> common_rank(input_size=(4, 6), stride=2)
    2
    """
    lengths = {
        name: len(list(value))  # type: ignore[call-overload]
        for name, value in parameters.items()
        if is_sequence(value)
    }
    ranks = set(lengths.values())
    if len(ranks) > 1:
        listed = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        hint = hints.axes(lengths, parameters.get("padding"))
        raise ValueError(f"parameters disagree on the number of axes: {listed}{hint}")
    rank = ranks.pop() if ranks else 1
    if rank == 0:
        raise ValueError(f"{next(iter(lengths))} is empty; give at least one axis")
    return rank


def per_axis(name: str, value: object, rank: int, minimum: int | None = None) -> tuple[int, ...]:
    """Read an integer, repeated over the axes, or one integer an axis.

    Examples
    --------
    >>> per_axis("stride", 2, rank=3)
    (2, 2, 2)
    """
    if not is_sequence(value):
        return (integer(name, value, minimum),) * rank
    values = list(value)  # type: ignore[call-overload]
    if len(values) != rank:
        raise ValueError(
            f"{name} must be one integer or {rank} of them, one an axis, got {tuple(values)}"
            + hints.axes({"the others": rank, name: len(values)})
        )
    return tuple(integer(name, one, minimum) for one in values)


def padding_per_axis(value: object, rank: int) -> str | tuple[tuple[int, int], ...]:
    """Read a padding: a word, or (before, after) an axis; only written pairs may be negative.

    Examples
    --------
    >>> padding_per_axis(1, rank=2)
    ((1, 1), (1, 1))
    >>> padding_per_axis([(1, 0), 2], rank=2)
    ((1, 0), (2, 2))
    """
    if isinstance(value, str):
        if value not in PADDING_WORDS:
            hint = hints.close(value, PADDING_WORDS) or hints.whole(value)
            raise ValueError(
                f"padding {value!r} is not one of {', '.join(map(repr, PADDING_WORDS))}{hint}"
            )
        return value
    values = list(value) if is_sequence(value) else [value] * rank  # type: ignore[call-overload]
    if len(values) != rank:
        raise ValueError(
            f"padding must be one integer, {rank} of them or {rank} (before, after) pairs, "
            f"got {value!r}" + hints.axes({"the others": rank, "padding": len(values)}, values)
        )
    return tuple(_padding_pair(one) for one in values)


def _padding_pair(value: object) -> tuple[int, int]:
    if is_sequence(value):
        pair: tuple[object, ...] = tuple(value)  # type: ignore[arg-type]
        if len(pair) != 2:
            raise ValueError(f"padding along an axis must be (before, after), got {pair}")
        return integer("padding", pair[0]), integer("padding", pair[1])
    both = integer("padding", value)
    if both < 0:
        raise ValueError(
            f"padding must not be negative, got {both}; "
            "only (before, after) pairs may be, and then append cells"
        )
    return both, both
