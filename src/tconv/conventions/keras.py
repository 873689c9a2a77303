"""Keras 3: the padding words "valid" and "same", and an ``output_padding`` that moves both ends."""

from dataclasses import replace
from itertools import product

from tconv.conventions.base import Convention, Inexpressible, Words, by_hand
from tconv.conventions.writing import call, literal, short, unless_default
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.parameters import Sizes, per_axis, shown, word


class Keras(Convention):
    """``keras.ops.conv_transpose`` and ``keras.layers.Conv{1,2,3}DTranspose``.

    valid: c0 = 0, O = full + output_padding, or (I-1)·s + max(ke, s) without one. same:
    O = (I-1)·s + ke mod 2 + output_padding, or I·s without one, and c0 = floor(max(full - O, 0)/2).

    Examples
    --------
    >>> KERAS.code(Geometry.of((4, 4), 3, stride=2, padding="same"), 3, 8)
    'keras.layers.Conv2DTranspose(8, 3, strides=2, padding="same")'
    """

    name = "Keras"
    layout = "(*K, C_out, C_in)"

    def geometry(
        self,
        input_size: Sizes,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str = "valid",
        output_padding: Sizes | None = None,
        dilation_rate: Sizes = 1,
    ) -> Geometry:
        """Return the geometry of Keras's arguments."""
        said = word("padding", padding).lower()
        if said not in ("valid", "same"):
            raise ValueError(f'Keras pads "valid" or "same", not {shown(padding)}')
        full = Geometry.of(input_size, kernel_size, strides, dilation=dilation_rate)
        extra: tuple[int | None, ...] = (None,) * full.rank
        if output_padding is not None:
            extra = per_axis("output_padding", output_padding, full.rank)
        return Geometry(
            tuple(_placed(axis, said, op) for axis, op in zip(full.axes, extra, strict=True))
        )

    def _words(self, geometry: Geometry, groups: int) -> Words:
        if groups > 1:
            raise Inexpressible(
                "Keras has no grouped transposed convolution: "
                f"split the channels, use {groups} layers and concatenate their outputs"
            )
        for padding, default in product(("valid", "same"), (True, False)):
            extra = tuple(axis.output_size - _least(axis, padding) for axis in geometry.axes)
            if not all(_on_every_backend(axis, padding) for axis in geometry.axes):
                continue
            words: Words = {
                "strides": geometry.stride,
                "padding": padding,
                "output_padding": None if default else extra,
                "dilation_rate": geometry.dilation,
            }
            negative = not default and min(extra) < 0
            said = self.geometry(geometry.input_size, geometry.kernel_size, **words)
            if said == geometry and not negative:
                return words
        raise Inexpressible(
            'Keras crops every axis by one word, "valid" nothing and "same" floor(max(full - O, '
            f'0)/2) at the start; crop {short(geometry.crop)} is neither: use padding="valid" and '
            f"{by_hand(*geometry.crop)}"
        )

    def _code(self, words: Words, geometry: Geometry, in_channels: int, out_channels: int) -> str:
        written = unless_default(
            words, strides=1, padding="valid", output_padding=None, dilation_rate=1
        )
        if _layer_takes(words):
            layer = f"keras.layers.Conv{geometry.rank}DTranspose"
            return call(layer, out_channels, literal(short(geometry.kernel_size)), **written)
        return call("keras.ops.conv_transpose", "x", "kernel", **written)


def _placed(axis: Axis, padding: str, output_padding: int | None) -> Axis:
    """Return the axis as Keras crops it."""
    if output_padding is not None:
        size = _least(axis, padding) + output_padding
    elif padding == "valid":
        size = max(axis.full, axis.input_size * axis.stride)
    else:
        size = axis.input_size * axis.stride
    start = 0 if padding == "valid" else max(axis.full - size, 0) // 2
    return replace(axis, crop_start=start, output_size=size)


def _least(axis: Axis, padding: str) -> int:
    """Return the output size that output_padding=0 gives."""
    if padding == "valid":
        return axis.full
    return (axis.input_size - 1) * axis.stride + axis.effective_kernel % 2


def _on_every_backend(axis: Axis, padding: str) -> bool:
    """Tell whether TensorFlow, the backend that checks, takes the output size."""
    least = axis.full if padding == "valid" else (axis.input_size - 1) * axis.stride + 1
    return least <= axis.output_size < least + axis.stride


def _layer_takes(words: Words) -> bool:
    """Tell whether the layer, stricter than the operator, takes these arguments."""
    extra = words["output_padding"] or (0,) * len(words["strides"])
    small = all(op < s for op, s in zip(extra, words["strides"], strict=True))
    return small and (max(words["strides"]) == 1 or max(words["dilation_rate"]) == 1)


KERAS = Keras()
