"""A DCGAN: digits made of random numbers, by a generator and a critic that learn together.

The generator has nothing but transposed convolutions: 1×1 to 4×4, then doubled three times. Its
average over the last steps draws. A classifier, trained on real digits, then says how many of them
look like one, and whether all ten are there.

    python examples/dcgan.py [--layers tconv|torch] [--steps N] [--out DIR]
"""

from itertools import pairwise
from typing import Any

import common
import data
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

LATENT = 64
BATCH = 64
STEPS = 2000
KEPT = 0.99  # of the generator's average, each step: it draws better than its latest state
CLASSIFIER_STEPS = 600
SHOWN = 12
JUDGED = 2000
MOMENTS = (0, 0.04, 0.2, 1)  # of the training, at which the same numbers are drawn


class Generator(nn.Sequential):
    """From (N, 64, 1, 1) to (N, 1, 32, 32), from -1 to 1.

    Parameters
    ----------
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn or tconv.nn.
    """

    def __init__(self, layers: Any = nn) -> None:
        parts: list[nn.Module] = [
            layers.ConvTranspose2d(LATENT, 128, 4, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
        ]  # fmt: skip
        for before, after in pairwise((128, 64, 32)):
            deconv = layers.ConvTranspose2d(before, after, 4, 2, 1, bias=False)
            parts += [deconv, nn.BatchNorm2d(after), nn.ReLU()]
        super().__init__(*parts, layers.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh())


class Critic(nn.Sequential):
    """From (N, 1, 32, 32) to a logit each: positive where it looks real."""

    def __init__(self) -> None:
        parts: list[nn.Module] = [nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2)]
        for before, after in pairwise((32, 64, 128)):
            conv = nn.Conv2d(before, after, 4, 2, 1, bias=False)
            parts += [conv, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        super().__init__(*parts, nn.Conv2d(128, 1, 4), nn.Flatten(0))


class Classifier(nn.Sequential):
    """From (N, 1, 32, 32) to ten logits."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(1, 16, 4, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 8 * 8, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip


def main() -> None:
    """Train, draw the same random numbers four times on the way, and judge."""
    chosen = common.options(__doc__, STEPS)
    random = torch.Generator().manual_seed(chosen.seed)
    generator, critic = Generator(common.layers(chosen.layers)), Critic()
    for module in (*generator.modules(), *critic.modules()):
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
        elif getattr(module, "weight", None) is not None:
            nn.init.normal_(module.weight, 0, 0.02)
    average = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(KEPT), use_buffers=True)
    pictures, labels = data.digits(train=True)
    real = functional.pad(pictures, (2, 2, 2, 2)) * 2 - 1
    fixed = torch.randn(SHOWN, LATENT, 1, 1, generator=random)
    moments = {round(part * (chosen.steps - 1)): part for part in MOMENTS}
    rows: list[tuple[str, Tensor]] = []
    optimisers = [
        torch.optim.Adam(model.parameters(), 3e-4, (0.5, 0.999)) for model in (generator, critic)
    ]
    run = common.Run()
    source = common.batches(real, BATCH, random)
    for step in run.steps(chosen.steps, "DCGAN"):
        made = generator(torch.randn(BATCH, LATENT, 1, 1, generator=random))
        losses = {
            "critic": (judged(critic, next(source), 0.9) + judged(critic, made.detach(), 0)) / 2
        }
        improve(losses["critic"], optimisers[1])
        losses["generator"] = judged(critic, made, 1)
        improve(losses["generator"], optimisers[0])
        average.update_parameters(generator)
        run.keep(**losses)
        if step in moments:
            rows.append((f"step {step + 1}", drawn(average, fixed)))
    run.curve(chosen.out / "loss.png")
    rows.append(("real digits", pictures[:SHOWN]))
    common.sheet(chosen.out / "pictures.png", rows)
    classifier = trained(real, labels, min(CLASSIFIER_STEPS, 10 * chosen.steps), chosen.seed)
    numbers = torch.randn(JUDGED, LATENT, 1, 1, generator=random)
    held_out, kinds = data.digits(train=False)
    test = functional.pad(held_out, (2, 2, 2, 2)) * 2 - 1
    with torch.no_grad():
        right = (classifier(test).argmax(1) == kinds).float().mean()
        made = classifier(drawn(average, numbers) * 2 - 1).softmax(1)
        true = classifier(test[:JUDGED]).softmax(1)
    counts = torch.bincount(made.argmax(1), minlength=10)
    metrics = {
        "the classifier is right on real digits": f"{right:.1%}",
        "sure (above 90 %) of made digits": f"{sure(made):.1%}, of real ones {sure(true):.1%}",
        "inception score, 1 to 10": f"{score(made):.2f}, of real digits {score(true):.2f}",
        "digits 0 to 9 among 2,000": ", ".join(str(int(count)) for count in counts),
    }
    common.report(run, chosen, metrics)


def judged(critic: nn.Module, pictures: Tensor, truth: float) -> Tensor:
    """Return the critic's loss where the answer is `truth`."""
    logits = critic(pictures)
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))


def improve(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """Take one step of one of the two."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@torch.no_grad()
def drawn(generator: nn.Module, numbers: Tensor) -> Tensor:
    """Return pictures from 0 to 1, with running statistics as in use."""
    return generator.eval()(numbers) / 2 + 0.5


def trained(pictures: Tensor, labels: Tensor, steps: int, seed: int) -> nn.Module:
    """Return a classifier of real digits."""
    model = Classifier()
    optimiser = torch.optim.Adam(model.parameters(), 2e-3)
    random = torch.Generator().manual_seed(seed)
    for _ in common.Run().steps(steps, "classifier"):
        some = torch.randint(len(pictures), (BATCH,), generator=random)
        improve(functional.cross_entropy(model(pictures[some]), labels[some]), optimiser)
    return model.eval()


def sure(probabilities: Tensor) -> float:
    """Return how many of the pictures are one digit for certain."""
    return float((probabilities.amax(1) > 0.9).float().mean())


def score(probabilities: Tensor) -> float:
    """Return the inception score with our classifier (Salimans et al. 2016, arXiv:1606.03498).

    exp of the mean divergence of each picture's probabilities from their mean: 10 where every
    picture is one digit for certain and all ten are as frequent.
    """
    mean = probabilities.mean(0)
    logs = (probabilities + 1e-12).log() - (mean + 1e-12).log()
    return float((probabilities * logs).sum(1).mean().exp())


if __name__ == "__main__":
    common.start(main)
