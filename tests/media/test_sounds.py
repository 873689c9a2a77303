import struct

import numpy as np
import pytest
import soundfile

from tconv.media import MediaError, default_output, open_media

pytestmark = pytest.mark.usefixtures("no_litter")

CODINGS = [
    ("a.wav", "PCM_U8", "int16", "8 bits"),
    ("a.wav", "PCM_16", "int16", "16 bits"),
    ("a.wav", "PCM_24", "int32", "24 bits"),
    ("a.wav", "PCM_32", "int32", "32 bits"),
    ("a.wav", "FLOAT", "float32", "32 bits floating-point"),
    ("a.wav", "DOUBLE", "float64", "64 bits floating-point"),
    ("a.flac", "PCM_S8", "int16", "8 bits"),
    ("a.flac", "PCM_16", "int16", "16 bits"),
    ("a.flac", "PCM_24", "int32", "24 bits"),
]


def samples(rng, dtype, count=500, channels=2):
    if np.dtype(dtype).kind == "f":
        return (3 * rng.standard_normal((count, channels))).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, (count, channels), dtype, endpoint=True)


@pytest.mark.parametrize(("name", "subtype", "dtype", "words"), CODINGS)
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_round_trip_is_exact(tmp_path, rng, copy, name, subtype, dtype, words, channels):
    path, out = tmp_path / name, tmp_path / f"out-{name}"
    soundfile.write(path, samples(rng, dtype, 441, channels), 44100, subtype)
    stored, _ = soundfile.read(path, dtype=dtype, always_2d=True)
    with open_media(path) as source:
        assert (source.kind, source.shape, source.alpha) == ("sound", (channels, 441), None)
        assert source.dtype == dtype
        assert len(source.channels) == channels
        plural = "s" if channels > 1 else ""
        assert source.describe() == f"{channels} channel{plural}, 44100 Hz, {words}, 0.01 s"
        rows = source.read(100, 300)
        assert rows.flags.c_contiguous
        np.testing.assert_array_equal(rows, stored[100:300].T)
        np.testing.assert_array_equal(source.read(50, 150), stored[50:150].T)
    copy(path, out, strip=97)
    again, rate = soundfile.read(out, dtype=dtype, always_2d=True)
    assert rate == 44100
    assert soundfile.info(out).subtype == subtype
    np.testing.assert_array_equal(again, stored)
    if name.endswith("wav"):
        assert out.read_bytes()[-stored.size :] == path.read_bytes()[-stored.size :]


@pytest.mark.parametrize(("channels", "names"), [(1, "1"), (2, "left right"), (3, "1 2 3")])
def test_channel_names(tmp_path, rng, channels, names):
    soundfile.write(tmp_path / "a.wav", samples(rng, "int16", channels=channels), 8000)
    with open_media(tmp_path / "a.wav") as source:
        assert source.channels == tuple(names.split())


@pytest.mark.parametrize(("name", "subtype", "dtype", "_"), [CODINGS[0], CODINGS[2], CODINGS[8]])
def test_short_samples_are_rounded(tmp_path, copy, name, subtype, dtype, _):
    path, out = tmp_path / name, tmp_path / f"out-{name}"
    soundfile.write(path, np.zeros(7, dtype), 8000, subtype)
    top = np.iinfo(dtype).max
    given = np.array([[-129, -128, -1, 127, 128, top, -top - 1]], dtype)
    with open_media(path) as source, source.sink(out, (7,)) as sink:
        sink.write(given)
    with open_media(out) as source:
        expected = [-256, 0, 0, 0, 256, top - 255, -top - 1]
        assert source.read(0, 7)[0].tolist() == expected


@pytest.mark.parametrize("target", ["out.wav", "out.flac"])
def test_rate_tags_and_length_follow(tmp_path, rng, target):
    path, out = tmp_path / "a.flac", tmp_path / target
    with soundfile.SoundFile(path, "w", 22050, 2, "PCM_16") as file:
        file.title = "Étude"
        file.write(samples(rng, "int16"))
    with open_media(path) as source, source.sink(out, (1500,), scale=(3,)) as sink:
        sink.write(source.read(0, 500).repeat(3, axis=1))
    info = soundfile.SoundFile(out)
    with info:
        assert (info.samplerate, info.frames, info.channels) == (66150, 1500, 2)
        assert info.title == "Étude"
        assert info.subtype == "PCM_16"


def test_eight_bits_change_sign_with_the_format(tmp_path, rng, copy):
    soundfile.write(tmp_path / "a.wav", samples(rng, "int16"), 8000, "PCM_U8")
    copy(tmp_path / "a.wav", tmp_path / "b.flac")
    copy(tmp_path / "b.flac", tmp_path / "c.wav")
    assert soundfile.info(tmp_path / "b.flac").subtype == "PCM_S8"
    first, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    last, _ = soundfile.read(tmp_path / "c.wav", dtype="int16")
    np.testing.assert_array_equal(first, last)


def test_another_dtype(tmp_path, rng):
    soundfile.write(tmp_path / "a.wav", samples(rng, "int16"), 8000)
    data = samples(rng, "float32", 9).T.copy()
    with (
        open_media(tmp_path / "a.wav") as source,
        source.sink(tmp_path / "b.wav", (9,), dtype="float32") as sink,
    ):
        sink.write(data)
    assert soundfile.info(tmp_path / "b.wav").subtype == "FLOAT"
    with open_media(tmp_path / "b.wav") as source:
        np.testing.assert_array_equal(source.read(0, 9), data)


