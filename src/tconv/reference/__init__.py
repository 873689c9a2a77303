"""Five definitions of one operator, one short file each: readable NumPy, the reference for all.

Each takes ``x`` (N, C_in, *I), ``weight`` (C_in, C_out/groups, *K), a :class:`~tconv.Geometry` and
``groups``, and returns (N, C_out, *O). They work for every dtype NumPy can add and multiply,
``object`` (letters, fractions) among them. The convolution that they are the adjoint of has two.
"""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from tconv.geometry import Geometry
from tconv.reference.direct import conv as direct_conv
from tconv.reference.gradient import gradient
from tconv.reference.matrix import conv as matrix_conv
from tconv.reference.matrix import matrix
from tconv.reference.scatter import scatter
from tconv.reference.stretch import stretch
from tconv.reference.subpixel import subpixel

Definition = Callable[[NDArray[Any], NDArray[Any], Geometry, int], NDArray[Any]]

DEFINITIONS: dict[str, Definition] = {
    "scatter": scatter,
    "matrix": matrix,
    "stretch": stretch,
    "gradient": gradient,
    "subpixel": subpixel,
}

CONV_DEFINITIONS: dict[str, Definition] = {"direct": direct_conv, "matrix": matrix_conv}

__all__ = [
    "CONV_DEFINITIONS",
    "DEFINITIONS",
    "Definition",
    "gradient",
    "matrix",
    "scatter",
    "stretch",
    "subpixel",
]
