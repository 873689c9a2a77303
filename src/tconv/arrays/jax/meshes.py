"""What JAX keeps of an array beside shape and dtype: how it lies on a mesh of devices.

Inside :func:`jax.shard_map` arrays vary over axes of the mesh; under a mesh with explicit axes the
type of an array names those that its own axes are split along.
"""

from typing import Any

from jax import Array, lax, typeof
from jax.sharding import NamedSharding, PartitionSpec


def varying(kind: Any) -> frozenset[Any]:
    """Return the axes of the mesh over which an array of this type varies."""
    told = getattr(kind, "manual_axis_type", None)
    return frozenset[Any](kind.vma if told is None else told.varying)  # the former before JAX 0.10


def alike(*arrays: Array) -> tuple[Array, ...]:
    """Return arrays that all vary over the same axes of a mesh, as those of one operation must."""
    axes = [varying(typeof(array)) for array in arrays]
    every = frozenset[Any]().union(*axes)
    return tuple(
        lax.pcast(array, tuple(every - own), to="varying") if every - own else array
        for array, own in zip(arrays, axes, strict=True)
    )


def like(one: Any, other: Any, shape: tuple[int, ...], *, batch: bool) -> Any:
    """Return the type of a result that lies on the mesh of these two.

    With `batch` its first axis is split as that of `one`; nothing else is split.
    """
    on_mesh = other if one.sharding.mesh.empty else one
    spec: list[Any] = [None] * len(shape)
    if batch and on_mesh is one and one.sharding.spec:
        spec[0] = one.sharding.spec[0]
    sharding = NamedSharding(on_mesh.sharding.mesh, PartitionSpec(*spec))
    return on_mesh.update(shape=shape, weak_type=False, sharding=sharding)
