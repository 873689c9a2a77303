"""A model is faster, and gives what it gave: every way that data may flow, and every way out."""

import copy
import pickle
import threading

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

import tconv.nn
from tconv.nn.accelerate.links import LINK, links_of

torch.set_num_threads(1)


def randomized(model, seed=0):
    """Give batch normalizations statistics that matter, and put the model into evaluation."""
    torch.manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias)
    return model.eval()


class Up(nn.Module):
    """A layer with its normalization and activation, called in the ways that subclasses say."""

    def __init__(self):
        super().__init__()
        self.conv = nn.ConvTranspose2d(4, 6, (4, 3), stride=2, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class Twice(Up):
    def __init__(self):
        super().__init__()
        self.conv = nn.ConvTranspose2d(6, 6, 4, stride=2, padding=1)
        self.enter = nn.Conv2d(4, 6, 1)

    def forward(self, x):
        return self.norm(self.conv(self.act(self.conv(self.enter(x)))))


class Gathers(Up):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(self.conv, self.norm, self.act)

    def forward(self, x):
        seen = []
        for module in self.body:
            x = module(x)
            seen.append(x)
        return torch.cat(seen)


class Keeps(Up):
    def forward(self, x):
        self.last = self.conv(x)
        return self.act(self.norm(self.last))


class KeepsInAList(Up):
    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        y = self.conv(x)
        self.seen.append(y)
        return self.act(self.norm(y))


class SharesItsNorm(Up):
    def __init__(self):
        super().__init__()
        self.other = nn.ConvTranspose2d(4, 6, (4, 3), stride=2, padding=1)

    def forward(self, x):
        return self.norm(self.conv(x)) + self.norm(self.other(x))


class Skips(Up):
    def forward(self, x):
        y = self.conv(x)
        return y + self.act(self.norm(y))


class CallsAGrandchild(nn.Module):
    def __init__(self):
        super().__init__()
        self.child = nn.Sequential(Up())

    def forward(self, x):
        return self.child(x), self.child[0].conv(x)


class Branches(Up):
    def forward(self, x):
        y = self.conv(x)
        return self.norm(y) if x.sum() > 1e9 else y


class ReturnsBoth(Up):
    def forward(self, x):
        y = self.conv(x)
        return {"y": y, "z": [self.norm(y)]}


class ViewsBetween(Up):
    def forward(self, x):
        return self.norm(self.conv(x) * 2)


class Flagged(Up):
    flag = False

    def forward(self, x):
        y = self.conv(x)
        return self.act(y if self.flag else self.norm(y))


class Functional(Up):
    def forward(self, x):
        return F.relu(self.norm(self.conv(x)), inplace=True)


class SharesItsActivation(Up):
    def forward(self, x):
        return self.act(self.norm(self.conv(self.act(x))))


NEVER_FOLDED = (
    Twice, Gathers, Keeps, KeepsInAList, SharesItsNorm, Skips, CallsAGrandchild, Branches,
    ReturnsBoth, ViewsBetween,
)  # fmt: skip
FOLDED = {Up: ("norm", "act"), Functional: ("norm",), SharesItsActivation: ("norm",)}


def leaves(output):
    return torch.utils._pytree.tree_leaves(output)


def assert_same(actual, expected, tolerance=2e-6):
    for one, other in zip(leaves(actual), leaves(expected), strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= tolerance * other.abs().max()


def inputs(*shape, seed=1):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("verified", [False, True])
@pytest.mark.parametrize("kind", [*FOLDED, *NEVER_FOLDED, Flagged])
def test_outputs_stay(kind, verified, faster):
    model, x = randomized(kind()), inputs(2, 4, 5, 6)
    with torch.no_grad():
        before = [model(t) for t in (x, -x)]
        report = tconv.nn.accelerate(model, verify=x if verified else None)
        assert isinstance(model.get_submodule(conv_of(model)), nn.ConvTranspose2d)
        assert links_of(model)
        for _ in range(3):
            assert_same([model(t) for t in (x, -x)], before)
        report.undo()
        assert not any(hasattr(module, LINK) for module in model.modules())
        assert_same([model(t) for t in (x, -x)], before, 0)


def conv_of(model):
    return next(n for n, m in model.named_modules() if isinstance(m, nn.ConvTranspose2d))


@pytest.fixture
def faster(monkeypatch):
    """Let every replacement gain, so that what is measured does not decide what is tested."""
    from tconv.nn.accelerate import accelerating

    monkeypatch.setattr(accelerating, "measured", lambda *_: (2.0, 1.0))
    monkeypatch.setattr(accelerating._Work, "_model_times", lambda *_: (2.0, 1.0))


@pytest.mark.parametrize("verified", [False, True])
@pytest.mark.parametrize("kind", [*FOLDED, *NEVER_FOLDED])
def test_what_is_folded(kind, verified, faster):
    model = randomized(kind())
    tconv.nn.accelerate(model, verify=inputs(2, 4, 5, 6) if verified else None)
    folded = [module for made in links_of(model) for module in made.members()[1:]]
    assert folded == [getattr(model, name) for name in FOLDED.get(kind, ())]
    assert (kind in FOLDED) or "norm" not in str(folded)


def test_nothing_is_left_on_a_model_that_keeps_what_it_saw():
    model = randomized(Keeps())
    tconv.nn.accelerate(model)
    assert not hasattr(model, "last")
    listed = randomized(KeepsInAList())
    tconv.nn.accelerate(listed)
    assert not any(isinstance(value, torch.fx.Proxy) for value in listed.seen)


def test_a_way_that_was_not_foreseen_is_an_error_and_restores(faster):
    model, x = randomized(Flagged()), inputs(2, 4, 5, 6)
    with torch.no_grad():
        model.flag = True
        expected = model(x)
        model.flag = False
        tconv.nn.accelerate(model, verify=x)
        assert links_of(model)[0].norm is model.norm
        model(x)
        model.flag = True
        with pytest.raises(RuntimeError, match="could not foresee"):
            model(x)
        assert_same(model(x), expected, 0)


def test_a_result_that_was_not_handed_on_is_an_error_the_next_time():
    model = randomized(nn.Sequential(nn.ConvTranspose2d(4, 6, 3), nn.BatchNorm2d(6)))
    x = inputs(1, 4, 5, 6)
    tconv.nn.accelerate(model)
    with torch.no_grad():
        model[0](x)
        with pytest.raises(RuntimeError, match="was not handed on"):
            model(x)
        assert type(model[0]) is nn.ConvTranspose2d


CONVOLUTIONS = {
    "transposed 1-D": (nn.ConvTranspose1d, nn.BatchNorm1d, (2, 6, 7)),
    "transposed 2-D": (nn.ConvTranspose2d, nn.BatchNorm2d, (2, 6, 5, 4)),
    "transposed 3-D": (nn.ConvTranspose3d, nn.BatchNorm3d, (1, 6, 3, 4, 5)),
    "direct 1-D": (nn.Conv1d, nn.BatchNorm1d, (2, 6, 7)),
    "direct 2-D": (nn.Conv2d, nn.BatchNorm2d, (2, 6, 5, 4)),
    "direct 3-D": (nn.Conv3d, nn.BatchNorm3d, (1, 6, 3, 4, 5)),
    "own": (tconv.nn.ConvTranspose2d, nn.BatchNorm2d, (2, 6, 5, 4)),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_folding_keeps_layouts_apart(name, groups, bias):
    conv, norm, shape = CONVOLUTIONS[name]
    model = randomized(nn.Sequential(conv(6, 12, 3, groups=groups, bias=bias), norm(12)).double())
    x = inputs(*shape).double()
    with torch.no_grad():
        expected = model(x)
        report = tconv.nn.accelerate(model)
        assert "BatchNorm" in report.layers[0].done
        assert_same(model(x), expected, 1e-14)
        model.float()
        assert_same(model(x.float()).double(), expected, 1e-6)


@pytest.mark.parametrize(
    "act",
    [
        nn.ReLU(inplace=True), nn.LeakyReLU(0.2), nn.Tanh(), nn.Sigmoid(), nn.GELU(), nn.SiLU(),
        nn.GELU("tanh"), nn.ELU(),
    ],
)  # fmt: skip
def test_activations(act):
    name = type(act).__name__
    model, x = nn.Sequential(nn.ConvTranspose2d(4, 6, 4, 2, 1), act).eval(), inputs(2, 4, 5, 6)
    with torch.no_grad():
        expected = model(x)
        report = tconv.nn.accelerate(model)
        known = getattr(act, "approximate", "none") == "none" and not isinstance(act, nn.ELU)
        assert report.layers[0].done == f"tconv, with {name}" if known else "tconv"
        assert_same(model(x), expected)


def test_norms_that_are_not_folded():
    pair = lambda **words: randomized(  # noqa: E731
        nn.Sequential(nn.ConvTranspose2d(4, 6, 3), nn.BatchNorm2d(6, **words))
    )
    x = inputs(2, 4, 5, 6)
    hooked = pair()
    hooked[0].register_forward_hook(lambda *_: None)
    statistics = pair(track_running_stats=False)
    mixed = pair()
    mixed[1].train()
    for model in (hooked, statistics, mixed):
        with torch.no_grad():
            expected = copy.deepcopy(model)(x)
            report = tconv.nn.accelerate(model)
            assert report.layers[0].done == "tconv"
            assert_same(model(x), expected)
    assert tconv.nn.accelerate(pair(affine=False)).layers[0].done == "tconv, with BatchNorm2d"
    assert tconv.nn.accelerate(pair(), fold=False).layers[0].done == "tconv"


def test_weights_may_change_while_they_are_folded():
    model, x = randomized(Up()), inputs(2, 4, 5, 6)
    tconv.nn.accelerate(model)
    plain = copy.deepcopy(model)
    tconv.nn.restore(plain)
    with torch.no_grad():
        model(x)
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                tensor.numpy().__imul__(1.5)  # seen by no version
                plain.state_dict()[name].mul_(1.5)
                assert_same(model(x), plain(x))


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("made_in", [False, True])
def test_folding_in_inference_mode(frozen, made_in):
    """The first call folds, and what it keeps must have versions."""
    x = torch.randn(1, 8, 5, 4)
    with torch.inference_mode(made_in):
        model = nn.Sequential(nn.ConvTranspose2d(8, 4, 4, 2, 1), nn.BatchNorm2d(4)).eval()
    with torch.inference_mode():
        expected = model(x)
    tconv.nn.accelerate(model, frozen=frozen and not made_in)
    with torch.inference_mode():
        for _ in range(3):
            torch.testing.assert_close(model(x), expected)


def test_frozen_weights_follow_versions_and_refresh():
    model, x = randomized(Up()), inputs(2, 4, 5, 6)
    report = tconv.nn.accelerate(model, frozen=True)
    plain = copy.deepcopy(model)
    tconv.nn.restore(plain)
    with torch.no_grad():
        model(x)
        for change in (
            lambda m: m.conv.weight.mul_(2),
            lambda m: m.norm.running_mean.add_(1),
            lambda m: m.load_state_dict({k: v + 1 for k, v in m.state_dict().items()}),
            lambda m: setattr(m.conv, "weight", nn.Parameter(m.conv.weight * 3)),
            lambda m: m.double().float(),
        ):
            change(model)
            change(plain)
            assert_same(model(x), plain(x))
        for then in (report.refresh, model.train):
            model.conv.weight.data.mul_(2)
            plain.conv.weight.data.mul_(2)
            then()
            model.eval()
            assert_same(model(x), plain(x))


def test_frozen_weights_of_inference_mode_are_compared():
    x = inputs(2, 4, 5, 6)
    with torch.inference_mode():
        for model in (randomized(Up()), nn.ConvTranspose2d(4, 6, 3).eval()):
            tconv.nn.accelerate(model, frozen=True)
            plain = copy.deepcopy(model)
            tconv.nn.restore(plain)
            for m in (model, plain):
                m(x)
                next(m.parameters()).mul_(2)
            assert_same(model(x), plain(x))
    with torch.no_grad():  # and once they are no more of it
        for m in (model, plain):
            m.load_state_dict({k: v.clone() for k, v in m.state_dict().items()}, assign=True)
            m(x)
        assert_same(model(x), plain(x))


def test_an_output_size_stands_for_the_layers_output_padding():
    layer = nn.ConvTranspose2d(4, 6, 3, 2, 1, output_padding=1).eval()
    x = inputs(2, 4, 5, 6)
    with torch.no_grad():
        expected = [layer(x), layer(x, output_size=[9, 12])]
        tconv.nn.accelerate(layer)
        assert_same([layer(x), layer(x, output_size=[2, 6, 9, 12])], expected)


def test_training_and_gradients_are_what_they_were():
    model, x = randomized(Up()), inputs(2, 4, 5, 6)
    plain = copy.deepcopy(model)
    tconv.nn.accelerate(model)
    for mode in (True, False):
        for m in (model, plain):
            m.train(mode)
            m.zero_grad()
            m(x).square().sum().backward()
        for one, other in zip(model.parameters(), plain.parameters(), strict=True):
            assert torch.equal(one.grad, other.grad)
    for one, other in zip(model.buffers(), plain.buffers(), strict=True):
        assert torch.equal(one, other)


def test_state_dict_copies_pickles():
    model = randomized(nn.Sequential(Up(), nn.Conv2d(6, 4, 1), nn.BatchNorm2d(4)))
    x = inputs(1, 4, 5, 6)
    keys = list(model.state_dict())
    with torch.no_grad():
        expected = model(x)
        tconv.nn.accelerate(model)
        assert list(model.state_dict()) == keys
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert len(links_of(other)) == len(links_of(model)) == 2
            assert not set(links_of(other)) & set(links_of(model))
            assert_same(other(x), expected)
            for parameter in other.parameters():
                parameter.zero_()
            assert_same(model(x), expected)
            tconv.nn.restore(other)
            assert type(other[0].conv) is nn.ConvTranspose2d


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiled(dynamic):
    model, x = randomized(Up()), inputs(2, 4, 5, 6)
    tconv.nn.accelerate(model)
    torch._dynamo.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager", dynamic=dynamic)
    with torch.no_grad():
        assert_same(compiled(x), model(x))
        assert_same(compiled(inputs(1, 4, 8, 7)), model(inputs(1, 4, 8, 7)))
    loss = compiled(x).sum()
    loss.backward()
    assert model.conv.weight.grad is not None


@pytest.mark.parametrize("strict", [False, True])
def test_exported(strict):
    model, x = randomized(Up()), inputs(2, 4, 5, 6)
    tconv.nn.accelerate(model)
    with torch.no_grad():
        program = torch.export.export(model, (x,), strict=strict)
        assert any("tconv" in str(node.target) for node in program.graph.nodes)
        assert_same(program.module()(x), model(x))


def test_weights_that_are_computed():
    x = inputs(2, 4, 5, 6)
    for make in (torch.nn.utils.parametrizations.weight_norm, torch.nn.utils.spectral_norm):
        model = nn.Sequential(make(nn.ConvTranspose2d(4, 6, 4, 2, 1)), nn.BatchNorm2d(6)).eval()
        plain = copy.deepcopy(model)
        with torch.no_grad():
            tconv.nn.accelerate(model)
            for _ in range(3):
                assert_same(model(x), plain(x))
            for one, other in zip(model.parameters(), plain.parameters(), strict=True):
                one.mul_(1.5)
                other.mul_(1.5)
            assert_same(model(x), plain(x))


class Own(nn.ConvTranspose2d):
    """Somebody's class."""


def test_why_layers_are_left_alone():
    model = nn.ModuleDict(
        {
            "own": Own(2, 2, 2),
            "lazy": nn.LazyConvTranspose2d(2, 2),
            "meta": nn.ConvTranspose2d(2, 2, 2, device="meta"),
            "mode": tconv.nn.ConvTranspose2d(2, 2, 3, padding=1, padding_mode="circular"),
            "integers": nn.ConvTranspose2d(2, 2, 2),
            "patched": nn.ConvTranspose2d(2, 2, 2),
            "good": nn.ConvTranspose2d(2, 2, 2),
        }
    ).eval()
    model["integers"].weight = nn.Parameter(torch.ones(2, 2, 2, 2, dtype=torch.int64), False)
    model["patched"].forward = lambda x: x
    said = {layer.name: layer.done for layer in tconv.nn.accelerate(model).layers}
    assert said["good"] == "tconv"
    assert "class of its own" in said["own"]
    assert "first input" in said["lazy"]
    assert "meta" in said["meta"]
    assert "circular" in said["mode"]
    assert "torch.int64" in said["integers"]
    assert "forward was replaced" in said["patched"]
    again = {layer.name: layer.done for layer in tconv.nn.accelerate(model).layers}
    assert "already" in again["good"]


def test_scripted_models_are_left_alone():
    with pytest.warns(DeprecationWarning, match="script"):
        scripted = torch.jit.script(nn.Sequential(nn.ConvTranspose2d(2, 2, 2)).eval())
    report = tconv.nn.accelerate(scripted)
    assert not any(layer.replaced for layer in report.layers)


def test_a_model_that_is_a_layer_and_one_without_any():
    layer, x = nn.ConvTranspose1d(2, 3, 4, 2, 1).eval(), inputs(1, 2, 9)
    with torch.no_grad():
        expected = layer(x, output_size=[19])
        report = tconv.nn.accelerate(layer)
        assert_same(layer(x, output_size=[1, 3, 19]), expected)
    assert report.layers[0].name == "(the model)"
    assert tconv.nn.accelerate(nn.Sequential(nn.ReLU())).layers == []


def test_the_example_may_be_named_and_is_not_written_to(faster):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = Up()

        def forward(self, x, *, scale):
            return self.up(x.mul_(scale))

    x = inputs(2, 4, 5, 6)
    kept = x.clone()
    report = tconv.nn.accelerate(randomized(Two()), verify={"x": x, "scale": torch.tensor(2.0)})
    assert torch.equal(x, kept)
    assert report.error < 1e-6
    assert report.layers[0].replaced
    report = tconv.nn.accelerate(randomized(Up()), verify=(x,))
    assert report.gain == 2


def test_what_differs_is_refused_and_restored(faster):
    model, x = randomized(Up()), inputs(2, 4, 5, 6)
    with pytest.raises(ValueError, match=r"accelerate: outputs differ by .* tolerance 1e-12"):
        tconv.nn.accelerate(model, verify=x, tolerance=1e-12)
    assert type(model.conv) is nn.ConvTranspose2d
    with pytest.raises(TypeError, match=r"Module, got ExportedProgram; pass program.module\(\)"):
        tconv.nn.accelerate(torch.export.export(model, (x,)))
    with pytest.raises(RuntimeError):
        tconv.nn.accelerate(model, verify=inputs(2, 9, 5, 6))
    assert not links_of(model)


def test_only_what_gains_stays(monkeypatch):
    from tconv.nn.accelerate import accelerating

    model, x = randomized(nn.Sequential(Up(), nn.ConvTranspose2d(6, 3, 2, 2))), inputs(1, 4, 5, 6)
    monkeypatch.setattr(accelerating, "measured", lambda made, *_: (1.0, 2.0 if made.norm else 0.5))
    monkeypatch.setattr(accelerating._Work, "_model_times", lambda *_: (2.0, 1.0))
    report = tconv.nn.accelerate(model, verify=x)
    assert [layer.replaced for layer in report.layers] == [False, True]
    assert report.layers[0].done == "left: it gains nothing"
    assert report.layers[1].gain == 2
    report.undo()
    monkeypatch.setattr(accelerating._Work, "_model_times", lambda *_: (1.0, 2.0))
    report = tconv.nn.accelerate(model, verify=x)
    assert not links_of(model)
    assert "As a whole it was no faster" in str(report)


def test_it_really_measures():
    model = nn.Sequential(nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.BatchNorm2d(16)).eval()
    report = tconv.nn.accelerate(model, verify=inputs(1, 32, 12, 12))
    layer = report.layers[0]
    assert 0 < layer.before < 1
    assert 0 < layer.after < 1
    assert 0 < report.share <= 1
    assert layer.algorithm in tconv.plan(torch.ones(1, 1, 1).numpy()).explain(4)
    assert "ConvTranspose2d 32->16 k4×4 s2×2" in str(report)


def test_two_threads_use_one_model():
    model = randomized(nn.Sequential(Up(), nn.Conv2d(6, 4, 1), Up()))
    batches = [inputs(1, 4, 5 + i, 6, seed=i) for i in range(4)]
    wrong = []
    with torch.no_grad():
        expected = [model(x) for x in batches]
    tconv.nn.accelerate(model)

    def work(x, y):
        with torch.no_grad():
            for _ in range(20):
                if (model(x) - y).abs().max() > 1e-5:
                    wrong.append(x.shape)

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(batches, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_channels_last_stays_channels_last():
    model, x = randomized(Up()).to(memory_format=torch.channels_last), inputs(2, 4, 5, 6)
    x = x.to(memory_format=torch.channels_last)
    with torch.no_grad():
        expected = model(x)
        tconv.nn.accelerate(model)
        y = model(x)
    assert y.stride() == expected.stride()
    assert_same(y, expected)


def test_under_autocast():
    model, x = randomized(Up()), inputs(2, 4, 5, 6)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        expected = model(x)
        tconv.nn.accelerate(model)
        y = model(x)
    assert y.dtype == expected.dtype
    assert_same(y.float(), expected.float(), 0.03)
