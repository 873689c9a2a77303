"""What goes wrong around a file, whatever it holds."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

import tconv.media
from tconv.media import MediaError, open_media
from tconv.media.atomic import Replacement

pytestmark = pytest.mark.usefixtures("no_litter")

root = not hasattr(os, "geteuid") or os.geteuid() == 0
NAMES = ["a.png", "a.jpg", "a.tif", "a.webp", "a.wav", "a.flac", "a.npy"]


@pytest.fixture
def make(tmp_path, rng):
    def make(name: str, side: int = 40) -> Path:
        path = tmp_path / name
        if path.suffix == ".npy":
            np.save(path, rng.random((side, side)))
        elif path.suffix in {".wav", ".flac"}:
            data = rng.integers(-(2**15), 2**15, (side * side, 2), dtype=np.int16)
            soundfile.write(path, data, 8000)
        else:
            pixels = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path, lossless=True, quality=100)
        return path

    return make


def test_import_loads_no_library():
    code = "import sys, tconv.media; print({'pyvips', 'soundfile'} & set(sys.modules))"
    env = {**os.environ, "PYTHONPATH": str(Path(tconv.media.__file__).parents[2])}
    run = [sys.executable, "-c", code]
    assert subprocess.run(run, env=env, capture_output=True, text=True).stdout == "set()\n"


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: None, "does not exist"),
        (Path.mkdir, "is a folder"),
        (Path.touch, "is empty"),
        (lambda path: path.write_text("Hello, this is text."), "is not a PNG, JPEG, TIFF or WebP"),
        (lambda path: path.write_bytes(b"RIFF"), "is not a PNG"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a regular file"),
        (lambda path: path.symlink_to(path), "symbolic links"),
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".wav", ".npy"])
def test_inputs_that_are_no_file(tmp_path, prepare, message, suffix):
    path = tmp_path / f"a{suffix}"
    prepare(path)
    with pytest.raises(MediaError, match=rf"a\{suffix}.* {message}"):
        open_media(path)


@pytest.mark.skipif(root, reason="root reads everything")
def test_unreadable(make):
    path = make("a.png")
    path.chmod(0)
    with pytest.raises(MediaError, match=r"cannot read .*a\.png: "):
        open_media(path)


def test_content_decides_and_not_the_name(make, copy, tmp_path):
    path = make("a.png").rename(tmp_path / "a.wav")
    with open_media(path) as source:
        assert source.kind == "picture"


@pytest.mark.parametrize("name", ["été 猫[n=1].wav", "-a.flac", "%d {x}.npy"])
def test_odd_names(make, copy, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = make(name)
    copy(Path(name), Path(f"-{name}"))
    with open_media(path) as before, open_media(tmp_path / f"-{name}") as after:
        np.testing.assert_array_equal(after.read(0, 40), before.read(0, 40))


def test_message_is_one_line_whatever_the_name(tmp_path):
    with pytest.raises(MediaError, match=r"a\\nb\\x1b\[31m\.png does not exist"):
        open_media(tmp_path / "a\nb\x1b[31m.png")


@pytest.mark.parametrize("name", NAMES)
class TestOutputs:
    def test_existing_file_needs_force(self, make, copy, tmp_path, name):
        path = make(name)
        out = tmp_path / f"out-{name}"
        out.write_text("precious")
        with pytest.raises(MediaError, match=rf"out-{name} exists; use --force"):
            copy(path, out)
        assert out.read_text() == "precious"
        out.chmod(0o600)
        copy(path, out, force=True)
        open_media(out).close()
        assert out.stat().st_mode & 0o777 == 0o600

    def test_input_may_be_its_own_output(self, make, copy, name):
        path = make(name)
        with open_media(path) as source:
            rows = source.shape[source.axis]
            before = source.read(0, rows)
        copy(path, path, force=True)
        with open_media(path) as source:
            slack = 60 if name == "a.jpg" else 0
            assert np.abs(source.read(0, rows) - before.astype(float)).max() <= slack

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
    def test_interruption_leaves_the_old_file(self, make, tmp_path, name, error):
        path = make(name)
        out = tmp_path / f"out-{name}"
        out.write_text("precious")

        def work():
            with open_media(path) as source:
                shape = source.shape[1:] if source.channels else source.shape
                with source.sink(out, shape, force=True) as sink:
                    sink.write(source.read(0, 9))
                    assert list(tmp_path.glob(".out-*.tmp"))
                    raise error

        with pytest.raises(error):
            work()
        assert out.read_text() == "precious"
        assert sorted(tmp_path.iterdir()) == sorted([path, out])

    def test_interruption_at_the_very_end(self, make, copy, tmp_path, name, monkeypatch):
        def interrupt(self, temporary):
            raise KeyboardInterrupt

        monkeypatch.setattr(Replacement, "commit", interrupt)
        with pytest.raises(KeyboardInterrupt):
            copy(make(name), tmp_path / f"out-{name}")
        assert not (tmp_path / f"out-{name}").exists()

    def test_unfinished_output_is_a_programming_error(self, make, tmp_path, name):
        out = tmp_path / f"out-{name}"
        with (
            open_media(make(name)) as source,
            pytest.raises(ValueError, match="0 rows of"),
            source.sink(out, source.shape[1:] if source.channels else source.shape),
        ):
            pass
        assert not out.exists()

    def test_places_that_cannot_be_written(self, make, copy, tmp_path, name):
        path = make(name)
        suffix = path.suffix
        (tmp_path / f"folder{suffix}").mkdir()
        os.mkfifo(tmp_path / f"fifo{suffix}")
        (tmp_path / f"loop{suffix}").symlink_to(tmp_path / f"loop{suffix}")
        (tmp_path / "file").touch()
        for out, message in {
            f"folder{suffix}": "it is a folder",
            f"fifo{suffix}": "it is not a regular file",
            f"none/out{suffix}": r"there is no folder .*none",
            f"file/out{suffix}": "cannot write .*file/out",
            f"loop{suffix}": "cannot write .*loop",
            f"{'x' * 300}{suffix}": "cannot write .*xxx",
        }.items():
            with pytest.raises(MediaError, match=message):
                copy(path, tmp_path / out, force=True)

    @pytest.mark.skipif(root, reason="root writes everywhere")
    def test_read_only_folder_and_file(self, make, copy, tmp_path, name):
        path = make(name)
        out = tmp_path / f"out-{name}"
        out.touch(0o400)
        with pytest.raises(MediaError, match="it is read-only"):
            copy(path, out, force=True)
        out.unlink()
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(MediaError, match=r"the folder .* is read-only"):
                copy(path, out)
        finally:
            tmp_path.chmod(0o700)

    def test_output_that_appears_meanwhile_is_spared(self, make, tmp_path, name):
        path = make(name)
        out = tmp_path / f"out-{name}"

        def work():
            with open_media(path) as source:
                shape = source.shape[1:] if source.channels else source.shape
                with source.sink(out, shape) as sink:
                    sink.write(source.read(0, source.shape[source.axis]))
                    out.write_text("precious")

        with pytest.raises(MediaError, match="exists"):
            work()
        assert out.read_text() == "precious"

    def test_link_keeps_its_place(self, make, copy, tmp_path, name):
        path = make(name)
        real = tmp_path / f"real-{name}"
        link = tmp_path / f"link-{name}"
        link.symlink_to(real)
        copy(path, link)
        assert link.is_symlink()
        open_media(real).close()

    def test_full_disc(self, make, copy, tmp_path, name):
        side = 400
        path = make(name, side)
        disc = tmp_path / "disc"
        disc.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disc)]
        try:
            mounted = subprocess.run(mount, capture_output=True).returncode == 0
        except FileNotFoundError:
            mounted = False
        if not mounted:
            pytest.skip("a small disc cannot be mounted")
        try:
            with pytest.raises(MediaError, match=rf"{name}: no space left on .*disc"):
                copy(path, disc / name, strip=100)
            assert list(disc.iterdir()) == []
        finally:
            subprocess.run(["umount", str(disc)], check=True)

    def test_disc_that_fills_at_any_moment(self, make, copy, tmp_path, name, capfd):
        """Every limit on the file size gives a whole file or an error, never half a file."""
        resource = pytest.importorskip("resource")
        path = make(name, 150)
        out = tmp_path / f"out-{name}"
        copy(path, out)
        size = out.stat().st_size
        out.unlink()
        outcomes = set()
        no_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        for limit in [*range(1, size, size // 23), size - 3, size - 1, 2**20]:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, no_limit[1]))
            try:
                copy(path, out, strip=1000)
                outcomes.add("whole")
                assert out.stat().st_size == size
                out.unlink()
            except MediaError:
                outcomes.add("error")
                assert not out.exists()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, no_limit)
            assert list(tmp_path.glob(".*")) == []
        assert outcomes == {"whole", "error"}
        assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a.png", "a.npy"])
def test_full_disc_said_by_python(make, copy, tmp_path, name, monkeypatch):
    def fail(self):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = make(name)
    with open_media(path) as source:
        sink = source.sink(tmp_path / f"out-{name}", source.shape[-2:])
        monkeypatch.setattr(type(sink), "_finish", fail)
        with pytest.raises(MediaError, match="no space left on"), sink:
            sink.write(source.read(0, source.shape[source.axis]))
    assert not (tmp_path / f"out-{name}").exists()
