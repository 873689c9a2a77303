"""What a caller may write for a size, stride, dilation or padding: read once, refused clearly."""

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, SupportsIndex, TypeAlias

from tconv.geometry import hints

LARGEST = 2**63 - 1
MOST_AXES = 64  # an array of NumPy has no more
SHOWN = 60  # letters of a value in an error, at most

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
            f"{name} must be at least {minimum}, got {shown(number)}{hints.below(name, number)}"
        )
    if not -LARGEST <= number <= LARGEST:
        raise ValueError(f"{name} {shown(number)} does not fit 64 bits (largest: {LARGEST})")
    return number


def _index(name: str, value: object) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r} (bool)")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"{name} must be an integer, got {shown(value)} ({type(value).__name__})"
            f"{hints.whole(value)}"
        ) from None


def shown(value: object) -> str:
    """Write a value for an error: on one line, and not all of one that is long.

    Examples
    --------
    >>> shown((1,) * 100)
    '(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1…'
    >>> shown(2**100_000)
    'an integer of 100001 bits'
    """
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python does not write integers of thousands of digits
        if not isinstance(value, int):
            return f"a {type(value).__name__}"
        return f"an integer of {value.bit_length()} bits"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


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
        name: length_of(name, value) for name, value in parameters.items() if is_sequence(value)
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


def length_of(name: str, value: object) -> int:
    """Return how many entries a sequence has, refused where no array has as many axes.

    Examples
    --------
    >>> length_of("stride", (1, 2))
    2
    """
    try:
        length = len(value)  # type: ignore[arg-type]
    except OverflowError:
        length = LARGEST
    if length > MOST_AXES:
        raise ValueError(
            f"{name} has too many entries, one an axis: an array has at most {MOST_AXES} axes"
        )
    return length


def per_axis(name: str, value: object, rank: int, minimum: int | None = None) -> tuple[int, ...]:
    """Read an integer, repeated over the axes, or one integer an axis.

    Examples
    --------
    >>> per_axis("stride", 2, rank=3)
    (2, 2, 2)
    """
    if not is_sequence(value):
        return (integer(name, value, minimum),) * rank
    if length_of(name, value) != rank:
        raise ValueError(
            f"{name} must be one integer or {rank} of them, one an axis, got {shown(tuple(value))}"  # type: ignore[arg-type]
            + hints.axes({"the others": rank, name: length_of(name, value)})
        )
    return tuple(integer(name, one, minimum) for one in value)  # type: ignore[attr-defined]


def word(name: str, value: object) -> str:
    """Read a word.

    Examples
    --------
    >>> word("padding", None)
    Traceback (most recent call last):
    ...
    TypeError: padding must be a string, got None (NoneType)
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {shown(value)} ({type(value).__name__})")
    return value


def one_of(
    name: str,
    value: object,
    known: Iterable[str],
    hint: Callable[[str, Iterable[str]], str] = hints.close,
) -> str:
    """Read one of the words that are known; the hint says which one another may have meant.

    Examples
    --------
    >>> one_of("view", "scatter", ("scatter", "gather"))
    'scatter'
    """
    words = tuple(known)
    said = word(name, value)
    if said not in words:
        listed = ", ".join(map(repr, words))
        raise ValueError(f"{name} {shown(said)} is not one of {listed}{hint(said[:SHOWN], words)}")
    return said


def sequence(name: str, value: object) -> tuple[Any, ...]:
    """Read a sequence of no more entries than an array has axes.

    Examples
    --------
    >>> sequence("pads", [1, 2])
    (1, 2)
    """
    if not is_sequence(value):
        raise TypeError(f"{name} must be a sequence, got {shown(value)} ({type(value).__name__})")
    length_of(name, value)
    return tuple(value)  # type: ignore[arg-type]


def pairs_per_axis(name: str, value: object, rank: int) -> tuple[tuple[int, int], ...]:
    """Read one pair of integers an axis.

    Examples
    --------
    >>> pairs_per_axis("padding", [(1, 0), [2, 2]], rank=2)
    ((1, 0), (2, 2))
    """
    pairs = [sequence(name, pair) for pair in sequence(name, value)]
    if [len(pair) for pair in pairs] != [2] * rank:
        raise ValueError(f"{name} must hold one pair for each of {rank} axes, got {shown(value)}")
    return tuple((integer(name, a), integer(name, b)) for a, b in pairs)


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
            hint = hints.close(value[:SHOWN], PADDING_WORDS) or hints.whole(value)
            raise ValueError(
                f"padding {shown(value)} is not one of {', '.join(map(repr, PADDING_WORDS))}{hint}"
            )
        return value
    if not is_sequence(value):
        return (_padding_pair(value),) * rank
    if length_of("padding", value) != rank:
        raise ValueError(
            f"padding must be one integer, {rank} of them or {rank} (before, after) pairs, "
            f"got {shown(value)}"
            + hints.axes({"the others": rank, "padding": length_of("padding", value)}, value)
        )
    return tuple(map(_padding_pair, value))  # type: ignore[call-overload]


def _padding_pair(value: object) -> tuple[int, int]:
    if is_sequence(value):
        pair = sequence("padding", value)
        if len(pair) != 2:
            raise ValueError(f"padding along an axis must be (before, after), got {shown(pair)}")
        return integer("padding", pair[0]), integer("padding", pair[1])
    both = integer("padding", value)
    if both < 0:
        raise ValueError(
            f"padding must not be negative, got {both}; "
            "only (before, after) pairs may be, and then append cells"
        )
    return both, both
