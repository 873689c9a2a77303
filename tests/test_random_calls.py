"""Random calls of the public functions: right where they are legal, else refused in a sentence.

``TCONV_RANDOM_SECONDS`` (2) is how long each seed goes on. A failure names the seed and the number
of the call, from which `draw` makes the same layer again.
"""

import faulthandler
import os
import signal
import threading
from contextlib import contextmanager
from time import monotonic

import numpy as np
import pytest

import tconv
from tconv import Geometry
from tconv.reference import scatter
from tconv.reference.direct import conv as direct_conv

from .strategies import random_array, sweep

SECONDS = float(os.environ.get("TCONV_RANDOM_SECONDS", "2"))
LONGEST = 20.0  # seconds of one call, on a machine that is busy with others
DTYPES = (
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "float16", "float32", "float32",
    "float64", "float64", "complex64", "complex128", "longdouble",
)  # fmt: skip
EXTREME = (
    0, -1, 2**31, 2**40 + 1, 2**62, 2**63 - 1, 2**63, -(2**63), 10**30, True, 1.5, float("nan"),
    "2",
    "sama", "", None, (), [], (1,) * 40, [(1, 2, 3)], [(0, 2**62)], {}, object(), b"1", np.int8(3),
    np.float32(2), np.array([1, 2]), np.array("a"), 1j,
)  # fmt: skip
KINDS = ("conv_transpose", "conv", "weight_gradient", "plan", "adjoint")


@contextmanager
def watched(said):
    """Fail where a call takes too long: by an alarm, or in the engine by the process's end."""
    alarm = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()

    def late(*_):
        raise AssertionError(f"no answer within {LONGEST:g} s: {said}")

    faulthandler.dump_traceback_later(3 * LONGEST, exit=True)
    if alarm:
        before = signal.signal(signal.SIGALRM, late)
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        faulthandler.cancel_dump_traceback_later()


def laid_out(random, array):
    """Return equal values in another order, spelling or place in memory."""
    kind = int(random.integers(8))
    if kind == 0:
        return np.asfortranarray(array)
    if kind == 1:
        return np.ascontiguousarray(array[..., ::-1])[..., ::-1]
    if kind == 2:
        return np.repeat(array, 2, -1)[..., ::2]
    if kind == 3:
        return array.astype(array.dtype.newbyteorder())
    if kind == 4:
        memory = np.zeros(array.nbytes + 1, np.uint8)
        view = memory[1:].view(array.dtype).reshape(array.shape)
        view[...] = array
        return view
    if kind == 5:
        view = array.view()
        view.flags.writeable = False
        return view
    return (
        array.tolist() if kind == 6 and 0 < array.size < 60 and array.dtype == np.float64 else array
    )


