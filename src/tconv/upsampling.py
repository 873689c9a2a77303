"""Enlarging pictures, sounds and arrays: separable transposed convolutions, borders cared for."""

from collections.abc import Sequence
from functools import cached_property, reduce
from math import prod
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tconv.axis import Axis
from tconv.checks import check_memory, read_array
from tconv.functional import conv_transpose
from tconv.geometry import Geometry
from tconv.kernels import KERNELS, SIZED, Kernel
from tconv.parameters import Sizes, per_axis

Edges = Literal["normalize", "replicate", "zero"]


class Upsampler:
    """Enlarges arrays of one size, all at once or some rows at a time.

    Parameters
    ----------
    size : tuple of int
        I, the spatial axes.
    kernels : sequence of Kernel
        One an axis.
    edges : {"normalize", "replicate", "zero"}
        Near the border, divide by the part of the kernel that covers the input; or go on with the
        border's cells; or with zeros.
    method : str
        One of :data:`tconv.METHODS`.

    Examples
    --------
    >>> from tconv.kernels import bilinear
    >>> Upsampler((2,), [bilinear(2)]).rows(np.array([[1.0, 3.0]]), 0, 4)
    array([[1. , 1.5, 2.5, 3. ]])
    """

    def __init__(
        self,
        size: Sequence[int],
        kernels: Sequence[Kernel],
        edges: Edges = "normalize",
        method: str = "auto",
    ) -> None:
        if edges not in get_args(Edges):
            raise ValueError(f"edges {edges!r} is not one of {', '.join(get_args(Edges))}")
        self.kernels = tuple(kernels)
        self.edges = edges
        self.method = method
        self.geometry = Geometry(
            tuple(kernel.axis(n) for kernel, n in zip(self.kernels, size, strict=True))
        )

    @property
    def output_size(self) -> tuple[int, ...]:
        """O, the spatial axes."""
        return self.geometry.output_size

    @property
    def weight(self) -> NDArray[np.float64]:
        """The kernel on all axes together, (*K)."""
        return reduce(np.multiply.outer, (kernel.weights for kernel in self.kernels))

    @property
    def gains(self) -> NDArray[np.float64]:
        """What a constant 1 becomes in each phase, on all axes together."""
        return reduce(np.multiply.outer, (kernel.gains for kernel in self.kernels))

    def macs(self, channels: int = 1) -> int:
        """Return the multiply-accumulates of the passes along each axis."""
        total, size = 0, list(self.geometry.input_size)
        for a, axis in enumerate(self.geometry.axes):
            total += axis.products * prod(size[:a] + size[a + 1 :])
            size[a] = axis.output_size
        return channels * total

    def input_rows(self, start: int, stop: int) -> tuple[int, int]:
        """Return the rows of the input, [first, end), that output rows [start, stop) need."""
        rows = self._sources(0, start, stop)[0]
        return int(rows.min()), int(rows.max()) + 1

    def rows(self, x: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        """Return output rows [start, stop).

        Parameters
        ----------
        x : ndarray of float, (C, first:end, …)
            The rows that :meth:`input_rows` asks for.
        start, stop : int

        Returns
        -------
        ndarray, (C, stop - start, *O[1:])
        """
        first, _ = self.input_rows(start, stop)
        spans = [(start, stop), *((0, size) for size in self.output_size[1:])]
        for a, span in enumerate(spans):
            sources, tile = self._sources(a, *span)
            x = _taken(x, sources - (first if a == 0 else 0), a + 1)
            x = self._along(a, x, tile)
            if self.edges == "normalize" and (self._covered[a] != 1).any():
                shape = [1] * x.ndim
                shape[a + 1] = -1
                x /= self._covered[a][slice(*span)].astype(x.dtype).reshape(shape)
        return x

    def _sources(self, a: int, start: int, stop: int) -> tuple[NDArray[np.intp], Axis]:
        """Return which input cells feed outputs [start, stop) along an axis, and how."""
        axis = self.geometry.axes[a]
        beyond = -(-axis.kernel_size // axis.stride) if self.edges == "replicate" else 0
        wide = Axis(
            axis.input_size + 2 * beyond,
            axis.kernel_size,
            axis.stride,
            crop_start=axis.crop_start + beyond * axis.stride,
            output_size=axis.output_size,
        )
        window, tile = wide.tile(start, stop)
        return np.clip(np.arange(*window) - beyond, 0, axis.input_size - 1), tile

    def _along(self, a: int, x: NDArray[Any], tile: Axis) -> NDArray[Any]:
        """Convolve along one spatial axis, the channels as a batch."""
        rank = len(self.kernels)
        shape, stride = [1] * rank, [1] * rank
        shape[a], stride[a] = tile.kernel_size, tile.stride
        padding = [(0, 0)] * rank
        padding[a] = (tile.crop_start, tile.crop_end)
        weight = self.kernels[a].weights.astype(x.dtype).reshape(1, 1, *shape)
        y = conv_transpose(x[:, np.newaxis], weight, None, stride, padding, method=self.method)
        return y[:, 0]

    @cached_property
    def _covered(self) -> list[NDArray[np.float64]]:
        """The share of its phase's gain that each output receives, axis by axis."""
        shares = []
        for kernel, axis in zip(self.kernels, self.geometry.axes, strict=True):
            padding = [(axis.crop_start, axis.crop_end)]
            received = conv_transpose(
                np.ones((1, axis.input_size)),
                kernel.weights[np.newaxis, np.newaxis],
                None,
                kernel.scale,
                padding,
            )[0]
            due = np.resize(kernel.gains, axis.output_size)
            whole = np.isclose(received, due) | (received == 0)
            shares.append(np.divide(received, due, out=np.ones_like(due), where=~whole))
        return shares


def upsample(
    x: ArrayLike,
    scale: Sizes = 2,
    kernel: str = "bilinear",
    *,
    kernel_size: Sizes | None = None,
    edges: Edges = "normalize",
    axes: Sequence[int] | None = None,
    method: str = "auto",
) -> NDArray[Any]:
    """Enlarge an array by whole factors with a transposed convolution.

    Parameters
    ----------
    x : array_like
        Numbers; float16 is enlarged as float32, integers as float64.
    scale : int or sequence of int
        One for all enlarged axes, or one each.
    kernel : str
        ``"nearest"``, ``"bilinear"``, ``"bicubic"`` (Keys, a = -0.5), ``"lanczos3"``,
        ``"uniform"`` or ``"gaussian"``: see :mod:`tconv.kernels`.
    kernel_size : int or sequence of int, optional
        For ``"uniform"`` and ``"gaussian"``.
    edges : {"normalize", "replicate", "zero"}
        As in :class:`Upsampler`; with the first two a constant stays constant.
    axes : sequence of int, optional
        The axes to enlarge; all of them by default.
    method : str
        One of :data:`tconv.METHODS`.

    Returns
    -------
    ndarray of float
        ``scale`` times as long on every enlarged axis.

    Raises
    ------
    TypeError, ValueError
        If an argument does not fit.

    Examples
    --------
    >>> upsample([1.0, 3.0])
    array([1. , 1.5, 2.5, 3. ])
    >>> upsample([[1, 3]], scale=(2, 1), kernel="nearest")
    array([[1., 3.],
           [1., 3.]])
    """
    array = read_array("x", x)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"upsample: x has shape {array.shape}; give at least one cell")
    chosen = range(array.ndim) if axes is None else axes
    which = list(np.lib.array_utils.normalize_axis_tuple(chosen, array.ndim))
    kernels = kernels_for(kernel, scale, kernel_size, len(which))
    upsampler = Upsampler([array.shape[a] for a in which], kernels, edges, method)
    work = array.astype(_float_of(array.dtype))
    moved = np.moveaxis(work, which, range(-len(which), 0))
    lead = moved.shape[: -len(which)]
    check_memory((*lead, *upsampler.output_size), work.dtype)
    y = upsampler.rows(moved.reshape(-1, *moved.shape[len(lead) :]), 0, upsampler.output_size[0])
    return np.moveaxis(y.reshape(*lead, *y.shape[1:]), range(-len(which), 0), which)


def kernels_for(
    kernel: str, scale: Sizes, kernel_size: Sizes | None = None, rank: int = 1
) -> list[Kernel]:
    """Return the kernel of that name for each of `rank` axes.

    Examples
    --------
    >>> [kernel.scale for kernel in kernels_for("bilinear", (2, 3), rank=2)]
    [2, 3]
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel {kernel!r} is not one of {', '.join(KERNELS)}")
    scales = per_axis("scale", scale, rank, minimum=1)
    if kernel_size is None:
        return [KERNELS[kernel](s) for s in scales]
    if kernel not in SIZED:
        raise ValueError(f"kernel_size is for {' and '.join(SIZED)}; {kernel} sets its own")
    sizes = per_axis("kernel_size", kernel_size, rank, minimum=1)
    return [KERNELS[kernel](s, k) for s, k in zip(scales, sizes, strict=True)]


def _taken(x: NDArray[Any], cells: NDArray[np.intp], axis: int) -> NDArray[Any]:
    """Take cells along an axis: a view where they are neighbours."""
    if cells[-1] - cells[0] == len(cells) - 1:
        return x[(slice(None),) * axis + (slice(cells[0], cells[-1] + 1),)]
    return np.take(x, cells, axis)


def _float_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind in "fc":
        return np.result_type(dtype, np.float32)
    return np.dtype(np.float64)
