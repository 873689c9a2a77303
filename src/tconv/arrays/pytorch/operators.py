"""The three maps as operators of ``torch.library``: sizes, derivatives, batches of calls.

Each derivative of one of them is another of them, so that derivatives of any order follow. An
operator is all that ``torch.compile`` and ``torch.export`` see. Under the transforms of
``torch.func`` and in forward mode an operator would give no derivative, or a wrong one in silence;
there the same map goes through a :class:`torch.autograd.Function`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from tconv.arrays.pytorch import kernels
from tconv.arrays.pytorch.memory import empty, is_channels_last

LIBRARY = torch.library.Library("tconv", "DEF")  # an operator's name changes with its meaning
GEOMETRY = "int[] stride, int[] dilation, int[] crop"
SCHEMAS = {
    "conv_transpose": f"(Tensor x, Tensor weight, Tensor? bias, {GEOMETRY}, SymInt[] size, "
    "int groups, str reuse, str? arithmetic=None, str? activation=None, float slope=0.0) -> Tensor",
    "conv": f"(Tensor y, Tensor weight, Tensor? bias, {GEOMETRY}, SymInt[] size, int groups, "
    "str reuse) -> Tensor",
    "weight_gradient": f"(Tensor x, Tensor y, SymInt[] kernel, {GEOMETRY}, int groups) -> Tensor",
}
Given = tuple[Any, ...]
Batched = tuple[Tensor, int]


def conv_transpose(x: Tensor, weight: Tensor, bias: Tensor | None, *words: Any) -> Tensor:
    """Compute :func:`kernels.conv_transpose`, differentiably."""
    if _transformed():
        return ConvTranspose.apply(x, weight, bias, *words)
    return torch.ops.tconv.conv_transpose.default(x, weight, bias, *words)


def conv(y: Tensor, weight: Tensor, bias: Tensor | None, *words: Any) -> Tensor:
    """Compute :func:`kernels.conv`, differentiably."""
    if _transformed():
        return Conv.apply(y, weight, bias, *words)
    return torch.ops.tconv.conv.default(y, weight, bias, *words)


def weight_gradient(x: Tensor, y: Tensor, *words: Any) -> Tensor:
    """Compute :func:`kernels.weight_gradient`, differentiably."""
    if _transformed():
        return WeightGradient.apply(x, y, *words)
    return torch.ops.tconv.weight_gradient.default(x, y, *words)


def _transformed() -> bool:
    """Tell whether a transform of ``torch.func`` or forward mode is at work."""
    if torch.compiler.is_compiling():
        return False
    return torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0


# Derivatives. Those of the maps as they are written; complex factors are conjugated, as PyTorch's
# gradients are.


def _save(ctx: Any, inputs: Given, output: Tensor) -> None:
    tensors, words = _split(inputs)
    ctx.words, ctx.shape = words, output.shape
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)


def _split(inputs: Given) -> tuple[Given, Given]:
    """Return the tensors, a bias that is None among them, and the words after them."""
    count = next(i for i, value in enumerate(inputs) if isinstance(value, list | tuple))
    return inputs[:count], inputs[count:]


def _conv_transpose_gradients(ctx: Any, grad: Tensor) -> Given:
    x, weight, _ = ctx.saved_tensors
    stride, dilation, crop, _, groups, reuse, *rest = ctx.words
    if len(rest) > 1 and rest[1] is not None:
        raise NotImplementedError(
            f"conv_transpose with the activation {rest[1]!r} fused has no gradient; "
            "apply the activation to the result"
        )
    place, wanted = (stride, dilation, crop), ctx.needs_input_grad
    dx = conv(grad, weight.conj(), None, *place, x.shape[2:], groups, reuse) if wanted[0] else None
    dw = weight_gradient(x.conj(), grad, weight.shape[2:], *place, groups) if wanted[1] else None
    return dx, dw, _over_channels(grad) if wanted[2] else None, *(None for _ in ctx.words)


def _conv_gradients(ctx: Any, grad: Tensor) -> Given:
    y, weight, _ = ctx.saved_tensors
    stride, dilation, crop, _, groups, reuse = ctx.words
    place, wanted = (stride, dilation, crop), ctx.needs_input_grad
    dy = dw = None
    if wanted[0]:
        dy = conv_transpose(grad, weight.conj(), None, *place, y.shape[2:], groups, reuse)
    if wanted[1]:
        dw = weight_gradient(grad, y.conj(), weight.shape[2:], *place, groups)
    return dy, dw, _over_channels(grad) if wanted[2] else None, *(None for _ in ctx.words)


def _weight_gradient_gradients(ctx: Any, grad: Tensor) -> Given:
    x, y = ctx.saved_tensors
    _, stride, dilation, crop, groups = ctx.words
    place, wanted, dx, dy = (stride, dilation, crop), ctx.needs_input_grad, None, None
    if wanted[0]:
        dx = conv(y.conj(), grad, None, *place, x.shape[2:], groups, "never")
    if wanted[1]:
        dy = conv_transpose(x.conj(), grad, None, *place, y.shape[2:], groups, "never")
    return dx, dy, *(None for _ in ctx.words)


def _over_channels(grad: Tensor) -> Tensor:
    """Return the gradient of a bias."""
    return grad.sum([0, *range(2, grad.ndim)])


def _tangent(operator: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return the forward derivative of a map that is linear in each of its tensors."""

    def tangent(ctx: Any, *tangents: Any) -> Tensor:
        first, second, *bias = ctx.saved_tensors
        none = (None,) * len(bias)
        terms = []
        if tangents[0] is not None:
            terms.append(operator(tangents[0], second, *none, *ctx.words))
        if tangents[1] is not None:
            terms.append(operator(first, tangents[1], *none, *ctx.words))
        if bias and tangents[2] is not None:
            along = tangents[2].reshape(-1, *(1,) * (len(ctx.shape) - 2))
            terms.append(along.expand(ctx.shape))
        return sum(terms[1:], terms[0])

    return tangent


