"""Plans go to other processes as parameters and weights, and compute the same there."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import tconv
from tconv import engine
from tconv.engine import planning

WORDS = {
    "plain": {},
    "strides": {"stride": (2, 3), "padding": [(1, 0), (2, -1)], "dilation": (1, 2)},
    "word": {"stride": 2, "padding": "same"},
    "all": {
        "stride": 2, "padding": 1, "output_padding": (1, 0), "groups": 2, "bias": np.arange(6.0),
        "activation": ("leaky_relu", 0.3), "layout": "channels_last", "method": "channels",
    },
}  # fmt: skip


def layer_of(words, dtype="float32"):
    random = np.random.default_rng(0)
    weight = random.standard_normal((4, 3, 4, 3)).astype(dtype)
    words = dict(words)
    if not engine.available():
        words.pop("method", None)
    if "bias" in words:
        words["bias"] = words["bias"].astype(dtype)
    x = random.standard_normal((2, 4, 5, 6)).astype(dtype)
    return tconv.plan(weight, **words), np.moveaxis(x, 1, -1) if "layout" in words else x


def same(made, layer, x):
    assert made is not layer
    for _ in range(2):
        y = layer(x)
        np.testing.assert_array_equal(made(x), y)
        assert made(x).dtype == y.dtype
        np.testing.assert_array_equal(made.adjoint(y), layer.adjoint(y))
    wide = x * np.ones(1)
    np.testing.assert_array_equal(made(wide), layer(wide))


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("words", WORDS)
def test_pickled_plans_compute_the_same_to_the_bit(words, protocol):
    layer, x = layer_of(WORDS[words])
    fresh = pickle.loads(pickle.dumps(layer, protocol))
    assert fresh.explain() == layer.explain()
    same(fresh, layer, x)
    same(pickle.loads(pickle.dumps(fresh, protocol)), layer, x)


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex64", "longdouble"])
def test_pickled_plans_of_every_dtype(dtype):
    layer, x = layer_of(WORDS["strides"], dtype)
    same(pickle.loads(pickle.dumps(layer)), layer, x)


def test_a_pickle_holds_no_packed_weights():
    weight = np.zeros((64, 64, 4, 4), np.float32)
    layer = tconv.plan(weight, stride=2, padding=1)
    unused = pickle.dumps(layer)
    y = layer(np.ones((1, 64, 8, 8), np.float32))
    layer.adjoint(y)
    layer(np.ones((1, 64, 8, 8)))
    assert pickle.dumps(layer) == unused
    assert weight.nbytes < len(unused) < weight.nbytes + 2000


@pytest.mark.skipif(not engine.available(), reason="the engine is not built")
def test_weights_are_packed_at_first_use_and_once(monkeypatch):
    layer, x = layer_of(WORDS["all"])
    data = pickle.dumps(layer)
    made = []

    class Counted(planning.Packed):
        def __init__(self, *layer, **words):
            made.append(self)
            super().__init__(*layer, **words)

    monkeypatch.setattr(planning, "Packed", Counted)
    fresh = pickle.loads(data)
    assert not made
    repr(fresh)
    assert not made
    for size in (x, x[:1], x[:, :3]):
        np.testing.assert_array_equal(fresh(size), layer(size))
    fresh.explain(5)
    assert len(made) == 1


def test_copies_are_the_plan_itself():
    layer, _ = layer_of(WORDS["all"])
    assert copy.copy(layer) is layer
    assert copy.deepcopy({"layer": layer})["layer"] is layer


def test_a_pickle_keeps_its_weights_when_the_array_changes():
    weight, x = np.ones((1, 1, 2)), np.ones((1, 1, 3))
    layer = tconv.plan(weight)
    data = pickle.dumps(layer)
    weight[...] = 5
    np.testing.assert_array_equal(pickle.loads(data)(x), layer(x))


def test_buffers_out_of_band_are_not_copied():
    weight = np.random.default_rng(0).standard_normal((3, 2, 4))
    layer, buffers = tconv.plan(weight), []
    data = pickle.dumps(layer, 5, buffer_callback=buffers.append)
    assert len(data) < weight.nbytes + 1500
    made = pickle.loads(data, buffers=[bytes(b.raw()) for b in buffers])  # read-only ones
    x = np.random.default_rng(1).standard_normal((2, 3, 5))
    np.testing.assert_array_equal(made(x), layer(x))


def test_plans_go_to_processes():
    layer, x = layer_of(WORDS["all"])
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        made = pool.map(layer, [x, x[:1]])
    for one, given in zip(made, [x, x[:1]], strict=True):
        np.testing.assert_array_equal(one, layer(given))


def test_plans_go_through_dask():
    cloudpickle = pytest.importorskip("cloudpickle")
    tokenize = pytest.importorskip("dask.base").tokenize
    layer, x = layer_of(WORDS["strides"])
    same(pickle.loads(cloudpickle.dumps(layer)), layer, x)
    held = pickle.loads(cloudpickle.dumps(lambda x: layer(x)))
    np.testing.assert_array_equal(held(x), layer(x))
    assert tokenize(layer) == tokenize(layer_of(WORDS["strides"])[0])
    assert tokenize(layer) != tokenize(layer_of(WORDS["plain"])[0])


def test_a_method_that_cannot_run_there_is_refused_in_words(monkeypatch):
    layer, x = layer_of(WORDS["all"])
    fresh = pickle.loads(pickle.dumps(layer))

    def refuse(*_, **__):
        raise ValueError("it needs wider vectors")

    monkeypatch.setattr(planning, "unsupported_reason", lambda *_: None)
    monkeypatch.setattr(planning, "Packed", refuse)
    message = r"^plan: method '\w+' cannot do this: it needs wider vectors \(x: .*weight: .*\)$"
    with pytest.raises(ValueError, match=message):
        fresh(x)
    with pytest.raises(ValueError, match=r"^plan.explain: method .* wider vectors \(weight: "):
        fresh.explain()
