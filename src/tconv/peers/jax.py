"""``jax.lax.conv_transpose`` and, with groups, ``jax.lax.conv_general_dilated`` on the CPU."""

import numpy as np

from tconv.conventions.jax import JAX
from tconv.geometry import Geometry
from tconv.peers.installed import installed, quiet
from tconv.peers.layout import Array, channels_first, channels_last, kernel_last

NAME = "JAX"
DTYPES = ("float32", "float64", "complex64", "complex128", "int64")


def available() -> str | None:
    """Return JAX's version if it is installed."""
    return installed("jax", "jaxlib")


def run(x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Compute with JAX."""
    words = JAX.words(geometry, groups)
    kernel = kernel_last(weight) if groups == 1 else grouped_kernel(weight, groups)
    with quiet():
        import jax

        compute = jax.lax.conv_transpose if groups == 1 else jax.lax.conv_general_dilated
        with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
            return channels_first(np.asarray(compute(channels_last(x), kernel, **words)))


def grouped_kernel(weight: Array, groups: int) -> Array:
    """Turn (C_in, C_out/groups, *K) into (*K, C_in/groups, C_out), flipped."""
    in_channels, out_channels, *size = weight.shape
    blocks = weight.reshape(groups, in_channels // groups, out_channels, *size)
    kernel = np.concatenate(list(blocks), axis=1)
    return np.flip(np.moveaxis(kernel, (0, 1), (-2, -1)), tuple(range(len(size))))
