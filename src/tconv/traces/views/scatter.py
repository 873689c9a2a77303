"""Stamps: input cell by input cell, each stamps the kernel onto the output, and stamps add."""

from tconv.traces.grids import Places, input_panel, kernel_panel, output_panel
from tconv.traces.layer import Layer
from tconv.traces.model import Ref, Step, Trace, places
from tconv.traces.recorder import Recorder
from tconv.traces.values import Value, written
from tconv.traces.words import at, named, span


def scatter(layer: Layer) -> Trace:
    """Trace the stamps, those parts of them included that are cropped."""
    geometry = layer.geometry
    panels = (input_panel(layer), kernel_panel(layer), output_panel(layer))
    cells = Places(layer, 0, 1, 2, panels[2])
    recorder = Recorder(panels)
    per_group_in = len(layer.x) // layer.groups
    per_group_out = layer.weight.shape[1]
    steps = []
    for index in places(layer.x.shape):
        channel, position = index[0], index[1:]
        source = cells.x(channel, position)
        corner = [i * a.stride - a.crop_start for i, a in zip(position, geometry.axes, strict=True)]
        first_out = channel // per_group_in * per_group_out
        reads: list[Ref] = []
        writes = []
        for out in range(first_out, first_out + per_group_out):
            for tap in places(geometry.kernel_size):
                target = tuple(
                    o + k * a.dilation for o, k, a in zip(corner, tap, geometry.axes, strict=True)
                )
                kernel = cells.kernel(channel, out, tap)
                reads.append(kernel)
                writes.append(recorder.multiply(cells.y(out, target), source, kernel))
        last = [o + a.effective_kernel - 1 for o, a in zip(corner, geometry.axes, strict=True)]
        cut = sum(not cells.lands(write.to) for write in writes)
        shown = panels[0].index(source.cell)
        value: Value = layer.x[index]
        told = next(
            (w for w in writes if cells.lands(w.to) and w.total != w.term),
            next((w for w in writes if cells.lands(w.to)), writes[0]),
        )
        steps.append(
            Step(
                say=f"input {at(shown)} = {written(value)} stamps the kernel at output "
                f"{span(corner, last)}{_cropped(cut, len(writes))}",
                formula=recorder.equation(named("y", panels[2].index(told.to.cell)), told.to),
                focus=(source,),
                reads=(source, *reads),
                writes=tuple(writes),
            )
        )
    return Trace(
        view="scatter",
        title="Transposed convolution: stamps",
        geometry=geometry,
        sizes=tuple(geometry.derivation().splitlines()),
        panels=panels,
        steps=tuple(steps),
        result=2,
    )


def _cropped(cut: int, products: int) -> str:
    if cut == 0:
        return ""
    return "; all of it is cropped" if cut == products else f"; {cut} of {products} are cropped"
