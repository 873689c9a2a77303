"""The public functions on tensors: arguments read and refused as for arrays, then an operator."""

import operator
import re
from ast import literal_eval
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from tconv.arrays.pytorch import elsewhere, operators
from tconv.arrays.pytorch.memory import DTYPES
from tconv.arrays.pytorch.weights import Reuse
from tconv.checks import Refusal, check_bias, check_gradient, check_memory, check_shapes
from tconv.engine import unsupported_reason
from tconv.engine.activations import Activation
from tconv.engine.arithmetic import Arithmetic, read_arithmetic
from tconv.geometry import Geometry, hints
from tconv.geometry.axis import Axis
from tconv.geometry.layer import Layer
from tconv.geometry.padding import conv_axis_of
from tconv.geometry.parameters import (
    Padding,
    Sizes,
    common_rank,
    is_plain,
    is_sequence,
    one_of,
    padding_per_axis,
    per_axis,
)
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
Shape = tuple[int, ...]
tracing = torch.jit.is_tracing


def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    *,
    output_size: Sizes | None = None,
    method: str = "auto",
    arithmetic: Arithmetic | None = None,
    out: Tensor | None = None,
    reuse: Reuse | None = None,
    activation: Activation | None = None,
) -> Tensor:
    """Compute a transposed convolution of tensors; see :func:`tconv.conv_transpose`.

    `reuse` tells whether packed weights are kept; left out, they are where no gradient is recorded.
    An `activation` is computed by the kernel, which then has no gradient.

    Examples
    --------
    >>> x, weight = torch.ones(1, 2, 5, 6), torch.ones(2, 3, 4, 4, requires_grad=True)
    >>> y = conv_transpose(x, weight, stride=2, padding="same")
    >>> y.sum().backward()
    >>> y.shape, weight.grad.shape
    (torch.Size([1, 3, 10, 12]), torch.Size([2, 3, 4, 4]))
    """
    if tracing():
        y = traced(
            "conv_transpose", x, weight, bias, stride=stride, padding=padding,
            output_padding=output_padding, groups=groups, dilation=dilation,
            output_size=output_size, method=method, arithmetic=arithmetic,
            activation=activation and tuple(activation),
        )  # fmt: skip
        return y if out is None else out.copy_(y)
    tensors = {"x": x, "weight": weight, "bias": bias}
    try:
        _check(tensors, groups, method, transposed=True)
        chosen = None if arithmetic is None else read_arithmetic(arithmetic)
        rank = weight.ndim - 2
        layer, size, crop = _read(
            tuple(weight.shape[2:]), stride, padding, output_padding, groups, dilation,
            tuple(x.shape[-rank:]), output_size,
        )  # fmt: skip
        if method == "engine":
            _check_engine(x, _geometry(x, layer, size, crop))
        _check_result((*x.shape[: -rank - 1], weight.shape[1] * groups, *size), tensors, out)
    except (TypeError, ValueError) as error:
        _refuse("conv_transpose", error, **tensors, groups=groups, out=out)
    reuse = reuse or reuse_of(weight, bias)
    y = transposed(x, weight, bias, layer, size, crop, reuse, chosen, activation)
    return y if out is None else out.copy_(y)


def transposed(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    layer: Layer,
    size: Shape,
    crop: Shape,
    reuse: Reuse,
    arithmetic: Arithmetic | None = None,
    activation: Activation | None = None,
) -> Tensor:
    """Compute a transposed convolution of tensors that fit each other, with or without a batch."""
    if x.device.type not in DEVICES:
        geometry = _geometry(x, layer, size, crop)
        return elsewhere.conv_transpose(x, weight, bias, geometry, layer.groups, activation)
    (x, weight, bias), dtype = autocast(x, weight, bias)
    batched = x.ndim == layer.rank + 2
    y = operators.conv_transpose(
        x if batched else x.unsqueeze(0), weight, bias,
        layer.stride, layer.dilation, crop, size, layer.groups, reuse, arithmetic,
        *(activation or ()),
    )  # fmt: skip
    return _as_cast(y if batched else y.squeeze(0), dtype)


