"""The models that are timed: as large as published, and computing something."""

import re
from dataclasses import replace

import pytest

pytest.importorskip("torch")
pytest.importorskip("benchmarks", reason="the benchmark is not shipped: run from a checkout")

import torch
from benchmarks.models import MODELS, MissingError, deepcr, weights
from benchmarks.models.dbpn import DBPN
from benchmarks.models.deepcr import covered, sky, trained
from benchmarks.models.pix2pix import Pix2Pix
from benchmarks.models.unet import UNet
from torch import nn

LIGHT = ("dcgan_one", "fsrcnn")  # built and run in a blink
TRAINED = [name for name, model in MODELS.items() if model.gain is None]
WRITTEN = [name for name in MODELS if name not in TRAINED]


@pytest.fixture
def _archive():
    try:
        deepcr.archive()
    except MissingError as error:
        pytest.skip(str(error))


def counted(module, what=""):
    """Return how many parameters a module has, of the kind that a paper counts."""
    convolutions = [one for one in module.modules() if hasattr(one, "kernel_size")]
    if what == "weights of convolutions":
        return sum(one.weight.numel() for one in convolutions if hasattr(one, "weight"))
    chosen = convolutions if what == "convolutions" else [module]
    return sum(one.numel() for part in chosen for one in part.parameters())


@pytest.mark.parametrize("name", WRITTEN)
def test_sizes_are_those_published(name):
    model = MODELS[name]
    with torch.device("meta"):
        built = model.factory()
    assert counted(built, model.counted) == model.parameters
    with torch.inference_mode():
        assert built.eval()(torch.empty(model.input, device="meta")).shape == model.output


# In millions, as the papers and repositories print them.
@pytest.mark.parametrize(
    ("name", "millions"),
    [("dcgan", "3.6"), ("pix2pix", "54.414"), ("unet", "31.0"), ("unet3d", "19.069955"),
     ("hifigan", "13.9"), ("simple_baseline", "34.0"), ("fsrcnn", "0.012464")],
)  # fmt: skip
def test_the_registry_states_what_is_printed(name, millions):
    digits = len(millions.partition(".")[2])
    assert f"{MODELS[name].parameters / 1e6:.{digits}f}" == millions


def test_seven_stages_are_the_dbpn_of_the_paper():
    with torch.device("meta"):
        assert counted(DBPN(stages=7)) == 10_426_358  # 10,426 thousand in papers since
        assert DBPN(7, 8)(torch.empty(1, 3, 5, 6)).shape == (1, 3, 40, 48)


@pytest.mark.parametrize("name", MODELS)
def test_entries_say_what_they_are(name):
    model = MODELS[name]
    assert re.match(r"arXiv:\d{4}\.\d{5}[;,] ", model.source)
    assert 0 < model.share <= 1
    assert model.rank in (1, 2, 3)
    assert model.example().shape == model.input


@pytest.mark.parametrize("name", LIGHT)
def test_the_same_weights_every_time(name):
    model = MODELS[name]
    first, second = (model.build() for _ in range(2))
    assert first.state_dict().keys() == second.state_dict().keys()
    for key, tensor in first.state_dict().items():
        torch.testing.assert_close(tensor, second.state_dict()[key], rtol=0, atol=0)
    with torch.inference_mode():
        y = first(model.example())
        torch.testing.assert_close(y, second(model.example()), rtol=0, atol=0)
    assert not first.training
    assert y.shape == model.output
    assert 0.01 < float(y.std()) < 30


def test_layers_come_from_where_they_are_told_to():
    made = []

    class Layers:
        """Like torch.nn, and keeps what it made."""

    def recorded(kind):
        def make(*args, **words):
            made.append(kind(*args, **words))
            return made[-1]

        return make

    for rank in (1, 2, 3):
        kind = getattr(nn, f"ConvTranspose{rank}d")
        setattr(Layers, kind.__name__, staticmethod(recorded(kind)))
    for name in WRITTEN:
        made.clear()
        with torch.device("meta"):
            built = MODELS[name].factory(layers=Layers)
        found = [one for one in built.modules() if weights.is_transposed(one)]
        assert found
        assert {id(one) for one in found} == {id(one) for one in made}


def test_values_keep_their_size_in_a_deep_model():
    small = replace(MODELS["pix2pix"], factory=lambda layers: Pix2Pix(width=4, layers=layers))
    with torch.inference_mode():
        y = small.build()(small.example())
    assert 0.1 < float(y.std()) < 1


def test_a_unet_joins_what_it_should():
    """Zero what comes from below: the output depends on the first level alone, at its place."""
    net = weights.randomise(UNet(2, 1, (4, 8)))
    nn.init.zeros_(net.ups[0].weight)
    x = torch.zeros(1, 2, 16, 16)
    moved = x.clone()
    moved[0, 1, 8, 8] = 5
    with torch.inference_mode():
        changed = (net(x) - net(moved)).abs()[0, 0] > 1e-7
    rows, columns = torch.nonzero(changed, as_tuple=True)
    assert 2 < rows.min() <= 4 < 8 < rows.max() <= 12  # four 3×3 convolutions reach that far
    assert 2 < columns.min() <= 4 < 8 < columns.max() <= 12


@pytest.mark.usefixtures("_archive")
@pytest.mark.parametrize("name", TRAINED)
def test_trained_models_are_as_large_as_their_files(name):
    model = MODELS[name]
    built = model.build()
    assert counted(built) == model.parameters
    with torch.device("meta"):
        assert built.to("meta")(torch.empty(model.input)).shape == model.output


@pytest.mark.usefixtures("_archive")
def test_a_trained_mask_finds_cosmic_rays():
    picture, rays = sky(128, seed=5)
    with torch.inference_mode():
        found = (trained("mask/ACS-WFC")(picture) > 0.5).float()
    assert float((found * rays).sum() / rays.sum()) > 0.95
    assert float((found * rays).sum() / found.sum()) > 0.8


@pytest.mark.usefixtures("_archive")
@pytest.mark.parametrize("file", ["ACS-WFC-F606W-2-32", "ACS-WFC-F606W-3-32"])
def test_a_trained_network_fills_in_the_sky(file):
    picture, rays = sky(128, seed=6)
    with torch.inference_mode():
        filled = trained(f"inpaint/{file}")(covered(picture, rays))[rays == 1]
    before, after = (float((one - 60).abs().median()) for one in (picture[rays == 1], filled))
    assert after < before / 20


@pytest.mark.usefixtures("_archive")
def test_old_weight_norm_is_read():
    """The file has weight_g and weight_v, as PyTorch wrote them before parametrizations."""
    file, net = deepcr.stored("mask/WFC3-UVIS"), trained("mask/WFC3-UVIS")[0]
    v, g = (file[f"module.up8.conv.conv.2.weight_{one}"] for one in "vg")
    expected = v * (g / v.flatten(1).norm(dim=1).view(-1, 1, 1, 1))
    torch.testing.assert_close(net.decoders[0][2].weight, expected)
    assert net.decoders[0][1].inplace  # a ReLU: no BatchNorm between


def test_a_missing_archive_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(deepcr, "CACHE", tmp_path)
    monkeypatch.setattr(deepcr, "PACKAGE", "deepCR==999")
    deepcr.archive.cache_clear()
    try:
        with pytest.raises(MissingError, match="pip cannot download deepCR==999"):
            deepcr.archive()
        (tmp_path / deepcr.ARCHIVE).write_bytes(b"something else")
        with pytest.raises(MissingError, match="is not the archive that PyPI has"):
            deepcr.archive()
    finally:
        deepcr.archive.cache_clear()
