"""Draw the pictures of the README: python docs/pictures.py (needs tconv[cli])."""

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

import tconv

HERE = Path(__file__).parent
EYE = (slice(80, 170), slice(125, 215))
PANELS = [
    ("nearest", {}, "nearest"),
    ("bilinear", {}, "bilinear"),
    ("lanczos3", {}, "lanczos3"),
    ("uniform", {"kernel_size": 4}, "uniform, k4 s3: uneven overlap"),
]


def main() -> None:
    """Enlarge the cat's eye three times with four kernels, side by side."""
    enlarged = [
        (tconv.upsample(eye(), 3, kernel, axes=(0, 1), **options), label)
        for kernel, options, label in PANELS
    ]
    strip(enlarged, HERE / "upsample.png")


def eye() -> np.ndarray:
    """Return the cat's eye, rows × columns × colours."""
    photograph = pyvips.Image.new_from_buffer(
        (files("tconv") / "data" / "chelsea.png").read_bytes(), ""
    ).numpy()
    return photograph[EYE].astype(np.float32)


def strip(panels: Iterable[tuple[Any, str]], path: Path) -> None:
    """Save pictures side by side, each with its label below."""
    labelled = [_labelled(pixels, label) for pixels, label in panels]
    joined = pyvips.Image.arrayjoin(labelled, across=len(labelled), shim=6, background=255)
    joined.copy(interpretation="srgb").pngsave(str(path), compression=9)


def _labelled(pixels: Any, label: str) -> pyvips.Image:
    whole = np.clip(np.floor(pixels + 0.5), 0, 255).astype(np.uint8)
    picture = pyvips.Image.new_from_array(whole).copy(interpretation="srgb")
    text = pyvips.Image.text(label, dpi=96, font="sans 10")
    caption = text.embed(3, 4, picture.width, text.height + 10)
    caption = (255 - caption * 0.75).cast("uchar")
    return picture.join(caption.bandjoin([caption, caption]), "vertical")


if __name__ == "__main__":
    main()
