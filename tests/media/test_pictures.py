import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms, ImageOps

import tconv.media
from tconv.media import MediaError, open_media
from tconv.media.formats import ALPHA, CMYK, FORMATS, GREY, RGB

pytestmark = pytest.mark.usefixtures("no_litter")

SIZE = (19, 23)
SUFFIXES = [".png", ".jpg", ".tif", ".webp"]
INTERPRETATIONS = {GREY: ("b-w", "grey16"), RGB: ("srgb", "rgb16"), CMYK: ("cmyk", "cmyk")}
MODES = sorted({(c, d) for f in FORMATS for c in f.channels for d in f.dtypes})
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def random_pixels(rng, channels, dtype):
    shape = (*SIZE, len(channels))
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


def write_tiff(path, pixels, channels):
    """Write with libvips itself, the only library at hand for every mode."""
    colours = channels[:-1] if channels[-1:] == ALPHA else channels
    image = pyvips.Image.new_from_array(pixels)
    interpretation = INTERPRETATIONS[colours][pixels.dtype == np.uint16]
    image.copy(interpretation=interpretation).tiffsave(str(path))


def planes(image):
    """Return a Pillow picture channels first."""
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "CMYK"])
def test_reads_what_pillow_wrote(tmp_path, rng, mode, suffix):
    held = {".png": "L LA RGB RGBA", ".jpg": "L RGB CMYK", ".webp": "RGB RGBA"}
    if mode not in held.get(suffix, mode).split():
        pytest.skip(f"{suffix} has no {mode}")
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = rng.integers(0, 256, (*SIZE, bands), dtype=np.uint8)
    path = tmp_path / f"picture{suffix}"
    Image.frombytes(mode, SIZE[::-1], pixels.tobytes()).save(path, lossless=True, exact=True)
    with open_media(path) as source:
        assert source.kind == "picture"
        assert source.path == path
        assert source.shape == (bands, *SIZE)
        assert source.dtype == np.uint8
        assert len(source.channels) == bands
        assert source.alpha == (bands - 1 if mode.endswith("A") else None)
        rows = source.read(0, SIZE[0])
        assert rows.flags.c_contiguous
        with Image.open(path) as image:
            slack = 2 if suffix == ".jpg" else 0  # two decoders of one JPEG
            assert np.abs(rows.astype(int) - planes(image)).max() <= slack
        if suffix != ".jpg":
            np.testing.assert_array_equal(rows, pixels.transpose(2, 0, 1))
        np.testing.assert_array_equal(source.read(11, 17), rows[:, 11:17])
        np.testing.assert_array_equal(source.read(3, 13), rows[:, 3:13])
        assert source.read(5, 5).shape == (bands, 0, SIZE[1])


def test_reads_sixteen_bit_grey_of_pillow(tmp_path, rng):
    pixels = rng.integers(0, 2**16, SIZE, dtype=np.uint16)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with open_media(tmp_path / "a.png") as source:
        assert source.dtype == np.uint16
        assert source.dtype.isnative
        np.testing.assert_array_equal(source.read(0, SIZE[0])[0], pixels)


