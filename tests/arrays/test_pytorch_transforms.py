"""The transforms of ``torch.func``, and older ways, give what PyTorch's layer gives."""

import itertools

import pytest
import torch
from torch.func import (
    functional_call,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    stack_module_state,
    vjp,
    vmap,
)

import tconv
from arrays.torch_layers import SAYABLE, SMALL, Small
from tconv import nn

torch.set_num_threads(1)

GROUPED = SAYABLE["2d groups"]
UNEQUAL = SAYABLE["2d unequal"]
NAMES = ["1d dilated", "2d groups", "2d depthwise", "2d unequal", "3d"]


def plain(layer, **words):
    return tuple(t.detach() for t in layer.tensors(**words))


def assert_same(made, expected):
    made, expected = (torch.utils._pytree.tree_leaves(each) for each in (made, expected))
    assert len(made) == len(expected)
    assert any(one.abs().max() > 0 for one in expected)
    for one, other in zip(made, expected, strict=True):
        torch.testing.assert_close(one, other)


def both(transform, layer, *arguments):
    assert_same(transform(layer.ours)(*arguments), transform(layer.theirs)(*arguments))


def cubed(function):
    return lambda *tensors: (function(*tensors) ** 3).sum()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", [0, 1, 2, (0, 1, 2)])
def test_grad(name, which):
    both(lambda f: grad(cubed(f), argnums=which), SAYABLE[name], *plain(SAYABLE[name]))


@pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node")  # by linearize
@pytest.mark.parametrize("name", NAMES)
def test_vjp_and_jvp(name):
    layer = SAYABLE[name]
    given = plain(layer)
    tangents = plain(layer, seed=1)
    both(lambda f: lambda *t: vjp(f, *t)[1](torch.ones_like(f(*t))), layer, *given)
    both(lambda f: lambda *t: jvp(f, t, tangents), layer, *given)
    both(lambda f: lambda *t: linearize(f, *t)[1](*tangents), layer, *given)
    for index, tangent in enumerate(tangents):

        def along(function, index=index, tangent=tangent):
            return lambda *t: jvp(
                lambda one: function(*t[:index], one, *t[index + 1 :]), (t[index],), (tangent,)
            )

        both(along, layer, *given)


@pytest.mark.parametrize("transform", [jacrev, jacfwd])
@pytest.mark.parametrize("name", NAMES)
def test_jacobians(name, transform):
    both(lambda f: transform(f, argnums=(0, 1, 2)), SAYABLE[name], *plain(SAYABLE[name]))


@pytest.mark.parametrize("name", ["1d dilated", "2d groups"])
def test_hessians(name):
    both(lambda f: hessian(cubed(f), argnums=(0, 1)), SAYABLE[name], *plain(SAYABLE[name]))
    both(lambda f: jacrev(jacrev(cubed(f))), SAYABLE[name], *plain(SAYABLE[name]))
    both(lambda f: jacfwd(jacfwd(cubed(f), argnums=1)), SAYABLE[name], *plain(SAYABLE[name]))


@pytest.mark.parametrize("order", list(itertools.product((jacrev, jacfwd), repeat=3)))
def test_third_derivatives_in_each_order(order):
    """A Function of PyTorch 2.13 by itself gives zeros where forward mode is nested."""
    x, weight, bias = plain(SAYABLE["1d stride beyond the kernel"])

    def third(function):
        def cube(x, weight):
            return (function(x[:1, :1], weight[:1, :2], bias[:2]) ** 3).sum()

        for transform, argument in zip(order, (1, 0, 0), strict=True):
            cube = transform(cube, argnums=argument)
        return cube

    both(third, Small((3,), (2,), {"stride": 3}), x, weight)


def batches(tensors, dims, count=3):
    """Stack different values of each tensor whose dimension is not None."""
    return tuple(
        t if d is None else torch.stack([t * (1 + n) + n for n in range(count)], d)
        for t, d in zip(tensors, dims, strict=True)
    )


DIMS = [d for d in itertools.product((None, 0), (None, 0), (None, 0)) if d != (None,) * 3]


