"""NumPy ``.npy`` files: memory-mapped for reading, written row by row."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from tconv.media.base import Order, Rows, Sink, Source
from tconv.media.errors import MediaError


class ArraySource(Source):
    """An ``.npy`` file of numbers; strips run along its first axis.

    Parameters
    ----------
    path
        The file.
    """

    kind = "array"
    axis = 0

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self.shape, fortran, stored = _header(file)
                offset = file.tell()
        except OSError as error:
            raise MediaError(f"cannot read {path}: {error.strerror}") from None
        except Exception:  # the header is a Python literal: hostile ones fail in many ways
            raise MediaError(f"{path} has a broken or unknown .npy header") from None
        if stored.kind not in "biufc":
            raise MediaError(f"{path} holds {stored} values; tconv reads arrays of numbers")
        if not self.shape:
            raise MediaError(f"{path} holds a single number without axes")
        self.dtype = stored.newbyteorder("=")
        expected = math.prod(self.shape) * stored.itemsize
        found = path.stat().st_size - offset
        if found < expected:
            raise MediaError(
                f"{path} is truncated: its header says {expected} bytes, {found} follow"
            )
        order: Any = "F" if fortran else "C"
        self._data: Rows = np.memmap(path, stored, "r", offset, self.shape, order)

    def describe(self) -> str:
        """Return the like of ``(3, 64, 64) float32``."""
        return f"{self.shape} {self.dtype}"

    def _read(self, start: int, stop: int) -> Rows:
        return np.ascontiguousarray(self._data[start:stop], self.dtype)

    def _sink(self, order: Order) -> Sink:
        path, spatial, _, force, dtype = order
        if path.suffix.lower() != ".npy":
            raise MediaError(f"cannot write {path}: an array is written as .npy")
        shape = self.shape[: len(self.shape) - len(spatial)] + spatial
        return ArraySink(path, shape, dtype, force=force)

    def close(self) -> None:
        """Let go of the memory map."""
        self._data = np.empty(0)


class ArraySink(Sink):
    """An ``.npy`` file being written along its first axis."""

    axis = 0
    _file: IO[bytes] | None = None

    def _open(self) -> None:
        self._path = self._replacement.temporary()
        self._file = self._path.open("xb")
        header = {
            "descr": npy.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": self.shape,
        }
        npy.write_array_header_1_0(self._file, header)

    def _put(self, rows: Rows) -> None:
        assert self._file is not None
        self._file.write(np.ascontiguousarray(rows).data)

    def _finish(self) -> Path:
        self._abandon()
        return self._path

    def _abandon(self) -> None:
        if self._file is not None:
            self._file.close()


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, fortran, dtype = reader[npy.read_magic(file)](file)
    if any(type(size) is not int or size < 0 for size in shape):
        raise ValueError(shape)
    return shape, fortran, dtype
