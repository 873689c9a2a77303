"""Layers that ``torch.fx`` records as one call, as it does PyTorch's own."""

from typing import Any

from torch import nn
from torch.fx import Proxy


def record(layer: nn.Module, input: Any, *others: Any) -> Any:
    """Return what stands for a layer's result while a model is traced, None while it is not.

    Examples
    --------
    >>> import torch
    >>> from tconv.nn import ConvTranspose2d
    >>> graph = torch.fx.symbolic_trace(nn.Sequential(ConvTranspose2d(2, 3, 4), nn.ReLU()))
    >>> [node.op for node in graph.graph.nodes]
    ['placeholder', 'call_module', 'call_module', 'output']
    """
    if not isinstance(input, Proxy):
        return None
    name = input.tracer.path_of_module(layer)
    return input.tracer.create_proxy("call_module", name, (input, *others), {})
