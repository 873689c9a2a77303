"""The examples train, draw and say how good they are; a few steps of each."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
if not EXAMPLES.exists():
    pytest.skip("the examples are not shipped: run from a checkout", allow_module_level=True)
for _needed in ("torch", "matplotlib", "tqdm", "PIL"):
    pytest.importorskip(_needed)

NAMES = ("autoencoder", "dcgan", "segmentation")
LAYERS = ("torch", "tconv")
PICTURES = ["loss.png", "pictures.png"]


def run(name, folder, *words):
    """Run an example with few steps; skip where its data cannot be had."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", "--steps", "4", "--out", folder, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1",
             "TCONV_NUM_THREADS": "1", "PYTHONWARNINGS": "error::UserWarning"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if done.returncode == 3:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return done.stdout


def metrics(words):
    """Return every number printed between the time and the paths."""
    lines = [line.partition(": ")[2] for line in words.splitlines()[1:-1]]
    return [float(number) for number in re.findall(r"\d+\.?\d*", " ".join(lines))]


@pytest.mark.parametrize("name", NAMES)
def test_it_trains_and_draws_with_either_library(name, tmp_path):
    from PIL import Image

    pytest.importorskip("tconv.nn")
    found = []
    for layers in LAYERS:
        words = run(name, tmp_path / layers, "--layers", layers)
        assert f"4 steps, {layers} layers" in words
        assert sorted(path.name for path in (tmp_path / layers).iterdir()) == PICTURES
        for path in (tmp_path / layers).iterdir():
            assert np.asarray(Image.open(path)).std() > 5  # not blank
        found.append(metrics(words))
    assert len(found[0]) >= 3
    assert found[0] == pytest.approx(found[1], rel=0.02, abs=0.02)


def test_the_seed_decides(tmp_path):
    first, second, other = (
        metrics(run("segmentation", tmp_path, "--layers", "torch", "--seed", seed))
        for seed in ("3", "3", "4")
    )
    assert first == second
    assert first != other


def test_it_refuses_no_steps(tmp_path):
    done = subprocess.run(
        [sys.executable, EXAMPLES / "dcgan.py", "--steps", "0", "--out", tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--steps must be at least 1" in done.stderr
