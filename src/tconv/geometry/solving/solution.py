"""One answer, and the sequence of answers that also says what was searched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from tconv.geometry import Geometry
from tconv.geometry.convolution import Convolution, times
from tconv.geometry.padding import Window
from tconv.geometry.solving.fit import Fit
from tconv.geometry.solving.reasons import Blemish, Measure, blemishes, surprise

SHOWN = 10  # answers in a text

Ints = tuple[int, ...]
Found = TypeVar("Found", covariant=True)


@dataclass(frozen=True, slots=True, repr=False)
class Solution:
    """One set of parameters that fits, one entry an axis, in PyTorch's words.

    Parameters
    ----------
    input_size, output_size, kernel_size, stride : tuple of int
    padding : tuple of int or (int, int)
        Cells cropped at both ends, or (before, after) where they differ.
    output_padding, dilation : tuple of int

    Examples
    --------
    >>> from tconv import solve
    >>> solution = solve(input_size=4, output_size=8)[0]
    >>> solution
    Solution(input 4, kernel 4, stride 2, padding 1 -> 8)
    >>> solution.words
    {'stride': (2,), 'padding': (1,), 'output_padding': (0,), 'dilation': (1,)}
    >>> solution.geometry.even, solution.blemishes
    (True, ())
    """

    input_size: Ints
    output_size: Ints
    kernel_size: Ints
    stride: Ints
    padding: tuple[int | Window, ...]
    output_padding: Ints
    dilation: Ints

    @classmethod
    def of(cls, fits: Sequence[Fit]) -> "Solution":
        """Make a solution of one fit an axis."""
        i, o, k, s, d, _, _, extra = zip(*fits, strict=True)
        return cls(i, o, k, s, tuple(fit.padding for fit in fits), extra, d)

    @property
    def fits(self) -> tuple[Fit, ...]:
        """The axes one by one."""
        pads = [(one, one) if isinstance(one, int) else one for one in self.padding]
        rows = zip(
            self.input_size, self.output_size, self.kernel_size, self.stride, self.dilation,
            pads, self.output_padding, strict=True,
        )  # fmt: skip
        return tuple(
            Fit(i, o, k, s, d, before, after, extra)
            for i, o, k, s, d, (before, after), extra in rows
        )

    @property
    def words(self) -> dict[str, Any]:
        """What to pass on to ``conv_transpose`` and ``plan``, beside the weight."""
        names = ("stride", "padding", "output_padding", "dilation")
        return {name: getattr(self, name) for name in names}

    @property
    def geometry(self) -> Geometry:
        """The geometry of these parameters."""
        return Geometry.of(self.input_size, self.kernel_size, **self.words)

    @property
    def blemishes(self) -> tuple[Blemish, ...]:
        """What it leaves to be desired, the gravest first; see ``tconv.geometry.solving.REASONS``.

        Examples
        --------
        >>> from tconv import solve
        >>> print(*solve(44, 89, kernel_size=2, stride=2)[0].blemishes, sep="; ")
        leaves output 88 without input; output_padding is 1
        """
        return blemishes(self.fits)

    def surprise(self) -> Measure:
        """Return what solutions are ordered by, the least surprising first."""
        return surprise(self.fits)

    def __str__(self) -> str:
        words = [f"input {times(self.input_size)}", f"kernel {times(self.kernel_size)}"]
        words += [f"stride {times(self.stride)}", f"padding {'×'.join(map(str, self.padding))}"]
        if any(self.output_padding):
            words.append(f"output_padding {times(self.output_padding)}")
        if any(d != 1 for d in self.dilation):
            words.append(f"dilation {times(self.dilation)}")
        return f"{', '.join(words)} -> {times(self.output_size)}"

    def __repr__(self) -> str:
        return f"Solution({self})"


class Solutions(Sequence[Found], Generic[Found]):
    """Answers, the least surprising first, and what was searched for them.

    Attributes
    ----------
    searched : str
        The bounds of everything that was not given.
    reason : str
        Why nothing was found; empty where something was.
    nearest : tuple of tuple of int
        Where nothing was found, an axis: the nearest output sizes that can be reached.
    convolution : Convolution or None
        Where the sizes shrink: the direct convolution that makes them.

    Examples
    --------
    >>> from tconv import solve
    >>> found = solve(7, 15, stride=2)
    >>> len(found), found[0].kernel_size
    (7, (4,))
    >>> solve(4, 12, kernel_size=3, stride=2, dilation=1).nearest
    ((10,),)
    """

    def __init__(
        self,
        found: Sequence[Found] = (),
        *,
        searched: str,
        reason: str = "",
        nearest: tuple[Ints, ...] = (),
        convolution: Convolution | None = None,
    ) -> None:
        self._found = tuple(found)
        self.searched = searched
        self.reason = reason
        self.nearest = nearest
        self.convolution = convolution

    @overload
    def __getitem__(self, index: int) -> Found: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Found, ...]: ...
    def __getitem__(self, index: int | slice) -> Found | tuple[Found, ...]:
        return self._found[index]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Found]:
        return iter(self._found)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Solutions):
            return self._found == other._found
        return self._found == tuple(other) if isinstance(other, list | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._found)

    def __repr__(self) -> str:
        lines = [str(one) for one in self._found[:SHOWN]]
        if len(self) > SHOWN:
            lines.append(f"… and {len(self) - SHOWN} more")
        if self.reason:
            lines.append(self.reason)
        return "\n".join([*lines, f"searched: {self.searched}"])
