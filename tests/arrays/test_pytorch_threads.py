"""Calls on tensors run on PyTorch's threads, in any process and from any number of callers."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

import tconv
from arrays.torch_workers import Images, image, infer, layer, train
from strategies import in_time
from tconv.arrays.pytorch import threads as hosting
from tconv.arrays.pytorch.weights import CACHE
from tconv.engine import native

torch.set_num_threads(1)
pytestmark = pytest.mark.skipif(not native.available(), reason=str(native.refusal()))

LIMIT = 120  # seconds for what may hang


def slow(value):
    return pytest.param(value, marks=pytest.mark.sweep)


@pytest.fixture(autouse=True)
def one_thread():
    yield
    torch.set_num_threads(1)


def result(model, x):
    with torch.no_grad():
        return model(x)


def test_results_do_not_depend_on_the_number_of_threads():
    model, x = layer(), image(0, 64)
    made = []
    for n in (1, 2, 3, 1):
        torch.set_num_threads(n)
        made += [result(model, x) for _ in range(4)]
        y = model(x)
        y.square().sum().backward()
        made.append(y.detach())
    assert all(torch.equal(made[0], one) for one in made)


def test_a_call_has_as_many_threads_as_pytorch(monkeypatch):
    """And gives our own pool back, also after an error."""
    before, met = native.get_num_threads(), []
    kernel = tconv.arrays.pytorch.kernels._run

    def run(*arguments):
        met.append(native.get_num_threads())
        if len(met) == 3:
            raise RuntimeError
        return kernel(*arguments)

    monkeypatch.setattr("tconv.arrays.pytorch.kernels._run", run)
    model = layer()
    for n in (1, 3):
        torch.set_num_threads(n)
        result(model, image(0))
        assert native.get_num_threads() == before
    with pytest.raises(RuntimeError):
        result(model, image(0))
    assert native.get_num_threads() == before
    assert met == [1, 3, 3]


def test_the_function_is_found():
    assert hosting._address() != 0


COUNTED = """
import json, os, sys
import numpy as np, torch, tconv
from tconv import nn

def threads():
    return len(os.listdir("/proc/self/task"))

torch.set_num_threads(int(sys.argv[1]))
model, x = nn.ConvTranspose2d(8, 16, 4, 2, 1), torch.randn(2, 8, 96, 96)
found = [threads()]
torch.randn(500, 500).tanh()
found.append(threads())
with torch.no_grad():
    for _ in range(3):
        model(x)
