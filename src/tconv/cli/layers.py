"""The layer that ``tconv upsample`` applies: a named kernel, or weights from a file."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tconv.functional import METHODS, conv_transpose
from tconv.geometry import Geometry
from tconv.interpolation.resampling import Resampling
from tconv.interpolation.upsampling import Upsampler
from tconv.media import MediaError, open_media

WEIGHT_SUFFIXES = (".npy", ".npz")
PATIENCE = 2**28  # multiply-adds of a definition that a check may take


class Layer(Protocol):
    """Makes rows of the output from rows of the input; arrays are (C, *spatial)."""

    @property
    def output_size(self) -> tuple[int, ...]:
        """O, the spatial axes."""

    @property
    def geometry(self) -> Geometry | None:
        """Its sizes and places, where it is a transposed convolution of which all outputs stay."""

    @property
    def weight(self) -> NDArray[Any]:
        """One kernel for every channel, (*K), or (C_in, C_out/groups, *K)."""

    @property
    def gains(self) -> NDArray[Any] | None:
        """What a constant 1 becomes in the phases, where one kernel serves every channel."""

    def macs(self, channels: int) -> int:
        """Return the multiply-accumulates for so many channels."""

    def input_rows(self, start: int, stop: int) -> tuple[int, int]:
        """Return the rows of the input that output rows [start, stop) need."""

    def rows(self, x: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        """Return output rows [start, stop) from the input rows they need."""


class Weighted:
    """A layer given by its weights, as trained: no care of borders.

    Parameters
    ----------
    weight : ndarray, (C_in, C_out/groups, *K), or (*K) for every channel alike
    bias : ndarray, (C_out,), or None
    geometry : Geometry
    groups : int
    method : str
    """

    def __init__(
        self,
        weight: NDArray[Any],
        bias: NDArray[Any] | None,
        geometry: Geometry,
        groups: int = 1,
        method: str = "auto",
    ) -> None:
        self._weight = weight
        self.bias = bias
        self._geometry = geometry
        self.groups = groups
        self.method = method

    @property
    def weight(self) -> NDArray[Any]:
        """The weights, as given."""
        return self._weight

    @property
    def geometry(self) -> Geometry:
        """Its sizes and places."""
        return self._geometry

    @property
    def output_size(self) -> tuple[int, ...]:
        """O, the spatial axes."""
        return self.geometry.output_size

    @property
    def bare(self) -> bool:
        """Whether the weight is one kernel for every channel."""
        return self.weight.ndim == self.geometry.rank

    @property
    def out_channels(self) -> int:
        """Channels of the output, where the weight mixes channels."""
        return int(self._weight.shape[1]) * self.groups

    @property
    def gains(self) -> NDArray[Any] | None:
        """What a constant 1 becomes in each phase, where one kernel serves every channel."""
        if not self.bare:
            return None
        phases = np.ndindex(*(min(a.stride, a.output_size) for a in self.geometry.axes))
        return np.array([self._gain(first) for first in phases])

    def macs(self, channels: int) -> int:
        """Return the multiply-accumulates for a picture of so many channels."""
        if self.bare:
            return self.geometry.macs(batch=channels)
        in_channels, out_channels = self.weight.shape[:2]
        return self.geometry.macs(1, in_channels, out_channels * self.groups, self.groups)

    def input_rows(self, start: int, stop: int) -> tuple[int, int]:
        """Return the rows of the input that output rows [start, stop) need."""
        return self.geometry.axes[0].tile(start, stop)[0]

    def rows(self, x: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        """Return output rows [start, stop) from the input rows they need."""
        whole = [(0, size) for size in self.geometry.output_size[1:]]
        windows, tile = self.geometry.tile([(start, stop), *whole])
        x = x[(slice(None), slice(None), *(slice(*window) for window in windows[1:]))]
        weight, bias = self._weight, self.bias
        if self.bare:
            x, weight = x[:, np.newaxis], weight[np.newaxis, np.newaxis]
        else:
            x = x[np.newaxis]
        y = conv_transpose(
            x, weight.astype(x.dtype), None if bias is None else bias.astype(x.dtype),
            tile.stride, tile.crop, 0, self.groups, tile.dilation, method=self.method,
        )  # fmt: skip
        return y[:, 0] if self.bare else y[0]

    def _gain(self, first: tuple[int, ...]) -> Any:
        phase = [axis.phase(o) for axis, o in zip(self.geometry.axes, first, strict=True)]
        return self.weight[np.ix_(*self.geometry.taps(phase))].sum()


def read_weights(path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Read a weight, and a bias if there is one, from ``.npy`` or ``.npz``.

    An ``.npz`` holds ``weight`` and perhaps ``bias``, or a single array.

    Raises
    ------
    MediaError
        If the file cannot be read or holds something else.
    """
    weight, *bias = _arrays(path)
    for array in (weight, *bias):
        if array.dtype.kind not in "iuf":
            raise MediaError(f"{path} holds {array.dtype} values; weights are real numbers")
        if not np.isfinite(array).all():
            raise MediaError(f"{path} holds NaN or infinity; weights are finite")
    return weight, bias[0] if bias else None


