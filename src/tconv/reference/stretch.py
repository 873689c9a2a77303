"""Zero-stretching: insert zeros between inputs, pad, flip the kernel, convolve directly."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.checks import check_scratch
from tconv.geometry import Geometry
from tconv.reference.cells import by_group, every
from tconv.reference.direct import direct


def stretch(
    x: NDArray[Any], weight: NDArray[Any], geometry: Geometry, groups: int = 1
) -> NDArray[Any]:
    """Compute as a direct convolution of the zero-stretched input.

    Relations 12 to 14 of Dumoulin & Visin (arXiv:1603.07285), with any crop and dilation. Zeros are
    multiplied too, those between inputs and those of the padding: where a weight is infinite or NaN
    every output that it meets is NaN, and not, as by stamps, those alone that inputs reach by it.

    Examples
    --------
    >>> x, w = np.array([[[1, 2]]]), np.array([[[1, 10, 100]]])
    >>> stretch(x, w, Geometry.of(2, 3, stride=2))
    array([[[  1,  10, 102,  20, 200]]])
    """
    same = geometry.stretched()
    check_scratch(x.dtype, *((*x.shape[:2], *n) for n in (same.stretched_size, same.padded_size)))
    stretched = np.zeros((*x.shape[:2], *same.stretched_size), x.dtype)
    stretched[every((0,) * geometry.rank, same.stretch, same.input_size)] = x
    grouped = by_group(weight, 0, groups).swapaxes(1, 2)
    flipped = np.flip(grouped, axis=tuple(range(-geometry.rank, 0)))
    kernel = flipped.reshape(-1, *flipped.shape[2:])
    return direct(stretched, kernel, same.stride, same.dilation, same.padding, groups)
