"""Files: frames and their durations read back, nothing left behind by a failure."""

import io
import json
import sys
from dataclasses import replace

import pytest
from PIL import Image

from explanation.drawing.cases import trace_of
from tconv.explanation.drawing import film, frame, layout, svg
from tconv.explanation.drawing.animation import MOST_FRAMES
from tconv.explanation.drawing.raster import png
from tconv.explanation.drawing.svg import Drawing, drawing
from tconv.media import MediaError


@pytest.fixture
def trace():
    return trace_of("lecture")


@pytest.fixture
def trace_on_disk(trace, tmp_path):
    def save(name, *arguments, **options):
        trace.save(tmp_path / name, *arguments, **options)
        return tmp_path / name

    return save


def test_pixels_are_the_same_every_time_and_not_blank(trace):
    picture = drawing(frame(layout(trace), 3), "dark")
    assert png(picture) == png(picture)
    drawn = Image.open(io.BytesIO(png(picture, 0.5))).convert("RGB")
    assert drawn.size == (640, 360)
    assert len(drawn.getcolors(1 << 24)) > 50
    assert drawn.getpixel((0, 0)) == (0x12, 0x16, 0x1B)


def test_letters_are_drawn_in_the_packages_font():
    """Without a font, resvg draws no text at all."""
    blank = Drawing(90, 30, "", "", "", "white")
    said = replace(blank, body='<text y="20">Σ w₁·a → 10</text>')
    pixels = [Image.open(io.BytesIO(png(one))).convert("RGB").getcolors() for one in (blank, said)]
    assert len(pixels[0]) == 1 < len(pixels[1])


@pytest.mark.parametrize(("suffix", "loops"), [("gif", 0), ("webp", 0)])
def test_an_animation_holds_every_frame_for_its_time(trace, trace_on_disk, suffix, loops):
    with Image.open(trace_on_disk(f"a.{suffix}", scale=0.5)) as moving:
        assert moving.n_frames == trace.frames
        assert moving.size == (640, 360)
        assert moving.info["loop"] == loops
        lasting = []
        for number in range(moving.n_frames):
            moving.seek(number)
            moving.load()
            lasting.append(moving.info["duration"])
            still = Image.open(io.BytesIO(png(drawing(frame(layout(trace), number)), 0.5)))
            here, there = (one.convert("RGB").getpixel((73, 153)) for one in (moving, still))
            assert max(abs(a - b) for a, b in zip(here, there, strict=True)) < 12
    assert lasting == [700] * (trace.frames - 1) + [2000]


def test_a_video_holds_every_frame_for_its_time(trace, trace_on_disk):
    av = pytest.importorskip("av")
    with av.open(str(trace_on_disk("a.mp4", scale=0.2505))) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height) == (322, 180)
        assert stream.pix_fmt == "yuv420p"
        frames = sum(1 for _ in video.decode(stream))
    assert frames == 7 * (trace.frames - 1) + 20


def test_pictures_are_one_frame_or_a_film(trace, trace_on_disk):
    one = trace_on_disk("one.svg", 2, theme="dark").read_text("utf-8")
    assert one.count("@font-face") == 2
    assert re_font(one) == svg(frame(layout(trace), 2), "dark")
    assert re_font(trace_on_disk("all.svg").read_text("utf-8")) == film(trace)
    kept = re_font(trace_on_disk("kept.svg", terms="keep").read_text("utf-8"))
    assert kept == film(trace, terms="keep")
    with Image.open(trace_on_disk("one.png", -1, scale=2)) as still:
        assert still.size == (2560, 1440)


def re_font(drawing):
    start, end = drawing.index("<style>"), drawing.index("</style>")
    return drawing[:start] + drawing[end + len("</style>") :]


def test_data_text_and_page(trace, trace_on_disk):
    assert json.loads(trace_on_disk("a.json").read_text("utf-8")) == trace.to_dict()
    assert trace_on_disk("a.txt").read_text("utf-8").count("step ") == len(trace.steps)
    assert trace_on_disk("a.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_file_is_replaced_only_when_told(trace_on_disk, tmp_path):
    path = trace_on_disk("a.svg", 1)
    before = path.read_bytes()
    with pytest.raises(MediaError, match="exists"):
        trace_on_disk("a.svg", 2)
    assert path.read_bytes() == before
    trace_on_disk("a.svg", 2, force=True)
    assert path.read_bytes() != before
    assert [file.name for file in tmp_path.iterdir()] == ["a.svg"]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("a.bmp", {}, "'a.bmp' does not end in one of .svg, .png, .gif"),
        ("a", {}, "'a' does not end in one of"),
        ("a.gif", {"frame": 1}, "one frame is a picture or a text"),
        ("a.svg", {"frame": 9}, "frame 9 is out of range"),
        ("a.png", {"theme": "grey"}, "theme 'grey'"),
        ("a.png", {"scale": 0}, "scale 0 must be a positive number"),
        ("a.png", {"scale": 1e3}, "larger than 100,000,000 pixels"),
        ("a.webp", {"scale": float("nan")}, "must be a positive number"),
        ("a.mp4", {"scale": 1e6}, "larger than 100,000,000 pixels"),
    ],
)
def test_a_failure_leaves_no_file(trace_on_disk, tmp_path, name, options, said):
    with pytest.raises(ValueError, match=said):
        trace_on_disk(name, **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("suffix", "module", "said"),
    [
        ("png", "resvg_py", "pip install 'tconv.draw.'"),
        ("gif", "pyvips", "pip install 'tconv.cli.'"),
        ("mp4", "av", "pip install 'tconv.video.'"),
    ],
)
def test_a_missing_library_is_named(trace_on_disk, tmp_path, monkeypatch, suffix, module, said):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=said):
        trace_on_disk(f"a.{suffix}", scale=0.25)
    assert list(tmp_path.iterdir()) == []


def test_too_long_an_animation_is_refused(tmp_path):
    from tconv.explanation import explain

    trace = explain((50, 50), 1)
    assert trace.frames > MOST_FRAMES
    with pytest.raises(ValueError, match="2,502 frames of 320×180 pixels are more than"):
        trace.save(tmp_path / "a.gif", scale=0.25)
    assert list(tmp_path.iterdir()) == []
