"""The drawings' own font, so that they look the same on every machine."""

import base64
from importlib.resources import files

FOLDER = files("tconv.explanation.drawing") / "font"
WEIGHTS = {"regular": 400, "bold": 700}


def data_url(face: str) -> str:
    """Return a face as a URL that holds it.

    Examples
    --------
    >>> data_url("bold")[:23]
    'data:font/woff2;base64,'
    """
    held = (FOLDER / f"{face}.woff2").read_bytes()
    return f"data:font/woff2;base64,{base64.b64encode(held).decode()}"


def style() -> str:
    """Return a style sheet that holds the font."""
    return "".join(
        f'@font-face{{font-family:"DejaVu Sans";font-weight:{weight};src:url({data_url(face)})}}'
        for face, weight in WEIGHTS.items()
    )
