"""Sub-pixel phases: one small stride-1 convolution a phase, then the phases interleave."""

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.geometry import Geometry
from tconv.reference.cells import by_group
from tconv.reference.direct import direct


def subpixel(
    x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute phase by phase.

    Outputs o, o + s, o + 2s, … share a phase: they read neighbouring inputs through the same taps,
    ``y[s·q + r - c0] = sum over t of x[q - t]·w[k(t)]``, which is a stride-1 convolution.
    Shi et al., "Is the deconvolution layer the same as a convolutional layer?" (arXiv:1609.07009).
    Each pads its input with zeros, which are multiplied: where a weight is infinite or NaN, so are
    outputs at the border that no input reaches by it.

    Examples
    --------
    >>> x, w = np.array([[[1, 2]]]), np.array([[[1, 10, 100]]])
    >>> subpixel(x, w, Geometry.of(2, 3, stride=2))
    array([[[  1,  10, 102,  20, 200]]])
    """
    grouped = by_group(weight, 0, groups).swapaxes(1, 2)
    kernel = grouped.reshape(-1, *grouped.shape[2:])
    shape = (len(x), len(kernel), *geometry.output_size)
    y = np.zeros(shape, np.result_type(x, weight))
    for phases in product(*(axis.tapped_phases() for axis in geometry.axes)):
        taps: list[list[int]] = []
        steps: list[int] = []
        pads: list[tuple[int, int]] = []
        places: list[slice] = []
        for axis, (phase, reached, offsets) in zip(geometry.axes, phases, strict=True):
            outputs = axis.outputs(phase)
            q = (outputs.start + axis.crop_start) // axis.stride
            pads.append((offsets[-1] - q, q + len(outputs) - offsets[0] - axis.input_size))
            taps.append(list(reversed(reached)))
            steps.append(offsets.step)
            places.append(slice(outputs.start, outputs.stop, outputs.step))
        part = kernel[np.ix_(*map(range, kernel.shape[:2]), *taps)]
        to: Any = (..., *places)
        y[to] = direct(x, part, (1,) * geometry.rank, steps, pads, groups)
    return y
