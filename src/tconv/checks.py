"""What a caller hands in, read and refused once: arrays, channels, dtypes, memory."""

import os
from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any, NamedTuple, NoReturn, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tconv.dtypes import INTEGER, common_dtypes, lacks_zero, spelled, work_dtype
from tconv.geometry import Geometry, hints
from tconv.geometry.convolution import times
from tconv.geometry.layer import Layer
from tconv.geometry.parameters import (
    LARGEST,
    Padding,
    Sizes,
    common_rank,
    integer,
    is_sequence,
    per_axis,
    shown,
)

SYMBOLIC = "letters and fractions go through tconv.symbolic"
NUMBERS, LISTS = {int, float, complex}, {list, tuple}


class Shaped(Protocol):
    """An array of any library."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its size along each axis."""

    @property
    def ndim(self) -> int:
        """How many axes it has."""


SomeArray = TypeVar("SomeArray", bound=Shaped)


class Operands(NamedTuple):
    """Arrays that fit each other, with a batch axis, in the dtype the work is done in."""

    x: NDArray[Any]
    weight: NDArray[Any]
    bias: NDArray[Any] | None
    groups: int
    batched: bool
    dtype: np.dtype[Any]

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return self.weight.ndim - 2

    def biased(self, y: NDArray[Any]) -> NDArray[Any]:
        """Add the bias, in place."""
        if self.bias is not None:
            y += self.bias.reshape(-1, *(1,) * self.rank)
        return y

    def handed(self, y: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any]:
        """Drop a batch axis that was added, and hand over in the result dtype, or in `out`."""
        if not self.batched:
            y = y[0]
        if out is None:
            return y.astype(self.dtype, copy=False)
        if not np.may_share_memory(y, out):  # else it is there
            out[...] = y
        return out


class Refusal:
    """Adds the call's name and shapes to an error, so that the user sees one sentence."""

    __slots__ = ("arguments", "call")

    def __init__(self, call: str, **arguments: object) -> None:
        self.call = call
        self.arguments = arguments

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, TypeError | ValueError):
            self.refuse(error)
        if isinstance(error, MemoryError):
            self.refuse(ValueError("needs more memory than this machine gives"))

    def working(self, method: str) -> "Working":
        """Tell in the same way when a method runs out of memory; other errors are its own."""
        return Working(self, method)

    def refuse(self, error: TypeError | ValueError) -> NoReturn:
        """Raise an error again, with the call's name and shapes."""
        said = ", ".join(
            f"{name}={shown(value)}" if name == "groups" else f"{name}: {_shape_of(value)}"
            for name, value in self.arguments.items()
            if value is not None
        )
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{self.call}: {error} ({said})") from None


def first_line(error: Exception) -> str:
    """Return the first line of what another library's error says, to be quoted in one of ours.

    Examples
    --------
    >>> first_line(ValueError("no such node")), first_line(KeyError())
    ('no such node', 'KeyError')
    """
    return str(error).strip().partition("\n")[0] or type(error).__name__


class Working:
    """What :meth:`Refusal.working` gives."""

    __slots__ = ("method", "refusal")

    def __init__(self, refusal: Refusal, method: str) -> None:
        self.refusal = refusal
        self.method = method

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None and isinstance(error, MemoryError):
            self.refusal.refuse(
                ValueError(
                    f"method {self.method!r} needs more working memory than this machine gives"
                )
            )


def _shape_of(value: Any) -> str:
    try:
        return shown(value) if isinstance(value, int) else str(tuple(np.shape(value)))
    except ValueError:
        return "ragged"
    except Exception:  # whatever another library's array raises
        return "unknown"


def read_array(name: str, value: ArrayLike, *, exact: bool = False) -> NDArray[Any]:
    """Read an array (or nested lists) of numbers.

    Parameters
    ----------
    name : str
        What the error calls it.
    value : array_like
    exact : bool
        Whether ``object`` arrays are welcome.

    Raises
    ------
    TypeError
        If it is not an array of numbers, or another library's array.
    ValueError
        If it is ragged.
    """
    if type(value) is np.ndarray and value.dtype.kind in "iufc":
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} is a masked array, whose mask would be lost; fill it first, {name}.filled(0)"
        )
    if not isinstance(value, np.ndarray | np.generic | list | tuple | int | float | complex):
        kind = type(value)
        raise TypeError(
            f"{name} must be a NumPy array or nested lists, got {kind.__module__}.{kind.__name__}"
            + hints.conversion(name, value)
        )
    array = _from_lists(name, value) if isinstance(value, list | tuple) else np.asarray(value)
    dtype = array.dtype
    if dtype.kind == "O" and not exact:
        raise TypeError(f"{name} has dtype object; {SYMBOLIC}")
    if dtype.kind == "b":
        raise TypeError(f"{name} has dtype bool; convert it to numbers, e.g. {name}.astype(float)")
    if work_dtype(dtype) is None:
        hint = hints.no_numbers(name, dtype.kind, dtype.names)
        raise TypeError(f"{name} has dtype {dtype}, which holds no numbers{hint}")
    if lacks_zero(dtype):
        raise TypeError(
            f"{name} has dtype {dtype}, which holds neither zero nor a sign; "
            f"convert it, e.g. {name}.astype(np.float32)"
        )
    return array


