"""Drawings: from a trace to a scene, and from scenes to pictures, films and plain text."""

from tconv.explanation.drawing.layout import Layout, layout
from tconv.explanation.drawing.plain import text, whole_text
from tconv.explanation.drawing.scene import Scene, frame
from tconv.explanation.drawing.svg import film, svg

__all__ = ["Layout", "Scene", "film", "frame", "layout", "svg", "text", "whole_text"]
