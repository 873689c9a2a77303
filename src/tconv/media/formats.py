"""What each picture format can hold, and how libvips is asked to write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from tconv.media.errors import MediaError

GREY = ("grey",)
RGB = ("red", "green", "blue")
CMYK = ("cyan", "magenta", "yellow", "black")
ALPHA = ("alpha",)

COLOURS = MappingProxyType({GREY: "grey", RGB: "RGB", CMYK: "CMYK"})

_VIPS_LIMIT = 99_999_999


@dataclass(frozen=True)
class Format:
    """One picture format as tconv writes it: always without loss, but for JPEG's."""

    name: str
    suffixes: tuple[str, ...]
    channels: frozenset[tuple[str, ...]]
    dtypes: frozenset[str]
    limit: int
    operation: str
    options: Mapping[str, Any]

    def holds(self, channels: tuple[str, ...], dtype: np.dtype[Any]) -> bool:
        """Tell whether a picture can be written without losing channels or precision."""
        return channels in self.channels and dtype.name in self.dtypes


FORMATS = (
    Format(
        "PNG",
        (".png",),
        frozenset({GREY, GREY + ALPHA, RGB, RGB + ALPHA}),
        frozenset({"uint8", "uint16"}),
        _VIPS_LIMIT,
        "pngsave",
        {"filter": "all"},
    ),
    Format(
        "JPEG",
        (".jpg", ".jpeg"),
        frozenset({GREY, RGB, CMYK}),
        frozenset({"uint8"}),
        65500,  # libjpeg's own limit, a little below the format's 65535
        "jpegsave",
        {"Q": 95, "subsample_mode": "off"},
    ),
    Format(
        "WebP",
        (".webp",),
        frozenset({RGB, RGB + ALPHA}),
        frozenset({"uint8"}),
        16383,
        "webpsave",
        {"lossless": True, "exact": True},
    ),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        frozenset(colours + alpha for colours in COLOURS for alpha in ((), ALPHA)),
        frozenset({"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"}),
        _VIPS_LIMIT,
        "tiffsave",
        {"compression": "deflate"},
    ),
)


def format_for(
    path: Path, channels: tuple[str, ...], dtype: np.dtype[Any], size: tuple[int, int]
) -> Format:
    """Choose the format by suffix, refusing one that cannot hold the picture.

    Parameters
    ----------
    path
        The file to write.
    channels, dtype
        The mode of the picture.
    size
        Its height and width.

    Returns
    -------
    Format
        The format that `path` names.
    """
    suffix = path.suffix.lower()
    chosen = next((f for f in FORMATS if suffix in f.suffixes), None)
    if chosen is None:
        known = " ".join(suffix for f in FORMATS for suffix in f.suffixes)
        raise MediaError(f"cannot write {path}: the suffix of a picture is one of {known}")
    fitting = [f for f in FORMATS if f.holds(channels, dtype) and max(size) <= f.limit]
    if chosen in fitting:
        return chosen
    if not chosen.holds(channels, dtype):
        reason = f"{chosen.name} cannot hold {mode_text(channels, dtype)}"
    else:
        height, width = size
        reason = f"{width}×{height} is more than the {chosen.limit} a side that {chosen.name} holds"
    advice = " or ".join(f.suffixes[0] for f in fitting)
    raise MediaError(f"cannot write {path}: {reason}" + (f"; use {advice}" if advice else ""))


def mode_text(channels: tuple[str, ...], dtype: np.dtype[Any]) -> str:
    """Say the mode of a picture in words.

    Examples
    --------
    >>> mode_text(("grey", "alpha"), np.dtype("uint16"))
    'grey with alpha, 16 bits'
    """
    alpha = channels[-1:] == ALPHA
    colours = COLOURS[channels[:-1] if alpha else channels]
    kind = {"u": "bits", "i": "bits signed", "f": "bits floating-point"}[dtype.kind]
    return f"{colours}{' with alpha' if alpha else ''}, {8 * dtype.itemsize} {kind}"
