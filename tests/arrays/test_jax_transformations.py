"""What JAX does to functions, done to the three operators."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

import tconv
from strategies import cropped_case, in_time, padded_case, pick, random_array, sweep

jax = pytest.importorskip("jax")
jnp = jax.numpy

import jax.export  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from tconv.arrays.jax import lowering, on_lax, primitives  # noqa: E402

OPERATORS = {operator.primitive.name: operator for operator in lowering.OPERATORS}
BY_NAME = pytest.mark.parametrize("name", OPERATORS)


@pytest.fixture(autouse=True)
def _in_64_bits():
    with jax.enable_x64(True):
        yield


def given(name, case, random, dtype=np.float64, batch=None):
    """Return an operator of a set, JAX's own of it, and operands."""
    operator = OPERATORS[name]
    shapes = {"x": case.x_shape, "weight": case.weight_shape, "y": case.y_shape}
    one, other = (
        jnp.asarray(random_array(random, shapes[which], dtype)) for which in operator.arrays[:2]
    )
    bind = getattr(primitives, name.removeprefix("tconv_"))
    words = {"geometry": case.geometry, "groups": case.groups}

    def ours(one, other):
        return bind(one, other, **words, arithmetic="direct", insist=False)

    def lax(one, other):
        return operator.on_lax(one, other, case.geometry, case.groups)

    return ours, lax, one, other


