"""What libsndfile does not tell of a WAV file: whether its data ends before its header says."""

from __future__ import annotations

from pathlib import Path

from tconv.media.errors import MediaError

_UNKNOWN = 0xFFFFFFFF


def check_wav(path: Path) -> None:
    """Refuse a truncated WAV file; any other file, or one of unstated length, passes.

    Parameters
    ----------
    path
        The file.
    """
    end = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(12)[:4]
        if magic not in {b"RIFF", b"RIFX", b"RF64"}:
            return
        long_size = _UNKNOWN
        while len(head := file.read(8)) == 8:
            name, size = head[:4], int.from_bytes(head[4:], "big" if magic == b"RIFX" else "little")
            start = file.tell()
            if name == b"ds64":
                long_size = int.from_bytes(file.read(16)[8:], "little")
            if name == b"data":
                size = long_size if size == _UNKNOWN else size
                if size != _UNKNOWN and start + size > end:
                    raise MediaError(
                        f"{path} is truncated: its header says {size} bytes of sound, "
                        f"{end - start} follow"
                    )
                return
            file.seek(start + size + size % 2)
