"""The three maps as operators of ``torch.library``: sizes, derivatives, batches of calls.

Each derivative of one of them is another of them, so that derivatives of any order follow. A call
goes one of three ways. Compilers, exporters and tracers need the operator. Under the transforms of
``torch.func`` and in forward mode an operator would give no derivative, or zeros in silence: there
it is a :class:`torch.autograd.Function` with all its rules. Else nothing looks on, and the kernel
is called at once, with a lighter Function where a gradient is recorded: the dispatcher's way by
Python costs more than a small layer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function, forward_ad

from tconv.arrays.pytorch import kernels
from tconv.arrays.pytorch.memory import empty, is_channels_last

LIBRARY = torch.library.Library("tconv", "DEF")  # an operator's name changes with its meaning
PLACE = "int[] stride, int[] dilation, SymInt[] crop"
FUNCTIONALIZE = torch._C._functorch.TransformType.Functionalize
PLAIN = (Tensor, torch.nn.Parameter)
Given = tuple[Any, ...]
Batched = tuple[Tensor, int]


class Rules(NamedTuple):
    """What PyTorch asks of a map beside its values."""

    like: Callable[..., Tensor]  # an empty result
    backward: Callable[..., Given]
    jvp: Callable[..., Tensor]
    vmap: Callable[..., Batched]


class Map:
    """One of the three maps: an operator, and the way that suits a call of it."""

    def __init__(self, name: str, schema: str, rules: Rules) -> None:
        self.kernel = getattr(kernels, name)
        self.tensors = schema.count("Tensor") - 1
        LIBRARY.define(name + schema, tags=(torch.Tag.pt2_compliant_tag,))
        LIBRARY.impl(name, self.kernel, "CPU")
        full = f"{LIBRARY.ns}::{name}"
        torch.library.register_fake(full, rules.like, lib=LIBRARY)
        torch.library.register_vmap(full, rules.vmap, lib=LIBRARY)
        torch.library.register_autograd(full, rules.backward, setup_context=_save, lib=LIBRARY)
        self.operator = getattr(torch.ops.tconv, name).default
        self.transformed = _transformed(name, self.operator, rules)
        self.recorded = _recorded(name, self.kernel, rules)

    def __call__(self, *inputs: Any) -> Tensor:
        """Compute the kernel of that name, differentiably."""
        if torch.compiler.is_compiling() or _functionalized():
            return self.operator(*inputs)
        if torch._C._are_functorch_transforms_active() or forward_ad._current_level >= 0:
            return self.transformed(*inputs)
        tensors = inputs[: self.tensors]
        if _watched() or not inputs[0].is_cpu or not all(map(_is_plain, tensors)):
            return self.operator(*inputs)
        if torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors):
            return self.recorded(*inputs)
        return self.kernel(*inputs)


def _transformed(name: str, operator: Callable[..., Tensor], rules: Rules) -> Callable[..., Tensor]:
    parts = {
        "forward": operator, "setup_context": _save, "backward": rules.backward, "jvp": rules.jvp,
        "vmap": rules.vmap,
    }  # fmt: skip
    return _function(name, parts)


def _recorded(name: str, kernel: Callable[..., Tensor], rules: Rules) -> Callable[..., Tensor]:
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        y = kernel(*inputs)
        _save(ctx, inputs, y)
        return y

    parts = {"forward": forward, "backward": rules.backward}
    return _function(name, parts)


def _function(name: str, parts: dict[str, Any]) -> Callable[..., Tensor]:
    made: Any = type(name, (Function,), {word: staticmethod(part) for word, part in parts.items()})
    return made.apply


def _functionalized() -> bool:
    """Tell whether the innermost transform is ``functionalize``, which knows operators alone."""
    innermost = torch._C._functorch.peek_interpreter_stack()
    return innermost is not None and innermost.key() == FUNCTIONALIZE


def _is_plain(tensor: Tensor | None) -> bool:
    """Tell whether a kernel can read a tensor: of no other class, and no batch in disguise."""
    return tensor is None or (type(tensor) in PLAIN and torch._C._has_storage(tensor))


def _watched() -> bool:
    """Tell whether a mode, a tracer or a profiler records which operators are called."""
    return (
        torch._C._len_torch_dispatch_stack() > 0
        or torch._C._get_tracing_state() is not None
        or torch.autograd._profiler_enabled()
    )


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


def _of_conv_transpose(ctx: Any, grad: Tensor) -> Given:
    x, weight, _ = ctx.saved_tensors
    stride, dilation, crop, _, groups, reuse, *rest = ctx.words
    _check_linear(rest)
    place, wanted = (stride, dilation, crop), ctx.needs_input_grad
    dx = conv(grad, weight.conj(), None, *place, x.shape[2:], groups, reuse) if wanted[0] else None
    dw = weight_gradient(x.conj(), grad, weight.shape[2:], *place, groups) if wanted[1] else None
    return dx, dw, _over_channels(grad) if wanted[2] else None, *(None for _ in ctx.words)


def _of_conv(ctx: Any, grad: Tensor) -> Given:
    y, weight, _ = ctx.saved_tensors
    stride, dilation, crop, _, groups, reuse = ctx.words
    place, wanted = (stride, dilation, crop), ctx.needs_input_grad
    dy = dw = None
    if wanted[0]:
        dy = conv_transpose(grad, weight.conj(), None, *place, y.shape[2:], groups, reuse)
    if wanted[1]:
        dw = weight_gradient(grad, y.conj(), weight.shape[2:], *place, groups)
    return dy, dw, _over_channels(grad) if wanted[2] else None, *(None for _ in ctx.words)


def _of_weight_gradient(ctx: Any, grad: Tensor) -> Given:
    x, y = ctx.saved_tensors
    _, stride, dilation, crop, groups = ctx.words
    place, wanted, dx, dy = (stride, dilation, crop), ctx.needs_input_grad, None, None
    if wanted[0]:
        dx = conv(y.conj(), grad, None, *place, x.shape[2:], groups, "never")
    if wanted[1]:
        dy = conv_transpose(x.conj(), grad, None, *place, y.shape[2:], groups, "never")
    return dx, dy, *(None for _ in ctx.words)


def _check_linear(words: Given) -> None:
    """Refuse to differentiate a map that an activation follows; it is the second of these words."""
    if len(words) > 1 and words[1] is not None:
        raise NotImplementedError(
            f"conv_transpose with the activation {words[1]!r} fused has no gradient; "
            "apply the activation to the result"
        )


def _over_channels(grad: Tensor) -> Tensor:
    """Return the gradient of a bias."""
    return grad.sum([0, *range(2, grad.ndim)])


def _tangent(name: str) -> Callable[..., Tensor]:
    """Return the forward derivative of a map, which is linear in each of its tensors."""

    def tangent(ctx: Any, *tangents: Any) -> Tensor:
        operator = globals()[name]
        _check_linear(ctx.words[6:])
        with forward_ad._set_fwd_grad_enabled(True):  # for derivatives of this one
            first, second, *bias = map(_primal, ctx.saved_tensors)
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


def _primal(tensor: Tensor | None) -> Tensor | None:
    """Return a tensor without its tangent; those of forward derivatives around it stay."""
    return None if tensor is None else forward_ad.unpack_dual(tensor).primal


# Batches of calls: one call, whose images or whose groups they are.


def _batched(name: str) -> Callable[..., Batched]:
    """Return the rule of a map with a bias."""

    def rule(info: Any, in_dims: Given, *inputs: Any) -> Batched:
        operator = globals()[name]
        (x, weight, bias), words = _split(inputs)
        x_dim, weight_dim, bias_dim = in_dims[:3]
        count = info.batch_size
        if weight_dim is None and bias_dim is None:
            x = x.movedim(x_dim, 0)
            return operator(x.flatten(0, 1), weight, bias, *words).unflatten(0, x.shape[:2]), 0
        x, weight = _as_groups(x, x_dim, 1, count), _as_groups(weight, weight_dim, 0, count)
        if bias is not None:
            bias = _as_groups(bias, bias_dim, 0, count)
        words = (*words[:4], words[4] * count, *words[5:])  # the fifth is the number of groups
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


GROUPS = "SymInt[] size, int groups, str reuse"
conv_transpose = Map(
    "conv_transpose",
    f"(Tensor x, Tensor weight, Tensor? bias, {PLACE}, {GROUPS}, str? arithmetic=None, "
    "str? activation=None, float slope=0.0) -> Tensor",
    Rules(
        _like_conv_transpose,
        _of_conv_transpose,
        _tangent("conv_transpose"),
        _batched("conv_transpose"),
    ),
)
conv = Map(
    "conv",
    f"(Tensor y, Tensor weight, Tensor? bias, {PLACE}, {GROUPS}) -> Tensor",
    Rules(_like_conv, _of_conv, _tangent("conv"), _batched("conv")),
)
weight_gradient = Map(
    "weight_gradient",
    f"(Tensor x, Tensor y, SymInt[] kernel, {PLACE}, int groups) -> Tensor",
    Rules(
        _like_weight_gradient,
        _of_weight_gradient,
        _tangent("weight_gradient"),
        _batched_weight_gradient,
    ),
)
