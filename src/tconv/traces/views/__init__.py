"""The views: one operator, traced from each of its sides."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tconv.traces.layer import Layer
from tconv.traces.model import Trace
from tconv.traces.views.gather import gather
from tconv.traces.views.scatter import scatter

View = Callable[[Layer], Trace]

VIEWS: Mapping[str, View] = MappingProxyType({"scatter": scatter, "gather": gather})

__all__ = ["VIEWS", "View"]
