"""The explorer: one page on which a transposed convolution can be seen, moved and taken along."""

from tconv.explorer.assembling import html, iframe, page
from tconv.explorer.server import Server

__all__ = ["Server", "html", "iframe", "page"]
