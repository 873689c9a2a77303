"""Each framework's transposed convolution in its own words, read into the normal form and back.

>>> from tconv import Geometry
>>> geometry = Geometry.of(4, 3, stride=2, padding=1, output_padding=1)
>>> CONVENTIONS["tensorflow"].words(geometry)
Traceback (most recent call last):
...
tconv.conventions.base.Inexpressible: TensorFlow's paddings are ...
>>> CONVENTIONS["onnx"].words(geometry)["pads"]
(1, 0)
"""

from collections.abc import Mapping
from types import MappingProxyType

from tconv.conventions.base import Convention, Inexpressible
from tconv.conventions.jax import JAX
from tconv.conventions.keras import KERAS
from tconv.conventions.onnx import ONNX
from tconv.conventions.pytorch import PYTORCH
from tconv.conventions.tensorflow import TENSORFLOW
from tconv.geometry import Geometry

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {rule.name.lower(): rule for rule in (PYTORCH, KERAS, TENSORFLOW, JAX, ONNX)}
)

__all__ = [
    "CONVENTIONS",
    "JAX",
    "KERAS",
    "ONNX",
    "PYTORCH",
    "TENSORFLOW",
    "Convention",
    "Inexpressible",
    "code",
]


def code(geometry: Geometry) -> dict[str, dict[str, str]]:
    """Return each framework's code for a layer, or the sentence why it has none.

    Examples
    --------
    >>> code(Geometry.of(4, 3, stride=2))["PyTorch"]
    {'code': 'nn.ConvTranspose1d(1, 1, kernel_size=3, stride=2)'}
    """
    found = {}
    for rule in CONVENTIONS.values():
        try:
            found[rule.name] = {"code": rule.code(geometry)}
        except Inexpressible as why:
            found[rule.name] = {"none": str(why)}
    return found
