"""Pictures, through libvips.

Orientation is applied to the pixels when a picture is read, and the output says that it is
upright: PNG is the usual output, and many viewers do not look for an orientation there.
The colour profile, the resolution, and the EXIF, IPTC and XMP records are carried over as far
as the output format has room for them; TIFF is written without EXIF. A thumbnail inside EXIF is
dropped. Palettes become RGB, and fewer than 8 bits become 8.

Reading decodes into memory, or a temporary file when the picture is big. Writing holds one strip;
the encoders of PNG, TIFF and JPEG then run through the rows on disc, that of WebP holds them all.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from tconv.media.atomic import no_space
from tconv.media.base import Failures, Order, Rows, Sink, Source, first_detail
from tconv.media.errors import MediaError
from tconv.media.exif import without_thumbnail
from tconv.media.formats import ALPHA, CMYK, GREY, RGB, Format, format_for, mode_text
from tconv.media.png import check_png

_LOADERS = {"PNG": "pngload", "JPEG": "jpegload", "TIFF": "tiffload", "WebP": "webpload"}
_COLOURS = {
    "b-w": GREY,
    "grey16": GREY,
    "srgb": RGB,
    "rgb": RGB,
    "rgb16": RGB,
    "scrgb": RGB,
    "cmyk": CMYK,
}
_DTYPES = {
    "uchar": "uint8",
    "char": "int8",
    "ushort": "uint16",
    "short": "int16",
    "uint": "uint32",
    "int": "int32",
    "float": "float32",
}
_BANDS = {dtype: band for band, dtype in _DTYPES.items()}
_USUAL_RESOLUTION = 72 / 25.4
_RECORDS = (
    "exif-data",
    "exif-ifd0",
    "exif-ifd2",
    "exif-ifd3",
    "icc-profile-data",
    "iptc-data",
    "xmp-data",
    "resolution-unit",
)


class PictureSource(Source):
    """A PNG, JPEG, TIFF or WebP picture; strips are runs of rows.

    Parameters
    ----------
    path
        The file.
    name
        Its format, which chooses the one decoder that sees it.
    max_pixels
        The most pixels its header may claim, or None.
    """

    kind = "picture"
    axis = 1

    def __init__(self, path: Path, name: str, max_pixels: int | None) -> None:
        self.path = path
        vips = _library()
        load = getattr(vips.Image, _LOADERS[name])
        try:
            image = load(_name(path), fail_on="error")
            self._check(image, max_pixels)
            if name == "PNG":
                check_png(path)
            self._stored = _stored(image)
            self._image = image.autorot()
            self._region = vips.Region.new(self._image)
        except OSError as error:
            raise MediaError(f"cannot read {path}: {error.strerror}") from None
        except _failures() as error:
            raise self._broken(error) from None
        self.shape = (image.bands, self._image.height, self._image.width)

    def _check(self, image: Any, max_pixels: int | None) -> None:
        pixels = image.width * image.height
        if max_pixels is not None and pixels > max_pixels:
            raise MediaError(
                f"{self.path} is {image.width}×{image.height}, {pixels} pixels, more than the "
                f"limit of {max_pixels}; --max-pixels raises it"
            )
        pages = sum(image.get(n) for n in ("n-pages", "n-subifds") if image.get_typeof(n))
        if pages > 1:
            raise MediaError(f"{self.path} has {pages} pages; tconv reads single pictures")
        colours = _COLOURS.get(image.interpretation)
        extra = image.bands - len(colours or ())
        if colours is None or extra not in {0, 1} or image.format not in _DTYPES:
            raise MediaError(
                f"{self.path} has {image.bands} channels ({image.interpretation}, {image.format}); "
                "tconv reads grey, RGB and CMYK, with or without alpha"
            )
        self.dtype = np.dtype(_DTYPES[image.format])
        self.channels = colours + ALPHA * extra
        self.alpha = len(colours) if extra else None

    def describe(self) -> str:
        """Return the like of ``451×300 RGB, 8 bits``."""
        _, height, width = self.shape
        return f"{width}×{height} {mode_text(self.channels, self.dtype)}{self._stored}"

    def _read(self, start: int, stop: int) -> Rows:
        channels, _, width = self.shape
        try:
            data = self._region.fetch(0, start, width, stop - start)
        except _failures() as error:
            raise self._broken(error) from None
        rows = np.frombuffer(data, self.dtype).reshape(stop - start, width, channels)
        return np.ascontiguousarray(rows.transpose(2, 0, 1))

    def _broken(self, error: Exception) -> MediaError:
        if no_space(error):
            folder = tempfile.gettempdir()
            return MediaError(f"cannot read {self.path}: no space left to decode it on {folder}")
        return MediaError(
            f"{self.path} is broken, truncated or unsupported ({first_detail(error)})"
        )

    def _sink(self, order: Order) -> Sink:
        path, (height, width), _, force, dtype = order
        chosen = format_for(path, self.channels, dtype, (height, width))
        shape = (len(self.channels), height, width)
        return PictureSink(path, shape, dtype, force=force, target=chosen, like=self)

    def close(self) -> None:
        """Let go of the file and of whatever of it is decoded."""
        self._region = self._image = None


class PictureSink(Sink):
    """A picture being written: raw rows beside the output, encoded at the end.

    Parameters
    ----------
    path, shape, dtype, force
        As for every sink.
    target
        The format.
    like
        The source, whose mode and records are carried over.
    """

    axis = 1
    _raw: IO[bytes] | None = None

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        *,
        force: bool,
        target: Format,
        like: PictureSource,
    ) -> None:
        super().__init__(path, shape, dtype, force=force)
        self._format = target
        self._colours = like.channels[: like.alpha]
        self._like = like._image

    @staticmethod
    def _failures() -> Failures:
        return _failures()

    def _open(self) -> None:
        self._rows = self._replacement.temporary()
        self._raw = self._rows.open("xb")

    def _put(self, rows: Rows) -> None:
        assert self._raw is not None
        self._raw.write(np.ascontiguousarray(rows.transpose(1, 2, 0)).data)

    def _finish(self) -> Path:
        self._abandon()
        encoded = self._replacement.temporary()
        options = dict(self._format.options)
        if self._format.name == "TIFF":
            options["predictor"] = "float" if self.dtype.kind == "f" else "horizontal"
            options["bigtiff"] = self._rows.stat().st_size > 2**32 - 2**28
        getattr(self._dressed(), self._format.operation)(_name(encoded), **options)
        return encoded

    def _dressed(self) -> Any:
        """Return the raw rows as a libvips image with the source's records."""
        vips = _library()
        channels, height, width = self.shape
        like = self._like
        unstated = like.xres == like.yres == 1.0
        image = vips.Image.rawload(
            _name(self._rows), width, height, channels, format=_BANDS[self.dtype.name]
        ).copy(
            interpretation=_interpretation(self._colours, self.dtype),
            xres=_USUAL_RESOLUTION if unstated else like.xres,
            yres=_USUAL_RESOLUTION if unstated else like.yres,
        )
        for field in like.get_fields():
            if field.startswith(_RECORDS):
                value = like.get(field)
                if field == "exif-data":
                    value = without_thumbnail(value)
                image.set_type(like.get_typeof(field), field, value)
        image.set_type(vips.GValue.gint_type, "orientation", 1)
        return image

    def _abandon(self) -> None:
        if self._raw is not None:
            self._raw.close()


def _library() -> Any:
    import pyvips

    pyvips.cache_set_max(0)  # the cache keeps files open, and knows a changed file by its old name
    return pyvips


def _failures() -> Failures:
    # UnicodeDecodeError: pyvips's own trouble with a message that names a file not in UTF-8
    return (_library().Error, UnicodeDecodeError)


def _name(path: Path) -> bytes:
    return os.fsencode(path)


def _interpretation(colours: tuple[str, ...], dtype: np.dtype[Any]) -> str:
    wide = dtype == np.uint16
    return {GREY: "grey16" if wide else "b-w", RGB: "rgb16" if wide else "srgb", CMYK: "cmyk"}[
        colours
    ]


def _stored(image: Any) -> str:
    """Say how the file keeps what is read as whole bytes."""
    if image.get_typeof("palette"):
        return ", from a palette"
    bits = image.get("bits-per-sample") if image.get_typeof("bits-per-sample") else 8
    return f", from {bits}" if bits < 8 else ""
