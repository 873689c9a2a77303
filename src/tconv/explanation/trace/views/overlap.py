"""Overlap: how many products each output sums, counted stamp by stamp, channels left out."""

from tconv.explanation.trace.grids import input_panel, kernel_panel, output_panel
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import Step, Trace
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.sizes import transposed_sizes
from tconv.explanation.trace.stamping import cropped_said, stamps
from tconv.explanation.trace.words import at, span


def overlap(layer: Layer) -> Trace:
    """Trace the counts; values are left out, an input of ones is stamped with a kernel of ones."""
    geometry = layer.geometry
    ones = Layer.of(geometry, "ones", "ones")
    panels = (
        input_panel(ones),
        kernel_panel(ones),
        output_panel(ones, "overlap"),
    )
    steps = [
        Step(
            say=f"input {at(stamp.index[1:])} adds 1 to every output it stamps, "
            f"{span(stamp.first, stamp.last)}{cropped_said(stamp)}",
            formula=stamp.formula,
            focus=(stamp.source,),
            reads=(stamp.source, *stamp.kernel),
            writes=stamp.writes,
        )
        for stamp in stamps(ones, Recorder(panels), 0, 1, 2, count=True)
    ]
    return Trace(
        view="overlap",
        title="Overlap: how many products each output sums",
        geometry=geometry,
        sizes=transposed_sizes(geometry),
        panels=panels,
        steps=tuple(steps),
        result=2,
    )
