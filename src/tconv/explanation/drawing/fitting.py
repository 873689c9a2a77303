"""How wide a text is in the drawings' font, and how large it may be to fit a cell."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from tconv.explanation.constants import FITTING
from tconv.explanation.drawing.fonts import FOLDER


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines of text, and the size at which they fit; no lines where nothing legible does."""

    size: float
    lines: tuple[str, ...]


@cache
def font() -> dict[str, Any]:
    """Return the advance widths: ``{"em": …, "regular": {sign: width}, "bold": …}``."""
    widths = (FOLDER / "widths.json").read_text("utf-8")
    return dict(json.loads(widths))


def width(text: str, size: float, weight: str = "regular") -> float:
    """Return how wide a text is.

    Examples
    --------
    >>> width("10", 32), width("10", 32, "bold")
    (40.71875, 44.53125)
    """
    known = font()
    advance = known[weight]
    unknown = advance["0"]
    units = sum(advance.get(sign, unknown) for sign in text)
    return float(units * size / known["em"])


def shrunk(text: str, room: float, size: float, weight: str = "regular") -> float:
    """Return the size, at most `size`, at which a text fits on one line.

    Examples
    --------
    >>> shrunk("transposed", 50, 30), shrunk("ok", 50, 30)
    (8.5, 30)
    """
    while size > FITTING.smallest and width(text, size, weight) > room:
        size -= FITTING.step
    return size


def fitted(text: str, across: float, down: float, size: float) -> Fitted:
    """Fit the text of a cell: on one line, else broken before its signs, else its last terms.

    Parameters
    ----------
    text : str
    across, down : float
        Of the cell.
    size : float
        The largest.

    Examples
    --------
    >>> fitted("10", 40, 40, 16)
    Fitted(size=16, lines=('10',))
    >>> fitted("1 + 3", 40, 40, 16)
    Fitted(size=13.0, lines=('1 + 3',))
    >>> fitted("w3·a + w1·b", 60, 60, 16)
    Fitted(size=15.0, lines=('w3·a', '+ w1·b'))
    >>> fitted("1 + 2 + 3 + 4 + 5 + 6", 36, 24, 16)
    Fitted(size=9.0, lines=('… + 5', '+ 6'))
    """
    parts = _parts(text)
    across, down = across * FITTING.across, down * FITTING.down
    least = FITTING.legible if len(parts) > 1 else FITTING.smallest
    one_line = shrunk(text, across, size)
    fits = width(text, one_line) <= across and one_line * FITTING.leading <= down
    if fits and one_line >= max(size * FITTING.broken_below, least):
        return Fitted(one_line, (text,))
    at = size
    while at >= least:
        lines = _wrapped(parts, across, at)
        if lines and len(lines) * at * FITTING.leading <= down:
            return Fitted(at, tuple(lines))
        at -= FITTING.step
    while len(parts) > 1 and size >= least:
        parts = parts[1:]
        lines = _wrapped(["…", *parts], across, least)
        if lines and len(lines) * least * FITTING.leading <= down:
            return Fitted(least, tuple(lines))
    return Fitted(0.0, ())


def _parts(text: str) -> list[str]:
    return text.replace(" + ", "\n+ ").replace(" - ", "\n- ").split("\n")


def _wrapped(parts: list[str], room: float, size: float) -> list[str]:
    """Break before signs so that every line fits, or return no lines."""
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]} {part}" if lines else part
        if width(longer, size) <= room:
            lines[-1:] = [longer]
        elif width(part, size) <= room:
            lines.append(part)
        else:
            return []
    return lines
