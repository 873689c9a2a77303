"""The direct convolution whose transpose the layer is, window by window."""

from tconv.explanation.trace.direct import (
    direct_corner,
    direct_input_cells,
    direct_input_panel,
    direct_output_cells,
    direct_output_panel,
)
from tconv.explanation.trace.grids import kernel_cells, kernel_panel
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import CELL, Step, Trace, places
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.sizes import convolution_sizes
from tconv.explanation.trace.windows import Window, filters
from tconv.explanation.trace.words import at, counted, named, span


def convolution(layer: Layer) -> Trace:
    """Trace the outputs of the direct convolution of `x`, which has the layer's output size."""
    geometry = layer.geometry
    panels = (
        direct_input_panel(layer, "input", "input", layer.x),
        kernel_panel(layer),
        direct_output_panel(layer, "output", "output"),
    )
    kernel, y = kernel_cells(layer, 1), direct_output_cells(layer, 2)
    window, recorder = Window(geometry, direct_input_cells(layer, 0)), Recorder(panels)
    steps = []
    for out, *position in places((len(layer.weight), *geometry.input_size)):
        channels = layer.outputs_of(out)
        first = direct_corner(geometry, tuple(position))
        read = window(first, channels)
        taps = filters(geometry, [(out, layer.of_group(c)) for c in channels], kernel)
        target = y((out, *position))
        writes = [
            recorder.multiply(target, cell, tap)
            for cell, tap in zip(read, taps, strict=True)
            if panels[0].kinds[cell.cell] == CELL
        ]
        shown = panels[2].index(target.cell)
        zeros = len(read) - len(writes)
        steps.append(
            Step(
                say=f"output {at(shown)} sums the window {span(*window.corners(first))} of the "
                f"input: {counted(len(read), 'product')}"
                + (f", {zeros} by a zero of the padding" if zeros else ""),
                formula=recorder.equation(named("y", shown), target),
                focus=(target,),
                reads=(*read, *taps),
                writes=tuple(writes),
            )
        )
    return Trace(
        view="convolution",
        title="Direct convolution, whose transpose the layer is",
        geometry=geometry,
        sizes=convolution_sizes(geometry),
        panels=panels,
        steps=tuple(steps),
        result=2,
    )
