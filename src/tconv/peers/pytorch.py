"""``torch.nn.functional.conv_transpose{1,2,3}d`` on the CPU."""

import numpy as np

from tconv.conventions.pytorch import PYTORCH
from tconv.geometry import Geometry
from tconv.peers.installed import installed
from tconv.peers.layout import Array

NAME = "PyTorch"
DTYPES = ("float32", "float64", "complex64", "complex128", "int64")


def available() -> str | None:
    """Return PyTorch's version if it is installed."""
    return installed("torch")


def run(x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Compute with PyTorch."""
    words = PYTORCH.words(geometry, groups)
    import torch

    compute = getattr(torch.nn.functional, f"conv_transpose{geometry.rank}d")
    return np.asarray(compute(torch.tensor(x), torch.tensor(weight), **words))
