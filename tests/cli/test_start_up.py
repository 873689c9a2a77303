"""Each command loads what it uses, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tconv
from tconv.cli.app import COMMANDS

LIBRARIES = {
    "av", "click", "numpy", "onnx", "PIL", "pyvips", "resvg_py", "rich", "scipy", "soundfile",
    "torch", "typer",
}  # fmt: skip
LOADED = """
import sys, json
from tconv.cli.app import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""
LAYER = ("-i", "4", "-k", "3", "-s", "2")


def loaded(*arguments: str) -> set[str]:
    """Return the modules that a command loads."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(tconv.__file__).parents[1])},
    )
    code, modules = json.loads(done.stderr)
    assert code == 0, done.stderr
    assert done.stdout
    return set(modules)


@pytest.mark.parametrize(
    ("arguments", "libraries"),
    [
        (("--version",), set()),
        (("--help",), set()),
        ((), set()),
        (("config",), {"numpy"}),
        (("explain", *LAYER), {"typer", "rich"}),
        (("explain", *LAYER, "--json"), {"typer"}),
        (("explain", *LAYER, "--cells"), {"typer", "rich", "numpy"}),
        (("explain", *LAYER, "--draw", "scatter"), {"typer", "numpy"}),
        (("solve", *LAYER, "-p", "1", "-d", "1"), {"typer", "rich"}),
    ],
)
def test_a_command_loads_what_it_uses(arguments, libraries):
    modules = loaded(*arguments)
    # older parsers stand on Click, and load Rich with it
    beside = {"click", "rich"} if "typer" in libraries and "click" in modules else set()
    assert LIBRARIES & modules <= libraries | beside
    assert "tconv.engine" not in modules or "numpy" in libraries
    assert "--draw" in arguments or "tconv.explanation" not in modules
    assert not {"tconv.media", "tconv.peers", "tconv.interpolation.upsampling"} & modules


@pytest.mark.parametrize("name", COMMANDS)
def test_help_loads_the_parser(name):
    modules = loaded(name, "--help")
    allowed = {"typer", "click", "rich"} | ({"numpy"} if name == "upsample" else set())
    assert LIBRARIES & modules <= allowed
    assert name == "upsample" or not {"tconv.engine", "tconv.verify"} & modules
    assert "tconv.explanation" not in modules
