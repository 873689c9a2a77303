"""Files: a trace written as whatever a file name asks for, whole or not at all."""

import base64
from importlib.resources import files
from os import PathLike
from pathlib import Path

from tconv.explanation.drawing.animation import write_animation
from tconv.explanation.drawing.layout import layout
from tconv.explanation.drawing.plain import whole_text
from tconv.explanation.drawing.raster import png
from tconv.explanation.drawing.scene import frame as frame_of
from tconv.explanation.drawing.svg import film, svg
from tconv.explanation.trace.model import Trace

PICTURES = (".svg", ".png")
ANIMATIONS = (".gif", ".webp", ".mp4")
TEXTS = (".txt", ".json", ".html")
SUFFIXES = (*PICTURES, *ANIMATIONS, *TEXTS)


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
    >>> trace = tconv.explanation.trace.explain(4, 3, stride=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(trace, f"{folder}/stamps.svg", frame=2)
    ...     Path(f"{folder}/stamps.svg").read_text("utf-8")[:4]
    '<svg'
    """
    from tconv.media.atomic import Replacement

    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{target.name!r} does not end in one of {', '.join(SUFFIXES)}")
    if frame is not None and suffix not in (*PICTURES, ".txt"):
        raise ValueError(f"one frame is a picture or a text; {suffix} holds the whole trace")
    replacement = Replacement(target, force=force)
    try:
        temporary = replacement.temporary()
        if suffix in ANIMATIONS:
            write_animation(temporary, suffix, trace, theme=theme, terms=terms, scale=scale)
        elif suffix in PICTURES:
            drawn = _drawn(trace, frame, theme, terms)
            data = png(drawn, scale) if suffix == ".png" else with_font(drawn).encode()
            temporary.write_bytes(data)
        else:
            temporary.write_text(_told(suffix, trace, frame), "utf-8")
        replacement.commit(temporary)
    finally:
        replacement.discard()


def with_font(drawn: str) -> str:
    """Return an SVG with the font in it, so that it looks the same on every machine."""
    faces = []
    for face, weight in (("regular", 400), ("bold", 700)):
        data = files("tconv.explanation.drawing").joinpath(f"font/{face}.woff2").read_bytes()
        faces.append(
            f'@font-face{{font-family:"DejaVu Sans";font-weight:{weight};'
            f"src:url(data:font/woff2;base64,{base64.b64encode(data).decode()})}}"
        )
    return drawn.replace("</desc>", f"</desc><style>{''.join(faces)}</style>", 1)


def _drawn(trace: Trace, frame: int | None, theme: str, terms: str) -> str:
    if frame is None:
        return film(trace, theme, terms=terms)
    return svg(frame_of(layout(trace, terms=terms), frame), theme)


def _told(suffix: str, trace: Trace, frame: int | None) -> str:
    if suffix == ".json":
        return trace.to_json() + "\n"
    if suffix == ".html":
        from tconv.explanation.page import html

        return html(trace)
    return whole_text(trace, frame)
