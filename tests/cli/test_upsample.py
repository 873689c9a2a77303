from pathlib import Path

import numpy as np
import pytest
import pyvips
import soundfile
from PIL import Image, ImageCms

import tconv
from tconv.cli import app
from tconv.interpolation.upsampling import Upsampler

MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def photo(path: Path, mode: str = "RGB", size: tuple[int, int] = (13, 9)) -> np.ndarray:
    """Save an asymmetric picture and return its pixels, (H, W, C)."""
    width, height = size
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, MODES[mode]), np.uint8)
    if mode.endswith("A"):
        pixels[..., -1] = np.maximum(pixels[..., -1], 1)
    Image.fromarray(pixels[..., 0] if mode == "L" else pixels, mode=None).save(path)
    return pixels


def opened(path: Path | str) -> Image.Image:
    """Read a picture whole and close its file."""
    with Image.open(path) as picture:
        picture.load()
        return picture


def loaded(path: Path) -> np.ndarray:
    pixels = np.asarray(opened(path))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def test_the_main_job_on_the_embedded_photograph(tconv_says, here) -> None:
    said = tconv_says("upsample", "--check")
    assert "451×300 RGB, 8 bits" in said
    assert "(300-1)·2 + 4 - 1 - 1 = 600" in said
    assert "even: 4 taps in every phase" in said
    assert "scatter, matrix, stretch, gradient, subpixel" in said.replace("│\n│         ", "")
    output = opened(here / "chelsea-x2.png")
    assert (output.mode, output.size) == ("RGB", (902, 600))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [2, 3])
def test_nearest_repeats_every_pixel_in_every_mode(mode, scale, tconv_says, here) -> None:
    pixels = photo(here / "photo.png", mode)
    tconv_says("upsample", "photo.png", "--kernel", "nearest", "--scale", scale)
    output = opened(here / f"photo-x{scale}.png")
    assert output.mode == mode
    expected = pixels.repeat(scale, axis=0).repeat(scale, axis=1)
    np.testing.assert_array_equal(loaded(here / f"photo-x{scale}.png"), expected)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic", "lanczos3"])
def test_pixels_are_pillows_rounded_once(kernel, tconv_says, here) -> None:
    pixels = photo(here / "photo.png", "RGB", (40, 30))
    tconv_says("upsample", "photo.png", "--kernel", kernel)
    filters = {"bilinear": 2, "bicubic": 3, "lanczos3": 1}
    bands = [
        Image.fromarray(band.astype(np.float32)).resize((80, 60), filters[kernel])
        for band in pixels.transpose(2, 0, 1)
    ]
    expected = np.clip(np.stack(bands, axis=-1), 0, 255)
    np.testing.assert_allclose(loaded(here / "photo-x2.png"), expected, rtol=0, atol=0.5001)


def test_sixteen_bit_colour_is_kept(tconv_says, here) -> None:
    pixels = np.random.default_rng(5).integers(0, 65536, (6, 7, 3), np.uint16)
    picture = pyvips.Image.new_from_array(pixels).copy(interpretation="rgb16")
    picture.pngsave("deep.png")
    tconv_says("upsample", "deep.png", "-o", "large.png")
    output = pyvips.Image.pngload("large.png")
    assert output.format == "ushort"
    expected = tconv.upsample(pixels, 2, axes=(0, 1))
    np.testing.assert_allclose(output.numpy(), expected, rtol=0, atol=0.51)


def test_profile_and_orientation_are_kept(tconv_says, here) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = Image.fromarray(np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3))
    picture.save("turned.png", icc_profile=profile, exif=exif)
    tconv_says("upsample", "turned.png", "--kernel", "nearest")
    output = opened("turned-x2.png")
    assert output.info["icc_profile"] == profile
    upright = picture.transpose(Image.Transpose.ROTATE_270)
    assert output.getexif().get(0x0112, 1) == 1
    np.testing.assert_array_equal(
        np.asarray(output), np.asarray(upright).repeat(2, axis=0).repeat(2, axis=1)
    )


def test_colour_under_transparent_pixels_does_not_bleed(tconv_says, here) -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[:, :2] = (0, 0, 255, 0)
    pixels[:, 2:] = (200, 0, 0, 255)
    Image.fromarray(pixels).save("alpha.png")
    tconv_says("upsample", "alpha.png")
    output = loaded(here / "alpha-x2.png")
    assert set(output[output[..., 3] > 0][:, 0]) == {200}
    assert set(output[output[..., 3] > 0][:, 2]) == {0}


