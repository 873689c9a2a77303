"""Which target runs: chosen at import, overridden by TCONV_CPU, and apart in the built module."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import tconv
from tconv import engine

WIDE = re.compile(r"%[yz]mm\d")
TARGET = re.compile(r"avx2|avx512")
RUN = """
import numpy as np
from tconv import engine
x, w = (np.random.default_rng(0).standard_normal(s) for s in ((2, 3, 7, 9), (3, 5, 4, 3)))
y = engine.plan(w, stride=(2, 1), padding=1, activation="silu")(x)
print(engine.target(), engine.available(), engine.refusal(), sep="|")
print(y.sum().hex(), np.abs(y).sum().hex())
"""


def in_a_new_process(program=RUN, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TCONV_", "OMP_"))}
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
        env=kept | environment,
    )
    return ran.stdout.splitlines()


def expected():
    x, w = (np.random.default_rng(0).standard_normal(s) for s in ((2, 3, 7, 9), (3, 5, 4, 3)))
    y = tconv.conv_transpose(x, w, stride=(2, 1), padding=1, method="scatter")
    y /= 1 + np.exp(-y)
    return y.sum(), np.abs(y).sum()


def test_the_engine_is_there_if_it_must_be():
    if os.environ.get("TCONV_REQUIRE_NATIVE", "0") in ("", "0"):
        pytest.skip("TCONV_REQUIRE_NATIVE is not set")
    assert engine.targets(), engine.refusal()


@pytest.mark.parametrize("name", [*engine.targets(), ""])
def test_every_target_this_machine_runs(name):
    said, sums = in_a_new_process(TCONV_CPU=name)
    if engine.targets():
        assert said == f"{name or engine.targets()[0]}|True|None"
    np.testing.assert_allclose([float.fromhex(s) for s in sums.split()], expected(), rtol=1e-12)


def test_a_target_that_is_not_here():
    said, sums = in_a_new_process(TCONV_CPU="vax")
    name, available, why = said.split("|")
    assert (name, available) == ("numpy", "False")
    if engine.targets():
        assert why.startswith("TCONV_CPU=vax is not one of ")
        assert "baseline" in why or "neon" in why
    np.testing.assert_allclose([float.fromhex(s) for s in sums.split()], expected(), rtol=1e-12)


def test_without_the_compiled_module():
    hidden = "import sys; sys.modules['tconv.engine._native'] = None\n"
    said, sums = in_a_new_process(hidden + RUN)
    name, available, why = said.split("|")
    assert (name, available) == ("numpy", "False")
    assert "tconv was installed without its compiled engine" in why
    np.testing.assert_allclose([float.fromhex(s) for s in sums.split()], expected(), rtol=1e-12)


@pytest.mark.skipif(not engine.targets(), reason="the engine is not built")
@pytest.mark.skipif(not shutil.which("objdump"), reason="needs objdump")
def test_wide_instructions_stay_within_their_targets():
    module = importlib.util.find_spec("tconv.engine._native").origin
    dump = ["objdump", "-d", "--no-show-raw-insn", module]
    name, wide, functions = "", set(), 0
    with subprocess.Popen(dump, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.endswith(">:\n"):
                name, functions = line.partition("<")[2][:-3], functions + 1
            elif WIDE.search(line):
                wide.add(name)
    assert functions > 100, "the module has lost its symbols"
    assert {one for one in wide if not TARGET.search(one)} == set()
    if "avx2" in engine.targets():
        assert wide
