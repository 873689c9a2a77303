"""A plan: one layer's weights, packed once, for inputs of any size."""

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tconv.checks import (
    Operands,
    Refusal,
    as_work,
    check_memory,
    check_out,
    check_overflow,
    check_weight,
    operands,
    read_array,
    read_bias,
)
from tconv.dtypes import common_dtypes, spelled, work_dtype
from tconv.engine import memory, native
from tconv.engine.activations import read_activation
from tconv.engine.adjoint import PackedAdjoint
from tconv.engine.arithmetic import Arithmetic, get_arithmetic, read_arithmetic
from tconv.engine.packed import (
    ALGORITHMS,
    Packed,
    idle_axes,
    readable,
    unsupported_reason,
    writable,
)
from tconv.geometry import Geometry, hints
from tconv.geometry.convolution import times
from tconv.geometry.layer import Layer
from tconv.geometry.parameters import Padding, Sizes, integer, one_of
from tconv.reference import DEFINITIONS, phases

REMEMBERED = 64  # calls of a plan, by shape and dtype, that are checked no more

Layout = Literal["channels_first", "channels_last"]
LAYOUTS = ("channels_first", "channels_last")


def plan(
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    *,
    activation: str | tuple[str, float] | None = None,
    layout: Layout = "channels_first",
    method: str = "auto",
    arithmetic: Arithmetic | None = None,
) -> "Plan":
    """Make a plan of a transposed convolution: weights packed once, for inputs of any size.

    Parameters
    ----------
    weight : array_like, (C_in, C_out/groups, *K)
        Copied: changing the array later does not change the plan.
    bias : array_like, (C_out,), optional
    stride, padding, output_padding, groups, dilation
        As in :func:`tconv.conv_transpose`.
    activation : str, optional
        Applied to the result: ``"relu"``, ``"leaky_relu"`` (or ``("leaky_relu", slope)``; 0.01
        without one), ``"tanh"``, ``"sigmoid"``, ``"gelu"`` (by the error function) or ``"silu"``.
        For real floats.
    layout : str
        ``"channels_first"`` for arrays (N, C, *spatial), ``"channels_last"`` for
        (N, *spatial, C). The compiled engine reads and writes real arrays in either as they lie.
        The weight is laid out the same in both.
    method : str
        An algorithm of the engine. ``"auto"`` takes, for each size of input, what costs least by
        the engine's model;
        ``"positions"`` (phase product, lanes along positions), ``"channels"`` (lanes along output
        channels), ``"winograd"`` and ``"winograd_channels"`` (the same with fewer products, shared
        by all phases), ``"streaming"`` (few channels a group) and ``"strassen"`` (fewer products
        where every output has one tap) insist on one.
    arithmetic : {"fast", "direct"}, optional
        ``"fast"`` may multiply sums of neighbouring inputs: the error of an output is then relative
        to the largest input within four cells of those it reads, and in float32 was at most
        ``2**-24·max|x|·Σ|w|``, Σ over the weights of an output channel, in every real layer
        measured. With ``"direct"`` every output is a sum of its own products and nothing else. If
        left out, it is what :func:`tconv.get_arithmetic` tells now.

    Returns
    -------
    Plan

    Raises
    ------
    TypeError, ValueError
        As in :func:`tconv.conv_transpose`; also if the method asked for cannot do the layer.

    Examples
    --------
    >>> double = plan(np.ones((1, 1, 2)), stride=2, activation="relu")
    >>> double(np.array([[[1.0, -2.0]]]))
    array([[[1., 1., 0., 0.]]])
    >>> double(np.ones((3, 1, 5))).shape
    (3, 1, 10)
    """
    return Plan(
        weight, bias, stride, padding, output_padding, groups, dilation,
        activation=activation, layout=layout, method=method, arithmetic=arithmetic,
    )  # fmt: skip


class _Call(NamedTuple):
    """What calls of one shape and dtype need: a kept answer to every check."""

    packed: Packed
    work: np.dtype[Any]
    dtype: np.dtype[Any]  # of the result
    shape: tuple[int, ...]  # of the result, as the engine lays it out
    crop: tuple[int, ...]


