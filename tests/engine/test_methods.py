"""Random layers, and those that each method finds hard, by every target, method and layout."""

from collections import Counter
from functools import partial

import numpy as np
import pytest

from strategies import SMALL, Ranges, cropped_case, idle_case, padded_case, pick, sweep
from tconv import engine
from tconv.reference import DEFINITIONS, scatter

from .harness import (
    CURVES,
    DTYPES,
    EXACT,
    FIRST,
    LAST,
    METHODS,
    NOT_COMPILED,
    TARGETS,
    a_case,
    check,
    run,
    sample,
    taken,
)  # fmt: skip

pytestmark = pytest.mark.skipif(not engine.available(), reason=str(engine.refusal()))

BLOCKS, LAYERS = 50, 240
TO_5, TO_19, TO_49 = range(1, 6), range(1, 20), range(1, 50)
EVEN = [(taps * stride, stride) for taps in (1, 2, 3) for stride in (1, 2, 3)]
ONE_TAP = [(1, 1), (2, 2), (1, 2), (3, 3), (4, 4)]
SHAPES = (((20,), (30,), (20,)), ((9, 8), (9, 6), (9, 5)), ((4, 4, 5), (5, 3, 4), (5, 3, 2)))
LONGER = (((60,), (50,), (39,)), ((14, 11), (9, 6), (9, 5)), ((7, 4, 6), (5, 3, 4), (5, 3, 2)))
ROWS = (((4000,), (9,), (9,)), ((5, 300), (5, 9), (4, 8)), ((60,), (50,), (20,)))
RANGES = [
    *(Ranges(*shape, 3, channels=(TO_5, TO_19)) for shape in LONGER * 3),
    *(  # whole vectors of channels, and images side by side
        Ranges(*shape, 3, channels=(TO_5, (16, 32, 48, 70)), batch=range(6, 20))
        for shape in SHAPES
    ),
    *(  # sums that are cut
        Ranges(*shape, 3, groups=(1,), channels=(range(100, 600), TO_5)) for shape in SHAPES
    ),
    *(Ranges(*shape, 3, groups=range(1, 70), channels=((1,), (1,))) for shape in SHAPES),
    *(Ranges(*shape, 3, channels=(TO_5, TO_5), batch=(2,)) for shape in ROWS),
    *(  # equally many taps a phase
        Ranges(size, kinds=EVEN, channels=channels, groups=groups, batch=(1, 2))
        for size in ((70,), (16, 16), (7, 7, 7))
        for groups, channels in (
            ((1,), (TO_49, TO_49)),
            (range(2, 30), ((1,), (1,))),
            ((2, 3), (range(2, 9), range(1, 9))),
        )
    ),
    *(
        Ranges(size, kinds=ONE_TAP, groups=(1, 2), channels=channels)
        for size in ((300,), (24, 17), (7, 6, 8))
        for channels in (
            (TO_49, TO_49), (TO_49, (16, 32, 48)), (range(1, 400), TO_49)
        )
    ),
]  # fmt: skip


KINDS = [
    *(partial(draw, drawn_from=one) for draw in (cropped_case, padded_case) for one in SMALL[:3]),
    *[partial(idle_case, drawn_from=SMALL[2])] * 3,
    *(partial(cropped_case, drawn_from=one) for one in RANGES),
]


def properties(case):
    geometry = case.geometry
    held = {
        "dilation": any(d > 1 for d in geometry.dilation),
        "one channel a group": case.groups > 1 and case.channels == (1, 1),
        "holes": any(a.taps_per_phase[0] == 0 or a.crop_start < 0 for a in geometry.axes),
        "more than one image": case.batch > 1,
    }
    return case.properties() + Counter(name for name, holds in held.items() if holds)


@pytest.mark.parametrize("number", sweep(BLOCKS, 6))
def test_random_layers(number):
    random, met = np.random.default_rng([7, number]), Counter()
    for index in range(LAYERS):
        case = KINDS[index % len(KINDS)](random)
        dtype, activation = pick(random, DTYPES), pick(random, (*EXACT, *EXACT, *CURVES))
        small = index % len(KINDS) < 9
        define = pick(random, list(DEFINITIONS.values())) if small else scatter
        layer = sample(random, case, dtype, activation, bias=index % 3 > 0, define=define)
        assert engine.unsupported_reason(dtype, case.geometry) is None
        met += properties(case) + Counter([dtype.name, activation])
        check(layer, met=met)
    wanted = dict.fromkeys(
        [
            "dilation", "groups", "one channel a group", "holes", "more than one image",
            "stride beyond kernel", "cells added at the start", "cells added at the end",
            "rank 1", "rank 2", "rank 3", "rank 4", "batch 0", *(d.name for d in DTYPES),
        ],
        10,
    )  # fmt: skip
    wanted |= dict.fromkeys((*EXACT, *CURVES), 10)
    assert {name: met[name] for name, least in wanted.items() if met[name] < least} == {}
    assert all(taken(met, target, method) > 8 for target in TARGETS for method in METHODS), met


