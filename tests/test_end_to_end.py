"""Whole models are timed as it is said, and what was found is kept and shown."""

import io
import os
import sys
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("benchmarks", reason="the benchmark is not shipped: run from a checkout")
pytest.importorskip("torch")
pytest.importorskip("typer")
pytest.importorskip("rich")

import torch
from benchmarks.cli import app
from benchmarks.end_to_end import runs, tables
from benchmarks.end_to_end.contenders import CONTENDERS, REFERENCE, Case, PyTorch
from benchmarks.end_to_end.results import Figure, Results, Row, Share
from benchmarks.end_to_end.worker import ModelWorker
from benchmarks.models import MODELS
from benchmarks.models.weights import is_transposed
from benchmarks.peers import UnsupportedError
from rich.console import Console
from typer.testing import CliRunner

from tconv.peers.installed import installed

torch.set_num_threads(1)  # other tests run beside
QUICK = "dcgan_one"
SHARE = Share(2.0, {"up.0": 0.5, "up.1": 1.0}, 3)
ROW = Row(
    "toy", "A toy", "a drawer", (1, 2, 3, 4), 2, {"default": SHARE},
    {
        REFERENCE: Figure(best_s=2.0, median_s=2.5, calls=3),
        "openvino": Figure(best_s=0.5, median_s=0.5, calls=3),
        "onnxruntime": Figure(reason="not installed"),
    },
)  # fmt: skip


def results():
    machine = {"cpu": "abacus", "cpus": 1, "date": "2000-01-01", "load": 0.0}
    return Results(machine, {"versions": {REFERENCE: "1"}}, [ROW])


def accelerate():
    """Return ``tconv.nn.accelerate``, or None."""
    try:
        return import_module("tconv.nn").accelerate
    except (ModuleNotFoundError, AttributeError):
        return None


def test_share_and_limit():
    assert (SHARE.part, SHARE.limit) == (0.75, 4.0)
    calls = [(3.0, {"a": 1.0}), (2.0, {"a": 0.5}), (4.0, {"a": 4.0})]
    assert Share.of(calls) == Share(2.0, {"a": 0.5}, 3)


def test_best_and_speed():
    assert ROW.best == "openvino"
    assert ROW.speed("openvino") == 4.0
    assert ROW.speed("onnxruntime") is None
    assert Figure.of([3.0, 1.0, 9.0], {"note": "n"}) == Figure(
        best_s=1.0, median_s=3.0, calls=3, note="n"
    )


def test_json_round_trip(tmp_path):
    path = tmp_path / "folder" / "models.json"
    results().save(path)
    assert Results.load(path) == results()
    path.write_text('{"format": 1}')
    with pytest.raises(ValueError, match="format"):
        Results.load(path)


