"""One pool of threads, PyTorch's: forks, workers, several models at once, and no deadlock."""

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

import tconv.nn

FORKS = hasattr(os, "fork")


def layer():
    torch.manual_seed(0)
    return tconv.nn.ConvTranspose2d(16, 16, 4, 2, 1).requires_grad_(False)


def inputs(seed=0):
    return torch.randn(1, 16, 24, 20, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_results_do_not_depend_on_the_number_of_threads():
    module, x = layer(), inputs()
    found = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        found.append(module(x))
    assert all(torch.equal(one, found[0]) for one in found)


PROGRAM = """
import os, torch, tconv, tconv.nn
torch.set_num_threads(2)
tconv.set_num_threads(7)
torch.relu(torch.randn(1000, 1000))
module = tconv.nn.ConvTranspose2d(16, 16, 4, 2, 1).requires_grad_(False)
x = torch.randn(4, 16, 64, 64)
module(x)
before = len(os.listdir("/proc/self/task"))
for _ in range(3):
    module(x)
print(before, len(os.listdir("/proc/self/task")))
tconv.conv_transpose(x.numpy(), module.weight.numpy(), stride=2)
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="counts threads as Linux has them")
def test_tensors_start_no_threads_of_ours():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120, check=True
    )
    before, after, arrays = map(int, done.stdout.split())
    assert before == after
    assert arrays > after or tconv.engine.refusal()  # ours serve NumPy's arrays


class Data(Dataset):
    """Runs a layer in a worker, which has one thread of PyTorch's."""

    def __init__(self):
        self.module = layer()

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.module(inputs(index))[0]


@pytest.mark.parametrize("how", ["fork", "spawn"] if FORKS else ["spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_of_a_data_loader(how):
    data = Data()
    expected = [data[index] for index in range(4)]
    loader = DataLoader(
        data, batch_size=None, num_workers=2, multiprocessing_context=how, timeout=120
    )
    for one, other in zip(loader, expected, strict=True):
        assert torch.equal(one, other)


def child_of_a_fork(queue, module, x):
    queue.put(module(x).numpy().sum())


@pytest.mark.skipif(not FORKS, reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_uses_threads_of_its_own():
    module, x = layer(), inputs()
    expected = module(x).numpy().sum()  # PyTorch's threads exist by now, and are lost in a child
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=child_of_a_fork, args=(queue, module, x))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert queue.get() == expected


def test_eight_threads_and_two_models():
    models = [torch.nn.Sequential(layer(), torch.nn.ReLU(), layer()) for _ in range(2)]
    expected = [[m(inputs(seed)) for seed in range(8)] for m in models]
    wrong = []

    def work(seed):
        for turn in range(10):
            which = (seed + turn) % 2
            if not torch.equal(models[which](inputs(seed)), expected[which][seed]):
                wrong.append(seed)

    workers = [threading.Thread(target=work, args=(seed,), daemon=True) for seed in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert not any(worker.is_alive() for worker in workers)
    assert not wrong
