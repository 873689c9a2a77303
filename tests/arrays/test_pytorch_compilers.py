"""Compilers, exporters and tracers take calls whole: no break of the graph, results equal."""

import warnings

import pytest
import torch
from torch.export import Dim, export
from torch.fx.experimental.proxy_tensor import make_fx

import tconv
from tconv import nn

torch.set_num_threads(1)

slow = pytest.mark.sweep
BACKENDS = (pytest.param("eager", marks=slow), "aot_eager")


def quick(names, few):
    """Return the names as parameters; those that are not among a few are a sweep's."""
    return [name if name in few else pytest.param(name, marks=slow) for name in names]


@pytest.fixture(autouse=True)
def forget():
    """Compile anew in every test, and keep nothing for the next."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


def compiled(function, backend="aot_eager", **words):
    return torch.compile(function, backend=backend, fullgraph=True, **words)


def assert_same(made, expected):
    torch.testing.assert_close(made, expected)
    assert made.stride() == expected.stride()


CALLS = {
    "2d": lambda x, w, b: tconv.conv_transpose(x, w, b, stride=2, padding=1),
    "same": lambda x, w, b: tconv.conv_transpose(x, w, b, stride=2, padding="same"),
    "pairs": lambda x, w, b: tconv.conv_transpose(x, w, b, (2, 1), ((1, 0), (-1, 2))),
    "output size": lambda x, w, b: tconv.conv_transpose(x, w, b, 2, 1, output_size=(12, 14)),
    "beside others": lambda x, w, b: tconv.conv_transpose(x.relu() + 1, w * 2, b).tanh() * 3,
    "conv": lambda x, w, b: tconv.conv(x.repeat(1, 2, 1, 1)[:, :3], w, None, padding="same"),
    "weight gradient": lambda x, w, b: tconv.weight_gradient(
        x, tconv.conv_transpose(x, w, b, 2), (3, 4), 2
    ),
    "direct": lambda x, w, b: tconv.conv_transpose(x, w, b, arithmetic="direct"),
}


def operands(size=(6, 7), batch=2, dtype=torch.float32, last=False):
    torch.manual_seed(0)
    x = torch.randn(batch, 2, *size, dtype=dtype)
    if last:
        x = x.to(memory_format=torch.channels_last)
    return tuple(
        t.requires_grad_()
        for t in (x, torch.randn(2, 3, 3, 4, dtype=dtype), torch.randn(3, dtype=dtype))
    )


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CALLS)
def test_functions(name, backend):
    call, given = CALLS[name], operands()
    made, expected = compiled(call, backend, dynamic=False)(*given), call(*given)
    assert_same(made, expected)
    found = (
        torch.autograd.grad(y.square().sum(), given, allow_unused=True) for y in (made, expected)
    )
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("last", [False, pytest.param(True, marks=slow)])
@pytest.mark.parametrize(
    "name", quick(["2d", "same", "pairs", "beside others", "weight gradient"], ["same"])
)
def test_functions_of_any_size(name, last):
    """One graph for all sizes: a second one would be an error here."""
    call = compiled(CALLS[name], dynamic=True)
    for size, batch in (((6, 7), 5), ((9, 8), 13), ((5, 11), 12)):
        given = operands(size, batch, last=last)
        with torch.compiler.set_stance("default" if batch == 5 else "fail_on_recompile"):
            made = call(*given)
        assert_same(made, CALLS[name](*given))
        made.sum().backward()


def lazy():
    layer = nn.LazyConvTranspose2d(3, 3, stride=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer(torch.ones(1, 2, 4, 4))
    return layer


LAYERS = {
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(2, 3, 4, 2, 1), (2, 2, 6)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 3, 4, 2, 1, groups=1), (2, 2, 6, 5)),
    "ConvTranspose2d same": (lambda: nn.ConvTranspose2d(2, 3, 4, 2, "same"), (2, 2, 6, 5)),
    "ConvTranspose2d pairs": (
        lambda: nn.ConvTranspose2d(2, 3, 4, 2, ((1, 0), (0, -1)), bias=False), (2, 2, 6, 5),
    ),
    "ConvTranspose2d circular": (
        lambda: nn.ConvTranspose2d(2, 3, 4, 2, 1, padding_mode="circular"), (2, 2, 6, 5),
    ),
    "ConvTranspose2d reflect": (
        lambda: nn.ConvTranspose2d(2, 3, 4, 2, 1, padding_mode="reflect"), (2, 2, 6, 5),
    ),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 4, 3, groups=2), (1, 2, 3, 4, 3)),
    "LazyConvTranspose2d": (lazy, (2, 2, 6, 5)),
    "unbatched": (lambda: nn.ConvTranspose2d(2, 3, 4, 2, 1), (2, 6, 5)),
    "FixedSmooth2d": (lambda: nn.FixedSmooth2d(2, 3, 4, 2, 1, order=1), (2, 2, 6, 5)),
    "ResizeConv2d": (lambda: nn.ResizeConv2d(2, 3, 4, 2, 1, mode="linear"), (2, 2, 6, 5)),
    "SubPixelConv2d": (lambda: nn.SubPixelConv2d(2, 3, 4, 2, 1), (2, 2, 6, 5)),
}  # fmt: skip


@pytest.mark.parametrize("dynamic", [False, pytest.param(True, marks=slow)])
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, dynamic):
    make, shape = LAYERS[name]
    torch.manual_seed(1)
    layer, x = make(), torch.randn(shape)
    assert_same(compiled(layer, dynamic=dynamic)(x), layer(x))
    with torch.no_grad():
        expected = layer.eval()(x)
        for _ in range(3):
            assert_same(compiled(layer, dynamic=dynamic)(x), expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_output_size_of_a_call(backend):
    layer = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1)
    x = torch.randn(1, 2, 4, 5)
    call = compiled(lambda x: layer(x, output_size=(8, 9)), backend)
    assert_same(call(x), layer(x, output_size=(8, 9)))

    def twice(x):
        return layer(x, output_size=[2 * n for n in x.shape[2:]])

    call = compiled(twice, backend, dynamic=True)
    for size in ((4, 5), (7, 3)):
        x = torch.randn(1, 2, *size)
        assert_same(call(x), twice(x))


@slow
@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a .functools.lru_cache.")
def test_a_size_out_of_reach_is_refused_in_a_sentence():
    def call(*tensors):
        return tconv.conv_transpose(*tensors, stride=2, output_size=17)

    with pytest.raises(ValueError, match="output_size 17 is out of reach: stride 2 gives 9 or 10"):
        torch.compile(call, backend="eager")(*operands((4, 4)))


def test_autocast():
    layer = nn.ConvTranspose2d(2, 3, 4, 2, "same")
    x = torch.randn(1, 2, 4, 5)

    def call(x):
        with torch.autocast("cpu", torch.bfloat16):
            return layer(x)

    made = compiled(call)(x)
    assert made.dtype == torch.bfloat16
    assert_same(made, call(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert_same(compiled(layer)(x), call(x))


def test_inference_mode():
    layer = nn.ConvTranspose2d(2, 3, 4, 2, 1).eval()
    x = torch.randn(1, 2, 4, 5)
    expected = layer(x).detach()
    with torch.inference_mode():
        for call in (layer, compiled(layer)):
            for _ in range(3):
                made = call(x)
                torch.testing.assert_close(made, expected)
        assert made.is_inference()
        weight = torch.randn(2, 3, 4, 4)
        for _ in range(3):
            y = tconv.conv_transpose(torch.randn(1, 2, 4, 5), weight)
    tconv.conv_transpose(x, weight, y[0, :, 0, 0])  # tensors that know no version


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("name", quick(["2d", "pairs", "beside others"], ["2d"]))
def test_compiled_autograd(name):
    given = operands()
    expected = torch.autograd.grad(CALLS[name](*given).sum(), given)
    y = CALLS[name](*given)

    def backend(graph):
        return torch.compile(graph, backend="aot_eager", fullgraph=True, dynamic=True)

    with torch._dynamo.compiled_autograd._enable(backend):
        y.sum().backward()
    for t, grad in zip(given, expected, strict=True):
        torch.testing.assert_close(t.grad, grad)


# Export


DYNAMIC = {"input": {0: Dim("n", max=16), 2: Dim("h", max=64), 3: Dim("w", max=64)}}


@slow
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", [name for name, (_, shape) in LAYERS.items() if len(shape) == 4])
def test_export(name, strict, tmp_path):
    make, shape = LAYERS[name]
    torch.manual_seed(2)
    layer = make().eval()
    program = export(layer, (torch.randn(shape),), strict=strict)
    x = torch.randn(shape)
    assert_same(program.module()(x), layer(x))


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "name",
    quick(
        ["ConvTranspose2d", "ConvTranspose2d same", "ConvTranspose2d circular", "FixedSmooth2d",
         "ResizeConv2d", "SubPixelConv2d"], ["ConvTranspose2d same"],
    ),
)  # fmt: skip
def test_export_of_any_size_to_a_file(name, strict, tmp_path):
    layer = LAYERS[name][0]().eval()
    program = export(layer, (torch.randn(2, 2, 6, 5),), dynamic_shapes=DYNAMIC, strict=strict)
    torch.export.save(program, tmp_path / "layer.pt2")
    loaded = torch.export.load(tmp_path / "layer.pt2").module()
    for shape in ((2, 2, 6, 5), (1, 2, 9, 4), (3, 2, 4, 13)):
        x = torch.randn(shape)
        assert_same(loaded(x), layer(x))


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_decompositions_leave_the_operator_whole():
    program = export(nn.ConvTranspose2d(2, 3, 3), (torch.randn(1, 2, 4, 4),)).run_decompositions()
    names = [str(node.target) for node in program.graph.nodes]
    assert names.count("tconv.conv_transpose.default") == 1


# Tracers


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_make_fx(mode):
    given = tuple(t.detach() for t in operands())
    graph = make_fx(CALLS["2d"], tracing_mode=mode)(*given)
    assert "tconv.conv_transpose" in graph.code
    assert_same(graph(*given), CALLS["2d"](*given))

    def slope(*tensors):
        return torch.func.grad(lambda *t: CALLS["2d"](*t).square().sum())(*tensors)

    assert_same(make_fx(slope, tracing_mode=mode)(*given)(*given), slope(*given))


@pytest.mark.parametrize("name", LAYERS)
def test_symbolic_traces_keep_a_layer_whole(name):
    """As PyTorch's own; what fuses, quantizes or takes features out of models looks for layers."""
    make, shape = LAYERS[name]
    model = torch.nn.Sequential(make(), torch.nn.ReLU())
    graph = torch.fx.symbolic_trace(model)
    modules = [node.target for node in graph.graph.nodes if node.op == "call_module"]
    assert modules == ["0", "1"]
    x = torch.randn(shape)
    assert_same(graph(x), model(x))


