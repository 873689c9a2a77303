"""Which inputs of an axis are read and which outputs are reached, counted without listing them.

Both counts are of the cells before a place, so the n-th missing one is found by bisection: an axis
of 2**40 cells is looked through as fast as one of four.
"""

from bisect import bisect_left
from collections.abc import Callable
from math import gcd

from tconv.axis import Axis
from tconv.solving.fit import Fit

CLASSES_AT_MOST = 10_000


def unread(fit: Fit) -> int:
    """Count the inputs that no output reads.

    Examples
    --------
    >>> unread(Fit(7, 15, 3, 3, 1, before=3, after=3, output_padding=0))
    2
    """
    return fit.input_size - _read_before(fit, fit.input_size)


def unreached(fit: Fit) -> int:
    """Count the outputs that no input reaches.

    Examples
    --------
    >>> unreached(Fit(44, 89, 2, 2, 1, before=0, after=0, output_padding=1))
    1
    """
    return fit.output_size - _reached_before(fit, fit.output_size)


def classes(fit: Fit) -> int:
    """Return how many residues are looked at to count the outputs reached; 1 without dilation.

    Examples
    --------
    >>> classes(Fit(9, 19, 3, 2, 1, 0, 0, 0)), classes(Fit(9, 23, 4, 2, 3, 1, 1, 0))
    (1, 2)
    """
    i, _, k, s, d, *_ = fit
    common = gcd(s, d)
    return min(i, d // common, k, s // common)


def unread_inputs(fit: Fit, first: int) -> list[int]:
    """List the first few inputs that no output reads.

    Examples
    --------
    >>> unread_inputs(Fit(7, 15, 3, 3, 1, before=3, after=3, output_padding=0), 4)
    [0, 6]
    """
    return _missing(lambda n: n - _read_before(fit, n), fit.input_size, first)


def unreached_outputs(fit: Fit, first: int) -> list[int]:
    """List the first few outputs that no input reaches.

    Examples
    --------
    >>> unreached_outputs(Fit(44, 89, 2, 2, 1, before=0, after=0, output_padding=1), 4)
    [88]
    """
    return _missing(lambda n: n - _reached_before(fit, n), fit.output_size, first)


def _missing(missing_before: Callable[[int], int], size: int, first: int) -> list[int]:
    count = min(first, missing_before(size))
    return [
        bisect_left(range(size), n, 0, size, key=lambda cell: missing_before(cell + 1))
        for n in range(1, count + 1)
    ]


def _read_before(fit: Fit, end: int) -> int:
    """Count the inputs before `end` that are read."""
    i, o, k, s, d, crop, _, _ = fit
    if not end:
        return 0
    if o < d:  # an output window so short that no input stamps it twice
        return Axis(end, k, s, d, crop, o).products
    first = max(-(-(crop - d * (k - 1)) // s), 0)
    last = min((crop + o - 1) // s, i - 1)
    return max(min(end, last + 1) - first, 0)


def _reached_before(fit: Fit, end: int) -> int:
    """Count the outputs before `end` that are reached."""
    i, _, k, s, d, crop, _, _ = fit
    return _landed(i, s, k, d, crop + end) - _landed(i, s, k, d, crop)


def _landed(n: int, step: int, m: int, hop: int, end: int) -> int:
    """Count the different cells before `end` among a·step + b·hop, 0 <= a < n, 0 <= b < m.

    All cells of one residue modulo `hop` come from values of a that are `period` apart; divided by
    `hop`, they are runs of m cells whose starts are `stride` apart.
    """
    if end <= 0:
        return 0
    common = gcd(step, hop)
    if min(n, hop // common) > min(m, step // common):
        n, step, m, hop = m, hop, n, step
    period, stride = hop // common, step // common
    residues = min(n, period)
    if residues > CLASSES_AT_MOST:
        raise ValueError(
            f"sizes, stride {step} and dilation {hop} are too large together to tell which "
            "outputs are reached; give a smaller stride or dilation"
        )
    landed = 0
    for a in range(residues):
        room = -((a * step - end) // hop)  # cells of this residue before `end`
        if room <= 0:
            break
        last = (n - 1 - a) // period * stride  # where the last run starts
        if m >= stride:
            landed += min(room, last + m)
        elif room > last:
            landed += last // stride * m + min(room - last, m)
        else:
            landed += room // stride * m + min(room % stride, m)
    return landed
