"""Ratios as a caller may write them: 2, 3/2, "3/2", 1.5; always read exactly."""

import math
import re
from fractions import Fraction
from numbers import Rational
from typing import Any, SupportsFloat, SupportsIndex, TypeAlias

from tconv.geometry.parameters import LARGEST, integer, is_sequence

Ratio: TypeAlias = SupportsIndex | Fraction | SupportsFloat | str

WRITTEN = re.compile(r"\s*(\d{1,19}(\s*/\s*\d{1,19})?|\d{0,19}\.\d{1,19}|\d{1,19}\.)\s*", re.ASCII)


def ratio(name: str, value: object) -> Fraction:
    """Read one ratio above zero.

    A float is read as the simplest fraction that this float is nearest to: 1.1 is 11/10 and 1/3 is
    a third, though neither is a float.

    Raises
    ------
    TypeError
        If `value` is not a number or a text.
    ValueError
        If it is not above zero, or of more than 64 bits.

    Examples
    --------
    >>> [str(ratio("scale", value)) for value in (2, "3/2", 1.5, 1.1, 160 / 147)]
    ['2', '3/2', '3/2', '11/10', '160/147']
    """
    if isinstance(value, str):
        read = _written(name, value)
    elif isinstance(value, Fraction):
        read = value
    elif isinstance(value, Rational) or hasattr(value, "__index__"):
        read = Fraction(integer(name, value))
    elif hasattr(value, "__float__"):
        read = _simplest(name, float(value))
    else:
        raise TypeError(f"{name} must be a number such as 2, 1.5 or '3/2', got {value!r}")
    if read <= 0:
        raise ValueError(f"{name} must be above 0, got {value}")
    if max(read.numerator, read.denominator) > LARGEST:
        raise ValueError(f"{name} {value} does not fit 64 bits as a fraction")
    return read


def ratios_per_axis(name: str, value: object, rank: int) -> tuple[Fraction, ...]:
    """Read one ratio, repeated over the axes, or one an axis.

    Examples
    --------
    >>> ratios_per_axis("scale", ("3/2", 2), rank=2)
    (Fraction(3, 2), Fraction(2, 1))
    """
    if not is_sequence(value):
        return (ratio(name, value),) * rank
    values: list[Any] = list(value)  # type: ignore[call-overload]
    if len(values) != rank:
        raise ValueError(
            f"{name} must be one number or {rank} of them, one an axis, got {tuple(values)}"
        )
    return tuple(ratio(name, one) for one in values)


def _written(name: str, text: str) -> Fraction:
    top, _, bottom = text.partition("/")
    if not WRITTEN.fullmatch(text) or bottom.strip(" 0") == "" != bottom:
        raise ValueError(f"{name} {text[:32]!r} is not a number; write 2, 1.5 or 3/2")
    return Fraction(top.strip()) / Fraction(bottom.strip() or 1)


def _simplest(name: str, value: float) -> Fraction:
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value}")
    exact = Fraction(value)
    bits = exact.denominator.bit_length()
    candidates = (exact.limit_denominator(2**k) for k in range(bits))
    return next(near for near in candidates if float(near) == value)
