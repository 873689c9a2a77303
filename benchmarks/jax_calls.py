"""Layers compiled by JAX: through tconv, and by JAX's own convolution, forward and gradients."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import tconv
from benchmarks.timing import timed
from tconv.conventions import JAX


class Small(NamedTuple):
    """A layer of kernel, stride and padding equal along its axes."""

    batch: int
    channels: tuple[int, int]
    size: tuple[int, ...]
    kernel: int
    stride: int
    padding: int

    def __str__(self) -> str:
        size = "×".join(map(str, self.size))
        words = f"k{self.kernel} s{self.stride} p{self.padding}"
        images = f", {self.batch} images" if self.batch > 1 else ""
        return f"{self.channels[0]}→{self.channels[1]}, {size}, {words}{images}"


LAYERS = (
    Small(1, (8, 8), (4, 4), 4, 2, 1),
    Small(1, (64, 32), (32, 32), 4, 2, 1),
    Small(64, (512, 256), (4, 4), 4, 2, 1),
    Small(1, (256, 128), (500,), 16, 8, 4),
)


def measure(
    threads: int, rounds: int, layers: tuple[Small, ...] = LAYERS
) -> Iterator[tuple[Small, dict[str, float]]]:
    """Yield for each layer the least seconds of each call; the calls take turns."""
    before = tconv.get_num_threads()
    tconv.set_num_threads(threads)
    try:
        for layer in layers:
            calls = _calls(layer)
            least = {name: min(timed(call)[0] for _ in range(5)) for name, call in calls.items()}
            for _ in range(rounds):
                for name, call in calls.items():
                    often = 1 + int(0.02 / least[name])
                    least[name] = min(least[name], *(timed(call)[0] for _ in range(often)))
            yield layer, least
    finally:
        tconv.set_num_threads(before)


def _calls(layer: Small) -> dict[str, Callable[[], Any]]:
    import jax
    from jax import lax

    random = np.random.default_rng(0)
    rank, (reads, makes) = len(layer.size), layer.channels
    x, weight = (
        jax.device_put(random.standard_normal(shape).astype(np.float32))
        for shape in ((layer.batch, reads, *layer.size), (reads, makes, *(layer.kernel,) * rank))
    )
    geometry = tconv.Geometry.of(layer.size, layer.kernel, layer.stride, layer.padding)
    words = JAX.words(geometry, 1)
    spatial = "HWD"[:rank]
    words["dimension_numbers"] = (f"NC{spatial}", f"OI{spatial}", f"NC{spatial}")
    axes = tuple(range(2, 2 + rank))
    dilated = {
        "window_strides": (1,) * rank,
        "padding": words["padding"],
        "lhs_dilation": geometry.stride,
        "dimension_numbers": (f"NC{spatial}", f"IO{spatial}", f"NC{spatial}"),
    }
    ways: dict[str, Callable[[Any, Any], Any]] = {
        "conv_general_dilated": lambda x, w: lax.conv_general_dilated(
            x, lax.rev(w, axes), **dilated
        ),
        "lax.conv_transpose": lambda x, w: lax.conv_transpose(x, w, **words),
        "tconv": lambda x, w: tconv.conv_transpose(x, w, None, layer.stride, layer.padding),
    }

    def called(function: Callable[[Any, Any], Any]) -> Callable[[], Any]:
        compiled = jax.jit(function)
        return lambda: jax.block_until_ready(compiled(x, weight))

    def squares(way: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda x, w: (way(x, w) ** 2).sum()

    forward = {name: called(way) for name, way in ways.items()}
    gradients = {
        f"{name}, gradients": called(jax.grad(squares(way), (0, 1))) for name, way in ways.items()
    }
    return {**forward, **gradients}
