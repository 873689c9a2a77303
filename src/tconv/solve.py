"""From the sizes that are wanted to every set of parameters that gives them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

from tconv.geometry import Geometry
from tconv.parameters import LARGEST, Sizes, common_rank, integer, per_axis

COMPLETIONS_AT_MOST = 100_000
CANDIDATES_AT_MOST = 1_000_000

Ints = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """One valid set of parameters, one entry an axis, in PyTorch's words.

    Examples
    --------
    >>> solution = solve(input_size=4, output_size=8, stride=2, dilation=1)[0]
    >>> solution.kernel_size, solution.padding, solution.output_padding
    ((2,), (0,), (0,))
    >>> solution.geometry.even
    True
    """

    input_size: Ints
    output_size: Ints
    kernel_size: Ints
    stride: Ints
    padding: Ints
    output_padding: Ints
    dilation: Ints

    @property
    def geometry(self) -> Geometry:
        """The geometry of these parameters."""
        return Geometry.of(
            self.input_size,
            self.kernel_size,
            self.stride,
            self.padding,
            self.output_padding,
            self.dilation,
        )

    def surprise(self) -> tuple[object, ...]:
        """Return what solutions are ordered by, the expected ones first.

        Even overlap; then no output padding; no dilation; a stride close to the scale; no padding
        beyond the kernel; a small kernel, stride and padding.
        """
        off_scale = sum(
            abs(i * s - o)
            for i, s, o in zip(self.input_size, self.stride, self.output_size, strict=True)
        )
        beyond = sum(
            max(p - d * (k - 1), 0)
            for p, d, k in zip(self.padding, self.dilation, self.kernel_size, strict=True)
        )
        return (
            not self.geometry.even,
            self.output_padding,
            self.dilation,
            beyond,
            off_scale,
            self.kernel_size,
            self.stride,
            self.padding,
            self.input_size,
        )


def solve(
    input_size: Sizes | None = None,
    output_size: Sizes | None = None,
    kernel_size: Sizes | None = None,
    stride: Sizes | None = None,
    padding: Sizes | None = None,
    output_padding: Sizes | None = None,
    dilation: Sizes | None = None,
    *,
    max_kernel: int = 8,
    max_stride: int = 8,
    max_padding: int = 8,
    max_dilation: int = 2,
    max_size: int = 16,
) -> list[Solution]:
    """List every valid completion of the parameters given, the least surprising first.

    Parameters
    ----------
    input_size, output_size, kernel_size, stride, padding, output_padding, dilation
        What is known: an integer for every axis, or one an axis. An unknown kernel, stride,
        padding or dilation is the same on every axis; unknown sizes follow axis by axis.
    max_kernel, max_stride, max_padding, max_dilation : int
        Bounds of the search for what is unknown, the bound included.
    max_size : int
        Bound of the input size, where neither it nor the output size is given.

    Returns
    -------
    list of Solution
        In the order of :meth:`Solution.surprise`; empty if nothing in the bounds fits.

    Raises
    ------
    TypeError
        If a parameter is not an integer.
    ValueError
        If it is out of range, or more than 100,000 completions (of a million candidates) exist.

    Examples
    --------
    >>> for found in solve(input_size=3, output_size=6, kernel_size=3, stride=2):
    ...     print(found.padding, found.output_padding, found.dilation)
    (1,) (1,) (1,)
    (2,) (1,) (2,)
    """
    given = {
        "input_size": input_size,
        "output_size": output_size,
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "output_padding": output_padding,
        "dilation": dilation,
    }
    rank = common_rank(**given)
    known = {
        name: None
        if value is None
        else per_axis(name, value, rank, minimum=0 if "padding" in name else 1)
        for name, value in given.items()
    }
    bounds = {
        "kernel_size": (1, max_kernel),
        "stride": (1, max_stride),
        "padding": (0, max_padding),
        "dilation": (1, max_dilation),
    }
    choices = []
    for name, (least, most) in bounds.items():
        value = known[name]
        top = integer(f"max_{name.removesuffix('_size')}", most, minimum=least)
        candidates = range(least, top + 1)
        choices.append([value] if value is not None else [(c,) * rank for c in _few(candidates)])
    if prod(map(len, choices)) > CANDIDATES_AT_MOST:
        raise ValueError(f"more than {CANDIDATES_AT_MOST} candidates; give more parameters")
    given_sizes = [
        tuple(
            None if (value := known[name]) is None else value[a]
            for name in ("input_size", "output_size", "output_padding")
        )
        for a in range(rank)
    ]
    sizes = range(1, integer("max_size", max_size, minimum=1) + 1)
    found: set[Solution] = set()
    for k, s, p, d in product(*choices):
        axes = [_completions(given_sizes[a], (k[a], s[a], p[a], d[a]), sizes) for a in range(rank)]
        for completion in product(*map(_limited, axes)):
            i, o, extra = zip(*completion, strict=True)
            if max(*i, *o) > LARGEST:
                continue
            found.add(Solution(i, o, k, s, p, extra, d))
            if len(found) > COMPLETIONS_AT_MOST:
                raise ValueError(
                    f"more than {COMPLETIONS_AT_MOST} completions; give more parameters"
                )
    return sorted(found, key=Solution.surprise)


def _completions(
    given: tuple[int | None, ...], parameters: tuple[int, int, int, int], sizes: range
) -> Iterator[tuple[int, int, int]]:
    """Yield every (input size, output size, output padding) of one axis."""
    i, o, extra = given
    k, s, p, d = parameters
    margin = d * (k - 1) + 1 - 2 * p
    extras = range(max(s, d))
    if extra is not None:
        extras = range(extra, extra + 1) if extra in extras else range(0)
    if i is None and o is not None:
        first = extras.start + (o - margin - extras.start) % s
        for a in range(first, min(extras.stop, o - margin + 1), s):
            yield (o - margin - a) // s + 1, o, a
        return
    for size in [i] if i is not None else sizes:
        least = (size - 1) * s + margin
        wanted = extras if o is None else range(max(o - least, 0), max(o - least, -1) + 1)
        for a in range(max(wanted.start, 1 - least), wanted.stop):
            if a in extras:
                yield size, least + a, a


def _limited(axis: Iterator[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    listed = []
    for completion in axis:
        listed.append(completion)
        if len(listed) > COMPLETIONS_AT_MOST:
            raise ValueError(f"more than {COMPLETIONS_AT_MOST} completions; give more parameters")
    return listed


def _few(candidates: range) -> range:
    if len(candidates) > CANDIDATES_AT_MOST:
        raise ValueError(f"more than {CANDIDATES_AT_MOST} candidates; give more parameters")
    return candidates
