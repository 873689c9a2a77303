"""The check agrees with what is right, and can fail."""

import subprocess
import sys
from dataclasses import replace
from json import loads
from math import gcd, inf
from types import SimpleNamespace

import numpy as np
import pytest

from tconv import METHODS
from tconv.conventions import Inexpressible
from tconv.peers import PEERS
from tconv.reference import scatter
from tconv.verify import DTYPES, Case, compare, random_case, verify

LAYER = Case((4, 3), (3, 2), (2, 3), (1, 1), ((1, 0), (0, -1)), 2, 4, 6, 2)


def case_number(number):
    return random_case(np.random.default_rng((0, number)), max_rank=4)


def flipped(x, weight, geometry, groups):
    return scatter(x, np.flip(weight, range(2, weight.ndim)), geometry, groups)


def shifted(x, weight, geometry, groups):
    return np.roll(scatter(x, weight, geometry, groups), 1, -1)


def ungrouped(x, weight, geometry, groups):
    return scatter(x, np.roll(weight, 1, 0), geometry, groups)


def larger(x, weight, geometry, groups):
    return np.pad(scatter(x, weight, geometry, groups), [(0, 0)] * (x.ndim - 1) + [(0, 1)])


def undefined(x, weight, geometry, groups):
    return scatter(x, weight, geometry, groups) * np.nan


def coarse(x, weight, geometry, groups):
    return scatter(x, weight, geometry, groups) * (1 + 1e-4)


def failing(x, weight, geometry, groups):
    raise RuntimeError("no such primitive\nand more")


def speechless(x, weight, geometry, groups):
    raise Inexpressible("no words")


@pytest.fixture
def only(monkeypatch):
    """Put one peer in place of all."""

    def put(run, dtypes=DTYPES):
        peer = SimpleNamespace(NAME="peer", DTYPES=dtypes, available=lambda: "1.0", run=run)
        for name in list(PEERS):
            monkeypatch.delitem(PEERS, name)
        monkeypatch.setitem(PEERS, "peer", peer)

    return put


def row_of_peer(trials=30):
    return verify(trials, max_rank=2)[-1]


@pytest.mark.filterwarnings("ignore")  # the frameworks' own
def test_everything_installed_agrees():
    seen = []
    rows = verify(trials=50, seed=1, on_progress=lambda *counts: seen.append(counts))
    assert [row.name for row in rows][: len(METHODS)] == list(METHODS)
    assert "PyTorch" in [row.name for row in rows]
    for row in rows:
        assert row.agrees, row.disagreement
        assert row.compared + row.inexpressible == 50
        assert row.compared > 0
        assert row.worst < 1e-6
    assert all(row.inexpressible == 0 for row in rows[: len(METHODS)] if row.name != "engine")
    assert seen == [(done, 50) for done in range(1, 51)]


def test_the_seed_decides(only):
    only(scatter)
    assert verify(10, seed=3) == verify(10, seed=3)
    assert case_number(5) == case_number(5) != case_number(6)


def test_the_draw_reaches_the_rarer_parameters():
    cases = [case_number(number) for number in range(300)]
    axes = [axis for case in cases for axis in case.geometry.axes]
    assert {case.geometry.rank for case in cases} == {1, 2, 3, 4}
    assert {axis.stride for axis in axes} == set(range(1, 8))
    assert {case.dtype for case in cases} == set(DTYPES)
    assert any(axis.stride > axis.kernel_size for axis in axes)
    assert any(gcd(axis.stride, axis.dilation) > 1 for axis in axes)
    assert any(axis.crop_start > axis.effective_kernel - 1 for axis in axes)
    assert any(axis.crop_end < 0 for axis in axes)
    assert any(axis.crop_start < 0 for axis in axes)
    assert any(len(set(case.stride)) > 1 for case in cases)
    assert any(case.groups > 1 and case.in_channels != case.out_channels for case in cases)


@pytest.mark.parametrize("wrong", [flipped, shifted, ungrouped, larger, undefined, coarse, failing])
def test_a_wrong_peer_is_found_out(only, wrong):
    only(wrong, ("float32", "float64"))
    row = row_of_peer()
    assert not row.agrees
    assert row.compared == 30
    assert row.disagreement.startswith("from tconv.verify import compare; compare('peer', ")
    if wrong is failing:
        assert row.disagreement.endswith("  # RuntimeError: no such primitive")
        return
    call = row.disagreement.partition("; ")[2]
    again = eval(call, {"compare": compare})
    assert 1e-6 < again <= row.worst


def test_one_wrong_integer_is_found_out(only):
    def off_by_one(x, weight, geometry, groups):
        y = scatter(x, weight, geometry, groups)
        if y.dtype.kind == "i":
            y.flat[0] += 1
        return y

    only(off_by_one)
    row = row_of_peer(40)
    assert "dtype='int64'" in row.disagreement


def test_a_peer_may_be_speechless_but_not_wrong(only):
    only(speechless)
    row = row_of_peer(5)
    assert (row.compared, row.inexpressible, row.agrees) == (0, 5, True)


def test_a_peer_is_given_float32_where_it_has_no_other(only):
    seen = set()

    def watched(x, weight, geometry, groups):
        seen.add((x.dtype.name, weight.dtype.name))
        return scatter(x, weight, geometry, groups)

    only(watched, ("float32",))
    assert row_of_peer().agrees
    assert seen == {("float32", "float32")}


def test_what_is_not_installed_is_left_out(only, monkeypatch):
    only(scatter)
    monkeypatch.setattr(PEERS["peer"], "available", lambda: None)
    assert [row.name for row in verify(1)] == list(METHODS)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", METHODS)
def test_methods_by_hand(name, dtype):
    case = replace(LAYER, dtype=dtype)
    assert case.error(METHODS[name]) <= case.tolerance


def test_an_error_is_never_below_a_wrong_shape_or_nan():
    assert LAYER.error(larger) == LAYER.error(undefined) == inf


def test_asking_what_is_installed_imports_no_framework():
    program = (
        "import sys, tconv.conventions, tconv.verify; from tconv.peers import PEERS;"
        "[peer.available() for peer in PEERS.values()];"
        "frameworks = {'torch', 'jax', 'keras', 'tensorflow', 'onnx', 'onnxruntime'};"
        "sys.exit(sorted(frameworks & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# The command --------------------------------------------------------------------------------------


@pytest.fixture
def command():
    typer = pytest.importorskip("typer")
    from typer.testing import CliRunner

    from tconv.cli.check import check

    app = typer.Typer()
    app.command()(check)
    return lambda *words: CliRunner().invoke(app, words)


def test_the_command_prints_a_table_and_succeeds(command, only):
    only(scatter)
    result = command("--trials", "3", "--seed", "2")
    assert result.exit_code == 0
    assert "peer" in result.stdout
    assert "yes" in result.stdout
    assert "NO" not in result.stdout


def test_the_command_fails_where_something_disagrees(command, only):
    only(flipped)
    result = command("--trials", "10")
    assert result.exit_code == 1
    assert "NO" in result.stdout
    assert "compare('peer', " in result.stdout


def test_the_command_prints_json(command, only):
    only(undefined, ("float32",))
    result = command("--trials", "3", "--json")
    assert result.exit_code == 1
    row = loads(result.stdout)[-1]
    assert (row["name"], row["agrees"], row["worst"], row["compared"]) == ("peer", False, None, 3)