def test_linear_light_mixes_brighter_than_stored_values(tconv_says, here) -> None:
    Image.fromarray(np.array([[0, 255]], np.uint8)).save("edge.png")
    tconv_says("upsample", "edge.png", "--scale", "1x2", "-o", "stored.png")
    tconv_says("upsample", "edge.png", "--scale", "1x2", "--gamma", "linear", "-o", "light.png")
    np.testing.assert_array_equal(loaded(here / "stored.png").ravel(), [0, 64, 191, 255])
    np.testing.assert_array_equal(loaded(here / "light.png").ravel(), [0, 137, 225, 255])


@pytest.mark.parametrize("rows", [1, 3, 7, 1000])
def test_tiles_give_the_same_picture(rows, tconv_says, here) -> None:
    photo(here / "photo.png", "RGBA", (31, 29))
    tconv_says("upsample", "photo.png", "--kernel", "lanczos3", "--scale", "3x2", "-o", "a.png")
    tconv_says(
        "upsample", "photo.png", "--kernel", "lanczos3", "--scale", "3x2", "--tile", rows, "-o",
        "b.png",
    )  # fmt: skip
    difference = loaded(here / "a.png").astype(int) - loaded(here / "b.png")
    assert abs(difference).max() <= 1
    assert (difference != 0).mean() < 1e-3


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_sound_doubles_its_rate(suffix, tconv_says, here) -> None:
    samples = np.random.default_rng(1).integers(-(2**15), 2**15, (50, 2)).astype(np.int16)
    soundfile.write(f"sound{suffix}", samples, 8000, subtype="PCM_16")
    said = tconv_says("upsample", f"sound{suffix}", "--kernel", "nearest")
    assert "100 samples" in said
    output, rate = soundfile.read(f"sound-x2{suffix}", dtype="int16")
    assert rate == 16000
    np.testing.assert_array_equal(output, samples.repeat(2, axis=0))
    assert soundfile.info(f"sound-x2{suffix}").subtype == "PCM_16"


def test_arrays_and_layouts(tconv_says, here) -> None:
    x = np.random.default_rng(2).standard_normal((2, 5, 4, 3)).astype(np.float32)
    np.save("x.npy", x)
    tconv_says("upsample", "x.npy", "--layout", "NHWC", "--scale", "2x3", "--kernel", "bicubic")
    expected = tconv.upsample(x, (2, 3), "bicubic", axes=(1, 2))
    output = np.load("x-x2x3.npy")
    assert output.dtype == np.float32
    np.testing.assert_allclose(output, expected, rtol=1e-6, atol=1e-6)
    np.save("v.npy", np.array([1, 3], np.int16))
    tconv_says("upsample", "v.npy", "-o", "w.npy")
    np.testing.assert_array_equal(np.load("w.npy"), np.array([1, 2, 3, 3], np.int16))


def test_weights_from_a_file_apply_as_the_layer_they_are(tconv_says, here) -> None:
    random = np.random.default_rng(4)
    x, weight = random.standard_normal((2, 4, 6, 5)), random.standard_normal((4, 3, 3, 2))
    bias = random.standard_normal(6)
    np.save("x.npy", x)
    np.savez("layer.npz", weight=weight, bias=bias)
    tconv_says(
        "upsample", "x.npy", "--kernel", "layer.npz", "--stride", "2x3", "--padding", "1:0x1",
        "--output-padding", "1x0", "--dilation", "2x1", "--groups", 2, "-o", "y.npy", "--check",
    )  # fmt: skip
    expected = tconv.conv_transpose(
        x, weight, bias, (2, 3), [(1, 0), (1, 1)], (1, 0), groups=2, dilation=(2, 1)
    )
    np.testing.assert_allclose(np.load("y.npy"), expected, rtol=1e-12)


