"""The views: one operator, traced from each of its sides."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import Trace
from tconv.explanation.trace.views.convolution import convolution
from tconv.explanation.trace.views.deconvolution import deconvolution
from tconv.explanation.trace.views.gather import gather
from tconv.explanation.trace.views.gradient import gradient
from tconv.explanation.trace.views.matrix import matrix
from tconv.explanation.trace.views.overlap import overlap
from tconv.explanation.trace.views.scatter import scatter
from tconv.explanation.trace.views.stretch import stretch
from tconv.explanation.trace.views.subpixel import subpixel

View = Callable[[Layer], Trace]

VIEWS: Mapping[str, View] = MappingProxyType(
    {
        "scatter": scatter,
        "gather": gather,
        "stretch": stretch,
        "matrix": matrix,
        "subpixel": subpixel,
        "convolution": convolution,
        "gradient": gradient,
        "overlap": overlap,
        "deconvolution": deconvolution,
    }
)
DIRECT = frozenset({"convolution", "deconvolution"})  # their x is the direct convolution's input
NUMERIC = frozenset({"deconvolution"})  # letters by default would be refused

__all__ = ["DIRECT", "NUMERIC", "VIEWS", "View"]
