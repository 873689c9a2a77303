"""One layer's weights made ready for the compiled engine, and its runs.

The engine knows float32 and float64, and one to three spatial axes. Complex numbers are given to it
as twice the channels, and further axes, where the layer leaves them as they are, as images.
"""

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv.dtypes import canonical, spelled
from tconv.engine import memory, native
from tconv.engine.activations import Activation
from tconv.engine.arithmetic import Arithmetic, get_arithmetic
from tconv.geometry import Geometry
from tconv.geometry.layer import Layer
from tconv.reference import phases, products

AXES = 3  # that the engine knows
LARGEST = 2**20
FARTHEST = 2**60  # cells from the first to the last that it counts, in 64 bits
ALGORITHMS = ("auto", *native.algorithms())
REAL = {np.dtype(code): np.dtype(real) for code, real in ("ff", "dd", "Ff", "Dd")}


class Estimate(NamedTuple):
    """What the engine says of one method for one shape: why not, or its cost.

    All counted in vector operations of all threads together, but `operations`: the slowest
    thread's, in the time of one multiply-add.
    """

    method: str
    unsupported: str | None
    products: float = 0
    others: float = 0
    bytes: float = 0
    packing: float = 0
    tasks: float = 0
    operations: float = 0


def unsupported_reason(dtype: np.dtype[Any], layer: Layer | Geometry) -> str | None:
    """Return why the engine does not do such a layer; None if it does."""
    return _reason(dtype, layer) if native.available() else native.refusal()


