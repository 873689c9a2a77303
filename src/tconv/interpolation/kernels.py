"""Interpolation kernels: as functions of a distance, and as weights of a transposed convolution.

An interpolation h weighs an input at distance t, in inputs, by h(t). An output that lies at u among
the inputs sums x[i]·h(i - u). Outputs n of a picture enlarged by p/q lie at (n + 1/2)·q/p - 1/2
(centres are kept: ``align_corners=False``): they take p places between two inputs, one after the
other, and h sampled at those places is one kernel w of a transposed convolution with stride p, of
which every q-th output is wanted. Each of the places is a phase of w; a constant stays constant
where every phase sums to one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tconv.geometry.axis import Axis
from tconv.geometry.parameters import integer

Align = Literal["centres", "corners", "starts"]
Weigh = Callable[[NDArray[np.float64]], NDArray[np.float64]]

HALF, LARGEST_KERNEL = Fraction(1, 2), 2**20


@dataclass(frozen=True, eq=False)
class Profile:
    """An interpolation h, which is sampled wherever an output lies.

    Parameters
    ----------
    name : str
    support : tuple of Fraction
        (low, high): inputs at a distance t with low < t <= high are summed.
    weigh : callable
        h, of an array of distances; every output's weights are divided by their sum.
    widens : bool
        Whether h is stretched where there are fewer outputs than inputs (antialiasing).
    align : {"centres", "starts"}
        Where outputs lie unless the caller says: see :func:`tconv.upsample`.

    Examples
    --------
    >>> cubic(a=-0.75).weigh(np.array([0.0, 0.5, 1.0, 1.5]))
    array([ 1.     ,  0.59375,  0.     , -0.09375])
    """

    name: str
    support: tuple[Fraction, Fraction]
    weigh: Weigh = field(repr=False)
    widens: bool = True
    align: Align = "centres"

    def reach(self, step: Fraction, antialias: bool) -> tuple[Fraction, Fraction, Fraction]:
        """Return the support for outputs `step` inputs apart, and how far h is stretched."""
        stretch = max(step, Fraction(1)) if antialias and self.widens else Fraction(1)
        low, high = self.support
        return low * stretch, high * stretch, stretch


class _Area(Profile):
    """The mean of all inputs that an output touches, however little."""

    def reach(self, step: Fraction, antialias: bool) -> tuple[Fraction, Fraction, Fraction]:
        half = (1 + step) / 2
        return -half, half, half


@dataclass(frozen=True, eq=False)
class Kernel:
    """The weights of the transposed convolution that enlarges one axis a whole number of times.

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


def cubic(a: float = -0.5) -> Profile:
    """Return Keys' cubic convolution.

    Parameters
    ----------
    a : float
        Slope at the first zero: -0.5 is Keys' choice and Pillow's; PyTorch and OpenCV take -0.75.

    Notes
    -----
    R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Transactions on
    Acoustics, Speech and Signal Processing 29 (1981).

    Examples
    --------
    >>> cubic().weigh(np.array([0.5, 1.5]))
    array([ 0.5625, -0.0625])
    """

    def keys(t: NDArray[np.float64]) -> NDArray[np.float64]:
        t = np.abs(t)
        near = ((a + 2) * t - (a + 3)) * t * t + 1
        far = ((t - 5) * t + 8) * a * t - 4 * a
        return np.where(t <= 1, near, far)

    return _even("bicubic", 2, keys)


def lanczos(lobes: int = 3) -> Profile:
    """Return the sinc windowed by its own outermost lobe.

    Notes
    -----
    C. Duchon, "Lanczos filtering in one and two dimensions", Journal of Applied Meteorology 18
    (1979). The plain kernel's phases sum to one only nearly: they are divided by their sums.

    Examples
    --------
    >>> lanczos(3).weigh(np.array([0.5, 3.0])).round(4)
    array([0.6079, 0.    ])
    """
    n = integer("lobes", lobes, minimum=1)
    return _even(f"lanczos{n}", n, lambda t: np.sinc(t) * np.sinc(t / n))


