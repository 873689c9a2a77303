"""Answers of several axes joined, the best combinations first, without listing all of them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush, merge
from itertools import islice
from operator import itemgetter

from tconv.geometry.solving.fit import Fit
from tconv.geometry.solving.reasons import Measure, label, left_alone, measure, sums, unlike

COMBINATIONS_AT_MOST = 5_000  # looked at in one stream

Measured = tuple[Measure, Measure, Fit]
Combination = tuple[Measure, tuple[Fit, ...]]


def joined(axes: Sequence[Sequence[Fit]]) -> Iterator[tuple[Fit, ...]]:
    """Yield one fit an axis, in the order of :func:`~tconv.geometry.solving.reasons.surprise`.

    Whether kernels are alike stands in the middle of that order. So combinations are drawn from
    streams that each know it already: 2s on every axis, s on every axis, one rule with axes left
    alone, and any.

    Parameters
    ----------
    axes : sequence of sequence of Fit
        Each in its own order.

    Examples
    --------
    >>> still = [Fit(16, 16, k, 1, 1, p, p, 0) for k, p in ((1, 0), (3, 1))]
    >>> doubled = [Fit(32, 64, k, 2, 1, p, p, 0) for k, p in ((4, 1), (2, 0), (6, 2))]
    >>> [tuple(fit.kernel_size for fit in fits) for fits in joined([still, doubled])][:3]
    [(1, 2), (1, 4), (1, 6)]
    """
    columns = [[(*measure(fit), fit) for fit in fits] for fits in axes]
    ruled: list[dict[Measure, list[Measured]]] = [defaultdict(list) for _ in columns]
    for column, of_rule in zip(columns, ruled, strict=True):
        for one in column:
            of_rule[label(one[2])].append(one)
    still = [[one for one in column if left_alone(one[2])] for column in columns]
    rules = dict.fromkeys(rule for of_rule in ruled for rule in of_rule)

    def apart(rule: Measure) -> list[list[Measured]]:
        return [
            list(merge(of_rule.get(rule, ()), alone))
            for of_rule, alone in zip(ruled, still, strict=True)
        ]

    streams = [
        _combined([of_rule.get((rule,), []) for of_rule in ruled], 0, lambda fits: True)
        for rule in (0, 1)
    ]
    streams += [_combined(apart(rule), 1, _of_rule(rule)) for rule in rules if rule != (1,)]
    streams.append(_combined(columns, 2, lambda fits: unlike(fits) == 2))
    return map(itemgetter(1), merge(*streams, key=itemgetter(0)))


def _of_rule(rule: Measure) -> Callable[[Sequence[Fit]], bool]:
    return lambda fits: unlike(fits) == 1 and any(label(fit) == rule for fit in fits)


def _combined(
    columns: Sequence[Sequence[Measured]], place: int, wanted: Callable[[Sequence[Fit]], bool]
) -> Iterator[Combination]:
    """Yield the wanted combinations, the smallest sum of measures first."""
    for key, ranks in islice(_ranked(columns, place), COMBINATIONS_AT_MOST):
        fits = tuple(column[rank][2] for column, rank in zip(columns, ranks, strict=True))
        if wanted(fits):
            yield key, fits


def _ranked(
    columns: Sequence[Sequence[Measured]], place: int
) -> Iterator[tuple[Measure, tuple[int, ...]]]:
    """Yield every choice of one rank a column, the smallest sum of measures first.

    A choice follows the one with its last rank above 0 lowered by one, so each is met once, and
    never before one that is better.
    """
    if not all(columns):
        return

    def entry(ranks: tuple[int, ...]) -> tuple[Measure, tuple[int, ...]]:
        chosen = [column[rank] for column, rank in zip(columns, ranks, strict=True)]
        return (*sums([one[0] for one in chosen]), place, *sums([one[1] for one in chosen])), ranks

    heap = [entry((0,) * len(columns))]
    while heap:
        found = heappop(heap)
        yield found
        _, ranks = found
        last = max((axis for axis, rank in enumerate(ranks) if rank), default=0)
        for axis in range(last, len(ranks)):
            if ranks[axis] + 1 < len(columns[axis]):
                heappush(heap, entry((*ranks[:axis], ranks[axis] + 1, *ranks[axis + 1 :])))
