"""What to say where nothing fits: the nearest sizes, and the convolution that shrinks instead."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from tconv.geometry.convolution import Convolution, times
from tconv.geometry.parameters import LARGEST
from tconv.geometry.solving.fit import Fit
from tconv.geometry.solving.known import STRIDES, Known
from tconv.geometry.solving.one_axis import Search
from tconv.geometry.solving.reasons import listed, stride_order

TRIED = 8  # sizes on either side
CANDIDATES = 500  # looked at for each
NEAR = 16  # strides on either side of the ratio
DILATIONS = 8
WORDS = ("kernel_size", "stride", "padding", "output_padding", "dilation")


def nearest_sizes(known: Known) -> tuple[int, ...]:
    """Return the nearest output sizes, below and above the one asked for, that can be reached.

    Examples
    --------
    >>> from tconv.geometry.solving.known import known_axes
    >>> one = {"kernel_size": 2, "stride": 3, "dilation": 1, "output_padding": 0}
    >>> nearest_sizes(known_axes(input_size=4, output_size=13, **one)[0])
    (11,)
    >>> nearest_sizes(known_axes(output_size=13, padding=0, **one)[0])
    (11, 14)
    """
    if known.output_size is None:
        return ()
    return tuple(
        size for side in (-1, 1) for size in islice(_reachable(known, known.output_size, side), 1)
    )


def _reachable(known: Known, size: int, side: int) -> Iterator[int]:
    """Yield sizes that can be reached, from `size` outward."""
    bounds = list(_bounds(known))
    for _ in range(TRIED):
        found = [one for bound in bounds if (one := _next(*bound, size, side)) is not None]
        if not found:
            return
        size = max(found) if side < 0 else min(found)
        if any(True for _ in Search(replace(known, output_size=size), candidates=CANDIDATES)):
            yield size
        size += side


def _bounds(known: Known) -> Iterator[tuple[int | None, int, int, int]]:
    """Yield (input size, stride, least, most) with O from (I-1)·s + least to (I-1)·s + most."""
    i, o = known.input_size, known.output_size or 1
    if known.stride is not None:
        strides = [known.stride]
    elif i is None:
        strides = list(range(1, STRIDES + 1))
    else:
        near = range(max(o // i - NEAR, 1), o // i + NEAR)
        strides = sorted(near, key=lambda s: stride_order(i, o, s))
    for s in strides:
        for d in [known.dilation] if known.dilation else range(1, DILATIONS + 1):
            least, most = known.reach(s, d)
            if known.kernel_size is None and known.padding is None:
                most = LARGEST
            if least <= most:
                yield i, s, least, most


def _next(i: int | None, s: int, least: int, most: int, size: int, side: int) -> int | None:
    """Return the first size from `size` on, up or down, within bounds."""
    if i is None:
        i = max((size - least) // s if side < 0 else -((most - size) // s), 0) + 1
    low, high = max((i - 1) * s + least, 1), min((i - 1) * s + most, LARGEST)
    if side < 0:
        return min(size, high) if low <= min(size, high) else None
    return max(size, low) if max(size, low) <= high else None


def shrinking(knowns: Sequence[Known]) -> Convolution | None:
    """Return the direct convolution that makes the sizes, where some shrink and none grows.

    Examples
    --------
    >>> from tconv.geometry.solving.known import known_axes
    >>> print(shrinking(known_axes(input_size=25, output_size=13)))
    input 25, kernel 3, stride 2, padding (1, 1) -> 13
    """
    sizes = [(known.input_size or 1, known.output_size or LARGEST) for known in knowns]
    if any(i < o for i, o in sizes) or all(i == o for i, o in sizes):
        return None
    fits = [_transposed(known) for known in knowns]
    if not all(fits):
        return None
    axes = [fit for fit in fits if fit]
    return Convolution(
        input_size=tuple(fit.output_size for fit in axes),
        kernel_size=tuple(fit.kernel_size for fit in axes),
        stride=tuple(fit.stride for fit in axes),
        dilation=tuple(fit.dilation for fit in axes),
        padding=tuple((fit.before, fit.after) for fit in axes),
        output_size=tuple(fit.input_size for fit in axes),
    )


def _transposed(known: Known) -> Fit | None:
    """Solve an axis with its sizes changed over; kernel 3, a convolution's usual, before others."""
    turned = replace(
        known,
        input_size=known.output_size,
        output_size=known.input_size,
        output_padding=None,
        dilation=known.dilation or 1,
    )
    if known.padding is None and known.kernel_size is None:
        for fit in islice(Search(replace(turned, kernel_size=3), candidates=CANDIDATES), 1):
            if fit.stride <= 3 and fit.before == fit.after and fit.output_padding < fit.stride:
                return fit
    return next(
        (f for f in Search(turned, candidates=CANDIDATES) if f.output_padding < f.stride), None
    )


def reason(
    knowns: Sequence[Known],
    axis: int,
    nearest: Sequence[int] = (),
    convolution: Convolution | None = None,
) -> str:
    """Say that nothing fits along an axis, and what would.

    Examples
    --------
    >>> from tconv.geometry.solving.known import known_axes
    >>> print(reason(known_axes(input_size=4, output_size=12, kernel_size=3, dilation=1), 0, [10]))
    nothing fits 4 -> 12 with kernel_size 3 and dilation 1; the nearest output size is 10
    """
    known = knowns[axis]
    given = [
        f"{name} {value!r}" if isinstance(value, str) else f"{name} {_pair(value)}"
        for name in WORDS
        if (value := getattr(known, name)) is not None
    ]
    where = f"along axis {axis}, " if len(knowns) > 1 else ""
    if known.output_size is None:
        sizes = f"input {known.input_size}"
    elif known.input_size is None:
        sizes = f"output {known.output_size}"
    else:
        sizes = f"{known.input_size} -> {known.output_size}"
    said = f"{where}nothing fits {sizes}{f' with {listed(given)}' if given else ''}"
    if convolution:
        said += f"; {direction(convolution)}"
    elif nearest:
        plural = "sizes are" if len(nearest) > 1 else "size is"
        said += f"; the nearest output {plural} {' and '.join(map(str, nearest))}"
    elif known.output_size is None:
        said += "; every output would be empty, or output_padding beyond max(stride, dilation) - 1"
    return said


def direction(convolution: Convolution) -> str:
    """Say that sizes shrink as under a direct convolution.

    Examples
    --------
    >>> print(direction(Convolution((25,), (3,), (2,), (1,), ((1, 1),), (13,))))
    25 -> 13 is the direction of a direct convolution: input 25, kernel 3, stride 2, padding (1, 1)
    -> 13
    """
    sizes = f"{times(convolution.input_size)} -> {times(convolution.output_size)}"
    return f"{sizes} is the direction of a direct convolution: {convolution}"


def _pair(value: int | tuple[int, int]) -> str:
    return str(value if isinstance(value, int) or value[0] != value[1] else value[0])
