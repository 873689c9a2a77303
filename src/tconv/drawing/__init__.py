"""Drawings: from a trace to a scene, and from scenes to pictures, films and plain text."""

from tconv.drawing.layout import Layout, layout
from tconv.drawing.plain import text, whole_text
from tconv.drawing.saving import save
from tconv.drawing.scene import Scene, frame
from tconv.drawing.svg import film, svg

__all__ = ["Layout", "Scene", "film", "frame", "layout", "save", "svg", "text", "whole_text"]