def close(made, expected):
    for one, other in zip(jax.tree.leaves(made), jax.tree.leaves(expected), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def filled(random, rank, draw=cropped_case):
    """Draw a set with images."""
    while True:
        case = draw(random, rank)
        if case.batch:
            return case


@BY_NAME
@pytest.mark.parametrize("number", sweep(40, 5))
def test_derivatives_are_those_of_jaxs_convolution(name, number):
    """Gradients, tangents, and second derivatives of either operand, in any order of modes."""
    random = np.random.default_rng(number)
    case = filled(random, 1 + number % 3, pick(random, (cropped_case, padded_case)))
    ours, lax, one, other = given(name, case, random)

    def loss(of):
        return lambda *operands: (jnp.sin(of(*operands)) * jnp.arange(of(*operands).size).reshape(
            of(*operands).shape)).sum()  # fmt: skip

    for derive in (
        lambda f: jax.grad(f, (0, 1)),
        lambda f: jax.grad(lambda *o: sum((g**2).sum() for g in jax.grad(f, (0, 1))(*o)), (0, 1)),
        lambda f: lambda *o: jax.jvp(f, o, o),
        lambda f: lambda *o: jax.jvp(jax.grad(f, (0, 1)), o, o),
        lambda f: jax.grad(lambda *o: jax.jvp(f, o, o)[1], (0, 1)),
    ):
        close(jax.jit(derive(loss(ours)))(one, other), jax.jit(derive(loss(lax)))(one, other))


@BY_NAME
@pytest.mark.parametrize("dtype", [np.float64, np.complex128])
def test_gradients_are_those_of_finite_differences(name, dtype):
    random = np.random.default_rng(7)
    for rank in (1, 2):
        ours, _, one, other = given(name, filled(random, rank), random, dtype)
        check_grads(ours, (one, other), order=2, modes=("fwd", "rev"))


def test_gradients_of_the_public_functions():
    random = np.random.default_rng(8)
    x, weight, bias = (
        random.standard_normal(shape) for shape in ((2, 4, 3, 5), (4, 3, 2, 4), (6,))
    )
    words = {"stride": (2, 3), "padding": [(1, -1), (0, 2)], "groups": 2, "dilation": (1, 2)}
    check_grads(
        lambda *arrays: tconv.conv_transpose(*arrays, **words),
        tuple(map(jnp.asarray, (x, weight, bias))), order=2, modes=("fwd", "rev"),
    )  # fmt: skip
    check_grads(lambda b: tconv.conv_transpose(x, weight, b, **words), (bias,), order=1)
    y = tconv.conv_transpose(x, weight, bias, **words)
    check_grads(lambda w: tconv.weight_gradient(x, w, (2, 4), **words), (y,), order=2)
    plain = {"stride": 2, "padding": 1, "groups": 3}
    weight = random.standard_normal((3, 2, 2, 3))
    check_grads(
        lambda *arrays: tconv.conv(*arrays, None, **plain), (y, weight), order=2,
        modes=("fwd", "rev"),
    )  # fmt: skip


def test_complex_gradients_are_conjugates_of_those_of_pytorch():
    """JAX's convention; tconv.conv_transpose tells PyTorch's."""
    random = np.random.default_rng(9)
    x, weight = (random_array(random, shape, np.complex128) for shape in ((2, 3, 4), (3, 2, 3)))
    y = random_array(random, (2, 2, 9), np.complex128)

    def loss(x, weight):
        made = tconv.conv_transpose(x, weight, stride=2)
        return (made.real * y.real + made.imag * y.imag).sum()

    for_x, for_weight = jax.grad(loss, (0, 1))(jnp.asarray(x), jnp.asarray(weight))
    adjoint = tconv.plan(weight, stride=2).adjoint(y)
    np.testing.assert_allclose(for_x, adjoint.conj(), atol=1e-12)
    expected = tconv.weight_gradient(x, y, 3, stride=2)
    np.testing.assert_allclose(for_weight, expected.conj(), atol=1e-12)
    made = tconv.weight_gradient(jnp.asarray(x), y, 3, stride=2)
    np.testing.assert_allclose(made, expected, atol=1e-12)
    holomorphic = jax.grad(lambda w: tconv.conv_transpose(x, w, stride=2).sum(), holomorphic=True)
    expected = tconv.weight_gradient(x.conj(), np.ones_like(y), 3, stride=2)
    np.testing.assert_allclose(holomorphic(jnp.asarray(weight)), expected, atol=1e-12)


def test_hessian():
    random = np.random.default_rng(10)
    x, weight = (jnp.asarray(random.standard_normal(s)) for s in ((2, 2, 3), (2, 2, 2)))
    words = {"stride": 3, "padding": [(1, -2)]}
    case = tconv.Geometry.of(3, 2, **words)

    def loss(compute):
        return lambda weight: (jnp.tanh(compute(weight)) ** 2).sum()

    ours = loss(lambda w: tconv.conv_transpose(x, w, **words))
    lax = loss(lambda w: on_lax.conv_transpose(x, w, case, 1))
    close(jax.hessian(ours)(weight), jax.hessian(lax)(weight))
    close(jax.jacrev(jax.jacrev(ours))(weight), jax.hessian(lax)(weight))


@BY_NAME
@pytest.mark.parametrize("which", ["first", "second", "both", "nested"])
def test_vmap(name, which):
    random = np.random.default_rng(11)
    for index in range(4):
        case = filled(random, 1 + index % 3)
        ours, _, one, other = given(name, case, random)
        if which == "nested":
            one, other = jnp.stack([one, 2 * one], 1), jnp.stack([other, -other, other / 2], 2)
            mapped = jax.vmap(jax.vmap(ours, (None, 2), 1), (1, None), 2)
            expected = jnp.stack(
                [jnp.stack([ours(one[:, i], other[:, :, j]) for j in range(3)], 1)
                 for i in range(2)], 2,
            )  # fmt: skip
            close(mapped(one, other), expected)
            continue
        axes = (None if which == "second" else 2, None if which == "first" else 1)
        operands = [
            array if axis is None else jnp.stack([array, 2 * array, array - 1], axis)
            for array, axis in zip((one, other), axes, strict=True)
        ]

        def at(index, operands=operands, axes=axes):
            return [
                array if axis is None else jnp.take(array, index, axis)
                for array, axis in zip(operands, axes, strict=True)
            ]

        expected = jnp.stack([ours(*at(index)) for index in range(3)], 1)
        close(jax.jit(jax.vmap(ours, axes, 1))(*operands), expected)

        def loss(*operands, ours=ours):
            return (ours(*operands) ** 3).sum()

        grads = jax.vmap(jax.grad(loss, (0, 1)), axes)(*operands)
        expected = [jax.grad(loss, (0, 1))(*at(index)) for index in range(3)]
        close(grads, [jnp.stack(each) for each in zip(*expected, strict=True)])


@BY_NAME
def test_vmap_over_nothing(name):
    ours, _, one, other = given(name, filled(np.random.default_rng(3), 2), np.random.default_rng(3))
    shape = ours(one, other).shape
    nothing = jnp.zeros((0, *one.shape)), jnp.zeros((0, *other.shape))
    assert jax.vmap(ours)(*nothing).shape == (0, *shape)
    assert jax.vmap(ours, (0, None))(nothing[0], other).shape == (0, *shape)


def test_per_sample_gradients_with_bias():
    random = np.random.default_rng(12)
    x, weight, bias = (jnp.asarray(random.standard_normal(s)) for s in ((5, 4, 6), (4, 3, 4), (3,)))

    def loss(weight, bias, x):
        return (tconv.conv_transpose(x, weight, bias, stride=2, padding=1) ** 2).sum()

    each = jax.vmap(jax.grad(loss, (0, 1)), (None, None, 0))(weight, bias, x)
    close(each, [jnp.stack(g) for g in zip(*(jax.grad(loss, (0, 1))(weight, bias, one)
                                             for one in x), strict=True)])  # fmt: skip
    several = jnp.stack([bias, -bias])
    made = jax.vmap(lambda b: tconv.conv_transpose(x, weight, b, stride=2))(several)
    close(made[1], tconv.conv_transpose(x, weight, -bias, stride=2))


@BY_NAME
def test_linear_transpose(name):
    random = np.random.default_rng(13)
    for rank in (1, 2, 3):
        ours, lax, one, other = given(name, filled(random, rank), random)
        made = ours(one, other)
        for function in (ours, lax):
            of_one, of_other = partial(swapped, function, other), partial(function, one)
            for partly, operand in ((of_one, one), (of_other, other)):
                (back,) = jax.linear_transpose(partly, operand)(made)
                np.testing.assert_allclose((back * operand).sum(), (made**2).sum(), rtol=1e-10)


def swapped(function, other, one):
    return function(one, other)


def decoder(x, weights):
    """Compute some layers in a loop, as many as there are weights."""

    def layer(x, weight):
        y = tconv.conv_transpose(x, weight, stride=2, padding=1)
        return jnp.tanh(tconv.conv(y, weight, stride=2, padding=1)), y.sum()

    return jax.lax.scan(layer, x, weights)


def test_loops_and_checkpoints():
    random = np.random.default_rng(14)
    x, weights = (jnp.asarray(random.standard_normal(s)) for s in ((2, 3, 5), (6, 3, 3, 4)))
    last, sums = jax.jit(decoder)(x, weights)
    y = x
    for weight, expected in zip(weights, sums, strict=True):
        wide = tconv.conv_transpose(y, weight, stride=2, padding=1)
        np.testing.assert_allclose(wide.sum(), expected)
        y = jnp.tanh(tconv.conv(wide, weight, stride=2, padding=1))
    close(last, y)

    def loss(decode):
        return lambda *operands: (decode(*operands)[0] ** 2).sum()

    plain = jax.jit(jax.grad(loss(decoder), (0, 1)))(x, weights)
    again = jax.jit(jax.grad(loss(jax.checkpoint(decoder)), (0, 1)))(x, weights)
    close(plain, again)
    check_grads(loss(decoder), (x, weights), order=1, rtol=1e-3)
    while_loop = jax.lax.fori_loop(0, 3, lambda i, x: decoder(x, weights[:1])[0], x)
    expected = decoder(x, jnp.concatenate([weights[:1]] * 3))[0]
    close(while_loop, expected)
    either = jax.jit(lambda p, x: jax.lax.cond(p, lambda x: decoder(x, weights)[0], jnp.tanh, x))
    close(either(True, x), last)


def test_many_threads_do_not_wait_for_one_another():
    random = np.random.default_rng(15)
    x, weights = (
        jnp.asarray(random.standard_normal(s), "float32") for s in ((4, 32, 16), (4, 32, 32, 4))
    )
    compiled = jax.jit(jax.value_and_grad(lambda *o: (decoder(*o)[0] ** 2).sum(), (0, 1)))
    expected = compiled(x, weights)

    def work():
        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(lambda _: compiled(x, weights), range(80)))

    made = in_time(work, 100)
    assert isinstance(made, list), made
    for one in made:
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(expected), strict=True):
            np.testing.assert_array_equal(a, b)


