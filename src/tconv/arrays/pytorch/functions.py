"""The public functions on tensors: arguments read and refused as for arrays, then an operator."""

import operator
from ast import literal_eval
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from tconv.arrays.pytorch import elsewhere, operators
from tconv.arrays.pytorch.casting import as_cast, autocast
from tconv.arrays.pytorch.checking import (
    DEVICES,
    check,
    check_engine,
    check_result,
    check_tensors,
    refuse,
)
from tconv.arrays.pytorch.memory import Shape
from tconv.arrays.pytorch.reading import (
    geometry_of,
    place_direct,
    place_gradient,
    read,
    read_layer,
    reuse_of,
)
from tconv.arrays.pytorch.weights import Reuse
from tconv.checks import check_gradient
from tconv.engine.activations import Activation
from tconv.engine.arithmetic import Arithmetic, read_arithmetic
from tconv.geometry import Geometry
from tconv.geometry.layer import Layer
from tconv.geometry.parameters import Padding, Sizes, common_rank, is_sequence, per_axis

Call = TypeVar("Call", bound=Callable[..., Tensor])
tracing = torch.jit.is_tracing


def overridable(function: Call) -> Call:
    """Let classes and modes with ``__torch_function__`` take a call, as they do PyTorch's own."""

    @wraps(function)
    def call(*arguments: Any, **words: Any) -> Tensor:
        if has_torch_function(tensors := arguments[:3]):
            return handle_torch_function(call, tensors, *arguments, **words)
        return function(*arguments, **words)

    return cast(Call, call)


@overridable
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
        check(tensors, groups, method, transposed=True)
        chosen = None if arithmetic is None else read_arithmetic(arithmetic)
        rank = weight.ndim - 2
        layer, size, crop = read(
            tuple(weight.shape[2:]), stride, padding, output_padding, groups, dilation,
            tuple(x.shape[-rank:]), output_size,
        )  # fmt: skip
        if method == "engine":
            check_engine(x, geometry_of(x, layer, size, crop))
        check_result((*x.shape[: -rank - 1], weight.shape[1] * groups, *size), tensors, out)
    except (TypeError, ValueError) as error:
        refuse("conv_transpose", error, **tensors, groups=groups, out=out)
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
        geometry = geometry_of(x, layer, size, crop)
        return elsewhere.conv_transpose(x, weight, bias, geometry, layer.groups, activation)
    (x, weight, bias), dtype = autocast(x, weight, bias)
    batched = x.ndim == layer.rank + 2
    y = operators.conv_transpose(
        x if batched else x.unsqueeze(0), weight, bias,
        layer.stride, layer.dilation, crop, size, layer.groups, reuse, arithmetic,
        *(activation or ()),
    )  # fmt: skip
    return as_cast(y if batched else y.squeeze(0), dtype)


@overridable
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
        check(tensors, groups, method, transposed=False)
        kernel = tuple(weight.shape[2:])
        layer = read_layer(kernel, stride, 0, 0, groups, dilation)
        size, crop = place_direct(layer, padding, tuple(x.shape[-layer.rank :]))
        if method == "engine":
            words = layer.stride, padding, layer.dilation
            check_engine(x, Geometry.of_conv(tuple(x.shape[-layer.rank :]), kernel, *words))
        check_result((*x.shape[: -layer.rank - 1], weight.shape[0], *size), tensors, out)
    except (TypeError, ValueError) as error:
        refuse("conv", error, **tensors, groups=groups, out=out)
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
        y = as_cast(y if batched else y.squeeze(0), dtype)
    return y if out is None else out.copy_(y)


@overridable
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
        check_tensors(tensors)
        rank = max(1, x.ndim - 2)
        if is_sequence(kernel_size):
            rank = common_rank(kernel_size=kernel_size)
        if x.device.type not in DEVICES:
            elsewhere.check(x.device, rank, "auto")
        kernel = per_axis("kernel_size", kernel_size, rank, minimum=1)
        layer = read_layer(kernel, stride, padding, output_padding, groups, dilation)
        crop = place_gradient(x.shape, grad_output.shape, layer)
        if crop is None:
            check_gradient(
                x, grad_output, kernel_size, stride, padding, output_padding, groups, dilation
            )
        channels = grad_output.shape[-rank - 1] // layer.groups
        check_result((x.shape[-rank - 1], channels, *kernel), tensors, what="weight gradient")
    except (TypeError, ValueError) as error:
        refuse("weight_gradient", error, **tensors, groups=groups)
    if x.ndim == rank + 1:
        x, grad_output = x.unsqueeze(0), grad_output.unsqueeze(0)
    if x.device.type not in DEVICES:
        geometry = layer.geometry(x.shape[2:])
        return elsewhere.weight_gradient(x, grad_output, geometry, layer.groups)
    (x, grad_output), dtype = autocast(x, grad_output)
    gradient = operators.weight_gradient(
        x.conj(), grad_output, kernel, layer.stride, layer.dilation, crop, layer.groups
    )
    return as_cast(gradient, dtype)


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
