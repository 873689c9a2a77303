"""How XLA calls the engine: the places of its structs, refusals, kept weights, other ways."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import tconv
from strategies import cropped_case, random_array
from tconv.engine import native

jax = pytest.importorskip("jax")
jnp = jax.numpy

from tconv.arrays.jax import lowering, primitives  # noqa: E402

NATIVE = Path(__file__).parents[2] / "native"
NEEDS_THE_ENGINE = pytest.mark.skipif(
    lowering.refusal() is not None, reason=f"XLA cannot call the engine: {lowering.refusal()}"
)
THREE = {
    "stride": np.array([1, 1, 2]), "dilation": np.array([1, 1, 1]), "crop": np.array([0, 0, 1]),
    "groups": np.int64(1), "direct": np.int64(0),
}  # fmt: skip

# What is said here of each struct, beside what the header calls it.
STRUCTS = {
    "Extension": ("XLA_FFI_Extension_Base", "size struct_size type type next next"),
    "Version": (
        "XLA_FFI_Api_Version",
        "size struct_size extensions extension_start major major_version minor minor_version",
    ),
    "Metadata": (
        "XLA_FFI_Metadata", "size struct_size version api_version traits traits",
    ),
    "MetadataExtension": (
        "XLA_FFI_Metadata_Extension", "base extension_base metadata metadata",
    ),
    "Array": (
        "XLA_FFI_Buffer",
        "size struct_size extensions extension_start type dtype data data rank rank sizes dims",
    ),
    "Arrays": (
        "XLA_FFI_Args",
        "size struct_size extensions extension_start count size kinds types values args",
    ),
    "Text": ("XLA_FFI_ByteSpan", "first ptr size len"),
    "Scalar": ("XLA_FFI_Scalar", "type dtype value value"),
    "Numbers": ("XLA_FFI_Array", "type dtype count size first data"),
    "Attributes": (
        "XLA_FFI_Attrs",
        "size struct_size extensions extension_start count size kinds types names names "
        "values attrs",
    ),
    "ErrorArguments": (
        "XLA_FFI_Error_Create_Args",
        "size struct_size extensions extension_start message message code errc",
    ),
    "Api": (
        "XLA_FFI_Api",
        "size struct_size extensions extension_start version api_version internal internal_api "
        "create_error XLA_FFI_Error_Create",
    ),
    "CallFrame": (
        "XLA_FFI_CallFrame",
        "size struct_size extensions extension_start api api context ctx stage stage "
        "arguments args results rets attributes attrs",
    ),
}  # fmt: skip
RESULTS = ("XLA_FFI_Rets", "size struct_size count size kinds types values rets")
NUMBERS = {
    "type_s64": "XLA_FFI_DataType_S64", "type_f32": "XLA_FFI_DataType_F32",
    "type_f64": "XLA_FFI_DataType_F64", "attribute_array": "XLA_FFI_AttrType_ARRAY",
    "attribute_scalar": "XLA_FFI_AttrType_SCALAR",
    "extension_metadata": "XLA_FFI_Extension_Metadata",
    "stage_execute": "XLA_FFI_ExecutionStage_EXECUTE",
    "code_invalid_argument": "XLA_FFI_Error_Code_INVALID_ARGUMENT",
    "code_resource_exhausted": "XLA_FFI_Error_Code_RESOURCE_EXHAUSTED",
    "code_internal": "XLA_FFI_Error_Code_INTERNAL",
    "major_version": "XLA_FFI_API_MAJOR",
}  # fmt: skip
SIZED = {"Array", "Version", "Text", "Scalar", "Numbers", "ErrorArguments", "Extension"}


def asserted():
    """Return a program that compiles where the places are those of the header."""
    lines = ["#include <xla/ffi/api/c_api.h>", '#include "bindings/xla_ffi.hpp"']
    for own, (name, places) in [*STRUCTS.items(), ("Arrays", RESULTS)]:
        words = places.split()
        for field, other in zip(words[::2], words[1::2], strict=True):
            one, two = f"tconv::xla::{own}", name
            lines += [
                f"static_assert(offsetof({one}, {field}) == offsetof({two}, {other}));",
                f"static_assert(sizeof({one}::{field}) == sizeof({two}::{other}));",
            ]
        if own in SIZED:
            lines.append(f"static_assert(sizeof(tconv::xla::{own}) == sizeof({name}));")
    lines += [f"static_assert(tconv::xla::{own} == {name});" for own, name in NUMBERS.items()]
    return "\n".join(lines)


@pytest.mark.skipif(not NATIVE.is_dir(), reason="needs the sources")
def test_the_places_are_those_of_the_header():
    compiler = os.environ.get("CXX") or shutil.which("c++") or shutil.which("g++")
    if not compiler or not shutil.which(compiler):
        pytest.skip("needs a compiler")

    def compile_with(program):
        return subprocess.run(
            [compiler, "-std=c++17", "-fsyntax-only", "-Wno-invalid-offsetof", "-x", "c++",
             "-isystem", jax.ffi.include_dir(), "-I", str(NATIVE), "-"],
            input=program, capture_output=True, text=True,
        )  # fmt: skip

    program = asserted()
    made = compile_with(program)
    assert made.returncode == 0, made.stderr
    wrong = program.replace("offsetof(tconv::xla::Api, create_error)", "8")
    assert wrong != program
    assert compile_with(wrong).returncode != 0


@pytest.mark.skipif(not NATIVE.is_dir(), reason="needs the sources")
def test_every_place_is_held_against_the_header():
    source = (NATIVE / "bindings" / "xla_ffi.hpp").read_text("utf-8")
    said = dict(re.findall(r"struct (\w+) \{\n(.*?)\n\};", source, re.DOTALL))
    assert said.keys() == STRUCTS.keys()
    for name, body in said.items():
        fields = re.findall(r"(\w+)(?:, |;|\)\()", re.sub(r"//.*", "", body))
        assert set(STRUCTS[name][1].split()[::2]) == set(fields) - {"Error"}, name
    numbers = set(re.findall(r"(\w+) = \d+", source))
    assert numbers - {"first_minor_version", "last_minor_version"} == NUMBERS.keys()


def called(function, *arrays, shape=(1, 2, 7), dtype=jnp.float32, **words):
    """Let XLA call a function of the engine with attributes as they are given."""
    result = jax.ShapeDtypeStruct(shape, dtype)
    made = jax.ffi.ffi_call(function, result)(*arrays, **{**THREE, **words})
    return made.block_until_ready()


@NEEDS_THE_ENGINE
def test_what_xla_may_not_ask_for_is_refused():
    x, weight = jnp.ones((1, 3, 4)), jnp.ones((3, 2, 3))
    function = "tconv_conv_transpose"
    assert called(function, x, weight).shape == (1, 2, 7)
    for arrays, words, message in (
        ((x,), {}, "two arguments"),
        ((x, weight), {"shape": (2, 2, 7)}, "batches are equal"),
        ((x, weight), {"shape": (1, 3, 7)}, "channels are the weight's"),
        ((x, weight), {"groups": np.int64(2)}, "groups divide the channels"),
        ((x, weight), {"groups": np.int64(-1)}, "groups divide the channels"),
        ((x, weight), {"groups": np.int32(3)}, "of 64 bits"),
        ((x, weight), {"groups": np.array([1])}, "of the kinds known"),
        ((x, weight), {"stride": np.array([1, 1, 0])}, "stride and dilation are positive"),
        ((x, weight), {"crop": np.array([0, 0])}, "three numbers of 64 bits"),
        ((x, weight.astype("bfloat16")), {}, "dtypes are equal"),
        ((x[None, None, None], weight[None, None, None]), {}, "three to five axes"),
        ((x.astype("int32"), weight.astype("int32")), {"dtype": jnp.int32}, "float32 or float64"),
    ):
        with pytest.raises(Exception, match=f"tconv: .*{message}"):
            called(function, *arrays, **words)


@NEEDS_THE_ENGINE
def test_memory_that_is_not_there_is_an_error():
    """Packing these weights would take more than any machine has; XLA itself needs little."""
    x, weight = jnp.ones((1, 1, 1)), jnp.ones((1, 1, 2))
    far = {"stride": np.array([1, 1, 2**40]), "shape": (1, 1, 4)}
    with pytest.raises(Exception, match=r"tconv|RESOURCE|memory|too"):
        called("tconv_conv_transpose", x, weight, **far)


@pytest.fixture
def nothing_kept():
    native.forget_weights()
    yield
    native.forget_weights()


@NEEDS_THE_ENGINE
@pytest.mark.usefixtures("nothing_kept")
def test_weights_that_come_again_are_kept():
    random = np.random.default_rng(1)
    layer = jax.jit(lambda x, weight: tconv.conv_transpose(x, weight, stride=2))
    x, weight = (random.standard_normal(s).astype("f") for s in ((1, 16, 9), (16, 8, 4)))
    expected = layer(x, weight)
    held = []
    for scale in (1, 1, 1, 1, 1):
        np.testing.assert_allclose(layer(x, scale * weight), expected, rtol=1e-4, atol=1e-4)
        held.append(native.kept_weights())
    entry = (1, 3 * weight.nbytes)
    assert held == [(0, 0), entry, entry, entry, entry]
    back = jax.jit(lambda y, weight: tconv.conv(y, weight, stride=2))
    for _ in range(3):
        back(expected, weight).block_until_ready()
    assert native.kept_weights() == (2, 6 * weight.nbytes)


@NEEDS_THE_ENGINE
@pytest.mark.usefixtures("nothing_kept")
def test_weights_that_change_are_not_kept():
    random = np.random.default_rng(2)
    x, weight = (random.standard_normal(s).astype("f") for s in ((1, 16, 9), (16, 8, 4)))
    layer = jax.jit(lambda x, weight: tconv.conv_transpose(x, weight, stride=2))
    for step in range(20):
        layer(x, weight + step).block_until_ready()
    assert native.kept_weights() == (0, 0)


@NEEDS_THE_ENGINE
@pytest.mark.usefixtures("nothing_kept")
@pytest.mark.parametrize("count", [1, 7, 64, 65, 3000, 300_000])
def test_every_weight_counts(count):
    """Kept weights serve the same numbers only, also where few of them are looked at first."""
    random = np.random.default_rng(count)
    layer = jax.jit(lambda x, weight: tconv.conv_transpose(x, weight))
    x, weight = np.ones((1, 1, 3)), random.standard_normal((1, count, 1)).astype("f")
    for _ in range(4):
        layer(x, weight).block_until_ready()
    assert native.kept_weights()[0] == 1
    for at in {0, count // 2, count - 1, *random.integers(0, count, 5).tolist()}:
        other = weight.copy()
        other[0, at, 0] += 1
        for _ in range(5):
            made = np.asarray(layer(x, other))
            np.testing.assert_array_equal(made[0, :, 0], other[0, :, 0])
            np.testing.assert_array_equal(layer(x, weight)[0, :, 0], weight[0, :, 0])
    for zero in (0.0, -0.0) * 4:
        made = np.asarray(layer(x, np.full_like(weight, zero)))
        assert (made == 0).all()
    nans = np.full_like(weight, np.nan)
    for _ in range(4):
        assert np.isnan(layer(x, nans)).all()


@NEEDS_THE_ENGINE
@pytest.mark.usefixtures("nothing_kept")
def test_layers_of_equal_weights_are_told_apart():
    weight = np.arange(1, 17, dtype="f").reshape(4, 2, 2)
    x = np.ones((1, 4, 5), "f")
    variants = [{"stride": 1}, {"stride": 2}, {"stride": 2, "groups": 2}, {"dilation": 3}]
    for _ in range(4):
        for words in variants:
            expected = tconv.conv_transpose(x, weight, **words)
            np.testing.assert_array_equal(
                tconv.conv_transpose(jnp.asarray(x), weight, **words), expected
            )
        for words in variants[:2]:
            wide = np.ones((1, 2, 9), "f")
            expected = tconv.conv(wide, weight, **words)
            np.testing.assert_array_equal(tconv.conv(jnp.asarray(wide), weight, **words), expected)
    assert native.kept_weights()[0] == 6


@NEEDS_THE_ENGINE
def test_the_cache_has_a_limit():
    """What is kept goes once it was not met for long, and what does not fit is not kept."""
    program = """
