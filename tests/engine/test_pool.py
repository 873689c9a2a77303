"""Threads: any number gives the same bits, in any process, from any number of callers."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path

import numpy as np
import pytest

from tconv import engine, threadpools

pytestmark = pytest.mark.skipif(not engine.available(), reason=str(engine.refusal()))

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((3, 8, 20, 21)).astype(np.float32)
WEIGHT = RANDOM.standard_normal((8, 24, 4, 3)).astype(np.float32)
LAYER = engine.plan(WEIGHT, stride=(2, 1), padding=1)
EXPECTED = LAYER(X)


@pytest.fixture(autouse=True)
def threads():
    before = engine.get_num_threads()
    engine.set_num_threads(4)
    yield
    engine.set_num_threads(before)


def same():
    return bool(np.array_equal(LAYER(X), EXPECTED))


def same_in_a_child(_=0):
    engine.set_num_threads(3)
    return all(same() for _ in range(5))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_do_not_depend_on_the_number_of_threads(dtype):
    made = []
    for n in (1, 2, 5):
        engine.set_num_threads(n)
        assert engine.get_num_threads() == n
        made += [engine.plan(WEIGHT, stride=(2, 1))(X.astype(dtype)) for _ in range(3)]
    assert all(np.array_equal(made[0], one) for one in made)


def test_many_callers_at_once():
    wrong, start = [], threading.Barrier(12)

    def call():
        start.wait()
        wrong.extend(1 for _ in range(40) if not same())

    callers = [threading.Thread(target=call) for _ in range(12)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert not any(caller.is_alive() for caller in callers)
    assert not wrong


def test_threads_change_while_others_call():
    stop = threading.Event()

    def change():
        while not stop.is_set():
            for n in (1, 6, 2, 4):
                engine.set_num_threads(n)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        assert all(same() for _ in range(200))
    finally:
        stop.set()
        changer.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork():
    assert same()
    for _ in range(5):
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(0 if same_in_a_child() else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert same()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork_while_another_thread_calls():
    stop = threading.Event()

    def call():
        while not stop.is_set():
            same()

    caller = threading.Thread(target=call)
    caller.start()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                os._exit(0 if same_in_a_child() else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        caller.join()


CHILDREN = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import numpy as np
from tconv import engine

x, w = np.ones((2, 8, 30, 30)), np.ones((8, 16, 4, 4))

def work(n):
    engine.set_num_threads(n)
    return float(engine.plan(w, stride=2)(x).sum())

if __name__ == "__main__":
    expected = work(4)
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(3) as pool:
        assert pool.map(work, [1, 2, 3, 4] * 5) == [expected] * 20
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        assert list(pool.map(work, [1, 2, 3, 4])) == [expected] * 4
    assert work(4) == expected
    print("same")
"""


@pytest.mark.parametrize("way", multiprocessing.get_all_start_methods())
def test_multiprocessing(way, tmp_path):
    program = tmp_path / "children.py"
    program.write_text(CHILDREN, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, program, way], capture_output=True, text=True, timeout=120
    )
    assert ran.stdout == "same\n", ran.stderr


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({"TCONV_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "6,2"}, 6),
        ({"TCONV_NUM_THREADS": "many", "OMP_NUM_THREADS": "2"}, 2),
        ({"TCONV_NUM_THREADS": " 4 "}, 4),
        ({"TCONV_NUM_THREADS": "5000"}, 1024),
        *(({"TCONV_NUM_THREADS": bad}, None) for bad in ("0", "-4", "", "2.5", "3x", "1e3")),
        *(({"OMP_NUM_THREADS": bad}, None) for bad in ("0", ",2", "9" * 30, "auto")),
        ({}, None),
    ],
)
def test_the_number_of_threads_at_first(environment, threads):
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    program = "from tconv import engine; print(engine.get_num_threads())"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env=kept | environment,
    )
    if threads is None and hasattr(os, "sched_getaffinity"):
        threads = min(len(os.sched_getaffinity(0)), quota())
    assert threads is None or int(ran.stdout) == threads


def quota():
    """Return how many CPUs the limits of all groups of this process leave."""
    file = Path("/proc/self/cgroup")
    found = [1024]
    for line in file.read_text("ascii").splitlines() if file.exists() else ():
        _, names, path = line.split(":", 2)
        if names and "cpu" not in names.split(","):
            continue
        base = Path("/sys/fs/cgroup", "cpu" if names else "")
        inner = base / path.lstrip("/")
        for group in (inner, *inner.parents):
            if group.is_relative_to(base):
                found += limits(group, "cpu.max") + limits(
                    group, "cpu.cfs_quota_us", "cpu.cfs_period_us"
                )
    return min(found)


