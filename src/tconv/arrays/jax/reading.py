"""What is handed in beside a JAX array, read and refused once."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import ArrayLike

from tconv.arrays.jax.lowering import unsupported_reason
from tconv.checks import check_bias, check_overflow, check_shapes, read_array
from tconv.geometry import Geometry, hints
from tconv.geometry.parameters import integer, one_of

METHODS = ("auto", "engine")


class Operands(NamedTuple):
    """Arrays that fit each other, with a batch axis, of one dtype."""

    x: Array
    weight: Array
    bias: Array | None
    groups: int
    batched: bool

    def handed(self, y: Array) -> Array:
        """Add the bias, and drop a batch axis that was added."""
        if self.bias is not None:
            y = y + self.bias.reshape(-1, *(1,) * (y.ndim - 2))
        return y if self.batched else y[0]


def operands(
    x: ArrayLike, weight: ArrayLike, bias: ArrayLike | None, groups: int, *, transposed: bool
) -> Operands:
    """Read the arrays of one call and check them against each other."""
    arrays = {"x": read("x", x), "weight": read("weight", weight)}
    batched = check_shapes(**arrays, groups=groups, transposed=transposed)
    if bias is not None:
        arrays["bias"] = read("bias", bias)
        outputs, inputs = arrays["weight"].shape[:2]
        check_bias(arrays["bias"], inputs * groups if transposed else outputs)
    first, *others = of_one_dtype(*arrays.values())
    return Operands(
        first if batched else first[jnp.newaxis],
        others[0],
        others[1] if bias is not None else None,
        integer("groups", groups, minimum=1),
        batched,
    )


def read(name: str, value: ArrayLike) -> Array:
    """Read a JAX array, or what NumPy makes an array of; refuse what holds no numbers."""
    if not isinstance(value, Array):
        return jnp.asarray(read_array(name, value))
    if not isinstance(value.dtype, np.dtype):
        raise TypeError(f"{name} has dtype {value.dtype}, which holds no numbers")
    read_array(name, np.empty(0, value.dtype))
    return value


def of_one_dtype(*arrays: Array) -> tuple[Array, ...]:
    """Convert arrays to the dtype that JAX gives to what is made of them."""
    try:
        dtype = jnp.result_type(*arrays)
    except (TypeError, ValueError):  # none, or not without being asked for
        names = " and ".join(dict.fromkeys(str(array.dtype) for array in arrays))
        raise TypeError(
            f"JAX gives {names} no common dtype; convert the arrays to one of them or to float32"
        ) from None
    return tuple(array.astype(dtype) for array in arrays)


def insists(method: str) -> bool:
    """Read the method; tell whether the engine must do the work."""
    return one_of("method", method, METHODS, _other_method) == "engine"


def _other_method(said: str, known: Any) -> str:
    from tconv.reference import DEFINITIONS  # while nothing is refused, nothing needs it

    if said in ("phases", "matrix", *DEFINITIONS):
        return "; the others take NumPy arrays: np.asarray(x)"
    return hints.close(said, known)


def check_engine(insist: bool, dtype: Any, geometry: Geometry) -> None:
    """Refuse a layer that the engine must do and cannot."""
    if insist and (why := unsupported_reason(dtype, geometry)):
        raise ValueError(f"method 'engine' cannot do this: {why}")


def check_no_out(out: object) -> None:
    """Refuse an `out`."""
    if out is not None:
        raise TypeError("out cannot be given with JAX arrays, which never change; use the result")


def check_size(shape: tuple[int, ...], dtype: Any, what: str) -> None:
    """Refuse an array that 64 bits do not count; sizes that only a program's run tells are 1."""
    known = tuple(size if isinstance(size, int) else 1 for size in shape)
    check_overflow(known, np.dtype(dtype), what)
