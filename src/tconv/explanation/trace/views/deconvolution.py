"""Adjoint against inverse: what the transposed convolution of a convolution gives back."""

from math import dist, floor, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.explanation.constants import LIMITS
from tconv.explanation.trace.direct import direct_output_panel
from tconv.explanation.trace.grids import filled_panel, kernel_panel
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import Ref, Step, Trace, Write
from tconv.explanation.trace.sizes import convolution_sizes
from tconv.explanation.trace.values import as_value, written
from tconv.explanation.trace.views.matrix import refuse_large
from tconv.explanation.trace.words import counted
from tconv.reference.matrix import dense
from tconv.symbolic import Expression


def deconvolution(layer: Layer) -> Trace:
    """Trace a convolution, its adjoint, and its least-squares inverse of least norm.

    The adjoint Aᵀ gives a convolution A·B its shape back, not its values; the inverse gives the
    shortest B that has this convolution.
    """
    refuse_large(layer)
    _refuse_letters(layer)
    geometry = layer.geometry
    matrix = dense(layer.weight, geometry, layer.groups)
    picture = layer.x.ravel()
    seen = matrix @ picture
    back = matrix.T @ seen
    found, rank = _inverse(matrix, picture, seen)
    empty = np.full(layer.x.shape, None)
    panels = (
        filled_panel("B", "input", layer.x, ("channel",)),
        kernel_panel(layer),
        direct_output_panel(layer, "C = A·B", "between"),
        filled_panel("adjoint Aᵀ·C", "output", empty, ("channel",)),
        filled_panel("inverse A⁺·C", "output", empty, ("channel",)),
    )
    given = tuple(Ref(panel, cell) for panel in (0, 1) for cell in range(len(panels[panel].kinds)))
    between = tuple(Ref(2, cell) for cell in range(len(seen)))
    sizes = f"{counted(len(seen), 'number')} of {len(picture)}"
    if rank == len(picture):
        holds = "B itself, as no other B has this C"
    else:
        holds = f"the shortest of the many B that have this C, as A keeps {rank} of {len(picture)}"
    steps = (
        Step(
            say=f"the convolution A makes C, {sizes}",
            formula="C = A·B",
            focus=between,
            reads=given,
            writes=_writes(2, seen),
        ),
        Step(
            say="the adjoint Aᵀ, which is the transposed convolution, gives C the shape of B; its "
            f"values are {_distance(back, picture)} away from B's",
            formula=f"‖Aᵀ·C - B‖ = {_distance(back, picture)}",
            focus=tuple(Ref(3, cell) for cell in range(len(picture))),
            reads=between,
            writes=_writes(3, back),
        ),
        Step(
            say=f"the inverse by least squares is {holds}: {_distance(found, picture)} away from B",
            formula=f"‖A⁺·C - B‖ = {_distance(found, picture)}",
            focus=tuple(Ref(4, cell) for cell in range(len(picture))),
            reads=between,
            writes=_writes(4, found),
        ),
    )
    return Trace(
        view="deconvolution",
        title="Deconvolution: the adjoint is not the inverse",
        geometry=geometry,
        sizes=convolution_sizes(geometry),
        panels=panels,
        steps=steps,
        result=4,
    )


def _writes(panel: int, values: NDArray[Any]) -> tuple[Write, ...]:
    held = [as_value(value) for value in values]
    return tuple(Write(Ref(panel, n), (), v, written(v), v) for n, v in enumerate(held))


def _inverse(
    matrix: NDArray[Any], picture: NDArray[Any], seen: NDArray[Any]
) -> tuple[NDArray[Any], int]:
    """Return the least-squares solution of least norm, rounded, and the matrix's rank."""
    found, _, rank, _ = np.linalg.lstsq(_floats(matrix), _floats(seen), rcond=None)
    return np.array([_rounded(value, picture) for value in found]), int(rank)


def _distance(one: NDArray[Any], picture: NDArray[Any]) -> str:
    return written(_rounded(dist(_floats(one), _floats(picture)), picture))


def _rounded(value: float, picture: NDArray[Any]) -> float:
    """Round to so many digits of the picture's largest value, below which all is rounding error."""
    largest = float(np.abs(_floats(picture)).max())
    return round(float(value), LIMITS.digits - (floor(log10(largest)) if largest else 0))


def _floats(values: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return values.astype(np.float64)
    except OverflowError:
        raise ValueError("the inverse is computed in float64, and a value is too large") from None


def _refuse_letters(layer: Layer) -> None:
    for name, values in (("x", layer.x), ("weight", layer.weight)):
        if any(isinstance(value, Expression) for value in values.flat):
            raise ValueError(
                f"deconvolution solves for numbers, but {name} holds letters; "
                'give numbers, or the word "numbers"'
            )
