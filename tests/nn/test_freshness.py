"""A layer's result is that of its weights as they are now, however they came to change.

Each test calls a layer until its packed weights are kept, changes a weight in one of the ways that
PyTorch, NumPy and other processes know, and calls it again.
"""

import copy
import io
import multiprocessing
import pickle
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector, parametrizations, prune, vector_to_parameters

import tconv.nn
from tconv.arrays.pytorch.weights import CACHE, WeightCache

torch.set_num_threads(1)
X = torch.randn(2, 6, 5, 4, generator=torch.Generator().manual_seed(0))


def layer(**words):
    torch.manual_seed(1)
    return tconv.nn.ConvTranspose2d(6, 4, (4, 3), stride=2, padding=1, **words)


def result(module, x=X):
    with torch.no_grad():
        return module(x)


def expected(module, x=X):
    """Compute by PyTorch, with what the layer holds now."""
    with torch.no_grad():
        return nn.functional.conv_transpose2d(
            x, module.weight.detach().clone(), module.bias.detach().clone(), 2, 1
        )


def kept(module):
    """Call a layer until its packed weights are kept, and see that they are."""
    CACHE.clear()
    for _ in range(3):
        result(module)
    assert CACHE.bytes > 0
    return module


def assert_fresh(module, before=None):
    for _ in range(3):
        actual = result(module)
        assert torch.allclose(actual, expected(module), atol=1e-5)
    if before is not None:
        assert (actual - before).abs().max() > 1e-2


def under_no_grad(module):
    with torch.no_grad():
        module.weight.mul_(2)


def detached(module):
    module.weight.detach().mul_(2)


def through_a_view(module):
    with torch.no_grad():
        module.weight[0].view(-1)[3:].add_(1)


def one_number(module):
    with torch.no_grad():
        module.weight[5, 3, 3, 2] += 1


def bias_alone(module):
    with torch.no_grad():
        module.bias.add_(1)


def init(module):
    nn.init.xavier_normal_(module.weight)


def load_state_dict(module):
    module.load_state_dict({name: t + 1 for name, t in module.state_dict().items()})


def load_by_assignment(module):
    module.load_state_dict({n: t + 1 for n, t in module.state_dict().items()}, assign=True)


def data_edit(module):
    module.weight.data.mul_(2)


def data_lerp(module):
    module.weight.data.lerp_(torch.ones(6, 4, 4, 3), 0.5)


def foreach_on_data(module):
    torch._foreach_mul_([p.data for p in module.parameters()], 2)


def data_assigned(module):
    module.weight.data = module.weight.data * 2


def by_numpy(module):
    module.weight.detach().numpy()[:] *= 2


def by_dlpack(module):
    torch.from_dlpack(module.weight.detach().numpy()).mul_(2)


def by_storage(module):
    storage = module.weight.untyped_storage()
    torch.empty(0).set_(storage, 0, (module.weight.numel(),)).mul_(2)


def by_a_vector(module):
    vector_to_parameters(
        parameters_to_vector(module.parameters()).detach() * 2, module.parameters()
    )


def new_parameter(module):
    module.weight = nn.Parameter(module.weight.detach() * 2)


def swapped(module):
    torch.utils.swap_tensors(module.weight, nn.Parameter(module.weight.detach() * 2))


def half_and_back(module):
    module.weight.data.add_(1e-4)
    module.half().float()
    module.weight.data.mul_(2)


def averaged(module):
    other = layer()
    with torch.no_grad():
        other.weight.add_(5)
    model = torch.optim.swa_utils.AveragedModel(module)
    model.update_parameters(other)
    model.update_parameters(module)
    module.load_state_dict(model.module.state_dict())
    with torch.no_grad():
        module.weight.add_(other.weight)


def swap_flag(module):
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        module.double().float()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)
    module.weight.data.mul_(2)