model(x).sum().backward()
found.append(threads())
tconv.set_num_threads(2)
tconv.conv_transpose(x.numpy(), model.weight.detach().numpy(), stride=2, padding=1)
found.append(threads())
print(json.dumps(found))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted on Linux")
@pytest.mark.parametrize("n", [slow(1), 2, slow(3)])
def test_no_thread_is_started_beside_pytorchs(n):
    """A call on arrays then starts one of ours, which shows that these would be seen."""
    run = subprocess.run(
        [sys.executable, "-c", COUNTED, str(n)],
        capture_output=True, check=True, text=True, timeout=LIMIT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    alone, beside, ours, both = json.loads(run.stdout)
    assert beside - alone == n - 1
    assert ours == beside
    assert both == ours + 1


@pytest.mark.parametrize("start", ["fork", slow("spawn")])
def test_workers_of_a_data_loader(start):
    """Each has one thread of PyTorch's, and no more of ours."""
    model = layer()
    expected = [result(model, image(index)) for index in range(6)]
    loader = torch.utils.data.DataLoader(
        Images(), batch_size=1, num_workers=2, multiprocessing_context=start, timeout=LIMIT
    )
    made = in_time(lambda: list(loader), LIMIT)
    assert len(made) == 6
    for (y, pytorch, _), known in zip(made, expected, strict=True):
        assert torch.equal(y, known)
        assert pytorch.item() == 1


def answer(start, work):
    context = multiprocessing.get_context(start)
    answers = context.Queue()
    child = context.Process(target=work, args=(answers,), daemon=True)
    child.start()
    try:
        return answers.get(timeout=LIMIT)
    finally:
        child.join(10)
        child.kill()


def test_a_forked_child_computes():
    """It has none of PyTorch's threads, for which PyTorch's own operators wait in vain."""
    torch.set_num_threads(2)
    torch.randn(500, 500).tanh()
    expected = result(layer(), image(0, 64))
    assert answer("fork", infer) == [expected.numpy().tobytes()] * 3


def test_a_fork_while_another_thread_keeps_weights():
    model, x = layer(), image(0)
    expected = result(model, x)

    def in_the_child():
        made = [result(model, x) for _ in range(3)]
        os._exit(0 if all(torch.equal(y, expected) for y in made) else 1)

    CACHE.clear()
    with CACHE._lock:
        assert forked(in_the_child) == 0


@pytest.mark.sweep
def test_a_spawned_child_trains():
    expected = result(layer(), image(0, 64))
    before, change = answer("spawn", train)
    assert before == expected.numpy().tobytes()
    assert change > 1e-3


def forked(work):
    """Run in a forked child; return what it exits with, or None where it hangs."""
    child = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    child.start()
    child.join(60)
    code = child.exitcode
    child.kill()
    return code


def test_a_fork_in_the_midst_of_calls():
    """A child has the locks as they were; none may be held for ever."""
    torch.set_num_threads(2)
    model, x = layer(), image(0)
    expected, stop = result(model, x), threading.Event()

    def call():
        weight = torch.randn(8, 6, 4, 4)
        while not stop.is_set():
            for _ in range(2):
                tconv.conv_transpose(x, weight)
            weight += 1

    def in_the_child():
        with torch.no_grad():
            for _ in range(3):
                y = tconv.conv_transpose(x, model.weight, model.bias, 2, 1)
        os._exit(0 if torch.equal(y, expected) else 1)

    callers = [threading.Thread(target=call, daemon=True) for _ in range(3)]
    for caller in callers:
        caller.start()
    try:
        assert [forked(in_the_child) for _ in range(12)] == [0] * 12
    finally:
        stop.set()
        for caller in callers:
            caller.join(30)


def test_two_models_from_eight_threads():
    """Half of the callers also change weights of their own."""
    torch.set_num_threads(2)
    models = [layer(seed) for seed in range(2)]
    images = [image(index) for index in range(4)]
    expected = {
        (m, i): result(model, x) for m, model in enumerate(models) for i, x in enumerate(images)
    }
    start = threading.Barrier(8)

    def call(number):
        own, wrong = layer(10 + number), 0
        start.wait(LIMIT)
        for round_ in range(25):
            m, i = (number + round_) % 2, round_ % 4
            wrong += not torch.equal(result(models[m], images[i]), expected[m, i])
            if number % 2:
                own.weight.data.add_(0.1)
                for _ in range(2):
                    y = result(own, images[i])
                known = torch.nn.functional.conv_transpose2d(
                    images[i], own.weight.detach(), own.bias.detach(), 2, 1
                )
                wrong += not torch.allclose(y, known, atol=1e-4)
        return wrong

    with ThreadPoolExecutor(8) as pool:
        assert in_time(lambda: sum(pool.map(call, range(8))), LIMIT) == 0
    held = sum(entry.bytes for every in CACHE._entries.values() for entry in every)
    assert held == CACHE.bytes


def test_training_from_several_threads():
    torch.set_num_threads(2)

    def step(seed, model):
        y = model(image(seed, 48))
        return torch.autograd.grad(y.square().mean(), model.weight)[0]

    models = [layer(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        made = in_time(lambda: list(pool.map(step, range(8), models)), LIMIT)
    for grad, known in zip(made, map(step, range(8), models), strict=True):
        assert torch.equal(grad, known)


def test_tasks_of_torch_jit():
    model, images = layer(), [image(index) for index in range(3)]
    with torch.no_grad():
        futures = [torch.jit.fork(model, x) for x in images]
        made = in_time(lambda: [torch.jit.wait(one) for one in futures], LIMIT)
    for y, x in zip(made, images, strict=True):
        assert torch.equal(y, result(model, x))


def test_a_hook_that_calls_the_layer_again():
    """A call within a call's gradient, on a thread of the same pool."""
    torch.set_num_threads(2)
    model, x = layer(), image(0, 64).requires_grad_()
    inner = []
    x.register_hook(lambda grad: inner.append(result(model, grad[:, :8])))
    in_time(lambda: model(x).sum().backward(), LIMIT)
    torch.testing.assert_close(inner[0], result(model, x.grad))