def test_symbolic_traces_of_functions():
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.ConvTranspose2d(2, 3, 3, 2)

        def forward(self, x):
            y = self.layer(x, output_size=(12, 14)).relu()
            return tconv.conv(y, self.layer.weight, None, 2) + x[..., :1, :1]

    model, x = Model(), torch.randn(1, 2, 5, 6)
    graph = torch.fx.symbolic_trace(model)
    names = [node.name for node in graph.graph.nodes]
    assert names == ["x", "layer", "relu", "layer_weight", "conv", "getitem", "add", "output"]
    assert_same(graph(x), model(x))
    copied = torch.fx.GraphModule(graph, graph.graph)
    assert_same(copied(x), model(x))


def test_classes_and_modes_that_take_functions():
    from torch.overrides import TorchFunctionMode

    class Named(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            heard.append(function.__name__)
            return super().__torch_function__(function, types, args, kwargs or {})

    class Listening(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            heard.append(function.__name__)
            return function(*args, **(kwargs or {}))

    x, weight, bias = (t.detach() for t in operands())
    heard = []
    made = CALLS["2d"](x.as_subclass(Named), weight, bias)
    assert type(made) is Named
    assert heard[0] == "conv_transpose"
    heard = []
    with Listening():
        CALLS["2d"](x, weight, bias)
    assert heard[0] == "conv_transpose"
    torch.testing.assert_close(made.as_subclass(torch.Tensor), CALLS["2d"](x, weight, bias))


@pytest.mark.parametrize("name", [name for name in LAYERS if "ConvTranspose" in name])
def test_jit_trace(name, tmp_path):
    """One trace serves every size, as of PyTorch's layer, and is trained."""
    make, shape = LAYERS[name]
    layer = make()
    folds = layer.padding_mode != "zeros"
    with warnings.catch_warnings():
        if folds:
            warnings.simplefilter("ignore", torch.jit.TracerWarning)
        traced = torch.jit.trace(layer, torch.randn(shape))
    torch.jit.save(traced, tmp_path / "layer.pt")
    traced = torch.jit.load(tmp_path / "layer.pt")
    for more in (0, 0 if folds else 3):
        x = torch.randn(*shape[:-1], shape[-1] + more)
        y, expected = traced(x), layer(x)
        assert_same(y, expected)
        found = (torch.autograd.grad(one.sum(), list(model.parameters())) for one, model in
                 ((y, traced), (expected, layer)))  # fmt: skip
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "output size"])
def test_jit_trace_of_functions(name):
    call, given = CALLS[name], tuple(t.detach() for t in operands())
    traced = torch.jit.trace(call, given)
    x = torch.randn(3, 2, 9, 4)
    assert_same(traced(x, *given[1:]), call(x, *given[1:]))


