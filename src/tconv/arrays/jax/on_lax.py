"""The three operators as JAX's own convolution, which every platform has.

It makes products with the zeros between and around the inputs, so that infinite weights and inputs
give NaN there.
"""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from tconv.geometry import Geometry


def conv_transpose(x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Return the y of x and the weight: a convolution of x, stretched, with the weight, flipped."""
    in_channels, outputs, *kernel = weight.shape
    flipped = jnp.flip(weight, tuple(range(2, weight.ndim)))
    grouped = flipped.reshape(groups, in_channels // groups, outputs, *kernel).swapaxes(0, 1)
    stretched = geometry.stretched()
    return _convolved(
        x,
        grouped.reshape(in_channels // groups, groups * outputs, *kernel),
        (_plain, _exchanged, _plain),
        window_strides=stretched.stride,
        padding=stretched.padding,
        lhs_dilation=stretched.stretch,
        rhs_dilation=stretched.dilation,
        feature_group_count=groups,
    )


def conv(y: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Return the x of y and the weight."""
    return _convolved(
        y,
        weight,
        (_plain, _plain, _plain),
        window_strides=geometry.stride,
        padding=geometry.crop,
        rhs_dilation=geometry.dilation,
        feature_group_count=groups,
    )


def weight_gradient(x: Array, y: Array, geometry: Geometry, groups: int) -> Array:
    """Return the weight of x and y: a convolution of y with x, whose channels are the images."""
    return _convolved(
        y,
        x,
        (_exchanged, _exchanged, _exchanged),
        window_strides=geometry.dilation,
        padding=geometry.crop,
        rhs_dilation=geometry.stride,
        batch_group_count=groups,
    )


def _plain(rank: int) -> tuple[int, ...]:
    return tuple(range(2 + rank))


def _exchanged(rank: int) -> tuple[int, ...]:
    return (1, 0, *range(2, 2 + rank))


def _convolved(array: Array, kernel: Array, layouts: tuple[Any, Any, Any], **words: Any) -> Array:
    dtype = array.dtype
    wide = jnp.promote_types(dtype, jnp.float32) if jnp.issubdtype(dtype, jnp.floating) else None
    rank = array.ndim - 2
    made: Array = lax.conv_general_dilated(
        array,
        kernel,
        **words,
        dimension_numbers=lax.ConvDimensionNumbers(*(layout(rank) for layout in layouts)),
        preferred_element_type=wide,
    )
    return made.astype(dtype)
