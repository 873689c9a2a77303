"""Whole models give what they gave, and all that their code allows is folded."""

import pytest

pytest.importorskip("benchmarks", reason="the benchmark is not shipped: run from a checkout")

from benchmarks.models import MODELS, MissingError

import tconv.nn
from tconv.nn.accelerate import accelerating
from tconv.nn.accelerate.links import links_of

# Layers replaced, of these with a normalization folded, and with an activation.
FOUND = {
    "dcgan": (5, 4, 5),
    "dcgan_one": (5, 4, 5),
    "pix2pix": (14, 13, 1),
    "unet": (22, 18, 0),
    "unet3d": (17, 14, 0),
    "hifigan": (4, 0, 0),
    "conv_tasnet": (1, 0, 0),
    "simple_baseline": (56, 56, 3),
    "mask_head": (1, 0, 1),
    "fsrcnn": (1, 0, 0),
    "dbpn": (5, 0, 0),
    "waveglow": (1, 0, 0),
    "deepcr_mask": (7, 6, 0),
    "deepcr_inpaint": (12, 10, 0),
}
LIGHT = ("dcgan_one", "fsrcnn", "mask_head", "pix2pix")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.sweep] * (n not in LIGHT)) for n in MODELS]
)
@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
def test_models(name, monkeypatch):
    monkeypatch.setattr(accelerating, "measured", lambda *_: (2.0, 1.0))
    monkeypatch.setattr(accelerating._Work, "_model_times", lambda *_: (2.0, 1.0))
    monkeypatch.setattr(accelerating._Work, "_transposed_time", lambda *_: 1.0)
    try:
        model = MODELS[name].build().eval()
    except MissingError as why:
        pytest.skip(str(why))
    report = tconv.nn.accelerate(model, verify=MODELS[name].example())
    assert report.error < 1e-5
    assert all(layer.replaced for layer in report.layers), str(report)
    links = links_of(model)
    folded, applied = ([one for one in links if getattr(one, n)] for n in ("norm", "act"))
    assert (len(links), len(folded), len(applied)) == FOUND[name]
