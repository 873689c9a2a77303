"""Tensors under ``torch.autocast``."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def autocast(*tensors: Any) -> tuple[Sequence[Any], torch.dtype | None]:
    """Return tensors as ``torch.autocast`` has them, and the dtype that it gives the result.

    PyTorch's convolutions round what they read to this dtype. Here the work is done in float32, and
    the result alone is rounded.
    """
    device = tensors[0].device.type
    if device != "cpu" or not torch.is_autocast_enabled(device) or not is_cast(tensors[0].dtype):
        return tensors, None
    return [None if t is None else t.float() for t in tensors], torch.get_autocast_dtype(device)


def as_cast(y: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Round a result to the dtype that autocast gives it, if any."""
    return y if dtype is None else y.to(dtype)


def autocasts(device: str) -> bool:
    """Tell whether autocast is on for a kind of device."""
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def is_cast(dtype: torch.dtype) -> bool:
    """Tell whether autocast casts a dtype."""
    return dtype.is_floating_point and dtype != torch.float64
