import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tconv
from tconv.cli import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(tconv.__file__).parents[1])}


def command(*arguments: str, hidden: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command as a process, one module hidden from it."""
    hide = f"sys.modules[{hidden!r}] = None; " if hidden else ""
    code = f"import sys; {hide}from tconv.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=120,
        check=False,
    )


def test_help_names_every_command(tconv_says) -> None:
    said = tconv_says()
    for name in ("upsample", "explain", "solve", "check", "config"):
        assert name in said
    assert tconv_says("--version").strip() == tconv.__version__


def test_config(tconv_says) -> None:
    assert f"tconv    {tconv.__version__}" in tconv_says("config")


def test_check_agrees(tconv_says) -> None:
    rows = json.loads(tconv_says("check", "--trials", 3, "--json"))
    assert {"auto", *tconv.METHODS} <= {row["name"] for row in rows}
    assert all(row["agrees"] for row in rows)


def test_unknown_command(tconv_refuses) -> None:
    assert "'foo'" in tconv_refuses("foo")


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_its_libraries_the_command_says_what_to_install(missing: str) -> None:
    done = command("config", hidden=missing)
    assert done.returncode == 2
    assert done.stderr == f"tconv: the command needs {missing}: pip install 'tconv[cli]'\n"


def test_without_libvips_pictures_say_what_to_install() -> None:
    done = command("upsample", "-o", os.devnull + ".png", hidden="pyvips")
    assert done.returncode == 2
    assert "pip install 'tconv[cli]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_closed_pipe_is_no_mistake() -> None:
    first = subprocess.Popen(
        [sys.executable, "-m", "tconv", "explain", "-i", "40x40", "-k", "9", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )
    assert first.stdout is not None
    first.stdout.close()
    _, said = first.communicate(timeout=60)
    assert said == b""


def test_main_takes_the_arguments_of_the_process(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["tconv", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.strip() == tconv.__version__
