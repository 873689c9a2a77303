"""Three primitives, each linear in either operand, whose derivatives are one another.

With x (N, C_in, *I), y (N, C_out, *O) and w (C_in, C_out/groups, *K), and the sum over all that is
paired by i·s + k·d - c0 = o::

    conv_transpose(x, w) = y        conv(y, w) = x        weight_gradient(x, y) = w

Each is the derivative of <y, conv_transpose(x, w)> by the array it makes: of one trilinear form, so
that the transpose of each in either operand is another of them, to any order. Nothing is
conjugated.

The parameters are the same in all three: `geometry`, the layer in normal form with every size;
`groups`; and two for the engine, `arithmetic` and `insist`, whether it must do the work.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, ShapeDtypeStruct
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, xla

from tconv.arrays.jax.meshes import alike, like
from tconv.geometry import Geometry


class Place(NamedTuple):
    """An axis that a batch can be folded into: of every group by itself, or of all together."""

    axis: int
    grouped: bool = False


IMAGES = Place(0)
INPUTS = Place(1, grouped=True)  # channels of x
OUTPUTS = Place(1, grouped=True)  # of y
WEIGHT_INPUTS = Place(0, grouped=True)
WEIGHT_OUTPUTS = Place(1)


def conv_transpose(x: Array, weight: Array, **words: Any) -> Array:
    """Return the y of x and the weight; both of one dtype."""
    return _bind(conv_transpose_p, x, weight, words=words)


def conv(y: Array, weight: Array, **words: Any) -> Array:
    """Return the x of y and the weight; both of one dtype."""
    return _bind(conv_p, y, weight, words=words)


def weight_gradient(x: Array, y: Array, **words: Any) -> Array:
    """Return the weight of x and y; both of one dtype."""
    return _bind(weight_gradient_p, x, y, words=words)


def _bind(primitive: Primitive, *operands: Array, words: dict[str, Any]) -> Array:
    return primitive.bind(*alike(*operands), **words)


def shape_of_y(x: Any, weight: Any, geometry: Geometry, groups: int) -> tuple[int, ...]:
    """Return the shape that an operator's result has."""
    return x.shape[0], weight.shape[1] * groups, *geometry.output_size


def shape_of_x(y: Any, weight: Any, geometry: Geometry, _groups: int) -> tuple[int, ...]:
    """Return the shape that an operator's result has."""
    return y.shape[0], weight.shape[0], *geometry.input_size


def shape_of_weight(x: Any, y: Any, geometry: Geometry, groups: int) -> tuple[int, ...]:
    """Return the shape that an operator's result has."""
    return x.shape[1], y.shape[1] // groups, *geometry.kernel_size


def _define(
    name: str,
    shape: Callable[[Any, Any, Geometry, int], tuple[int, ...]],
    *,
    images: bool,
    transposes: tuple[Callable[..., Array], Callable[..., Array]],
    batches: tuple["Batch", "Batch"],
    groups: tuple[int, int, int],
) -> Primitive:
    """Define a primitive.

    Parameters
    ----------
    shape
        That of the result, from the operands.
    images : bool
        Whether the result has the first operand's batch.
    transposes
        From the cotangent and the operands to the cotangent of either operand.
    batches
        Where a batch of either operand alone is folded.
    groups
        The axes of the operands and of the result that count groups: a batch of both is folded
        there.
    """
    primitive = Primitive(f"tconv_{name}")

    @primitive.def_abstract_eval
    def _abstract(one: Any, other: Any, **words: Any) -> Any:
        made = shape(one, other, words["geometry"], words["groups"])
        return like(one, other, made, batch=images)

    primitive.def_impl(partial(xla.apply_primitive, primitive))
    ad.defbilinear(primitive, *transposes)

    def batched(operands: Any, axes: Any, **words: Any) -> tuple[Array, int]:
        which = [axis is not None for axis in axes]
        first = [
            jnp.moveaxis(operand, axis, 0) if mapped else operand
            for operand, axis, mapped in zip(operands, axes, which, strict=True)
        ]
        size = first[which.index(True)].shape[0]
        if not size:
            one, other = (
                ShapeDtypeStruct(array.shape[mapped:], array.dtype)
                for array, mapped in zip(first, which, strict=True)
            )
            made = shape(one, other, words["geometry"], words["groups"])
            return jnp.zeros((0, *made), one.dtype), 0
        if all(which):
            folded = (fold(array, Place(at), 1) for array, at in zip(first, groups, strict=False))
            words["groups"] *= size
            return unfold(_bind(primitive, *folded, words=words), Place(groups[2]), size, 1), 0
        batch = batches[which.index(True)]
        folded = (
            fold(array, batch.operand, words["groups"]) if mapped else array
            for array, mapped in zip(first, which, strict=True)
        )
        made = _bind(primitive, *folded, words=words)
        return unfold(made, batch.result, size, words["groups"]), 0

    batching.primitive_batchers[primitive] = batched
    return primitive