@pytest.mark.parametrize("tile", [1, 4, 100])
def test_one_kernel_serves_every_channel_of_a_picture(tile, tconv_says, here) -> None:
    pixels = photo(here / "photo.png", "RGB")
    kernel = np.array([[0.1, 0.5, 0.1], [0.3, 0.4, 0.2], [0.0, 0.25, 0.15]])
    np.save("k.npy", kernel)
    tconv_says("upsample", "photo.png", "--kernel", "k.npy", "-o", "y.png", "--tile", tile)
    x = pixels.transpose(2, 0, 1)[:, None].astype(float)
    y = tconv.conv_transpose(x, kernel[None, None], stride=2)[:, 0].transpose(1, 2, 0)
    np.testing.assert_allclose(loaded(here / "y.png"), np.clip(y, 0, 255), rtol=0, atol=0.51)


def test_an_existing_output_is_kept_without_force(tconv_says, tconv_refuses, here) -> None:
    photo(here / "photo.png")
    tconv_says("upsample", "photo.png")
    assert "photo-x2.png exists; use --force" in tconv_refuses("upsample", "photo.png")
    tconv_says("upsample", "photo.png", "--kernel", "nearest", "--force")


def test_an_interrupt_leaves_the_old_file_and_no_other(here, monkeypatch, capsys) -> None:
    photo(here / "photo.png")
    (here / "photo-x2.png").write_bytes(b"precious")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tconv.cli.light.Light.encode", interrupted)
    assert app.run(["upsample", "photo.png", "--force"]) == 130
    assert capsys.readouterr().err == "tconv: interrupted; nothing was written\n"
    assert (here / "photo-x2.png").read_bytes() == b"precious"
    assert {path.name for path in here.iterdir()} == {"photo.png", "photo-x2.png"}


def test_a_disagreement_is_told_and_exits_with_one(here, monkeypatch, capsys) -> None:
    photo(here / "photo.png")
    wrong = dict(tconv.METHODS)
    wrong["gradient"] = lambda *operands: tconv.METHODS["gradient"](*operands) + 1
    monkeypatch.setattr("tconv.functional.METHODS", wrong)
    assert app.run(["upsample", "photo.png", "--check"]) == 1
    assert "DISAGREE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scale", "1,5"], "--scale '1,5' is not a number; write 2, 1.5 or 3/2"),
        (["--scale", "3/0"], "--scale '3/0' is not a number"),
        (["--scale", "0"], "--scale must be above 0, got 0"),
        (["--scale", "2x2x2"], "scale must be one number or 2 of them"),
        (["--scale", "1/1000"], "scale 1/1000 leaves nothing of 9 cells"),
        (["--size", "0x3"], "size must be at least 1, got 0"),
        (["--size", "26"], "--size of a picture is width x height, such as 1920x1080, not 26"),
        (["--size", "26x9x3"], "--size of a picture is width x height"),
        (["--size", "wide"], "--size: 'wide' is not an integer"),
        (["--size", "99999999x99999999"], "no space left on"),
        (["--align", "center"], "'--align'"),
        (["--rate", "48000"], "--rate is for sounds; photo.png is of kind picture"),
        (["--rate", "0"], "'--rate'"),
        (["--rate", "48000", "--scale", "2"], "give --scale or --rate, not both"),
        (["--scale", "100000"], "no space left on"),
        (["--kernel", "cubic"], "kernel 'cubic' is not one of nearest, bilinear"),
        (["--kernel", "absent.npy"], "absent.npy"),
        (["--kernel", "photo.npz"], "photo.npz"),
        (["--stride", "2"], "are for weights from a file; a named kernel sets its own"),
        (["--groups", "1"], "are for weights from a file"),
        (["--kernel-size", "3"], "kernel_size is for uniform and gaussian"),
        (["--edges", "wrap"], "'wrap'"),
        (["--gamma", "2.2"], "'2.2'"),
        (["--method", "magic"], "method 'magic' is not one of 'auto'"),
        (["--tile", "0"], "'--tile'"),
        (["--layout", "HW"], "--layout is for .npy arrays"),
        (["-o", "out.gif"], ".png"),
        (["-o", "absent/out.png"], "absent"),
        (["-o", "."], "."),
        (["--max-pixels", "100"], "117"),
        (["--nope"], "--nope"),
        (["more.png"], "more.png"),
    ],
)
def test_wrong_options(arguments, message, tconv_refuses, here) -> None:
    photo(here / "photo.png")
    assert message in tconv_refuses("upsample", "photo.png", *arguments)


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("absent.png", lambda path: None, "absent.png"),
        ("folder.png", lambda path: path.mkdir(), "folder"),
        ("empty.png", lambda path: path.write_bytes(b""), "empty"),
        ("text.png", lambda path: path.write_text("hello"), "text.png"),
        ("/dev/zero", lambda path: None, "/dev/zero"),
    ],
)
def test_unreadable_input(name, make, message, tconv_refuses, here) -> None:
    make(here / name)
    assert message in tconv_refuses("upsample", name)


