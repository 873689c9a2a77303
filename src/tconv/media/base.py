"""What every kind of media has in common: a source of strips, a sink of strips, one error."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from tconv.media.atomic import Replacement, no_space
from tconv.media.errors import MediaError

Kind = Literal["picture", "sound", "array"]
Rows = npt.NDArray[Any]
Failures = tuple[type[Exception], ...]
Factors = tuple[int | Fraction, ...]


class Order(NamedTuple):
    """What :meth:`Source.sink` was asked for."""

    path: Path
    spatial: tuple[int, ...]
    scale: Factors
    force: bool
    dtype: np.dtype[Any]


class Source(ABC):
    """A file open for reading, handed out in strips.

    Attributes
    ----------
    kind
        What the file holds.
    path
        Where it is.
    shape
        The whole data, channels first: ``(C, H, W)`` for a picture, ``(C, samples)`` for a sound,
        the array's own shape for an array.
    dtype
        The storage type, in native byte order.
    channels
        One name per channel; empty for an array.
    alpha
        The index of the alpha channel, or None.
    rate
        Samples a second of a sound, or None.
    axis
        The axis of `shape` that strips run along.
    """

    kind: ClassVar[Kind]
    axis: ClassVar[int]
    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    channels: tuple[str, ...] = ()
    alpha: int | None = None
    rate: int | None = None

    @abstractmethod
    def describe(self) -> str:
        """Say in a few words what the file holds."""

    def read(self, start: int, stop: int) -> Rows:
        """Return rows `start` to `stop` of the strip axis, in any order and as often as wanted.

        Parameters
        ----------
        start, stop
            The first row and the one after the last.

        Returns
        -------
        numpy.ndarray
            The strip, channels first, of the storage type, C-contiguous.
        """
        if not 0 <= start <= stop <= self.shape[self.axis]:
            raise ValueError(f"rows {start} to {stop} of {self.shape[self.axis]}")
        if start == stop:
            shape = list(self.shape)
            shape[self.axis] = 0
            return np.empty(shape, self.dtype)
        return self._read(start, stop)

    @abstractmethod
    def _read(self, start: int, stop: int) -> Rows: ...

    def sink(
        self,
        path: Path,
        spatial: tuple[int, ...],
        *,
        scale: Factors = (),
        force: bool = False,
        dtype: npt.DTypeLike | None = None,
    ) -> Sink:
        """Prepare a file like this one but of another size, refusing now what must fail later.

        Parameters
        ----------
        path
            The file to write; its suffix chooses the format.
        spatial
            The new spatial sizes, which replace the last ones of `shape`.
        scale
            The factor along each spatial axis; the sample rate of a sound follows it, and must be
            whole.
        force
            Whether an existing file may be replaced.
        dtype
            Another storage type than the source's.

        Returns
        -------
        Sink
            To be entered with ``with``.
        """
        stored = self.dtype if dtype is None else np.dtype(dtype)
        return self._sink(Order(path, tuple(map(int, spatial)), scale, force, stored))

    @abstractmethod
    def _sink(self, order: Order) -> Sink: ...

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Sink(ABC):
    """A file being written in consecutive strips, which appears whole or not at all.

    Parameters
    ----------
    path
        The file to write.
    shape
        The whole data, channels first.
    dtype
        The storage type of the strips.
    force
        Whether an existing file may be replaced.
    """

    axis: ClassVar[int]

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], *, force: bool
    ) -> None:
        self.path = path
        self.shape = shape
        self.dtype = dtype
        self._replacement = Replacement(path, force=force)
        self._written = 0

    def __enter__(self) -> Self:
        try:
            self._replacement.reserve(math.prod(self.shape) * self.dtype.itemsize)
            with self._guard():
                self._open()
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, rows: Rows) -> None:
        """Add a strip after those already written.

        Parameters
        ----------
        rows
            The strip, channels first, of the sink's dtype.
        """
        count = rows.shape[self.axis]
        expected = (*self.shape[: self.axis], count, *self.shape[self.axis + 1 :])
        if rows.shape != expected or rows.dtype != self.dtype:
            raise ValueError(f"got {rows.shape} {rows.dtype}, expected {expected} {self.dtype}")
        with self._guard():
            self._put(rows)
        self._written += count

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            if kind is None:
                if self._written != self.shape[self.axis]:
                    raise ValueError(f"{self._written} rows of {self.shape[self.axis]} written")
                with self._guard():
                    self._replacement.commit(self._finish())
        finally:
            self._discard()

    def _discard(self) -> None:
        try:
            with suppress(OSError, *self._failures()):
                self._abandon()
        finally:
            self._replacement.discard()

    @contextmanager
    def _guard(self) -> Iterator[None]:
        failures: Failures = (OSError, *self._failures())
        try:
            yield
        except failures as error:
            folder = self.path.parent
            if no_space(error, folder):
                raise MediaError(f"cannot write {self.path}: no space left on {folder}") from None
            reason = getattr(error, "strerror", None) or first_detail(error)
            raise MediaError(f"cannot write {self.path}: {reason}") from None

    @staticmethod
    def _failures() -> Failures:
        """Return what the library that writes may raise, beyond OSError."""
        return ()

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def _put(self, rows: Rows) -> None: ...

    @abstractmethod
    def _finish(self) -> Path:
        """Complete the file and return the temporary one that holds it."""

    @abstractmethod
    def _abandon(self) -> None:
        """Let go of every open file; harmless after `_finish`."""


def first_detail(error: Exception) -> str:
    """Return the line of a library's message that says the most, its second if it has one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)] if lines else type(error).__name__
