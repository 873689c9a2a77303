"""A convolutional auto-encoder: clothes squeezed into 32 numbers, and drawn again from them.

The encoder's strided convolutions halve the picture twice; the decoder's transposed convolutions
double it twice. ``--kernel 3`` has phases of 1, 2, 2 and 4 taps, an uneven overlap, and with few
steps it shows; ``--kernel 4`` has 4 taps everywhere.

    python examples/autoencoder.py [--layers tconv|torch] [--steps N] [--out DIR]
"""

from typing import Any

import common
import data
import torch
from torch import Tensor, nn
from torch.nn import functional

LATENT = 32
BATCH = 128
STEPS = 2000
SHOWN = 10  # pictures, one of each kind


class AutoEncoder(nn.Module):
    """28×28 → 14×14 → 7×7 → 32 numbers, and back.

    Parameters
    ----------
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn or tconv.nn.
    kernel : int
        Of the transposed convolutions: 4, or 3, which overlaps unevenly.
    """

    def __init__(self, layers: Any = nn, kernel: int = 4) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(64 * 7 * 7, LATENT),
        )  # fmt: skip
        doubling = (kernel, 2, 1, kernel % 2)  # stride, padding, output_padding
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 64 * 7 * 7), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
            layers.ConvTranspose2d(64, 32, *doubling), nn.ReLU(),
            layers.ConvTranspose2d(32, 1, *doubling), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """Return the pictures, drawn again."""
        return self.decoder(self.encoder(x))


def main() -> None:
    """Train, measure on pictures that were held out, and draw."""
    kernel = {"type": int, "choices": (3, 4), "default": 4, "help": "3 overlaps unevenly"}
    chosen = common.options(__doc__, STEPS, kernel=kernel)
    model = AutoEncoder(common.layers(chosen.layers), chosen.kernel)
    (pictures, _), (held_out, kinds) = data.clothes(train=True), data.clothes(train=False)
    shown = held_out[[int((kinds == kind).nonzero()[chosen.seed]) for kind in range(SHOWN)]]
    before = drawn(model, shown)
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, chosen.steps + 1)
    run = common.Run()
    source = common.batches(pictures, BATCH, torch.Generator().manual_seed(chosen.seed))
    for _ in run.steps(chosen.steps, "auto-encoder"):
        x = next(source)
        loss = functional.binary_cross_entropy(model(x), x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        run.keep(loss=loss)
    errors = torch.cat([(drawn(model, part) - part) ** 2 for part in held_out.split(1000)])
    run.curve(chosen.out / "loss.png")
    common.sheet(
        chosen.out / "pictures.png",
        [("given", shown), ("untrained", before), ("drawn again", drawn(model, shown))],
    )
    mean = (pictures.mean(0) - held_out).square().mean()
    metrics = {
        "reconstruction error (rms)": f"{errors.mean().sqrt():.4f} of 1",
        "of the mean picture": f"{mean.sqrt():.4f}",
        "variance explained": f"{1 - float(errors.mean() / mean):.1%}",
    }
    common.report(run, chosen, metrics)


@torch.no_grad()
def drawn(model: nn.Module, pictures: Tensor) -> Tensor:
    """Return what a model makes of pictures."""
    return model(pictures)


if __name__ == "__main__":
    common.start(main)
