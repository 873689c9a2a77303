"""Letters and exact fractions: the same definitions on ``object`` arrays.

Arrays made by :func:`letters` and :func:`weights`, of ``fractions.Fraction``, or of any objects
that add and multiply, go through :func:`conv_transpose` here and come back as sums of products.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tconv.checks import Refusal, operands
from tconv.functional import METHODS, read_method, transposed
from tconv.geometry import Geometry
from tconv.geometry.convolution import times
from tconv.geometry.layer import Layer
from tconv.geometry.parameters import Padding, Sizes, common_rank, per_axis

MOST_LETTERS = 2**18
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
WEIGHT = re.compile(r"w\d+(,\d+)*", re.ASCII)


@dataclass(frozen=True, order=True, slots=True)
class Symbol:
    """A letter; weights (order 0) are written before inputs (order 1), each in their own order.

    Examples
    --------
    >>> [symbol.name for symbol in sorted(map(Symbol.named, ["aa", "b", "w2", "w10"]))]
    ['w2', 'w10', 'b', 'aa']
    """

    order: int
    place: tuple[int, ...]
    name: str

    @classmethod
    def named(cls, name: str) -> "Symbol":
        """Return the symbol of a name: a weight if it is w with numbers, else an input."""
        if WEIGHT.fullmatch(name):
            return cls(0, tuple(map(int, name[1:].split(","))), name)
        return cls(1, (len(name),), name)


Monomial = tuple[Symbol, ...]


class Expression:
    """A sum of products of symbols with exact coefficients.

    Examples
    --------
    >>> (w1, w2), (a, b) = weights(2), letters(2)
    >>> a * w2 + 2 * b * w1
    w2·a + 2·w1·b
    """

    __slots__ = ("terms",)

    def __init__(self, terms: dict[Monomial, Any]) -> None:
        self.terms = {monomial: c for monomial, c in terms.items() if c != 0}

    def __add__(self, other: object) -> "Expression":
        addend = _as_expression(other)
        if addend is None:
            return NotImplemented
        total = Expression({})
        total.terms = dict(self.terms)
        for monomial, coefficient in addend.terms.items():
            added = total.terms.get(monomial, 0) + coefficient
            if added != 0:
                total.terms[monomial] = added
            else:
                total.terms.pop(monomial, None)
        return total

    def __mul__(self, other: object) -> "Expression":
        factor = _as_expression(other)
        if factor is None:
            return NotImplemented
        terms: dict[Monomial, Any] = {}
        for one, c in self.terms.items():
            for two, d in factor.terms.items():
                both = tuple(sorted(one + two))
                terms[both] = terms.get(both, 0) + c * d
        return Expression(terms)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> "Expression":
        return self * -1

    def __sub__(self, other: object) -> "Expression":
        subtrahend = _as_expression(other)
        return NotImplemented if subtrahend is None else self + -subtrahend

    def __rsub__(self, other: object) -> "Expression":
        return -self + other

    def __eq__(self, other: object) -> bool:
        same = _as_expression(other)
        return same is not None and self.terms == same.terms

    def __hash__(self) -> int:
        if self.terms.keys() <= {()}:
            return hash(self.terms.get((), 0))  # equal to a number, so hashed as one
        return hash(frozenset(self.terms.items()))

    def __repr__(self) -> str:
        ordered = sorted(self.terms.items(), key=lambda term: term[0][::-1])
        text = " + ".join(_written(monomial, c) for monomial, c in ordered)
        return text.replace("+ -", "- ") or "0"


def letters(size: Sizes) -> NDArray[Any]:
    """Return an input of letters: a, b, c, …, row by row.

    Examples
    --------
    >>> letters((2, 3))
    array([[a, b, c],
           [d, e, f]], dtype=object)
    """
    shape = _shape(size)
    return _symbols(shape, (_letter(index) for index in range(prod(shape))))


def weights(size: Sizes) -> NDArray[Any]:
    """Return a kernel of letters: w1, w2, … on one axis, w11, w12, … on two.

    Examples
    --------
    >>> weights(3)
    array([w1, w2, w3], dtype=object)
    """
    shape = _shape(size)
    between = "," if max(shape) > 9 and len(shape) > 1 else ""
    names = ("w" + between.join(str(k + 1) for k in tap) for tap in np.ndindex(shape))
    return _symbols(shape, names)


def conv_transpose(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    *,
    output_size: Sizes | None = None,
    method: str = "scatter",
) -> NDArray[Any]:
    """Compute :func:`tconv.conv_transpose` on objects, exactly.

    Parameters
    ----------
    x : array_like of object, (N, C_in, *I) or (C_in, *I)
    weight : array_like of object, (C_in, C_out/groups, *K)
    bias, stride, padding, output_padding, groups, dilation, output_size, method
        As in :func:`tconv.conv_transpose`.

    Returns
    -------
    ndarray of object
        Cells that nothing reached are the integer 0.

    Raises
    ------
    TypeError, ValueError
        As in :func:`tconv.conv_transpose`.

    Examples
    --------
    >>> from fractions import Fraction
    >>> thirds = np.array([[Fraction(1, 3), Fraction(2, 3)]])
    >>> conv_transpose(thirds, np.array([[[Fraction(1, 2)]]]), stride=2)
    array([[Fraction(1, 6), 0, Fraction(1, 3)]], dtype=object)
    """
    refusal = Refusal("symbolic.conv_transpose", x=x, weight=weight, bias=bias, groups=groups)
    with refusal:
        read_method(method, METHODS)
        use = operands(x, weight, bias, groups, transposed=True, exact=True)
        layer = Layer.of(
            use.weight.shape[2:], stride, padding, output_padding, use.groups, dilation
        )
        geometry = layer.geometry(use.x.shape[2:], output_size)
    return transposed(refusal, use, geometry, method)


def cells(
    input_size: Sizes,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    dilation: Sizes = 1,
    *,
    method: str = "scatter",
) -> NDArray[Any]:
    """Return every output cell as a sum of weights times input letters.

    Parameters
    ----------
    input_size, kernel_size, stride, padding, output_padding, dilation
        As in :meth:`tconv.Geometry.of`.
    method : str
        One of :data:`tconv.METHODS`.

    Returns
    -------
    ndarray of Expression, (*O)

    Examples
    --------
    >>> for cell in cells(4, 3, stride=2, padding=1):
    ...     print(cell)
    w2·a
    w3·a + w1·b
    w2·b
    w3·b + w1·c
    w2·c
    w3·c + w1·d
    w2·d
    """
    geometry = Geometry.of(input_size, kernel_size, stride, padding, output_padding, dilation)
    for size in (geometry.output_size, (*geometry.input_size, *geometry.kernel_size)):
        if prod(size) > MOST_LETTERS:
            raise ValueError(
                f"{geometry} has more cells or products than the {MOST_LETTERS:,} that are written"
            )
    x, weight = letters(geometry.input_size), weights(geometry.kernel_size)
    x, weight = x[np.newaxis], weight[np.newaxis, np.newaxis]
    y = conv_transpose(x, weight, None, stride, padding, output_padding, 1, dilation, method=method)
    return y.reshape(y.shape[1:])


def _shape(size: Sizes) -> tuple[int, ...]:
    rank = common_rank(size=size)
    shape = per_axis("size", size, rank, minimum=1)
    if prod(shape) > MOST_LETTERS:
        raise ValueError(f"{times(shape)} letters are more than the {MOST_LETTERS:,} there are")
    return shape


def _symbols(shape: tuple[int, ...], names: Iterable[str]) -> NDArray[Any]:
    array = np.empty(prod(shape), dtype=object)
    for index, name in enumerate(names):
        array[index] = Expression({(Symbol.named(name),): 1})
    return array.reshape(shape)


def _letter(index: int) -> str:
    name = ""
    index += 1
    while index:
        index, letter = divmod(index - 1, len(ALPHABET))
        name = ALPHABET[letter] + name
    return name


def _as_expression(value: object) -> Expression | None:
    if isinstance(value, Expression):
        return value
    if isinstance(value, int | Fraction | float | np.number):
        return Expression({(): value})
    return None


def _written(monomial: Monomial, coefficient: Any) -> str:
    factors = [symbol.name for symbol in monomial]
    if coefficient == -1 and factors:
        return "-" + "·".join(factors)
    if coefficient != 1 or not factors:
        whole = isinstance(coefficient, float) and coefficient.is_integer()
        factors.insert(0, str(int(coefficient) if whole else coefficient))
    return "·".join(factors)
