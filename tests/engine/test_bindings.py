"""The compiled module refuses what its caller should have refused, instead of reading beyond."""

import re

import numpy as np
import pytest

from tconv import engine
from tconv.engine.activations import NAMES

native = pytest.importorskip("tconv.engine._native")

ONES, NONE = (1, 1, 1), (0, 0, 0)
WEIGHT = np.ones((4, 3, 2, 2), np.float32)
X, Y = np.ones((2, 4, 5, 5), np.float32), np.zeros((2, 6, 6, 6), np.float32)

MEMORY = np.ones(X.size + Y.size, np.float32)
OVERLAPPING = MEMORY[: X.size].reshape(X.shape), MEMORY[X.size - 1 : -1].reshape(Y.shape)


def make(kind=native.PlanF32, **words):
    given = {"target": engine.targets()[0], "weight": WEIGHT, "bias": None, "groups": 2,
             "stride": ONES, "dilation": ONES}  # fmt: skip
    if kind not in (native.AdjointF32, native.AdjointF64):
        given |= {"activation": 0, "alpha": 0.0}
    return kind(**given | words)


def gradient(x, y, made):
    native.weight_gradient_f32(engine.targets()[0], x, y, made, 2, ONES, ONES, NONE)


@pytest.mark.parametrize("kind", [native.PlanF32, native.AdjointF32])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"target": "vax"}, "does not run the target vax"),
        ({"weight": WEIGHT.astype(float)}, "weight must be float32"),
        ({"weight": WEIGHT.astype(">f4")}, "weight must be float32"),
        ({"weight": WEIGHT.T}, "weight must be a C-contiguous array"),
        ({"weight": WEIGHT[0, 0]}, "weight must be of as many axes"),
        ({"weight": "text"}, "weight must be a C-contiguous array"),
        ({"weight": np.empty((0, 3, 2), "f4")}, "channels and groups must be positive"),
        ({"groups": 0}, "channels and groups must be positive"),
        ({"groups": 3}, "groups must be a divisor"),
        ({"bias": np.ones(5, "f4")}, "bias must be one number an (in|out)put channel"),
        ({"bias": np.ones(12)}, "bias must be float32"),
        ({"stride": (1, 0, 1)}, "kernel, stride and dilation must be positive"),
    ],
)
def test_layers(kind, words, message):
    with pytest.raises(ValueError, match=message):
        make(kind, **words)


def test_activations():
    with pytest.raises(ValueError, match="activation must be one of those known"):
        make(activation=1 + len(NAMES))


CALLS = {
    "plan": lambda x, y: make().run(x, y, NONE),
    "adjoint": lambda x, y: make(native.AdjointF32).run(y, x, NONE),
    "gradient": lambda x, y: gradient(x, y, np.empty_like(WEIGHT)),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :3].copy(), Y, "x must be of as many channels"),
        (X, Y[:, :5].copy(), "y must be of as many channels"),
        (X, Y[:1], "y must be of the same batch"),
        (X[0], Y[0], "must be of as many axes"),
        (X.astype(float), Y, "x must be float32"),
        (X, Y.astype(float), "y must be float32"),
        (X, np.broadcast_to(Y[:, :, :1], Y.shape), "y must be a C-contiguous (writable )?array"),
        (X, Y[:, :, :0].copy(), "sizes must be positive"),
        (X, Y[..., ::2], "y must be a C-contiguous (writable )?array"),
        (X[..., ::2], Y, "x must be a C-contiguous (writable )?array"),
    ],
)
def test_arrays(call, x, y, message):
    with pytest.raises(ValueError, match=message):
        call(x, y)


def test_arrays_do_not_overlap():
    x, y = OVERLAPPING
    with pytest.raises(ValueError, match="y must be apart from what is read"):
        make().run(x, y, NONE)
    with pytest.raises(ValueError, match="x must be apart from what is read"):
        make(native.AdjointF32).run(y, x, NONE)


def test_memory_must_be_aligned_and_writable():
    crooked = np.zeros(X.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(X.shape)
    with pytest.raises(ValueError, match="x must be "):
        make().run(crooked, Y, NONE)
    fixed = Y.copy()
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        make().run(X, fixed, NONE)
    fixed = WEIGHT.copy()
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match=re.escape("gradient must be a C-contiguous writable")):
        gradient(X, Y, fixed)


def test_both_precisions_and_the_compiler():
    made = np.empty((2, 6, 6, 6))
    make(native.PlanF64, weight=WEIGHT.astype(float)).run(X.astype(float), made, NONE)
    make().run(X, Y, NONE)
    np.testing.assert_array_equal(made, Y)
    assert native.compiler().startswith(("GCC", "Clang"))
    assert engine.compiler() == native.compiler()