@pytest.mark.parametrize("target", [f for f in FORMATS if f.name != "JPEG"], ids=lambda f: f.name)
@pytest.mark.parametrize(("channels", "dtype"), MODES)
def test_every_mode_survives_or_is_refused(tmp_path, rng, copy, channels, dtype, target):
    pixels = random_pixels(rng, channels, dtype)
    path, out = tmp_path / "in.tif", tmp_path / f"out{target.suffixes[0]}"
    write_tiff(path, pixels, channels)
    if not target.holds(channels, np.dtype(dtype)):
        with pytest.raises(
            MediaError, match=rf"out\.\w+: {target.name} cannot hold .*; use .*\.tif"
        ):
            copy(path, out)
        assert not out.exists()
        return
    copy(path, out)
    with open_media(out) as source:
        assert source.channels == channels
        assert source.dtype == dtype
        np.testing.assert_array_equal(source.read(0, SIZE[0]), pixels.transpose(2, 0, 1))
    image = pyvips.Image.new_from_file(str(out))
    np.testing.assert_array_equal(image.numpy().reshape(pixels.shape), pixels)
    assert image.hasalpha() == (channels[-1:] == ALPHA)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pillow_reads_what_was_written(tmp_path, rng, copy, mode):
    pixels = rng.integers(0, 256, (*SIZE, len(mode)), dtype=np.uint8)
    Image.frombytes(mode, SIZE[::-1], pixels.tobytes()).save(tmp_path / "in.png")
    for suffix in (".png", ".tiff"):
        copy(tmp_path / "in.png", tmp_path / f"out{suffix}")
        with Image.open(tmp_path / f"out{suffix}") as image:
            assert image.mode == mode
            np.testing.assert_array_equal(planes(image), pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_is_close_and_in_full_colour(tmp_path, rng, copy, mode):
    y, x = np.mgrid[:64, :48]
    pixels = np.stack([3 * x, 2 * y + x, 255 - 2 * x, y][: len(Image.new(mode, (1, 1)).getbands())])
    pixels = pixels.astype(np.uint8).transpose(1, 2, 0)
    Image.frombytes(mode, (48, 64), np.ascontiguousarray(pixels).tobytes()).save(
        tmp_path / "in.tif"
    )
    copy(tmp_path / "in.tif", tmp_path / "out.JPG")
    with Image.open(tmp_path / "out.JPG") as image:
        assert image.mode == mode
        assert np.abs(planes(image).astype(int) - pixels.transpose(2, 0, 1)).max() <= 6
        if mode == "RGB":
            assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3


def test_output_of_another_size_and_dtype(tmp_path, rng):
    path, out = tmp_path / "in.png", tmp_path / "out.tif"
    Image.fromarray(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)).save(path)
    data = rng.random((3, 40, 50), dtype=np.float32)
    with (
        open_media(path) as source,
        source.sink(out, (40, 50), scale=(2, 2), dtype="float32") as sink,
    ):
        assert sink.shape == data.shape
        sink.write(data[:, :33])
        sink.write(data[:, 33:])
    with open_media(out) as source:
        assert source.describe() == "50×40 RGB, 32 bits floating-point"
        np.testing.assert_array_equal(source.read(0, 40), data)


@pytest.mark.parametrize("convert", ["P", "1"])
def test_palettes_and_bits_become_bytes(tmp_path, rng, convert):
    pixels = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(convert)
    image.save(tmp_path / "a.png")
    with open_media(tmp_path / "a.png") as source:
        full = image.convert("RGB" if convert == "P" else "L")
        np.testing.assert_array_equal(source.read(0, SIZE[0]), planes(full))
        assert (
            source.describe()
            == {
                "P": "23×19 RGB, 8 bits, from a palette",
                "1": "23×19 grey, 8 bits, from 1",
            }[convert]
        )


def test_transparent_palette(tmp_path, rng):
    image = Image.fromarray(rng.integers(0, 256, SIZE, dtype=np.uint8)).convert("P")
    image.save(tmp_path / "a.png", transparency=5)
    with open_media(tmp_path / "a.png") as source:
        assert source.channels == RGB + ALPHA
        assert source.describe() == "23×19 RGB with alpha, 8 bits, from a palette"


@pytest.mark.parametrize("target", SUFFIXES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_profile_resolution_and_records_are_kept(tmp_path, rng, copy, suffix, target):
    exif = Image.Exif()
    exif[271] = "Maker"
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{target}"
    image = Image.fromarray(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8))
    image.save(path, icc_profile=ICC, dpi=(300, 300), exif=exif)
    copy(path, out)
    with Image.open(out) as image:
        assert image.info["icc_profile"] == ICC
        if target != ".webp":
            stated = 72 if suffix == ".webp" else 300
            assert image.info["dpi"] == pytest.approx((stated, stated), rel=1e-3)
        if ".tif" not in (suffix, target):
            assert image.getexif()[271] == "Maker"


@pytest.mark.parametrize("target", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_viewer_sees_the_same_way_up(tmp_path, rng, copy, suffix, target, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    path, out = tmp_path / f"in{suffix}", tmp_path / f"out{target}"
    image = Image.fromarray(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8))
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/></rdf:RDF></x:xmpmeta>'
    ) % orientation
    image.save(path, exif=exif, lossless=True, xmp=xmp)
    copy(path, out)
    with Image.open(path) as before, Image.open(out) as after:
        upright = np.asarray(ImageOps.exif_transpose(before))
        assert after.getexif().get(274, 1) == 1
        np.testing.assert_array_equal(np.asarray(after), upright)
        np.testing.assert_array_equal(np.asarray(ImageOps.exif_transpose(after)), upright)


