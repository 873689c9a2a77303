"""What the engine's cost model says of a layer and an input."""

from typing import Any

from torch import Tensor

from tconv.arrays.pytorch.memory import as_array, is_channels_last
from tconv.arrays.pytorch.reading import read_layer
from tconv.arrays.pytorch.threads import hosted
from tconv.engine import native
from tconv.engine.packed import Packed, unsupported_reason


def predict(module: Any, x: Tensor) -> tuple[str | None, float | None]:
    """Return the algorithm that a layer takes for an input, and the seconds predicted."""
    layer = read_layer(
        module.kernel_size, module.stride, module.padding, module.output_padding, module.groups,
        module.dilation,
    )  # fmt: skip
    geometry = layer.geometry(tuple(x.shape[-layer.rank :]))
    weight = as_array(module.weight)
    if unsupported_reason(weight.dtype, geometry) is not None:
        return None, None
    with hosted:
        last = is_channels_last(x, module.weight)
        packed = Packed(weight, None, geometry, layer.groups, channels_last=last)
        images = x.shape[0] if x.ndim == layer.rank + 2 else 1
        chosen, estimates = packed.estimates(images, geometry)
    for estimate in estimates:
        if estimate.method == chosen:
            return chosen, estimate.operations / native.speed()
    return None, None