def _from_lists(name: str, value: Sequence[Any]) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} is ragged: its nested lists differ in length") from None
    except Exception:  # a list of other libraries' arrays raises what these raise
        first, where = value, name
        while isinstance(first, list | tuple) and first:
            first, where = first[0], f"{where}[0]"
        raise TypeError(f"{name} holds what is no number{hints.conversion(where, first)}") from None
    if array.dtype.kind in "fiuc" and _holds_a_mask(value):
        raise TypeError(f"{name} holds a masked array, whose mask would be lost; fill it first")
    return array


def _holds_a_mask(value: Sequence[Any]) -> bool:
    kinds = set(map(type, value)) - NUMBERS
    if kinds <= LISTS:
        return bool(kinds) and any(map(_holds_a_mask, value))
    return any(issubclass(kind, np.ma.MaskedArray) for kind in kinds) or any(
        _holds_a_mask(one) for one in value if type(one) in LISTS
    )


def operands(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    groups: int,
    *,
    transposed: bool,
    exact: bool = False,
    name: str = "x",
    last: bool = False,
) -> Operands:
    """Read the arrays of one call and check them against each other.

    The channels of `x` are weight.shape[0] for a transposed convolution and
    weight.shape[1]·groups for a direct one. An error calls it `name`, and knows by `last` that it
    is a view of an array whose channels are last.
    """
    x = read_array(name, x, exact=exact)
    weight = read_array("weight", weight, exact=exact)
    batched = check_shapes(x, weight, groups, transposed=transposed, name=name, last=last)
    if bias is not None:
        produced = weight.shape[1] * groups if transposed else weight.shape[0]
        bias = read_bias(bias, produced, exact=exact)
    dtype, work = common_dtypes(x.dtype, weight.dtype, None if bias is None else bias.dtype)
    return Operands(
        x=as_work(x if batched else x[np.newaxis], work),
        weight=as_work(weight, work),
        bias=None if bias is None else as_work(bias, work),
        groups=integer("groups", groups, minimum=1),
        batched=batched,
        dtype=dtype,
    )


def check_shapes(
    x: Shaped,
    weight: Shaped,
    groups: int,
    *,
    transposed: bool,
    name: str = "x",
    last: bool = False,
) -> bool:
    """Check an input and a weight against each other; tell whether the input has a batch axis.

    The words are those of :func:`operands`; the arrays may be any library's.
    """
    check_weight(weight, groups)
    first, second = weight.shape[0], weight.shape[1] * groups
    expected = first if transposed else second
    batched = check_input(x, name, weight.ndim - 2, expected)
    channels = x.shape[1 if batched else 0]
    if channels != expected:
        side = f"{'input' if name == 'x' else 'output'} channel{'s' * (expected != 1)}"
        raise ValueError(
            f"weight has {expected} {side} but {name} has {channels}"
            + hints.channels(name, x.shape, weight.shape, groups, transposed=transposed, last=last)
        )
    return batched


def check_gradient(
    x: Shaped,
    grad: Shaped,
    kernel_size: Sizes,
    stride: Sizes,
    padding: Padding,
    output_padding: Sizes,
    groups: int,
    dilation: Sizes,
) -> tuple[Geometry, bool]:
    """Check the arrays of a weight gradient against each other, and against the layer.

    Returns
    -------
    geometry : Geometry
    batched : bool
        Whether the arrays, which may be any library's, have a batch axis.
    """
    if x.ndim != grad.ndim:
        raise ValueError(
            f"x and grad_output must have equally many axes, got {x.ndim} and {grad.ndim}; "
            "give both a batch axis or neither"
        )
    rank = common_rank(kernel_size=kernel_size) if is_sequence(kernel_size) else max(1, x.ndim - 2)
    kernel = per_axis("kernel_size", kernel_size, rank, minimum=1)
    batched = check_input(x, "x", rank)
    of_x, of_grad = (tuple(a.shape) if batched else (1, *a.shape) for a in (x, grad))
    geometry = Layer.of(kernel, stride, padding, output_padding, groups, dilation).geometry(
        of_x[2:]
    )
    if of_grad[2:] != geometry.output_size or of_grad[0] != of_x[0]:
        raise ValueError(
            f"grad_output must be ({of_x[0]}, C_out, "
            f"{', '.join(map(str, geometry.output_size))}), got {of_grad}"
            + hints.gradient(of_grad, geometry.output_size, geometry.stride)
        )
    check_weight(np.broadcast_to(np.zeros(()), (of_x[1], 1, *kernel)), groups)
    if of_grad[1] == 0 or of_grad[1] % groups:
        hint = hints.divisors(groups, of_grad[1])
        raise ValueError(
            f"groups {groups} does not divide grad_output's {of_grad[1]} channels{hint}"
        )
    return geometry, batched