def test_a_truncated_picture(tconv_refuses, here) -> None:
    photo(here / "photo.png", size=(200, 200))
    whole = (here / "photo.png").read_bytes()
    (here / "photo.png").write_bytes(whole[: len(whole) // 2])
    assert "photo.png" in tconv_refuses("upsample", "photo.png")


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((3, 4, 5), [], "say which axes to enlarge with --layout, such as CHW"),
        ((3, 4, 5), ["--layout", "HW"], "must name each of 3 axes by a letter of its own"),
        ((3, 4), ["--layout", "NC"], "leaves no axis to enlarge"),
        ((3, 4), ["--gamma", "linear"], "--gamma is for pictures"),
        ((3, 4), ["--scale", "1048576x2", "--kernel", "uniform"], "larger than 1048576"),
        ((3, 4), ["--scale", "500000x500000"], "GiB"),
    ],
)
def test_wrong_arrays(shape, arguments, message, tconv_refuses) -> None:
    np.save("x.npy", np.zeros(shape))
    assert message in tconv_refuses("upsample", "x.npy", *arguments)


def test_weights_that_do_not_fit(tconv_refuses, here) -> None:
    photo(here / "photo.png")
    np.save("w.npy", np.ones((3, 5, 2, 2)))
    assert "the weights give 5 channels" in tconv_refuses(
        "upsample", "photo.png", "--kernel", "w.npy"
    )
    np.save("v.npy", np.ones((4, 3, 2, 2)))
    assert "weight has 4 input channels but x has 3" in tconv_refuses(
        "upsample", "photo.png", "--kernel", "v.npy"
    )
    np.save("u.npy", np.ones(3))
    assert "u.npy has 1 axes; 2 spatial axes need 2" in tconv_refuses(
        "upsample", "photo.png", "--kernel", "u.npy"
    )
    np.savez("several.npz", first=np.ones(3), second=np.ones(3))
    assert "must hold 'weight'" in tconv_refuses("upsample", "photo.png", "--kernel", "several.npz")


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.array([[1.0, np.nan]]), "holds NaN or infinity"),
        (np.array([[1.0, np.inf]]), "holds NaN or infinity"),
        (np.array([[1j, 1]]), "holds complex128 values"),
        (np.array([[True, False]]), "holds bool values"),
    ],
)
def test_weights_must_be_finite_real_numbers(weight, message, tconv_refuses, here) -> None:
    photo(here / "photo.png")
    np.save("w.npy", weight)
    np.savez("w.npz", weight=np.ones((2, 2)), bias=weight)
    for name in ("w.npy", "w.npz"):
        assert message in tconv_refuses("upsample", "photo.png", "--kernel", name)


def test_a_photograph_to_a_screen(tconv_says, here) -> None:
    said = tconv_says("upsample", "--size", "1920x1080", "--check")
    assert "chelsea-1920x1080.png: 1920×1080" in said
    assert "p/q = 18/5, phases of 2 taps: bilinear" in said
    assert "p/q = 1920/451, phases of 2 taps: bilinear" in said
    assert "451·1920/451 = 1920" in said
    assert "subpixel agree" in " ".join(said.replace("│", " ").split())
    assert opened(here / "chelsea-1920x1080.png").size == (1920, 1080)


