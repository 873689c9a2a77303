"""A small U-Net: digits that are pasted on photographs, found and named cell by cell.

It trains on digits of one photograph and is measured on other digits on the other photograph. Two
transposed convolutions k2 s2 bring what is found below back to the size of the picture.

    python examples/segmentation.py [--layers tconv|torch] [--steps N] [--out DIR]
"""

from typing import Any

import common
import data
import torch
from matplotlib import colormaps
from torch import Tensor, nn
from torch.nn import functional

SIDE = 64
BATCH = 24
STEPS = 1500
WIDTHS = (16, 32, 64)
CLASSES = 11  # paper, and ten digits
TESTED = 400  # scenes
SHOWN = 9


class UNet(nn.Module):
    """Two levels down and two up, joined across (Ronneberger et al. 2015, arXiv:1505.04597).

    Parameters
    ----------
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn or tconv.nn.
    """

    def __init__(self, layers: Any = nn) -> None:
        super().__init__()
        top, middle, bottom = WIDTHS
        self.down = nn.ModuleList([twice(3, top), twice(top, middle), twice(middle, bottom)])
        self.up = nn.ModuleList(
            [
                layers.ConvTranspose2d(bottom, middle, 2, 2),
                layers.ConvTranspose2d(middle, top, 2, 2),
            ]
        )
        self.join = nn.ModuleList([twice(2 * middle, middle), twice(2 * top, top)])
        self.name = nn.Conv2d(top, CLASSES, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit for each class and cell."""
        levels: list[Tensor] = []
        for down in self.down:
            x = down(functional.max_pool2d(x, 2) if levels else x)
            levels.append(x)
        for up, join, level in zip(self.up, self.join, levels[1::-1], strict=True):
            x = join(torch.cat([level, up(x)], 1))
        return self.name(x)


def twice(before: int, after: int) -> nn.Sequential:
    """Return two convolutions, each with its norm and activation."""
    parts: list[nn.Module] = []
    for channels in (before, after):
        conv = nn.Conv2d(channels, after, 3, padding=1, bias=False)
        parts += [conv, nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*parts)


class Scenes:
    """Pieces of a photograph with one to three digits on each.

    Parameters
    ----------
    photograph : Tensor
        (3, H, W), from 0 to 1.
    digits, labels : Tensor
    seed : int
    """

    def __init__(self, photograph: Tensor, digits: Tensor, labels: Tensor, seed: int) -> None:
        self.photograph, self.digits, self.labels = photograph, digits, labels
        self.random = torch.Generator().manual_seed(seed)

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """Return pictures (N, 3, 64, 64) and the class of each cell (N, 64, 64)."""
        pictures, classes = zip(*(self.one() for _ in range(size)), strict=True)
        return torch.stack(pictures), torch.stack(classes)

    def one(self) -> tuple[Tensor, Tensor]:
        """Return one scene: a piece, perhaps mirrored, brighter or darker, with digits."""
        rows, columns = self.photograph.shape[1:]
        top, left = self.below(rows - SIDE), self.below(columns - SIDE)
        picture = self.photograph[:, top : top + SIDE, left : left + SIDE] * self.between(0.6, 1.1)
        if self.below(2):
            picture = picture.flip(2)
        classes = torch.zeros(SIDE, SIDE, dtype=torch.int64)
        for _ in range(1 + self.below(3)):
            which, side = self.below(len(self.digits)), 22 + self.below(18)
            ink = functional.interpolate(self.digits[which][None], (side, side), mode="bilinear")[0]
            top, left = self.below(SIDE - side), self.below(SIDE - side)
            cells = (slice(top, top + side), slice(left, left + side))
            colour = torch.rand(3, 1, 1, generator=self.random)
            there = picture[:, *cells]
            picture = picture.clone()
            picture[:, *cells] = there + ink * (colour - there)
            classes[cells][ink[0] > 0.5] = self.labels[which] + 1
        return picture.clamp(0, 1), classes

    def below(self, end: int) -> int:
        """Return a whole number from 0 to end - 1."""
        return int(torch.randint(end, (), generator=self.random))

    def between(self, low: float, high: float) -> float:
        """Return a number."""
        return low + (high - low) * float(torch.rand((), generator=self.random))


def main() -> None:
    """Train on one photograph, measure on the other, and draw."""
    chosen = common.options(__doc__, STEPS)
    model = UNet(common.layers(chosen.layers))
    temple, flower = data.photographs()
    training = Scenes(temple, *data.digits(train=True), chosen.seed)
    testing = Scenes(flower, *data.digits(train=False), chosen.seed + 1)
    pictures, classes = testing.batch(TESTED)
    before = found(model, pictures[:SHOWN])
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, chosen.steps + 1)
    run = common.Run()
    for _ in run.steps(chosen.steps, "U-Net"):
        x, truth = training.batch(BATCH)
        loss = functional.cross_entropy(model(x), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        run.keep(loss=loss)
    made = torch.cat([found(model, part) for part in pictures.split(50)])
    run.curve(chosen.out / "loss.png")
    common.sheet(
        chosen.out / "pictures.png",
        [
            ("given", pictures[:SHOWN]), ("untrained", coloured(before)),
            ("found", coloured(made[:SHOWN])), ("truth", coloured(classes[:SHOWN])),
        ],
        scale=0.72,
    )  # fmt: skip
    each = [overlap(made == kind, classes == kind) for kind in range(1, CLASSES)]
    metrics = {
        "IoU of digit or paper": f"{overlap(made > 0, classes > 0):.3f}",
        "mean IoU of the ten digits": f"{sum(each) / len(each):.3f}",
        "cells named rightly": f"{(made == classes).float().mean():.1%}",
    }
    common.report(run, chosen, metrics)


@torch.no_grad()
def found(model: nn.Module, pictures: Tensor) -> Tensor:
    """Return the likeliest class of each cell."""
    model.eval()
    classes = model(pictures).argmax(1)
    model.train()
    return classes


def overlap(made: Tensor, truth: Tensor) -> float:
    """Return intersection over union."""
    return float((made & truth).sum() / (made | truth).sum().clamp(min=1))


def coloured(classes: Tensor) -> Tensor:
    """Return a colour for each class, white for paper."""
    palette = torch.tensor([(1.0, 1.0, 1.0), *colormaps["tab10"].colors])
    return palette[classes].permute(0, 3, 1, 2)


if __name__ == "__main__":
    main()
