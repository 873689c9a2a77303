"""Cell values — numbers, fractions, letters — exact where they can be, and how they are written."""

import re
from decimal import ROUND_HALF_UP, Context
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.symbolic import Expression, Symbol

Value = int | float | Fraction | Expression
EXACT = 2**53  # integers below it are floats that hold themselves
NUMBER = re.compile(
    r"[+-]?(?:(?P<whole>\d+)|(?P<fraction>\d+/\d+)|(?:\d+\.\d*|\.?\d+)(?:e[+-]?\d+)?)",
    re.ASCII | re.IGNORECASE,
)
NAME = re.compile(r"[a-z]\w*(?:,\d+)*", re.ASCII | re.IGNORECASE)
ROUNDED = Context(prec=6, rounding=ROUND_HALF_UP)


def as_value(given: object) -> Value:
    """Return a number, fraction or sum of letters as plain Python holds it.

    Whole numbers become integers, however they are given.

    Examples
    --------
    >>> as_value(np.float32(0.5)), as_value(3.0), as_value(Fraction(4, 2))
    (0.5, 3, 2)
    """
    if isinstance(given, Expression):
        return given
    if isinstance(given, bool | np.bool_):
        raise TypeError("a cell holds a number, a fraction or a letter, got a bool")
    if isinstance(given, Fraction):
        return given.numerator if given.denominator == 1 else given
    if isinstance(given, int | np.integer):
        return int(given)
    if isinstance(given, float | np.floating):
        number = float(given)
        if not isfinite(number):
            raise ValueError(f"a cell holds finite numbers, got {number}")
        return int(number) if number.is_integer() and abs(number) < EXACT else number
    raise TypeError(
        f"a cell holds a number, a fraction or a letter, got {type(given).__name__} {given!r}"
    )


def as_values(given: NDArray[Any]) -> NDArray[Any]:
    """Return an array of the same shape that holds :func:`as_value` of every entry."""
    values = np.empty(given.shape, object)
    for place in np.ndindex(given.shape):
        values[place] = as_value(given[place])
    return values


def written(value: Value) -> str:
    """Write a value; of a float that is no integer, six significant digits.

    Examples
    --------
    >>> written(1 / 3), written(2.0), written(Fraction(-1, 3)), written(1e-9), written(-0.0)
    ('0.333333', '2', '-1/3', '1e-9', '0')
    """
    if not isinstance(value, float):
        return str(value)
    if value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    decimal = ROUNDED.create_decimal(value).normalize()
    if -4 <= decimal.adjusted() < 16:
        return f"{decimal:f}"
    digits, power = f"{decimal:e}".split("e")
    return f"{digits}e{int(power)}"


def product_written(value: Value, weight: Value) -> str:
    """Write a product with its factors: ``2·3``, ``2·(-1)``; letters as their product ``w2·a``.

    Examples
    --------
    >>> product_written(2, -1), product_written(Fraction(1, 2), 3)
    ('2·(-1)', '1/2·3')
    """
    if isinstance(value, Expression) or isinstance(weight, Expression):
        return written(weight * value)
    factors = (written(value), written(weight))
    return "·".join(f"({factor})" if factor.startswith("-") else factor for factor in factors)


def sum_written(terms: list[str]) -> str:
    """Join terms with plus signs, and with minus where a term begins with one.

    Examples
    --------
    >>> sum_written(["1", "2", "-3"]), sum_written([])
    ('1 + 2 - 3', '0')
    """
    return " + ".join(terms).replace("+ -", "- ") or "0"


def jsonable(value: Value | None) -> int | float | str | None:
    """Return a value as JSON holds it: a number, or the text of a fraction or of letters."""
    return value if value is None or isinstance(value, int | float) else str(value)


def from_jsonable(held: object) -> Value:
    """Return the value that :func:`jsonable` wrote.

    Examples
    --------
    >>> from_jsonable("2·w1·a + 1"), from_jsonable("1/3"), from_jsonable(0.5)
    (1 + 2·w1·a, Fraction(1, 3), 0.5)
    """
    if not isinstance(held, str):
        return as_value(held)
    value = parsed(held)
    return value if "/" in held or isinstance(value, Expression) else Expression({(): value})


def parsed(text: str) -> Value:
    """Read a number, a fraction, or letters.

    Raises
    ------
    ValueError
        If the text is none of them.

    Examples
    --------
    >>> parsed("-2"), parsed("0.5"), parsed("2/6"), parsed("w2·a - b")
    (-2, 0.5, Fraction(1, 3), w2·a - b)
    """
    number = _number(text)
    if number is not None:
        return number
    total = Expression({})
    for term in text.replace(" - ", " + -").split(" + "):
        product = Expression({(): -1 if term.startswith("-") else 1})
        for factor in term.removeprefix("-").split("·"):
            product = product * _factor(factor, text)
        total = total + product
    return total


def _factor(factor: str, text: str) -> Value:
    number = _number(factor)
    if number is not None:
        return number
    if not NAME.fullmatch(factor):
        raise ValueError(
            f"{text!r} is not a number, a fraction or a letter; write 2, 0.5, 1/3 or a"
        )
    return Expression({(Symbol.named(factor),): 1})


def _number(text: str) -> Value | None:
    match = NUMBER.fullmatch(text)
    if match is None:
        return None
    if match["whole"]:
        return int(text)
    if not match["fraction"]:
        return as_value(float(text))
    if not int(text.partition("/")[2]):
        raise ValueError(f"{text!r} divides by zero")
    return as_value(Fraction(text))
