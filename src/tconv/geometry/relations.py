"""The fifteen numbered relations of Dumoulin & Visin, with the conditions they hold under.

"A guide to convolution arithmetic for deep learning", arXiv:1603.07285. Relations 8 to 14 speak of
the transpose of a convolution (i, k, s, p): i is then the transposed convolution's own input size
and a = (i + 2p - k) mod s of the convolution, which frameworks call output_padding.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from tconv.geometry.axis import Axis
from tconv.geometry.parameters import integer


@dataclass(frozen=True, slots=True)
class Sizes:
    """The guide's letters for one axis."""

    i: int
    k: int
    s: int
    p: int
    d: int
    a: int

    @property
    def dilated(self) -> int:
        """The guide's k̂ = k + (k-1)(d-1)."""
        return self.k + (self.k - 1) * (self.d - 1)


@dataclass(frozen=True, slots=True)
class Relation:
    """One numbered relation; call it with the guide's letters.

    Parameters
    ----------
    number : int
    of : {"convolution", "pooling", "transposed convolution"}
    condition, formula : str
        In the guide's letters; o is the output size.

    Examples
    --------
    >>> print(RELATIONS[13])
    relation 13 (transposed convolution, (i + 2p - k) a multiple of s): o = s(i - 1) + k - 2p
    >>> RELATIONS[13](i=4, k=3, s=2, p=1)
    7
    """

    number: int
    of: Literal["convolution", "pooling", "transposed convolution"]
    condition: str
    formula: str
    _holds: Callable[[Sizes], bool] = field(repr=False)
    _size: Callable[[Sizes], int] = field(repr=False)

    def holds(self, i: int, k: int, s: int = 1, p: int = 0, d: int = 1, a: int = 0) -> bool:
        """Tell whether the relation's condition is met."""
        return self._holds(_sizes(i, k, s, p, d, a))

    def __call__(self, i: int, k: int, s: int = 1, p: int = 0, d: int = 1, a: int = 0) -> int:
        """Return the output size.

        Raises
        ------
        TypeError
            If a letter is not an integer.
        ValueError
            If the condition is not met, or a size is out of range.
        """
        sizes = _sizes(i, k, s, p, d, a)
        if not self._holds(sizes):
            raise ValueError(
                f"relation {self.number} needs {self.condition}, "
                f"got k={k}, s={s}, p={p}, d={d}, a={a}"
            )
        if self.of != "transposed convolution" and i + 2 * p < sizes.dilated:
            raise ValueError(f"kernel {sizes.dilated} is larger than the padded input {i + 2 * p}")
        size = self._size(sizes)
        if size < 1:
            raise ValueError(f"relation {self.number} gives an output of {size}; pad less")
        return size

    def __str__(self) -> str:
        return f"relation {self.number} ({self.of}, {self.condition}): o = {self.formula}"


def relation_of(axis: Axis) -> Relation | None:
    """Return the most particular relation that gives an axis's output size.

    None where the guide has none: dilated transposed convolutions, and crops that no symmetric
    padding and a < s express.

    Examples
    --------
    >>> axis = Axis(input_size=4, kernel_size=3, stride=2, crop_start=1, output_size=7)
    >>> relation_of(axis).number
    13
    """
    a = axis.crop_start - axis.crop_end
    if axis.dilation != 1 or axis.crop_start < 0 or not 0 <= a < axis.stride:
        return None
    for number in (8, 10, 11, 9, 12, 13, 14):
        relation = RELATIONS[number]
        if relation.holds(axis.input_size, axis.kernel_size, axis.stride, axis.crop_start, 1, a):
            return relation
    return None


def _sizes(i: int, k: int, s: int, p: int, d: int, a: int) -> Sizes:
    return Sizes(
        i=integer("i", i, minimum=1),
        k=integer("k", k, minimum=1),
        s=integer("s", s, minimum=1),
        p=integer("p", p, minimum=0),
        d=integer("d", d, minimum=1),
        a=integer("a", a, minimum=0),
    )


def _plain(z: Sizes) -> bool:
    return z.d == 1 and z.a == 0


def _strided(z: Sizes) -> int:
    return (z.i + 2 * z.p - z.dilated) // z.s + 1


def _transposed(z: Sizes) -> int:
    return z.s * (z.i - 1) + z.a + z.k - 2 * z.p


RELATIONS: dict[int, Relation] = {
    relation.number: relation
    for relation in (
        Relation(
            1, "convolution", "s = 1, p = 0", "(i - k) + 1",
            lambda z: _plain(z) and z.s == 1 and z.p == 0,
            lambda z: z.i - z.k + 1,
        ),
        Relation(
            2, "convolution", "s = 1", "(i - k) + 2p + 1",
            lambda z: _plain(z) and z.s == 1,
            lambda z: z.i - z.k + 2 * z.p + 1,
        ),
        Relation(
            3, "convolution", "s = 1, k odd, p = (k - 1)/2", "i",
            lambda z: _plain(z) and z.s == 1 and z.k == 2 * z.p + 1,
            lambda z: z.i,
        ),
        Relation(
            4, "convolution", "s = 1, p = k - 1", "i + (k - 1)",
            lambda z: _plain(z) and z.s == 1 and z.p == z.k - 1,
            lambda z: z.i + z.k - 1,
        ),
        Relation(
            5, "convolution", "p = 0", "floor((i - k)/s) + 1",
            lambda z: _plain(z) and z.p == 0,
            lambda z: (z.i - z.k) // z.s + 1,
        ),
        Relation(
            6, "convolution", "any i, k, s, p", "floor((i + 2p - k)/s) + 1", _plain, _strided
        ),
        Relation(
            7, "pooling", "p = 0", "floor((i - k)/s) + 1",
            lambda z: _plain(z) and z.p == 0,
            lambda z: (z.i - z.k) // z.s + 1,
        ),
        Relation(
            8, "transposed convolution", "s = 1, p = 0", "i + (k - 1)",
            lambda z: _plain(z) and z.s == 1 and z.p == 0,
            lambda z: z.i + z.k - 1,
        ),
        Relation(
            9, "transposed convolution", "s = 1", "i + (k - 1) - 2p",
            lambda z: _plain(z) and z.s == 1,
            lambda z: z.i + z.k - 1 - 2 * z.p,
        ),
        Relation(
            10, "transposed convolution", "s = 1, k odd, p = (k - 1)/2", "i",
            lambda z: _plain(z) and z.s == 1 and z.k == 2 * z.p + 1,
            lambda z: z.i,
        ),
        Relation(
            11, "transposed convolution", "s = 1, p = k - 1", "i - (k - 1)",
            lambda z: _plain(z) and z.s == 1 and z.p == z.k - 1,
            lambda z: z.i - (z.k - 1),
        ),
        Relation(
            12, "transposed convolution", "p = 0, (i - k) a multiple of s", "s(i - 1) + k",
            lambda z: _plain(z) and z.p == 0,
            lambda z: z.s * (z.i - 1) + z.k,
        ),
        Relation(
            13, "transposed convolution", "(i + 2p - k) a multiple of s", "s(i - 1) + k - 2p",
            _plain,
            _transposed,
        ),
        Relation(
            14, "transposed convolution", "a = (i + 2p - k) mod s", "s(i - 1) + a + k - 2p",
            lambda z: z.d == 1 and z.a < z.s,
            _transposed,
        ),
        Relation(
            15, "convolution", "any i, k, s, p, d", "floor((i + 2p - k - (k - 1)(d - 1))/s) + 1",
            lambda z: z.a == 0,
            _strided,
        ),
    )
}  # fmt: skip
