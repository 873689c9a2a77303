"""Stretching: zeros between and around the inputs, then a direct convolution, kernel flipped."""

from math import prod

import numpy as np

from tconv.explanation.constants import KERNEL_AXES, LIMITS
from tconv.explanation.trace.extents import padded, padded_kinds
from tconv.explanation.trace.grids import (
    filled_panel,
    framed_cells,
    framed_panel,
    input_cells,
    input_panel,
    kernel_cells,
    output_cells,
    output_panel,
)
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import CELL, Panel, Step, Trace, places
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.sizes import transposed_sizes
from tconv.explanation.trace.windows import Window, filters
from tconv.explanation.trace.words import at, counted, named, span
from tconv.geometry.convolution import times


def stretch(layer: Layer) -> Trace:
    """Trace the outputs of the direct convolution, with the products by zeros that it makes."""
    geometry = layer.geometry
    _refuse_many(layer)
    extents = [
        padded(size, axis.stretched_pads)
        for size, axis in zip(geometry.stretched().stretched_size, geometry.axes, strict=True)
    ]
    flipped = np.flip(layer.weight, tuple(range(-geometry.rank, 0)))
    panels = (
        input_panel(layer),
        _stretched_panel(layer, extents),
        filled_panel("kernel, flipped", "kernel", flipped, KERNEL_AXES),
        output_panel(layer),
    )
    x, stretched = input_cells(layer, 0), framed_cells(len(layer.x), extents, 1)
    kernel, y = kernel_cells(layer, 2), output_cells(layer, 3)
    source = {
        stretched((channel, *(i * s for i, s in zip(position, geometry.stride, strict=True)))): x(
            (channel, *position)
        )
        for channel, *position in places(layer.x.shape)
    }
    before = [axis.stretched_pads[0] for axis in geometry.axes]
    window, recorder = Window(geometry, stretched), Recorder(panels)
    steps = []
    for out in range(layer.out_channels):
        channels = layer.inputs_of(out)
        taps = filters(geometry, [(c, layer.of_group(out)) for c in channels], kernel)
        for output in places(geometry.output_size):
            first = [o - b for o, b in zip(output, before, strict=True)]
            read = window(first, channels)
            target = y((out, *output))
            writes = [
                recorder.multiply(target, cell, tap)
                for cell, tap in zip(read, taps, strict=True)
                if panels[1].kinds[cell.cell] == CELL
            ]
            shown = panels[3].index(target.cell)
            steps.append(
                Step(
                    say=f"output {at(shown)} reads the window {span(*window.corners(first))}: "
                    f"{counted(len(read), 'product')}, {len(read) - len(writes)} by a zero that "
                    "was put there",
                    formula=recorder.equation(named("y", shown), target),
                    focus=(target,),
                    reads=(
                        *(source[write.factors[0]] for write in writes),
                        *read,
                        *taps,
                    ),
                    writes=tuple(writes),
                )
            )
    return Trace(
        view="stretch",
        title="Transposed convolution: a direct convolution of the stretched input",
        geometry=geometry,
        sizes=transposed_sizes(geometry),
        panels=panels,
        steps=tuple(steps),
        result=3,
    )


def _stretched_panel(layer: Layer, extents: list[range]) -> Panel:
    same = layer.geometry.stretched()
    kinds = [
        padded_kinds(size, axis.stretched_pads, axis.stride)
        for size, axis in zip(same.stretched_size, layer.geometry.axes, strict=True)
    ]
    values = np.zeros((len(layer.x), *map(len, extents)), object)
    inputs = (
        slice(-cells.start, -cells.start + size, axis.stride)
        for cells, size, axis in zip(extents, same.stretched_size, layer.geometry.axes, strict=True)
    )
    values[(slice(None), *inputs)] = layer.x
    return framed_panel(
        "stretched input",
        "between",
        len(layer.x),
        extents,
        kinds,
        values=values.ravel(),
        label=f"{times(same.padded_size)}: {times(same.input_size)} stretched and padded",
    )


def _refuse_many(layer: Layer) -> None:
    channels = len(layer.weight) * int(layer.weight.shape[1])
    reads = channels * prod(axis.stretched_products for axis in layer.geometry.axes)
    if reads > LIMITS.reads:
        raise ValueError(
            f"the stretched convolution makes {reads:,} products, more than the {LIMITS.reads:,} "
            "that can be followed by eye; smaller sizes show the same"
        )