def test_there_are_enough():
    assert BLOCKS * LAYERS >= 12000


# Numbers that are not whole: every product rounds

FEW_TAPS = [  # (kernel, stride) an axis: phases of one to three taps
    [(4, 2)],
    [(3, 2)],
    [(5, 2)],
    [(3, 1)],
    [(9, 3), (2, 1)],
    [(9, 4), (8, 4), (16, 8)],
    [(3, 2), (1, 1), (2, 2)],
    [(5, 2), (4, 2), (3, 1), (6, 3), (5, 3)],
]
MANY_TAPS = [[(7, 2)], [(25, 4), (1, 1)], [(16, 4), (2, 1)], [(5, 1), (6, 2)], [(9, 2), (1, 1)]]
WINOGRAD = ("winograd", "winograd_channels")


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.sweep), 2])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [(200,), (30, 24), (9, 7, 8)], ids=str)
@pytest.mark.parametrize("kinds", FEW_TAPS + MANY_TAPS, ids=str)
def test_fractions_round_little(kinds, size, dtype, seed):
    random, met = np.random.default_rng([seed, len(size), len(kinds), *kinds[0]]), Counter()
    for trial, activation in enumerate((None, "leaky_relu", "relu")):
        most = (size, [n // 3 + 1 for n in size], [4] * len(size))[trial]
        outputs = range(1, 300 if len(size) == 1 and not trial else 20)
        ranges = Ranges(
            [n + 2 for n in most], kinds=kinds, cells=30_000, groups=(1 + trial % 2,),
            channels=(TO_19, (16, 32, 48) if seed == 2 else outputs), batch=((1, 2, 9)[trial],),
        )  # fmt: skip
        case = cropped_case(random, ranges)
        while kinds[0] not in zip(case.kernel_size, case.geometry.stride, strict=True):
            case = cropped_case(random, ranges)
        check(sample(random, case, dtype, activation, whole=False), WINOGRAD, met=met)
    assert all(taken(met, target, "winograd_channels") for target in TARGETS)
    assert all(taken(met, target, "winograd") or kinds in MANY_TAPS for target in TARGETS)


# Layers that a method finds hard: its sums are cut, its rows come in pieces, its tiles are longest

EDGES = [(1, 1)]
LONG_TILES = [  # of four and five positions, and ends of an axis that are computed alone
    a_case(size, kernel, stride, crop, (channels, outputs), *((2, 1) if outputs == 21 else (1, 3)))
    for channels, size, kernel, stride, crop in (
        (70, (21,), (4,), 2, EDGES),
        (64, (4,), (6,), 3, [(0, 2)]),
        (128, (5,), (8,), 4, [(2, 2)]),
        (131, (31,), (4,), 2, EDGES),
        (130, (64,), (25,), 4, [(11, 10)]),
        (140, (16,), (3,), 2, [(1, 0)]),
        (130, (12,), (5,), 2, [(2, 1)]),
        (192, (4, 4), (4, 4), 2, EDGES * 2),
        (192, (12, 17), (4, 4), 2, EDGES * 2),
        (200, (8, 5), (3, 3), 2, [(1, 0), (1, 0)]),
        (195, (8, 9), (3, 4), 2, [(0, 0), (1, 1)]),
        (192, (1, 3), (4, 3), (2, 1), EDGES * 2),
        (192, (9, 4), (12, 1), (8, 1), [(2, 2), (0, 0)]),
        (256, (4, 3, 8), (4, 4, 4), 2, EDGES * 3),
        (9, (4, 7), (4, 4), 2, EDGES * 2),  # tiles of three, whose both ends are alone
        (6, (8, 2, 5), (4, 4, 4), 2, EDGES * 3),
        (5, (10,), (5,), 1, 0),
    )
    for outputs in (5, 21, 128)
]
DEEP = [
    a_case(size, kernel, stride, crop, (1, 1), channels, 2, dilation)
    for size, kernel, stride, dilation, crop in (
        ((280,), (540,), 2, 1, [(200, 5)]),  # sums that are cut
        ((2, 160), (2, 150), 1, 1, [(0, 1), (70, 0)]),
        ((3000,), (7,), 3, 2, [(4, -9)]),  # rows in pieces
        ((17, 30), (8, 9), (4, 5), 1, [(2, 2), (3, 1)]),
        ((5, 6, 19), (3, 4, 7), (2, 3, 9), (3, 1, 2), [(1, 0), (-2, 3), (2, -4)]),
    )
    for channels in (16, 37, 70)
]
FEW_CELLS = [
    a_case(size, kernel, stride, crop, (channels, outputs), groups, batch, dilation)
    for size, kernel, stride, dilation, crop, batch in (
        ((8,), (31,), 2, 1, [(15, 14)], 1),
        ((3,), (9,), 2, 3, [(-2, 5)], 2),
        ((2, 3), (4, 5), 2, 1, [(1, 1), (2, 0)], 3),
        ((4, 4), (3, 4), (1, 3), (2, 1), [(0, 3), (1, -4)], 1),
        ((2, 1, 2), (3, 4, 3), (2, 2, 1), 1, [(0, 1), (1, 1), (1, 0)], 2),
    )
    for outputs in (64, 70)
    for groups, channels in ((1, 300), (2, 65))
]
LARGE = [  # long sums, and an output that no cache holds
    a_case((30, 700), (3, 600), (1, 3), channels=(4, 1)),
    a_case((200, 1400), (4, 4), 2, 1, groups=2),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("case", "methods", "layouts", "whole"),
    [
        *((case, ["winograd_channels"], (FIRST, LAST), False) for case in LONG_TILES),
        *((case, ["channels", "depthwise"], [LAST], True) for case in DEEP),
        *((case, ["channels"], (FIRST, LAST), True) for case in FEW_CELLS),
    ],
    ids=str,
)
def test_hard_layers(case, methods, layouts, whole, dtype):
    random = np.random.default_rng([case.channels[0], *case.input_size])
    layer = sample(random, case, dtype, whole=whole)
    check(layer, methods, layouts)
    for activation in EXACT[1:]:
        check(layer.then(activation), methods, layouts, threads=(2,))


@pytest.mark.parametrize("case", LARGE, ids=str)
def test_large_layers_are_streamed(case):
    check(sample(np.random.default_rng(0), case, DTYPES[0]), ["streaming"], [FIRST])


# How little is rounded, in which order, and what is refused


@pytest.mark.parametrize("target", TARGETS)
def test_the_number_of_threads_changes_no_bit(target):
    """Of numbers that are not whole, which show in which order they were added."""
    random = np.random.default_rng(0)
    for draw in KINDS * 4:
        layer = sample(random, draw(random), pick(random, DTYPES), whole=False)
        check(layer, met=Counter(), targets=[target])


@pytest.mark.parametrize("target", TARGETS)
def test_products_of_halves_round_little_in_large_outputs(target):
    case = a_case((71, 67), (2, 2), 2, channels=(259, 128))
    layer = sample(np.random.default_rng(0), case, DTYPES[0], whole=False, bias=False)
    error = run_if_compiled(layer, target, "strassen", LAST) - layer.sums
    assert abs(error).max() < 1.5e-4
    assert np.sqrt(np.mean(error**2)) < 1e-5


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    ("channels", "size"), [(64, (40,)), (128, (40,)), (192, (12, 12)), (256, (4, 4, 8))]
)
def test_rounding_of_long_tiles_stays_near_that_of_a_sum(channels, size, target):
    rank = len(size)
    case = a_case(size, (4,) * rank, 2, EDGES * rank, (channels, 16))
    layer = sample(np.random.default_rng(channels), case, DTYPES[0], whole=False, bias=False)
    error = run_if_compiled(layer, target, "winograd_channels") - layer.sums
    # twice that of float32 sums of as many channels, each tap's by itself
    most = 2 * 1.8e-8 * np.sqrt(channels) * 1.15
    assert np.sqrt(np.mean(error**2)) / layer.sums.std() < most


def run_if_compiled(layer, target, *way):
    try:
        return run(layer, target, *way)
    except ValueError as refused:
        if str(refused) != NOT_COMPILED:
            raise
        pytest.skip(NOT_COMPILED)


@pytest.mark.parametrize(
    ("method", "layout", "case", "why"),
    [
        *(
            (method, FIRST, a_case((9, 9), kernel, stride, dilation=dilation), "tap")
            for kernel, stride, dilation, methods in (
                ((8, 8), 2, 1, WINOGRAD[:1]), ((1, 1), 1, 1, WINOGRAD), ((3, 3), 1, 2, WINOGRAD)
            )
            for method in methods
        ),
        ("strassen", LAST, a_case((9,), (3,), 2), "some outputs have several taps"),
        ("strassen", FIRST, a_case((9,), (3,), 2), "only with channels last"),
    ],
)  # fmt: skip
def test_refusals_are_sentences(method, layout, case, why):
    layer = sample(np.random.default_rng(0), case, DTYPES[0])
    with pytest.raises(ValueError, match=f"{why}|{NOT_COMPILED}"):
        run(layer, TARGETS[0], method, layout)
