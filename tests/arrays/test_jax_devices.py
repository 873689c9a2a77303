"""Several devices: each program runs in a process of its own, which pretends to have two."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tconv

pytest.importorskip("jax")

BEGIN = """
import warnings
warnings.simplefilter("error")
import jax, jax.numpy as jnp, numpy as np, tconv
from functools import partial
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
assert len(jax.devices()) == 2, jax.devices()
random = np.random.default_rng(0)
x, weight = (jnp.asarray(random.standard_normal(s), "float32")
             for s in ((4, 6, 5), (6, 4, 4)))
words = dict(stride=2, padding=1, groups=2)
layer = partial(tconv.conv_transpose, **words)
def loss(x, weight):
    y = layer(x, weight)
    return (tconv.conv(jnp.tanh(y), weight, **words) ** 2).sum()
close = partial(np.testing.assert_allclose, rtol=2e-5, atol=2e-5)
y, (dx, dw) = layer(x, weight), jax.grad(loss, (0, 1))(x, weight)
"""
PROGRAMS = {
    "images by shard_map": """
for kind in (AxisType.Auto, AxisType.Explicit):
    mesh = jax.make_mesh((2,), ("n",), axis_types=(kind,))
    split = jax.jit(jax.shard_map(layer, mesh=mesh, in_specs=(P("n"), P()), out_specs=P("n")))
    given = jax.device_put(x, NamedSharding(mesh, P("n")))
    whole = jax.device_put(weight, NamedSharding(mesh, P()))
    close(split(given, whole), y)
    assert split(given, whole).sharding.spec[0] == "n"
""",
    "channels by shard_map": """
mesh = jax.make_mesh((2,), ("g",), axis_types=(AxisType.Auto,))
one = partial(tconv.conv_transpose, stride=2, padding=1)
specs = dict(in_specs=(P(None, "g"), P("g")), out_specs=P(None, "g"))
close(jax.jit(jax.shard_map(one, mesh=mesh, **specs))(x, weight), y)
""",
    "gradients by shard_map": """
mesh = jax.make_mesh((2,), ("n",), axis_types=(AxisType.Auto,))
for check in (True, False):
    @partial(jax.shard_map, mesh=mesh, in_specs=(P("n"), P()), out_specs=P(), check_vma=check)
    def total(x, weight):
        return jax.lax.psum(loss(x, weight), "n")
    close(jax.jit(total)(x, weight), loss(x, weight))
    made = jax.jit(jax.grad(total, (0, 1)))(x, weight)
    close(made[0], dx)
    close(made[1], dw)
@partial(jax.shard_map, mesh=mesh, in_specs=(P("n"), P()), out_specs=(P("n"), P()))
def inside(x, weight):  # the gradient of what is the same everywhere is a sum over the devices
    return jax.grad(loss, (0, 1))(x, weight)
made = jax.jit(inside)(x, weight)
close(made[0], dx)
close(made[1], dw)
each = jax.shard_map(jax.vmap(layer, (0, None)), mesh=mesh, in_specs=(P("n"), P()),
                     out_specs=P("n"))
close(jax.jit(each)(x, weight), y)
""",
    "complex, in loops, by shard_map": """
mesh = jax.make_mesh((2,), ("n",), axis_types=(AxisType.Auto,))
@partial(jax.shard_map, mesh=mesh, in_specs=(P("n"), P()), out_specs=P("n"))
def rounds(x, weight):
    def step(x, _):
        y = layer(x, weight)
        return tconv.conv(y, weight, **words) / 10, None
    return jax.lax.scan(step, x, None, length=3)[0]
z, w = x * (1 + 2j), weight * (1 - 1j)
close(jax.jit(rounds)(z, w), rounds(z, w))
expected = np.asarray(z)
for _ in range(3):
    expected = tconv.conv(tconv.conv_transpose(expected, np.asarray(w), **words), np.asarray(w),
                          **words) / 10
close(jax.jit(rounds)(z, w), expected)
""",
    "split automatically": """
mesh = jax.make_mesh((2,), ("n",), axis_types=(AxisType.Auto,))
for spec in (P("n"), P(None, "n"), P()):
    given = jax.device_put(x, NamedSharding(mesh, spec))
    whole = jax.device_put(weight, NamedSharding(mesh, P()))
    close(jax.jit(layer)(given, whole), y)
    made = jax.jit(jax.grad(loss, (0, 1)))(given, whole)
    close(made[0], dx)
    close(made[1], dw)
""",
    "split explicitly": """
mesh = jax.make_mesh((2,), ("n",), axis_types=(AxisType.Explicit,))
with jax.set_mesh(mesh):
    given = jax.device_put(x, NamedSharding(mesh, P("n")))
    whole = jax.device_put(weight, NamedSharding(mesh, P()))
    made = jax.jit(layer)(given, whole)
    close(made, y)
    assert made.sharding.spec[0] == "n", made.sharding
    assert jax.jit(layer).eval_shape(given, whole).sharding.spec[0] == "n"
    made = jax.jit(jax.grad(loss, (0, 1)))(given, whole)
    close(made[0], dx)
    close(made[1], dw)
    assert made[0].sharding.spec[0] == "n", made[0].sharding
    assert all(one is None for one in made[1].sharding.spec), made[1].sharding
""",
    "each device by itself": """
for device in jax.devices():
    made = jax.jit(layer)(*(jax.device_put(array, device) for array in (x, weight)))
    assert made.devices() == {device}
    close(made, y)
""",
    "without the engine": """
from tconv.arrays.jax import lowering
lowering.refusal = lambda: "no"
jax.config.update("jax_enable_x64", True)
mesh = jax.make_mesh((2,), ("n",), axis_types=(AxisType.Auto,))
split = jax.shard_map(layer, mesh=mesh, in_specs=(P("n"), P()), out_specs=P("n"))
x, weight = x.astype("float64"), weight.astype("float64")
made = jax.jit(split)
assert "callback" in made.lower(x, weight).as_text()
close(made(x, weight), tconv.conv_transpose(np.asarray(x), np.asarray(weight), **words))
""",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_on_two_devices(name):
    source = Path(tconv.__file__).parents[1]
    environment = {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": os.pathsep.join((str(source), os.environ.get("PYTHONPATH", ""))),
    }
    run = subprocess.run(
        [sys.executable, "-c", BEGIN + PROGRAMS[name]], env={**os.environ, **environment},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
