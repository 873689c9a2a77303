"""SVG: one scene as a picture, and many frames as a film strip."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import floor, inf

from tconv.explanation.constants import SHEET, SIZES
from tconv.explanation.drawing.fitting import shrunk
from tconv.explanation.drawing.layout import layout
from tconv.explanation.drawing.scene import Lines, Polygon, Primitive, Rect, Scene, Text, frame
from tconv.explanation.drawing.themes import colours
from tconv.explanation.trace.model import Trace


@dataclass(frozen=True)
class Drawing:
    """A drawing before it is written: its size, and what is on it as SVG.

    Parameters
    ----------
    width, height : float
    title, description : str
    body : str
        Elements.
    paper : str
        The colour below them.
    """

    width: float
    height: float
    title: str
    description: str
    body: str
    paper: str

    def svg(self, style: str = "") -> str:
        """Return a standalone SVG, with a style sheet if there is one."""
        width, height = number(self.width), number(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" font-family="{SHEET.family}">'
            f"<title>{escaped(self.title)}</title><desc>{escaped(self.description)}</desc>"
            f"{style and f'<style>{style}</style>'}"
            f'<rect width="{width}" height="{height}" fill="{self.paper}"/>'
            f"{self.body}</svg>\n"
        )


def drawing(scene: Scene, theme: str = "light") -> Drawing:
    """Return the drawing of a scene."""
    ink = colours(theme)
    return Drawing(
        scene.width, scene.height, scene.title, scene.description, _drawn(scene, ink), ink["paper"]
    )


def svg(scene: Scene, theme: str = "light") -> str:
    """Return a scene as a standalone SVG.

    Parameters
    ----------
    scene : Scene
    theme : {"light", "dark"}

    Returns
    -------
    str

    Examples
    --------
    >>> svg(Scene(20, 10, "empty", "", "", "nothing", ()))[:60]
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10" '
    """
    return drawing(scene, theme).svg()


def film(
    trace: Trace, theme: str = "light", frames: Sequence[int] | None = None, terms: str = "step"
) -> str:
    """Return many frames side by side as one standalone SVG, read row by row.

    Parameters
    ----------
    trace : Trace
    theme : {"light", "dark"}
    frames : sequence of int, optional
        Which; by default all but the empty one before the first step.
    terms : {"step", "keep"}
        As in :func:`tconv.explanation.drawing.layout`.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If there are more frames than a sheet shows, or one is out of range.

    Examples
    --------
    >>> import tconv
    >>> film(tconv.explain(2, 3)).count("step ")
    4
    """
    return strip(trace, theme, frames, terms).svg()


def strip(
    trace: Trace, theme: str = "light", frames: Sequence[int] | None = None, terms: str = "step"
) -> Drawing:
    """Return the drawing of :func:`film`."""
    ink = colours(theme)
    chosen = range(1, trace.frames) if frames is None else frames
    if not 1 <= len(chosen) <= SHEET.most_frames:
        raise ValueError(f"a film strip shows 1 to {SHEET.most_frames} frames, got {len(chosen)}")
    plan = layout(
        trace, terms=terms, captions=False, width=SHEET.frame_width, height=SHEET.frame_height
    )
    left, top, right, bottom = plan.stage
    wide = max(right - left, SHEET.least_width)
    tall = bottom - top + SHEET.frame_head
    head = SHEET.head + len(trace.sizes) * SHEET.size_line
    across = _abreast(len(chosen), wide + SHEET.frame_gap, tall + SHEET.frame_gap)
    down = -(-len(chosen) // across)
    width = 2 * SIZES.margin + across * (wide + SHEET.frame_gap) - SHEET.frame_gap
    height = head + SIZES.margin + down * (tall + SHEET.frame_gap) - SHEET.frame_gap
    room = width - 2 * SIZES.margin

    def said(x: float, y: float, text: str, size: float, bold: bool = False) -> str:
        return _text(Text(x, y, text, size, "ink" if bold else "soft", bold=bold), ink)

    size = shrunk(trace.title, room, SHEET.title, "bold")
    parts = [said(SIZES.margin, SHEET.title_line, trace.title, size, bold=True)]
    for line, text in enumerate(trace.sizes):
        y = SHEET.first_size + line * SHEET.size_line
        parts.append(said(SIZES.margin, y, text, shrunk(text, room, SHEET.size_text)))
    told = []
    for place, at in enumerate(chosen):
        row, column = divmod(place, across)
        x = SIZES.margin + column * (wide + SHEET.frame_gap)
        y = head + row * (tall + SHEET.frame_gap)
        scene = frame(plan, at)
        aside = number((wide - left - right) / 2)
        parts.append(
            f'<g transform="translate({number(x)} {number(y)})">'
            + said(0, SHEET.progress_line, scene.progress, SHEET.progress, bold=True)
            + said(0, SHEET.say_line, scene.say, shrunk(scene.say, wide, SHEET.say))
            + f'<g transform="translate({aside} {number(SHEET.frame_head - top)})">'
            + f"{_drawn(scene, ink)}</g></g>"
        )
        told.append(scene.description)
    return Drawing(width, height, trace.title, "; ".join(told), "\n".join(parts), ink["paper"])


def _abreast(frames: int, wide: float, tall: float) -> int:
    """Return how many frames abreast make the sheet about as wide as a slide."""
    best, least = 1, inf
    wanted = SHEET.aspect[0] / SHEET.aspect[1]
    for across in range(1, frames + 1):
        down = -(-frames // across)
        aspect = across * wide / (down * tall * wanted)
        off = max(aspect, 1 / aspect) + SHEET.empty_place * (down * across - frames) / frames
        if off < least:
            best, least = across, off
    return best


def _drawn(scene: Scene, ink: dict[str, str]) -> str:
    """Write the primitives; what belongs to one cell is one element, a group of several."""
    parts = []
    for cell, members in groupby(scene.primitives, key=lambda part: part.cell):
        written = [_written(part, ink) for part in members]
        name = "" if cell is None else f' data-cell="{cell[0]},{cell[1]}"'
        if name and len(written) > 1:
            parts.append(f"<g{name}>{''.join(written)}</g>")
        else:
            parts.append("".join(written).replace(" ", f"{name} ", 1))
    return "\n".join(parts)


def _written(part: Primitive, ink: dict[str, str]) -> str:
    if isinstance(part, Text):
        return _text(part, ink)
    if isinstance(part, Rect):
        return _rect(part, ink)
    opacity = "" if part.opacity is None else f' opacity="{number(part.opacity)}"'
    if isinstance(part, Lines):
        path = "".join(
            f"M{number(a)} {number(b)}L{number(c)} {number(d)}" for a, b, c, d in part.lines
        )
        return (
            f'<path d="{path}" fill="none" stroke="{ink[part.line]}" '
            f'stroke-width="{number(part.stroke)}"{opacity}/>'
        )
    return f'<polygon points="{_points(part)}" fill="{ink[part.fill]}"{opacity}/>'


def _points(polygon: Polygon) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in polygon.points)


def _rect(part: Rect, ink: dict[str, str]) -> str:
    text = f'<path d="{_outline(part)}" fill="{ink.get(part.fill, "none")}"'
    if part.opacity is not None:
        text += f' fill-opacity="{number(part.opacity)}"'
    text += f' stroke="{ink[part.line]}" stroke-width="{number(part.stroke)}"'
    if part.dash:
        on, off = part.dash
        text += f' stroke-dasharray="{number(on)} {number(off)}" stroke-linecap="round"'
    return text + "/>"


def _outline(part: Rect) -> str:
    """Write round corners and sides: browsers take a path in half the time of a ``<rect>``."""
    r = number(part.radius)
    across, down = number(part.width - 2 * part.radius), number(part.height - 2 * part.radius)
    return (
        f"M{number(part.x + part.radius)} {number(part.y)}h{across}q{r} 0 {r} {r}"
        f"v{down}q0 {r}-{r} {r}h-{across}q-{r} 0-{r}-{r}v-{down}q0-{r} {r}-{r}z"
    )


def _text(part: Text, ink: dict[str, str]) -> str:
    anchor = "" if part.anchor == "start" else f' text-anchor="{part.anchor}"'
    weight = ' font-weight="700"' if part.bold else ""
    return (
        f'<text x="{number(part.x)}" y="{number(part.y)}" font-size="{number(part.size)}"'
        f'{anchor}{weight} fill="{ink[part.fill]}">{escaped(part.text)}</text>'
    )


def number(value: float) -> str:
    """Write a number with at most two decimals.

    Examples
    --------
    >>> number(3.0), number(0.125), number(-2.5)
    ('3', '0.13', '-2.5')
    """
    hundredths = floor(value * 100 + 0.5)
    sign, hundredths = ("-", -hundredths) if hundredths < 0 else ("", hundredths)
    whole, part = divmod(hundredths, 100)
    digits = f"{part:02}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def escaped(text: str) -> str:
    """Return text as XML holds it."""
    return (
        text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    )