def _arrays(path: Path) -> list[NDArray[Any]]:
    if path.suffix.lower() == ".npy":
        with open_media(path) as source:
            if source.kind != "array":
                raise MediaError(f"{path} is a {source.kind}, not an array of weights")
            return [source.read(0, source.shape[0])]
    if not path.is_file():
        raise MediaError(f"{path} is not a file")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
    except Exception:  # a hostile archive fails in as many ways as zip and .npy headers have
        raise MediaError(f"{path} is not a readable .npz archive of arrays") from None
    if len(arrays) == 1:
        return list(arrays.values())
    if "weight" not in arrays or set(arrays) - {"weight", "bias"}:
        raise MediaError(f"{path} must hold 'weight' and perhaps 'bias', not {sorted(arrays)}")
    return [arrays[name] for name in ("weight", "bias") if name in arrays]


def agreement(layer: Layer, groups: int, x: NDArray[Any]) -> dict[str, float]:
    """Compare every method on a crop of the input, (C, *I), in float64.

    Where not every output of the transposed convolution stays, axis by axis, on one line of it.

    Parameters
    ----------
    layer : Layer
        For inputs of the crop's size.
    groups : int
    x : ndarray

    Returns
    -------
    dict of str to float
        Largest difference from the stamps, over the largest value; empty where the definitions
        would take too long.
    """
    x = x.astype(np.float64)
    g = layer.geometry
    if g is None:
        assert isinstance(layer, Upsampler)
        return _axis_by_axis(layer, x)
    weight = layer.weight
    bare = weight.ndim == x.ndim - 1
    x = x[:, np.newaxis] if bare else x[np.newaxis]
    weight = weight[np.newaxis, np.newaxis] if bare else weight
    return _differences(
        lambda method: conv_transpose(
            x, weight, None, g.stride, g.crop, 0, groups, g.dilation, method=method
        )
    )


def _axis_by_axis(layer: Upsampler, x: NDArray[Any]) -> dict[str, float]:
    worst: dict[str, float] = {}
    for a, axis in enumerate(layer.axes):
        if axis.stays:
            continue
        if axis.laid_out * axis.period * axis.input_size > PATIENCE:
            return {}
        line = np.moveaxis(x[0], a, -1).reshape(-1, axis.input_size)[:1]
        first, end = axis.window(0, axis.output_size)
        outputs = (line[:, first:end], 0, axis.output_size)
        found = _differences(partial(_resampled, axis, *outputs))
        worst = {name: max(gap, worst.get(name, 0.0)) for name, gap in found.items()}
    return worst


def _resampled(
    axis: Resampling, line: NDArray[Any], start: int, stop: int, method: str
) -> NDArray[Any]:
    return Upsampler([axis], method).rows(line, start, stop)


def _differences(compute: Callable[[str], NDArray[Any]]) -> dict[str, float]:
    results = {method: compute(method) for method in METHODS}
    stamps = results["scatter"]
    size = float(np.abs(stamps).max()) or 1.0
    return {name: float(np.abs(y - stamps).max()) / size for name, y in results.items()}