class Batch(NamedTuple):
    """Where a batch goes in an operand, and comes back in the result."""

    operand: Place
    result: Place


def fold(array: Array, place: Place, groups: int) -> Array:
    """Fold the first axis of (B, *shape) into another axis, numbered without it.

    Where that is grouped, (B, ..., g·c, ...) becomes (..., g·B·c, ...).

    Examples
    --------
    >>> fold(jnp.arange(8).reshape(2, 4), Place(0, grouped=True), 2).tolist()
    [0, 1, 4, 5, 2, 3, 6, 7]
    """
    count = groups if place.grouped else 1
    size, *shape = array.shape
    before, after = shape[: place.axis], shape[place.axis + 1 :]
    split = array.reshape(size, *before, count, shape[place.axis] // count, *after)
    moved = jnp.moveaxis(split, 0, place.axis + 1)
    return moved.reshape(*before, size * shape[place.axis], *after)


def unfold(array: Array, place: Place, size: int, groups: int) -> Array:
    """Take a batch of some size out of an axis again, to the front.

    Examples
    --------
    >>> unfold(jnp.array([0, 1, 4, 5, 2, 3, 6, 7]), Place(0, grouped=True), 2, 2).tolist()
    [[0, 1, 2, 3], [4, 5, 6, 7]]
    """
    count = groups if place.grouped else 1
    before, after = array.shape[: place.axis], array.shape[place.axis + 1 :]
    whole = array.shape[place.axis] // size
    split = array.reshape(*before, count, size, whole // count, *after)
    moved = jnp.moveaxis(split, place.axis + 1, 0)
    return moved.reshape(size, *before, whole, *after)


conv_transpose_p = _define(
    "conv_transpose",
    shape_of_y,
    images=True,
    transposes=(
        lambda y, _x, weight, **words: conv(y, weight, **words),
        lambda y, x, _weight, **words: weight_gradient(x, y, **words),
    ),
    batches=(Batch(IMAGES, IMAGES), Batch(WEIGHT_OUTPUTS, OUTPUTS)),
    groups=(1, 0, 1),
)
conv_p = _define(
    "conv",
    shape_of_x,
    images=True,
    transposes=(
        lambda x, _y, weight, **words: conv_transpose(x, weight, **words),
        lambda x, y, _weight, **words: weight_gradient(x, y, **words),
    ),
    batches=(Batch(IMAGES, IMAGES), Batch(WEIGHT_INPUTS, INPUTS)),
    groups=(1, 0, 1),
)
weight_gradient_p = _define(
    "weight_gradient",
    shape_of_weight,
    images=False,
    transposes=(
        lambda weight, _x, y, **words: conv(y, weight, **words),
        lambda weight, x, _y, **words: conv_transpose(x, weight, **words),
    ),
    batches=(Batch(INPUTS, WEIGHT_INPUTS), Batch(OUTPUTS, WEIGHT_OUTPUTS)),
    groups=(1, 1, 0),
)