def test_functionality_of_modes_around_a_call():
    """Counters and loggers see the operator."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Listening(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            heard.append(str(function))
            return function(*args, **(kwargs or {}))

    heard, (x, weight, bias) = [], operands()
    with Listening():
        y = CALLS["2d"](x, weight, bias)
        y.sum().backward()
    assert [name for name in heard if "tconv" in name] == [
        "tconv.conv_transpose.default", "tconv.conv.default", "tconv.weight_gradient.default",
    ]  # fmt: skip
    assert "ones_like" in " ".join(heard)


def test_the_profiler_names_the_operator():
    given = operands()
    with torch.profiler.profile() as profile:
        CALLS["2d"](*given)
    assert "tconv::conv_transpose" in {event.key for event in profile.key_averages()}


# A compiler for C++


@slow
@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_inductor(last, dynamic):
    given = operands(last=last)
    call = compiled(CALLS["beside others"], "inductor", dynamic=dynamic)
    made, expected = call(*given), CALLS["beside others"](*given)
    assert_same(made, expected)
    for one, other in zip(
        *(torch.autograd.grad(y.sum(), given) for y in (made, expected)), strict=True
    ):
        torch.testing.assert_close(one, other)


@slow
@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")
def test_a_package_compiled_ahead_of_time(tmp_path):
    layer = torch.nn.Sequential(nn.ConvTranspose2d(2, 3, 4, 2, 1), torch.nn.ReLU()).eval()
    program = export(layer, (torch.randn(2, 2, 6, 5),))
    path = torch._inductor.aoti_compile_and_package(program, package_path=str(tmp_path / "l.pt2"))
    x = torch.randn(2, 2, 6, 5)
    torch.testing.assert_close(torch._inductor.aoti_load_package(path)(x), layer(x))
