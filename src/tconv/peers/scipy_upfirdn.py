"""``scipy.signal.upfirdn``, the one-dimensional ancestor: upsample by s, then filter."""

import numpy as np

from tconv.conventions.base import Inexpressible
from tconv.geometry import Geometry
from tconv.peers.installed import installed
from tconv.peers.layout import Array
from tconv.reference.cells import by_group, cropped

NAME = "scipy upfirdn"
DTYPES = ("float32", "float64", "complex64", "complex128")


def available() -> str | None:
    """Return SciPy's version if it is installed."""
    return installed("scipy")


def run(x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Compute with SciPy, one filter at a time."""
    if geometry.rank > 1:
        raise Inexpressible(f"upfirdn filters one axis, not {geometry.rank}")
    if geometry.dilation != (1,):
        raise Inexpressible("upfirdn has no dilation: put zeros between the filter's taps")
    from scipy.signal import upfirdn

    x, weight = by_group(x, 1, groups), by_group(weight, 0, groups)
    batch, _, in_channels, _ = x.shape
    full = np.zeros((batch, groups, weight.shape[2], *geometry.full), x.dtype)
    for g, i, o in np.ndindex(groups, in_channels, weight.shape[2]):
        full[:, g, o] += upfirdn(weight[g, i, o], x[:, g, i], up=geometry.stride[0])
    return cropped(full.reshape(batch, -1, *geometry.full), geometry.crop)
