"""Taps: output cell by output cell, each sums what its phase's taps read."""

from tconv.explanation.trace.grids import (
    input_cells,
    input_panel,
    kernel_cells,
    kernel_panel,
    output_cells,
    output_panel,
)
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import Step, Trace, places
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.sizes import transposed_sizes
from tconv.explanation.trace.words import at, named, sums


def gather(layer: Layer) -> Trace:
    """Trace the outputs, each with the pairs (input, kernel element) that it sums."""
    geometry = layer.geometry
    panels = (input_panel(layer), kernel_panel(layer), output_panel(layer))
    x, kernel, y = input_cells(layer, 0), kernel_cells(layer, 1), output_cells(layer, 2)
    recorder = Recorder(panels)
    steps = []
    for out in range(layer.out_channels):
        for output in places(geometry.output_size):
            target = y((out, *output))
            pairs = geometry.reads(output)
            writes = [
                recorder.multiply(
                    target, x((channel, *i)), kernel((channel, layer.of_group(out), *k))
                )
                for channel in layer.inputs_of(out)
                for i, k in pairs
            ]
            shown = panels[2].index(target.cell)
            phase = tuple(a.phase(o) for a, o in zip(geometry.axes, output, strict=True))
            steps.append(
                Step(
                    say=f"output {at(shown)}, of phase {at(phase)}, {sums(len(writes))}",
                    formula=recorder.equation(named("y", shown), target),
                    focus=(target,),
                    reads=tuple(ref for write in writes for ref in write.factors),
                    writes=tuple(writes),
                )
            )
    return Trace(
        view="gather",
        title="Transposed convolution: taps",
        geometry=geometry,
        sizes=transposed_sizes(geometry),
        panels=panels,
        steps=tuple(steps),
        result=2,
    )