def sinc(zeros: int = 96, rejection: float = 120.0) -> Profile:
    """Return a band-limited interpolation for sampled signals: a sinc in a Kaiser window.

    What lies beyond half of the lower of the two rates is `rejection` decibels down, so that
    neither images nor aliases are heard; what lies below 1/2 - (rejection - 5.95)/(28.7·zeros) of
    that rate passes as it is: with 96 zeros and 120 dB, 0.917 of the band, to 20.2 kHz at 44.1 kHz.

    Parameters
    ----------
    zeros : int
        Inputs to either side that an output reads.
    rejection : float
        In decibels, above 50.

    Notes
    -----
    J. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", Proceedings
    of the IEEE International Symposium on Circuits and Systems (1974).

    Examples
    --------
    >>> sinc().align
    'starts'
    """
    n = integer("zeros", zeros, minimum=1)
    if not 50 < rejection < 300:
        raise ValueError(f"rejection must lie between 50 and 300 dB, got {rejection}")
    designed = rejection + 2  # what Kaiser's formulas promise, they keep to a decibel or two
    beta = 0.1102 * (designed - 8.7)
    transition = (designed - 7.95) / (2.285 * 2 * np.pi * 2 * n)  # cycles an input
    band = 1 - transition
    if band <= 0:
        raise ValueError(f"{rejection:g} dB need more than {n} zeros")

    def windowed(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sinc(band * t) * np.i0(beta * np.sqrt(np.maximum(1 - (t / n) ** 2, 0)))

    return _even("sinc", n, windowed, align="starts")


def _even(name: str, radius: int, h: Weigh, **words: Any) -> Profile:
    def within(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(np.abs(t) < radius, h(t), 0.0)

    return Profile(name, (Fraction(-radius), Fraction(radius)), within, **words)


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("nearest", (-HALF, HALF), np.ones_like, widens=False),
        _even("bilinear", 1, lambda t: 1 - np.abs(t)),
        cubic(),
        lanczos(),
        Profile("box", (-HALF, HALF), np.ones_like),
        _Area("area", (-HALF, HALF), lambda t: (np.abs(t) < 1).astype(np.float64)),
        Profile("previous", (Fraction(-1), Fraction(0)), np.ones_like, False, "starts"),
        sinc(),
    )
}


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
    return sampled(PROFILES["bilinear"], scale)


def bicubic(scale: int, a: float = -0.5) -> Kernel:
    """Return Keys' cubic convolution kernel: :func:`cubic`, sampled.

    Examples
    --------
    >>> bicubic(2).weights[:4] * 128
    array([ -3.,  -9.,  29., 111.])
    """
    return sampled(cubic(a), scale)


def lanczos3(scale: int) -> Kernel:
    """Return the sinc windowed by its own third lobe: :func:`lanczos`, sampled.

    Examples
    --------
    >>> lanczos3(2).weights[:6].round(4)
    array([ 0.0074,  0.0301, -0.068 , -0.1333,  0.271 ,  0.8928])
    """
    return sampled(lanczos(3), scale)


def sampled(profile: Profile, scale: int) -> Kernel:
    """Return the weights of an interpolation that is even, for a whole scale; centres are kept.

    Examples
    --------
    >>> sampled(lanczos(2), 2).weights.shape
    (8,)
    """
    s = integer("scale", scale, minimum=1)
    radius = profile.support[1]
    size = int(2 * radius * s)
    size -= (size - s) % 2
    crop = (size - s) // 2
    k = np.arange(_bounded(size))
    weights = profile.weigh((k - crop + 0.5) / s - 0.5)
    kernel = Kernel(profile.name, s, weights, crop)
    for o, gain in enumerate(kernel.gains):
        weights[kernel.axis(1).taps(kernel.axis(1).phase(o))] /= gain
    return kernel


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
NAMES = (*PROFILES, *SIZED)


def _centred(name: str, scale: int, size: int | None, profile: Weigh) -> Kernel:
    s = integer("scale", scale, minimum=1)
    k = 2 * s - 1 if size is None else integer("kernel_size", size, minimum=1)
    weights: Any = profile((np.arange(_bounded(k)) - (k - 1) / 2) / k)
    return Kernel(name, s, weights * s / weights.sum(), max(k - s, 0) // 2)


def _bounded(size: int) -> int:
    if size > LARGEST_KERNEL:
        raise ValueError(f"a kernel of {size} cells is larger than {LARGEST_KERNEL}; scale less")
    return size
