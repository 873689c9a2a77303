"""What a primitive becomes when a program is compiled: on the CPU the engine, elsewhere JAX's own.

On the CPU XLA calls the engine's compiled functions, with its own buffers and without Python. What
these do not do, because the engine is not built or has no such layer, or this jaxlib does not take
them, NumPy does by a callback; or XLA itself, where that is faster: real layers in float32, of up
to three axes. Integers are always XLA's.
"""

import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import mlir
from numpy.typing import NDArray

from tconv import engine
from tconv.arrays.jax import on_lax, primitives
from tconv.dtypes import INTEGER, work_dtype
from tconv.engine import native
from tconv.engine.arithmetic import Arithmetic
from tconv.engine.packed import AXES, idle_axes, kept, three
from tconv.geometry import Geometry

Way = Literal["engine", "callback", "lax"]


@cache
def refusal() -> str | None:
    """Return why XLA cannot call the engine; None if it can, and now knows how."""
    if not native.available():
        return native.refusal()
    try:
        for name, function in native.xla_functions(_minor_version()).items():
            jax.ffi.register_ffi_target(name, function, platform="cpu")
    except Exception as error:  # whatever this version raises
        return f"jaxlib {jax.lib.__version__} does not take the engine's functions: {error}"
    return None


def _minor_version() -> int:
    """Return the minor version of XLA's foreign function interface, which its header names.

    Versions before 0.9.1 take functions of just their own.
    """
    header = Path(jax.ffi.include_dir(), "xla", "ffi", "api", "c_api.h").read_text("utf-8")
    return int(re.findall(r"#define XLA_FFI_API_MINOR (\d+)", header)[0])


def unsupported_reason(dtype: np.dtype[Any], geometry: Geometry) -> str | None:
    """Return why the engine does not do a layer in a program that XLA runs; None if it does."""
    work = work_dtype(dtype) or dtype
    return engine.unsupported_reason(work, geometry) or refusal()


def way(dtype: np.dtype[Any], geometry: Geometry) -> Way:
    """Return what does a layer on the CPU, in the dtype that it is computed in."""
    if dtype == INTEGER:
        return "lax"
    if engine.unsupported_reason(dtype, geometry) is None:
        return "callback" if refusal() else "engine"
    # XLA has a library for these; its own loops take ten to a hundred times as long as NumPy does
    return "lax" if dtype == np.float32 and geometry.rank <= AXES else "callback"


class Operator(NamedTuple):
    """A primitive, and what computes it."""

    primitive: Primitive
    arrays: tuple[str, str, str]  # its operands and its result
    function: str  # that XLA calls
    shape: Callable[[Any, Any, Geometry, int], tuple[int, ...]]
    on_lax: Callable[[Array, Array, Geometry, int], Array]
    in_numpy: Callable[..., NDArray[Any]]


def _conv_transpose(
    x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int, arithmetic: Arithmetic
) -> NDArray[Any]:
    return engine.compute(x, weight, geometry, groups, arithmetic=arithmetic)


def _conv(
    y: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int, _: Arithmetic
) -> NDArray[Any]:
    return engine.conv(y, weight, geometry, groups)


def _weight_gradient(
    x: NDArray[Any], y: NDArray[Any], geometry: Geometry, groups: int, _: Arithmetic
) -> NDArray[Any]:
    return engine.weight_gradient(x.conj(), y, geometry, groups)  # which conjugates it


OPERATORS = (
    Operator(
        primitives.conv_transpose_p,
        ("x", "weight", "y"),
        "tconv_conv_transpose",
        primitives.shape_of_y,
        on_lax.conv_transpose,
        _conv_transpose,
    ),
    Operator(
        primitives.conv_p,
        ("y", "weight", "x"),
        "tconv_conv",
        primitives.shape_of_x,
        on_lax.conv,
        _conv,
    ),
    Operator(
        primitives.weight_gradient_p,
        ("x", "y", "weight"),
        "tconv_weight_gradient",
        primitives.shape_of_weight,
        on_lax.weight_gradient,
        _weight_gradient,
    ),
)


def register() -> None:
    """Tell JAX what the primitives become."""
    for operator in OPERATORS:
        for rule, platform in ((_on_cpu, "cpu"), (_elsewhere, None)):
            lowered = mlir.lower_fun(partial(rule, operator), multiple_results=False)
            mlir.register_lowering(operator.primitive, _off_mesh(lowered), platform=platform)


