"""Taps: output cell by output cell, each sums what its phase's taps read."""

from tconv.traces.grids import Places, input_panel, kernel_panel, output_panel
from tconv.traces.layer import Layer
from tconv.traces.model import Step, Trace, places
from tconv.traces.recorder import Recorder
from tconv.traces.words import at, named


def gather(layer: Layer) -> Trace:
    """Trace the outputs, each with the pairs (input, kernel element) that it sums."""
    geometry = layer.geometry
    panels = (input_panel(layer), kernel_panel(layer), output_panel(layer))
    cells = Places(layer, 0, 1, 2, panels[2])
    recorder = Recorder(panels)
    per_group_in = len(layer.x) // layer.groups
    steps = []
    for out in range(layer.out_channels):
        group = out // layer.weight.shape[1]
        channels = range(group * per_group_in, (group + 1) * per_group_in)
        for output in places(geometry.output_size):
            target = cells.y(out, output)
            writes = [
                recorder.multiply(target, cells.x(channel, i), cells.kernel(channel, out, k))
                for channel in channels
                for i, k in geometry.reads(output)
            ]
            shown = panels[2].index(target.cell)
            phase = tuple(a.phase(o) for a, o in zip(geometry.axes, output, strict=True))
            steps.append(
                Step(
                    say=f"output {at(shown)}, of phase {at(phase)}, {_sums(len(writes))}",
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
        sizes=tuple(geometry.derivation().splitlines()),
        panels=panels,
        steps=tuple(steps),
        result=2,
    )


def _sums(products: int) -> str:
    if products == 0:
        return "is reached by no input"
    return f"sums {products} product{'s' if products > 1 else ''}"
