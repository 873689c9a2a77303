"""A model's transposed convolutions, computed by tconv: found, replaced, compared and timed."""

from tconv.nn.accelerate.accelerating import accelerate, restore
from tconv.nn.accelerate.report import LayerReport, Report

__all__ = ["LayerReport", "Report", "accelerate", "restore"]
