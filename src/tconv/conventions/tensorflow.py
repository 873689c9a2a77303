"""TensorFlow: the gradient of its forward convolution, with the output shape given."""

from collections.abc import Iterator, Sequence
from typing import Any

from tconv.conventions.base import Convention, Inexpressible, Words, by_hand
from tconv.conventions.writing import call, unless_default
from tconv.geometry import Geometry
from tconv.geometry.parameters import Sizes, common_rank, is_sequence, per_axis, sequence, shown

Pads = Sequence[Sequence[int]]


class TensorFlow(Convention):
    """``tf.nn.conv{1,2,3}d_transpose``, data channels last.

    O is given; c0 is what the forward convolution over O cells pads at the start: 0 for VALID,
    floor(max(full - O, 0)/2) for SAME, or explicit. ``output_shape`` is (N, *O, C_out); N and
    C_out, which a geometry does not know, are None in :meth:`words`.

    Examples
    --------
    >>> geometry = Geometry.of((4, 4), 3, stride=2, padding="same")
    >>> TENSORFLOW.words(geometry)["padding"], TENSORFLOW.words(geometry)["output_shape"]
    ('SAME', (None, 8, 8, None))
    """

    name = "TensorFlow"
    layout = "(*K, C_out/groups, C_in)"

    def geometry(
        self,
        input_size: Sizes,
        kernel_size: Sizes,
        output_shape: Sequence[int | None],
        strides: Sizes = 1,
        padding: str | Pads = "SAME",
        dilations: Sizes = 1,
    ) -> Geometry:
        """Return the geometry of TensorFlow's arguments; refuse an output that has no gradient."""
        rank = _rank_of(
            output_shape,
            input_size=input_size,
            kernel_size=kernel_size,
            strides=strides,
            dilations=dilations,
        )
        inner = _inner("output_shape", output_shape, rank, None)
        output_size = per_axis("output_shape", inner, rank)
        pads: Any = padding
        if isinstance(padding, str):
            pads = padding.lower()
        else:
            pads = padding if is_sequence(padding) else [[padding] * 2] * rank
            pads = _inner("padding", pads, rank, [0, 0])
        geometry = Geometry.of_conv(output_size, kernel_size, strides, pads, dilations)
        size = per_axis("input_size", input_size, rank)
        wanted = Geometry.of(size, kernel_size, strides, dilation=dilations)
        if wanted.input_size != geometry.input_size:
            raise ValueError(
                f"a {shown(padding)} convolution of output_shape {shown(output_shape)} gives "
                f"{geometry.input_size} cells, not the input's {wanted.input_size}"
            )
        return geometry

    def _words(self, geometry: Geometry, groups: int) -> Words:
        if groups > 1 and geometry.rank == 3:
            raise Inexpressible(
                "TensorFlow groups channels on 1 or 2 spatial axes, not 3: split the channels, "
                f"use {groups} convolutions and concatenate their outputs"
            )
        for padding in _paddings(geometry, groups):
            words: Words = {
                "output_shape": (None, *geometry.output_size, None),
                "strides": geometry.stride,
                "padding": padding,
                "dilations": geometry.dilation,
            }
            try:
                said = self.geometry(geometry.input_size, geometry.kernel_size, **words)
            except ValueError:
                continue
            if said == geometry:
                return words
        raise Inexpressible(
            "TensorFlow's paddings are VALID, SAME and, with 2 axes, no dilation and no groups, "
            "explicit ones that crop at the start and add fewer than s cells at the end; "
            f'this is none of them: use padding="VALID" and {by_hand(*geometry.crop)}'
        )

    def _code(self, words: Words, geometry: Geometry, in_channels: int, out_channels: int) -> str:
        sizes = ", ".join(map(str, geometry.output_size))
        return call(
            f"tf.nn.conv{geometry.rank}d_transpose",
            "x",
            "filters",
            output_shape=f"(tf.shape(x)[0], {sizes}, {out_channels})",
            **unless_default(words, strides=None, padding=None, dilations=1),
        )


def _rank_of(output_shape: object, **sizes: object) -> int:
    """Return the number of spatial axes: of sizes one an axis, or else of the output shape."""
    if is_sequence(output_shape) and not any(map(is_sequence, sizes.values())):
        return max(len(sequence("output_shape", output_shape)) - 2, 1)
    return common_rank(**sizes)


def _inner(name: str, value: object, rank: int, end: object) -> list[Any]:
    """Return what stands between batch and channels; refuse what leaves these out."""
    inner = list(sequence(name, value)) if is_sequence(value) else [value] * rank
    if is_sequence(value) and len(inner) == rank + 2:
        return inner[1:-1]
    hint = f": write {[end, *inner, end]}" if len(inner) == rank else ""
    raise ValueError(
        f"{name} {shown(value)} must have {rank + 2} entries, batch and channels included{hint}"
    )


def _paddings(geometry: Geometry, groups: int) -> Iterator[str | list[list[int]]]:
    """Yield the paddings to try, the simplest first."""
    yield "VALID"
    yield "SAME"
    # explicit pads are a 2-D affair, and TensorFlow's CPU kernel for them knows no more than this
    if geometry.rank == 2 and groups == 1 and set(geometry.dilation) == {1}:
        pads = [[max(start, 0), max(end, 0)] for start, end in geometry.crop]
        yield [[0, 0], *pads, [0, 0]]


TENSORFLOW = TensorFlow()