def test_donated_buffers():
    """A buffer that is given away may be written to only once nothing reads it any more."""
    random = np.random.default_rng(16)
    weight = jnp.asarray(random.standard_normal((8, 8, 3)))
    x = random.standard_normal((4, 8, 100))
    step = jax.jit(
        lambda x: tconv.conv_transpose(jnp.tanh(x), weight, padding=1) + x, donate_argnums=0
    )
    expected = tconv.conv_transpose(np.tanh(x), np.asarray(weight), padding=1) + x
    given = jnp.asarray(x) + 0  # of memory that XLA owns
    address = given.unsafe_buffer_pointer()
    made = step(given)
    assert given.is_deleted()
    assert made.unsafe_buffer_pointer() == address
    np.testing.assert_allclose(made, expected, atol=1e-12)


def test_compiled_once_for_equal_words():
    count = 0

    @jax.jit
    def layer(x, weight):
        nonlocal count
        count += 1
        return tconv.conv_transpose(x, weight, stride=2)

    for scale in (1.0, 2.0, 3.0):
        layer(jnp.full((1, 2, 3), scale), jnp.full((2, 2, 2), scale))
    assert count == 1
    x, weight = jnp.ones((1, 2, 3)), jnp.ones((2, 2, 2))
    before = primitives.conv_transpose_p
    with jax.log_compiles(False):
        same = jax.make_jaxpr(lambda x: tconv.conv_transpose(x, weight, None, 2, 1))(x)
        other = jax.make_jaxpr(lambda x: tconv.conv_transpose(x, weight, None, [2], [(1, 1)]))(x)
    assert same.eqns[-1].primitive is before
    assert same.eqns[-1].params == other.eqns[-1].params
    assert hash(same.eqns[-1].params["geometry"]) == hash(other.eqns[-1].params["geometry"])


