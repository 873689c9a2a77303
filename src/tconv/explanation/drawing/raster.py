"""PNG: an SVG drawn as pixels, with the drawings' own font and no other."""

from importlib.resources import as_file

from tconv.explanation.drawing.fonts import FOLDER
from tconv.explanation.drawing.needed import needed
from tconv.explanation.drawing.svg import Drawing

MOST_PIXELS = 100_000_000


def png(drawing: Drawing, scale: float = 1.0) -> bytes:
    """Return a drawing as a PNG.

    Parameters
    ----------
    drawing : Drawing
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
    >>> png(Drawing(3, 2, "", "", "", "white"), scale=2)[1:4]
    b'PNG'
    """
    across, _ = pixels(drawing, scale)
    resvg = needed("resvg_py", "pictures are drawn", "draw")
    with as_file(FOLDER / "regular.ttf") as regular, as_file(FOLDER / "bold.ttf") as bold:
        fonts = [str(regular), str(bold)]
        drawn = resvg.svg_to_bytes(
            svg_string=drawing.svg(), width=across, skip_system_fonts=True, font_files=fonts
        )
    return bytes(drawn)


def pixels(drawing: Drawing, scale: float) -> tuple[int, int]:
    """Return the width and height of a drawing in pixels, if they are within reason."""
    if not 0 < scale < float("inf"):
        raise ValueError(f"scale {scale} must be a positive number")
    across, down = (max(round(side * scale), 1) for side in (drawing.width, drawing.height))
    if across * down > MOST_PIXELS:
        raise ValueError(
            f"a picture of {across:,}×{down:,} pixels is larger than {MOST_PIXELS:,} pixels; "
            "lower the scale, or choose one frame"
        )
    return across, down
