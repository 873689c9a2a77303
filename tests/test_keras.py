"""The layers for Keras, against Keras's own: with the backend that KERAS_BACKEND names."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tconv
from strategies import sweep

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own
pytest.importorskip("keras", exc_type=ImportError)  # also where its backend is not installed
import keras  # noqa: E402
from keras import ops  # noqa: E402

BACKEND = keras.backend.backend()
if BACKEND not in ("jax", "torch", "numpy"):
    pytest.skip(f"not for Keras's backend {BACKEND}", allow_module_level=True)

OURS = {1: tconv.keras.Conv1DTranspose, 2: tconv.keras.Conv2DTranspose}
OURS[3] = tconv.keras.Conv3DTranspose
KERAS = {rank: getattr(keras.layers, f"Conv{rank}DTranspose") for rank in (1, 2, 3)}
LEARNS = pytest.mark.skipif(BACKEND == "numpy", reason="Keras does not train with NumPy")


def pair(rank, *arguments, channels=3, **words):
    """Return Keras's layer and ours, built, with equal weights."""
    theirs, ours = KERAS[rank](*arguments, **words), OURS[rank](*arguments, **words)
    shape = (None, *(4,) * rank, channels)
    if words.get("data_format") == "channels_first":
        shape = (None, channels, *(4,) * rank)
    theirs.build(shape)
    ours.build(shape)
    random = np.random.default_rng(0)
    weights = [random.standard_normal(w.shape).astype("float32") for w in theirs.weights]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    return theirs, ours


def drawn(random, rank):
    """Draw words that Keras's layer takes, an input's sizes and its channels."""
    kernel, strides = (random.integers(1, most, rank).tolist() for most in (6, 4))
    words = {
        "kernel_size": tuple(kernel),
        "padding": ("valid", "same", "SAME")[int(random.integers(3))],
        "data_format": ("channels_last", "channels_first")[int(random.integers(2))],
        "use_bias": bool(random.integers(2)),
        "activation": (None, "relu", "tanh")[int(random.integers(3))],
    }
    if random.integers(3):
        words["strides"] = tuple(strides)
        if random.integers(2):
            words["output_padding"] = tuple(int(random.integers(s)) for s in strides)
    else:
        words["dilation_rate"] = (
            int(random.integers(1, 4)) if random.integers(2) else tuple(strides)
        )
    return words, random.integers(1, 6, rank).tolist()


@pytest.mark.parametrize("number", sweep(20, 4))
def test_values_are_those_of_keras(number):
    random = np.random.default_rng(number)
    for index in range(8):
        rank = 1 + (number + index) % 3
        words, size = drawn(random, rank)
        theirs, ours = pair(rank, 5, **words)
        last = words["data_format"] == "channels_last"
        shape = (2, *size, 3) if last else (2, 3, *size)
        if 0 in ours.compute_output_shape(shape):  # which Keras takes, and tconv does not
            continue
        x = random.standard_normal(shape).astype("float32")
        made, expected = (np.asarray(ops.convert_to_numpy(layer(x))) for layer in (ours, theirs))
        assert made.shape == expected.shape == tuple(ours.compute_output_shape(shape))
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4, err_msg=str(words))


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_configuration_and_weights_are_keras(rank, layout):
    words = {"strides": 2, "padding": "same", "data_format": layout, "name": "up",
             "kernel_regularizer": "l2", "activation": "relu"}  # fmt: skip
    theirs, ours = pair(rank, 4, 3, **words)
    assert ours.get_config() == theirs.get_config()
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    for one, other in ((OURS[rank], theirs), (KERAS[rank], ours)):
        again = one.from_config(other.get_config())
        assert again.get_config() == other.get_config()
    assert isinstance(ours, KERAS[rank])


def test_what_keras_refuses_is_refused():
    with pytest.raises(ValueError, match="strides > 1"):
        tconv.keras.Conv2DTranspose(4, 3, strides=2, dilation_rate=2)
    with pytest.raises(ValueError, match="output_padding"):
        tconv.keras.Conv2DTranspose(4, 3, strides=2, output_padding=2)