@pytest.mark.parametrize(
    ("arguments", "name", "size", "words"),
    [
        (["--scale", "3/2"], "photo-x3-2.png", (19, 13), {"scale": "3/2"}),
        (["--scale", "1.5"], "photo-x1.5.png", (19, 13), {"scale": 1.5}),
        (["--scale", "1x2"], "photo-x1x2.png", (26, 9), {"scale": (1, 2)}),
        (["--scale", "5/4x1/2"], "photo-x5-4x1-2.png", (6, 11), {"scale": ("5/4", "1/2")}),
        (["--size", "26x9"], "photo-26x9.png", (26, 9), {"size": (9, 26)}),
        (["--size", "5x40"], "photo-5x40.png", (5, 40), {"size": (40, 5)}),
        (
            ["--size", "21x20", "--align", "corners", "--edges", "replicate"],
            "photo-21x20.png", (21, 20),
            {"size": (20, 21), "align": "corners", "edges": "replicate"},
        ),
        (
            ["--size", "6x4", "--no-antialias"],
            "photo-6x4.png", (6, 4), {"size": (4, 6), "antialias": False},
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("tile", [1, 5, 1000])
def test_any_size_and_ratio(arguments, name, size, words, tile, tconv_says, here) -> None:
    pixels = photo(here / "photo.png")
    tconv_says("upsample", "photo.png", "--kernel", "bicubic", "--tile", tile, *arguments)
    output = loaded(here / name)
    assert output.shape == (*size[::-1], 3)
    expected = np.clip(tconv.upsample(pixels, kernel="bicubic", axes=(0, 1), **words), 0, 255)
    np.testing.assert_allclose(output, expected, rtol=0, atol=0.5001)


@pytest.mark.parametrize(
    ("before", "after", "arguments"),
    [
        (44100, 48000, ["--rate", "48000"]),
        (44100, 48000, ["--scale", "160/147"]),
        (48000, 44100, ["--rate", "44100"]),
        (8000, 12000, ["--scale", "3/2"]),
        (8000, 11025, ["--rate", "11025", "--tile", "700"]),
    ],
)
def test_a_tone_keeps_its_pitch_at_another_rate(before, after, arguments, tconv_says, here) -> None:
    def tone(rate: int) -> np.ndarray:
        return 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate // 4) / rate + 1)

    soundfile.write("tone.wav", np.stack([tone(before), -tone(before)], 1), before, "PCM_24")
    said = tconv_says("upsample", "tone.wav", "-o", "there.wav", *arguments)
    assert f"{after} Hz" in said
    output, rate = soundfile.read("there.wav")
    assert rate == after
    inner = slice(200, after // 4 - 200)
    np.testing.assert_allclose(output[inner, 0], tone(after)[inner], rtol=0, atol=3e-7)
    np.testing.assert_allclose(output[inner, 1], -tone(after)[inner], rtol=0, atol=3e-7)


def test_rates_that_no_file_holds(tconv_refuses) -> None:
    soundfile.write("tone.wav", np.zeros(300), 8000)
    for arguments in (["--scale", "1.12345"], ["--size", "31"]):
        said = tconv_refuses("upsample", "tone.wav", *arguments)
        assert "a sound file holds whole rates, which --rate names" in said
    assert "more than a sound file can hold" in tconv_refuses(
        "upsample", "tone.wav", "--rate", "4000000000"
    )


def test_axes_of_an_array_that_stay(tconv_says, here) -> None:
    x = np.random.default_rng(2).standard_normal((5, 4, 3))
    np.save("x.npy", x)
    tconv_says("upsample", "x.npy", "--layout", "DHW", "--size", "5x6x3", "-o", "y.npy")
    np.testing.assert_allclose(np.load("y.npy"), tconv.upsample(x, size=(5, 6, 3)), rtol=1e-12)
    assert "not made" in tconv_says(
        "upsample", "x.npy", "--layout", "DHW", "--scale", "99999/99998", "-o", "z.npy", "--check"
    )


def test_weights_are_asked_for_whole_strides_alone(tconv_refuses, here) -> None:
    photo(here / "photo.png")
    np.save("w.npy", np.ones((2, 2)))
    weights = ("upsample", "photo.png", "--kernel", "w.npy")
    assert "'3/2' is not an integer" in tconv_refuses(*weights, "--scale", "3/2")
    assert "are for named kernels, not for weights" in tconv_refuses(*weights, "--size", "26x18")


def test_what_the_disc_cannot_hold_is_refused_before_anything_is_computed(
    tconv_refuses, here, monkeypatch
) -> None:
    photo(here / "photo.png")
    monkeypatch.setattr(Upsampler, "rows", None)
    said = tconv_refuses("upsample", "photo.png", "--size", "99999999x99999999")
    assert "no space left on" in said
