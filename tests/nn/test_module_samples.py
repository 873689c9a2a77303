"""The samples that PyTorch tests its own ConvTranspose layers with, our layers in their place."""

import pytest
import torch

from arrays.torch_internals import MODULES
from tconv import nn

torch.set_num_threads(1)


def samples(name, dtype, training):
    info = MODULES[name]
    words = {"requires_grad": True, "training": training}
    return info.module_inputs_func(info, device="cpu", dtype=dtype, **words)


@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", MODULES)
def test_samples(name, dtype, training):
    met = 0
    for sample in samples(name, dtype, training):
        made = sample.constructor_input
        layers = []
        for kind in (getattr(nn, name), getattr(torch.nn, name)):
            torch.manual_seed(1)
            layer = kind(*made.args, **made.kwargs, dtype=dtype).train(training)
            given = sample.forward_input
            y = layer(*given.args, **given.kwargs)
            y.sum().backward()
            layers.append((y, [p.grad for p in layer.parameters()], layer))
        (y, grads, layer), (expected, known, other) = layers
        torch.testing.assert_close(y, expected)
        torch.testing.assert_close(grads, known)
        assert type(layer).__name__ == type(other).__name__
        assert repr(layer) == repr(other)
        met += 1
    assert met >= 2


def test_every_layer_is_met():
    assert {name for name in nn.__all__ if "ConvTranspose" in name} == set(MODULES)
