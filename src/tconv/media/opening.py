"""Which reader a file is for, told by its first bytes and never by its name."""

from __future__ import annotations

import stat
from pathlib import Path

from tconv.media.base import Kind, Source
from tconv.media.errors import MediaError

DEFAULT_MAX = 2**28
"""The most pixels a picture may claim unless the user says otherwise."""

_SIGNATURES: tuple[tuple[bytes, bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", b"", "PNG"),
    (b"\xff\xd8\xff", b"", "JPEG"),
    (b"II*\0", b"", "TIFF"),
    (b"MM\0*", b"", "TIFF"),
    (b"II+\0", b"", "TIFF"),
    (b"MM\0+", b"", "TIFF"),
    (b"RIFF", b"WEBP", "WebP"),
    (b"RIFF", b"WAVE", "WAV"),
    (b"RIFX", b"WAVE", "WAV"),
    (b"RF64", b"WAVE", "WAV"),
    (b"fLaC", b"", "FLAC"),
    (b"\x93NUMPY", b"", "NPY"),
)


def open_media(path: Path, *, max_pixels: int | None = DEFAULT_MAX) -> Source:
    """Open a picture, a sound or an array for reading.

    Parameters
    ----------
    path
        The file.
    max_pixels
        The most pixels a picture may claim; None for no limit.

    Returns
    -------
    Source
        The open file, to be closed or used with ``with``.

    Raises
    ------
    MediaError
        If the file is missing, broken, or of a kind that is not read.
    """
    match _sniff(path):
        case "WAV" | "FLAC":
            from tconv.media.sounds import SoundSource

            return SoundSource(path)
        case "NPY":
            from tconv.media.arrays import ArraySource

            return ArraySource(path)
        case name:
            from tconv.media.pictures import PictureSource

            return PictureSource(path, name, max_pixels)


def _sniff(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise MediaError(f"{path} is a folder")
        if not stat.S_ISREG(mode):
            raise MediaError(f"{path} is not a regular file")
        with path.open("rb") as file:
            head = file.read(12)
    except FileNotFoundError:
        raise MediaError(f"{path} does not exist") from None
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from None
    if not head:
        raise MediaError(f"{path} is empty")
    for start, tag, name in _SIGNATURES:
        if head.startswith(start) and head[8:].startswith(tag):
            return name
    raise MediaError(
        f"{path} is not a PNG, JPEG, TIFF or WebP picture, a WAV or FLAC sound, or an .npy array"
    )


def default_output(path: Path, kind: Kind, made: str) -> Path:
    """Name the output of an upsampling when the user does not.

    Parameters
    ----------
    path
        The input.
    kind
        What it holds.
    made
        What was made of it, as the user would write it: a factor, a size or a rate.

    Returns
    -------
    pathlib.Path
        A sibling of `path`.

    Examples
    --------
    >>> default_output(Path("cat.jpg"), "picture", "x3/2").name
    'cat-x3-2.png'
    >>> default_output(Path("cat.flac"), "sound", "48000Hz").name
    'cat-48000Hz.flac'
    """
    suffix = {"picture": ".png", "sound": ".wav", "array": ".npy"}[kind]
    if kind == "sound" and path.suffix.lower() in {".wav", ".flac"}:
        suffix = path.suffix
    return path.with_name(f"{path.stem}-{made.replace('/', '-')}{suffix}")
