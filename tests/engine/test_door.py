"""The compiled module refuses what its caller should have refused, instead of reading beyond."""

import numpy as np
import pytest

from tconv import engine

native = pytest.importorskip("tconv.engine._native")

ONES = (1, 1, 1)
WEIGHT = np.ones((4, 3, 2, 2), np.float32)
X, Y = np.ones((2, 4, 5, 5), np.float32), np.zeros((2, 6, 6, 6), np.float32)


def make(kind=native.PlanF32, **words):
    given = {
        "target": "baseline", "weight": WEIGHT, "bias": None, "groups": 2, "stride": ONES,
        "dilation": ONES, "activation": 0, "alpha": 0.0,
    }  # fmt: skip
    return kind(**given | {"target": engine.targets()[0]} | words)


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
        ({"bias": np.ones(5, "f4")}, "bias must be one number an output channel"),
        ({"bias": np.ones(6)}, "bias must be float32"),
        ({"stride": (1, 0, 1)}, "kernel, stride and dilation must be positive"),
        ({"activation": 7}, "activation must be one of those known"),
    ],
)
def test_plans(words, message):
    with pytest.raises(ValueError, match=message):
        make(**words)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :3].copy(), Y, "x must be of as many channels"),
        (X, Y[:, :5].copy(), "y must be of as many channels"),
        (X, Y[:1], "y must be of the same batch"),
        (X[0], Y[0], "x must be of as many axes"),
        (X.astype(float), Y, "x must be float32"),
        (X, Y.astype(float), "y must be float32"),
        (X[..., ::2], Y, "x must be a C-contiguous array"),
        (X, np.broadcast_to(Y[:, :, :1], Y.shape), "y must be a C-contiguous writable array"),
        (X, Y[:, :, :0].copy(), "sizes must be positive"),
    ],
)
def test_runs(x, y, message):
    with pytest.raises(ValueError, match=message):
        make().run(x, y, (0, 0, 0))


def test_memory_must_be_aligned_and_writable():
    crooked = np.zeros(X.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(X.shape)
    with pytest.raises(ValueError, match="x must be "):
        make().run(crooked, Y, (0, 0, 0))
    fixed = Y.copy()
    fixed.flags.writeable = False
    with pytest.raises(ValueError, match="writable"):
        make().run(X, fixed, (0, 0, 0))


def test_both_precisions_and_the_compiler():
    made = np.empty((2, 6, 6, 6))
    make(native.PlanF64, weight=WEIGHT.astype(float)).run(X.astype(float), made, (0, 0, 0))
    make().run(X, Y, (0, 0, 0))
    np.testing.assert_array_equal(made, Y)
    assert native.compiler().startswith(("GCC", "Clang"))
    assert engine.compiler() == native.compiler()
