"""Moving pictures: every frame of a trace as GIF, WebP or MP4."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from tconv.explanation.drawing.layout import Layout, layout
from tconv.explanation.drawing.needed import needed
from tconv.explanation.drawing.raster import pixels, png
from tconv.explanation.drawing.scene import frame
from tconv.explanation.drawing.svg import drawing
from tconv.explanation.trace.model import Trace

STEP_MS, RESULT_MS = 700, 2000
MOST_FRAMES, MOST_PIXELS = 2000, 3_000_000_000
TICK_MS = 100  # of a video, whose frames all last as long


def write_animation(
    path: Path, suffix: str, trace: Trace, *, theme: str, terms: str, scale: float
) -> None:
    """Write all frames of a trace, the result held longer, for ever again.

    Parameters
    ----------
    path : Path
        Written over.
    suffix : {".gif", ".webp", ".mp4"}
    trace : Trace
    theme, terms, scale
        As in :func:`tconv.explanation.export.save`.
    """
    plan = layout(trace, terms=terms)
    across, down = pixels(drawing(frame(plan, 0), theme), scale)
    if trace.frames > MOST_FRAMES or trace.frames * across * down > MOST_PIXELS:
        raise ValueError(
            f"{trace.frames:,} frames of {across:,}×{down:,} pixels are more than can be animated; "
            "smaller sizes show the same, or choose one frame"
        )
    pictures = _pictures(plan, theme, scale)
    lasting = [STEP_MS] * (trace.frames - 1) + [RESULT_MS]
    if suffix == ".mp4":
        _write_video(path, pictures, lasting, (across + across % 2, down + down % 2))
    else:
        _write_loop(path, suffix, pictures, lasting)


def _pictures(plan: Layout, theme: str, scale: float) -> Iterator[Any]:
    """Draw frame by frame."""
    vips = needed("pyvips", "pictures are decoded", "cli")
    for number in range(plan.trace.frames):
        drawn = png(drawing(frame(plan, number), theme), scale)
        yield vips.Image.new_from_buffer(drawn, "").flatten()


def _write_loop(path: Path, suffix: str, pictures: Iterator[Any], lasting: Sequence[int]) -> None:
    vips = needed("pyvips", "animations are written", "cli")
    pages = list(pictures)
    film = vips.Image.arrayjoin(pages, across=1).copy()
    film.set_type(vips.GValue.gint_type, "page-height", pages[0].height)
    film.set_type(vips.GValue.array_int_type, "delay", list(lasting))
    film.set_type(vips.GValue.gint_type, "loop", 0)
    if suffix == ".gif":
        film.gifsave(str(path), dither=0, effort=7, keep="none")
    else:
        film.webpsave(str(path), lossless=True, effort=4, keep="none")


def _write_video(
    path: Path, pictures: Iterator[Any], lasting: Sequence[int], size: tuple[int, int]
) -> None:
    """Write H.264 of an even width and height, each picture repeated for as long as it lasts."""
    av = needed("av", "videos are written", "video")
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as video:
        stream = video.add_stream("libx264", rate=Fraction(1000, TICK_MS), options={"crf": "18"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for picture, lasts in zip(pictures, lasting, strict=True):
            shown = picture.embed(0, 0, *size, extend="copy").numpy()
            for _ in range(lasts // TICK_MS):
                video.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        video.mux(stream.encode())
