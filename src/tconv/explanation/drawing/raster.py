"""PNG: an SVG drawn as pixels, with the drawings' own font and no other."""

import re
from importlib.resources import as_file, files

from tconv.explanation.drawing.needed import needed

MOST_PIXELS = 100_000_000
SIZE = re.compile(r'width="([0-9.]+)" height="([0-9.]+)"')


def png(svg: str, scale: float = 1.0) -> bytes:
    """Return a drawing's SVG as a PNG.

    Parameters
    ----------
    svg : str
        As ``svg`` or ``film`` of this package writes it.
    scale : float
        Pixels for each unit of the drawing.

    Returns
    -------
    bytes

    Raises
    ------
    ImportError
        If resvg_py is not installed.
    ValueError
        If the scale is not positive, or the picture too large.

    Examples
    --------
    >>> png('<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"></svg>', scale=2)[1:4]
    b'PNG'
    """
    across, _ = pixels(svg, scale)
    resvg = needed("resvg_py", "pictures are drawn", "draw")
    folder = files("tconv.explanation.drawing") / "font"
    with as_file(folder / "regular.ttf") as regular, as_file(folder / "bold.ttf") as bold:
        fonts = [str(regular), str(bold)]
        drawn = resvg.svg_to_bytes(
            svg_string=svg, width=across, skip_system_fonts=True, font_files=fonts
        )
    return bytes(drawn)


def pixels(svg: str, scale: float) -> tuple[int, int]:
    """Return the width and height of an SVG in pixels, if they are within reason."""
    if not 0 < scale < float("inf"):
        raise ValueError(f"scale {scale} must be a positive number")
    found = SIZE.search(svg)
    if found is None:
        raise ValueError("the SVG does not say its width and height")
    across, down = (max(round(float(side) * scale), 1) for side in found.groups())
    if across * down > MOST_PIXELS:
        raise ValueError(
            f"a picture of {across:,}×{down:,} pixels is larger than {MOST_PIXELS:,} pixels; "
            "lower the scale, or choose one frame"
        )
    return across, down