def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    method: str = "auto",
    out: Tensor | None = None,
) -> Tensor:
    """Compute a direct convolution of tensors; see :func:`tconv.conv`.

    Examples
    --------
    >>> conv(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([[[1.0, 0.0, 2.0]]]))
    tensor([[ 7., 10.]])
    """
    if tracing():
        y = traced(
            "conv", x, weight, bias, stride=stride, padding=padding, dilation=dilation,
            groups=groups, method=method,
        )  # fmt: skip
        return y if out is None else out.copy_(y)
    tensors = {"x": x, "weight": weight, "bias": bias}
    try:
        _check(tensors, groups, method, transposed=False)
        kernel = tuple(weight.shape[2:])
        layer = read_layer(kernel, stride, 0, 0, groups, dilation)
        size, crop = place_direct(layer, padding, tuple(x.shape[-layer.rank :]))
        if method == "engine":
            words = layer.stride, padding, layer.dilation
            _check_engine(x, Geometry.of_conv(tuple(x.shape[-layer.rank :]), kernel, *words))
        _check_result((*x.shape[: -layer.rank - 1], weight.shape[0], *size), tensors, out)
    except (TypeError, ValueError) as error:
        _refuse("conv", error, **tensors, groups=groups, out=out)
    if x.device.type not in DEVICES:
        geometry = Geometry.of_conv(
            x.shape[-layer.rank :], kernel, layer.stride, padding, layer.dilation
        )
        y = elsewhere.conv(x, weight, bias, geometry, groups)
    else:
        (x, weight, bias), dtype = autocast(x, weight, bias)
        batched = x.ndim == layer.rank + 2
        y = operators.conv(
            x if batched else x.unsqueeze(0), weight, bias,
            layer.stride, layer.dilation, crop, size, layer.groups, reuse_of(weight, bias),
        )  # fmt: skip
        y = _as_cast(y if batched else y.squeeze(0), dtype)
    return y if out is None else out.copy_(y)


def weight_gradient(
    x: Tensor,
    grad_output: Tensor,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Compute the gradient with respect to the weight; see :func:`tconv.weight_gradient`.

    Examples
    --------
    >>> x, grad = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 0.0]])
    >>> weight_gradient(x, grad, 2, stride=2)
    tensor([[[7., 0.]]])
    """
    if tracing():
        return traced(
            "weight_gradient", x, grad_output, None, kernel_size=kernel_size, stride=stride,
            padding=padding, output_padding=output_padding, groups=groups, dilation=dilation,
        )  # fmt: skip
    tensors = {"x": x, "grad_output": grad_output}
    try:
        _check_tensors(tensors)
        rank = max(1, x.ndim - 2)
        if is_sequence(kernel_size):
            rank = common_rank(kernel_size=kernel_size)
        if x.device.type not in DEVICES:
            elsewhere.check(x.device, rank, "auto")
        kernel = per_axis("kernel_size", kernel_size, rank, minimum=1)
        layer = read_layer(kernel, stride, padding, output_padding, groups, dilation)
        crop = _place_gradient(x.shape, grad_output.shape, layer)
        if crop is None:
            check_gradient(
                x, grad_output, kernel_size, stride, padding, output_padding, groups, dilation
            )
        channels = grad_output.shape[-rank - 1] // layer.groups
        _check_result((x.shape[-rank - 1], channels, *kernel), tensors, what="weight gradient")
    except (TypeError, ValueError) as error:
        _refuse("weight_gradient", error, **tensors, groups=groups)
    if x.ndim == rank + 1:
        x, grad_output = x.unsqueeze(0), grad_output.unsqueeze(0)
    if x.device.type not in DEVICES:
        geometry = layer.geometry(x.shape[2:])
        return elsewhere.weight_gradient(x, grad_output, geometry, layer.groups)
    (x, grad_output), dtype = autocast(x, grad_output)
    gradient = operators.weight_gradient(
        x.conj(), grad_output, kernel, layer.stride, layer.dilation, crop, layer.groups
    )
    return _as_cast(gradient, dtype)


# What ``torch.jit.trace`` records: a whole call, so that sizes are worked out when it is replayed.
# Its tracer knows no symbolic sizes, and would keep those of the example.


def traced(name: str, x: Tensor, other: Tensor, bias: Tensor | None, **words: Any) -> Tensor:
    """Let the tracer record a call of a function of this module."""
    plain = {word: _plain(value) for word, value in words.items()}
    return torch.ops.tconv.traced(x, other, bias, name, repr(plain))


def _replay(x: Tensor, other: Tensor, bias: Tensor | None, name: str, words: str) -> Tensor:
    tensors = (x, other) if name == "weight_gradient" else (x, other, bias)
    given = literal_eval(words)
    if given.get("activation"):
        given["activation"] = Activation(*given["activation"])
    return globals()[name](*tensors, **given)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | float):
        return value
    return tuple(map(_plain, value)) if is_sequence(value) else operator.index(value)


operators.LIBRARY.define(
    "traced(Tensor x, Tensor other, Tensor? bias, str function, str words) -> Tensor"
)
operators.LIBRARY.impl("traced", _replay, "CompositeImplicitAutograd")


# Arguments --------------------------------------------------------------------------------------


def read_layer(*words: Any) -> Layer:
    """Read a layer's parameters; a compiler follows how, and would warn of what is kept."""
    return Layer.read(*words) if torch.compiler.is_compiling() else Layer.of(*words)


