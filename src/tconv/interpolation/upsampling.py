"""Resampling pictures, sounds and arrays to any size: an axis at a time, borders cared for."""

from collections.abc import Sequence
from functools import reduce
from math import gcd, prod
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tconv.checks import Refusal, check_memory, read_array
from tconv.dtypes import INTEGER, spelled, work_dtype
from tconv.engine import Plan, memory, plan, unsupported_reason
from tconv.functional import METHODS, conv_transpose, read_method
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.parameters import Sizes, integer, is_sequence, per_axis, sequence
from tconv.interpolation import banded
from tconv.interpolation.kernels import (
    KERNELS,
    LARGEST_KERNEL,
    NAMES,
    PROFILES,
    SIZED,
    Align,
    Profile,
)
from tconv.interpolation.ratios import Ratio, ratios_per_axis
from tconv.interpolation.resampling import Edges, Places, Resampling

IMAGES = 64  # as which lines are handed to the engine
FACTOR = 2  # where the caller names neither scale nor size


class Upsampler:
    """Resamples arrays of one size, all at once or some rows at a time.

    Parameters
    ----------
    axes : sequence of Resampling
        One a resampled axis; those that stay as they are cost nothing.
    method : str
        ``"auto"``: the compiled engine where the scale is whole, by a plan whose weights are packed
        once, and products with small dense blocks elsewhere; or one of :data:`tconv.METHODS`,
        which computes the whole transposed convolution, and every q-th output is kept.
    at : sequence of int, optional
        Which axes of the arrays they are; by default all but the first, of (C, *I).

    Examples
    --------
    >>> from tconv.interpolation.kernels import PROFILES
    >>> axis = Resampling(Places.of(2, output_size=4), PROFILES["bilinear"])
    >>> Upsampler([axis]).rows(np.array([[1.0, 3.0]]), 0, 4)
    array([[1. , 1.5, 2.5, 3. ]])
    """

    def __init__(
        self, axes: Sequence[Resampling], method: str = "auto", at: Sequence[int] | None = None
    ) -> None:
        self.axes = tuple(axes)
        self.at = tuple(range(1, 1 + len(self.axes))) if at is None else tuple(at)
        self.method = method
        read_method(method, METHODS)
        self.input_size = tuple(axis.input_size for axis in self.axes)
        self.output_size = tuple(axis.output_size for axis in self.axes)
        self._plans: dict[tuple[int, np.dtype[Any]], Plan] = {}
        along = sorted(range(len(self.axes)), key=self.at.__getitem__)
        shrinking = [a for a in along if self.axes[a].output_size < self.axes[a].input_size]
        growing = [a for a in reversed(along) if a not in shrinking]
        # the last axis is the dearest: it goes where there is least to do
        self._order = [a for a in shrinking + growing if not self.axes[a].stays]

    def cut(self, input_size: Sequence[int]) -> "Upsampler":
        """Return the same phases at work on fewer inputs, with zeros around them."""
        pairs = zip(self.axes, input_size, strict=True)
        return Upsampler([axis.cut(size) for axis, size in pairs], self.method, self.at)

    @property
    def moves(self) -> bool:
        """Whether any axis does not stay as it is."""
        return bool(self._order)

    @property
    def blends(self) -> bool:
        """Whether an output may sum several inputs."""
        return any(self.axes[a].taps > 1 for a in self._order)

    @property
    def geometry(self) -> Geometry | None:
        """Sizes and places of the transposed convolution; None where not all its outputs stay."""
        if any(axis.advance != 1 for axis in self.axes):
            return None
        return Geometry(tuple(axis.kernel[1] for axis in self.axes))

    @property
    def weight(self) -> NDArray[np.float64]:
        """The kernel on all axes together, (*K)."""
        return reduce(np.multiply.outer, (axis.kernel[0] for axis in self.axes))

    @property
    def gains(self) -> NDArray[np.float64]:
        """The least and the greatest that a constant 1 becomes in a phase, axis by axis outer."""
        ends = ([axis.gains.min(), axis.gains.max()] for axis in self.axes)
        return reduce(np.multiply.outer, ends, np.ones(()))

    def macs(self, channels: int = 1) -> int:
        """Return the multiply-accumulates of the passes along each axis."""
        total, size = 0, list(self.input_size)
        for a in self._order:
            total += self.axes[a].products * prod(size[:a] + size[a + 1 :])
            size[a] = self.axes[a].output_size
        return channels * total

    def input_rows(self, start: int, stop: int) -> tuple[int, int]:
        """Return the rows of the input, [first, end), that output rows [start, stop) need."""
        return (start, stop) if self.axes[0].stays else self.axes[0].window(start, stop)

    def rows(self, x: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        """Return output rows [start, stop).

        Parameters
        ----------
        x : ndarray of float, (C, first:end, …)
            The rows that :meth:`input_rows` asks for: cells of the first axis that is resampled.
        start, stop : int

        Returns
        -------
        ndarray, (C, stop - start, *O[1:])
            Equal to those rows of the whole output, to rounding.
        """
        for a in self._order:
            at, span, begin = self.at[a], (0, self.output_size[a]), 0
            if a == 0:
                span, begin = (start, stop), self.input_rows(start, stop)[0]
            shape = (*x.shape[:at], span[1] - span[0], *x.shape[at + 1 :])
            check_memory(shape, x.dtype)
            self.axes[a].check_time()
            folded = x.reshape(prod(x.shape[:at]), x.shape[at], prod(x.shape[at + 1 :]))
            x = self._along(a, folded, begin, *span).reshape(shape)
        return x

    def _along(self, a: int, x: NDArray[Any], begin: int, start: int, stop: int) -> NDArray[Any]:
        """Return outputs [start, stop) of an axis: x (before, inputs from `begin` on, after)."""
        axis = self.axes[a]
        first, end = (min(max(bound, start), stop) for bound in axis.inside)
        if self.method == "auto" and (first == end or not self._compiled(axis, x)):
            y = memory.empty((len(x), stop - start, x.shape[2]), x.dtype)
            borders = [(start, stop)]
        else:
            y, borders = self._convolved(a, x, begin, start, stop), [(start, first), (end, stop)]
            borders = [] if axis.edges == "zero" else borders
        for low, high in borders:
            if low < high:
                inputs = slice(*(cell - begin for cell in axis.window(low, high)))
                banded.multiply(x[:, inputs], axis, low, high, y[:, low - start : high - start])
        return y

    def _convolved(
        self, a: int, x: NDArray[Any], begin: int, start: int, stop: int
    ) -> NDArray[Any]:
        """Return outputs [start, stop) with zeros around the input, by a transposed convolution."""
        axis = self.axes[a]
        weight, whole = axis.kernel
        window, tile = whole.tile(start * axis.advance, (stop - 1) * axis.advance + 1)
        if window[0] < begin or window[1] > begin + x.shape[1]:  # nothing is read at all
            return np.zeros((len(x), stop - start, x.shape[2]), x.dtype)
        x = x[:, window[0] - begin : window[1] - begin]
        last = x.shape[2] == 1
        images = x[:, np.newaxis]
        if last:  # lines of one image, some images for the threads
            count = gcd(len(x), IMAGES)
            images = x.reshape(count, 1, -1, x.shape[1])
        across = images.shape[2 if last else 3]
        stays = Axis(across, 1, output_size=across)
        geometry = Geometry((stays, tile) if last else (tile, stays))
        if self.method == "auto":
            key = a, x.dtype
            if key not in self._plans:
                self._plans[key] = plan(
                    weight.astype(x.dtype).reshape(1, 1, *geometry.kernel_size), None,
                    geometry.stride,
                )  # fmt: skip
            y = self._plans[key].tile(images, geometry)
        else:
            y = conv_transpose(
                images, weight.astype(x.dtype).reshape(1, 1, *geometry.kernel_size), None,
                geometry.stride, geometry.crop, method=self.method,
            )  # fmt: skip
        y = y[..., :: axis.advance] if last else y[:, :, :: axis.advance]
        return np.ascontiguousarray(y).reshape(len(x), stop - start, x.shape[2])

    @staticmethod
    def _compiled(axis: Resampling, x: NDArray[Any]) -> bool:
        """Tell whether the compiled engine does an axis best: not where channels alternate."""
        if axis.advance != 1 or axis.laid_out > LARGEST_KERNEL:
            return False
        if 1 < x.shape[2] <= banded.INTERLEAVED:
            return False
        return unsupported_reason(x.dtype, Geometry((axis.kernel[1],))) is None


def upsample(
    x: ArrayLike,
    scale: Ratio | Sequence[Ratio] | None = None,
    kernel: str | Profile | ArrayLike = "bilinear",
    *,
    size: int | Sequence[int | None] | None = None,
    align: Align | None = None,
    antialias: bool = True,
    kernel_size: Sizes | None = None,
    edges: Edges = "normalize",
    axes: Sequence[int] | None = None,
    method: str = "auto",
) -> NDArray[Any]:
    """Resample an array to another size, one axis after the other, by phases of one kernel.

    Parameters
    ----------
    x : array_like
        Numbers; smaller floats are resampled as float32, integers as float64.
    scale : number, Fraction, str, or a sequence of them
        2, 1.5, ``Fraction(3, 2)`` or ``"3/2"``, always read exactly (a float as the simplest
        fraction that it is nearest to); below 1 it shrinks. One for all resampled axes, or one
        each; an axis of scale 1 costs nothing. 2 if neither `scale` nor `size` is given.
    kernel : str, :class:`tconv.kernels.Profile`, or array_like of float, (K,)
        ``"nearest"``, ``"bilinear"``, ``"bicubic"`` (Keys, a = -0.5), ``"lanczos3"``, ``"box"``
        (the mean of what an output covers), ``"area"`` (the mean of all it touches),
        ``"previous"``, ``"sinc"`` (for sounds), ``"uniform"`` or ``"gaussian"``: see
        :mod:`tconv.kernels`. Or the weights of a transposed convolution whose stride is the scale's
        numerator, with their middle on the output: an FIR filter.
    size : int or sequence of int or None, optional
        O, of the resampled axes in their order, so rows first; None leaves an axis as it is.
        Without `scale` the ratio is O/I; with it, `size` only says how many outputs there are,
        which otherwise is floor(I·scale).
    align : {"centres", "corners", "starts"}
        Where outputs lie among the inputs: cells keep their centres, at (n + 1/2)/scale - 1/2; or
        the first and last lie on the first and last, at n·(I-1)/(O-1); or the first on the first,
        at n/scale. Centres by default; starts for ``"sinc"``, ``"previous"`` and arrays.
    antialias : bool
        Whether the kernel widens by as much as the array shrinks, so that every input counts.
    kernel_size : int or sequence of int, optional
        For ``"uniform"`` and ``"gaussian"``.
    edges : {"normalize", "replicate", "zero"}
        With the first two a constant stays constant.
    axes : sequence of int, optional
        The axes to resample; all of them by default.
    method : str
        One of :data:`tconv.METHODS`; a definition by name computes every phase of every output.

    Returns
    -------
    ndarray of float

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Notes
    -----
    With scale p/q, output n reads phase (n·q + offset) mod p of the kernel: the transposed
    convolution with stride p, of which every q-th output is computed and no other.

    Values equal, to rounding, those of Pillow's ``resize`` of a float picture (as it is), of
    PyTorch's ``interpolate`` (``edges="replicate"``, ``antialias=False``; its ``"nearest"`` is
    ``"previous"`` and its ``"bicubic"`` is ``kernels.cubic(-0.75)``), and of SciPy's
    ``resample_poly`` with a given window h (``kernel=h * p, edges="zero"``; p in lowest terms).

    Examples
    --------
    >>> upsample([1.0, 3.0])
    array([1. , 1.5, 2.5, 3. ])
    >>> upsample([[1, 3]], scale=(2, 1), kernel="nearest")
    array([[1., 3.],
           [1., 3.]])
    >>> upsample([0, 1, 2, 3], "3/2", align="corners")
    array([0. , 0.6, 1.2, 1.8, 2.4, 3. ])
    >>> upsample(np.ones((300, 451, 3)), size=(1080, 1920), axes=(0, 1)).shape
    (1080, 1920, 3)
    """
    refusal = Refusal("upsample", x=x)
    with refusal:
        array = read_array("x", x)
        if array.ndim == 0 or array.size == 0:
            raise ValueError("x has no cells; give at least one")
        which = _axes_of(axes, array.ndim)
        upsampler = Upsampler(
            resamplings(
                [array.shape[a] for a in which], scale, kernel, size=size, align=align,
                antialias=antialias, kernel_size=kernel_size, edges=edges,
            ),
            method,
            which,
        )  # fmt: skip
        dtype = _float_of(array.dtype)
        shape = list(array.shape)
        for a, size_now in zip(which, upsampler.output_size, strict=True):
            shape[a] = size_now
        check_memory(tuple(shape), dtype)
    with refusal.working(method):
        work = spelled(array.astype(dtype, copy=not upsampler.moves), dtype)
        if which:
            rows = slice(*upsampler.input_rows(0, upsampler.output_size[0]))
            work = work[(slice(None),) * which[0] + (rows,)]
            work = upsampler.rows(work, 0, upsampler.output_size[0])
    return work


def resamplings(
    input_size: Sequence[int],
    scale: Ratio | Sequence[Ratio] | None = None,
    kernel: str | Profile | ArrayLike = "bilinear",
    *,
    size: int | Sequence[int | None] | None = None,
    align: Align | None = None,
    antialias: bool = True,
    kernel_size: Sizes | None = None,
    edges: Edges = "normalize",
) -> list[Resampling]:
    """Return what every output of each axis sums; the arguments are :func:`upsample`'s.

    Examples
    --------
    >>> [axis.output_size for axis in resamplings((4, 6), ("3/2", 2))]
    [6, 12]
    """
    rank = len(input_size)
    if edges not in get_args(Edges):
        raise ValueError(f"edges {edges!r} is not one of {', '.join(get_args(Edges))}")
    if align is not None and align not in get_args(Align):
        raise ValueError(f"align {align!r} is not one of {', '.join(get_args(Align))}")
    if scale is None and size is None:
        scale = FACTOR
    wanted = _sizes(size, rank)
    scales = (None,) * rank if scale is None else ratios_per_axis("scale", scale, rank)
    lengths: Sequence[int | None] = (None,) * rank
    if kernel_size is not None:
        if not (isinstance(kernel, str) and kernel in SIZED):
            named = kernel if isinstance(kernel, str) else "this kernel"
            raise ValueError(f"kernel_size is for {' and '.join(SIZED)}; {named} sets its own")
        lengths = per_axis("kernel_size", kernel_size, rank, minimum=1)
    axes = []
    for i, ratio, o, length in zip(input_size, scales, wanted, lengths, strict=True):
        kept = i if ratio is None and o is None else o
        sampled, usual = _kernel_of(kernel)
        places = Places.of(i, ratio, kept, align or usual)
        if isinstance(sampled, str):
            sampled = KERNELS[sampled](places.step.denominator, length).weights
        axes.append(Resampling(places, sampled, edges, antialias))
    return axes


def _sizes(size: object, rank: int) -> list[int | None]:
    if size is None:
        return [None] * rank
    given: list[Any] = list(size) if is_sequence(size) else [size] * rank  # type: ignore[call-overload]
    if len(given) != rank:
        raise ValueError(
            f"size must be one integer or {rank} of them, one an axis that is resampled, "
            f"got {tuple(given)}"
        )
    return [None if one is None else integer("size", one, minimum=1) for one in given]


def _kernel_of(
    kernel: str | Profile | ArrayLike,
) -> tuple[str | Profile | NDArray[np.float64], Align]:
    """Read a kernel, or the name of one that depends on the scale, and how it is aligned."""
    if isinstance(kernel, str):
        if kernel not in NAMES:
            raise ValueError(f"kernel {kernel!r} is not one of {', '.join(NAMES)}")
        if kernel in SIZED:
            return kernel, "centres"
        kernel = PROFILES[kernel]
    if isinstance(kernel, Profile):
        return kernel, kernel.align
    weights = read_array("kernel", kernel)
    if weights.dtype.kind == "c":
        raise TypeError("kernel holds complex numbers; weights of a filter are real")
    if weights.ndim != 1 or len(weights) == 0:
        raise ValueError(f"kernel has shape {weights.shape}; a filter has one axis, of 1 or more")
    return weights.astype(np.float64), "starts"


def _axes_of(axes: object, rank: int) -> list[int]:
    """Read which axes are resampled: numbers from 0 on, or from -1 back, each once."""
    if axes is None:
        return list(range(rank))
    found = []
    for given in sequence("axes", axes) if is_sequence(axes) else (axes,):
        axis = integer("axis", given)
        if not -rank <= axis < rank:
            raise ValueError(f"axis {axis} is out of range: x has {rank}")
        if axis % rank in found:
            raise ValueError(f"axes name axis {axis % rank} twice")
        found.append(axis % rank)
    return found


def _float_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    work = work_dtype(dtype)
    return np.dtype(np.float64) if work is None or work == INTEGER else work
