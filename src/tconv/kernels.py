"""Interpolation kernels as the weights of a transposed convolution.

Output cell o of a picture enlarged s times lies at (o + 1/2)/s - 1/2 in the input's cells (centres
are kept: ``align_corners=False``). An interpolation h is therefore the transposed convolution with
stride s and w[k] = h((k - c0 + 1/2)/s - 1/2): its phases are h sampled at the s places an output
can have between two inputs, and a constant stays constant where each phase sums to one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.axis import Axis
from tconv.parameters import integer

Profile = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Kernel:
    """The weights that enlarge one axis.

    Parameters
    ----------
    name : str
    scale : int
        The stride; the output has `scale` times as many cells as the input.
    weights : ndarray, (K,)
    crop_start : int

    Examples
    --------
    >>> kernel = bilinear(2)
    >>> kernel.weights, kernel.gains
    (array([0.25, 0.75, 0.75, 0.25]), array([1., 1.]))
    """

    name: str
    scale: int
    weights: NDArray[np.float64]
    crop_start: int

    def axis(self, input_size: int) -> Axis:
        """Return the axis that enlarges `input_size` cells."""
        return Axis(
            input_size,
            len(self.weights),
            self.scale,
            crop_start=self.crop_start,
            output_size=input_size * self.scale,
        )

    @property
    def gains(self) -> NDArray[np.float64]:
        """What a constant 1 becomes at outputs 0, 1, …, scale - 1, away from the borders."""
        axis = self.axis(1)
        return np.array([self.weights[axis.taps(axis.phase(o))].sum() for o in range(self.scale)])


def nearest(scale: int) -> Kernel:
    """Return the kernel that repeats every cell.

    Examples
    --------
    >>> nearest(3).weights
    array([1., 1., 1.])
    """
    scale = integer("scale", scale, minimum=1)
    return Kernel("nearest", scale, np.ones(_bounded(scale)), 0)


def bilinear(scale: int) -> Kernel:
    """Return the triangle: linear interpolation on every axis.

    Examples
    --------
    >>> bilinear(3).weights * 3
    array([1., 2., 3., 2., 1.])
    """
    return _sampled("bilinear", scale, 1, lambda u: 1 - np.abs(u))


def bicubic(scale: int, a: float = -0.5) -> Kernel:
    """Return Keys' cubic convolution kernel.

    Parameters
    ----------
    scale : int
    a : float
        Slope at the first zero: -0.5 is Keys' choice and Pillow's; PyTorch and OpenCV take -0.75.

    Notes
    -----
    R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
    Acoustics, Speech and Signal Processing 29 (1981).

    Examples
    --------
    >>> bicubic(2).weights[:4] * 128
    array([ -3.,  -9.,  29., 111.])
    """

    def keys(u: NDArray[np.float64]) -> NDArray[np.float64]:
        u = np.abs(u)
        near = ((a + 2) * u - (a + 3)) * u * u + 1
        far = ((u - 5) * u + 8) * a * u - 4 * a
        return np.where(u <= 1, near, far)

    return _sampled("bicubic", scale, 2, keys)


def lanczos3(scale: int) -> Kernel:
    """Return the sinc windowed by its own third lobe, every phase divided by its sum.

    Notes
    -----
    C. Duchon, "Lanczos filtering in one and two dimensions", Journal of Applied Meteorology 18
    (1979). The plain kernel's phases sum to one only nearly.

    Examples
    --------
    >>> lanczos3(2).weights[:6].round(4)
    array([ 0.0074,  0.0301, -0.068 , -0.1333,  0.271 ,  0.8928])
    """
    return _sampled("lanczos3", scale, 3, lambda u: np.sinc(u) * np.sinc(u / 3))


def uniform(scale: int, size: int | None = None) -> Kernel:
    """Return equal weights: `size` cells (default 2·scale - 1) whose mean gain is one.

    Where `scale` does not divide `size` the phases have unequal gains: a checkerboard.

    Examples
    --------
    >>> uniform(2, size=3).gains * 3
    array([4., 2.])
    """
    return _centred("uniform", scale, size, np.ones_like)


def gaussian(scale: int, size: int | None = None) -> Kernel:
    """Return a bell of `size` cells (default 2·scale - 1): deviation size/4, mean gain one.

    Examples
    --------
    >>> gaussian(2, size=3).weights.round(3)
    array([0.451, 1.098, 0.451])
    """
    return _centred("gaussian", scale, size, lambda u: np.exp(-8 * u**2))


KERNELS: dict[str, Callable[..., Kernel]] = {
    kernel.__name__: kernel for kernel in (nearest, bilinear, bicubic, lanczos3, uniform, gaussian)
}
SIZED = ("uniform", "gaussian")
LARGEST_KERNEL = 2**20


def _sampled(name: str, scale: int, radius: int, profile: Profile) -> Kernel:
    s = integer("scale", scale, minimum=1)
    crop = radius * s - (s + 1) // 2
    k = np.arange(_bounded(2 * radius * s - s % 2))
    weights = profile((k - crop + 0.5) / s - 0.5)
    kernel = Kernel(name, s, weights, crop)
    for o, gain in enumerate(kernel.gains):
        weights[kernel.axis(1).taps(kernel.axis(1).phase(o))] /= gain
    return kernel


def _centred(name: str, scale: int, size: int | None, profile: Profile) -> Kernel:
    s = integer("scale", scale, minimum=1)
    k = 2 * s - 1 if size is None else integer("kernel_size", size, minimum=1)
    weights: Any = profile((np.arange(_bounded(k)) - (k - 1) / 2) / k)
    return Kernel(name, s, weights * s / weights.sum(), max(k - s, 0) // 2)


def _bounded(size: int) -> int:
    if size > LARGEST_KERNEL:
        raise ValueError(f"a kernel of {size} cells is larger than {LARGEST_KERNEL}; scale less")
    return size