def model(kind, *, seed=1):
    """Return a small generator whose layers are of a kind."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.layers.Input((None, None, 4)),
            kind[2](8, 4, strides=2, padding="same", activation="relu"),
            keras.layers.BatchNormalization(),
            kind[2](2, 3, strides=(1, 2), padding="same"),
        ]
    )


def data():
    random = np.random.default_rng(2)
    x = random.standard_normal((16, 5, 6, 4)).astype("float32")
    return x, random.standard_normal((16, 10, 24, 2)).astype("float32")


@LEARNS
def test_training_goes_as_with_keras():
    x, y = data()
    histories, results = [], []
    for kind in (KERAS, OURS):
        one = model(kind)
        one.compile(optimizer=keras.optimizers.Adam(0.01), loss="mse")
        histories.append(one.fit(x, y, batch_size=8, epochs=5, verbose=0, shuffle=False).history)
        results.append(one.predict(x, verbose=0))
        assert one.evaluate(x, y, verbose=0) < histories[-1]["loss"][0]
    np.testing.assert_allclose(*(h["loss"] for h in histories), rtol=1e-3)
    np.testing.assert_allclose(*results, rtol=2e-2, atol=2e-2)


@LEARNS
def test_gradients_are_those_of_keras():
    random = np.random.default_rng(3)
    for words in (
        {"strides": (2, 3), "padding": "same"},
        {"dilation_rate": 2, "padding": "valid"},
        {"strides": 2, "output_padding": 1, "data_format": "channels_first"},
    ):
        theirs, ours = pair(2, 5, (3, 4), **words)
        x = random.standard_normal((2, 3, 3, 3)).astype("float32")
        made, expected = (gradients(layer, x) for layer in (ours, theirs))
        for one, other in zip(made, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def gradients(layer, x):
    """Return the gradients of a loss with respect to x and the weights."""
    weights = [ops.convert_to_numpy(w) for w in layer.weights]
    if BACKEND == "jax":
        import jax

        def loss(x, *weights):
            y, _ = layer.stateless_call(list(weights), [], x)
            return (y**3).sum()

        return jax.grad(loss, tuple(range(1 + len(weights))))(x, *weights)
    import torch

    given = torch.tensor(x, requires_grad=True)
    layer.zero_grad()
    (layer(given) ** 3).sum().backward()
    return [given.grad, *(w.value.grad for w in layer.weights)]


@LEARNS
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_policies_of_dtypes(policy):
    theirs, ours = pair(2, 5, 4, strides=2, padding="same", dtype=policy)
    x = np.random.default_rng(4).standard_normal((2, 5, 6, 3)).astype("float32")
    made, expected = ours(x), theirs(x)
    assert made.dtype == expected.dtype
    assert [w.dtype for w in ours.weights] == [w.dtype for w in theirs.weights]
    made, expected = (ops.convert_to_numpy(ops.cast(y, "float32")) for y in (made, expected))
    np.testing.assert_allclose(made, expected, rtol=2e-2, atol=5e-2)


def test_saved_and_loaded(tmp_path):
    x, _ = data()
    ours, theirs = model(OURS), model(KERAS)
    theirs.set_weights(ours.get_weights())
    expected = theirs.predict(x, verbose=0)
    path = tmp_path / "ours.keras"
    ours.save(path)
    again = keras.models.load_model(path)
    assert type(again.layers[0]) is tconv.keras.Conv2DTranspose
    np.testing.assert_allclose(again.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)
    weights = tmp_path / "of.weights.h5"
    theirs.save_weights(weights)
    other = model(OURS, seed=5)
    other.load_weights(weights)
    np.testing.assert_allclose(other.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_counterparts_in_a_model():
    x, _ = data()
    inner = keras.Sequential([keras.Input((None, None, 2)), KERAS[2](3, 2, name="inner")])
    inputs = keras.Input((None, None, 4))
    y = inner(model(KERAS)(inputs))
    theirs = keras.Model(inputs, keras.layers.Add()([y, KERAS[2](3, 1)(y)]))
    words = {"clone_function": tconv.keras.counterpart, "recursive": True}
    ours = keras.models.clone_model(theirs, **words)
    ours.set_weights(theirs.get_weights())
    kinds = [type(layer) for layer in ours._flatten_layers()]
    assert kinds.count(tconv.keras.Conv2DTranspose) == 4
    assert KERAS[2] not in kinds
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-4)
    assert type(tconv.keras.counterpart(OURS[1](2, 3))) is OURS[1]


def test_a_model_is_loaded_where_tconv_is_imported(tmp_path):
    path = tmp_path / "model.keras"
    model(OURS).save(path)
    program = (
        "import keras, sys, tconv.keras; tconv.keras.Conv2DTranspose; "
        "print(type(keras.models.load_model(sys.argv[1]).layers[0]).__module__)"
    )
    run = in_a_new_process(program, path)
    assert run.stdout.split()[-1] == "tconv.keras.layers", run.stderr


def in_a_new_process(program, *arguments, **environment):
    source = str(Path(tconv.__file__).parents[1])
    paths = os.pathsep.join((source, os.environ.get("PYTHONPATH", "")))
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True,
        env={**os.environ, "KERAS_BACKEND": BACKEND, "PYTHONPATH": paths, **environment},
    )  # fmt: skip


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(NotImplementedError, match="jax, torch, numpy, not with tensorflow; choose"):
        tconv.keras.Conv2DTranspose(4, 3)


def test_keras_is_loaded_when_a_layer_is_asked_for():
    program = (
        "import sys, tconv.keras; assert 'keras' not in sys.modules; "
        "assert dir(tconv.keras) == sorted(tconv.keras.__all__); "
        "tconv.keras.Conv1DTranspose; assert 'keras' in sys.modules"
    )
    run = in_a_new_process(program)
    assert run.returncode == 0, run.stderr
    with pytest.raises(AttributeError, match="no attribute 'Conv4DTranspose'"):
        tconv.keras.Conv4DTranspose  # noqa: B018
    missing = "import sys; sys.modules['keras'] = None; import tconv.keras as k; k.Conv1DTranspose"
    assert "pip install 'tconv[keras]'" in in_a_new_process(missing).stderr
