from collections.abc import Callable
from pathlib import Path

import pytest

from tconv.cli.app import run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def tconv_says(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must succeed and return what it printed."""

    def call(*arguments: object) -> str:
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert code == 0, said.err
        assert said.err == ""
        return said.out

    return call


@pytest.fixture
def tconv_refuses(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must fail with one line, exit code 2 and no new file."""

    def call(*arguments: object) -> str:
        before = contents(here)
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert code == 2, said.out
        assert said.out == ""
        assert said.err.startswith("tconv: ")
        assert said.err.count("\n") == 1
        assert contents(here) == before
        return said.err

    return call


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