def test_orientation_of_a_jpeg(tmp_path, copy):
    y, x = np.mgrid[:40, :64]
    exif = Image.Exif()
    exif[274] = 6
    pixels = np.stack([4 * x, 6 * y, x + y], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.jpg", exif=exif, quality=95, subsampling=0)
    with open_media(tmp_path / "in.jpg") as source:
        assert source.shape == (3, 64, 40)
    for suffix in SUFFIXES:
        copy(tmp_path / "in.jpg", tmp_path / f"out{suffix}")
        with Image.open(tmp_path / f"out{suffix}") as after:
            upright = np.rot90(pixels, -1).astype(int)
            assert np.abs(np.asarray(ImageOps.exif_transpose(after)) - upright).max() <= 12


def test_stale_thumbnail_is_dropped(tmp_path, copy):
    pixels = np.full((*SIZE, 3), 9, np.uint8)
    buffer = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    thumbnail = pyvips.Image.black(8, 6).jpegsave_buffer()
    exif = (
        b"Exif\0\0II*\0\x08\0\0\0"
        + struct.pack("<HI", 0, 14)
        + struct.pack(
            "<HHHIHHHHIIHHIII",
            3,
            0x103,
            3,
            1,
            6,
            0,
            0x201,
            4,
            1,
            56,
            0x202,
            4,
            1,
            len(thumbnail),
            0,
        )
        + thumbnail
    )
    buffer.jpegsave(str(tmp_path / "plain.jpg"))
    data = (tmp_path / "plain.jpg").read_bytes()
    (tmp_path / "in.jpg").write_bytes(
        data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    )
    copy(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert (tmp_path / "out.jpg").read_bytes().count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize(
    "name", ["été 猫.png", "a[page=3].png", "-leading.png", "a b'\"c.png", "x" * 246 + ".png"]
)
def test_odd_names(tmp_path, monkeypatch, rng, copy, name):
    monkeypatch.chdir(tmp_path)
    pixels = rng.integers(0, 256, SIZE, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / name)
    copy(Path(name), Path("y" + name[1:]))
    copy(Path(name), Path("-z.tif"))
    for out in ("y" + name[1:], "-z.tif"):
        with Image.open(tmp_path / out) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems want Unicode names")
def test_name_that_is_not_unicode(tmp_path, rng, copy):
    path, out = tmp_path / "a\udce9.tif", tmp_path / "b\udce9.png"
    pixels = rng.integers(0, 256, SIZE, dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "plain.tif")
    data = (tmp_path / "plain.tif").read_bytes()
    path.write_bytes(data)
    copy(path, out)
    out.rename(tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)
    path.write_bytes(data[:12])
    with pytest.raises(MediaError, match=r"a\\udce9\.tif is broken, truncated or unsupported"):
        open_media(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_truncated(tmp_path, rng, capfd, suffix, share):
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(rng.integers(0, 256, (90, 80, 3), dtype=np.uint8)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with (
        pytest.raises(MediaError, match=rf"cut\{suffix} is (broken, )?truncated") as caught,
        open_media(path) as source,
    ):
        source.read(0, 90)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("cut", [1, 4, 9, 12, 13])
def test_png_without_its_end(tmp_path, cut):
    path = tmp_path / "cut.png"
    Image.new("L", (5, 5)).save(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(MediaError, match=r"cut\.png is (broken, )?truncated"):
        open_media(path)


def test_tiff_whose_rows_are_missing(tmp_path):
    tags = [
        (256, 64),
        (257, 64),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 122),
        (277, 1),
        (278, 64),
        (279, 4096),
    ]
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + directory + bytes(4)
    pixels = np.arange(4096, dtype=np.uint8).tobytes()
    (tmp_path / "whole.tif").write_bytes(head + pixels)
    (tmp_path / "cut.tif").write_bytes(head + pixels[:3000])
    with open_media(tmp_path / "whole.tif") as source:
        assert source.read(0, 64).tobytes() == pixels
    with (
        pytest.raises(MediaError, match=r"cut\.tif is broken, truncated or unsupported"),
        open_media(tmp_path / "cut.tif") as source,
    ):
        source.read(0, 64)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_several_pictures_in_one(tmp_path, rng, suffix):
    first, *others = [
        Image.fromarray(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)) for _ in range(3)
    ]
    first.save(tmp_path / f"many{suffix}", save_all=True, append_images=others)
    with pytest.raises(MediaError, match=r"has 3 (pages|frames); tconv reads single pictures"):
        open_media(tmp_path / f"many{suffix}")


def test_bomb(tmp_path):
    path = tmp_path / "bomb.png"
    pyvips.Image.black(50000, 50000).pngsave(str(path), compression=9, bitdepth=1)
    with pytest.raises(
        MediaError, match=r"bomb\.png is 50000×50000, 2500000000 pixels, .*--max-pix"
    ):
        open_media(path)
    open_media(path, max_pixels=None).close()


@pytest.mark.parametrize(("bands", "interpretation"), [(5, "srgb"), (7, "multiband"), (3, "lab")])
def test_unknown_modes(tmp_path, bands, interpretation):
    image = pyvips.Image.black(4, 4, bands=bands).cast("ushort").copy(interpretation=interpretation)
    image.tiffsave(str(tmp_path / "odd.tif"))
    with pytest.raises(
        MediaError, match=r"odd\.tif has \d channels \(\w+, \w+\); tconv reads grey, RGB"
    ):
        open_media(tmp_path / "odd.tif")


@pytest.mark.parametrize(
    "text", ["GIF89a", "<svg xmlns='http://www.w3.org/2000/svg'/>", "%PDF-1.4"]
)
def test_other_decoders_never_see_a_file(tmp_path, text):
    (tmp_path / "a.png").write_text(text + " " * 50)
    with pytest.raises(MediaError, match=r"a\.png is not a PNG, JPEG, TIFF or WebP picture"):
        open_media(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("mode", "target", "message"),
    [
        (
            "RGBA",
            "out.jpg",
            r"JPEG cannot hold RGB with alpha, 8 bits; use \.png or \.webp or \.tif",
        ),
        ("I;16", "out.jpg", r"JPEG cannot hold grey, 16 bits; use \.png or \.tif"),
        ("I;16", "out.webp", r"WebP cannot hold grey, 16 bits; use \.png or \.tif"),
        ("CMYK", "out.png", r"PNG cannot hold CMYK, 8 bits; use \.jpg or \.tif"),
        ("F", "out.png", r"PNG cannot hold grey, 32 bits floating-point; use \.tif"),
        ("RGB", "out.gif", r"one of \.png \.jpg \.jpeg \.webp \.tif \.tiff"),
        ("RGB", "out", "the suffix of a picture is one of"),
    ],
)
def test_formats_refuse_what_they_cannot_hold(tmp_path, mode, target, message):
    Image.new(mode, (4, 4)).save(tmp_path / "in.tif")
    with open_media(tmp_path / "in.tif") as source, pytest.raises(MediaError, match=message):
        source.sink(tmp_path / target, (8, 8))


@pytest.mark.parametrize(
    ("target", "size", "advice"),
    [
        (".webp", (1, 16384), "16383 a side that WebP holds; use .png or .jpg or .tif"),
        (".jpg", (65501, 1), "65500 a side that JPEG holds; use .png or .tif"),
        (".png", (10**8, 1), "99999999 a side that PNG holds"),
    ],
)
def test_sizes_are_refused_before_work_begins(tmp_path, target, size, advice):
    Image.new("RGB", (4, 4)).save(tmp_path / "in.png")
    with open_media(tmp_path / "in.png") as source, pytest.raises(MediaError) as caught:
        source.sink(tmp_path / f"out{target}", size)
    assert str(caught.value).endswith(advice)


def test_largest_jpeg_side_is_written(tmp_path):
    Image.new("L", (1, 1)).save(tmp_path / "in.png")
    with (
        open_media(tmp_path / "in.png") as source,
        source.sink(tmp_path / "out.jpg", (65500, 1)) as sink,
    ):
        sink.write(np.zeros((1, 65500, 1), np.uint8))
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (1, 65500)


def test_a_changed_file_is_read_anew(tmp_path):
    path = tmp_path / "a.tif"
    for value in (3, 200):
        Image.new("L", (4, 4), value).save(path)
        with open_media(path) as source:
            assert (source.read(0, 4) == value).all()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_nothing_is_left_open(tmp_path, copy):
    Image.new("RGB", (64, 64)).save(tmp_path / "in.tif")
    copy(tmp_path / "in.tif", tmp_path / "out.tif")
    links = [fd.readlink() for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    assert [link for link in links if str(tmp_path) in str(link)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="VmHWM")
@pytest.mark.parametrize("target", [".png", ".tif", ".jpg"])
def test_memory_stays_small(tmp_path, target):
    Image.new("RGB", (1024, 1024)).save(tmp_path / "in.png")
    script = f"""
import numpy as np, pyvips
from pathlib import Path
from tconv.media import open_media
def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
def work(side, strip=64):
    rng = np.random.default_rng(1)
    out = Path("out{target}")
    with open_media(Path("in.png")) as source, source.sink(out, (side, side)) as sink:
        for start in range(0, side, strip):
            source.read(start // 4, start // 4 + 16)
            sink.write(rng.integers(0, 256, (3, strip, side), dtype=np.uint8))
before = peak()
work(4096)
print(peak() - before)
"""
    run = [sys.executable, "-c", script]
    env = {**os.environ, "PYTHONPATH": str(Path(tconv.media.__file__).parents[2])}
    out = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert int(out.stdout) < 150
    assert out.stderr == ""