def _read(*words: Any) -> tuple[Layer, Shape, Shape]:
    """Return a layer, the size of its output, and the start crop, from words and input size."""
    if torch.compiler.is_compiling() or not is_plain(words):
        return _placed(words)
    return _kept(words)


def _placed(words: Any) -> tuple[Layer, Shape, Shape]:
    *parameters, input_size, output_size = words
    layer = read_layer(*parameters)
    return layer, *layer.placed(input_size, output_size)


_kept = lru_cache(4096)(_placed)


def _geometry(x: Tensor, layer: Layer, size: Shape, crop: Shape) -> Geometry:
    place = layer.kernel_size, layer.stride, layer.dilation, crop, size
    return Geometry(tuple(map(Axis, x.shape[-layer.rank :], *place)))


def place_direct(layer: Layer, padding: Padding, input_size: Shape) -> tuple[Shape, Shape]:
    """Return the size of a direct convolution's result, and the cells put before its input."""
    sizes, before = [], []
    pads = padding_per_axis(padding, layer.rank)
    each = zip(input_size, layer.kernel_size, layer.stride, layer.dilation, strict=True)
    for index, (i, k, s, d) in enumerate(each):
        axis = conv_axis_of(i, k, s, d, pads if isinstance(pads, str) else pads[index])
        sizes.append(axis.input_size)
        before.append(axis.crop_start)
    return tuple(sizes), tuple(before)


def _place_gradient(x: Shape, grad: Shape, layer: Layer) -> Shape | None:
    """Return the start crop of a layer, None where these are no input and output of it."""
    rank = layer.rank
    if len(x) != len(grad) or len(x) not in (rank + 1, rank + 2) or 0 in x[-rank - 1 :]:
        return None
    size, crop = layer.placed(tuple(x[-rank:]))
    channels = x[-rank - 1], grad[-rank - 1]
    fits = tuple(grad[-rank:]) == size and grad[: -rank - 1] == x[: -rank - 1]
    return crop if fits and all(c > 0 and c % layer.groups == 0 for c in channels) else None


def reuse_of(weight: Tensor, bias: Tensor | None) -> Reuse:
    """Return whether packed weights are worth keeping: not while they learn."""
    learns = weight.requires_grad or (bias is not None and bias.requires_grad)
    return "never" if learns and torch.is_grad_enabled() else "compared"


def autocast(*tensors: Any) -> tuple[Sequence[Any], torch.dtype | None]:
    """Return tensors as ``torch.autocast`` has them, and the dtype that it gives the result.

    PyTorch's convolutions round what they read to this dtype. Here the work is done in float32, and
    the result alone is rounded.
    """
    device = tensors[0].device.type
    if device != "cpu" or not torch.is_autocast_enabled(device) or not _is_cast(tensors[0].dtype):
        return tensors, None
    return [None if t is None else t.float() for t in tensors], torch.get_autocast_dtype(device)


def _as_cast(y: Tensor, dtype: torch.dtype | None) -> Tensor:
    return y if dtype is None else y.to(dtype)


def _autocasts(device: str) -> bool:
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def _is_cast(dtype: torch.dtype) -> bool:
    return dtype.is_floating_point and dtype != torch.float64


# Checks ------------------------------------------------------------------------------------------


def _check(tensors: dict[str, Any], groups: Any, method: str, *, transposed: bool) -> None:
    """Refuse tensors that do not fit each other; whoever fits pays little for it."""
    _check_tensors(tensors)
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


def _check_tensors(tensors: dict[str, Any]) -> None:
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
            _is_cast(tensor.dtype) and _is_cast(first.dtype) and _autocasts(first.device.type)
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


def _check_engine(x: Tensor, geometry: Geometry) -> None:
    """Refuse what the engine must do and cannot."""
    if why := unsupported_reason(DTYPES[x.dtype], geometry):
        raise ValueError(f"method 'engine' cannot do this: {why}")


def _check_result(
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


def _refuse(call: str, error: TypeError | ValueError, **arguments: Any) -> NoReturn:
    said = str(error)
    for pattern, code in OF_TENSORS:
        said = re.sub(pattern, code, said)
    Refusal(call, **arguments).refuse(type(error)(said))
