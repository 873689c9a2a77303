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
    assert said == tconv_says("--help") == tconv_says("-h") == tconv_says("help")
    for name in ("upsample", "explain", "explore", "solve", "check", "config"):
        assert f"  {name} " in said
    assert max(map(len, said.splitlines())) < 100
    assert tconv_says("--version").strip() == tconv.__version__


def test_config(tconv_says) -> None:
    assert tconv_says("config").split()[:2] == ["tconv", tconv.__version__]


def test_check_agrees(tconv_says) -> None:
    rows = json.loads(tconv_says("check", "--trials", 3, "--json"))
    assert {"auto", *tconv.METHODS} <= {row["name"] for row in rows}
    assert all(row["agrees"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["foo"], "No such command 'foo'; choose from upsample, explain"),
        (["exlain"], "No such command 'exlain'; did you mean 'explain'?"),
        (["photo.jpg"], "to enlarge a file: tconv upsample photo.jpg"),
        (["-V"], "No such option: -V; see tconv --help"),
        (["explain", "-k", 3], "Missing option '--input' / '-i'; see tconv explain --help"),
        (["solve", "-i", 4, "-o", 8], "-o; did you mean -O, --output-size? see tconv solve"),
        (["config", "--json"], "No such option: --json"),
        (["explore", "--port", 99999], "'--port'"),
        (["check", "--trials", 0], "'--trials'"),
    ],
)
def test_mistakes(arguments, message, tconv_refuses) -> None:
    assert message in tconv_refuses(*arguments)


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_its_libraries_the_command_says_what_to_install(missing: str) -> None:
    done = command("explain", "-i", "4", "-k", "3", hidden=missing)
    assert done.returncode == 2
    assert done.stderr == f"tconv: the command needs {missing}: pip install 'tconv[cli]'\n"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["config"]])
def test_what_needs_no_library_runs_without(arguments: list[str]) -> None:
    done = command(*arguments, hidden="typer")
    assert (done.returncode, done.stderr) == (0, "")
    assert arguments != ["config"] or "pip install 'tconv[cli]'" in done.stdout


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
