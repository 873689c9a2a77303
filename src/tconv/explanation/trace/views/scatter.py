"""Stamps: input cell by input cell, each stamps the kernel onto the output, and stamps add."""

from tconv.explanation.trace.grids import input_panel, kernel_panel, output_panel
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import Step, Trace
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.sizes import transposed_sizes
from tconv.explanation.trace.stamping import cropped_said, stamps
from tconv.explanation.trace.values import written
from tconv.explanation.trace.words import at, span


def scatter(layer: Layer) -> Trace:
    """Trace the stamps, those parts of them included that are cropped."""
    panels = (input_panel(layer), kernel_panel(layer), output_panel(layer))
    steps = [
        Step(
            say=f"input {at(panels[0].index(stamp.source.cell))} = "
            f"{written(layer.x[stamp.index])} stamps the kernel at output "
            f"{span(stamp.first, stamp.last)}{cropped_said(stamp)}",
            formula=stamp.formula,
            focus=(stamp.source,),
            reads=(stamp.source, *stamp.kernel),
            writes=stamp.writes,
        )
        for stamp in stamps(layer, Recorder(panels), 0, 1, 2)
    ]
    return Trace(
        view="scatter",
        title="Transposed convolution: stamps",
        geometry=layer.geometry,
        sizes=transposed_sizes(layer.geometry),
        panels=panels,
        steps=tuple(steps),
        result=2,
    )