def read_bias(bias: ArrayLike, channels: int, *, exact: bool = False) -> NDArray[Any]:
    """Read a bias, refused if it has not one entry a channel."""
    bias = read_array("bias", bias, exact=exact)
    check_bias(bias, channels)
    return bias


def check_bias(bias: Shaped, channels: int) -> None:
    """Refuse a bias that has not one entry a channel."""
    if bias.shape != (channels,):
        raise ValueError(
            f"bias must have one entry for each of {channels} output channels, "
            f"got shape {tuple(bias.shape)}{hints.bias(bias.shape, channels)}"
        )


def check_weight(weight: SomeArray, groups: int) -> SomeArray:
    """Refuse a weight that is not (C_in, C_out/groups, *K) with every size at least 1."""
    groups = integer("groups", groups, minimum=1)
    if weight.ndim < 3:
        raise ValueError(
            f"weight must be (C_in, C_out/groups, *kernel) with at least one kernel axis, "
            f"got {weight.ndim} axes; a bare kernel is weight[np.newaxis, np.newaxis]"
        )
    if 0 in weight.shape[:2]:
        raise ValueError("weight has zero channels; at least one in and one out are needed")
    if 0 in weight.shape[2:]:
        raise ValueError(f"kernel size {times(weight.shape[2:])} has an empty axis")
    if weight.shape[0] % groups:
        hint = hints.divisors(groups, weight.shape[0])
        raise ValueError(
            f"groups {groups} does not divide weight's {weight.shape[0]} channels{hint}"
        )
    return weight


def check_input(x: Shaped, name: str, rank: int, channels: int | None = None) -> bool:
    """Refuse an input that does not suit `rank` spatial axes; tell whether it has a batch axis."""
    if x.ndim not in (rank + 1, rank + 2):
        raise ValueError(
            f"{name} must have {rank + 2} axes (batch, channels and {rank} spatial) or {rank + 1} "
            f"(no batch) to match the weight, got {x.ndim}"
            + hints.missing_axes(name, x.ndim, rank, channels)
        )
    if 0 in x.shape[-rank:]:
        raise ValueError(f"{name} has an empty spatial axis")
    return x.ndim == rank + 2


def check_out(out: object, shape: tuple[int, ...], dtype: np.dtype[Any], *others: object) -> None:
    """Refuse an `out` that cannot take the result, or that the work would read while writing."""
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}{hints.into(out)}")
    if isinstance(out, np.ma.MaskedArray):
        raise TypeError("out is a masked array, whose mask would be lost; pass out.data")
    if out.shape != shape or out.dtype.newbyteorder("=") != dtype:
        raise ValueError(f"out must have shape {shape} and dtype {dtype}, got {out.dtype}")
    if not out.flags.writeable:
        raise ValueError("out is read-only; pass an array of its own memory")
    if out.size and any(s == 0 and n > 1 for s, n in zip(out.strides, out.shape, strict=True)):
        raise ValueError("cells of out share their memory; pass an array of its own memory")


def check_memory(shape: tuple[int, ...], dtype: np.dtype[Any], what: str = "output") -> None:
    """Refuse an array that overflows 64 bits or this machine's memory, before it is made."""
    size = check_overflow(shape, dtype, what)
    memory = machine_memory()
    if memory is not None and size > memory:
        raise ValueError(
            f"{what} {shape} of {dtype} needs {size / 2**30:.1f} GiB; "
            f"this machine has {memory / 2**30:.1f} GiB"
        )


def check_scratch(dtype: np.dtype[Any], *shapes: tuple[int, ...]) -> None:
    """Raise MemoryError where arrays to work in, all at once, are more than this machine has.

    Zeros are laid out without being touched, so that they would fail too late to be refused.
    """
    memory = machine_memory()
    try:
        needed = sum(check_overflow(shape, dtype, "working memory") for shape in shapes)
    except ValueError as error:
        raise MemoryError(str(error)) from None
    if memory is not None and needed > memory:
        raise MemoryError(f"{needed / 2**30:.1f} GiB of working memory")


def check_overflow(shape: tuple[int, ...], dtype: np.dtype[Any], what: str) -> int:
    """Return the bytes of an array, refused where 64 bits do not count them.

    As in NumPy an axis of size 0 does not excuse the others.
    """
    counted = prod(max(n, 1) for n in shape) * dtype.itemsize
    if counted > LARGEST:
        beside = " beside axes of size 0" if 0 in shape else ""
        raise ValueError(f"{what} {shape} overflows 64 bits: {counted} bytes{beside}")
    return 0 if 0 in shape else counted


@cache
def machine_memory() -> int | None:
    """Return the machine's memory in bytes, or None where it cannot be told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def as_work(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Convert to the dtype the work is done in; an integer that does not fit is refused."""
    if array.dtype == dtype:
        return spelled(array, dtype)
    check_memory(array.shape, dtype, "converted input")
    if dtype == INTEGER and array.dtype.kind == "u" and array.size and array.max() > LARGEST:
        raise ValueError(f"{array.dtype} value {array.max()} does not fit int64")
    return array.astype(dtype, copy=False)
