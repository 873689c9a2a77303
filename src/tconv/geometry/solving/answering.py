"""What is known of every axis, answered: searched, joined, and told."""

from collections.abc import Mapping, Sequence
from itertools import islice

from tconv.geometry.convolution import Convolution, times
from tconv.geometry.solving.fit import Fit
from tconv.geometry.solving.joining import joined
from tconv.geometry.solving.known import KERNEL_STRIDES, STRIDES, Known
from tconv.geometry.solving.nothing import nearest_sizes, reason, shrinking
from tconv.geometry.solving.one_axis import CANDIDATES_AT_MOST, Search
from tconv.geometry.solving.reasons import RULES
from tconv.geometry.solving.solution import Solution, Solutions

JOINED = 200  # fits of each axis, at least


def answers(axes: Sequence[Known], limit: int, everything: bool = False) -> Solutions[Solution]:
    """Answer for axes that each have an input or an output size.

    Examples
    --------
    >>> from tconv.geometry.solving.known import known_axes
    >>> print(answers(known_axes(input_size=3, output_size=6), 1)[0])
    input 3, kernel 4, stride 2, padding 1 -> 6
    """
    distinct = dict.fromkeys(axes)
    share = CANDIDATES_AT_MOST // len(distinct)
    searches = {known: Search(known, everything, share) for known in distinct}
    most = limit + 1 if len(axes) == 1 else max(limit + 1, JOINED)
    fits = {known: list(islice(search, most)) for known, search in searches.items()}
    wide = any(search.wide for search in searches.values())
    searched = _bounds(axes) if wide else _usual(axes)
    if any(search.stopped for search in searches.values()):
        searched.append("not all of it: there is too much")
    convolution = shrinking(axes)
    if not all(fits.values()):
        return _nothing(axes, fits, "; ".join(searched), convolution)
    columns = [fits[known] for known in axes]
    combinations = ((fit,) for fit in columns[0]) if len(axes) == 1 else joined(columns)
    found = list(islice(combinations, limit + 1))
    if len(found) > limit:
        searched.append(f"the best {limit} are listed")
    return Solutions(
        list(map(Solution.of, found[:limit])),
        searched="; ".join(searched),
        convolution=convolution,
    )


def _nothing(
    axes: Sequence[Known],
    fits: Mapping[Known, Sequence[Fit]],
    searched: str,
    convolution: Convolution | None,
) -> Solutions[Solution]:
    nearest = tuple(
        (known.output_size,) if fits[known] and known.output_size else nearest_sizes(known)
        for known in axes
    )
    failing = next(axis for axis, known in enumerate(axes) if not fits[known])
    why = reason(axes, failing, nearest[failing], convolution)
    return Solutions(searched=searched, reason=why, nearest=nearest, convolution=convolution)


def _usual(axes: Sequence[Known]) -> list[str]:
    """Say what was searched first, of all that was not given."""
    one, said = axes[0], []
    if one.stride is None:
        both = one.input_size is not None and one.output_size is not None
        said.append("the stride nearest to O/I" if both else f"strides up to {STRIDES}")
    if one.kernel_size is None:
        said.append(f"kernels {', '.join(RULES)}")
    if one.padding is None:
        said.append("padding up to ke - 1")
    if one.output_padding is None and one.padding != "same":
        said.append("output_padding 0 and 1" if one.padding is None else "any output_padding")
    if one.dilation is None:
        said.append("no dilation")
    return [*said, "no others, as these fit"] if said else ["nothing: all was given"]


def _bounds(axes: Sequence[Known]) -> list[str]:
    """Say within which bounds everything was searched that was not given."""
    one, said = axes[0], []
    if one.stride is None:
        largest = [
            STRIDES if i is None or o is None else known.strides(i, o)[1]
            for known in axes
            for i, o in [(known.input_size, known.output_size)]
        ]
        alike = len(set(largest)) == 1
        said.append(f"strides up to {largest[0] if alike else times(tuple(largest))}")
    if one.kernel_size is None:
        said.append(f"kernels up to {KERNEL_STRIDES} strides, or as far as they reach unpadded")
    if one.padding is None:
        said.append("padding up to ke - 1")
    if one.output_padding is None and one.padding != "same":
        said.append("any output_padding")
    if one.dilation is None:
        said.append("no dilation" if one.kernel_size is None else "any dilation")
    return said or ["nothing: all was given"]
