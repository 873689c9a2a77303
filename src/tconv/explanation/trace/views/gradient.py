"""Back-propagation: a direct convolution, and the gradient of its input made from its output's."""

from tconv.explanation.trace.direct import (
    direct_input_cells,
    direct_input_panel,
    direct_output_cells,
    direct_output_panel,
)
from tconv.explanation.trace.grids import input_panel, kernel_panel, output_panel
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import Step, Trace
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.sizes import transposed_sizes
from tconv.explanation.trace.stamping import cropped_said, stamps
from tconv.explanation.trace.values import written
from tconv.explanation.trace.windows import Window
from tconv.explanation.trace.words import at, span


def gradient(layer: Layer) -> Trace:
    """Trace the convolution's outputs: what each read above, and where its gradient goes below.

    The convolution's own values do not matter, and stay empty.
    """
    geometry = layer.geometry
    panels = (
        direct_input_panel(layer, "convolution's input", "between", None),
        kernel_panel(layer),
        direct_output_panel(layer, "convolution's output", "between"),
        input_panel(layer, "gradient of its output"),
        output_panel(layer, "gradient of its input"),
    )
    window, outputs = Window(geometry, direct_input_cells(layer, 0)), direct_output_cells(layer, 2)
    steps = []
    for stamp in stamps(layer, Recorder(panels), 3, 1, 4):
        read = window(stamp.first, layer.outputs_of(stamp.index[0]))
        shown = at(panels[3].index(stamp.source.cell))
        steps.append(
            Step(
                say=f"output {shown} of the convolution read its input at "
                f"{span(stamp.first, stamp.last)}; its gradient {written(layer.x[stamp.index])} "
                f"goes back there through the kernel{cropped_said(stamp)}",
                formula=stamp.formula,
                focus=(stamp.source,),
                reads=(*read, *stamp.kernel, outputs(stamp.index), stamp.source),
                writes=stamp.writes,
            )
        )
    return Trace(
        view="gradient",
        title="Gradient of a direct convolution with respect to its input",
        geometry=geometry,
        sizes=transposed_sizes(geometry),
        panels=panels,
        steps=tuple(steps),
        result=4,
    )
