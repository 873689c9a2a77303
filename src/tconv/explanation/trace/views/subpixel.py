"""Sub-pixels: one small stride-1 convolution a phase, then the phases interleave."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

import numpy as np

from tconv.explanation.constants import KERNEL_AXES, LIMITS
from tconv.explanation.trace.grids import (
    Cells,
    filled_panel,
    input_cells,
    input_panel,
    output_cells,
    output_panel,
)
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import Panel, Step, Trace, places
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.sizes import transposed_sizes
from tconv.explanation.trace.words import at, named, sums
from tconv.geometry import Geometry
from tconv.geometry.convolution import times


@dataclass(frozen=True)
class Phase:
    """A phase that at least one tap reaches: which outputs are its own, and its kernel.

    Parameters
    ----------
    name : tuple of int
        The phase, one an axis.
    outputs : tuple of range
        Every s-th output, one range an axis.
    taps : tuple of range
        The kernel elements, last first: as neighbouring inputs meet them.
    """

    name: tuple[int, ...]
    outputs: tuple[range, ...]
    taps: tuple[range, ...]

    @property
    def size(self) -> tuple[int, ...]:
        """How many outputs it has along each axis."""
        return tuple(map(len, self.outputs))

    def kernel_index(self, tap: Sequence[int]) -> tuple[int, ...]:
        """Return where a kernel element stands in the phase's kernel."""
        return tuple(taps.index(k) for taps, k in zip(self.taps, tap, strict=True))


def subpixel(layer: Layer) -> Trace:
    """Trace phase by phase, cell by cell; then each phase as it goes to its outputs."""
    geometry = layer.geometry
    phases = sorted(_phases(geometry), key=lambda phase: phase.name)
    grid = output_panel(layer)
    output, y = 2 * len(phases) + 1, output_cells(layer, 2 * len(phases) + 1)
    kernels = [_kernel_panel(layer, phase) for phase in phases]
    results = [_result_panel(layer, phase, grid, y) for phase in phases]
    panels = (input_panel(layer), *kernels, *results, grid)
    recorder = Recorder(panels)
    steps: list[Step] = []
    for number, phase in enumerate(phases):
        steps += _summed(layer, phase, recorder, 1 + number, 1 + len(phases) + number)
    for number, phase in enumerate(phases):
        steps.append(_interleaved(layer, phase, recorder, 1 + len(phases) + number, y))
    return Trace(
        view="subpixel",
        title="Transposed convolution: a small convolution a phase, interleaved",
        geometry=geometry,
        sizes=transposed_sizes(geometry),
        panels=panels,
        steps=tuple(steps),
        result=output,
    )


def _phases(geometry: Geometry) -> Iterator[Phase]:
    firsts = [range(min(axis.stride, axis.output_size)) for axis in geometry.axes]
    number = prod(map(len, firsts))
    if number > LIMITS.phases:
        raise ValueError(
            f"stride {times(geometry.stride)} makes {number} phases, more than the {LIMITS.phases} "
            "that can be shown side by side; a smaller stride shows the same"
        )
    for first in product(*firsts):
        name = tuple(axis.phase(o) for axis, o in zip(geometry.axes, first, strict=True))
        taps = geometry.taps(name)
        if all(taps):
            yield Phase(
                name,
                tuple(
                    range(o, axis.output_size, axis.stride)
                    for axis, o in zip(geometry.axes, first, strict=True)
                ),
                tuple(each[::-1] for each in taps),
            )


def _kernel_panel(layer: Layer, phase: Phase) -> Panel:
    lead = map(range, layer.weight.shape[:2])
    taps = "×".join(at(each) for each in phase.taps)
    return filled_panel(
        f"kernel of phase {at(phase.name)}",
        "kernel",
        layer.weight[np.ix_(*lead, *phase.taps)],
        KERNEL_AXES,
        label=f"{times(tuple(map(len, phase.taps)))}, turned: taps {taps}",
    )


def _result_panel(layer: Layer, phase: Phase, grid: Panel, y: Cells) -> Panel:
    shape = (layer.out_channels, *phase.size)
    cells = [y(place).cell for place in product(range(layer.out_channels), *phase.outputs)]
    held = np.empty(len(cells), object)
    held[:] = [grid.values[cell] for cell in cells]
    panel = filled_panel(f"phase {at(phase.name)}", "between", held.reshape(shape), ("channel",))
    return replace(panel, kinds=tuple(grid.kinds[cell] for cell in cells))


def _summed(
    layer: Layer, phase: Phase, recorder: Recorder, kernel: int, result: int
) -> Iterator[Step]:
    x = input_cells(layer, 0)
    taps = Cells(kernel, (*layer.weight.shape[:2], *map(len, phase.taps)))
    cells = Cells(result, (layer.out_channels, *phase.size))
    for out, *place in places((layer.out_channels, *phase.size)):
        output = tuple(own[q] for own, q in zip(phase.outputs, place, strict=True))
        target = cells((out, *place))
        pairs = [(i, phase.kernel_index(k)) for i, k in layer.geometry.reads(output)]
        writes = [
            recorder.multiply(target, x((channel, *i)), taps((channel, layer.of_group(out), *k)))
            for channel in layer.inputs_of(out)
            for i, k in pairs
        ]
        shown = recorder.panels[result].index(target.cell)
        yield Step(
            say=f"cell {at(shown)} of phase {at(phase.name)} {sums(len(writes))}",
            formula=recorder.equation(named(f"phase {at(phase.name)}", shown), target),
            focus=(target,),
            reads=tuple(ref for write in writes for ref in write.factors),
            writes=tuple(writes),
        )


def _interleaved(layer: Layer, phase: Phase, recorder: Recorder, result: int, y: Cells) -> Step:
    cells = Cells(result, (layer.out_channels, *phase.size))
    targets = (y(place) for place in product(range(layer.out_channels), *phase.outputs))
    sources = map(cells, places((layer.out_channels, *phase.size)))
    writes = [
        recorder.copy(target, source)
        for target, source in zip(targets, sources, strict=True)
        if recorder.terms(source)
    ]
    where = ",".join(
        str(own.start) if len(own) == 1 else f"{own.start}+{own.step}{letter}"
        for own, letter in zip(phase.outputs, "nml", strict=False)
    )
    return Step(
        say=f"phase {at(phase.name)} goes to its outputs, {times(layer.geometry.stride)} apart",
        formula=f"y[{where}] = phase {at(phase.name)}",
        focus=tuple(write.to for write in writes),
        reads=tuple(ref for write in writes for ref in write.factors),
        writes=tuple(writes),
    )
