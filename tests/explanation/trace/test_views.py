"""Every view adds up to the same output, and makes every useful product once."""

from collections import Counter
from math import prod

import numpy as np
import pytest

import tconv
from explanation.trace.cases import random_case
from strategies import sweep
from tconv.explanation import Trace

BATCHES, EACH = 20, 100
TRANSPOSED = ("scatter", "gather", "stretch", "matrix", "subpixel", "gradient")
INPUT = {"scatter": 0, "gather": 0, "gradient": 3, "subpixel": 0}  # the panel of the factors


@pytest.fixture(params=sweep(BATCHES, 6))
def cases(request):
    random = np.random.default_rng(request.param)
    return [random_case(random) for _ in range(EACH)]


def full_index(panel, cell, rank):
    index = panel.index(cell)
    return index if len(index) > rank else (0, *index)


def product_of(trace, write, case):
    """Return (c_in, *i, c_out, *o), which names a product."""
    rank = case.geometry.rank
    (x, _), to = write.factors, write.to
    if trace.view == "matrix":
        outputs = [
            full_index(trace.panels[4], ref.cell, rank)
            for step in trace.steps
            for ref in step.focus
            if ref.panel == 4
        ]
        return (*np.unravel_index(x.cell, case.x.shape), *outputs[to.cell])
    source = full_index(trace.panels[x.panel], x.cell, rank)
    if trace.view == "stretch":
        source = (
            source[0],
            *(u // s for u, s in zip(source[1:], case.geometry.stride, strict=True)),
        )
    target = full_index(trace.panels[to.panel], to.cell, rank)
    if trace.view == "subpixel":
        phase = trace.panels[to.panel].name.removeprefix("phase ").strip("()").split(",")
        first = [
            (int(r) - a.crop_start) % a.stride
            for r, a in zip(phase, case.geometry.axes, strict=True)
        ]
        target = (
            target[0],
            *(f + q * s for f, q, s in zip(first, target[1:], case.geometry.stride, strict=True)),
        )
    return (*source, *target)


def held(trace, ref):
    return trace.panels[ref.panel].values[ref.cell]


def check_sums(trace):
    """Totals follow from terms, and terms from their factors."""
    totals = {}
    for step in trace.steps:
        for write in step.writes:
            assert trace.panels[write.to.panel].kinds[write.to.cell] in ("cell", "crop")
            if len(write.factors) == 2 and trace.view != "overlap":
                one, two = (held(trace, ref) for ref in write.factors)
                assert write.term == one * two
            elif trace.view != "overlap":
                assert write.term == totals[write.factors[0]]
            totals[write.to] = totals.get(write.to, 0) + write.term
            assert write.total == totals[write.to]


def check_products(trace, case):
    """Every useful product is made once, and only stamps make others, which are cropped."""
    products = [write for step in trace.steps for write in step.writes if len(write.factors) == 2]
    kept = [w for w in products if trace.panels[w.to.panel].kinds[w.to.cell] != "crop"]
    made = {product_of(trace, w, case): [held(trace, f) for f in w.factors] for w in kept}
    assert len(made) == len(kept)
    assert made == {name: list(pair) for name, pair in case.products.items()}, (case, trace.view)
    every = prod(case.geometry.input_size) * case.weight.size
    stamped = trace.view in ("scatter", "gradient")
    assert len(products) - len(kept) == (every - len(kept) if stamped else 0), (case, trace.view)


def test_every_view_adds_up_to_the_output_by_each_product_once(cases):
    for case in cases:
        for view in TRANSPOSED:
            trace = case.trace(view)
            assert np.array_equal(trace.values(), case.expected), (case, view)
            check_sums(trace)
            check_products(trace, case)


def test_convolution(cases):
    for case in cases:
        g = case.geometry
        trace = case.trace("convolution")
        check_sums(trace)
        result = np.array(trace.values()).reshape(case.x.shape)
        expected = np.zeros(case.x.shape, int)
        for c, *i_out_o in case.products:
            i, (out, *o) = i_out_o[: g.rank], i_out_o[g.rank :]
            k = ((q + a.crop_start - p * a.stride) // a.dilation
                 for p, q, a in zip(i, o, g.axes, strict=True))  # fmt: skip
            weight = case.weight[c, out % case.weight.shape[1], *k]
            expected[c, *i] += case.direct_x[out, *o] * weight
        assert np.array_equal(result, expected), case
        reads = Counter(len(step.reads) for step in trace.steps)
        channels = case.weight.shape[1]
        assert reads == {2 * channels * prod(g.kernel_size): case.x.size}


def test_overlap_counts(cases):
    for case in cases:
        trace = case.trace("overlap")
        check_sums(trace)
        assert trace.values() == case.geometry.overlap_map()
        assert len(trace.steps) == prod(case.geometry.input_size)


def test_stretch_tells_how_many_products_are_wasted(cases):
    for case in cases:
        trace = case.trace("stretch")
        told = [int(step.say.split("products, " if "products" in step.say else "product, ")[1]
                    .split()[0]) for step in trace.steps]  # fmt: skip
        channels = len(case.x) * case.weight.shape[1]
        assert sum(told) == channels * case.geometry.wasted_products
        kinds = Counter(trace.panels[1].kinds)
        assert kinds["cell"] + kinds["cut"] + kinds["zero"] >= case.x.size


def test_deconvolution_solves(cases):
    for case in cases[::4]:
        trace = case.trace("deconvolution")
        seen = np.array(trace.values(2)).reshape(case.x.shape)
        again = tconv.explain(
            case.geometry, x=np.array(trace.values()).reshape(case.y.shape), weight=case.weight,
            groups=case.groups, view="convolution",
        )  # fmt: skip
        assert np.allclose(np.array(again.values()).reshape(case.x.shape), seen, atol=1e-5)
        back = tconv.conv_transpose(
            seen, case.weight, None, case.geometry.stride, case.geometry.crop, 0, case.groups,
            case.geometry.dilation,
        )  # fmt: skip
        assert np.array_equal(np.array(trace.values(3)).reshape(back.shape), back)
        assert np.linalg.norm(np.array(trace.values())) <= np.linalg.norm(case.direct_x) + 1e-6


def test_json_round_trip(cases):
    for case in cases[::10]:
        for view in tconv.VIEWS:
            trace = case.trace(view)
            again = Trace.from_json(trace.to_json())
            assert again == trace
            assert again.to_json() == trace.to_json()


@pytest.mark.parametrize("view", tconv.VIEWS)
def test_what_a_session_prints_is_one_short_line(view):
    trace = tconv.explain((3, 4), (2, 3), stride=2, view=view)
    assert repr(trace).startswith(f"<Trace {view}: input 3×4, kernel 2×3, stride 2×2, ")
    assert repr(trace).endswith("steps>")
    for part in (trace, *trace.panels, *trace.steps, *trace.steps[0].writes):
        assert len(repr(part)) < 200
        assert "\n" not in repr(part)
