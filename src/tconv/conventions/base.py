"""What every framework's rule offers, and the small moves the rules share."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.parameters import integer

T = TypeVar("T")
Words = dict[str, Any]


class Inexpressible(ValueError):  # noqa: N818 - it names a finding, not a failure
    """A framework has no words for a geometry; the message says why and what would do."""


class Convention(ABC):
    """One framework's transposed convolution, reduced to tconv's normal form and back."""

    name: ClassVar[str]
    layout: ClassVar[str]
    ranks: ClassVar[range] = range(1, 4)

    def words(self, geometry: Geometry, groups: int = 1) -> Words:
        """Return the framework's arguments that give exactly this geometry: values, not just sizes.

        Parameters
        ----------
        geometry : Geometry
        groups : int

        Raises
        ------
        Inexpressible
            If it has none.
        """
        integer("groups", groups, minimum=1)
        if geometry.rank not in self.ranks:
            raise Inexpressible(
                f"{self.name} has {self.ranks[0]} to {self.ranks[-1]} spatial axes, not "
                f"{geometry.rank}: fold axes with kernel 1 and stride 1 into the batch"
            )
        return self._words(geometry, groups)

    def code(
        self, geometry: Geometry, in_channels: int = 1, out_channels: int = 1, groups: int = 1
    ) -> str:
        """Return the line of code that gives the same layer, as people write it.

        Parameters
        ----------
        geometry : Geometry
        in_channels, out_channels, groups : int

        Raises
        ------
        Inexpressible
            If the framework has no words for the geometry.
        ValueError
            If `groups` does not divide the channels.
        """
        words = self.words(geometry, groups)
        i = integer("in_channels", in_channels, minimum=1)
        o = integer("out_channels", out_channels, minimum=1)
        if i % groups or o % groups:
            raise ValueError(f"groups {groups} must divide in_channels {i} and out_channels {o}")
        return self._code(words, geometry, i, o)

    @abstractmethod
    def geometry(self, *args: Any, **kwargs: Any) -> Geometry:
        """Return the geometry of an input size, a kernel size and the framework's arguments."""

    @abstractmethod
    def _words(self, geometry: Geometry, groups: int) -> Words: ...

    @abstractmethod
    def _code(
        self, words: Words, geometry: Geometry, in_channels: int, out_channels: int
    ) -> str: ...

    def __repr__(self) -> str:
        return f"<convention of {self.name}>"


def along(geometry: Geometry, rule: Callable[[Axis], T]) -> tuple[T, ...]:
    """Apply a rule axis by axis; a refusal says along which."""
    answers = []
    for index, axis in enumerate(geometry.axes):
        try:
            answers.append(rule(axis))
        except Inexpressible as refusal:
            where = f"axis {index}: " if geometry.rank > 1 else ""
            raise Inexpressible(f"{where}{refusal}") from None
    return tuple(answers)


def by_hand(*crops: tuple[int, int]) -> str:
    """Say what is left to do to an output to crop (start, end) from each axis.

    Examples
    --------
    >>> by_hand((0, 1))
    'cut the last cell'
    >>> by_hand((0, 0), (-2, 3))
    'put 2 bias-only cells before it and cut the last 3 cells on axis 1'
    """
    said = []
    for index, crop in enumerate(crops):
        where = f" on axis {index}" if len(crops) > 1 else ""
        moves = [_move(crop[0], "first", "before"), _move(crop[1], "last", "after")]
        if any(moves):
            said.append(" and ".join(filter(None, moves)) + where)
    return ", ".join(said) or "leave it as it is"


def _move(cells: int, end: str, side: str) -> str:
    if cells > 0:
        return f"cut the {end} {'cell' if cells == 1 else f'{cells} cells'}"
    if cells < 0:
        return f"put {'a bias-only cell' if cells == -1 else f'{-cells} bias-only cells'} {side} it"
    return ""
