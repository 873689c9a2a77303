"""What follows a convolution, and the proof that nothing else sees its result.

``torch.fx`` follows all that a model's Python does with tensors, but not what it hides: a flag that
another call changes. A run on an example sees what happened, but not what another input would do.
So a fold needs the first, and where there is an example, both.
"""

import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only


@dataclass
class Chain:
    """A convolution with the modules that alone read its result, one after the other."""

    conv: nn.Module
    followers: list[nn.Module] = field(default_factory=list)


class _Tracer(fx.Tracer):
    """Follows a whole model down to the modules of ``torch.nn``, and tconv's."""

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        """Tell whether a module is followed no further."""
        own = type(module).__module__.startswith("tconv.nn")
        return own or super().is_leaf_module(module, qualified_name)


def chains(model: nn.Module, convolutions: list[nn.Module]) -> tuple[list[Chain], str | None]:
    """Return what follows each convolution, and why it cannot be told if it cannot.

    A follower is the only reader of what it follows, both are called once, and neither result is
    returned or kept on a module.
    """
    try:
        with _attributes_kept(model) as kept:
            graph = model.graph if isinstance(model, fx.GraphModule) else _Tracer().trace(model)
            kept_nodes = {proxy.node for proxy in kept()}
    except Exception as error:  # whatever the model's code raises when it meets a proxy
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        return [], f"torch.fx cannot follow the model: {first}"
    modules = dict(model.named_modules(remove_duplicate=False))
    called: dict[nn.Module, list[fx.Node]] = {}
    for node in graph.nodes:
        if node.op == "call_module":
            called.setdefault(modules[node.target], []).append(node)

    def follower(node: fx.Node) -> fx.Node | None:
        if len(node.users) != 1 or node in kept_nodes:
            return None
        (user,) = node.users
        alone = user.op == "call_module" and user.args == (node,) and not user.kwargs
        return user if alone and len(called[modules[user.target]]) == 1 else None

    found = []
    for conv in convolutions:
        nodes = called.get(conv, [])
        if len(nodes) != 1:
            continue
        chain, node = Chain(conv), follower(nodes[0])
        while node is not None and len(chain.followers) < 2:
            chain.followers.append(modules[node.target])
            node = follower(node)
        found.append(chain)
    return found, None


@contextmanager
def _attributes_kept(model: nn.Module) -> Iterator[Any]:
    """Give every module its attributes back, and tell which of them held proxies meanwhile."""
    modules = list(model.modules())
    before = [dict(vars(module)) for module in modules]
    held = [
        (value, value.copy())
        for attributes in before
        for value in attributes.values()
        if isinstance(value, list | dict | set)
    ]

    def proxies() -> Iterator[fx.Proxy]:
        for module in modules:
            for value in vars(module).values():
                yield from (leaf for leaf in tree_leaves(value) if isinstance(leaf, fx.Proxy))

    try:
        yield lambda: list(proxies())
    finally:
        for module, attributes in zip(modules, before, strict=True):
            vars(module).clear()
            vars(module).update(attributes)
        for value, entries in held:
            value.clear()
            value.extend(entries) if isinstance(value, list) else value.update(entries)


class Probe(TorchDispatchMode):
    """Watches a run: which operators and modules read the result of each module watched."""

    def __init__(self, watched: list[nn.Module]) -> None:
        super().__init__()
        self.watched = watched
        self.calls: Counter[nn.Module] = Counter()
        self.inside: list[nn.Module] = []
        self.results: dict[int, tuple[nn.Module, Any]] = {}
        self.readers: dict[nn.Module, list[nn.Module | None]] = {}
        self.inputs: dict[nn.Module, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        self.kept: set[nn.Module] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note who reads what is watched, and let the operator run."""
        for leaf in tree_leaves((args, kwargs or {})):
            if isinstance(leaf, Tensor) and id(leaf) in self.results:
                maker, result = self.results[id(leaf)]
                if result() is leaf and self.inside[-1:] != [maker]:
                    reader = self.inside[-1] if self.inside else None
                    if reader not in self.readers[maker]:
                        self.readers[maker].append(reader)
        return func(*args, **(kwargs or {}))

    def run(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a model, and remember what was returned or kept of what is watched."""
        with ExitStack() as stack:
            for module in self.watched:
                stack.callback(
                    module.register_forward_pre_hook(self._enter, with_kwargs=True).remove
                )
                stack.callback(module.register_forward_hook(self._leave, always_call=True).remove)
            with torch.no_grad(), self:
                output = model(*args, **kwargs)
        self.kept = {maker for maker, result in self.results.values() if result() is not None}
        return output

    def _enter(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.calls[module] += 1
        self.inside.append(module)
        given = tree_map_only(Tensor, Tensor.detach, (args, kwargs))  # keeps no result alive
        self.inputs[module] = given

    def _leave(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        self.inside.pop()
        if isinstance(output, Tensor):
            self.results[id(output)] = module, weakref.ref(output)
            self.readers.setdefault(module, [])

    def agrees(self, conv: nn.Module, follower: nn.Module) -> bool:
        """Tell whether in this run the one alone read the other's result, and each ran once."""
        once = self.calls[conv] == self.calls[follower] == 1
        return once and self.readers.get(conv) == [follower] and conv not in self.kept
