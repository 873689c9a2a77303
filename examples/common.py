"""What the examples share: options, where layers come from, progress, curves and pictures."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from data import MissingError
from matplotlib.figure import Figure
from torch import Tensor
from tqdm import tqdm

LAYERS = {"torch": "torch.nn", "tconv": "tconv.nn"}
INK, MUTED = "#1b3a4b", "#8a9ba8"
COLOURS = ("#2b7a78", "#c8553d", "#e0a030")
SMOOTHED = 25  # steps that a curve is averaged over


def options(description: str, steps: int, **more: Mapping[str, Any]) -> argparse.Namespace:
    """Read the command line, and seed what is random.

    Parameters
    ----------
    description : str
        The first line of what ``--help`` says.
    steps : int
        How many to train by default.
    **more : dict
        Further options, as keywords of ``add_argument``.
    """
    name = Path(import_module("__main__").__file__ or "example").stem
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    add = parser.add_argument
    add("--layers", choices=LAYERS, default=usual(), help="whose transposed convolutions")
    add("--steps", type=int, default=steps, help=f"steps to train; {steps} by default")
    add("--out", type=Path, default=Path("out") / name, help="folder for pictures")
    add("--seed", type=int, default=0, help="of all that is random")
    for option, words in more.items():
        add(f"--{option}", **words)
    chosen = parser.parse_args()
    if chosen.steps < 1:
        parser.error("--steps must be at least 1")
    chosen.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(chosen.seed)
    torch.use_deterministic_algorithms(True)
    return chosen


def start(main: Callable[[], None]) -> None:
    """Run an example; where its data cannot be had, say so and exit with 3."""
    try:
        main()
    except MissingError as error:
        print(error, file=sys.stderr)
        raise SystemExit(3) from None


def usual() -> str:
    """Return whose layers are taken if nothing is said: tconv's where it has them."""
    try:
        import_module("tconv.nn")
    except ModuleNotFoundError:
        return "torch"
    return "tconv"


def layers(name: str) -> Any:
    """Return the module that a name stands for; its ``ConvTranspose2d`` is what a model takes."""
    try:
        return import_module(LAYERS[name])
    except ModuleNotFoundError:
        raise SystemExit(f"this tconv has no {LAYERS[name]}: --layers torch") from None


@dataclass
class Run:
    """A training run: its progress bar, its losses and its time."""

    losses: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    def steps(self, count: int, words: str) -> Iterator[int]:
        """Yield 0 to count - 1 under a progress bar that shows the latest losses."""
        start = time.perf_counter()
        with tqdm(range(count), desc=words, unit="step", mininterval=0.5) as bar:
            for step in bar:
                yield step
                if step % 10 == 0 or step == count - 1:
                    bar.set_postfix({name: f"{kept[-1]:.4f}" for name, kept in self.losses.items()})
        self.seconds = time.perf_counter() - start

    def keep(self, **losses: Tensor) -> None:
        """Keep the losses of a step."""
        for name, loss in losses.items():
            self.losses.setdefault(name, []).append(loss.item())

    def curve(self, path: Path) -> None:
        """Draw the losses, each step's and their running mean."""
        figure = Figure(figsize=(6, 3.2), layout="constrained")
        axes = figure.subplots()
        for (name, losses), colour in zip(self.losses.items(), COLOURS, strict=False):
            values = torch.tensor(losses)
            width = min(SMOOTHED, len(losses))
            mean = values.unfold(0, width, 1).mean(1)
            axes.plot(values.numpy(), color=colour, alpha=0.25, linewidth=0.8)
            middles = torch.arange(len(mean)) + width // 2
            axes.plot(middles.numpy(), mean.numpy(), color=colour, linewidth=1.6, label=name)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(path, dpi=110)


def sheet(path: Path, rows: Iterable[tuple[str, Tensor]], *, scale: float = 0.6) -> None:
    """Draw rows of pictures, each row with its words to the left.

    Parameters
    ----------
    path : Path
    rows : iterable of (str, Tensor)
        Tensors are (N, 1, H, W), drawn dark on light, or (N, 3, H, W), of values from 0 to 1.
    scale : float
        Inches that a picture is wide.
    """
    listed = list(rows)
    across = max(len(pictures) for _, pictures in listed)
    margin = 1.15
    width, height = margin + across * scale, len(listed) * scale
    figure = Figure(figsize=(width, height))
    for down, (words, pictures) in enumerate(listed):
        top = 1 - (down + 0.5) / len(listed)
        figure.text(
            0.92 * margin / width, top, words, ha="right", va="center", fontsize=9, color=INK
        )
        for right, picture in enumerate(pictures):
            place = (
                (margin + right * scale) / width,
                1 - (down + 1) / len(listed),
                0.94 * scale / width,
                0.94 / len(listed),
            )
            axes = figure.add_axes(place)
            axes.set_axis_off()
            grey = picture.shape[0] == 1
            shown = picture[0] if grey else picture.permute(1, 2, 0)
            axes.imshow(
                shown.clamp(0, 1).numpy(), cmap="gray_r" if grey else None, vmin=0, vmax=1,
                interpolation="nearest",
            )  # fmt: skip
    figure.savefig(path, dpi=120)


def batches(pictures: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of pictures chosen at random, without end."""
    while True:
        yield pictures[torch.randint(len(pictures), (size,), generator=generator)]


def report(run: Run, chosen: argparse.Namespace, metrics: Mapping[str, str]) -> None:
    """Print what came out."""
    steps = f"{chosen.steps} steps, {chosen.layers} layers, {torch.get_num_threads()} threads"
    print(f"trained in {run.seconds:.0f} s ({steps})")
    for name, value in metrics.items():
        print(f"{name}: {value}")
    print(f"pictures: {', '.join(str(path) for path in sorted(chosen.out.glob('*.png')))}")
