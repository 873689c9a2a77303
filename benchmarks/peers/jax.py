"""JAX: ``jax.lax.conv_general_dilated`` of the stretched input, compiled ahead for its shape."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.layers import Array, Layer
from benchmarks.peers.base import Bind, Bound, Prepare, forward_only
from tconv.peers.installed import installed
from tconv.peers.jax import grouped_kernel
from tconv.peers.layout import channels_first, channels_last


class Jax:
    """JAX on the CPU, channels last and channels first."""

    title = "JAX"
    module = "jax"

    def version(self) -> str | None:
        """Return JAX's version if it is installed."""
        return installed("jax", "jaxlib")

    def start(self, threads: int) -> None:
        """Import it; its threads follow the CPUs that the process may use."""
        import jax

        jax.devices()

    def variants(
        self, layer: Layer, weight: Array, bias: Array | None, task: str
    ) -> dict[str, Prepare]:
        """Return both layouts."""
        forward_only(task)
        return {
            "channels last": lambda: _prepare(layer, weight, bias, last=True),
            "channels first": lambda: _prepare(layer, weight, bias, last=False),
        }


def _prepare(layer: Layer, weight: Array, bias: Array | None, *, last: bool) -> Bind:
    import jax

    jax.config.update("jax_enable_x64", weight.dtype == np.float64)
    letters = "DHW"[3 - layer.rank :]
    kernel = grouped_kernel(weight, layer.groups)  # (*K, C_in/groups, C_out)
    if not last:
        kernel = np.moveaxis(kernel, (-1, -2), (0, 1))
    w = jax.device_put(np.ascontiguousarray(kernel))
    ones = () if last else (1,) * layer.rank
    b = None if bias is None else jax.device_put(bias.reshape(-1, *ones))
    spec = (f"N{letters}C", f"{letters}IO", f"N{letters}C") if last else (
        f"NC{letters}", f"OI{letters}", f"NC{letters}")  # fmt: skip

    def compute(x: Any, w: Any, b: Any) -> Any:
        size = x.shape[1:-1] if last else x.shape[2:]
        y = jax.lax.conv_general_dilated(
            x, w, (1,) * layer.rank, layer.geometry(size).stretched().padding,
            lhs_dilation=layer.stride, rhs_dilation=layer.dilation, dimension_numbers=spec,
            feature_group_count=layer.groups,
        )  # fmt: skip
        return y if b is None else y + b

    compiled: Callable[..., Any] = jax.jit(compute)

    def bind(array: Array) -> Bound:
        x = jax.device_put(channels_last(array) if last else array)

        def read(y: Any) -> tuple[Array, ...]:
            return (channels_first(np.asarray(y)) if last else np.asarray(y),)

        return Bound(lambda: compiled(x, w, b).block_until_ready(), read)

    return bind
