import struct

import numpy as np
import pytest

from tconv.media import MediaError, open_media

pytestmark = pytest.mark.usefixtures("no_litter")


def npy(header, data=b"", version=1):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(text)) + text + data


def header(descr="'<f4'", shape="(2, 3)"):
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f8", ">i2", "u1", "<f2", "<c8", "?", "<u8"])
def test_round_trip(tmp_path, rng, copy, dtype, order):
    path, out = tmp_path / "a.npy", tmp_path / "out.NPY"
    data = np.asarray(rng.integers(0, 200, (5, 4, 3)).astype(dtype), order=order)
    np.save(path, data)
    with open_media(path) as source:
        assert (source.kind, source.shape, source.channels) == ("array", (5, 4, 3), ())
        assert source.dtype.isnative
        rows = source.read(1, 4)
        assert rows.flags.c_contiguous
        assert rows.dtype == source.dtype
        np.testing.assert_array_equal(rows, data[1:4])
        assert source.read(2, 2).shape == (0, 4, 3)
    copy(path, out, strip=2)
    again = np.load(out)
    assert again.dtype == data.dtype.newbyteorder("=")
    np.testing.assert_array_equal(again, data)


def test_describe(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 64, 64), np.float32))
    with open_media(tmp_path / "a.npy") as source:
        assert source.describe() == "(3, 64, 64) float32"


def test_leading_axes_are_kept(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 2, 2), np.float32))
    with (
        open_media(tmp_path / "a.npy") as source,
        source.sink(tmp_path / "b.npy", (4, 6), dtype="float64") as sink,
    ):
        for plane in range(3):
            sink.write(np.full((1, 4, 6), plane, np.float64))
    again = np.load(tmp_path / "b.npy")
    assert again.shape == (3, 4, 6)
    assert again[2, 3, 5] == 2


@pytest.mark.parametrize("rows", [(1, 3, 4), (1, 2, 3)])
def test_wrong_strips_are_a_programming_error(tmp_path, rows):
    np.save(tmp_path / "a.npy", np.zeros((3, 2, 2)))
    with open_media(tmp_path / "a.npy") as source:
        with (
            pytest.raises(ValueError, match="expected"),
            source.sink(tmp_path / "b.npy", (2, 2)) as sink,
        ):
            sink.write(np.zeros(rows))
        with pytest.raises(ValueError, match="rows -1 to 2 of 3"):
            source.read(-1, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy(header(), bytes(20)), "is truncated: its header says 24 bytes, 20 follow"),
        (npy(header(shape="(999999999999, 99999999)")), "is truncated: its header says 39999"),
        (npy(header(shape="(-1, 3)"), bytes(99)), "broken or unknown"),
        (npy(header(shape="(True, 3)"), bytes(99)), "broken or unknown"),
        (npy(header(shape="(2.5,)"), bytes(99)), "broken or unknown"),
        (npy(header(descr="'|O'"), bytes(99)), "holds object values"),
        (npy(header(descr="'<U5'"), bytes(99)), "holds <U5 values; tconv reads arrays of numbers"),
        (npy(header(descr="[('x', '<f4')]"), bytes(99)), r"holds \[\('x', '<f4'\)\] values"),
        (npy(header(descr="__import__('os')"), bytes(99)), "broken or unknown"),
        (npy("(" * 3000 + ")" * 3000), "broken or unknown"),
        (npy("{" * 20000), "broken or unknown"),
        (npy(header(shape="()"), bytes(4)), "a single number"),
        (npy(header(), bytes(24), version=9), "broken or unknown"),
        (npy(header())[:40], "broken or unknown"),
        (b"\x93NUMPY", "broken or unknown"),
        (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31), "broken or unknown"),
    ],
)
def test_hostile_files(tmp_path, content, message):
    path = tmp_path / "bad.npy"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=rf"bad\.npy.* {message}") as caught:
        open_media(path)
    assert "\n" not in str(caught.value)


def test_pickles_are_never_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}, ()], dtype=object), allow_pickle=True)
    with pytest.raises(MediaError, match="holds object values"):
        open_media(tmp_path / "a.npy")


def test_python_2_header_is_read_in_silence(tmp_path):
    (tmp_path / "a.npy").write_bytes(npy(header(shape="(2L, 3L)"), bytes(24)))
    with open_media(tmp_path / "a.npy") as source:
        assert source.shape == (2, 3)


def test_other_suffix(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(4))
    with (
        open_media(tmp_path / "a.npy") as source,
        pytest.raises(MediaError, match=r"b\.png: an array is written as \.npy"),
    ):
        source.sink(tmp_path / "b.png", (8,))
