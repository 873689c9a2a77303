"""Sounds, through libsndfile: WAV and FLAC, linear samples only.

Samples of 24 and 32 bits are read as int32, those of 8 and 16 as int16, the short ones in the
high bits. Writing rounds back to the stored width, so that what was read is written unchanged.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tconv.media.base import Failures, Order, Rows, Sink, Source, first_detail
from tconv.media.errors import MediaError
from tconv.media.wav import check_wav


@dataclass(frozen=True)
class Coding:
    """One way to store samples: the type they are read as, and the bits they really have."""

    dtype: str
    bits: int

    def __str__(self) -> str:
        return f"{self.bits} bits" + " floating-point" * self.dtype.startswith("float")


_CODINGS = {
    "PCM_U8": Coding("int16", 8),
    "PCM_S8": Coding("int16", 8),
    "PCM_16": Coding("int16", 16),
    "PCM_24": Coding("int32", 24),
    "PCM_32": Coding("int32", 32),
    "FLOAT": Coding("float32", 32),
    "DOUBLE": Coding("float64", 64),
}
_WHOLE = {"int16": "PCM_16", "int32": "PCM_32", "float32": "FLOAT", "float64": "DOUBLE"}
_EIGHT_BITS = {".wav": "PCM_U8", ".flac": "PCM_S8"}
_FLAC_SUBTYPES = ("PCM_S8", "PCM_16", "PCM_24")
_FLAC_RATE = 655350
_FLAC_CHANNELS = 8
_RATE = 2**31 - 1
_UNKNOWN_LENGTH = 2**62


class SoundSource(Source):
    """A WAV or FLAC sound; strips are runs of samples.

    Parameters
    ----------
    path
        The file.
    """

    kind = "sound"
    axis = 1

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            check_wav(path)
            self._file = _library().SoundFile(path)
        except OSError as error:
            raise MediaError(f"cannot read {path}: {error.strerror}") from None
        except _failures() as error:
            raise self._broken(error) from None
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def _check(self) -> None:
        file, path = self._file, self.path
        if file.subtype not in _CODINGS:
            raise MediaError(
                f"{path} has samples coded as {file.subtype_info}; tconv reads PCM and "
                "floating-point"
            )
        if file.frames >= _UNKNOWN_LENGTH:
            raise MediaError(f"{path} does not say how long it is")
        if file.frames == 0:
            raise MediaError(f"{path} holds no samples")
        self.dtype = np.dtype(_CODINGS[file.subtype].dtype)
        self.rate = file.samplerate
        self.shape = (file.channels, file.frames)
        numbered = tuple(str(n + 1) for n in range(file.channels))
        self.channels = ("left", "right") if file.channels == 2 else numbered

    def describe(self) -> str:
        """Return the like of ``2 channels, 44100 Hz, 16 bits, 3.20 s``."""
        file = self._file
        return (
            f"{file.channels} channel{'s' * (file.channels > 1)}, {file.samplerate} Hz, "
            f"{_CODINGS[file.subtype]}, {file.frames / file.samplerate:.2f} s"
        )

    def _read(self, start: int, stop: int) -> Rows:
        try:
            self._file.seek(start)
            rows: Rows = self._file.read(stop - start, dtype=self.dtype.name, always_2d=True)
        except _failures() as error:
            raise self._broken(error) from None
        if len(rows) < stop - start:
            raise MediaError(f"{self.path} is truncated")
        return np.ascontiguousarray(rows.T)

    def _broken(self, error: Exception) -> MediaError:
        reason = getattr(error, "error_string", None) or first_detail(error)
        return MediaError(f"{self.path} is broken, truncated or unsupported ({reason})")

    def _sink(self, order: Order) -> Sink:
        path, spatial, scale, force, dtype = order
        file = self._file
        suffix = path.suffix.lower()
        if suffix not in _EIGHT_BITS:
            raise MediaError(f"cannot write {path}: a sound is written as .wav or .flac")
        if dtype.name not in _WHOLE:
            raise MediaError(f"cannot write {path}: a sound cannot hold {dtype} samples")
        subtype = file.subtype if dtype == self.dtype else _WHOLE[dtype.name]
        if _CODINGS[subtype].bits == 8:
            subtype = _EIGHT_BITS[suffix]
        exact = file.samplerate * (scale[0] if scale else 1)
        rate = int(exact)
        if rate != exact or rate == 0:
            raise MediaError(
                f"cannot write {path}: {file.samplerate} Hz by {scale[0]} is {float(exact):g} Hz; "
                "a sound file holds whole rates, which --rate names"
            )
        if rate > _RATE:
            raise MediaError(f"cannot write {path}: {rate} Hz is more than a sound file can hold")
        if suffix == ".flac":
            _check_flac(path, subtype, rate, file.channels)
        return SoundSink(
            path,
            (file.channels, *spatial),
            dtype,
            force=force,
            rate=rate,
            container=_container(suffix, file, subtype, spatial[0]),
            subtype=subtype,
            tags=file.copy_metadata(),
        )

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class SoundSink(Sink):
    """A sound being written.

    Parameters
    ----------
    path, shape, dtype, force
        As for every sink.
    rate
        Samples a second.
    container, subtype
        libsndfile's names of the format and of the coding.
    tags
        Title, artist and the like.
    """

    axis = 1
    _file: Any = None

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        force: bool,
        rate: int,
        container: str,
        subtype: str,
        tags: dict[str, str],
    ) -> None:
        super().__init__(path, shape, dtype, force=force)
        self._rate = rate
        self._container = container
        self._subtype = subtype
        self._tags = tags

    @staticmethod
    def _failures() -> Failures:
        return _failures()

    def _open(self) -> None:
        self._temporary = self._replacement.temporary()
        self._file = _library().SoundFile(
            self._temporary,
            "w",
            self._rate,
            self.shape[0],
            self._subtype,
            format=self._container,
        )
        for name, text in self._tags.items():
            setattr(self._file, name, text)

    def _put(self, rows: Rows) -> None:
        dropped = 8 * self.dtype.itemsize - _CODINGS[self._subtype].bits
        if dropped:  # libsndfile cuts them off
            half = self.dtype.type(1 << (dropped - 1))
            rows = np.minimum(rows, np.iinfo(self.dtype).max - half) + half
        self._file.write(np.ascontiguousarray(rows.T))

    def _finish(self) -> Path:
        self._file.close()
        self._verify()
        return self._temporary

    def _verify(self) -> None:
        """Read the last sample back: libsndfile is silent when it cannot finish a FLAC file."""
        with _library().SoundFile(self._temporary) as file:
            file.seek(self.shape[1] - 1)
            if len(file.read(1)) != 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _abandon(self) -> None:
        if self._file is not None:
            self._file.close()


def _library() -> Any:
    import soundfile

    return soundfile


def _failures() -> Failures:
    return (_library().SoundFileError,)


def _check_flac(path: Path, subtype: str, rate: int, channels: int) -> None:
    reason = None
    if subtype not in _FLAC_SUBTYPES:
        reason = f"FLAC cannot hold samples of {_CODINGS[subtype]}"
    elif rate > _FLAC_RATE:
        reason = f"FLAC cannot hold {rate} Hz, only up to {_FLAC_RATE}"
    elif channels > _FLAC_CHANNELS:
        reason = f"FLAC cannot hold {channels} channels, only up to {_FLAC_CHANNELS}"
    if reason:
        raise MediaError(f"cannot write {path}: {reason}; use .wav")


def _container(suffix: str, file: Any, subtype: str, samples: int) -> str:
    if suffix == ".flac":
        return "FLAC"
    if samples * file.channels * _CODINGS[subtype].bits // 8 > 2**32 - 2**16:
        return "RF64"
    return file.format if file.format in {"WAV", "WAVEX", "RF64"} else "WAV"
