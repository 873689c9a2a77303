"""A small U-Net: digits that are pasted on photographs, found cell by cell.

It trains on digits on one photograph and is measured on other digits on the other photograph. Two
transposed convolutions k2 s2 bring what is found below back to the size of the picture.

    python examples/segmentation.py [--layers tconv|torch] [--steps N] [--out DIR]
"""

from itertools import pairwise
from typing import Any

import common
import data
import torch
from torch import Tensor, nn
from torch.nn import functional

SIDE = 64
BATCH = 16
STEPS = 1000
WIDTHS = (16, 32, 64)
TESTED = 200  # scenes
SHOWN = 10
CONTRAST = 0.4  # between a digit and what is behind it, in one colour at least


class UNet(nn.Module):
    """Two levels down and two up, joined across (Ronneberger et al. 2015, arXiv:1505.04597).

    Parameters
    ----------
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn or tconv.nn.
    """

    def __init__(self, layers: Any = nn) -> None:
        super().__init__()
        self.down = nn.ModuleList(twice(*channels) for channels in pairwise((3, *WIDTHS)))
        upwards = list(pairwise(reversed(WIDTHS)))
        self.up = nn.ModuleList(layers.ConvTranspose2d(*channels, 2, 2) for channels in upwards)
        self.join = nn.ModuleList(twice(*channels) for channels in upwards)
        self.head = nn.Conv2d(WIDTHS[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return a logit for each cell: positive where it looks like a digit."""
        levels: list[Tensor] = []
        for down in self.down:
            x = down(functional.max_pool2d(x, 2) if levels else x)
            levels.append(x)
        for up, join, level in zip(self.up, self.join, levels[-2::-1], strict=True):
            x = join(torch.cat([level, up(x)], 1))
        return self.head(x)


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
    digits : Tensor
        (N, 1, 28, 28), from 0 to 1.
    seed : int
    """

    def __init__(self, photograph: Tensor, digits: Tensor, seed: int) -> None:
        self.photograph, self.digits = photograph, digits
        self.random = torch.Generator().manual_seed(seed)

    def batch(self, size: int, *, changed: bool = False) -> tuple[Tensor, Tensor]:
        """Return pictures (N, 3, 64, 64), and where their digits are (N, 1, 64, 64).

        Parameters
        ----------
        size : int
        changed : bool
            Whether the photograph's colours are exchanged and dimmed and its pieces turned over, so
            that there is more to see than one photograph has.
        """
        pictures, digits = zip(*(self.one(changed=changed) for _ in range(size)), strict=True)
        return torch.stack(pictures), torch.stack(digits)

    def one(self, *, changed: bool) -> tuple[Tensor, Tensor]:
        """Return one scene."""
        rows, columns = self.photograph.shape[1:]
        top, left = self.below(rows - SIDE), self.below(columns - SIDE)
        picture = self.photograph[:, top : top + SIDE, left : left + SIDE].clone()
        if changed:
            picture = picture[torch.randperm(3, generator=self.random)]
            picture *= 0.2 + 0.8 * torch.rand(3, 1, 1, generator=self.random)
            picture = picture.flip([axis for axis in (1, 2) if self.below(2)])
        where = torch.zeros(1, SIDE, SIDE)
        for _ in range(1 + self.below(3)):
            which, side = self.below(len(self.digits)), 24 + self.below(16)
            ink = functional.interpolate(self.digits[which][None], (side, side), mode="bilinear")[0]
            top, left = self.below(SIDE - side), self.below(SIDE - side)
            cells = (slice(None), slice(top, top + side), slice(left, left + side))
            if where[cells].any():
                continue  # digits do not cover each other
            there = picture[cells]
            there += ink * (self.colour(there.mean((1, 2))) - there)
            where[cells] = (ink > 0.5).float()
        return picture, where

    def colour(self, behind: Tensor) -> Tensor:
        """Return a colour that stands out from another."""
        while True:
            chosen = torch.rand(3, generator=self.random)
            if (chosen - behind).abs().max() > CONTRAST:
                return chosen[:, None, None]

    def below(self, end: int) -> int:
        """Return a whole number from 0 to end - 1."""
        return int(torch.randint(end, (), generator=self.random))


def main() -> None:
    """Train on one photograph, measure on the other, and draw."""
    chosen = common.options(__doc__, STEPS)
    model = UNet(common.layers(chosen.layers))
    temple, flower = data.photographs()
    training = Scenes(temple, data.digits(train=True)[0], chosen.seed)
    testing = Scenes(flower, data.digits(train=False)[0], chosen.seed + 1)
    pictures, truth = testing.batch(TESTED)
    before = found(model, pictures[:SHOWN])
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, chosen.steps + 1)
    run = common.Run()
    for _ in run.steps(chosen.steps, "U-Net"):
        x, where = training.batch(BATCH, changed=True)
        loss = functional.binary_cross_entropy_with_logits(model(x), where)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        run.keep(loss=loss)
    made = torch.cat([found(model, part) for part in pictures.split(50)])
    run.curve(chosen.out / "loss.png")
    rows = {"given": pictures, "untrained": before, "found": made, "truth": truth}
    common.sheet(
        chosen.out / "pictures.png", [(name, shown[:SHOWN]) for name, shown in rows.items()]
    )
    metrics = {
        "IoU on the other photograph": f"{overlap(made, truth):.3f}",
        "cells told rightly": f"{(made == truth).float().mean():.2%}",
        "if all were called paper": f"{(truth == 0).float().mean():.2%}",
    }
    common.report(run, chosen, metrics)


@torch.no_grad()
def found(model: nn.Module, pictures: Tensor) -> Tensor:
    """Return 1 where a model sees a digit, else 0."""
    model.eval()
    cells = (model(pictures) > 0).float()
    model.train()
    return cells


def overlap(made: Tensor, truth: Tensor) -> float:
    """Return intersection over union."""
    return float((made * truth).sum() / (made + truth).clamp(max=1).sum().clamp(min=1))


if __name__ == "__main__":
    common.start(main)
