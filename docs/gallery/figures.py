"""The figures of the gallery, read from figures.toml, and how each is drawn."""

import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from tconv.drawing import film, frame, layout, svg
from tconv.traces import Trace
from tconv.traces.written import traced

HERE = Path(__file__).parent
OPTIONS = {
    "view": "--view",
    "i": "-i",
    "k": "-k",
    "s": "-s",
    "p": "-p",
    "op": "--output-padding",
    "d": "-d",
    "x": "--x",
    "w": "--weight",
}
FEW = 4  # steps that a strip shows one and all


@dataclass(frozen=True)
class Figure:
    """One figure: a trace in short texts, what it shows, and what its original left out.

    Parameters
    ----------
    name : str
        Of its files.
    title, shows, notes : str
        A heading and two sentences.
    state : dict of str to str
        What :func:`tconv.traces.written.read` reads.
    frames : tuple of int
        Those of the still: one fills a slide, several make a strip; by default all of few, else the
        middle step; of counts, the result.
    terms : {"step", "keep"}
        As in :func:`tconv.drawing.layout`.
    motion : bool
        Whether a film of all frames stands beside the still.
    """

    name: str
    title: str
    shows: str
    notes: str
    state: dict[str, str] = field(hash=False)
    frames: tuple[int, ...] = ()
    terms: str = "step"
    motion: bool = False

    @property
    def still(self) -> str:
        """The file name of the still."""
        return f"{self.name}.svg"

    @property
    def film(self) -> str:
        """The file name of the film."""
        return f"{self.name}.webp"

    def trace(self) -> Trace:
        """Return what happens."""
        return traced(self.state)

    def command(self) -> str:
        """Return the command that draws it."""
        words = ["tconv", "explain"]
        for key, text in self.state.items():
            words += [OPTIONS[key], shlex.quote(text)]
        return " ".join([*words, "--draw", self.still])

    def drawn(self) -> str:
        """Return the still as SVG."""
        trace = self.trace()
        frames = self.frames or _frames(trace)
        if len(frames) == 1:
            return svg(frame(layout(trace, terms=self.terms), frames[0]))
        return film(trace, frames=frames, terms=self.terms)


@dataclass(frozen=True)
class Source:
    """The figures of one source."""

    title: str
    figures: tuple[Figure, ...]


def sources() -> tuple[Source, ...]:
    """Read the sources and their figures.

    Examples
    --------
    >>> sources()[0].figures[0].trace().values()
    [[130, 151], [214, 235]]
    """
    table = tomllib.loads((HERE / "figures.toml").read_text(encoding="utf-8"))
    return tuple(
        Source(source["title"], tuple(_figure(**entry) for entry in source["figure"]))
        for source in table["source"]
    )


def _figure(*, frames: list[int] | None = None, **entry: object) -> Figure:
    return Figure(frames=tuple(frames or ()), **entry)


def _frames(trace: Trace) -> tuple[int, ...]:
    if trace.view == "overlap":
        return (trace.frames - 1,)
    steps = len(trace.steps)
    return tuple(range(1, trace.frames)) if steps <= FEW else ((steps + 1) // 2,)
