"""The direct convolution whose transpose a layer is: its panels, and what its windows read."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.explanation.trace.extents import padded, padded_kinds
from tconv.explanation.trace.grids import Cells, filled_panel, framed_cells, framed_panel
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import Panel
from tconv.geometry import Geometry
from tconv.geometry.convolution import times


def direct_input_panel(layer: Layer, name: str, role: str, x: NDArray[Any] | None) -> Panel:
    """Return the panel of its padded input, of size (C_out, *O); empty where `x` is None."""
    geometry = layer.geometry
    extents = _extents(geometry)
    values = np.zeros((layer.out_channels, *map(len, extents)), object)
    inner = (
        slice(-cells.start, size - cells.start)
        for cells, size in zip(extents, geometry.output_size, strict=True)
    )
    values[(slice(None), *inner)] = x
    size = times(geometry.output_size)
    kept = times(tuple(axis.output_size + sum(axis.conv_pads) for axis in geometry.axes))
    return framed_panel(
        name,
        role,
        layer.out_channels,
        extents,
        [padded_kinds(axis.output_size, axis.conv_pads) for axis in geometry.axes],
        values=values.ravel(),
        label=size if kept == size else f"{size}, padded to {kept}",
    )


def direct_input_cells(layer: Layer, panel: int) -> Cells:
    """Place (channel, *index) of its padded input."""
    return framed_cells(layer.out_channels, _extents(layer.geometry), panel)


def direct_output_panel(layer: Layer, name: str, role: str) -> Panel:
    """Return the panel of its output, of size (C_in, *I): 0 where only padding is read."""
    values = np.full(_output_size(layer), None)
    for at, axis in enumerate(layer.geometry.axes, 1):
        idle = [i for i in range(axis.input_size) if not axis.stamps(i)]
        values[(slice(None),) * at + (idle,)] = 0
    return filled_panel(name, role, values, ("channel",))


def direct_output_cells(layer: Layer, panel: int) -> Cells:
    """Place (channel, *position) of its output."""
    return Cells(panel, _output_size(layer))


def direct_corner(geometry: Geometry, position: tuple[int, ...]) -> tuple[int, ...]:
    """Return the first input cell that an output reads."""
    along = zip(position, geometry.axes, strict=True)
    return tuple(i * axis.stride - axis.crop_start for i, axis in along)


def _extents(geometry: Geometry) -> list[range]:
    return [padded(axis.output_size, axis.conv_pads) for axis in geometry.axes]


def _output_size(layer: Layer) -> tuple[int, ...]:
    return (len(layer.weight), *layer.geometry.input_size)
