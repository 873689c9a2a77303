"""Direct arithmetic: every output is a sum of its own products and nothing else."""

import os
import subprocess
import sys

import numpy as np
import pytest

import tconv
from tconv import engine

from .harness import DTYPES, LAST, LAYOUTS, few_taps_case

pytestmark = pytest.mark.skipif(not engine.available(), reason="the engine is not built")


def layer_of(random):
    """Return a layer that Winograd's or Strassen's algorithm would be taken for."""
    weight = random.random((64, 64, 4, 4), np.float32)
    return random.random((1, 64, 32, 32), np.float32), weight, {"stride": 2, "padding": 1}


def test_fast_is_what_is_taken_and_what_direct_avoids():
    x, weight, words = layer_of(np.random.default_rng(0))
    x *= x > 0.8
    weight *= weight > 0.9
    fast = tconv.conv_transpose(x, weight, **words)
    direct = tconv.conv_transpose(x, weight, **words, arithmetic="direct")
    assert (fast < 0).any()
    assert (direct >= 0).all()
    exact = tconv.conv_transpose(x.astype(float), weight.astype(float), **words)
    np.testing.assert_array_equal(direct == 0, exact == 0)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_negative_where_no_product_is(seed):
    random = np.random.default_rng(seed)
    for _ in range(250):
        case, dtype = few_taps_case(random), DTYPES[random.integers(2)]
        x, weight = (
            random.random(shape).astype(dtype) for shape in (case.x_shape, case.weight_shape)
        )
        x *= random.random(x.shape) < 0.3
        weight *= random.random(weight.shape) < 0.3
        for layout in LAYOUTS:
            plan = tconv.plan(
                weight, None, case.geometry.stride, case.geometry.crop, groups=case.groups,
                layout=layout, arithmetic="direct",
            )  # fmt: skip
            y = plan(np.moveaxis(x, 1, -1) if layout == LAST else x)
            assert (y >= 0).all(), f"{layout} {case}"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kernel", [4, 2])
def test_a_large_number_touches_only_what_reads_it(layout, kernel):
    random = np.random.default_rng(kernel)
    x = random.standard_normal((1, 64, 32, 32)).astype(np.float32)
    weight = random.standard_normal((64, 64, kernel, kernel)).astype(np.float32)
    large = x.copy()
    large[0, 5, 10, 11] = 1e6
    if layout == LAST:
        x, large = (np.ascontiguousarray(np.moveaxis(a, 1, -1)) for a in (x, large))
    plan = tconv.plan(weight, stride=2, padding=kernel // 4, layout=layout, arithmetic="direct")
    assert (plan(x) != plan(large)).sum() == 64 * kernel**2


def test_it_is_named_for_a_call_for_a_plan_and_for_all():
    x, weight, words = layer_of(np.random.default_rng(1))
    fast, direct = (
        tconv.conv_transpose(x, weight, **words, arithmetic=one) for one in ("fast", "direct")
    )
    assert (fast != direct).any()
    before = tconv.plan(weight, **words)
    tconv.set_arithmetic("direct")
    np.testing.assert_array_equal(tconv.conv_transpose(x, weight, **words), direct)
    np.testing.assert_array_equal(tconv.conv_transpose(x, weight, **words, arithmetic="fast"), fast)
    assert "arithmetic  direct\n" in tconv.plan(weight, **words).explain(32)
    assert "arithmetic  fast\n" in before.explain(32)


def test_a_plan_refuses_a_method_that_is_not_direct():
    _, weight, words = layer_of(np.random.default_rng(2))
    with pytest.raises(ValueError, match="'winograd' cannot do this: it multiplies sums of inputs"):
        tconv.plan(weight, **words, method="winograd", arithmetic="direct")


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ("exact", ValueError, "arithmetic 'exact' is not one of 'fast', 'direct'"),
        (True, TypeError, "arithmetic must be a string, got True"),
    ],
)
def test_other_words_are_refused(value, kind, said):
    x, weight, _ = layer_of(np.random.default_rng(3))
    calls = [
        lambda: tconv.set_arithmetic(value),
        lambda: tconv.plan(weight, arithmetic=value),
        lambda: tconv.conv_transpose(x, weight, arithmetic=value),
        lambda: tconv.conv_transpose(x, weight, method="scatter", arithmetic=value),
    ]
    for call in calls:
        with pytest.raises(kind, match=said):
            call()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("direct", "arithmetic direct"),
        ("", "arithmetic fast"),
        ("x", "TCONV_ARITHMETIC 'x' is not"),
    ],
)
def test_the_environment_names_it(value, said):
    code = "import tconv\ntry: tconv.show_config()\nexcept ValueError as error: print(error)"
    made = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "TCONV_ARITHMETIC": value},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said in made.stdout
