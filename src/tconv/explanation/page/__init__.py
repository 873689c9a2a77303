"""The explorer: one page on which a transposed convolution can be seen, moved and taken along."""

from tconv.explanation.page.assembling import html, iframe, page
from tconv.explanation.page.server import Server

__all__ = ["Server", "html", "iframe", "page"]
