"""Geometry: what a transposed convolution does to sizes and places, on any number of axes.

Everything in tconv reads from it. It needs the standard library alone; one axis is an
:class:`~tconv.geometry.axis.Axis`; an answer for several axes is a tuple or product of theirs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from tconv.geometry.axis import LISTED_AT_MOST, Axis
from tconv.geometry.convolution import Convolution, times
from tconv.geometry.derivation import derive
from tconv.geometry.padding import Window, axis_of, conv_axis_of
from tconv.geometry.parameters import (
    Padding,
    Sizes,
    common_rank,
    integer,
    is_plain,
    is_sequence,
    padding_per_axis,
    per_axis,
    sequence,
    shown,
)

KEPT = 1024  # geometries of parameters seen before


@dataclass(frozen=True, slots=True)
class Geometry:
    """The sizes and places of a transposed convolution; frozen, hashable, exact for any size.

    Make one with :meth:`of` (PyTorch's words), :meth:`from_crop` (an asymmetric crop) or
    :meth:`of_conv` (the transpose of a direct convolution).

    Parameters
    ----------
    axes : tuple of Axis
        The spatial axes, in order.

    Examples
    --------
    >>> geometry = Geometry.of(input_size=4, kernel_size=3, stride=2, padding=1)
    >>> geometry.output_size
    (7,)
    >>> geometry.even
    False
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "axes", sequence("axes", self.axes))
        if not self.axes:
            raise ValueError("a geometry needs at least one axis")
        for axis in self.axes:
            if not isinstance(axis, Axis):
                raise TypeError(f"axes must hold Axis objects, got {shown(axis)}")

    # Constructors -----------------------------------------------------------------------------

    @classmethod
    def of(
        cls,
        input_size: Sizes,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        dilation: Sizes = 1,
        output_size: Sizes | None = None,
    ) -> "Geometry":
        """Make a geometry from PyTorch's words.

        Parameters
        ----------
        input_size, kernel_size, stride, dilation : int or sequence of int
            One integer for every axis, or one an axis. At least 1.
        padding : int, sequence, or str
            Cells cropped from both ends of the full output: an int, one an axis, or (before, after)
            an axis, which may be negative and then append cells. Or a word: ``"valid"`` crops
            nothing; ``"half"`` crops ke//2, for an odd effective kernel ke; ``"full"`` crops
            ke - 1; ``"same"`` gives output size I·s, cropping floor(max(full - O, 0)/2) at the
            start, as TensorFlow does.
        output_padding : int or sequence of int
            Cells cropped less at the end: 0 <= output_padding < max(stride, dilation).
        output_size : int or sequence of int, optional
            Instead of `output_padding`: one of the `stride` sizes that share an input size.

        Returns
        -------
        Geometry

        Raises
        ------
        TypeError
            If a parameter is of the wrong kind (bool, float and str included).
        ValueError
            If it is out of range, or the output would be empty.

        Notes
        -----
        O = (I-1)·s + d·(K-1) + 1 - before - after + output_padding: relations 8 to 14 of
        Dumoulin & Visin, "A guide to convolution arithmetic for deep learning"
        (arXiv:1603.07285), with dilation as in relation 15.

        Examples
        --------
        >>> Geometry.of((4, 6), 3, stride=2, padding=1, output_padding=1).output_size
        (8, 12)
        >>> Geometry.of(4, 3, stride=2, padding="same").crop
        ((0, 1),)
        >>> Geometry.of(3, 3, stride=2, output_size=9)
        Traceback (most recent call last):
        ...
        ValueError: output_size 9 is out of reach: stride 2 gives 7 or 8
        """
        words: Any = (
            input_size, kernel_size, stride, padding, output_padding, dilation, output_size
        )  # fmt: skip
        kind: Any = cls
        return _kept(kind, *words) if is_plain(words) else cls._of(*words)

    @classmethod
    def _of(
        cls,
        input_size: Sizes,
        kernel_size: Sizes,
        stride: Sizes,
        padding: Padding,
        output_padding: Sizes,
        dilation: Sizes,
        output_size: Sizes | None,
    ) -> "Geometry":
        sizes = {
            "input_size": input_size,
            "kernel_size": kernel_size,
            "stride": stride,
            "dilation": dilation,
            "output_padding": output_padding,
        }
        rank = common_rank(**sizes, output_size=output_size, padding=padding)
        columns = {
            name: per_axis(name, value, rank, minimum=0 if name == "output_padding" else 1)
            for name, value in sizes.items()
        }
        wanted = (
            (None,) * rank if output_size is None else per_axis("output_size", output_size, rank)
        )
        if output_size is not None and any(columns["output_padding"]):
            raise ValueError("give output_padding or output_size, not both")
        pads = padding_per_axis(padding, rank)
        rows = zip(*columns.values(), wanted, strict=True)
        return cls(
            tuple(
                axis_of(*row, padding=pads if isinstance(pads, str) else pads[index])
                for index, row in enumerate(rows)
            )
        )

    @classmethod
    def from_crop(
        cls,
        input_size: Sizes,
        kernel_size: Sizes,
        stride: Sizes = 1,
        dilation: Sizes = 1,
        crop: Iterable[Sequence[int]] | int = 0,
    ) -> "Geometry":
        """Make a geometry from the cells cut from either end of the full output.

        Parameters
        ----------
        input_size, kernel_size, stride, dilation : int or sequence of int
        crop : int, or sequence of (int, int)
            (start, end) an axis; negative puts untouched cells there.

        Examples
        --------
        >>> Geometry.from_crop(3, 3, stride=2, crop=[(0, 1)]).output_size
        (6,)
        """
        rank = common_rank(
            input_size=input_size,
            kernel_size=kernel_size,
            stride=stride,
            dilation=dilation,
            crop=crop,
        )
        pairs = crop if is_sequence(crop) else ((crop, crop),) * rank
        return cls.of(input_size, kernel_size, stride, tuple(pairs), 0, dilation)  # type: ignore[arg-type]

    @classmethod
    def of_conv(
        cls,
        input_size: Sizes,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        dilation: Sizes = 1,
    ) -> "Geometry":
        """Make the geometry of the transpose of a direct convolution.

        Its `output_size` is the convolution's input size and its `input_size` is the
        convolution's output size, floor((I + before + after - ke)/s) + 1.

        Parameters
        ----------
        input_size : int or sequence of int
            Of the direct convolution.
        kernel_size, stride, padding, dilation
            As in :meth:`of`; ``"same"`` gives ceil(I/s) outputs, as in TensorFlow.

        Raises
        ------
        ValueError
            If the kernel is larger than the padded input.

        Notes
        -----
        Relations 6 and 15 of Dumoulin & Visin (arXiv:1603.07285).

        Examples
        --------
        >>> Geometry.of_conv(6, kernel_size=3, stride=2, padding=1).input_size
        (3,)
        """
        rank = common_rank(
            input_size=input_size,
            kernel_size=kernel_size,
            stride=stride,
            dilation=dilation,
            padding=padding,
        )
        pads = padding_per_axis(padding, rank)
        return cls(
            tuple(
                conv_axis_of(i, k, s, d, pads if isinstance(pads, str) else pads[index])
                for index, (i, k, s, d) in enumerate(
                    zip(
                        per_axis("input_size", input_size, rank, minimum=1),
                        per_axis("kernel_size", kernel_size, rank, minimum=1),
                        per_axis("stride", stride, rank, minimum=1),
                        per_axis("dilation", dilation, rank, minimum=1),
                        strict=True,
                    )
                )
            )
        )

    # Sizes ------------------------------------------------------------------------------------

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.axes)

    @property
    def input_size(self) -> tuple[int, ...]:
        """I, one an axis."""
        return tuple(axis.input_size for axis in self.axes)

    @property
    def kernel_size(self) -> tuple[int, ...]:
        """K, one an axis."""
        return tuple(axis.kernel_size for axis in self.axes)

    @property
    def stride(self) -> tuple[int, ...]:
        """The stride s, one an axis."""
        return tuple(axis.stride for axis in self.axes)

    @property
    def dilation(self) -> tuple[int, ...]:
        """The dilation d, one an axis."""
        return tuple(axis.dilation for axis in self.axes)

    @property
    def output_size(self) -> tuple[int, ...]:
        """O, one an axis."""
        return tuple(axis.output_size for axis in self.axes)

    @property
    def crop(self) -> tuple[tuple[int, int], ...]:
        """Cells cut from (start, end) of the full output; negative where cells are added."""
        return tuple((axis.crop_start, axis.crop_end) for axis in self.axes)

    @property
    def full(self) -> tuple[int, ...]:
        """Output size before cropping, (I-1)·s + ke, one an axis."""
        return tuple(axis.full for axis in self.axes)

    @property
    def effective_kernel(self) -> tuple[int, ...]:
        """The extent of a stamp, ke = d·(K-1) + 1, one an axis."""
        return tuple(axis.effective_kernel for axis in self.axes)

    # Places -----------------------------------------------------------------------------------

    def phases(self) -> Iterator[tuple[int, ...]]:
        """Return the phases: every residue of (o + c0) modulo the stride, axis by axis.

        Examples
        --------
        >>> list(Geometry.of((3, 3), 3, stride=(2, 1)).phases())
        [(0, 0), (1, 0)]
        """
        return product(*(axis.listed("phases", axis.stride) for axis in self.axes))

    def taps(self, phase: Sequence[int]) -> tuple[range, ...]:
        """Return the kernel elements that reach a phase, axis by axis.

        Examples
        --------
        >>> Geometry.of(4, 5, stride=2).taps((1,))
        (range(1, 5, 2),)
        """
        return tuple(axis.taps(r) for axis, r in self._each(phase))

    def reads(self, output: Sequence[int]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Return the (input, kernel element) pairs whose products an output sums.

        Examples
        --------
        >>> Geometry.of((2, 2), 3, stride=2).reads((2, 0))
        [((1, 0), (0, 0)), ((0, 0), (2, 0))]
        """
        count = self.overlap_at(output)
        if count > LISTED_AT_MOST:
            raise ValueError(
                f"reads would list {count} pairs, more than {LISTED_AT_MOST}; ask axis by axis"
            )
        pairs = [zip(*axis.reads(o), strict=True) for axis, o in self._each(output)]
        return [(tuple(i for i, _ in pair), tuple(k for _, k in pair)) for pair in product(*pairs)]

    def stamps(self, position: Sequence[int]) -> tuple[range, ...]:
        """Return the outputs that an input stamps, as one range an axis.

        Examples
        --------
        >>> Geometry.of((2, 2), 3, stride=2, padding=1).stamps((0, 1))
        (range(0, 2), range(1, 3))
        """
        return tuple(axis.stamps(i) for axis, i in self._each(position))

    def overlap(self) -> tuple[tuple[int, ...], ...]:
        """Return how many products each output sums, axis by axis; for a cell they multiply.

        Examples
        --------
        >>> Geometry.of(3, 3, stride=2).overlap()
        ((1, 1, 2, 1, 2, 1, 1),)
        """
        return tuple(axis.overlap() for axis in self.axes)

    def overlap_at(self, output: Sequence[int]) -> int:
        """Return how many products an output cell sums.

        Examples
        --------
        >>> Geometry.of((3, 3), 3, stride=2).overlap_at((2, 2))
        4
        """
        return prod(axis.overlap_at(o) for axis, o in self._each(output))

    def overlap_map(self) -> Any:
        """Return the overlap of every output cell, as lists nested as deep as there are axes.

        Examples
        --------
        >>> Geometry.of((2, 2), 2).overlap_map()
        [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
        """
        cells = prod(self.output_size)
        if cells > LISTED_AT_MOST:
            raise ValueError(
                f"the overlap map has {cells} cells, more than {LISTED_AT_MOST}; use overlap_at"
            )
        table: Any = 1
        for counts in reversed(self.overlap()):
            table = [_scaled(table, n) for n in counts]
        return table

    def holes(self) -> tuple[tuple[int, ...], ...]:
        """Return the outputs that no input reaches, axis by axis; a cell is a hole if any is.

        Examples
        --------
        >>> Geometry.of(3, 1, stride=2).holes()
        ((1, 3),)
        """
        return tuple(axis.holes() for axis in self.axes)

    @property
    def even(self) -> bool:
        """Whether every phase has equally many taps: the overlap is uniform away from the borders.

        Cause and cure of checkerboards: Odena, Dumoulin & Olah, "Deconvolution and checkerboard
        artifacts", Distill (2016).
        """
        return all(axis.even for axis in self.axes)

    @property
    def taps_per_phase(self) -> tuple[int, int]:
        """Return the fewest and the most taps that any phase has, all axes together."""
        fewest, most = zip(*(axis.taps_per_phase for axis in self.axes), strict=True)
        return prod(fewest), prod(most)

    # Windows ----------------------------------------------------------------------------------

    def input_window(self, outputs: Sequence[Window]) -> tuple[Window, ...]:
        """Return the inputs [start, stop) an axis that a window of outputs needs.

        Examples
        --------
        >>> Geometry.of(9, 4, stride=2, padding=1).input_window([(4, 8)])
        ((1, 5),)
        """
        return tuple(axis.input_window(*window) for axis, window in self._each(outputs))

    def output_window(self, inputs: Sequence[Window]) -> tuple[Window, ...]:
        """Return the outputs [start, stop) an axis that a window of inputs stamps.

        Examples
        --------
        >>> Geometry.of(9, 4, stride=2, padding=1).output_window([(1, 5)])
        ((1, 11),)
        """
        return tuple(axis.output_window(*window) for axis, window in self._each(inputs))

    def tile(self, outputs: Sequence[Window]) -> tuple[tuple[Window, ...], "Geometry"]:
        """Return the input window, and the geometry, that make a window of outputs by themselves.

        Examples
        --------
        >>> window, tile = Geometry.of(9, 4, stride=2, padding=1).tile([(4, 8)])
        >>> window, tile.crop
        (((1, 5),), ((3, 3),))
        """
        windows, axes = zip(
            *(axis.tile(*window) for axis, window in self._each(outputs)), strict=True
        )
        return windows, Geometry(axes)

    # The convolutions beside it ---------------------------------------------------------------

    def stretched(self) -> Convolution:
        """Return the direct convolution with the same result: zeros inserted, padded, flipped.

        Examples
        --------
        >>> print(Geometry.of(2, 3, stride=2).stretched())
        input 2, stretched by 2 to 3, kernel 3 flipped, stride 1, padding (2, 2) -> 5
        """
        return Convolution(
            input_size=self.input_size,
            kernel_size=self.kernel_size,
            stride=(1,) * self.rank,
            dilation=self.dilation,
            padding=tuple(axis.stretched_pads for axis in self.axes),
            output_size=self.output_size,
            stretch=self.stride,
            flip=True,
        )

    def adjoint(self) -> Convolution | None:
        """Return the direct convolution whose exact adjoint this is, or None.

        There is one when no cells stand before the full output and fewer than s after it:
        such a convolution's own size rule, floor((O + before + after - ke)/s) + 1, then gives
        back the input size.

        Examples
        --------
        >>> print(Geometry.of(3, 3, stride=2, padding=1, output_padding=1).adjoint())
        input 6, kernel 3, stride 2, padding (1, 1) -> 3
        >>> Geometry.of(3, 3, stride=2, dilation=3, output_padding=2).adjoint() is None
        True
        """
        if any(a.crop_start < 0 or a.crop_end <= -a.stride for a in self.axes):
            return None
        return Convolution(
            input_size=self.output_size,
            kernel_size=self.kernel_size,
            stride=self.stride,
            dilation=self.dilation,
            padding=tuple(axis.conv_pads for axis in self.axes),
            output_size=self.input_size,
        )

    # Work -------------------------------------------------------------------------------------

    @property
    def products(self) -> int:
        """Useful multiplications for one channel: pairs whose product lands in the output."""
        return prod(axis.products for axis in self.axes)

    @property
    def stretched_products(self) -> int:
        """Multiplications of the zero-stretched direct convolution, for one channel."""
        return prod(axis.stretched_products for axis in self.axes)

    @property
    def wasted_products(self) -> int:
        """Multiplications by an inserted or padded zero in the stretched direct convolution.

        Examples
        --------
        >>> geometry = Geometry.of((2, 2), 3, stride=2)
        >>> geometry.stretched_products, geometry.products, geometry.wasted_products
        (225, 36, 189)
        """
        return self.stretched_products - self.products

    def macs(
        self, batch: int = 1, in_channels: int = 1, out_channels: int = 1, groups: int = 1
    ) -> int:
        """Return the multiply-accumulates of a whole layer, products outside the crop left out.

        Examples
        --------
        >>> Geometry.of((8, 8), 4, stride=2, padding=1).macs(in_channels=3, out_channels=5)
        13500
        """
        n = integer("batch", batch, minimum=0)
        i = integer("in_channels", in_channels, minimum=1)
        o = integer("out_channels", out_channels, minimum=1)
        g = integer("groups", groups, minimum=1)
        if i % g or o % g:
            raise ValueError(f"groups {g} must divide in_channels {i} and out_channels {o}")
        return self.products * n * i * (o // g)

    # Words ------------------------------------------------------------------------------------

    def derivation(self) -> str:
        """Return the output size worked line by line.

        Examples
        --------
        >>> print(Geometry.of(4, 3, stride=2, padding=1).derivation())
        stretched input    (I-1)·s + 1 = (4-1)·2 + 1 = 7
        effective kernel   ke = d·(K-1) + 1 = 1·(3-1) + 1 = 3
        full output        (I-1)·s + ke = (4-1)·2 + 3 = 9
        crop               1 at the start, 1 at the end
        output             O = full - c0 - c1 = 9 - 1 - 1 = 7
        """
        if self.rank == 1:
            return derive(self.axes[0])
        return "\n\n".join(f"axis {index}\n{derive(axis)}" for index, axis in enumerate(self.axes))

    def __str__(self) -> str:
        words = [f"input {times(self.input_size)}", f"kernel {times(self.kernel_size)}"]
        words.append(f"stride {times(self.stride)}")
        if any(d != 1 for d in self.dilation):
            words.append(f"dilation {times(self.dilation)}")
        words.append(f"crop {'×'.join(map(str, self.crop))}")
        return f"{', '.join(words)} -> {times(self.output_size)}"

    def _each(self, values: Sequence[Any]) -> Iterable[tuple[Axis, Any]]:
        if not is_sequence(values) or len(values) != self.rank:
            raise ValueError(f"give one entry for each of {self.rank} axes, got {shown(values)}")
        return zip(self.axes, values, strict=True)


@lru_cache(KEPT)
def _kept(kind: type[Geometry], *words: Any) -> Geometry:
    return kind._of(*words)


def _scaled(table: Any, factor: int) -> Any:
    if isinstance(table, list):
        return [_scaled(row, factor) for row in table]
    return table * factor
