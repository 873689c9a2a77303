"""The benchmark times what it says, and keeps and compares what it found."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("benchmarks", reason="the benchmark is not shipped: run from a checkout")
pytest.importorskip("typer")
pytest.importorskip("rich")

from benchmarks import arithmetic, calibrate, jax_calls, overhead, tables, timing
from benchmarks.cli import app
from benchmarks.compare import changes
from benchmarks.layers import HARD, Layer, quick, real
from benchmarks.peers import OURS, PEERS, UnsupportedError
from benchmarks.report import text
from benchmarks.results import Figure, Results, Row, geometric_mean, summary
from benchmarks.roofline import Roofline
from benchmarks.tables import duration, model_sums
from benchmarks.timing import Spread
from typer.testing import CliRunner

ROOT = Path(__file__).parents[1]
TINY = Layer("tiny", 2, 4, 6, (5, 6), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), groups=2, model="toy")
LINE = replace(
    TINY, name="line", spatial=(9,), kernel=(4,), stride=(2,), padding=(1,), output_padding=(0,),
    dilation=(1,), groups=1,
)  # fmt: skip
VARIED = replace(LINE, name="varied", lengths=(5, 40, 4))


def row_of(seconds, **others):
    figures = {
        peer: Figure(spread=Spread(time, time, time, 1))
        for peer, time in {OURS: seconds, **others}.items()
    }
    return Row(TINY, "forward", 1, "float32", 1000, 2000, 0.5, figures)


def results_of(*rows):
    roof = {"flops": 1e9, "bandwidth": [[1024, 1e9]]}
    machine = {"cpu": "abacus", "cpus": 1, "system": "wood", "date": "2000-01-01"}
    settings = {"versions": {OURS: "1"}, "dtype": "float32", "rooflines": {"1": roof}}
    return Results(machine, settings, list(rows))


def test_the_layers_are_what_models_have():
    layers = real()
    assert len({layer.name for layer in layers}) == len(layers)
    assert all(layer.source and layer.model for layer in layers)
    assert 0 < len(quick()) < sum(layer.core for layer in layers)
    for layer in (*layers, *HARD):
        assert layer.geometry().rank == layer.rank == len(layer.spatial)
        assert layer.in_channels % layer.groups == layer.out_channels % layer.groups == 0


def test_work_is_that_of_the_definition():
    plain = replace(TINY, padding=(0, 0), output_padding=(0, 0))
    assert plain.macs() == 2 * 4 * 6 // 2 * 30 * 9
    assert TINY.macs() < plain.macs()
    values = 2 * 4 * 30 + 2 * 6 * 120 + 4 * 3 * 9 + 6
    assert TINY.values() == values


def test_lengths_are_new_every_turn():
    turns = [VARIED.sizes(turn) for turn in range(9)]
    assert sorted(size for turn in turns for size in turn) == [(n,) for n in range(5, 41)]
    assert VARIED.sizes(9) == turns[0]
    assert VARIED.sizes(-1) == turns[-1]
    for x, size in zip(VARIED.inputs("float64", 3), turns[3], strict=True):
        assert x.shape == (2, 4, *size)
        assert x.flags.c_contiguous
    assert VARIED.macs() == sum(replace(LINE, spatial=size).macs() for size in VARIED.sizes())


def test_roofline():
    roof = Roofline(flops=100.0, bandwidth=((1000, 50.0), (10000, 10.0)))
    assert roof.seconds(macs=500, size=800) == 16
    assert roof.seconds(macs=5000, size=800) == 100
    assert roof.seconds(macs=0, size=1000) == 20
    assert roof.seconds(macs=0, size=1001) == pytest.approx(100.1)
    assert roof.seconds(macs=0, size=10**6) == 10**5


def test_every_call_is_timed(monkeypatch):
    clock = iter(np.arange(0.0, 100.0))
    monkeypatch.setattr(timing, "perf_counter", lambda: next(clock))
    calls = []
    times = timing.repeat(lambda: calls.append(0), 6.5, warm=True)
    assert times == [1.0] * len(times)
    assert len(calls) == len(times) + 1
    assert timing.repeat(lambda: None, 0.0, warm=False) == [1.0]


def test_spread():
    assert Spread.of([5.0]) == Spread(5.0, 5.0, 5.0, 1)
    assert Spread.of([4.0, 0.0, 1.0, 2.0, 3.0]) == Spread(2.0, 1.0, 3.0, 5)


def test_memory_rises_with_what_is_held():
    memory = timing.PeakMemory()
    held = np.ones(2**22)
    assert memory.rise() >= held.nbytes * 0.9


def test_speed_and_share():
    row = row_of(2.0, torch=6.0, jax=3.0, tconv_new_output=1.0)
    assert row.best_peer == "jax"
    assert (row.speed_over("torch"), row.speed_over(row.best_peer)) == (3.0, 1.5)
    assert (row.share(), row.share("jax"), row.speed_over("keras")) == (0.25, 0.5 / 3, None)
    lines = dict(summary([row, row_of(8.0, torch=6.0)]))
    assert lines["worst layer"] == "tiny at 0.75 of torch"
    assert lines["layers where tconv is the fastest"] == "1 of 2"
    assert geometric_mean([2.0, None, 8.0]) == 4.0
    assert summary([row_of(1.0)])[0][1] == "-"


def test_a_model_is_summed_only_by_who_has_all_its_layers():
    rows = [row_of(1.0, torch=2.0, jax=1.0), row_of(3.0, torch=4.0)]
    assert model_sums(rows) == [("toy", {OURS: 4.0, "torch": 6.0, "jax": None}, 2)]


def test_json_round_trip(tmp_path):
    results = results_of(row_of(1.0, torch=2.0))
    results.rows[0].figures["jax"] = Figure(reason="not installed")
    path = tmp_path / "folder" / "results.json"
    results.save(path)
    assert Results.load(path) == results
    assert list(path.parent.iterdir()) == [path]
    path.write_text('{"format": 0}')
    with pytest.raises(ValueError, match="format"):
        Results.load(path)


def test_compare_flags_a_slowed_layer(tmp_path):
    old, new = results_of(row_of(1.0, torch=2.0)), results_of(row_of(1.06, torch=2.0))
    (change,) = changes(old, new)
    assert change.slower
    assert change.ratio == pytest.approx(1.06)
    assert change.others == 1.0
    assert not changes(new, old)[0].slower
    assert not changes(old, results_of(row_of(1.04)))[0].slower
    assert not changes(old, results_of(replace(row_of(9.0), threads=2)))
    for results, name in ((old, "old.json"), (new, "new.json")):
        results.save(tmp_path / name)
    done = command("compare", tmp_path / "old.json", tmp_path / "new.json")
    assert done.returncode == 1
    assert "1 of 1 layers are slower by more than 5%" in done.stdout


def test_the_page_says_it():
    page = text(results_of(row_of(2.0, torch=3.0)))
    assert "| tiny | 2.00 s | **3.00 s** | 1.50 | 0.25 |" in page
    assert "abacus" in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "-"), (0.0, "0.00 µs"), (2e-6, "2.00 µs"), (0.0456, "45.6 ms"), (123.4, "123 s")],
)
def test_duration(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("layer", "peer"),
    [
        *product([TINY, LINE, VARIED], ["tconv_new_output", "torch"]),
        (TINY, "torch_channels_last"),
    ],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.parametrize("task", ["forward", "training"])
def test_peers_compute_the_same(layer, peer, task):
    from benchmarks.worker import Worker

    if peer.startswith("torch"):
        pytest.importorskip("torch")
    ours, other = Worker(OURS, 1), Worker(peer, 1)
    x = next(layer.inputs("float64"))
    results = []
    for worker in (ours, other):
        weight, bias = layer.parameters("float64")
        for way in PEERS[worker.name].variants(layer, weight, bias, task).values():
            bound = way()(x)
            results.append(bound.read(bound.run()))
    assert len(results) >= 2
    for result in results:
        assert len(result) == (3 if task == "training" else 1)
        for a, b in zip(results[0], result, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)
    assert results[0][0].shape == (2, 6, *layer.geometry(x.shape[2:]).output_size)


@pytest.mark.skipif(os.name != "posix", reason="workers inherit their connection")
def test_a_run_in_turn(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    from benchmarks import runs

    monkeypatch.setattr(runs, "measure", lambda *_: Roofline(1e11, ((2**30, 1e10),)))
    peers = [OURS, "torch"]
    path = tmp_path / "run.json"
    found = runs.run([TINY, VARIED], peers, [1], 0.05, output=path)
    assert Results.load(path).rows == found.rows
    tiny, varied = found.rows
    assert list(tiny.figures) == peers
    for figure in tiny.figures.values():
        assert not figure.reason
        assert figure.spread.calls >= 3
        assert 0 < figure.spread.lower <= figure.seconds <= figure.spread.upper
        assert figure.import_s > 0
        assert figure.pack_s > 0
        assert figure.first_s > 0
        assert figure.difference < 1e-5
    assert varied.best_peer == "torch"


@pytest.mark.skipif(os.name != "posix", reason="workers inherit their connection")
def test_a_peer_that_dies_says_so_and_comes_back():
    from benchmarks.crew import PeerError, Process

    process = Process(OURS, 1)
    try:
        version = process.ask("start")
        os.kill(process.process.pid, signal.SIGKILL)
        with pytest.raises(PeerError, match="its process ended: exit code -9"):
            process.ask("drop")
        assert process.process is None
        assert process.ask("start") == version
        with pytest.raises(PeerError, match="AttributeError"):
            process.ask("sing")
    finally:
        process.close()


@pytest.mark.parametrize(
    ("peer", "layer", "task", "reason"),
    [
        ("torch_channels_last", LINE, "forward", "no channels_last in one dimension"),
        ("torch_inference", LINE, "training", "inference_mode has no gradients"),
        ("openvino", LINE, "training", "not timed for training"),
    ],
)
def test_peers_say_what_they_cannot(peer, layer, task, reason):
    with pytest.raises(UnsupportedError, match=reason):
        PEERS[peer].variants(layer, *layer.parameters("float32"), task)


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "COLUMNS": "150"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_refuses_what_it_does_not_know():
    done = command("layers", "--quick", "--peers", "abacus")
    assert done.returncode == 2
    assert "no peer abacus" in done.stderr


def test_overhead_names_every_kind_of_call():
    found = overhead.measure(calls=2, turns=1)
    assert "plan" in found
    assert "conv_transpose" in found
    assert tables.overhead_table(found).row_count == len(found)


def test_layers_are_timed_that_jax_compiles():
    pytest.importorskip("jax")
    layers = jax_calls.LAYERS[0], jax_calls.LAYERS[0]._replace(size=(9,), batch=2)
    found = list(jax_calls.measure(threads=1, rounds=1, layers=layers))
    assert [str(layer) for layer, _ in found][1] == "8→8, 9, k4 s2 p1, 2 images"
    assert all(len(seconds) == 6 for _, seconds in found)
    assert tables.jax_table(found).row_count == 4


def test_fast_and_direct_arithmetic_are_held_against_each_other():
    layer = replace(real()[0], name="small", in_channels=128, out_channels=128, spatial=(24, 20),
                    kernel=(4, 4), stride=(2, 2), padding=(1, 1), output_padding=(0, 0),
                    dilation=(1, 1), batch=1, groups=1)  # fmt: skip
    found = list(arithmetic.measure([layer], threads=1, rounds=1))
    fast, direct = found[0][1]["fast"], found[0][1]["direct"]
    assert 0 < direct.largest < 1
    assert 0 < fast.largest < 1
    assert 0 < direct.rms < fast.rms < 1e-5
    table = tables.arithmetic_table(found)
    assert table.row_count == 2


def made_up(constants, **words):
    """Return layers whose times follow some constants, one algorithm beside another."""
    random = np.random.default_rng(3)
    for number in range(40):
        for name in constants.algorithms:
            counts = random.uniform(1e6, 1e7, 2)
            one = calibrate.Measured(str(number), "channels_first", name, *counts, 1e6, 4, 0.0)
            seconds = constants.operations(one) / 1e9
            yield replace(one, seconds=seconds, **words)


def test_calibrate_finds_the_constants_that_times_follow(tmp_path):
    true = calibrate.Constants(7.0, {"positions": (1.0, 2.0), "winograd": (0.6, 1.5)})
    start = calibrate.Constants(7.0, dict.fromkeys(true.algorithms, (1.0, 1.0)))
    measured = list(made_up(true))
    calibrate.save(measured, tmp_path / "run.json")
    assert calibrate.load(tmp_path / "run.json") == measured
    fitted = calibrate.fit(measured, start)
    for name, costs in true.algorithms.items():
        assert fitted.algorithms[name] == pytest.approx(costs, rel=0.05)
    assert calibrate.right(measured, true) == len(calibrate.cases(measured)) == 40
    assert calibrate.right(measured, start) < 40 <= calibrate.right(measured, fitted) + 2


@pytest.mark.parametrize("content", [None, "[]]", '{"layer": 1}', '[{"layer": 1}]'])
def test_calibrate_refuses_what_it_did_not_write(tmp_path, content):
    path = tmp_path / "run.json"
    if content is not None:
        path.write_text(content, "utf-8")
    done = CliRunner().invoke(app, ["calibrate", "--results", str(path)])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
