"""The layers that are timed: real ones, and hard ones that peers are known to be slow at."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tconv

Array = NDArray[Any]
DATA = Path(__file__).parent / "data" / "real_layers.json"
QUICK_GMACS = 0.45


@dataclass(frozen=True, slots=True)
class Layer:
    """One transposed convolution as a model contains it.

    Parameters
    ----------
    name, model, source : str
        The model, and the public file that its sizes were read from.
    batch, in_channels, out_channels, groups : int
    spatial, kernel, stride, padding, output_padding, dilation : tuple of int
        In PyTorch's words, one an axis.
    bias, core : bool
    lengths : tuple of int
        (shortest, longest, how many): instead of `spatial`, one axis of that many different
        lengths a call, none of which has been seen before in the process.
    """

    name: str
    batch: int
    in_channels: int
    out_channels: int
    spatial: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    output_padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1
    bias: bool = True
    core: bool = False
    model: str = ""
    source: str = ""
    lengths: tuple[int, ...] = ()

    @classmethod
    def of(cls, entry: dict[str, Any]) -> "Layer":
        """Make a layer from an entry of the data file; what it does not know is left out."""
        known = {field.name for field in fields(cls)} & set(entry)
        words: dict[str, Any] = {
            name: tuple(entry[name]) if isinstance(entry[name], list) else entry[name]
            for name in known
        }
        return cls(**words)

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel)

    @property
    def words(self) -> dict[str, Any]:
        """Its parameters as keywords of tconv's functions."""
        names = ("stride", "padding", "output_padding", "groups", "dilation")
        return {name: getattr(self, name) for name in names}

    def geometry(self, spatial: tuple[int, ...] | None = None) -> tconv.Geometry:
        """Return the geometry at this input size, or at the layer's own."""
        return tconv.Geometry.of(
            spatial or self.spatial, self.kernel, self.stride, self.padding,
            self.output_padding, self.dilation,
        )  # fmt: skip

    def sizes(self, turn: int = 0) -> list[tuple[int, ...]]:
        """Return the input sizes of one call: one, or those of the given turn of lengths."""
        if not self.lengths:
            return [self.spatial]
        shortest, longest, count = self.lengths
        turns = (longest - shortest + 1) // count
        taken = np.arange(shortest + turn % turns, longest + 1, turns)[:count]
        return [(int(n),) for n in np.random.default_rng(turn % turns).permutation(taken)]

    def macs(self) -> int:
        """Return the useful multiply-adds of one call, what falls outside the crop left out."""
        return sum(
            self.geometry(size).macs(self.batch, self.in_channels, self.out_channels, self.groups)
            for size in self.sizes()
        )

    def values(self) -> int:
        """Return how many values one call must read and write at least once."""
        weight = self.in_channels * self.out_channels // self.groups * prod(self.kernel)
        bias = self.out_channels * self.bias
        return sum(
            self.batch * self.in_channels * prod(size)
            + self.batch * self.out_channels * prod(self.geometry(size).output_size)
            + weight
            + bias
            for size in self.sizes()
        )

    def parameters(self, dtype: str) -> tuple[Array, Array | None]:
        """Return a random weight and bias: the same in every process."""
        random = np.random.default_rng(zlib.crc32(self.name.encode()))
        shape = (self.in_channels, self.out_channels // self.groups, *self.kernel)
        weight = random.standard_normal(shape, np.float32)
        bias = random.standard_normal(self.out_channels, np.float32) if self.bias else None
        return weight.astype(dtype), None if bias is None else bias.astype(dtype)

    def inputs(self, dtype: str, turn: int = 0) -> Iterator[Array]:
        """Yield the random inputs of one call; those of different lengths share their memory."""
        random = np.random.default_rng(zlib.crc32(self.name.encode()) + 1)
        sizes = self.sizes(turn)
        values = self.batch * self.in_channels
        flat = random.standard_normal(values * max(map(prod, sizes)), np.float32).astype(dtype)
        for size in sizes:
            yield flat[: values * prod(size)].reshape(self.batch, self.in_channels, *size)


def real() -> list[Layer]:
    """Return the layers read from public models.

    Examples
    --------
    >>> len(real()) > 100, sum(layer.core for layer in real())
    (True, 40)
    """
    return [Layer.of(entry) for entry in json.loads(DATA.read_text("utf-8"))]


def quick() -> list[Layer]:
    """Return the core layers that take little time."""
    return [one for one in real() if one.core and one.macs() < QUICK_GMACS * 1e9]


def _line(
    name: str, batch: int, channels: tuple[int, int], length: int, *numbers: int, **more: Any
) -> Layer:
    kernel, stride, padding, extra, groups = numbers
    return Layer(
        name, batch, *channels, (length,), (kernel,), (stride,), (padding,), (extra,), (1,),
        groups, model="hard", **more,
    )  # fmt: skip


def _doubling(channels: tuple[int, int], spatial: tuple[int, int, int]) -> Layer:
    none, two = (0,) * 3, (2,) * 3
    name = f"volume.{channels[0]}_{channels[1]}"
    return Layer(name, 1, *channels, spatial, two, two, none, none, (1,) * 3, model="hard")


_ISTFT = _line("istft", 1, (1026, 1), 224, 1024, 256, 0, 0, 1, bias=False)
HARD: tuple[Layer, ...] = (
    _ISTFT,
    replace(_ISTFT, name="istft.lengths", lengths=(500, 5000, 100)),
    _line("stft.decoder", 12, (2049, 1), 340, 4096, 1024, 0, 0, 1, bias=False),
    _line("line.dense", 16, (512, 512), 32, 6, 3, 2, 1, 1),
    _line("line.depthwise", 16, (512, 512), 32, 6, 3, 2, 1, 512),
    _line("line.depthwise_k12", 8, (256, 256), 1000, 12, 6, 3, 0, 256),
    _doubling((320, 320), (8, 10, 12)),
    _doubling((256, 128), (16, 20, 24)),
    _doubling((128, 64), (32, 40, 48)),
    _doubling((64, 32), (64, 80, 96)),
    _line("line.long", 1, (64, 32), 40000, 4, 2, 1, 0, 1),
)
