"""Which layers of a model can be replaced, and why the others are left alone."""

from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils import parametrize

from tconv.arrays.pytorch.memory import DTYPES
from tconv.engine.activations import Activation
from tconv.nn.accelerate.links import ACTIVATIONS, DIRECT, LINK, NORMS, OWN, TRANSPOSED

HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
)  # fmt: skip


def is_transposed(module: nn.Module) -> bool:
    """Tell whether a module is a transposed convolution of PyTorch or tconv, of any kind."""
    return isinstance(module, nn.modules.conv._ConvTransposeNd)


def why_not(module: Any) -> str | None:
    """Return why a transposed convolution is left alone; None if it can be replaced."""
    kind = type(module)
    plain = parametrize.type_before_parametrizations(module)
    if hasattr(module, LINK):
        return "it is accelerated already"
    if isinstance(module, torch.jit.ScriptModule):
        return "TorchScript holds its code, not a module's"
    if any(isinstance(p, UninitializedParameter) for p in module.parameters()):
        return "its weights are not there before its first input; call the model once"
    if plain not in (*TRANSPOSED, *OWN):
        return f"{kind.__name__} is a class of its own, whose forward may do more"
    if "forward" in vars(module):
        return "its forward was replaced"
    if module.padding_mode != "zeros":
        return f"padding_mode {module.padding_mode!r} adds what is cut; tconv.nn does it already"
    weight = module.weight
    if weight.device.type != "cpu":
        return f"it is on {weight.device}; tconv computes on the CPU"
    if weight.dtype not in DTYPES or not (weight.is_floating_point() or weight.is_complex()):
        return f"its weights are {weight.dtype}"
    return None


def why_no_fold(conv: Any, norm: Any) -> str | None:
    """Return why a batch normalization cannot be folded into a convolution; None if it can."""
    if type(norm) not in NORMS or type(conv) not in (*TRANSPOSED, *OWN, *DIRECT):
        return "a class of its own"
    if norm.running_mean is None or norm.running_var is None:
        return "no running statistics"
    if conv.training or norm.training:
        return "in training; call model.eval()"
    if any(getattr(one, hooks) for one in (conv, norm) for hooks in HOOKS):
        return "a hook looks on"
    if "forward" in vars(conv) or "forward" in vars(norm):
        return "a forward was replaced"
    if not conv.weight.is_floating_point() or conv.weight.device.type != "cpu":
        return f"weights are {conv.weight.dtype} on {conv.weight.device}"
    if conv.weight.dtype != norm.running_var.dtype:
        return f"{conv.weight.dtype} with statistics in {norm.running_var.dtype}"
    return None


def activation_of(module: Any) -> Activation | None:
    """Return the activation that a module is, if the kernel can apply it."""
    name = ACTIVATIONS.get(type(module))
    if name is None or module.training or any(getattr(module, hooks) for hooks in HOOKS):
        return None
    if name == "gelu" and module.approximate != "none":
        return None
    return Activation(name, float(getattr(module, "negative_slope", 0)))