@pytest.mark.parametrize("dims", [*DIMS, (1, 2, 1), (3, None, 1), (-1, -1, -1)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_vmap_over_each_argument(name, dims):
    layer = SAYABLE[name]
    both(lambda f: vmap(f, in_dims=dims), layer, *batches(plain(layer), dims))


@pytest.mark.parametrize("dims", [(0, 0), (0, None), (None, 0), (1, 2)], ids=str)
def test_vmap_without_a_bias(dims):
    x, weight, _ = plain(UNEQUAL)
    both(lambda f: vmap(f, in_dims=dims), UNEQUAL, *batches((x, weight), dims))


@pytest.mark.parametrize("dims", [(0, 0, 0), (0, None, 0), (1, 1, 1)], ids=str)
def test_vmap_out_dims_chunks_and_nesting(dims):
    tensors = batches(plain(GROUPED), dims)
    both(lambda f: vmap(f, in_dims=dims, out_dims=2), GROUPED, *tensors)
    both(lambda f: vmap(f, in_dims=dims, chunk_size=2), GROUPED, *tensors)
    twice = batches(tensors, (0, None, 1))
    both(lambda f: vmap(vmap(f, in_dims=dims), in_dims=(0, None, 1)), GROUPED, *twice)


@pytest.mark.parametrize("dims", [(0, None, None), (0, 0, None), (1, 0, 0), (1, None, 0)], ids=str)
def test_vmap_of_no_images(dims):
    """An empty batch within each of three calls."""
    x, weight, bias = plain(UNEQUAL)
    tensors = batches((x[:0], weight, bias), dims)
    made = vmap(UNEQUAL.ours, in_dims=dims)(*tensors)
    assert made.shape == vmap(UNEQUAL.theirs, in_dims=dims)(*tensors).shape


@pytest.mark.parametrize("dims", DIMS, ids=str)
def test_vmap_without_batch_axis(dims):
    x, weight, bias = plain(UNEQUAL)
    both(lambda f: vmap(f, in_dims=dims), UNEQUAL, *batches((x[0], weight, bias), dims))


@pytest.mark.parametrize("dims", [(0, None), (None, 0), (0, 0), (1, 2)], ids=str)
def test_vmap_of_conv_and_of_the_weight_gradient(dims):
    x, weight, _ = plain(GROUPED)
    y = GROUPED.ours(x, weight)
    stride = GROUPED.words["stride"]

    def each(f, *tensors):
        """Call by call."""
        moved = [
            t.movedim(d, 0) if d is not None else [t] * 3
            for t, d in zip(tensors, dims, strict=True)
        ]
        return torch.stack([f(*call) for call in zip(*moved, strict=True)])

    def conv(y, weight):
        return tconv.conv(y, weight, stride=stride, groups=2)

    def weight_gradient(x, y):
        return tconv.weight_gradient(x, y, weight.shape[2:], stride, groups=2)

    for f, pair in ((conv, (y, weight)), (weight_gradient, (x, y))):
        tensors = batches(pair, dims)
        assert_same(vmap(f, in_dims=dims)(*tensors), each(f, *tensors))


@pytest.mark.parametrize("dims", [(0, None, None), (0, 0, 0), (None, 1, None)], ids=str)
def test_vmap_within_and_around_derivatives(dims):
    tensors = batches(plain(UNEQUAL), dims)
    every = (0, 1, 2)
    both(lambda f: vmap(grad(cubed(f), argnums=every), in_dims=dims), UNEQUAL, *tensors)
    both(lambda f: grad(cubed(vmap(f, in_dims=dims)), argnums=every), UNEQUAL, *tensors)
    tangents = tuple(torch.ones_like(t) for t in plain(UNEQUAL))
    both(lambda f: vmap(lambda *t: jvp(f, t, tangents), in_dims=dims), UNEQUAL, *tensors)
    both(lambda f: vmap(jacrev(f, argnums=1), in_dims=dims), UNEQUAL, *tensors)


def test_a_batch_of_weights_that_record_gradients():
    """A vmap outside torch.func's own derivatives, with gradients by ``backward``."""
    tensors = [t.requires_grad_() for t in batches(plain(GROUPED), (0, 0, 0))]
    made, expected = (
        torch.autograd.grad(cubed(vmap(f))(*tensors), tensors)
        for f in (GROUPED.ours, GROUPED.theirs)
    )
    assert_same(made, expected)


def models(kind, **words):
    torch.manual_seed(3)
    model = torch.nn.Sequential(
        kind(2, 4, 3, stride=2, padding=1, groups=2, **words),
        torch.nn.Tanh(),
        kind(4, 1, 4, stride=2, padding=1, **words),
    )
    return model.double()


def loss(model, parameters, image, target):
    return ((functional_call(model, parameters, (image.unsqueeze(0),)) - target) ** 2).mean()


def test_gradients_of_each_image():
    images, targets = torch.randn(4, 2, 3, 5).double(), torch.randn(4, 1, 10, 18).double()
    found = []
    for kind in (nn.ConvTranspose2d, torch.nn.ConvTranspose2d):
        model = models(kind)
        parameters = {name: p.detach() for name, p in model.named_parameters()}
        each = vmap(grad(loss, argnums=1), in_dims=(None, None, 0, 0))
        found.append(each(model, parameters, images, targets))
        for index in range(len(images)):
            model.zero_grad()
            loss(model, dict(model.named_parameters()), images[index], targets[index]).backward()
            for name, p in model.named_parameters():
                torch.testing.assert_close(found[-1][name][index], p.grad)
    assert_same(*found)


def test_ensembles():
    """Several models of different weights, on the same images and on their own."""
    several = [models(nn.ConvTranspose2d) for _ in range(3)]
    for index, model in enumerate(several):
        for p in model.parameters():
            p.data.mul_(1 + index)
    parameters, buffers = stack_module_state(several)
    images = torch.randn(3, 2, 2, 3, 5).double()

    def call(parameters, buffers, x):
        return functional_call(several[0], (parameters, buffers), (x,))

    for dim, each in ((None, [images[0]] * 3), (0, images)):
        made = vmap(call, in_dims=(0, 0, dim))(parameters, buffers, images if dim == 0 else each[0])
        expected = torch.stack([model(x) for model, x in zip(several, each, strict=True)])
        torch.testing.assert_close(made, expected)


@pytest.mark.parametrize("name", ["1d same", "2d cropped unevenly", "2d appended"])
def test_layers_that_pytorch_cannot_say(name):
    """Both directions, and calls in turn, agree."""
    layer = SMALL[name]
    given = plain(layer)
    assert_same(
        jacfwd(layer.ours, argnums=(0, 1, 2))(*given), jacrev(layer.ours, argnums=(0, 1, 2))(*given)
    )
    tensors = batches(given, (0, 0, 0))
    expected = torch.stack([layer.ours(*call) for call in zip(*tensors, strict=True)])
    assert_same(vmap(layer.ours)(*tensors), expected)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_jacobians_of_autograd(strategy):
    """``torch.autograd.functional`` makes batches by an older mechanism than ``torch.func``."""
    found = [
        torch.autograd.functional.jacobian(f, plain(GROUPED), vectorize=True, strategy=strategy)
        for f in (GROUPED.ours, GROUPED.theirs)
    ]
    assert_same(*found)


def test_functionalize():
    both(torch.func.functionalize, GROUPED, *plain(GROUPED))