@lru_cache(1024)
def _reason(dtype: np.dtype[Any], layer: Layer | Geometry) -> str | None:
    if dtype not in REAL:
        return f"the engine computes in float32 and float64, not in {dtype}"
    if layer.rank > AXES + len(idle_axes(layer)):
        return f"the engine works along at most {AXES} axes, not {layer.rank}"
    stamps, strides = layer.effective_kernel, layer.stride
    reach = ((ke - 1) // s + 1 for ke, s in zip(stamps, strides, strict=True))
    if prod(strides) > LARGEST or prod(reach) > LARGEST:
        return f"the engine has tables of at most {LARGEST} phases, and of as many inputs a phase"
    full = layer.full if isinstance(layer, Geometry) else stamps
    for cells, (start, end) in zip(full, layer.crop, strict=True):
        if max(abs(start), cells, abs(cells - start - end)) > FARTHEST:
            return f"the engine counts at most {FARTHEST} cells along an axis"
    return None


def idle_axes(layer: Layer | Geometry) -> tuple[int, ...]:
    """Return the axes beyond the third that the layer leaves as they are, each cell by itself."""
    if layer.rank <= AXES:
        return ()
    each = zip(layer.kernel_size, layer.stride, layer.crop, strict=True)
    idle = [a for a, (k, s, crop) in enumerate(each) if k == s == 1 and crop == (0, 0)]
    return tuple(idle[: layer.rank - AXES])


def kept(values: tuple[Any, ...], idle: tuple[int, ...]) -> tuple[Any, ...]:
    """Return the values of the axes that are not idle."""
    return tuple(v for a, v in enumerate(values) if a not in idle) if idle else values


def three(values: tuple[int, ...], filler: int) -> tuple[int, ...]:
    """Return what is said of one to three axes as the engine takes it: of three."""
    return (filler,) * (AXES - len(values)) + values


def with_images(array: NDArray[Any], idle: tuple[int, ...]) -> NDArray[Any]:
    """View (N, C, *all) as (N, *idle, C, *kept)."""
    axes = [2 + a for a in idle]
    return np.moveaxis(array, axes, range(1, 1 + len(axes)))


def as_images(array: NDArray[Any], idle: tuple[int, ...]) -> NDArray[Any]:
    """Return (N, *idle, C, *kept) as (N·idle, C, *kept), contiguous."""
    images = prod(array.shape[: 1 + len(idle)])
    return np.ascontiguousarray(array).reshape(images, *array.shape[1 + len(idle) :])


def as_pairs(array: NDArray[Any], groups: int) -> NDArray[Any]:
    """Return complex (N, C, ...) as real (N, 2·C, ...): in a group real parts, then imaginary."""
    n, channels, *size = array.shape
    parts = np.stack((array.real, array.imag), 1).reshape(n, 2, groups, channels // groups, *size)
    return np.ascontiguousarray(parts.swapaxes(1, 2)).reshape(n, 2 * channels, *size)


class Packed:
    """The weights of one layer, of one of the dtypes in REAL, packed for the target in use.

    :meth:`run` takes any input size, also where `layer` is the geometry of one. With `once`, the
    method that costs least for a single call, packing included, is taken. Weights and bias must
    stay as they are: a method packs them when it is first taken. With `channels_last` arrays of
    real layers are taken as they lie; `last` tells whether they are. With the arithmetic "direct"
    every output is a sum of its own products and nothing else.
    """

    def __init__(
        self,
        weight: NDArray[Any],
        bias: NDArray[Any] | None,
        layer: Layer | Geometry,
        groups: int,
        activation: Activation | None = None,
        once: bool = False,
        method: str = "auto",
        channels_last: bool = False,
        arithmetic: Arithmetic = "fast",
    ) -> None:
        self._idle = idle_axes(layer)
        self._groups = groups
        self._real = REAL[weight.dtype]
        self._complex = weight.dtype != self._real
        self._paired = self._complex and bool(weight.imag.any())
        self.last = channels_last and self.direct
        chosen = activation or Activation()
        self.itemsize = self._real.itemsize
        self._bias = None
        if self._complex:
            weight, self._bias, bias = self._as_real(weight), bias, None
        if self._idle:
            weight = weight.reshape(*weight.shape[:2], *kept(layer.kernel_size, self._idle))
        self._plan = self._compile(
            native.target(),
            readable(weight, self._real),
            None if bias is None else readable(bias, self._real),
            groups,
            three(kept(layer.stride, self._idle), 1),
            three(kept(layer.dilation, self._idle), 1),
            code=chosen.code,
            alpha=chosen.alpha,
            once=once,
            method=ALGORITHMS.index(method),
            direct=arithmetic == "direct",
        )

    def _compile(
        self, *layer: Any, code: int, alpha: float, once: bool, method: int, direct: bool
    ) -> Any:
        return native.plan_class(self._real)(
            *layer, code, alpha, once, channels_last=self.last, method=method, direct=direct
        )

    def crop(self, geometry: Geometry) -> tuple[int, ...]:
        """Return the start crop as the engine takes it."""
        return three(kept(tuple(axis.crop_start for axis in geometry.axes), self._idle), 0)

    @property
    def direct(self) -> bool:
        """Whether arrays go to the engine as they are: real, and without axes to move."""
        return not (self._complex or self._idle)

    def run(self, x: NDArray[Any], y: NDArray[Any], crop: tuple[int, ...]) -> None:
        """Fill y (N, C_out, *O) from x (N, C_in, *I): contiguous, apart, in the dtype packed.

        Where `last` is true they are (N, *O, C_out) and (N, *I, C_in).
        """
        if self._complex:
            self._run_complex(x, y, crop)
        else:
            self._run_real(x, y, crop)

    def estimates(self, batch: int, geometry: Geometry) -> tuple[str, list[Estimate]]:
        """Return the method taken for inputs of this size, and what each method would cost.

        The method is "auto" where weights are not finite: they are then multiplied one by one.
        """
        images = batch * prod(geometry.axes[a].input_size for a in self._idle)
        images *= 2 if self._complex and not self._paired else 1
        chosen, said = self._plan.explain(
            images,
            three(kept(geometry.input_size, self._idle), 1),
            self.crop(geometry),
            three(kept(geometry.output_size, self._idle), 1),
        )
        return ALGORITHMS[chosen], [
            Estimate(name, why) if why else Estimate(name, None, *figures)
            for name, (why, figures) in zip(ALGORITHMS[1:], said, strict=True)
        ]

    def _run_real(self, x: NDArray[Any], y: NDArray[Any], crop: tuple[int, ...]) -> None:
        if not self._idle:
            self._plan.run(x, y, crop)
            return
        moved = with_images(x, self._idle)
        made = with_images(y, self._idle)
        result = np.empty(made.shape, y.dtype)
        self._plan.run(as_images(moved, self._idle), as_images(result, self._idle), crop)
        made[...] = result

    def _as_real(self, weight: NDArray[Any]) -> NDArray[Any]:
        """Return the real weight of the layer that stands for a complex one.

        A real matrix does the product of complex numbers, (a + bi)·(c + di): it takes (a, b) to
        (ac - bd, ad + bc). Without imaginary weights the parts do not mix, and are images.
        """
        if not self._paired:
            return weight.real
        size, out, kernel = len(weight), weight.shape[1], weight.shape[2:]
        parts = np.empty((self._groups, 2, size // self._groups, 2, out, *kernel), self._real)
        grouped = weight.reshape(self._groups, size // self._groups, out, *kernel)
        parts[:, 0, :, 0] = parts[:, 1, :, 1] = grouped.real
        parts[:, 0, :, 1] = grouped.imag
        parts[:, 1, :, 0] = -grouped.imag
        return parts.reshape(2 * size, 2 * out, *kernel)

    def _run_complex(self, x: NDArray[Any], y: NDArray[Any], crop: tuple[int, ...]) -> None:
        g = self._groups
        if self._paired:  # parts stand within a group's channels
            real_x = as_pairs(x, g)
            real_y = np.empty((len(y), 2 * y.shape[1], *y.shape[2:]), self._real)
            self._run_real(real_x, real_y, crop)
            made = real_y.reshape(len(y), g, 2, y.shape[1] // g, *y.shape[2:]).swapaxes(1, 2)
            made = made.reshape(len(y), 2, *y.shape[1:]).swapaxes(0, 1)
        else:
            real_y = np.empty((2 * len(y), *y.shape[1:]), self._real)
            self._run_real(np.concatenate((x.real, x.imag)), real_y, crop)
            made = real_y.reshape(2, *y.shape)
            if not products.finite(x):  # an infinite part times the other, which is 0, is NaN
                spoilt = ~np.isfinite(made)
                made[spoilt[::-1]] = np.nan
        y.real, y.imag = made
        if self._bias is not None:
            y += self._bias.reshape(-1, *(1,) * (y.ndim - 2))


def compute(
    x: NDArray[Any],
    weight: NDArray[Any],
    geometry: Geometry,
    groups: int = 1,
    *,
    bias: NDArray[Any] | None = None,
    arithmetic: Arithmetic | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Compute a transposed convolution by a plan for one call: x (N, C_in, *I) -> (N, C_out, *O).

    What the engine does not do, NumPy does: see :func:`unsupported_reason`. NumPy's arithmetic is
    direct. The result is `out` where it can be written as it lies.
    """
    dtype = canonical(np.result_type(x, weight))
    if unsupported_reason(dtype, geometry) is not None:
        y = phases.conv_transpose(x, weight, geometry, groups)
        if bias is not None:
            y += bias.reshape(-1, *(1,) * geometry.rank)
        return y
    if not x.flags.c_contiguous:  # it is copied, but only what the output needs
        windows, geometry = geometry.tile([(0, size) for size in geometry.output_size])
        needed: Any = (..., *(slice(*window) for window in windows))
        x = x[needed]
    packed = Packed(
        weight.astype(dtype, copy=False), bias, geometry, groups, once=True,
        arithmetic=arithmetic or get_arithmetic(),
    )  # fmt: skip
    x = readable(x, dtype)
    if out is not None and writable(out, dtype, x) and _apart(out, weight, bias):
        y = spelled(out, dtype)
    else:
        y = memory.empty((len(x), weight.shape[1] * groups, *geometry.output_size), dtype)
    packed.run(x, y, packed.crop(geometry))
    return y


def readable(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array as the engine reads it: contiguous, aligned, of just this dtype."""
    if not array.size:  # NumPy calls an empty array aligned wherever it begins
        return np.empty(array.shape, dtype)
    flags = array.flags
    if flags.c_contiguous and flags.aligned and array.dtype is dtype:
        return array
    return np.require(array, dtype, ["C_CONTIGUOUS", "ALIGNED"])


def writable(out: NDArray[Any], dtype: np.dtype[Any], x: NDArray[Any]) -> bool:
    """Tell whether the engine may write straight into `out` while it reads `x`."""
    flags = out.flags
    return (
        flags.c_contiguous
        and flags.aligned
        and out.size > 0
        and out.dtype == dtype
        and not np.may_share_memory(out, x)
    )


def _apart(out: NDArray[Any], *parameters: NDArray[Any] | None) -> bool:
    return not any(one is not None and np.may_share_memory(out, one) for one in parameters)
