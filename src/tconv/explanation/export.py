"""Files: a trace written as whatever a file name asks for, whole or not at all."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from tconv.explanation.drawing import fonts
from tconv.explanation.drawing.animation import write_animation
from tconv.explanation.drawing.layout import layout
from tconv.explanation.drawing.plain import whole_text
from tconv.explanation.drawing.raster import png
from tconv.explanation.drawing.scene import frame as frame_of
from tconv.explanation.drawing.svg import Drawing, drawing, strip
from tconv.explanation.page.assembling import html
from tconv.explanation.trace.model import Trace
from tconv.media.atomic import Replacement


class Choice(NamedTuple):
    """How a trace is to be written, as :func:`save` takes it."""

    suffix: str
    frame: int | None
    theme: str
    terms: str
    scale: float

    def drawn(self, trace: Trace) -> Drawing:
        """Draw one frame, or all side by side."""
        if self.frame is None:
            return strip(trace, self.theme, terms=self.terms)
        return drawing(frame_of(layout(trace, terms=self.terms), self.frame), self.theme)


def _svg(path: Path, trace: Trace, choice: Choice) -> None:
    path.write_text(choice.drawn(trace).svg(fonts.style()), "utf-8", newline="")


def _png(path: Path, trace: Trace, choice: Choice) -> None:
    path.write_bytes(png(choice.drawn(trace), choice.scale))


def _animation(path: Path, trace: Trace, choice: Choice) -> None:
    write_animation(
        path, choice.suffix, trace, theme=choice.theme, terms=choice.terms, scale=choice.scale
    )


def _text(path: Path, trace: Trace, choice: Choice) -> None:
    path.write_text(whole_text(trace, choice.frame), "utf-8")


def _json(path: Path, trace: Trace, choice: Choice) -> None:
    path.write_text(trace.to_json() + "\n", "utf-8")


def _html(path: Path, trace: Trace, choice: Choice) -> None:
    path.write_text(html(trace), "utf-8")


WRITERS: dict[str, Callable[[Path, Trace, Choice], None]] = {
    ".svg": _svg,
    ".png": _png,
    ".gif": _animation,
    ".webp": _animation,
    ".mp4": _animation,
    ".txt": _text,
    ".json": _json,
    ".html": _html,
}
ONE_FRAME = (".svg", ".png", ".txt")


def save(
    trace: Trace,
    path: str | PathLike[str],
    frame: int | None = None,
    *,
    theme: str = "light",
    terms: str = "step",
    scale: float = 1.0,
    force: bool = False,
) -> None:
    """Write a trace as a picture, an animation, text, data or a page, by the file's suffix.

    Parameters
    ----------
    trace : Trace
    path : path
        ``.svg`` and ``.png``: one frame, or all of them as a film strip; ``.gif``, ``.webp`` and
        ``.mp4``: all frames in turn; ``.txt``: plain text; ``.json``: the trace as data;
        ``.html``: a page that plays it.
    frame : int, optional
        The one frame drawn, as the trace numbers them.
    theme : {"light", "dark"}
    terms : {"step", "keep"}
        Whether only the cells being written show their terms, or all do until the result.
    scale : float
        Pixels for each unit of a drawing.
    force : bool
        Whether a file that exists is replaced.

    Raises
    ------
    ValueError
        If the suffix is not known, or the picture too large.
    ImportError
        If a library is missing: resvg_py for pixels, pyvips for animations, av for video.

    Examples
    --------
    >>> import tempfile
    >>> import tconv
    >>> trace = tconv.explain(4, 3, stride=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(trace, f"{folder}/stamps.svg", frame=2)
    ...     Path(f"{folder}/stamps.svg").read_text("utf-8")[:4]
    '<svg'
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in WRITERS:
        raise ValueError(f"{target.name!r} does not end in one of {', '.join(WRITERS)}")
    if frame is not None and suffix not in ONE_FRAME:
        raise ValueError(f"one frame is a picture or a text; {suffix} holds the whole trace")
    replacement = Replacement(target, force=force)
    try:
        temporary = replacement.temporary()
        WRITERS[suffix](temporary, trace, Choice(suffix, frame, theme, terms, scale))
        replacement.commit(temporary)
    finally:
        replacement.discard()
