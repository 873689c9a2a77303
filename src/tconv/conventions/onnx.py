"""ONNX ConvTranspose: pads at both ends, and ``output_padding`` that extends the end."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tconv.conventions.base import Convention, Inexpressible, Words, along, by_hand
from tconv.conventions.writing import call, literal
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.parameters import Sizes, is_sequence, per_axis, sequence, shown, word

AUTO_PADS = ("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


class Onnx(Convention):
    """``ConvTranspose`` since operator set 11, as ONNX Runtime computes it (older sets as well).

    c0 = pad at the start, O = full - pads + output_padding. With ``output_shape``, or SAME, where
    the shape is I·s, total = max(full + output_padding - shape, 0) is cropped: floor(total/2) of it
    at the start for SAME_UPPER, ceil(total/2) for everything else.

    Examples
    --------
    >>> print(ONNX.code(Geometry.of(4, 3, stride=2, padding="same")))
    onnx.helper.make_node("ConvTranspose", ["x", "w"], ["y"], kernel_shape=[3], pads=[0, 1],
    strides=[2])
    """

    name = "ONNX"
    layout = "(C_in, C_out/groups, *K)"
    ranks = range(1, 64)

    def geometry(
        self,
        input_size: Sizes,
        kernel_size: Sizes,
        auto_pad: str = "NOTSET",
        dilations: Sizes = 1,
        group: int = 1,
        kernel_shape: Sequence[int] | None = None,
        output_padding: Sizes = 0,
        output_shape: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        strides: Sizes = 1,
    ) -> Geometry:
        """Return the geometry of the node's attributes."""
        full = Geometry.of(input_size, kernel_size, strides, dilation=dilations)
        rank = full.rank
        if kernel_shape is not None:
            said = sequence("kernel_shape", kernel_shape)
            if said != full.kernel_size:
                raise ValueError(f"kernel_shape {shown(said)} is not W's {full.kernel_size}")
        if word("auto_pad", auto_pad) not in AUTO_PADS:
            close = [one for one in AUTO_PADS if one.startswith(auto_pad.upper())]
            hint = f"; write {close[0]!r}" if close else ""
            raise ValueError(
                f"auto_pad {shown(auto_pad)} is not one of {', '.join(AUTO_PADS)}{hint}"
            )
        extra = per_axis("output_padding", output_padding, rank, minimum=0)
        if output_shape is not None:
            sizes: Any = output_shape
            if is_sequence(output_shape):
                sizes = sequence("output_shape", output_shape)[-rank:]
            wanted = per_axis("output_shape", sizes, rank, minimum=1)
        elif auto_pad.startswith("SAME"):
            wanted = tuple(axis.input_size * axis.stride for axis in full.axes)
        else:
            before, after = (0,) * rank, (0,) * rank
            if pads is not None and auto_pad == "NOTSET":
                flat = per_axis("pads", pads, 2 * rank, minimum=0)
                before, after = flat[:rank], flat[rank:]
            crop = [(b, e - op) for b, e, op in zip(before, after, extra, strict=True)]
            return Geometry.from_crop(input_size, kernel_size, strides, dilations, crop)
        given = output_shape is not None
        return Geometry(
            tuple(
                _fitted(axis, size, op, given=given, upper=auto_pad == "SAME_UPPER")
                for axis, size, op in zip(full.axes, wanted, extra, strict=True)
            )
        )

    def _words(self, geometry: Geometry, groups: int) -> Words:
        before, after, extra = zip(*along(geometry, _pads), strict=True)
        return {
            "dilations": geometry.dilation,
            "group": groups,
            "kernel_shape": geometry.kernel_size,
            "output_padding": extra,
            "pads": (*before, *after),
            "strides": geometry.stride,
        }

    def _code(self, words: Words, geometry: Geometry, in_channels: int, out_channels: int) -> str:
        left_out = {
            "dilations": (1,) * geometry.rank,
            "group": 1,
            "output_padding": (0,) * geometry.rank,
            "pads": (0,) * 2 * geometry.rank,
            "strides": (1,) * geometry.rank,
        }
        written = {
            name: literal(list(value) if isinstance(value, tuple) else value)
            for name, value in words.items()
            if value != left_out.get(name)
        }
        names = (literal("ConvTranspose"), literal(["x", "w"]), literal(["y"]))
        return call("onnx.helper.make_node", *names, **written)


def _fitted(axis: Axis, size: int, output_padding: int, *, given: bool, upper: bool) -> Axis:
    """Crop an axis to a wanted size, as far as cropping goes."""
    if size > axis.full + axis.stride - 1 and given:
        raise ValueError(
            f"output_shape {size} is out of reach: at most full + stride - 1 = "
            f"{axis.full + axis.stride - 1}"
        )
    total = max(axis.full + output_padding - size, 0)
    start = total // 2 if upper else total - total // 2
    size = size if given else axis.full + output_padding - total
    return replace(axis, crop_start=start, output_size=size)


def _pads(axis: Axis) -> tuple[int, int, int]:
    """Return the pads before and after, and output_padding."""
    start, end = crop = axis.crop_start, axis.crop_end
    if start >= 0 and end > -axis.stride:
        return start, max(end, 0), max(-end, 0)
    why = (
        f"ONNX adds no cells before the output; crop {crop} does"
        if start < 0
        else f"ONNX Runtime adds fewer cells at the end than the stride, {axis.stride}; "
        f"crop {crop} adds {-end}"
    )
    pads = max(start, 0), max(end, 0)
    rest = by_hand((start - pads[0], end - pads[1]))
    raise Inexpressible(f"{why}: use pads={list(pads)} and {rest}")


ONNX = Onnx()
