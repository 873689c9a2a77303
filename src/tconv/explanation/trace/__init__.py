"""Traces: what a transposed convolution does, step by step, as data."""

from tconv.explanation.trace.model import Panel, Ref, Step, Trace, Write
from tconv.explanation.trace.views import VIEWS

__all__ = ["VIEWS", "Panel", "Ref", "Step", "Trace", "Write"]
