"""The convolution matrix, its transpose, and the transpose times the flattened input."""

from collections.abc import Iterable
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.explanation.constants import LIMITS
from tconv.explanation.trace.grids import filled_panel, output_cells, output_panel
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import CELL, ZERO, Panel, Ref, Step, Trace, places
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.sizes import transposed_sizes
from tconv.explanation.trace.words import at, counted, named
from tconv.reference.matrix import entries


def matrix(layer: Layer) -> Trace:
    """Trace the rows of the transposed matrix, each an output cell."""
    geometry = layer.geometry
    refuse_large(layer)
    values, rows, columns, (inputs, outputs) = entries(layer.weight, geometry, layer.groups)
    table = np.zeros((inputs, outputs), object)
    kinds = np.full((inputs, outputs), ZERO, object)
    table[rows, columns] = values
    kinds[rows, columns] = CELL
    grid = output_panel(layer)
    y = output_cells(layer, 4)
    targets = [y(place) for place in places((layer.out_channels, *geometry.output_size))]
    panels = (
        _table("matrix C", "kernel", table, kinds),
        _table("transpose Cᵀ", "kernel", table.T, kinds.T),
        _table("input, flattened", "input", _column(layer.x.flat), np.full((inputs, 1), CELL)),
        _table(
            "output, flattened",
            "output",
            _column(grid.values[ref.cell] for ref in targets),
            _column(grid.kinds[ref.cell] for ref in targets),
        ),
        grid,
    )
    recorder = Recorder(panels)
    steps = []
    for row, target in enumerate(targets):
        flat = Ref(3, row)
        used = [column for column in range(inputs) if kinds[column, row] == CELL]
        writes = [
            recorder.multiply(flat, Ref(2, column), Ref(1, row * inputs + column))
            for column in used
        ]
        formula = recorder.equation(named("y", (row,)), flat)
        if writes:
            writes.append(recorder.copy(target, flat))
        steps.append(
            Step(
                say=f"row {row} of Cᵀ times the input is output {at(grid.index(target.cell))}: "
                f"{counted(inputs, 'product')}, {inputs - len(used)} by a zero of the matrix",
                formula=formula,
                focus=(flat, target),
                reads=(
                    *(Ref(0, column * outputs + row) for column in range(inputs)),
                    *(Ref(1, row * inputs + column) for column in range(inputs)),
                    *(Ref(2, column) for column in range(inputs)),
                ),
                writes=tuple(writes),
            )
        )
    return Trace(
        view="matrix",
        title="Transposed convolution: the transposed convolution matrix",
        geometry=geometry,
        sizes=transposed_sizes(geometry),
        panels=panels,
        steps=tuple(steps),
        result=4,
    )


def refuse_large(layer: Layer) -> None:
    """Refuse a layer whose matrix has more entries than can be read."""
    geometry = layer.geometry
    rows = len(layer.weight) * prod(geometry.input_size)
    columns = layer.out_channels * prod(geometry.output_size)
    if rows * columns > LIMITS.entries:
        raise ValueError(
            f"the convolution matrix is {rows}×{columns}, {rows * columns:,} entries, more than "
            f"the {LIMITS.entries:,} that can be followed by eye; smaller sizes show the same"
        )


def _table(name: str, role: str, values: NDArray[Any], kinds: NDArray[Any]) -> Panel:
    table = filled_panel(name, role, values, ())
    return replace(table, kinds=tuple(kinds.ravel().tolist()))


def _column(cells: Iterable[Any]) -> NDArray[Any]:
    listed = list(cells)
    column = np.empty((len(listed), 1), object)
    column[:, 0] = listed
    return column
