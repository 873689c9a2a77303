"""Sizes and places, which everything else reads: the standard library alone."""

from tconv.geometry.geometry import Geometry

__all__ = ["Geometry"]
