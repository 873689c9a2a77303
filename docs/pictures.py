"""Draw the pictures of the README: python docs/pictures.py (needs tconv[cli])."""

from importlib.resources import files
from pathlib import Path

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
    photograph = pyvips.Image.new_from_buffer(
        (files("tconv") / "data" / "chelsea.png").read_bytes(), ""
    ).numpy()
    eye = photograph[EYE].astype(np.float32)
    panels = []
    for kernel, options, label in PANELS:
        large = tconv.upsample(eye, 3, kernel, axes=(0, 1), **options)
        pixels = np.clip(np.floor(large + 0.5), 0, 255).astype(np.uint8)
        picture = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
        text = pyvips.Image.text(label, dpi=96, font="sans 10")
        caption = text.embed(3, 4, picture.width, text.height + 10)
        caption = (255 - caption * 0.75).cast("uchar")
        panels.append(picture.join(caption.bandjoin([caption, caption]), "vertical"))
    strip = pyvips.Image.arrayjoin(panels, across=len(panels), shim=6, background=255)
    strip.copy(interpretation="srgb").pngsave(str(HERE / "upsample.png"), compression=9)


if __name__ == "__main__":
    main()
