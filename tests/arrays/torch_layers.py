"""PyTorch's own layers by rank, and small layers whose every axis and channel count differs."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812

import tconv

TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
DIRECT = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
LAST = {2: torch.channels_last, 3: torch.channels_last_3d}


@dataclass(frozen=True)
class Small:
    """A small layer; `words` are in PyTorch's, and with `pairs` only ours can say it."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    words: dict = field(default_factory=dict)
    channels: tuple[int, int] = (2, 3)  # of one group
    batch: int = 2
    pairs: bool = False

    @property
    def rank(self):
        return len(self.size)

    @property
    def groups(self):
        return self.words.get("groups", 1)

    def tensors(self, dtype=torch.float64, seed=0, scale=1.0):
        """Return x, weight and bias, which record gradients."""
        c_in, c_out = self.channels
        shapes = (
            (self.batch, self.groups * c_in, *self.size),
            (self.groups * c_in, c_out, *self.kernel),
            (self.groups * c_out,),
        )
        random = torch.Generator().manual_seed(seed)
        drawn = (torch.randn(shape, dtype=dtype, generator=random) * scale for shape in shapes)
        return tuple(one.requires_grad_() for one in drawn)

    def ours(self, x, weight, bias=None):
        return tconv.conv_transpose(x, weight, bias, **self.words)

    def theirs(self, x, weight, bias=None):
        assert not self.pairs
        return TRANSPOSED[self.rank](x, weight, bias, **self.words)


SMALL = {
    "1d": Small((4,), (3,)),
    "1d stride beyond the kernel": Small((3,), (2,), {"stride": 3, "output_padding": 2}),
    "1d dilated": Small((3,), (2,), {"stride": 2, "dilation": 3, "output_padding": 2}),
    "1d one cell kernel": Small((3,), (1,), {"stride": 2}, channels=(3, 1)),
    "2d": Small((3, 2), (3, 4), {"stride": 2, "padding": 1}),
    "2d groups": Small((2, 3), (2, 3), {"stride": (2, 1), "groups": 2}, channels=(2, 1)),
    "2d depthwise": Small((3, 2), (3, 2), {"stride": 2, "groups": 3}, channels=(1, 1)),
    "2d unequal": Small(
        (2, 3), (3, 2),
        {"stride": (3, 2), "padding": (2, 1), "output_padding": (2, 1), "dilation": (1, 2)},
    ),
    "3d": Small((2, 1, 2), (2, 3, 2), {"stride": (1, 2, 2), "output_padding": (0, 1, 0)}),
    "1d same": Small((3,), (4,), {"stride": 3, "padding": "same"}, pairs=True),
    "2d cropped unevenly": Small(
        (3, 2), (3, 4), {"stride": 2, "padding": ((1, 0), (0, 3))}, pairs=True,
    ),
    "2d appended": Small((2, 2), (2, 3), {"stride": 2, "padding": ((-1, 0), (1, -2))}, pairs=True),
}  # fmt: skip
SAYABLE = {name: layer for name, layer in SMALL.items() if not layer.pairs}