@pytest.mark.parametrize(
    ("target", "subtype", "rate", "channels", "dtype", "message"),
    [
        (
            "b.flac",
            "PCM_16",
            96000,
            2,
            None,
            r"cannot hold 672000 Hz, only up to 655350; use \.wav",
        ),
        (
            "b.flac",
            "FLOAT",
            8000,
            2,
            None,
            r"cannot hold samples of 32 bits floating-.*; use \.wav",
        ),
        ("b.flac", "PCM_32", 8000, 2, None, r"cannot hold samples of 32 bits; use \.wav"),
        ("b.flac", "PCM_16", 8000, 9, None, r"cannot hold 9 channels, only up to 8; use \.wav"),
        ("b.mp3", "PCM_16", 8000, 2, None, r"b\.mp3: a sound is written as \.wav or \.flac"),
        ("b.wav", "PCM_16", 2**30, 2, None, "more than a sound file can hold"),
        ("b.wav", "PCM_16", 8000, 2, "uint8", "a sound cannot hold uint8 samples"),
    ],
)
def test_refused_outputs(tmp_path, rng, target, subtype, rate, channels, dtype, message):
    soundfile.write(tmp_path / "a.wav", samples(rng, "int16", 9, channels), rate, subtype)
    with open_media(tmp_path / "a.wav") as source, pytest.raises(MediaError, match=message):
        source.sink(tmp_path / target, (63,), scale=(7,), dtype=dtype)
    assert not (tmp_path / target).exists()


def test_more_than_four_gigabytes_become_rf64(tmp_path, rng):
    soundfile.write(tmp_path / "a.wav", samples(rng, "int16", 9), 8000)

    def begin():
        with (
            open_media(tmp_path / "a.wav") as source,
            source.sink(tmp_path / "b.wav", (2**30,)) as sink,
        ):
            sink.write(source.read(0, 9))
            (file,) = tmp_path.glob(".b.wav.*.tmp")
            assert file.read_bytes()[:4] == b"RF64"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin()


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
@pytest.mark.parametrize("cut", [1, 700, 1900])
def test_truncated(tmp_path, rng, capfd, name, cut):
    path = tmp_path / name
    soundfile.write(path, samples(rng, "int16"), 8000)
    path.write_bytes(path.read_bytes()[:-cut])
    with (
        pytest.raises(MediaError, match=r"a\.\w+ is (broken, )?truncated"),
        open_media(path) as source,
    ):
        source.read(0, 500)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("form", ["RF64", "WAVEX", "RIFX"])
def test_other_kinds_of_wav(tmp_path, rng, copy, form):
    path = tmp_path / "a.wav"
    data = samples(rng, "int16")
    options = {"format": "WAV", "endian": "BIG"} if form == "RIFX" else {"format": form}
    soundfile.write(path, data, 8000, "PCM_16", **options)
    copy(path, tmp_path / "b.wav")
    again, _ = soundfile.read(tmp_path / "b.wav", dtype="int16")
    np.testing.assert_array_equal(again, data)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(MediaError, match="is truncated: its header says 2000 bytes of sound, 1990"):
        open_media(path)


def test_wav_of_unstated_length_is_read(tmp_path, rng):
    path = tmp_path / "a.wav"
    data = samples(rng, "int16")
    soundfile.write(path, data, 8000)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff" * 4
    path.write_bytes(content)
    with open_media(path) as source:
        np.testing.assert_array_equal(source.read(0, 500), data.T)


def test_flac_of_unstated_length(tmp_path, rng):
    path = tmp_path / "a.flac"
    soundfile.write(path, samples(rng, "int16"), 8000)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.flac does not say how long it is"):
        open_media(path)


def test_flac_broken_in_the_middle(tmp_path, rng):
    path = tmp_path / "a.flac"
    soundfile.write(path, samples(rng, "int16", 50000), 8000)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(300)
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.flac is broken"), open_media(path) as source:
        source.read(0, 50000)


def test_refused_inputs(tmp_path, rng):
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros((0, 1), np.int16), 8000)
    with pytest.raises(MediaError, match=r"a\.wav holds no samples"):
        open_media(path)
    soundfile.write(path, samples(rng, "int16"), 8000, "ULAW")
    with pytest.raises(MediaError, match=r"a\.wav has samples coded as U-Law; tconv reads PCM"):
        open_media(path)
    path.write_bytes(b"RIFF" + struct.pack("<I", 4) + b"WAVE")
    with pytest.raises(MediaError, match=r"a\.wav is broken"):
        open_media(path)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("d/a.wav", "sound", "d/a-x2.wav"),
        ("a.FLAC", "sound", "a-x2.FLAC"),
        ("a.wave", "sound", "a-x2.wav"),
        ("d/a.b.jpg", "picture", "d/a.b-x2.png"),
        ("a.npy", "array", "a-x2.npy"),
    ],
)
def test_default_output(tmp_path, name, kind, expected):
    assert default_output(tmp_path / name, kind, "x2") == tmp_path / expected