def limits(group, *names):
    try:
        allowed, period = " ".join((group / name).read_text("ascii") for name in names).split()
    except OSError:
        return []
    return [] if allowed in ("max", "-1") else [ceil(int(allowed) / int(period))]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity")
def test_threads_follow_affinity():
    program = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from tconv import engine; print(engine.get_num_threads())"
    )
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, env=kept
    )
    assert ran.stdout == "1\n"


@pytest.mark.parametrize(
    ("n", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)]
)
def test_bad_numbers_of_threads(n, error):
    with pytest.raises(error, match="n must be"):
        engine.set_num_threads(n)
    assert engine.get_num_threads() == 4


def in_a_new_process(program):
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize(
    "imports",
    [
        "import threadpoolctl, tconv",
        "import tconv, threadpoolctl; tconv.threadpools.register(); tconv.threadpools.register()",
    ],
)
def test_threadpoolctl(imports):
    pytest.importorskip("threadpoolctl")
    program = f"""{imports}
tconv.set_num_threads(3)
with threadpoolctl.threadpool_limits(1):
    print(tconv.get_num_threads())
with threadpoolctl.threadpool_limits(2, user_api="tconv"):
    print(tconv.get_num_threads())
print(tconv.get_num_threads())
for one in threadpoolctl.threadpool_info():
    if one["user_api"] == "tconv":
        print(one["internal_api"], one["num_threads"], one["version"] == tconv.__version__)
"""
    assert in_a_new_process(program) == ["1", "2", "3", "tconv 3 True"]


def test_threadpoolctl_is_not_imported():
    program = "import sys, tconv; print('threadpoolctl' in sys.modules)"
    assert in_a_new_process(program) == ["False"]
    assert callable(threadpools.register)


def test_futures():
    with ThreadPoolExecutor(6) as executor:
        assert all(executor.map(lambda _: same(), range(120)))


def test_dask():
    dask = pytest.importorskip("dask")
    calls = [dask.delayed(same)() for _ in range(60)]
    assert all(dask.compute(*calls, scheduler="threads", num_workers=4))


LOADER = """
import multiprocessing
import numpy as np
import torch
from tconv import engine

weight = np.ones((8, 16, 4, 4), np.float32)
layer = engine.plan(weight, stride=2)
x = np.arange(8 * 900, dtype=np.float32).reshape(1, 8, 30, 30) % 7

class Set(torch.utils.data.Dataset):
    def __len__(self):
        return 12
    def __getitem__(self, index):
        engine.set_num_threads(1 + index % 3)
        return torch.from_numpy(layer(x + index))

if __name__ == "__main__":
    engine.set_num_threads(3)
    expected = [layer(x + index) for index in range(12)]
    torch.nn.functional.conv_transpose2d(torch.from_numpy(x), torch.from_numpy(weight))
    for way in ("fork", "spawn"):
        loader = torch.utils.data.DataLoader(
            Set(), batch_size=None, num_workers=2, multiprocessing_context=way, timeout=100
        )
        for made, wanted in zip(loader, expected, strict=True):
            assert np.array_equal(made.numpy(), wanted)
    print("same")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_workers_of_a_data_loader(tmp_path):
    pytest.importorskip("torch")
    program = tmp_path / "loader.py"
    program.write_text(LOADER, encoding="utf-8")
    ran = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=200)
    assert ran.stdout == "same\n", ran.stderr


INTERRUPT = """
import signal, sys, time
import numpy as np
from tconv import engine

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs may ignore it
engine.set_num_threads(int(sys.argv[1]))
layer = engine.plan(np.ones((128, 64, 15, 15), np.float32), stride=2)
x = np.ones((40, 128, 64, 64), np.float32)
y = np.zeros((40, 64, 141, 141), np.float32)
small = x[:1, :, :3, :3].copy()
before = layer(small)
print("ready", flush=True)
try:
    layer(x, out=y)
except KeyboardInterrupt:
    same = np.array_equal(layer(small), before)
    print("interrupted", same, bool(y.all()))
else:
    print("finished")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("threads", ["1", "2"])
def test_ctrl_c_ends_a_long_run(threads):
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPT, threads], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert said == "interrupted True False\n"


NATIVE = Path(__file__).parents[2] / "native"


@pytest.mark.skipif(not NATIVE.is_dir(), reason="needs the sources")
@pytest.mark.skipif(not shutil.which("g++"), reason="needs a compiler")
def test_the_pool_by_itself(tmp_path):
    program = tmp_path / "pool_check"
    sources = [
        NATIVE.parent / "tests/native/pool_check.cpp",
        *(NATIVE / "runtime").glob("[pq]*.cpp"),
    ]
    build = ["g++", "-std=c++17", "-O1", "-pthread", f"-I{NATIVE}", *sources, "-o", program]
    subprocess.run(build, check=True, timeout=120)
    ran = subprocess.run([program], capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stderr) == (0, "")
