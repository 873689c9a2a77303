"""What is taken along: the drawing, the picture, the animation and the page itself."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageSequence

import tconv
from tconv.explanation.drawing import frame, layout, svg

LAYER = "view=scatter&i=2x2&k=3x2&s=2&p=1x0&x=1,2;3,4&w=1,2;3,4;5,-6"
TRACE = tconv.explain(
    (2, 2), (3, 2), 2, (1, 0), x=[[1, 2], [3, 4]], weight=[[1, 2], [3, 4], [5, -6]]
)


def saved(page, kind):
    page.click("#save summary")
    with page.expect_download(timeout=60_000) as download:
        page.click(f"[data-save={kind}]")
    assert page.locator("#message").is_hidden()
    assert download.value.suggested_filename == f"tconv-scatter-i2x2-k3x2-s2x2.{kind}"
    return download.value.path()


def picture(page, kind):
    return Image.open(io.BytesIO(saved(page, kind).read_bytes()))


def pixels(image):
    return np.asarray(image.convert("RGB"), float)


@pytest.mark.parametrize(("number", "scheme"), [(0, "light"), (3, "dark"), (5, "light")])
def test_the_drawing_is_the_one_that_python_makes(opened, number, scheme):
    page = opened(f"{LAYER}&frame={number}", color_scheme=scheme)
    assert saved(page, "svg").read_text("utf-8") == svg(frame(layout(TRACE), number), scheme)


def test_the_picture_is_the_drawing(opened):
    page = opened(f"{LAYER}&frame=3")
    image = picture(page, "png")
    assert image.size == (2560, 1440)
    other = picture(opened(f"{LAYER}&frame=5"), "png")
    assert np.abs(pixels(image) - pixels(other)).max() > 50


def test_the_animation_has_every_frame_and_ends_in_the_result(opened):
    page = opened(f"{LAYER}&frame=1")
    movie = picture(page, "gif")
    assert movie.n_frames == TRACE.frames
    frames = [pixels(part) for part in ImageSequence.Iterator(movie)]
    durations = [part.info["duration"] for part in ImageSequence.Iterator(movie)]
    assert durations == [1000] * (TRACE.frames - 1) + [3000]
    assert movie.info["loop"] == 0
    result = picture(opened(f"{LAYER}&frame=5"), "png")
    small = pixels(result.resize(movie.size, Image.Resampling.BOX))
    assert np.abs(frames[-1] - small).mean() < 1.5
    assert np.abs(frames[0] - small).mean() > np.abs(frames[-1] - small).mean() + 1
    assert all((one != two).any() for one, two in pairwise(frames))


def test_the_encoder_keeps_every_pixel(opened):
    """Against Pillow: noise, so that codes grow to their longest and start again."""
    page = opened()
    width, height = 97, 83
    data = page.evaluate(
        """async ([width, height]) => {
            const {encodeGif} = await import('tconv/gif.js');
            let seed = 7;
            const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) >> 16;
            const frames = [0, 1, 2].map((n) => {
                const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
                for (let at = 0; at < rgba.length; at += 4) {
                    const grey = n === 1 ? (at % 8 ? 0 : 17) : next() % 200;
                    rgba.set([grey, 255 - grey, grey >> 1], at);
                }
                return {rgba, delay: 120};
            });
            return [[...encodeGif(width, height, [...frames, frames[2]])],
                frames.map(({rgba}) => [...rgba])];
        }""",
        [width, height],
    )
    movie = Image.open(io.BytesIO(bytes(data[0])))
    assert movie.n_frames in (3, 4)  # Pillow may join frames that are alike
    for part, rgba in zip(ImageSequence.Iterator(movie), data[1], strict=False):
        assert (pixels(part) == np.reshape(rgba, (height, width, 4))[..., :3]).all()


def test_the_page_itself_opens_from_the_disk_as_it_was(opened, tmp_path):
    page = opened(f"{LAYER}&frame=3&beside=gather")
    file = tmp_path / "explorer.html"
    file.write_bytes(saved(page, "html").read_bytes())
    again = opened(at=file.as_uri())
    assert again.inner_text(".count") == "3 of 4"
    assert again.inner_html("#picture-1 svg") == page.inner_html("#picture-1 svg")
    again.fill("input[name=inputSize0]", "3")
    assert again.locator("#message").is_hidden()
    with again.expect_download() as download:
        again.click("#save summary")
        again.click("[data-save=html]")
    once_more = download.value.path().read_text("utf-8")
    assert once_more.startswith("<!doctype html>")
    assert once_more.count('id="start"') == 1
