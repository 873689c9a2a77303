"""``tconv accelerate``: an exported model in, a table and a model out."""

import json

import numpy as np
import pytest
import torch
from torch import nn

import tconv.nn
from tconv.cli.app import run

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "model.pt2"
    layers = nn.Sequential(
        nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3)
    )
    layers[1].running_var.uniform_(0.5, 2)
    dynamic = {0: torch.export.Dim("n", min=1, max=8), 2: torch.export.Dim("h", min=2, max=64)}
    x = (torch.randn(2, 16, 9, 6),)
    program = torch.export.export(layers.eval(), x, dynamic_shapes=(dynamic,))
    torch.export.save(program, path)
    return path


def test_the_table(model, capsys):
    assert run(["accelerate", str(model), "--threads", "1"]) == 0
    said = capsys.readouterr().out
    assert "layers replaced" in said
    assert "Transposed convolutions had" in said


def test_json_and_inputs(model, capsys, tmp_path):
    np.save(tmp_path / "x.npy", np.ones((1, 16, 7, 6), np.float32))
    for text in ("3x16x8x6", str(tmp_path / "x.npy")):
        assert run(["accelerate", str(model), "-i", text, "--json", "--channels-last"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["error"] < 1e-5
        (transposed,) = report["layers"]
        assert transposed["what"].startswith("ConvTranspose2d 16->8 k4×4 s2×2")
        assert transposed["before"] > 0


def test_what_is_saved_gives_the_same(model, tmp_path, monkeypatch):
    from tconv.nn.accelerate import accelerating

    monkeypatch.setattr(accelerating, "measured", lambda *_: (2.0, 1.0))
    monkeypatch.setattr(accelerating._Work, "_model_times", lambda *_: (2.0, 1.0))
    out = tmp_path / "fast.pt2"
    assert run(["accelerate", str(model), "-o", str(out)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["fast.pt2"]
    program = torch.export.load(out)
    assert any("tconv" in str(node.target) for node in program.graph.nodes)
    x = torch.randn(2, 16, 9, 6)
    before, after = torch.export.load(model).module()(x), program.module()(x)
    assert (before - after).abs().max() <= 1e-5 * before.abs().max()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.pt2"], "there is no file nothing.pt2"),
        ([__file__], "is not a model that torch.export.save wrote: it is no archive; export it"),
        (["MODEL", "-i", "1x3x8x8"], "the model does not take this input (1x3x8x8): "),
        (["MODEL", "-i", "no.npy"], "No such file"),
        (["MODEL", "-i", "-1x3"], "--input must be at least 1, got -1"),
        (["MODEL", "--tolerance", "nan"], "tolerance must be at least 0, got nan"),
        (["MODEL", "-o", "MODEL"], "exists; use --force"),
        (["MODEL", "--tolerance", "1e-30"], "more than the tolerance 1e-30"),
    ],
)
def test_mistakes_are_one_sentence(model, capsys, arguments, said, monkeypatch):
    from tconv.nn.accelerate import accelerating

    monkeypatch.setattr(accelerating, "measured", lambda *_: (2.0, 1.0))
    assert run(["accelerate", *(a.replace("MODEL", str(model)) for a in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_graph_is_given_back(model):
    module = torch.export.load(model).module()
    before, x = str(module.graph), torch.randn(2, 16, 9, 6)
    report = tconv.nn.accelerate(module)
    assert report.layers[0].done == "tconv, with BatchNorm2d and ReLU"
    report.undo()
    assert str(module.graph) == before
    with pytest.raises(ValueError, match="outputs differ"):
        tconv.nn.accelerate(module, verify=x, tolerance=1e-30)
    assert str(module.graph) == before
