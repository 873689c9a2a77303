"""What is refused of tensors, in sentences with their shapes."""

import re
from math import prod
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from tconv.arrays.pytorch import elsewhere
from tconv.arrays.pytorch.casting import autocast, autocasts, is_cast
from tconv.arrays.pytorch.memory import DTYPES, Shape
from tconv.checks import Refusal, check_bias, check_memory, check_shapes
from tconv.engine import unsupported_reason
from tconv.geometry import Geometry, hints
from tconv.geometry.parameters import one_of
from tconv.reference import DEFINITIONS

METHODS = ("auto", "engine")
DEVICES = ("cpu", "meta")
LARGE = 2**28  # numbers from which on memory is asked for
OF_TENSORS = (  # how what is told of arrays is done to tensors
    (r"np\.moveaxis\((\w+), ", r"\1.movedim("),
    (r"np\.ravel\((\w+)\)", r"\1.flatten()"),
    (r"np\.full\((\d+), (\w+)\)", r"\2.expand(\1)"),
    (r"weight\.transpose\(", "weight.permute("),
    (r"np\.newaxis", "None"),
)
OF_ARRAYS = ("phases", *DEFINITIONS)  # methods that know NumPy's arrays alone


def check(tensors: dict[str, Any], groups: Any, method: str, *, transposed: bool) -> None:
    """Refuse tensors that do not fit each other; whoever fits pays little for it."""
    check_tensors(tensors)
    one_of("method", method, METHODS, _other_method)
    x, weight, bias = tensors.values()
    if x.device.type not in DEVICES:
        elsewhere.check(x.device, weight.ndim - 2, method)
    if not _fit(x.shape, weight.shape, None if bias is None else bias.shape, groups, transposed):
        check_shapes(x, weight, groups, transposed=transposed)
        if bias is not None:
            check_bias(bias, weight.shape[1] * groups if transposed else weight.shape[0])


def _fit(x: Shape, weight: Shape, bias: Shape | None, groups: object, transposed: bool) -> bool:
    rank = len(weight) - 2
    if type(groups) is not int or groups < 1 or rank < 1 or len(x) not in (rank + 1, rank + 2):
        return False
    first, second = weight[0], weight[1] * groups
    reads, makes = (first, second) if transposed else (second, first)
    return (
        x[-rank - 1] == reads
        and first % groups == 0
        and (bias is None or bias == (makes,))
        and 0 not in (*weight, *x[-rank - 1 :])
    )


def check_tensors(tensors: dict[str, Any]) -> None:
    """Refuse what is no tensor that the operators take, or tensors of several dtypes or devices."""
    first: Tensor | None = None
    for name, tensor in tensors.items():
        if tensor is None and name == "bias":
            continue
        if not isinstance(tensor, Tensor):
            told = "" if tensor is None else f"; convert it: torch.as_tensor({name})"
            raise TypeError(
                f"{name} must be a tensor as the others are, got {type(tensor).__name__}{told}"
            )
        if tensor.layout != torch.strided or tensor.is_nested or tensor.is_quantized:
            raise TypeError(_unlike_an_array(name, tensor))
        if tensor.dtype not in DTYPES:
            raise TypeError(
                f"{name} has dtype {tensor.dtype}, which no convolution takes; "
                f"convert it, e.g. {name}.{_conversion(tensor.dtype)}"
            )
        first = tensor if first is None else first
        if tensor.device != first.device:
            told = "" if tensor.is_meta else f"; move it: {name}.to({str(first.device)!r})"
            raise ValueError(f"{name} is on {tensor.device} but x is on {first.device}{told}")
        if tensor.dtype != first.dtype and not (
            is_cast(tensor.dtype) and is_cast(first.dtype) and autocasts(first.device.type)
        ):
            raise TypeError(
                f"{name} is {tensor.dtype} but x is {first.dtype}; "
                f"convert one of them, e.g. {name}.to(x.dtype)"
            )


def _unlike_an_array(name: str, tensor: Tensor) -> str:
    if tensor.is_nested:
        return (
            f"{name} is a nested tensor; pass its parts one by one, or {name}.to_padded_tensor(0)"
        )
    if tensor.is_quantized:
        return f"{name} is quantized; pass {name}.dequantize()"
    return f"{name} is stored as {tensor.layout}; pass {name}.to_dense()"


def _conversion(dtype: torch.dtype) -> str:
    if dtype.is_complex:
        return "to(torch.complex64)"
    return "long()" if str(dtype).startswith("torch.uint") else "float()"


def check_engine(x: Tensor, geometry: Geometry) -> None:
    """Refuse what the engine must do and cannot."""
    if why := unsupported_reason(DTYPES[x.dtype], geometry):
        raise ValueError(f"method 'engine' cannot do this: {why}")


def check_result(
    shape: Shape, tensors: dict[str, Any], out: Any = None, what: str = "output"
) -> None:
    """Refuse a result beyond this machine's memory, and an `out` that cannot take it."""
    x = tensors["x"]
    traced = type(x) is not Tensor or torch.compiler.is_compiling()  # its sizes may be symbols
    if not traced and prod(shape) > LARGE and x.is_cpu:
        check_memory(tuple(shape), DTYPES[x.dtype], what)
    if out is None:
        return
    if not isinstance(out, Tensor):
        array = isinstance(out, np.ndarray)
        told = "; pass torch.from_numpy(out), which shares its memory" if array else ""
        raise TypeError(f"out must be a tensor, got {type(out).__name__}{told}")
    _, cast = autocast(x)
    dtype = cast or x.dtype
    if (tuple(out.shape), out.dtype, out.device) != (tuple(shape), dtype, x.device):
        raise ValueError(
            f"out must have shape {tuple(shape)} and dtype {dtype} on {x.device}, "
            f"got {out.dtype} on {out.device}"
        )
    learns = any(t is not None and t.requires_grad for t in (*tensors.values(), out))
    if learns and torch.is_grad_enabled():
        raise ValueError("out records no gradient; leave it out, or call under torch.no_grad()")
    if any(s == 0 and n > 1 for s, n in zip(out.stride(), out.shape, strict=True)):
        raise ValueError("cells of out share their memory; pass a tensor of its own memory")


def _other_method(said: str, known: Any) -> str:
    return hints.elsewhere(said, known, OF_ARRAYS, "a call on arrays, x.detach().numpy(),")


def refuse(call: str, error: TypeError | ValueError, **arguments: Any) -> NoReturn:
    """Raise an error again with the call's name and shapes, its advice in PyTorch's words."""
    said = str(error)
    for pattern, code in OF_TENSORS:
        said = re.sub(pattern, code, said)
    Refusal(call, **arguments).refuse(type(error)(said))
