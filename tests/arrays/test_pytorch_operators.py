"""The three operators keep what ``torch.library`` asks of an operator."""

import pytest
import torch
from torch.library import opcheck

from tconv.arrays import pytorch  # noqa: F401 - defines the operators

torch.set_num_threads(1)

LAST = torch.channels_last
SAMPLES = {
    "plain": {},
    "groups": {"groups": 2},
    "no bias": {"bias": False},
    "channels last": {"layout": LAST},
    "channels last, groups, no bias": {"layout": LAST, "groups": 2, "bias": False},
    "weight channels last": {"weight_layout": LAST},
    "channels of a channels-last tensor": {"layout": LAST, "cut": True},
    "bfloat16": {"dtype": torch.bfloat16},
    "bfloat16 channels last": {"dtype": torch.bfloat16, "layout": LAST},
    "half": {"dtype": torch.float16},
    "complex": {"dtype": torch.complex64, "groups": 2},
    "float64, weights that are kept": {"dtype": torch.float64, "learns": False},
    "no images": {"batch": 0},
    "one image, channels last": {"batch": 1, "layout": LAST},
}


def operands(
    dtype=torch.float32, layout=None, weight_layout=None, groups=1, bias=True, batch=2, cut=False,
    learns=True,
):  # fmt: skip
    """Return x, weight, bias and y of a layer whose crop differs at each end and axis."""
    random = torch.Generator().manual_seed(0)

    def draw(shape, layout=None):
        made = torch.randn(shape, generator=random).to(dtype)
        return made if layout is None else made.to(memory_format=layout)

    def image(shape):
        if not cut:
            return draw(shape, layout)
        return draw((shape[0], shape[1] + 2, *shape[2:]), layout)[:, 1:-1]

    given = (
        image((batch, 2 * groups, 3, 4)),
        draw((2 * groups, 3, 3, 2), weight_layout),
        draw((3 * groups,)) if bias else None,
        image((batch, 3 * groups, 6, 5)),
    )
    return [t if t is None else t.detach().requires_grad_(learns) for t in given]


PLACE = [2, 1], [1, 2], [1, 0]  # stride, dilation, crop


OTHERS = ("half", "bfloat16 channels last", "one image, channels last", "groups")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.sweep) if n in OTHERS else n for n in SAMPLES],
)
def test_opcheck(name):
    x, weight, bias, y = operands(**SAMPLES[name])
    groups = SAMPLES[name].get("groups", 1)
    reuse = "never" if SAMPLES[name].get("learns", True) else "compared"
    maps = torch.ops.tconv
    back = None if bias is None else bias.detach().repeat(2)[: len(weight)].requires_grad_()
    opcheck(maps.conv_transpose.default, (x, weight, bias, *PLACE, [6, 5], groups, reuse))
    opcheck(maps.conv.default, (y, weight, back, *PLACE, [3, 4], groups, reuse))
    opcheck(maps.weight_gradient.default, (x, y, [3, 2], *PLACE, groups))


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_foretold_is_what_comes(name):
    """The sizes, dtype and strides of a result on the meta device are those on the CPU."""
    x, weight, bias, y = operands(**SAMPLES[name])
    groups = SAMPLES[name].get("groups", 1)
    maps = torch.ops.tconv
    calls = (
        (maps.conv_transpose, (x, weight, bias), (*PLACE, [6, 5], groups, "never")),
        (maps.conv, (y, weight, None), (*PLACE, [3, 4], groups, "never")),
        (maps.weight_gradient, (x, y), ([3, 2], *PLACE, groups)),
    )
    for operator, tensors, words in calls:
        made = operator(*tensors, *words)
        told = operator(*(t if t is None else t.to("meta") for t in tensors), *words)
        assert told.is_meta
        assert (told.shape, told.dtype, told.stride()) == (made.shape, made.dtype, made.stride())
