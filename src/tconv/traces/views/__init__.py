"""The views: one operator, traced from each of its sides."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tconv.traces.layer import Layer
from tconv.traces.model import Trace
from tconv.traces.views.convolution import convolution
from tconv.traces.views.deconvolution import deconvolution
from tconv.traces.views.gather import gather
from tconv.traces.views.gradient import gradient
from tconv.traces.views.matrix import matrix
from tconv.traces.views.overlap import overlap
from tconv.traces.views.scatter import scatter
from tconv.traces.views.stretch import stretch
from tconv.traces.views.subpixel import subpixel

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
