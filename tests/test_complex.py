"""Gradients of complex layers: by differences, and by dot products, on either path."""

import numpy as np
import pytest

import tconv
from strategies import cropped_case, padded_case, random_array
from tconv import engine
from tconv.engine import adjoint, packed, planning

DTYPES = ["complex64", "complex128"]


@pytest.fixture(params=["engine", "phases"])
def path(request, monkeypatch):
    """Compute by the compiled engine, or by its NumPy counterpart."""
    if request.param == "phases":
        for module in (adjoint, packed, planning):
            monkeypatch.setattr(module, "unsupported_reason", lambda *_: "not now")
    elif not engine.available():
        pytest.skip("the engine is not built")
    return request.param


def layers(dtype, count):
    """Yield layers of one to five axes with one image or more."""
    random = np.random.default_rng(7)
    while count:
        draw = (cropped_case, padded_case)[count % 2]
        rank = 1 + count % 5
        case = draw(random, min(rank, 4))
        if not case.batch:
            continue
        count -= 1
        arrays = case.arrays(random, np.dtype(dtype))
        geometry, words = case.geometry, {"groups": case.groups}
        words["stride"], words["dilation"] = geometry.stride, geometry.dilation
        words["padding"] = geometry.crop
        if rank == 5:  # one more axis, which the kernel mixes too
            words["stride"], words["dilation"] = (*geometry.stride, 2), (*geometry.dilation, 1)
            words["padding"] = (*geometry.crop, (1, 0))
            shapes = ((*case.x_shape, 2), (*case.weight_shape, 3), arrays[2].shape)
            arrays = [random_array(random, shape, np.dtype(dtype)) for shape in shapes]
        yield random, words, *arrays


def by_differences(loss, z):
    """Return dL/dRe z + i·dL/dIm z; central differences of a quadratic loss are exact."""
    gradient = np.empty_like(z)
    for place in np.ndindex(z.shape):
        parts = []
        for step in (0.5, 0.5j):
            there, back = z.copy(), z.copy()
            there[place] += step
            back[place] -= step
            parts.append(loss(there) - loss(back))
        gradient[place] = parts[0] + 1j * parts[1]
    return gradient


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_are_those_of_a_real_loss(dtype, path):
    x, weight, bias = (
        random_array(np.random.default_rng(n), shape, np.dtype(dtype))
        for n, shape in enumerate([(2, 4, 3, 2), (4, 2, 2, 3), (4,)])
    )
    words = {"stride": (2, 1), "padding": [(0, 1), (1, -1)], "groups": 2, "dilation": (1, 2)}

    def layer(x, weight, bias):
        return tconv.conv_transpose(x, weight, bias, **words)

    def loss(*given):
        return float((abs(layer(*given).astype(complex) - target) ** 2).sum() / 2)

    y = layer(x, weight, bias)
    target = random_array(np.random.default_rng(9), y.shape, np.dtype(dtype))
    grad = y - target
    near = {"rtol": 0, "atol": 2e-3 if dtype == "complex64" else 1e-11}
    plan = tconv.plan(weight, bias, **words)
    np.testing.assert_allclose(
        plan.adjoint(grad), by_differences(lambda z: loss(z, weight, bias), x), **near
    )
    np.testing.assert_allclose(
        tconv.weight_gradient(x, grad, (2, 3), **words),
        by_differences(lambda z: loss(x, z, bias), weight),
        **near,
    )
    np.testing.assert_allclose(
        grad.sum((0, 2, 3)), by_differences(lambda z: loss(x, weight, z), bias), **near
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_dot_products(dtype, path):
    for random, words, x, weight, _ in layers(dtype, 60):
        plan = tconv.plan(weight, **words)
        y = plan(x)
        other = random_array(random, y.shape, y.dtype)
        bound = 100 * np.finfo(dtype).eps * np.linalg.norm(x) * np.linalg.norm(weight)
        bound *= np.linalg.norm(other)
        forward = np.vdot(y, other)
        assert abs(forward - np.vdot(x, plan.adjoint(other))) <= bound
        gradient = tconv.weight_gradient(x, other, weight.shape[2:], **words)
        assert gradient.dtype == dtype
        assert abs(forward - np.vdot(weight, gradient)) <= bound


@pytest.mark.parametrize("dtype", DTYPES)
def test_dot_products_of_the_direct_convolution(dtype, path):
    random = np.random.default_rng(3)
    for _ in range(30):
        case = padded_case(random, int(random.integers(1, 5)))
        y = random_array(random, case.y_shape, np.dtype(dtype))
        weight = case.arrays(random, np.dtype(dtype))[1]
        words = {"stride": case.geometry.stride, "dilation": case.geometry.dilation}
        words |= {"groups": case.groups, "padding": case.words["padding"]}
        x = tconv.conv(y, weight, **words)
        other = random_array(random, x.shape, x.dtype)
        size = {"output_size": case.geometry.output_size}
        back = tconv.conv_transpose(other, weight.conj(), **words, **size)
        bound = 100 * np.finfo(dtype).eps * np.linalg.norm(y) * np.linalg.norm(weight)
        assert abs(np.vdot(x, other) - np.vdot(y, back)) <= bound * np.linalg.norm(other)


def test_mixed_with_real_numbers(path):
    random = np.random.default_rng(1)
    x, grad = random.standard_normal((1, 2, 5)), random.standard_normal((1, 3, 7)) * (1 + 2j)
    np.testing.assert_allclose(
        tconv.weight_gradient(x, grad, 3), tconv.weight_gradient(x + 0j, grad, 3)
    )
    y = random.standard_normal((1, 3, 7))
    weight = random.standard_normal((2, 3, 3)) * (1 - 3j)
    back = tconv.plan(weight).adjoint(y)
    np.testing.assert_allclose(back, tconv.plan(weight.real).adjoint(y) * (1 + 3j))