def _off_mesh(rule: Any) -> Any:
    """Make a rule that is given nothing of the mesh: it works on what each device has."""

    def lowered(context: Any, *operands: Any, **words: Any) -> Any:
        bare = [ShapedArray(aval.shape, aval.dtype) for aval in context.avals_in]
        return rule(context.replace(avals_in=bare), *operands, **words)

    return lowered


def _elsewhere(
    operator: Operator,
    one: Array,
    other: Array,
    *,
    geometry: Geometry,
    groups: int,
    insist: bool,
    **_: Any,
) -> Array:
    if insist:
        raise ValueError("method 'engine' works on the CPU alone; leave it out on other platforms")
    return operator.on_lax(one, other, geometry, groups)


def _on_cpu(
    operator: Operator,
    one: Array,
    other: Array,
    *,
    geometry: Geometry,
    groups: int,
    arithmetic: Arithmetic,
    **_: Any,
) -> Array:
    dtype, shape = one.dtype, operator.shape(one, other, geometry, groups)
    work = work_dtype(dtype) or dtype
    if 0 in (*one.shape, *other.shape):
        return jnp.zeros(shape, dtype)
    takes = way(work, geometry)
    if takes == "lax":
        return operator.on_lax(one, other, geometry, groups)
    one, other = one.astype(work), other.astype(work)
    if takes == "callback":
        made = _called_back(operator, one, other, geometry, groups, arithmetic)
    elif work.kind == "c":
        parts = partial(_by_engine, operator, geometry, groups, arithmetic)
        real = parts(one.real, other.real) - parts(one.imag, other.imag)
        made = lax.complex(real, parts(one.real, other.imag) + parts(one.imag, other.real))
    else:
        made = _by_engine(operator, geometry, groups, arithmetic, one, other)
    return made.astype(dtype)


def _called_back(
    operator: Operator,
    one: Array,
    other: Array,
    geometry: Geometry,
    groups: int,
    arithmetic: Arithmetic,
) -> Array:
    """Let NumPy do the work; nothing of JAX may run in a callback, which could wait for itself."""
    shape = operator.shape(one, other, geometry, groups)

    def compute(one: Any, other: Any) -> NDArray[Any]:
        given = np.asarray(one), np.asarray(other)
        return operator.in_numpy(*given, geometry, groups, arithmetic)

    made: Array = jax.pure_callback(compute, jax.ShapeDtypeStruct(shape, one.dtype), one, other)
    return made


def _by_engine(
    operator: Operator,
    geometry: Geometry,
    groups: int,
    arithmetic: Arithmetic,
    one: Array,
    other: Array,
) -> Array:
    """Let XLA call the engine; further axes, which the layer leaves as they are, are images."""
    idle = idle_axes(geometry)
    layer = Geometry(kept(geometry.axes, idle))
    shape = operator.shape(one, other, geometry, groups)
    first, second, result = operator.arrays
    one, other = _as_images(one, first, idle), _as_images(other, second, idle)
    made = jax.ffi.ffi_call(
        operator.function,
        jax.ShapeDtypeStruct(operator.shape(one, other, layer, groups), one.dtype),
    )(
        one,
        other,
        stride=np.array(three(layer.stride, 1), np.int64),
        dilation=np.array(three(layer.dilation, 1), np.int64),
        crop=np.array(three(tuple(start for start, _ in layer.crop), 0), np.int64),
        groups=np.int64(groups),
        direct=np.int64(arithmetic == "direct"),
    )
    return _of_images(made, result, shape, idle)


def _as_images(array: Array, name: str, idle: tuple[int, ...]) -> Array:
    """View (N, C, *all) as (N·idle, C, *kept); a weight has one cell along idle axes."""
    if name == "weight":
        return array.reshape(*array.shape[:2], *kept(array.shape[2:], idle))
    moved = jnp.moveaxis(array, _places(idle), range(1, 1 + len(idle)))
    return moved.reshape(-1, *moved.shape[1 + len(idle) :])


def _of_images(array: Array, name: str, shape: tuple[int, ...], idle: tuple[int, ...]) -> Array:
    """View what was made of images in its own shape again."""
    if name == "weight":
        return array.reshape(shape)
    axes = _places(idle)
    split = array.reshape(shape[0], *(shape[axis] for axis in axes), *array.shape[1:])
    return jnp.moveaxis(split, range(1, 1 + len(idle)), axes)


def _places(idle: tuple[int, ...]) -> list[int]:
    return [2 + axis for axis in idle]
