"""Exported models: the calls of operators in a graph, made the modules that they were.

What :func:`torch.export.export` gives calls ``aten.conv_transpose2d`` and ``aten.batch_norm`` as
functions. As modules with the same parameters they are replaced as those of any other model are.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import torch
from torch import fx, nn

from tconv.nn.accelerate.links import DIRECT, NORMS, TRANSPOSED

aten = torch.ops.aten
WORDS = ("stride", "padding", "output_padding", "groups", "dilation")
PLAIN = ("stride", "padding", "dilation", "groups")
TRANSPOSED_CALLS = dict(
    zip(
        (aten.conv_transpose1d.default, aten.conv_transpose2d.input, aten.conv_transpose3d.input),
        TRANSPOSED,
        strict=True,
    )
)
DIRECT_CALLS = dict(
    zip((aten.conv1d.default, aten.conv2d.default, aten.conv3d.default), DIRECT, strict=True)
)
ACTIVATION_CALLS: dict[Any, Callable[..., nn.Module]] = {
    aten.relu.default: nn.ReLU,
    aten.relu_.default: lambda: nn.ReLU(inplace=True),
    aten.leaky_relu.default: nn.LeakyReLU,
    aten.leaky_relu_.default: lambda slope=0.01: nn.LeakyReLU(slope, inplace=True),
    aten.tanh.default: nn.Tanh,
    aten.sigmoid.default: nn.Sigmoid,
    aten.silu.default: nn.SiLU,
    aten.silu_.default: lambda: nn.SiLU(inplace=True),
    aten.gelu.default: lambda *, approximate="none": nn.GELU(approximate),
}


def lift(model: fx.GraphModule) -> Callable[[], None]:
    """Make the convolutions of a graph, and what may be folded into them, modules of their own.

    Parameters
    ----------
    model : GraphModule
        Changed in place; parameters are shared, not copied.

    Returns
    -------
    callable
        Gives the model its graph back.

    Examples
    --------
    >>> plain = nn.Sequential(nn.ConvTranspose1d(2, 3, 4), nn.ReLU()).eval()
    >>> model = torch.export.export(plain, (torch.ones(1, 2, 5),)).module()
    >>> undo = lift(model)
    >>> model.conv_transpose1d
    ConvTranspose1d(2, 3, kernel_size=(4,), stride=(1,))
    >>> undo()
    >>> hasattr(model, "conv_transpose1d")
    False
    """
    before, graph = model.graph, _copied(model.graph)
    names: list[str] = []
    convolved: set[str] = set()
    for node in list(graph.nodes):
        made = _module(model, node, convolved)
        if made is None:
            continue
        convolved.add(node.name)
        name = node.name
        while hasattr(model, name):
            name += "_"
        model.add_submodule(name, made)
        names.append(name)
        with graph.inserting_before(node):
            call = graph.call_module(name, (node.args[0],))
        call.meta = node.meta
        node.replace_all_uses_with(call)
        graph.erase_node(node)
        convolved.add(call.name)
    if names:
        model.graph = graph
        model.recompile()

    def undo() -> None:
        if names:
            model.graph = before
            model.recompile()
        while names:
            delattr(model, names.pop())

    return undo


def _copied(graph: fx.Graph) -> fx.Graph:
    copy = fx.Graph()
    copy.output(copy.graph_copy(graph, {}))
    copy.set_codegen(graph._codegen)
    return copy


def _module(model: fx.GraphModule, node: fx.Node, convolved: set[str]) -> nn.Module | None:
    """Return a call as a module; None for what is no layer, or whose weights are computed."""
    if node.op != "call_function" or not node.args or not isinstance(node.args[0], fx.Node):
        return None
    x, *rest = node.args
    if node.target in TRANSPOSED_CALLS or node.target in DIRECT_CALLS:
        return _convolution(model, node, rest)
    if x.name not in convolved:
        return None
    if node.target == aten.batch_norm.default:
        return _norm(model, node, rest)
    make = ACTIVATION_CALLS.get(node.target)
    return None if make is None else make(*rest, **node.kwargs).eval()


def _convolution(model: fx.GraphModule, node: fx.Node, rest: list[Any]) -> nn.Module | None:
    tensors = [_held(model, one) for one in (*rest, None)[:2]]
    if tensors[0] is None or (len(rest) > 1 and rest[1] is not None and tensors[1] is None):
        return None
    transposed = node.target in TRANSPOSED_CALLS
    kind = (TRANSPOSED_CALLS if transposed else DIRECT_CALLS)[node.target]
    words = dict(zip(WORDS if transposed else PLAIN, rest[2:], strict=False)) | node.kwargs
    if isinstance(words.get("padding"), str) or words.keys() - {*WORDS}:
        return None
    weight, bias = tensors
    groups = words.get("groups", 1)
    channels = [weight.shape[0], weight.shape[1] * groups]
    made = kind(
        *(channels if transposed else reversed(channels)), tuple(weight.shape[2:]),
        bias=False, device="meta", **{word: _each(value) for word, value in words.items()},
    )  # fmt: skip
    made.weight, made.bias = _parameter(weight), None if bias is None else _parameter(bias)
    return made.eval()


def _norm(model: fx.GraphModule, node: fx.Node, rest: list[Any]) -> nn.Module | None:
    *given, training, momentum, eps = rest[:7]
    weight, bias, mean, var = (_held(model, one) for one in given)
    value = node.args[0].meta.get("val")
    if training or mean is None or var is None or value is None or not 3 <= value.ndim <= 5:
        return None
    affine = weight is not None and bias is not None
    if not affine and any(one is not None for one in given[:2]):
        return None
    made = NORMS[value.ndim - 3](len(mean), eps, momentum, affine=affine, device="meta")
    if affine:
        made.weight, made.bias = _parameter(weight), _parameter(bias)
    made.running_mean, made.running_var = mean, var
    made.num_batches_tracked = None
    return made.eval()


def _held(model: fx.GraphModule, value: Any) -> Any:
    """Return the tensor that a node gets from the model; None if it is another node."""
    if isinstance(value, fx.Node) and value.op == "get_attr":
        return attrgetter(str(value.target))(model)
    return None


def _parameter(tensor: Any) -> nn.Parameter:
    if isinstance(tensor, nn.Parameter):
        return tensor
    return nn.Parameter(tensor, requires_grad=False)


def _each(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