CHANGES = (
    under_no_grad, detached, through_a_view, one_number, bias_alone, init, load_state_dict,
    load_by_assignment, data_edit, data_lerp, foreach_on_data, data_assigned, by_numpy, by_dlpack,
    by_storage, by_a_vector, new_parameter, swapped, half_and_back, averaged, swap_flag,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_edits(change):
    module = kept(layer())
    before = result(module)
    change(module)
    assert_fresh(module, before)


OPTIMIZERS = {
    f"{kind.__name__}, {way}": (kind, {} if way == "plain" else {way: True})
    for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad)
    for way in ("plain", "foreach", "fused")
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    kind, words = OPTIMIZERS[name]
    module = kept(layer())
    before = result(module)
    optimizer = kind(module.parameters(), lr=0.5, **words)
    module(X).square().sum().backward()
    optimizer.step()
    assert_fresh(module, before)


def test_memory_formats_and_shared_memory():
    module = kept(layer())
    module.to(memory_format=torch.channels_last)
    assert_fresh(module)
    kept(module).weight.data.mul_(2)
    assert_fresh(module)
    module.share_memory()
    assert_fresh(module)


def double(weight):
    weight.mul_(2)


def test_another_process_edits_shared_memory():
    module = layer().share_memory()
    before = result(kept(module))
    child = multiprocessing.get_context("spawn").Process(target=double, args=(module.weight.data,))
    child.start()
    child.join(120)
    assert child.exitcode == 0
    assert_fresh(module, before)


@pytest.mark.skipif(not torch.distributed.is_available(), reason="needs torch.distributed")
def test_distributed(tmp_path):
    dist = torch.distributed
    store = dist.FileStore(str(tmp_path / "store"), 1)
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        module = kept(layer())
        parallel = nn.parallel.DistributedDataParallel(module)
        assert_fresh(module)
        before = result(parallel)
        dist.broadcast(module.weight.data.mul_(2), 0)
        assert_fresh(module, before)
    finally:
        dist.destroy_process_group()


def test_copies_are_layers_of_their_own():
    module = kept(layer())
    stream = io.BytesIO()
    torch.save(module, stream)
    stream.seek(0)
    loaded = torch.load(stream, weights_only=False)
    for other in (
        copy.deepcopy(module),
        copy.copy(module),
        pickle.loads(pickle.dumps(module)),
        loaded,
    ):
        other.weight = nn.Parameter(other.weight.detach() * 3)
        assert_fresh(other)
        assert_fresh(module)


def test_an_owner_beside_it_edits():
    one, other = layer(), layer()
    other.weight = one.weight
    before = result(kept(one))
    with torch.no_grad():
        other.weight.mul_(2)
    assert_fresh(one, before)


def test_functional_call():
    module = kept(layer())
    weights = {name: t * 2 for name, t in module.state_dict().items()}
    with torch.no_grad():
        for _ in range(3):
            y = torch.func.functional_call(module, weights, (X,))
            assert torch.allclose(y, 2 * expected(module), atol=1e-5)
    assert_fresh(module)


def old_weight_norm(module):
    return torch.nn.utils.weight_norm(module)


COMPUTED = {
    "weight_norm": (parametrizations.weight_norm, "original0"),
    "spectral_norm": (parametrizations.spectral_norm, "original"),
    "old weight_norm": (old_weight_norm, "weight_g"),
    "old spectral_norm": (torch.nn.utils.spectral_norm, "weight_orig"),
    "prune": (lambda module: prune.l1_unstructured(module, "weight", 0.4), "weight_orig"),
}


@pytest.mark.parametrize("name", COMPUTED)
@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_weights_that_are_computed_in_each_call(name):
    wrap, part = COMPUTED[name]
    module = wrap(layer()).eval()
    before = result(kept(module))
    source = next(p for n, p in module.named_parameters() if n.endswith(part))
    with torch.no_grad():
        source[0] *= 2
        source[1].add_(0.5)
    after = [result(module) for _ in range(3)][-1]
    assert torch.allclose(after, expected(module), atol=1e-5)
    assert (after - before).abs().max() > 1e-3


def test_weights_made_in_inference_mode():
    with torch.inference_mode():
        module = layer()
        for factor in (1, 2, 3):
            module.weight.mul_(factor)
            for _ in range(3):
                assert torch.allclose(module(X), expected(module), atol=1e-5)


def test_nan_and_zero_are_told_by_their_bytes():
    module = kept(layer())
    with torch.no_grad():
        module.weight[0, 0, 0, 0] = float("nan")
        assert result(kept(module)).isnan().any()
        module.weight[0, 0, 0, 0] = 1
    assert_fresh(module)
    with torch.no_grad():
        module.weight.zero_()
        kept(module)
        module.weight.neg_()
    assert_fresh(module)


# The cache itself -----------------------------------------------------------------------------


def test_what_is_met_once_is_not_kept():
    CACHE.clear()
    result(layer())
    assert CACHE.bytes == 0
    result(layer())
    assert CACHE.bytes > 0


def test_what_learns_is_not_kept():
    CACHE.clear()
    module = layer()
    for _ in range(3):
        module(X).sum().backward()
    assert CACHE.bytes == 0


def test_layers_of_one_shape_are_kept_side_by_side():
    CACHE.clear()
    layers = [layer() for _ in range(4)]
    with torch.no_grad():
        for index, module in enumerate(layers):
            module.weight.add_(index)
    for _ in range(3):
        for module in layers:
            assert_fresh(module)
    assert len({id(e.packed) for all_ in CACHE._entries.values() for e in all_}) == 4


def test_the_least_recently_used_go(monkeypatch):
    numbers = [(torch.full((100,), float(n)).numpy(),) for n in range(4)]
    cache = WeightCache(limit=3 * 3 * 400)
    for n in range(3):
        cache.add("layer", numbers[n], OrderedDict())
    assert cache.find("layer", numbers[0])
    cache.add("other", numbers[3], OrderedDict())
    assert cache.bytes == 3 * 3 * 400
    assert cache.find("layer", numbers[0])
    assert not cache.find("layer", numbers[1])
    large = (torch.zeros(10_000).numpy(),)
    cache.add("large", large, OrderedDict())
    assert cache.find("large", large)
    assert not cache.find("other", numbers[3])


def test_frozen_weights_hold_their_memory():
    cache = WeightCache(limit=10_000)
    tensor = torch.ones(100)
    entry = cache.add("layer", (tensor.numpy().copy(),), OrderedDict())
    cache.freeze("identity", entry, (tensor,))
    assert cache.frozen("identity") is entry.packed
    assert cache.frozen("another") is None
    cache.add("large", (torch.zeros(5_000).numpy(),), OrderedDict())
    assert cache.frozen("identity") is None
    cache.clear()
    assert cache.bytes == 0
