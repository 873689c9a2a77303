"""Calls from PyTorch that have next to no work: a small layer, many lengths, kept weights."""

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np

from tconv.engine import native

LENGTHS = 100
MEGABYTES = (0.25, 1, 8, 16)


def kinds(compiled: bool = False) -> dict[str, Callable[[], Any]]:
    """Return calls of a layer 1x8x4x4 -> 1x8x8x8 as PyTorch's and tconv's; none without PyTorch.

    `compiled` adds those that ``torch.compile`` makes, which takes a minute.
    """
    try:
        import torch
    except ImportError:
        return {}
    import tconv.nn

    torch.set_num_threads(1)
    found: dict[str, Callable[[], Any]] = {}
    for library, nn in (("torch.nn", torch.nn), ("tconv.nn", tconv.nn)):
        torch.manual_seed(0)
        found |= _of(library, nn, torch, compiled)
    return found


def _of(library: str, nn: Any, torch: Any, compiled: bool) -> dict[str, Callable[[], Any]]:
    layer = nn.ConvTranspose2d(8, 8, 4, 2, 1)
    sound = nn.ConvTranspose1d(16, 16, 8, 4, 2)
    x = torch.randn(1, 8, 4, 4)
    sounds = cycle([torch.randn(1, 16, 20 + n) for n in range(LENGTHS)])

    def without(call: Callable[[], Any], mode: Any) -> Callable[[], Any]:
        def called() -> Any:
            with mode():
                return call()

        return called

    def step() -> None:
        layer.weight.grad = None
        layer(x).sum().backward()

    found: dict[str, Callable[[], Any]] = {
        "no_grad": without(lambda: layer(x), torch.no_grad),
        "inference_mode": without(lambda: layer(x), torch.inference_mode),
        "recording a gradient": lambda: layer(x),
        "forward and backward": step,
        f"{LENGTHS} lengths in turn": without(lambda: sound(next(sounds)), torch.no_grad),
    }
    if compiled:
        model = torch.compile(torch.nn.Sequential(torch.nn.ReLU(), layer), fullgraph=True)
        found["after relu, compiled"] = without(lambda: model(x), torch.no_grad)
    return {f"{library}, {name}": call for name, call in found.items()}


def comparisons() -> dict[str, Callable[[], Any]]:
    """Return calls that compare packed weights with those of a tensor, by their megabytes."""
    found: dict[str, Callable[[], Any]] = {}
    for size in MEGABYTES:
        one = np.ones(int(size * 2**18), np.float32)
        found[f"comparing {size:g} MB of weights"] = partial(native.same_bytes, one, one.copy())
    return found