# Batches of calls: one call, whose images or whose groups they are.


def _batched(operator: Callable[..., Tensor], groups_at: int) -> Callable[..., Batched]:
    """Return the rule of :func:`conv_transpose` or :func:`conv`; `groups_at` is among the words."""

    def rule(info: Any, in_dims: Given, *inputs: Any) -> Batched:
        (x, weight, bias), words = _split(inputs)
        x_dim, weight_dim, bias_dim = in_dims[:3]
        count = info.batch_size
        if weight_dim is None:
            plain = bias if bias_dim is None else None
            images = x.movedim(x_dim, 0).flatten(0, 1) if x_dim is not None else x
            y = operator(images, weight, plain, *words)
            if x_dim is not None:
                y = y.unflatten(0, (count, -1) if len(x) else (count, x.shape[1]))
            if bias_dim is None:
                return y, 0
            y = y if x_dim is not None else y.unsqueeze(0)
            along = bias.movedim(bias_dim, 0)
            return y + along.reshape(count, 1, -1, *(1,) * (weight.ndim - 2)), 0
        x = _as_groups(x, x_dim, 1, count)
        if bias is not None:
            bias = _as_groups(bias, bias_dim, 0, count)
        weight = weight.movedim(weight_dim, 0).flatten(0, 1)
        words = (*words[:groups_at], words[groups_at] * count, *words[groups_at + 1 :])
        return operator(x, weight, bias, *words).unflatten(1, (count, -1)), 1

    return rule


def _batched_weight_gradient(info: Any, in_dims: Given, *inputs: Any) -> Batched:
    (x, y), (*words, groups) = _split(inputs)
    x, y = (_as_groups(t, d, 1, info.batch_size) for t, d in ((x, in_dims[0]), (y, in_dims[1])))
    w = weight_gradient(x, y, *words, groups * info.batch_size)
    return w.unflatten(0, (info.batch_size, -1)), 0


def _as_groups(tensor: Tensor, batch: int | None, channels: int, count: int) -> Tensor:
    """Put a batch, or as many copies, beside the channels: (…, C, …) -> (…, B·C, …)."""
    if batch is None:
        tensor = tensor.unsqueeze(channels)
        sizes = [-1] * tensor.ndim
        sizes[channels] = count
        tensor = tensor.expand(sizes)
    else:
        tensor = tensor.movedim(batch, channels)
    return tensor.flatten(channels, channels + 1)


# Sizes, as they are told where nothing is computed.


def _like_conv_transpose(
    x: Tensor, weight: Tensor, bias: Any, _s: Any, _d: Any, _c: Any, size: Any, groups: int, *_: Any
) -> Tensor:
    shape = (x.shape[0], weight.shape[1] * groups, *size)
    return empty(shape, x, is_channels_last(x, weight))


def _like_conv(
    y: Tensor, weight: Tensor, bias: Any, _s: Any, _d: Any, _c: Any, size: Any, *_: Any
) -> Tensor:
    return empty((y.shape[0], weight.shape[0], *size), y, is_channels_last(y, weight))


def _like_weight_gradient(
    x: Tensor, y: Tensor, kernel: Any, _s: Any, _d: Any, _c: Any, groups: int
) -> Tensor:
    return empty((x.shape[1], y.shape[1] // groups, *kernel), x, last=False)


class ConvTranspose(torch.autograd.Function):
    """:func:`conv_transpose` for ``torch.func`` and forward mode."""

    setup_context = staticmethod(_save)
    backward = staticmethod(_conv_transpose_gradients)
    jvp = staticmethod(_tangent(conv_transpose))
    vmap = staticmethod(_batched(conv_transpose, 4))
    like = staticmethod(_like_conv_transpose)

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        """Call the operator."""
        return torch.ops.tconv.conv_transpose.default(*inputs)


class Conv(torch.autograd.Function):
    """:func:`conv` for ``torch.func`` and forward mode."""

    setup_context = staticmethod(_save)
    backward = staticmethod(_conv_gradients)
    jvp = staticmethod(_tangent(conv))
    vmap = staticmethod(_batched(conv, 4))
    like = staticmethod(_like_conv)

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        """Call the operator."""
        return torch.ops.tconv.conv.default(*inputs)


class WeightGradient(torch.autograd.Function):
    """:func:`weight_gradient` for ``torch.func`` and forward mode."""

    setup_context = staticmethod(_save)
    backward = staticmethod(_weight_gradient_gradients)
    jvp = staticmethod(_tangent(weight_gradient))
    vmap = staticmethod(_batched_weight_gradient)
    like = staticmethod(_like_weight_gradient)

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        """Call the operator."""
        return torch.ops.tconv.weight_gradient.default(*inputs)


def _register(function: type[torch.autograd.Function], name: str) -> None:
    full = f"{LIBRARY.ns}::{name}"
    LIBRARY.define(name + SCHEMAS[name], tags=(torch.Tag.pt2_compliant_tag,))
    LIBRARY.impl(name, getattr(kernels, name), "CPU")
    torch.library.register_fake(full, function.like, lib=LIBRARY)
    torch.library.register_vmap(full, function.vmap, lib=LIBRARY)
    torch.library.register_autograd(
        full, function.backward, setup_context=function.setup_context, lib=LIBRARY
    )


_register(ConvTranspose, "conv_transpose")
_register(Conv, "conv")
_register(WeightGradient, "weight_gradient")
