"""What a layer does: traced, drawn, on a page. Named so because ``tconv.explain`` is a function."""

from tconv.explanation.explaining import Trace, explain
from tconv.explanation.trace import VIEWS

__all__ = ["VIEWS", "Trace", "explain"]
