"""Tensors as arrays, without copies, and the memory format of a result."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._prims_common import suggest_memory_format

Shape = tuple[int, ...]
FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the axes of a tensor
SMALL = (torch.bfloat16, torch.float16)
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32)
WORK = dict.fromkeys(SMALL, torch.float32) | dict.fromkeys(INTEGERS, torch.int64)
DTYPES: dict[Any, np.dtype[Any]] = {
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
    torch.complex64: np.dtype(np.complex64),
    torch.complex128: np.dtype(np.complex128),
    torch.int64: np.dtype(np.int64),
}
for small, work in WORK.items():
    DTYPES[small] = DTYPES[work]  # what is computed in


def is_channels_last(x: Tensor, other: Tensor) -> bool:
    """Tell whether a result has its channels last: if either operand has, as PyTorch decides it.

    With an empty batch, and with other numbers of spatial axes than two and three, it has not.
    PyTorch's own has not either where its older code computes three dimensions.
    """
    if x.ndim not in FORMATS or x.shape[0] == 0:
        return False
    layout = FORMATS[x.ndim]
    return any(t.stride(1) == 1 and suggest_memory_format(t) == layout for t in (x, other))


def empty(shape: Sequence[int], like: Tensor, last: bool) -> Tensor:
    """Return a tensor to be written to."""
    layout = FORMATS[len(shape)] if last else torch.contiguous_format
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=layout)


def as_array(tensor: Tensor, last: bool = False) -> NDArray[Any]:
    """View a tensor as a contiguous array, (N, C, *I) or else (N, *I, C); copied if it is not so.

    Small floats become float32, and integers int64.
    """
    if tensor.dtype in WORK:
        tensor = tensor.to(WORK[tensor.dtype])
    if not last:
        return tensor.contiguous().numpy(force=True)
    tensor = tensor.contiguous(memory_format=FORMATS[tensor.ndim])
    return tensor.movedim(1, -1).numpy(force=True)
