"""From the sizes that are wanted to the parameters that give them: the public function."""

from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol, TypeVar, cast

from tconv.geometry.parameters import Padding, Sizes, integer
from tconv.geometry.solving.answering import answers
from tconv.geometry.solving.chaining import chain
from tconv.geometry.solving.known import Known, known_axes
from tconv.geometry.solving.solution import Solution, Solutions

LISTED, LISTED_AT_MOST = 100, 10_000

P = ParamSpec("P")
Q = ParamSpec("Q")
R_co = TypeVar("R_co", covariant=True)
S_co = TypeVar("S_co", covariant=True)


class _WithChain(Protocol[P, R_co, Q, S_co]):
    """A function that has another as an attribute."""

    @property
    def chain(self) -> Callable[Q, S_co]: ...

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...


def _with_chain(
    chained: Callable[Q, S_co],
) -> Callable[[Callable[P, R_co]], _WithChain[P, R_co, Q, S_co]]:
    def attach(function: Callable[P, R_co]) -> _WithChain[P, R_co, Q, S_co]:
        function.chain = chained  # type: ignore[attr-defined]
        return cast(_WithChain[P, R_co, Q, S_co], function)

    return attach


@_with_chain(chain)
def solve(
    input_size: Sizes | None = None,
    output_size: Sizes | None = None,
    kernel_size: Sizes | None = None,
    stride: Sizes | None = None,
    padding: Padding | None = None,
    output_padding: Sizes | None = None,
    dilation: Sizes | None = None,
    *,
    limit: int = LISTED,
    everything: bool = False,
) -> Solutions[Solution]:
    """List the parameters that make one size of another, the least surprising first.

    Unknowns may differ from axis to axis. ``solve.chain`` spreads a large factor over several
    layers.

    Parameters
    ----------
    input_size, output_size : int or sequence of int
        One of the two may be left out.
    kernel_size, stride, output_padding, dilation : int or sequence of int, optional
        What is known: an integer for every axis, or one an axis.
    padding : int, sequence, or str, optional
        As in :meth:`tconv.Geometry.of`: an integer, one an axis, (before, after) pairs, or
        ``"valid"``, ``"half"``, ``"full"`` or ``"same"``.
    limit : int
        How many answers are listed at most.
    everything : bool
        Whether to search everything within the bounds even where layers as people build them fit.

    Returns
    -------
    Solutions of Solution
        A sequence; `searched` says within which bounds, and where nothing was found, `reason`,
        `nearest` and `convolution` say why and what would be.

    Raises
    ------
    TypeError
        If a parameter is of the wrong kind.
    ValueError
        If it is out of range, or no size is given.

    Notes
    -----
    O = (I-1)·s + d·(K-1) + 1 - before - after + output_padding, as in :meth:`tconv.Geometry.of`.
    Answers are compared by ``tconv.geometry.solving.REASONS``; the first that tells them apart
    decides. Every input is read; every output is reached; every phase has equally many taps;
    the stride is nearest to O/I; there is no dilation; padding is at most ke - 1, and alike at both
    ends but for one cell; kernels follow one rule on all axes; k = 2s, then s, 3s, 2s - 1 and
    2s + 1; there is no output_padding. What an answer has against it, its `blemishes` tell.

    First only layers as people build them are searched: the stride nearest to O/I, those kernels,
    no dilation, crops that differ by one cell at most. Where none of them reads every input and
    reaches every output along an axis, and with `everything`, all that the sizes leave open is
    searched: strides up to twice O/I, kernels up to 8 strides or as far as they reach without
    padding, paddings up to ke - 1, any output_padding, and any dilation of a kernel that is given.
    Where one size is missing, strides go up to 8. At most 10,000 candidates are looked at.

    Examples
    --------
    >>> for found in solve(input_size=7, output_size=15)[:2]:
    ...     print(found)
    input 7, kernel 4, stride 2, padding 1, output_padding 1 -> 15
    input 7, kernel 6, stride 2, padding 2, output_padding 1 -> 15
    >>> solve((16, 32, 32), (16, 64, 64))[0]
    Solution(input 16×32×32, kernel 1×2×2, stride 1×2×2, padding 0×0×0 -> 16×64×64)
    >>> print(solve(25, 13).convolution)
    input 25, kernel 3, stride 2, padding (1, 1) -> 13
    """
    limit = integer("limit", limit, minimum=1)
    if limit > LISTED_AT_MOST:
        raise ValueError(f"limit must be at most {LISTED_AT_MOST}, got {limit}")
    axes = known_axes(
        input_size=input_size,
        output_size=output_size,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        dilation=dilation,
    )
    _check(axes)
    return answers(axes, limit, everything)


def _check(axes: Sequence[Known]) -> None:
    one = axes[0]
    if one.input_size is None and one.output_size is None:
        raise ValueError("give input_size, output_size or both; nothing else bounds the search")
    if one.padding == "same" and any(axis.output_padding for axis in axes):
        raise ValueError("padding='same' sets the output size; output_padding must be 0")
