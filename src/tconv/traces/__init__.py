"""Traces: what a transposed convolution does, step by step, as data."""

from tconv.traces.explaining import explain
from tconv.traces.model import Panel, Ref, Step, Trace, Write
from tconv.traces.views import VIEWS

__all__ = ["VIEWS", "Panel", "Ref", "Step", "Trace", "Write", "explain"]