def test_who_runs():
    both = ["default", "channels_last"]
    assert runs.chosen(["default"], [], compiled=False) == [REFERENCE]
    assert runs.chosen(both, ["openvino"], compiled=True) == [
        "torch", "torch_channels_last", "compiled", "compiled_channels_last", "openvino"
    ]  # fmt: skip
    assert runs.chosen(["channels_last"], ["tconv"], compiled=False) == [
        "torch", "torch_channels_last", "tconv_channels_last"
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no layout diagonal"):
        runs.chosen(["diagonal"], [], compiled=False)
    with pytest.raises(ValueError, match="no peer abacus"):
        runs.chosen(both, ["abacus"], compiled=False)


def test_tables_show_it():
    console = Console(width=150, file=io.StringIO(), record=True)
    console.print(tables.times_table([ROW], "Models"))
    console.print(tables.shares_table([ROW]))
    console.print(tables.reasons_table([ROW]))
    words = " ".join(console.export_text().split())
    assert "│ toy │ 75% │ 4.00 │ 2.00 s │ 500 ms │ 4.00 │" in words
    assert "│ toy │ up.0 │ 500 ms │ 25% │" in words
    assert "│ ONNX Runtime │ not installed │ toy │" in words
    assert tables.reasons_table([replace(ROW, figures={})]) is None
    assert "| toy | 75% | 2.00 s | **500 ms** |" in tables.markdown([ROW])
    assert "abacus" in tables.about(results())


def test_hooks_see_every_transposed_convolution(tmp_path):
    found = PyTorch("PyTorch").shares(Case(QUICK, tmp_path), 0.0)
    assert len(found) >= 3
    for total, layers in found:
        assert list(layers) == ["0", "3", "6", "9", "12"]
        assert 0 < sum(layers.values()) < total


def test_lines_have_no_channels_last(tmp_path):
    with pytest.raises(UnsupportedError, match="no channels_last in one dimension"):
        PyTorch("", "channels_last").loaded(Case("waveglow", tmp_path))


def test_layouts_are_real(tmp_path):
    model, x = PyTorch("", "channels_last").loaded(Case(QUICK, tmp_path))
    assert model[3].weight.is_contiguous(memory_format=torch.channels_last)
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_a_wrong_result_is_seen(tmp_path):
    worker, case = ModelWorker(REFERENCE, 1), Case(QUICK, tmp_path)
    file = tmp_path / "reference.npy"
    assert worker.prepare(case, file, keep=True)["difference"] == 0
    assert worker.prepare(case, file, keep=False)["difference"] == 0
    y = np.load(file)
    np.save(file, y + np.float32(0.1))
    assert worker.prepare(case, file, keep=False)["difference"] > 0.05
    np.save(file, y[..., 1:])
    with pytest.raises(UnsupportedError, match="wrong shape"):
        worker.prepare(case, file, keep=False)


def test_accelerate_is_used_where_it_is(monkeypatch, tmp_path):
    seen = []

    def accelerated(model, **words):
        seen.append(words)
        return "report"

    monkeypatch.setitem(sys.modules, "tconv.nn", SimpleNamespace(accelerate=accelerated))
    contender = CONTENDERS["tconv"]
    assert contender.version()
    assert contender.prepare(Case(QUICK, tmp_path)).note == "report"
    assert CONTENDERS["tconv_frozen"].prepare(Case(QUICK, tmp_path)).note == "report"
    assert seen == [{}, {"frozen": True}]
    monkeypatch.setitem(sys.modules, "tconv.nn", SimpleNamespace())
    with pytest.raises(UnsupportedError, match=r"no tconv\.nn\.accelerate"):
        contender.version()


@pytest.mark.skipif(accelerate() is None, reason="this tconv has no tconv.nn.accelerate")
@pytest.mark.parametrize("name", [QUICK, "simple_baseline", "fsrcnn"])
def test_accelerated_models_compute_the_same(name):
    model, x = MODELS[name].build(), MODELS[name].example()

    def called():
        with torch.inference_mode():
            return model(x)

    expected = called()
    report = accelerate()(model)
    slack = {"rtol": 1e-3, "atol": 1e-4 * float(expected.std())}
    torch.testing.assert_close(called(), expected, **slack)
    report.undo()
    torch.testing.assert_close(called(), expected, rtol=0, atol=0)
    assert any(is_transposed(module) for module in model.modules())


@pytest.mark.skipif(os.name != "posix", reason="workers inherit their connection")
def test_a_run_in_turn(tmp_path):
    asked = [name for name in ("onnxruntime", "openvino") if installed(name, "onnxscript")]
    who = runs.chosen(["default", "channels_last"], asked, compiled=False)
    path = tmp_path / "run.json"
    found = runs.run([QUICK], who, [1], 0.05, output=path)
    assert Results.load(path) == found
    (row,) = found.rows
    assert list(row.figures) == who
    for figure in row.figures.values():
        assert not figure.reason
        assert figure.calls >= 3
        assert 0 < figure.best_s <= figure.median_s
        assert figure.prepare_s > 0
        assert figure.difference < 1e-4
    assert row.figures[REFERENCE].difference == 0
    assert set(row.shares) == {"default", "channels_last"}
    assert all(0.5 < share.part < 1 for share in row.shares.values())


def test_the_command_shows_a_run_and_refuses(tmp_path):
    results().save(tmp_path / "run.json")
    invoke = CliRunner().invoke
    done = invoke(app, ["models", "--results", str(tmp_path / "run.json"), "--markdown"])
    assert done.exit_code == 0, done.output
    (tmp_path / "run.json").write_text("{}")
    for words in (
        ["--only", "abacus"], ["--threads", "two"], ["--threads", "999"], ["--peers", "abacus"],
        ["--layouts", "diagonal"], ["--results", str(tmp_path / "run.json")],
    ):  # fmt: skip
        done = invoke(app, ["models", *words])
        assert done.exit_code == 2, words
        assert "Traceback" not in done.output
