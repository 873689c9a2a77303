"""The one thing in an EXIF record that must not be carried over to another picture."""

from __future__ import annotations

import struct


def without_thumbnail(exif: bytes) -> bytes:
    """Unlink the second directory of an EXIF record, which describes a thumbnail of the old pixels.

    Parameters
    ----------
    exif
        The record, with or without its ``Exif`` marker.

    Returns
    -------
    bytes
        The same record, of the same length; one that makes no sense is returned as it is.
    """
    start = 6 if exif.startswith(b"Exif\0\0") else 0
    order = "<" if exif[start : start + 2] == b"II" else ">"
    record = bytearray(exif)
    try:
        (directory,) = struct.unpack_from(f"{order}I", record, start + 4)
        (entries,) = struct.unpack_from(f"{order}H", record, start + directory)
        struct.pack_into("4x", record, start + directory + 2 + 12 * entries)
    except struct.error:
        return exif
    return bytes(record)