def test_shapes_are_told_without_computing():
    def layer(x):
        return tconv.conv_transpose(x, np.zeros((3, 2, 4, 4)), stride=2)

    told = jax.eval_shape(layer, jax.ShapeDtypeStruct((7, 3, 10**6, 10**6), "float32"))
    assert told.shape == (7, 2, 2 * 10**6 + 2, 2 * 10**6 + 2)


def test_exported_programs_take_any_batch():
    export = jax.export
    checks = [export.DisabledSafetyCheck.custom_call(op.function) for op in lowering.OPERATORS]
    weight = jnp.asarray(np.random.default_rng(17).standard_normal((4, 3, 4)))

    @jax.jit
    def step(x, weight):
        return jax.value_and_grad(lambda w: (tconv.conv_transpose(x, w) ** 2).sum())(weight)

    (n,) = export.symbolic_shape("n")
    words = {"platforms": ("cpu", "cuda"), "disabled_checks": checks}
    saved = export.export(step, **words)(jax.ShapeDtypeStruct((n, 4, 5), weight.dtype), weight)
    for batch in (1, 7):
        x = jnp.asarray(np.random.default_rng(batch).standard_normal((batch, 4, 5)))
        close(saved.call(x, weight), step(x, weight))
    (m,) = export.symbolic_shape("m")
    with pytest.raises(TypeError, match="input_size must be an integer, got m"):
        export.export(step)(jax.ShapeDtypeStruct((1, 4, m), weight.dtype), weight)


def test_arrays_are_let_go():
    x = jnp.ones((1, 2, 30))
    weight = jnp.ones((2, 2, 4))
    for _ in range(5):
        made = tconv.conv_transpose(x, weight)
    gone = weakref.ref(weight), weakref.ref(made)
    del weight, made
    gc.collect()
    assert all(one() is None for one in gone)
