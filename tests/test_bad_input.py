"""Every refusal: its kind, its one sentence, and that nothing was allocated before it."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import tconv
from strategies import METHODS, in_time
from tconv import checks

X, WEIGHT = np.ones((2, 4, 5)), np.ones((4, 2, 3))
SHAPES = r" \((x|weight|grad_output): .+\)$"
READ_ONLY = np.ones((2, 2, 7))
READ_ONLY.flags.writeable = False
NAN = float("nan")
HUGE = 2**40


def assert_refused(call, error, message):
    """Hold one refusal to: exact class, one sentence naming the call and shapes, one frame."""
    name = call.__name__
    outcome = in_time(call)
    assert type(outcome) is error, outcome
    text = str(outcome)
    assert text.startswith(f"{name}: ")
    assert re.search(message, text), text
    assert re.search(SHAPES, text), text
    assert "\n" not in text
    assert outcome.__suppress_context__
    assert outcome.__cause__ is None


def bound(function, *arguments, **words):
    def call():
        return function(*arguments, **words)

    call.__name__ = function.__name__
    return call


DISAGREE = "parameters disagree on the number of axes: "
PARAMETERS = [
    # parameters of the wrong kind
    *(
        ({name: value}, TypeError, rf"{name} must be an integer, got {value!r} \({kind}\)")
        for name in ("stride", "dilation")
        for value, kind in ((True, "bool"), (2.0, "float"), (NAN, "float"), (None, "NoneType"))
    ),
    ({"stride": "2"}, TypeError, r"stride must be an integer, got '2' \(str\)"),
    ({"stride": [2.5]}, TypeError, r"stride must be an integer, got 2.5 \(float\)"),
    ({"padding": True}, TypeError, r"padding must be an integer, got True \(bool\)"),
    ({"padding": 0.5}, TypeError, r"padding must be an integer, got 0.5 \(float\)"),
    ({"padding": [(1, 0.5)]}, TypeError, r"padding must be an integer, got 0.5 \(float\)"),
    ({"padding": None}, TypeError, "padding must be an integer, got None"),
    ({"groups": True}, TypeError, r"groups must be an integer, got True \(bool\)"),
    ({"groups": 1.0}, TypeError, r"groups must be an integer, got 1.0 \(float\).*groups=1.0\)"),
    ({"groups": "2"}, TypeError, r"groups must be an integer, got '2' \(str\).*groups='2'\)"),
    ({"groups": None}, TypeError, "groups must be an integer, got None"),
    # out of range
    ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    ({"stride": [-1]}, ValueError, "stride must be at least 1, got -1"),
    ({"stride": (1, 2)}, ValueError, rf"stride must be one integer.*got \(1, 2\)|{DISAGREE}"),
    ({"stride": 2**63}, ValueError, "stride 9223372036854775808 does not fit 64 bits"),
    ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
    ({"dilation": -3}, ValueError, "dilation must be at least 1, got -3"),
    ({"groups": 0}, ValueError, "groups must be at least 1, got 0.*groups=0"),
    ({"groups": -2}, ValueError, "groups must be at least 1, got -2"),
    ({"padding": -1}, ValueError, "padding must not be negative, got -1; only"),
    ({"padding": "smae"}, ValueError, r"padding 'smae' is not one of .*did you mean 'same'\?"),
    ({"padding": (1, 1)}, ValueError, rf"padding must be one integer.*got \(1, 1\)|{DISAGREE}"),
]
ONLY_TRANSPOSED = [
    ({"output_padding": 1}, ValueError, "1 must be smaller than stride 1 or dilation 1"),
    (
        {"output_padding": 3, "stride": 2, "dilation": 3},
        ValueError,
        "output_padding 3 must be smaller than stride 2 or dilation 3",
    ),
    ({"output_padding": -1}, ValueError, "output_padding must be at least 0, got -1"),
    ({"output_padding": False}, TypeError, r"output_padding must be an integer, got False"),
    ({"output_padding": 0.0}, TypeError, r"output_padding must be an integer, got 0.0"),
    ({"padding": 9}, ValueError, r"output size -11 is too small: .* = 7 less padding 9 and 9"),
    ({"padding": [(0, 7)]}, ValueError, "output size 0 is too small: .*; pad less"),
]
OUTPUT_SIZES = [
    ({"output_size": 9, "stride": 2, "padding": 2}, "9 is out of reach: stride 2 gives 7 or 8 "),
    ({"output_size": 6, "stride": 2, "padding": 2}, "6 is out of reach: stride 2 gives 7 or 8 "),
    ({"output_size": 8}, "output_size 8 is out of reach: stride 1 gives 7 "),
    ({"output_size": 0, "padding": [(0, 7)], "stride": 1}, "every size stride 1 gives is below 1"),
    ({"output_size": (7, 7)}, "output_size must be one integer or 1|parameters disagree on"),
    ({"output_size": 12, "stride": 2, "output_padding": 1}, "give .* or output_size, not both"),
]


@pytest.mark.parametrize(("words", "error", "message"), PARAMETERS + ONLY_TRANSPOSED)
def test_parameters(words, error, message):
    assert_refused(bound(tconv.conv_transpose, X, WEIGHT, **words), error, message)
    grad = np.ones((2, 2, 7))
    assert_refused(bound(tconv.weight_gradient, X, grad, 3, **words), error, message)
    for function in (tconv.matrix, tconv.dot_test):
        assert_refused(bound(function, WEIGHT, (5,), **words), error, message)


@pytest.mark.parametrize(("words", "error", "message"), PARAMETERS)
def test_parameters_of_conv(words, error, message):
    assert_refused(bound(tconv.conv, X, np.ones((2, 4, 3)), **words), error, message)


@pytest.mark.parametrize(("words", "message"), OUTPUT_SIZES)
def test_output_sizes_out_of_reach(words, message):
    assert_refused(bound(tconv.conv_transpose, X, WEIGHT, **words), ValueError, message)
    for function in (tconv.matrix, tconv.dot_test):
        assert_refused(bound(function, WEIGHT, (5,), **words), ValueError, message)


@pytest.mark.parametrize(
    ("x", "weight", "words", "message"),
    [
        ((2, 3, 5), (4, 2, 3), {}, "weight has 4 input channels but x has 3"),
        ((3, 5), (4, 2, 3), {}, "weight has 4 input channels but x has 3"),
        ((2, 4, 5), (4, 2, 3), {"groups": 3}, "groups 3 does not divide weight's 4 channels"),
        ((2, 4, 5), (4, 3), {}, "weight must be .C_in, C_out/groups, .kernel. .* got 2 axes"),
        ((2, 4, 5), (4, 2, 3, 3, 3), {}, r"x must have 5 axes \(batch, channels and 3 spatial\)"),
        ((5,), (4, 2, 3), {}, r"x must have 3 axes .* or 2 \(no batch\) .* got 1"),
        ((2, 4, 0), (4, 2, 3), {}, "x has an empty spatial axis"),
        ((2, 4, 5), (4, 2, 0), {}, "kernel size 0 has an empty axis"),
        ((2, 0, 5), (0, 2, 3), {}, "weight has zero channels"),
        ((2, 4, 5), (4, 0, 3), {}, "weight has zero channels"),
        ((2, 0, 5), (4, 2, 3), {}, "weight has 4 input channels but x has 0"),
        ((2, 4, 5), (4, 2, 3), {"bias": np.ones(4)}, "each of 2 output channels, got shape .4,."),
        ((2, 4, 5), (4, 2, 3), {"bias": np.ones((2, 1))}, r"2 output channels, got shape \(2, 1\)"),
        ((2, 4, 5), (4, 2, 3), {"bias": 1.0}, r"2 output channels, got shape \(\)"),
        ((2, 4, 5), (4, 2, 3), {"groups": 2, "bias": [1, 2]}, "each of 4 output channels"),
    ],
)
def test_shapes(x, weight, words, message):
    call = bound(tconv.conv_transpose, np.ones(x), np.ones(weight), **words)
    assert_refused(call, ValueError, message)
    with pytest.raises(ValueError, match=re.escape(f"(x: {x}, weight: {weight}")):
        call()


@pytest.mark.parametrize(
    ("x", "weight", "words", "message"),
    [
        ((2, 3, 5), (2, 4, 3), {}, "weight has 4 input channels but x has 3"),
        ((2, 4, 5), (2, 4, 3), {"groups": 2}, "weight has 8 input channels but x has 4"),
        ((2, 6, 5), (4, 2, 3), {"groups": 3}, "groups 3 does not divide weight's 4 channels"),
        ((2, 4, 5), (2, 4, 6), {}, r"kernel 6 \(dilated\) is larger than .* 5 \+ 0 \+ 0 = 5"),
        ((2, 4, 5), (2, 4, 3), {"dilation": 3, "padding": [(1, 0)]}, "kernel 7 .* 5 . 1 . 0 = 6"),
        ((2, 4, 5), (2, 4, 3), {"bias": [1, 2, 3]}, "each of 2 output channels, got shape .3,."),
        ((2, 4, 5), (2, 4), {}, "got 2 axes"),
        ((2, 4, 5, 5), (2, 4, 3), {}, r"x must have 3 axes .* got 4"),
        ((2, 4, 0), (2, 4, 3), {}, "x has an empty spatial axis"),
        ((2, 4, 5), (2, 4, 3), {"method": "scatter"}, "not one of 'auto'.* 'direct', 'matrix'"),
        ((2, 4, 5), (2, 4, 2), {"padding": "half"}, "needs an odd effective kernel, got 2"),
    ],
)
def test_conv_shapes(x, weight, words, message):
    assert_refused(bound(tconv.conv, np.ones(x), np.ones(weight), **words), ValueError, message)


@pytest.mark.parametrize(
    ("x", "grad", "kernel", "words", "error", "message"),
    [
        ((2, 4, 5), (2, 7), 3, {}, ValueError, "must have equally many axes"),
        ((2, 4, 5), (2, 2, 6), 3, {}, ValueError, r"must be \(2, C_out, 7\), got \(2, 2, 6\)"),
        ((2, 4, 5), (3, 2, 7), 3, {}, ValueError, r"must be \(2, C_out, 7\), got \(3, 2, 7\)"),
        ((2, 4, 5), (2, 3, 7), 3, {"groups": 2}, ValueError, "2 does not divide grad_output's 3"),
        ((2, 4, 5), (2, 3, 7), 3, {"groups": 3}, ValueError, "3 does not divide weight's 4"),
        ((2, 4, 5), (2, 0, 7), 3, {}, ValueError, "does not divide grad_output's 0 channels"),
        ((2, 0, 5), (2, 2, 7), 3, {}, ValueError, "zero channels"),
        ((2, 4, 5), (2, 2, 7), 0, {}, ValueError, "kernel_size must be at least 1, got 0"),
        ((2, 4, 5), (2, 2, 7), 3.0, {}, TypeError, r"kernel_size must be an integer, got 3.0"),
        ((2, 4, 5), (2, 2, 7), (3, 3, 3), {}, ValueError, "x must have 5 axes"),
        ((2, 4, 0), (2, 2, 7), 3, {}, ValueError, "x has an empty spatial axis"),
    ],
)
def test_weight_gradient_shapes(x, grad, kernel, words, error, message):
    call = bound(tconv.weight_gradient, np.ones(x), np.ones(grad), kernel, **words)
    assert_refused(call, error, message)


ARRAYS = [
    (np.ones((2, 4, 5), bool), TypeError, r"has dtype bool; convert it to numbers"),
    (np.ones((2, 4, 5), object), TypeError, "has dtype object; .* through tconv.symbolic"),
    (np.full((2, 4, 5), "1"), TypeError, "has dtype <U1, which holds no numbers"),
    (np.zeros((2, 4, 5), "M8[s]"), TypeError, "which holds no numbers"),
    (np.zeros((2, 4, 5), "f4,f4"), TypeError, "which holds no numbers"),
    (np.ma.masked_array(X, X > 2), TypeError, "is a masked array, whose mask would be lost"),
    ([[1, 2], [3]], ValueError, "is ragged: its nested lists differ in length"),
    ([["a", "b"]], TypeError, "which holds no numbers"),
    ([[None, 1]], TypeError, "has dtype object"),
    ([[2**70, 1]], TypeError, "has dtype object"),
    (None, TypeError, "must be a NumPy array or nested lists, got builtins.NoneType"),
    ("text", TypeError, "must be a NumPy array or nested lists, got builtins.str"),
    ({1: 2}, TypeError, "must be a NumPy array or nested lists, got builtins.dict"),
    (torch.ones(2, 4, 5), TypeError, "must be a (tensor as|NumPy array)"),
    (SimpleNamespace(shape=(2, 4, 5)), TypeError, "got types.SimpleNamespace"),
    (np.full((2, 4, 5), 2**63, "uint64"), ValueError, "uint64 value 9223372036854775808 does not"),
]


@pytest.mark.parametrize(("array", "error", "message"), ARRAYS)
def test_arrays(array, error, message):
    whole = np.ones((4, 2, 3), int)
    assert_refused(bound(tconv.conv_transpose, array, whole), error, message)
    if array is not None:
        assert_refused(
            bound(tconv.conv_transpose, np.ones((2, 4, 5), int), whole, bias=array),
            error if "uint64" not in message else ValueError,
            message if "uint64" not in message else "bias must have one entry",
        )
    if "uint64" not in message:
        assert_refused(bound(tconv.conv_transpose, X, array), error, f"weight {message}|{message}")
        assert_refused(bound(tconv.conv, array, whole), error, f"x {message}|{message}")
        grad = np.ones((2, 2, 7))
        assert_refused(bound(tconv.weight_gradient, array, grad, 3), error, message)
        assert_refused(bound(tconv.weight_gradient, X, array, 3), error, message)
        if array is not None:
            assert_refused(bound(tconv.dot_test, array, (5,)), error, message)
            assert_refused(bound(tconv.matrix, array, (5,)), error, message)


def test_uint64_that_does_not_fit_is_refused_wherever_it_stands():
    large = 2**63
    fine, many = np.ones((1, 1, 1), int), np.full((1, 1, 1), large, "uint64")
    for call in (
        bound(tconv.conv_transpose, fine, many),
        bound(tconv.conv_transpose, fine, fine, bias=many[0, 0]),
        bound(tconv.conv, many, fine),
        bound(tconv.weight_gradient, fine, many, 1),
        bound(tconv.weight_gradient, many, fine, 1),
    ):
        assert_refused(call, ValueError, f"uint64 value {large} does not fit int64")
    assert tconv.conv_transpose(many, fine * 1.0).item() == 2.0**63
    assert tconv.conv_transpose(many - np.uint64(1), fine).item() == 2**63 - 1


@pytest.mark.parametrize("function", [tconv.conv_transpose, tconv.conv])
@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.ones((2, 2, 6)), ValueError, r"must have shape \(2, 2, 7\) and dtype float64, got"),
        (np.ones((2, 7)), ValueError, r"must have shape \(2, 2, 7\) .*out: \(2, 7\)"),
        (np.ones((2, 2, 7), "float32"), ValueError, "dtype float64, got float32"),
        (np.ones((2, 2, 7), int), ValueError, "dtype float64, got int64"),
        (READ_ONLY, ValueError, "out is read-only"),
        ([[0.0]], TypeError, "out must be a NumPy array, got list"),
        (torch.ones(2, 2, 7), TypeError, "out must be a NumPy array, got Tensor"),
    ],
)
def test_out(function, out, error, message):
    weight = WEIGHT if function is tconv.conv_transpose else WEIGHT.swapaxes(0, 1)
    words = {} if function is tconv.conv_transpose else {"padding": 2}
    assert_refused(bound(function, X, weight, out=out, **words), error, message)
    assert np.all(np.asarray(READ_ONLY) == 1)


@pytest.mark.parametrize("method", ["Engine", "Scatter", "", "directt"])
def test_unknown_methods(method):
    listed = ", ".join(map(repr, tconv.METHODS))
    message = re.escape(f"method {method!r} is not one of {listed}")
    assert_refused(bound(tconv.conv_transpose, X, WEIGHT, method=method), ValueError, message)
    assert_refused(bound(tconv.dot_test, WEIGHT, 5, method=method), ValueError, message)


@pytest.mark.parametrize("method", [None, 1, np.add, ["auto"], np.array(["auto", "auto"])])
def test_methods_that_are_no_name(method):
    for call in (
        bound(tconv.conv_transpose, X, WEIGHT, method=method),
        bound(tconv.conv, X, WEIGHT.swapaxes(0, 1), method=method),
        bound(tconv.dot_test, WEIGHT, 5, method=method),
    ):
        assert_refused(call, TypeError, "method must be a string, got ")


def test_matrix_has_its_own():
    call = bound(tconv.matrix, WEIGHT, 5, dense=np.ones(2))
    assert_refused(call, TypeError, "dense must be True or False, got ndarray")


def test_dot_test_has_its_own():
    assert_refused(
        bound(tconv.dot_test, WEIGHT.astype(int), 5), TypeError, "float32, float64 or complex"
    )
    assert_refused(bound(tconv.dot_test, WEIGHT, 5, batch=0), ValueError, "batch must be at least")
    assert_refused(bound(tconv.dot_test, WEIGHT, 5, batch="1"), TypeError, "batch must be an int")
    assert_refused(bound(tconv.dot_test, WEIGHT, 0), ValueError, "input_size must be at least 1")


def view(*shape, dtype=float):
    """Return an array of any size that takes eight bytes."""
    return np.broadcast_to(np.ones((), dtype), shape)


KERNEL = np.ones((1, 1, 2))
PAIR = np.ones((1, 1, 2))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("x", "weight", "words", "message"),
    [
        (view(1, 1, HUGE), KERNEL, {}, r"output \(1, 1, 1099511627777\) of float64 needs 8192.0 G"),
        (view(HUGE, 1, 1), KERNEL, {}, r"output \(1099511627776, 1, 2\) of float64 needs 16384.0"),
        (view(1, 1, 2**29, 2**30), np.ones((1, 4, 1, 1)), {}, r"overflows 64 bits: .* bytes"),
        (PAIR, view(1, HUGE, 2), {}, r"output \(1, 1099511627776, 3\) of float64 needs"),
        (PAIR, view(1, 1, HUGE), {}, r"output \(1, 1, 1099511627777\) of float64 needs"),
        (PAIR, KERNEL, {"stride": HUGE}, r"output \(1, 1, 1099511627778\) of float64 needs"),
        (PAIR, KERNEL, {"dilation": HUGE}, r"output \(1, 1, 1099511627778\) of float64 needs"),
        (PAIR, KERNEL, {"stride": 2**62}, r"output .* overflows 64 bits"),
        (PAIR, KERNEL, {"stride": 2**63 - 1}, r"output_size 9223372036854775809 does not fit 64"),
        (PAIR, KERNEL, {"padding": [(0, -HUGE)]}, r"output \(1, 1, 1099511627779\) of float64 n"),
        (PAIR, KERNEL, {"padding": [(-(2**62), 0)]}, r"output .* overflows 64 bits"),
        (PAIR, KERNEL, {"padding": [(0, -HUGE)], "output_size": HUGE + 3}, "output .* needs 8192"),
        (PAIR, KERNEL, {"stride": HUGE, "padding": "same"}, "output .* needs 16384"),
        (view(1, 1, HUGE, dtype="int8"), KERNEL.astype("int8"), {}, r"of int64 needs 8192.0 GiB"),
        (view(1, 1, HUGE, dtype="f2"), KERNEL.astype("f2"), {}, r"of float32 needs 4096.0 GiB"),
    ],
)
def test_sizes_beyond_memory_are_refused_before_they_are_allocated(
    x, weight, words, message, method
):
    call = bound(tconv.conv_transpose, x, weight, method=method, **words)
    assert_refused(call, ValueError, message)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (bound(tconv.conv, view(1, 1, HUGE), KERNEL), "output .* needs 8192"),
        (bound(tconv.conv, PAIR, KERNEL, padding=HUGE), "output .* needs 16384"),
        (bound(tconv.conv, PAIR, view(HUGE, 1, 2)), "output .* needs 8192"),
        (bound(tconv.conv, PAIR, KERNEL, padding=2**63 - 1), "does not fit 64 bits|overflows"),
        (
            bound(tconv.weight_gradient, view(1, 2**20, 1), view(1, 2**20, 2), 2),
            "weight gradient .* needs 16384",
        ),
        (bound(tconv.matrix, KERNEL, (HUGE,)), "matrix entries .* needs"),
        (bound(tconv.matrix, KERNEL, (2**20,), dense=True), "matrix .* of float64 needs 8192"),
        (bound(tconv.matrix, KERNEL, (2**62,), dense=True), "matrix .* overflows 64 bits"),
        (bound(tconv.dot_test, KERNEL, (HUGE,)), r"input \(1, 1, 1099511627776\) of float64 needs"),
        (bound(tconv.dot_test, KERNEL, 2, stride=HUGE), "output .* of float64 needs 8192"),
        (bound(tconv.dot_test, KERNEL, 2, batch=HUGE), "input .* of float64 needs 16384"),
    ],
)
def test_the_other_calls_refuse_sizes_beyond_memory(call, message):
    assert_refused(call, ValueError, message)


def test_memory_is_refused_to_the_byte(monkeypatch):
    monkeypatch.setattr(checks, "machine_memory", lambda: 8 * 12)
    assert tconv.conv_transpose(view(2, 1, 4), view(1, 1, 3)).shape == (2, 1, 6)
    call = bound(tconv.conv_transpose, view(2, 1, 4), view(1, 1, 4))
    assert_refused(call, ValueError, r"output \(2, 1, 7\) of float64 needs 0.0 GiB; this machine")
    monkeypatch.setattr(checks, "machine_memory", lambda: None)
    assert tconv.conv_transpose(view(2, 1, 4), view(1, 1, 4)).shape == (2, 1, 7)
    call = bound(tconv.conv_transpose, view(2, 1, 2), view(1, 1, 4), stride=2**61)
    assert_refused(call, ValueError, "overflows 64 bits")


def test_working_memory_beyond_the_machine_is_refused_in_words() -> None:
    ones = np.ones((1, 1, 2))
    for call in (
        bound(tconv.conv, np.ones((1, 1, 1)), ones, stride=2**40, padding=2**40, method="direct"),
        bound(
            tconv.conv_transpose, ones, ones, dilation=2**40, padding=[(0, 2**40)], method="scatter"
        ),
    ):
        assert_refused(call, ValueError, "needs more working memory than this machine gives")


def test_places_out_of_range_are_refused() -> None:
    geometry = tconv.Geometry.of(4, 3, stride=2)
    for call, message in (
        (lambda: geometry.overlap_at((9,)), "output 9 is out of range: 0 to 8"),
        (lambda: geometry.stamps((-1,)), "input -1 is out of range: 0 to 3"),
        (lambda: geometry.taps((2,)), "phase 2 is out of range: 0 to 1"),
        (lambda: geometry.input_window([(3, 3)]), r"output window \[3, 3\) must hold"),
        (lambda: geometry.output_window([(0, 5)]), r"input window \[0, 5\) must hold"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(TypeError, match=r"output must be an integer, got 1\.5"):
        geometry.overlap_at((1.5,))
    with pytest.raises(TypeError, match="stride must be an integer, got <generator"):
        tconv.Geometry.of(4, 3, stride=(s for s in (2,)))
