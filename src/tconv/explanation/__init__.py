"""What a layer does: traced, drawn, on a page. Named so because ``tconv.explain`` is a function."""

from tconv.explanation.trace import VIEWS, Trace, explain

__all__ = ["VIEWS", "Trace", "explain"]