import numpy as np, jax, tconv
from tconv.engine import native
layer = jax.jit(lambda x, weight: tconv.conv_transpose(x, weight))
x = np.ones((1, 8, 3), "f")
weights = [np.full((8, 8, 4), n, "f") for n in range(1, 6)]
for weight in weights:
    for _ in range(5):
        np.testing.assert_array_equal(layer(x, weight)[0, 0, 0], 8 * weight[0, 0, 0])
limit = 2 * 3 * weights[0].nbytes
assert native.kept_weights() == (2, limit), native.kept_weights()
for _ in range(600):
    layer(x, weights[4]).block_until_ready()
assert native.kept_weights() == (2, limit), native.kept_weights()
"""
    environment = {"TCONV_WEIGHT_CACHE": str(2 * 3 * 8 * 8 * 4 * 4), "JAX_PLATFORMS": "cpu"}
    source = str(Path(tconv.__file__).parents[1])
    path = os.pathsep.join((source, os.environ.get("PYTHONPATH", "")))
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120,
        env={**os.environ, **environment, "PYTHONPATH": path},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


REFUSALS = {"no engine": (False, "not built"), "not taken": (True, "not taken")}


@pytest.mark.parametrize("name", REFUSALS)
def test_other_ways_on_the_cpu(name, monkeypatch):
    """Without XLA's way to the engine, by NumPy in a callback, or by XLA itself."""
    built, why = REFUSALS[name]
    monkeypatch.setattr(lowering, "refusal", lambda: why)
    if not built:
        monkeypatch.setattr(native, "available", lambda: False)
        monkeypatch.setattr(native, "refusal", lambda: why)
    elif not native.available():
        pytest.skip(native.refusal())
    random = np.random.default_rng(3)
    taken = Counter()
    with jax.enable_x64(True):
        for index in range(24):
            case = cropped_case(random, 1 + index % 4)
            dtype = np.dtype(("float32", "float64", "complex64", "bfloat16")[index // 4 % 4])
            shapes = {"x": case.x_shape, "weight": case.weight_shape, "y": case.y_shape}
            operator = lowering.OPERATORS[index % 3]
            one, other = (
                random_array(random, shapes[which], np.dtype("complex64" if dtype.kind == "c"
                                                             else "float32")).astype(dtype)
                for which in operator.arrays[:2]
            )  # fmt: skip
            bind = getattr(primitives, operator.primitive.name.removeprefix("tconv_"))
            words = {"geometry": case.geometry, "groups": case.groups}
            compiled = jax.jit(lambda a, b, bind=bind, words=words: bind(
                a, b, **words, arithmetic="fast", insist=False))  # fmt: skip
            made = compiled(one, other)
            assert made.dtype == dtype
            said = compiled.lower(one, other).as_text()
            taken["callback" if "callback" in said else "convolution" in said] += 1
            assert "tconv_" not in re.sub(r"@\w*", "", said) or not built
            wide = np.dtype("complex128") if dtype.kind == "c" else np.dtype("float64")
            if 0 in (*one.shape, *other.shape):
                assert not np.asarray(made).astype(wide).any()
                continue
            expected = operator.in_numpy(
                one.astype(wide), other.astype(wide), case.geometry, case.groups, "direct"
            )
            rounding = 1e-2 if dtype.itemsize == 2 else 1e-4
            np.testing.assert_allclose(
                np.asarray(made).astype(wide), expected, rtol=rounding, atol=20 * rounding
            )
    assert taken["callback"] > 8
    if not built:
        assert taken[True] > 3


def test_integers_are_xlas():
    assert lowering.way(np.dtype("int64"), tconv.Geometry.of(3, 3)) == "lax"


@NEEDS_THE_ENGINE
def test_nothing_of_python_runs_in_a_call():
    """XLA calls the engine itself, with its own arrays: no callback, no copy, one custom call."""
    weight = np.ones((4, 2, 4), "f")
    compiled = jax.jit(lambda x: tconv.conv_transpose(x, weight, stride=2, padding=1))
    said = compiled.lower(jnp.ones((3, 4, 9))).compile().as_text()
    assert said.count("custom-call(") == 1
    assert "callback" not in said
    assert not re.search(r"= \S+ (copy|transpose|convert)\(", said), said
