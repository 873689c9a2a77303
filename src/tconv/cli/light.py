"""Stored pixels and samples to the numbers that are interpolated, and back."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Gamma = Literal["srgb", "linear"]


@dataclass(frozen=True)
class Light:
    """How values are turned into light before interpolation.

    Parameters
    ----------
    dtype : dtype
        As stored.
    gamma : {"srgb", "linear"}
        Interpolate the stored values, or the light that the sRGB curve (IEC 61966-2-1) says they
        stand for.
    alpha : int or None
        Channel that weighs the others, so that colours under transparent pixels do not bleed.

    Examples
    --------
    >>> light = Light(np.dtype(np.uint8), "linear")
    >>> values = light.decode(np.array([[0, 188, 255]], np.uint8))
    >>> values.round(2), light.encode(values)
    (array([[0. , 0.5, 1. ]], dtype=float32), array([[  0, 188, 255]], dtype=uint8))
    """

    dtype: np.dtype[Any]
    gamma: Gamma = "srgb"
    alpha: int | None = None

    def __post_init__(self) -> None:
        if self.gamma == "linear" and self.dtype.kind != "u":
            raise ValueError(f"--gamma linear is for 8- and 16-bit pictures, not {self.dtype}")

    @property
    def work(self) -> np.dtype[Any]:
        """The float dtype that holds every stored value exactly."""
        if self.dtype.kind in "fc":
            return np.result_type(self.dtype, np.float32)
        return np.dtype(np.float32 if self.dtype.itemsize <= 2 else np.float64)

    def decode(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Turn stored values, channels first, into numbers to interpolate."""
        values = stored.astype(self.work)
        if self.gamma == "linear":
            codes = np.arange(self._top + 1, dtype=np.float64) / self._top
            low, high = codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4
            curve = np.where(codes <= 0.04045, low, high).astype(self.work)
            for c in self._colours(values):
                values[c] = curve[stored[c]]
        if self.alpha is not None:
            for c in self._colours(values):
                values[c] *= values[self.alpha]
        return values

    def encode(self, values: NDArray[Any]) -> NDArray[Any]:
        """Turn interpolated numbers back into stored values, rounded and kept in range."""
        if self.alpha is not None:
            opaque = values[self.alpha] > 0
            for c in self._colours(values):
                values[c] = np.divide(
                    values[c], values[self.alpha], out=np.zeros_like(values[c]), where=opaque
                )
        if self.gamma == "linear":
            for c in self._colours(values):
                light = np.clip(values[c], 0, 1)
                low, high = light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055
                values[c] = np.where(light <= 0.0031308, low, high) * self._top
        if self.dtype.kind not in "iu":
            return values.astype(self.dtype, copy=False)
        limits = np.iinfo(self.dtype)
        rounded = np.floor(values + values.dtype.type(0.5))
        stored: NDArray[Any] = np.clip(rounded, limits.min, limits.max).astype(self.dtype)
        return stored

    @property
    def _top(self) -> int:
        return int(np.iinfo(self.dtype).max)

    def _colours(self, values: NDArray[Any]) -> list[int]:
        return [c for c in range(len(values)) if c != self.alpha]