class Plan:
    """A transposed convolution with its weights packed; made by :func:`tconv.plan`.

    Call it with an input of any size. It may be called from several threads at once, and sent to
    other processes: a pickle holds the parameters and weights as they were given, which a process
    packs when it first uses them. Copies, deep ones too, are the plan itself.

    Examples
    --------
    >>> layer = plan(np.ones((2, 3, 4, 4), np.float32), stride=2, padding=1)
    >>> layer(np.ones((1, 2, 5, 6), np.float32)).shape
    (1, 3, 10, 12)
    >>> layer.adjoint(np.ones((1, 3, 10, 12), np.float32)).shape
    (1, 2, 5, 6)
    """

    def __init__(
        self,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
        *,
        activation: str | tuple[str, float] | None = None,
        layout: Layout = "channels_first",
        method: str = "auto",
        arithmetic: Arithmetic | None = None,
    ) -> None:
        refusal = Refusal("plan", weight=weight, bias=bias, groups=groups)
        with refusal:
            array = check_weight(read_array("weight", weight), groups)
            check_memory(array.shape, array.dtype, "weight")
            self._weight = array.copy()
            self._layer = Layer.of(
                array.shape[2:], stride, padding, output_padding, groups, dilation
            )
            self._activation = read_activation(activation)
            known = native.algorithms()  # without an engine it is told below why none can
            self._method = (
                one_of("method", method, ALGORITHMS, _other_method) if known else str(method)
            )
            self._arithmetic = (
                get_arithmetic() if arithmetic is None else read_arithmetic(arithmetic)
            )
            self._last = one_of("layout", layout, LAYOUTS, hints.layout) == "channels_last"
            self._bias = None
            if bias is not None:
                self._bias = read_bias(bias, array.shape[1] * self._layer.groups).copy()
            dtype, self._dtype = common_dtypes(
                array.dtype, None if self._bias is None else self._bias.dtype
            )
            if self._dtype.kind == "c":
                self._check_activation(dtype)
        self._packed: dict[np.dtype[Any], Packed] = {}
        self._adjoints: dict[np.dtype[Any], PackedAdjoint] = {}
        self._seen: dict[tuple[Any, ...], _Call] = {}  # by shape, dtype, and tile if there is one
        with refusal.working("engine"), refusal:
            why = unsupported_reason(self._dtype, self._layer)
            if why is None:
                self._packed_in(self._dtype)
            elif method != "auto":
                raise ValueError(f"method {method!r} cannot do this: {why}")

    def __call__(self, x: ArrayLike, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Compute the layer.

        Parameters
        ----------
        x : array_like, (N, C_in, *I) or (C_in, *I); channels last if the plan says so
        out : ndarray, optional
            Written to and returned.

        Returns
        -------
        ndarray, (N, C_out, *O) or (C_out, *O); channels last if the plan says so
        """
        if type(x) is np.ndarray:
            known = self._seen.get((x.shape, x.dtype))
            if known is not None and out is None:
                return self._run(x, known)
            if known is not None and self._fits(out, known, x.ndim):
                y = self._run(x, known, out)
                if y is not out:
                    out[...] = y
                return out
        return self._checked(x, out)

    def tile(self, x: ArrayLike, tile: Geometry, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Compute one tile of an output, with the weights as they are packed.

        Parameters
        ----------
        x : array_like, (N, C_in, *tile.input_size) or without N; channels last if the plan says so
            The inputs that the tile needs.
        tile : Geometry
            As :meth:`tconv.Geometry.tile` gives it, of this plan's kernel, stride and dilation; it
            says what is cropped.
        out : ndarray, optional
            Written to and returned.

        Returns
        -------
        ndarray, (N, C_out, *tile.output_size) or without N; channels last if the plan says so
            Equal to that part of the whole output: to the bit for ``method="positions"`` with
            channels first, to rounding for the others, whose sums depend on where a tile begins.

        Raises
        ------
        TypeError, ValueError
            As in a call; also if the tile is of another layer.

        Examples
        --------
        >>> layer = plan(np.ones((1, 1, 4)), stride=2, padding=1)
        >>> x = np.arange(9.0).reshape(1, 1, 9)
        >>> whole = Geometry.of(9, 4, stride=2, padding=1)
        >>> (window,), tile = whole.tile([(4, 8)])
        >>> layer.tile(x[..., slice(*window)], tile)
        array([[[3., 5., 5., 7.]]])
        >>> layer(x)[..., 4:8]
        array([[[3., 5., 5., 7.]]])
        """
        if not isinstance(tile, Geometry):
            with Refusal("plan.tile", x=x, weight=self._weight):
                raise TypeError(f"tile must be a Geometry, as Geometry.tile gives it, got {tile!r}")
        if type(x) is np.ndarray and out is None:
            known = self._seen.get((x.shape, x.dtype, tile))
            if known is not None:
                return self._run(x, known)
        return self._checked(x, out, tile)

    def _checked(
        self, x: ArrayLike, out: NDArray[Any] | None, tile: Geometry | None = None
    ) -> NDArray[Any]:
        refusal = Refusal("plan", x=x, weight=self._weight, groups=self._layer.groups, out=out)
        with refusal:
            given = read_array("x", x)
            use = operands(
                self._channels_first(given), self._weight, self._bias, self._layer.groups,
                transposed=True, last=self._last,
            )  # fmt: skip
            size = use.x.shape[2:]
            geometry = self._layer.geometry(size) if tile is None else self._tile(tile, size)
            shape = (len(use.x), self._channels[1], *geometry.output_size)
            check_memory(shape, use.x.dtype)
            check_overflow((*shape[:2], *geometry.full), use.x.dtype, "full output")
            self._check_activation(use.dtype)
            laid_out = _channels_last(shape) if self._last else shape
            check_out(out, laid_out if use.batched else laid_out[1:], use.dtype)
        with refusal.working("engine"):
            with refusal:
                known = self._remembered(given, use, geometry, shape, tile)
            if known is not None:
                y = self._run(given, known, out)
            else:
                y = self._as_laid_out(self._run_numpy(use, geometry), use.batched)
        if out is None:
            return np.ascontiguousarray(y)
        if y is not out:
            out[...] = y
        return out

    def adjoint(self, y: ArrayLike) -> NDArray[Any]:
        """Compute the adjoint of the linear part: a direct convolution, bias and activation aside.

        Parameters
        ----------
        y : array_like, (N, C_out, *O) or (C_out, *O); channels last if the plan says so
            Of a size that this plan gives.

        Returns
        -------
        ndarray, (N, C_in, *I) or (C_in, *I); channels last if the plan says so
            With ``<plan(x), y> = <x, plan.adjoint(y)>`` for a plan without bias and activation,
            ``<a, b> = sum of a*·b`` (:func:`numpy.vdot`): the convolution with the conjugate of a
            complex weight. It is the gradient with respect to x, given that with respect to the
            result, in the convention of :func:`tconv.conv_transpose`.
        """
        refusal = Refusal("plan.adjoint", y=y, weight=self._weight, groups=self._layer.groups)
        with refusal:
            y = self._channels_first(read_array("y", y))
            use = operands(
                y, self._weight, None, self._layer.groups, transposed=False, name="y",
                last=self._last,
            )  # fmt: skip
            geometry = self._layer.geometry(self._layer.input_size(use.x.shape[2:]))
            check_memory((len(use.x), len(self._weight), *geometry.input_size), use.x.dtype)
            check_overflow((*use.x.shape[:2], *geometry.full), use.x.dtype, "full output")
        with refusal.working("auto"):
            x = use.handed(self._adjoint(use, geometry), None)
        return np.ascontiguousarray(self._as_laid_out(x, use.batched))

    def explain(self, input_size: Sizes | None = None, batch: int = 1) -> str:
        """Return in words what the plan does, and with what.

        Parameters
        ----------
        input_size : int or sequence of int, optional
            If given, also which method is taken for inputs of this size and why: what the cost
            model predicts of each. Times are predicted from a measurement of a millisecond of how
            fast this machine multiplies.
        batch : int

        Examples
        --------
        >>> print(plan(np.ones((8, 4, 3)), stride=2, padding=1).explain())
        layer       8 -> 4 channels, kernel 3, stride 2
        crop        1 at the start, 1 at the end
        ...
        """
        layer = self._layer
        words = ["{} -> {} channels".format(*self._channels)]
        words += [f"{layer.groups} groups"] * (layer.groups > 1)
        words += [f"kernel {times(layer.kernel_size)}", f"stride {times(layer.stride)}"]
        words += [f"dilation {times(layer.dilation)}"] * any(d > 1 for d in layer.dilation)
        rows = [("layer", ", ".join(words)), ("crop", self._crop_words())]
        rows += [("bias", "one a channel")] * (self._bias is not None)
        rows += [("activation", str(self._activation))] * (self._activation.name is not None)
        why = unsupported_reason(self._dtype, layer)
        if why is None:
            with Refusal("plan.explain", weight=self._weight, groups=layer.groups):
                self._packed_in(self._dtype)
        in_place = why is None and all(packed.last for packed in self._packed.values())
        how = "read and written in place" if in_place else "by copies"
        rows += [("layout", f"channels_last, {how}")] * self._last
        if why is None:
            threads = native.get_num_threads()
            chosen = "by the input's size" if self._method == "auto" else self._method
            rows.append(("method", f"compiled engine, {chosen}; weights packed once"))
            rows.append(("target", f"{native.target()}, {threads} thread{'s' * (threads > 1)}"))
            rows.append(("computes in", ", ".join(map(str, self._packed))))
            rows.append(("arithmetic", self._arithmetic))
            if input_size is not None:
                rows += self._estimates(input_size, batch)
        else:
            rows += [("method", "NumPy phase product"), ("because", why)]
            rows.append(("arithmetic", "direct"))
        return "\n".join(f"{name:<11} {said}" for name, said in rows)

    def _estimates(self, input_size: Sizes, batch: int) -> list[tuple[str, str]]:
        with Refusal("plan.explain", weight=self._weight, groups=self._layer.groups):
            geometry = self._layer.geometry(input_size)
            size = geometry.input_size
            batch = integer("batch", batch, minimum=1)
            for n, cells in zip(self._channels, (size, geometry.full), strict=True):
                check_overflow((batch, n, *cells), self._dtype, "the layer")
        channels = len(self._weight) * self._weight.shape[1]
        definition = batch * channels * geometry.products
        packed = next(iter(self._packed.values()))
        chosen, estimates = packed.estimates(batch, geometry)
        sizes = (
            f"{batch} image{'s' * (batch > 1)} of {times(size)} -> {times(geometry.output_size)}"
        )
        rows = [("for", f"{sizes}, {definition:,} products by the definition")]
        if chosen == "auto":
            why = "the definition, product by product: the weight holds NaN or infinity"
            return [*rows, ("takes", why)]
        rows += [("takes", chosen + (": the least predicted" if self._method == "auto" else ""))]
        for estimate in estimates:
            if estimate.unsupported:
                rows.append((estimate.method, f"cannot: {estimate.unsupported}"))
                continue
            lanes = native.lanes() * 4 / packed.itemsize
            share = estimate.products * lanes / max(definition, 1)
            rows.append(
                (
                    estimate.method,
                    f"{estimate.operations / native.speed() * 1e3:.3g} ms: "
                    f"{share:.0%} of those products, {estimate.bytes / 1e6:.3g} MB moved",
                )
            )
        return rows

    def __repr__(self) -> str:
        sizes = f"kernel {times(self._layer.kernel_size)}, stride {times(self._layer.stride)}"
        return f"<Plan: {sizes}, {native.target()}>"

    # Copies ------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs; it packs the weights when it first uses them."""
        return {**self.__dict__, "_packed": {}, "_adjoints": {}, "_seen": {}}

    def __copy__(self) -> "Plan":
        """Return the plan itself: it does not change."""
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> "Plan":
        """Return the plan itself: it does not change."""
        return self

    # Calls -------------------------------------------------------------------------------------

    def _run(self, x: NDArray[Any], known: _Call, out: NDArray[Any] | None = None) -> NDArray[Any]:
        batched = x.ndim == len(known.shape)
        copied = self._last and not known.packed.last
        x = readable(self._channels_first(x) if copied else x, known.work)
        straight = known.dtype is known.work and not copied
        if out is not None and straight and writable(out, known.work, x):
            y = spelled(out, known.work)
            known.packed.run(x if batched else x[None], y if batched else y[None], known.crop)
            return out
        y = memory.empty(known.shape, known.work)
        known.packed.run(x if batched else x[None], y, known.crop)
        if copied:
            y = np.ascontiguousarray(np.moveaxis(y, 1, -1))
        if known.dtype != known.work:
            y = y.astype(known.dtype)
        return y if batched else y[0]

    def _fits(self, out: object, known: _Call, ndim: int) -> TypeGuard[NDArray[Any]]:
        copied = self._last and not known.packed.last
        shape = _channels_last(known.shape) if copied else known.shape
        return (
            type(out) is np.ndarray
            and out.dtype == known.dtype
            and out.shape == (shape if ndim == len(shape) else shape[1:])
            and out.flags.writeable
        )

    def _adjoint(self, use: Operands, geometry: Geometry) -> NDArray[Any]:
        if unsupported_reason(use.x.dtype, geometry) is not None:
            return phases.conv(use.x, use.weight.conj(), geometry, use.groups)
        packed = self._adjoints.get(use.weight.dtype)
        if packed is None:
            packed = PackedAdjoint(use.weight.conj(), None, self._layer, use.groups)
            packed = self._adjoints.setdefault(use.weight.dtype, packed)
        y = readable(use.x, use.x.dtype)
        x = memory.empty((len(y), len(use.weight), *geometry.input_size), y.dtype)
        packed.run(y, x, packed.crop(geometry))
        return x

    def _run_numpy(self, use: Operands, geometry: Geometry) -> NDArray[Any]:
        y = use.biased(phases.conv_transpose(use.x, use.weight, geometry, use.groups))
        y = self._activation(y).astype(use.dtype, copy=False)
        return y if use.batched else y[0]

    def _remembered(
        self,
        x: NDArray[Any],
        use: Operands,
        geometry: Geometry,
        shape: tuple[int, ...],
        tile: Geometry | None,
    ) -> _Call | None:
        """Keep the answer to every check; None where the engine does not do the call."""
        reason = unsupported_reason(use.x.dtype, self._layer)
        if reason is not None or not self._leaves(geometry):
            return None
        packed = self._packed_in(use.weight.dtype)
        if packed.last:
            shape = _channels_last(shape)
        known = _Call(packed, use.weight.dtype, use.dtype, shape, packed.crop(geometry))
        if len(self._seen) >= REMEMBERED:
            self._seen.pop(next(iter(self._seen.copy())), None)
        key = (x.shape, x.dtype) if tile is None else (x.shape, x.dtype, tile)
        self._seen[key] = known
        return known

    def _leaves(self, geometry: Geometry) -> bool:
        """Tell whether a geometry leaves alone the axes that are packed as images."""
        return all(geometry.crop[a] == (0, 0) for a in idle_axes(self._layer))

    def _packed_in(self, dtype: np.dtype[Any]) -> Packed:
        """Return the weights as the engine has them to compute in a dtype."""
        packed = self._packed.get(dtype)
        if packed is not None:
            return packed
        bias = None if self._bias is None else as_work(self._bias, dtype)
        try:
            packed = Packed(
                as_work(self._weight, dtype), bias, self._layer, self._layer.groups,
                self._activation, method=self._method, channels_last=self._last,
                arithmetic=self._arithmetic,
            )  # fmt: skip
        except ValueError as error:
            raise ValueError(f"method {self._method!r} cannot do this: {error}") from None
        return self._packed.setdefault(dtype, packed)

    def _check_activation(self, dtype: np.dtype[Any]) -> None:
        work = work_dtype(dtype)
        if self._activation.name and (work is None or work.kind != "f"):
            raise TypeError(f"activation {self._activation.name!r} needs real floats, got {dtype}")

    # Layout ------------------------------------------------------------------------------------

    def _channels_first(self, array: NDArray[Any]) -> NDArray[Any]:
        """View an array laid out as the plan says as (N, C, *spatial)."""
        if self._last and array.ndim > self._layer.rank:
            return np.moveaxis(array, -1, array.ndim - 1 - self._layer.rank)
        return array

    def _as_laid_out(self, array: NDArray[Any], batched: bool) -> NDArray[Any]:
        return np.moveaxis(array, 1 if batched else 0, -1) if self._last else array

    # Sizes -------------------------------------------------------------------------------------

    @property
    def _channels(self) -> tuple[int, int]:
        """Those of the input and of the output."""
        return len(self._weight), self._weight.shape[1] * self._layer.groups

    def _tile(self, tile: Geometry, input_size: tuple[int, ...]) -> Geometry:
        """Return a tile, refused if it is not of this layer and this input."""
        layer = (self._layer.kernel_size, self._layer.stride, self._layer.dilation)
        if (tile.kernel_size, tile.stride, tile.dilation) != layer:
            raise ValueError(
                f"the tile is of kernel {times(tile.kernel_size)}, stride {times(tile.stride)}, "
                f"dilation {times(tile.dilation)}; the plan of kernel {times(layer[0])}, stride "
                f"{times(layer[1])}, dilation {times(layer[2])}"
            )
        if input_size != tile.input_size:
            raise ValueError(
                f"the tile needs inputs of size {times(tile.input_size)}, "
                f"got {times(input_size)}; cut x to the windows that Geometry.tile gives"
            )
        return tile

    def _crop_words(self) -> str:
        if isinstance(self._layer.padding, str):
            return repr(self._layer.padding)
        ends = [f"{c0} at the start, {c1} at the end" for c0, c1 in self._layer.crop]
        return ends[0] if len(set(ends)) == 1 else "; ".join(ends)


def _other_method(said: str, known: Iterable[str]) -> str:
    others = ("engine", "phases", *DEFINITIONS)
    return hints.elsewhere(said, known, others, "tconv.conv_transpose")


def _channels_last(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], *shape[2:], shape[1])
