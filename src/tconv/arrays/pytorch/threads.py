"""The engine's work on PyTorch's own threads.

Two pools would compete: idle threads of OpenMP spin for a while after each of PyTorch's operators.
So calls on tensors run on PyTorch's, as many as ``torch.set_num_threads`` says.
"""

import ctypes
from pathlib import Path

import torch

from tconv.engine import native

FUNCTION = "torch_parallel_for"  # of PyTorch's stable C interface, since 2.10


def _address() -> int:
    """Return where the function lies; 0 in versions that have none."""
    for library in Path(torch.__file__).parent.glob("lib/*torch_cpu.*"):
        try:
            function = getattr(ctypes.CDLL(str(library)), FUNCTION)
        except (OSError, AttributeError):
            continue
        return ctypes.cast(function, ctypes.c_void_p).value or 0
    return 0


class Hosted:
    """Within this context the engine uses PyTorch's threads."""

    def __enter__(self) -> None:
        native.set_hosted_threads(torch.get_num_threads())

    def __exit__(self, *_error: object) -> None:
        native.set_hosted_threads(0)


hosted = Hosted()
native.set_host(_address())
