"""What libvips does not tell of a PNG: whether it is whole, and whether it moves."""

from __future__ import annotations

from pathlib import Path

from tconv.media.errors import MediaError


def check_png(path: Path) -> None:
    """Refuse a PNG that stops before its end or that holds an animation.

    Parameters
    ----------
    path
        The file, already known to begin as a PNG.
    """
    end = path.stat().st_size
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, name = int.from_bytes(head[:4], "big"), head[4:]
            if name == b"acTL":
                frames = int.from_bytes(file.read(4), "big")
                raise MediaError(f"{path} has {frames} frames; tconv reads single pictures")
            if file.seek(length + 4, 1) > end:
                break
            if name == b"IEND":
                return
    raise MediaError(f"{path} is truncated")