def draw(seed, number):
    """Return the number-th random layer of a seed: its arrays, parameters and geometry."""
    random = np.random.default_rng([seed, number])
    rank = int(random.choice([1, 1, 2, 2, 3, 4]))
    largest = (0, 12, 6, 4, 3)[rank]
    while True:
        size, kernel, stride, dilation = (
            [int(n) for n in random.integers(1, most + 1, rank)]
            for most in (largest, (0, 6, 4, 3, 2)[rank], 4, 2)
        )
        padding = [
            0, 1, int(random.integers(3)), "valid", "same", "half", "full",
            [int(p) for p in random.integers(0, 3, rank)],
            [tuple(int(p) for p in random.integers(-1, 3, 2)) for _ in range(rank)],
        ][random.integers(9)]  # fmt: skip
        extra = int(random.integers(max(min(max(s, d) for s, d in zip(stride, dilation)), 1)))  # noqa: B905
        if padding == "same":
            extra = 0
        words = {"stride": stride, "padding": padding, "output_padding": extra,
                 "dilation": dilation}  # fmt: skip
        try:
            geometry = Geometry.of(size, kernel, **words)
        except ValueError:  # nothing is left after the crop
            continue
        if np.prod(geometry.output_size) < 3000:
            break
    groups, batch = int(random.choice([1, 1, 2, 3])), int(random.choice([0, 1, 1, 2, 3]))
    c_in, c_out = (groups * int(n) for n in random.integers(1, 6, 2))
    dtype = np.dtype(random.choice(DTYPES))
    shapes = {
        "x": (batch, c_in, *size), "weight": (c_in, c_out // groups, *kernel), "bias": (c_out,),
        "y": (batch, c_out, *geometry.output_size),
    }  # fmt: skip
    arrays = {name: random_array(random, shape, dtype) for name, shape in shapes.items()}
    if dtype.kind in "iu":
        arrays = {name: (array % 7).astype(dtype) for name, array in arrays.items()}
    return random, geometry, groups, words, arrays


def close(made, expected, dtype, said):
    work = np.result_type(dtype, np.float32) if dtype.kind in "fc" else np.dtype(np.int64)
    assert made.shape == expected.shape, said
    if dtype.kind in "iu":
        np.testing.assert_array_equal(made, expected, err_msg=said)
        return
    epsilon = 2000 * np.finfo(work).eps + 4 * np.finfo(dtype).eps
    limit = float(epsilon) * max(float(abs(expected).max(initial=0)), 1)
    np.testing.assert_allclose(
        made.astype(expected.dtype), expected, rtol=0, atol=limit, err_msg=said
    )


def wide(array):
    """Return an array in the dtype of its reference."""
    if array.dtype.kind in "iu":
        return array.astype(np.int64)
    return array.astype(np.clongdouble if array.dtype.kind == "c" else np.longdouble)


def call(kind, random, groups, words, arrays, geometry):
    """Return a call of one kind with such arguments, as keywords, and what it must return."""
    x, weight, y = (arrays[name] for name in ("x", "weight", "y"))
    bias = arrays["bias"] if random.random() < 0.5 else None
    given = {"weight": weight, "bias": bias, "groups": groups, **words}
    if kind in ("conv_transpose", "plan"):
        expected = scatter(wide(x), wide(weight), geometry, groups)
        if bias is not None:
            expected = expected + wide(bias).reshape(-1, *(1,) * geometry.rank)
        given["x"] = x
        if kind == "conv_transpose":
            given["method"] = random.choice(["auto", "auto", "phases", "subpixel"]).item()
            given["arithmetic"] = random.choice(["fast", "direct"]).item()
    elif kind == "conv":
        given = {"x": y, "weight": weight, "stride": words["stride"], "padding": geometry.crop,
                 "dilation": words["dilation"], "groups": groups}  # fmt: skip
        expected = direct_conv(wide(y), wide(weight), geometry, groups)
    elif kind == "weight_gradient":
        given = {"x": x, "grad_output": y, "kernel_size": geometry.kernel_size, "groups": groups,
                 **words}  # fmt: skip
        expected = tconv.reference.products.weight_gradient(wide(x), wide(y), geometry, groups)
    else:
        given["x"] = y
        expected = direct_conv(wide(y), wide(weight).conj(), geometry, groups)
    return given, expected


def make(kind, given):
    if kind in ("plan", "adjoint"):
        given = dict(given)
        x = given.pop("x")
        layer = tconv.plan(**given)
        return layer.adjoint(x) if kind == "adjoint" else layer(x)
    return getattr(tconv, kind)(**given)


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("seed", sweep(10, 4))
def test_random_calls_are_right_or_refused_in_a_sentence(seed) -> None:
    end, number, kinds = monotonic() + SECONDS, 0, {}
    while monotonic() < end or number < 60:
        number += 1
        random, geometry, groups, words, arrays = draw(seed, number)
        kind = KINDS[number % len(KINDS)]
        if words["padding"] == "same" and kind == "conv":
            continue
        given, expected = call(kind, random, groups, words, arrays, geometry)
        said = f"seed {seed}, call {number}: {kind} of {geometry}, groups {groups}, {words}"
        dtype = arrays["x"].dtype
        for name in ("x", "weight", "grad_output"):
            if name in given:
                given[name] = laid_out(random, given[name])
        if random.random() < 0.5:
            with watched(said):
                made = make(kind, given)
            close(made, expected, dtype, f"{said}, {dtype}")
            kinds[kind] = kinds.get(kind, 0) + 1
            continue
        spoilt = random.choice([name for name in given if name not in ("bias",)]).item()
        value = EXTREME[random.integers(len(EXTREME))]
        if isinstance(value, int) and abs(value) < 2**40 and arrays["x"].shape[0]:
            value = -1  # an output of gigabytes would be made
        given[spoilt] = value
        said = f"{said}, {spoilt}={value!r}"
        with watched(said):
            try:
                make(kind, given)
            except (TypeError, ValueError) as error:
                text = str(error)
                assert text, said
                assert "\n" not in text, f"{said}: {text}"
                assert len(text) < 600, f"{said}: {text}"
                assert text.startswith("plan" if kind == "adjoint" else kind), f"{said}: {text}"
    assert set(kinds) == set(KINDS)


@pytest.mark.parametrize("method", ["auto", "phases", "subpixel", "matrix", "gradient", "scatter"])
def test_work_does_not_grow_with_the_stride_as_a_number(method) -> None:
    x, weight = np.zeros((0, 48, 26)), np.zeros((48, 3, 6))
    with watched(method):
        try:
            y = tconv.conv_transpose(x, weight, stride=2**31, padding=50, method=method)
        except ValueError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert y.shape == (0, 3, 25 * 2**31 + 6 - 100)
