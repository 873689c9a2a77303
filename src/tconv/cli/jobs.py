"""Running a layer over a file: strip by strip for pictures and sounds, whole for arrays."""

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tconv.checks import check_memory
from tconv.cli.layers import Layer, Weighted
from tconv.cli.light import Gamma, Light
from tconv.cli.progress import progress_bar
from tconv.interpolation.upsampling import Upsampler
from tconv.media import Factors, MediaError, Source

STRIP = 2**22  # output values worked on at a time: 16 MiB of float32
CROP = 12  # cells an axis of the crop that is handed out


class Job(Protocol):
    """A file's data as (C, *spatial), and how to write the enlarged ones."""

    channels: int
    spatial: tuple[int, ...]

    def run(self, layer: Layer, output: Path, scale: Factors, force: bool) -> None:
        """Apply the layer and write the output."""

    def crop(self) -> NDArray[Any]:
        """Return some cells from the middle, (C, *at most CROP)."""


class Strips:
    """A picture or a sound, worked on some rows at a time.

    Parameters
    ----------
    source : Source
    rows : int or None
        Output rows in a strip; None takes as many as fit some megabytes.
    gamma : {"srgb", "linear"}
    """

    def __init__(self, source: Source, rows: int | None, gamma: Gamma) -> None:
        self.source = source
        self.channels, *spatial = source.shape
        self.spatial = tuple(spatial)
        self._rows = rows
        self._gamma = gamma

    def run(self, layer: Layer, output: Path, scale: Factors, force: bool) -> None:
        """Apply the layer and write the output, which appears whole or not at all."""
        size = layer.output_size
        blends = isinstance(layer, Upsampler) and layer.blends
        light = Light(self.source.dtype, self._gamma, self.source.alpha if blends else None)
        sink = self.source.sink(output, size, scale=scale, force=force)
        strips = self._strips(layer, light)
        with progress_bar() as progress, sink:  # which first refuses what the disc cannot hold
            task = progress.add_task("upsampling", total=size[0])
            for strip in strips:
                if len(strip) != self.channels:
                    raise MediaError(
                        f"the weights give {len(strip)} channels, the {self.source.kind} has "
                        f"{self.channels}; use an .npy array"
                    )
                sink.write(strip)
                progress.advance(task, strip.shape[1])

    def crop(self) -> NDArray[Any]:
        """Return some cells from the middle."""
        start, *rest = _middle(self.spatial)
        return self.source.read(start.start, start.stop)[(slice(None), slice(None), *rest)]

    def _strips(self, layer: Layer, light: Light) -> Iterator[NDArray[Any]]:
        height, *across = layer.output_size
        rows = self._rows or max(1, STRIP // (self.channels * prod(across)))
        for start in range(0, height, rows):
            stop = min(start + rows, height)
            read = self.source.read(*layer.input_rows(start, stop))
            yield light.encode(layer.rows(light.decode(read), start, stop))


class Whole:
    """An array, worked on in memory.

    Parameters
    ----------
    source : Source
    layout : str or None
        One letter an axis; N and C are batch and channels, every other letter is spatial.
    rank : int or None
        Spatial axes that the weights have, where that tells the layout.
    """

    def __init__(self, source: Source, layout: str | None, rank: int | None = None) -> None:
        if source.dtype.kind == "b":
            raise MediaError(f"{source.path} holds booleans; save them as numbers")
        self.source = source
        self.layout = _layout(layout, len(source.shape), rank)
        self._spatial = [a for a, letter in enumerate(self.layout) if letter not in "NC"]
        self.spatial = tuple(source.shape[a] for a in self._spatial)
        self.channels = source.shape[self.layout.index("C")] if "C" in self.layout else 1

    def run(self, layer: Layer, output: Path, scale: Factors, force: bool) -> None:
        """Apply the layer to every batch entry and write the output."""
        light = Light(self.source.dtype)
        x = self._read()
        height, *across = layer.output_size
        produced = self.channels
        if isinstance(layer, Weighted) and not layer.bare:
            produced = layer.out_channels
        if produced != 1 and "C" not in self.layout:
            raise MediaError(f"the weights give {produced} channels; name a C axis in --layout")
        check_memory((len(x), produced, height, *across), light.work)
        each = (light.encode(layer.rows(light.decode(one), 0, height)) for one in x)
        y = next(each)[np.newaxis] if len(x) == 1 else np.stack(list(each))
        order = [letter for letter in "NC" if letter in self.layout]
        kept = y[tuple(slice(None) if letter in order else 0 for letter in "NC")]
        names = "".join(order) + "".join(self.layout[a] for a in self._spatial)
        result: NDArray[Any] = kept.transpose([names.index(letter) for letter in self.layout])
        with self.source.sink(output, result.shape, force=force) as sink:
            sink.write(np.ascontiguousarray(result))

    def crop(self) -> NDArray[Any]:
        """Return some cells from the middle."""
        cells: NDArray[Any] = self._read()[0][(slice(None), *_middle(self.spatial))]
        return cells

    def _read(self) -> NDArray[Any]:
        """Return the array as (N, C, *spatial)."""
        x: NDArray[Any] = self.source.read(0, self.source.shape[0])
        lead = [a for a in map(self.layout.find, "NC") if a >= 0]
        x = x.transpose(*lead, *self._spatial)
        if "C" not in self.layout:
            x = np.expand_dims(x, len(lead))
        batched: NDArray[Any] = x if "N" in self.layout else x[np.newaxis]
        return batched


def _layout(layout: str | None, axes: int, rank: int | None) -> str:
    if layout is None:
        lead = axes - rank if rank else 0
        if rank and 0 <= lead <= 2:
            return ("", "C", "NC")[lead] + "DHW"[-rank:].rjust(rank, "L")
        if axes <= 2:
            return "HW"[-axes:]
        raise ValueError(
            f"an array of {axes} axes can be read in several ways; say which axes to enlarge "
            f"with --layout, such as {'CHW' if axes == 3 else 'NCHW'} or {'DHWL'[:axes]}"
        )
    layout = layout.upper()
    if len(layout) != axes or len(set(layout)) != axes or not layout.isalpha():
        raise ValueError(f"--layout {layout} must name each of {axes} axes by a letter of its own")
    if not set(layout) - set("NC"):
        raise ValueError(f"--layout {layout} leaves no axis to enlarge")
    return layout


def _middle(spatial: tuple[int, ...]) -> list[slice]:
    starts = [max((size - CROP) // 2, 0) for size in spatial]
    return [slice(a, min(a + CROP, size)) for a, size in zip(starts, spatial, strict=True)]
