"""The figures of the gallery and the tutorial, read from tables, and how each is drawn."""

import shlex
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import tconv
from tconv.explanation.drawing import film, frame, layout, svg
from tconv.explanation.trace.written import read

HERE = Path(__file__).parent
OPTIONS = {
    "i": "-i",
    "k": "-k",
    "s": "-s",
    "p": "-p",
    "op": "--output-padding",
    "d": "-d",
    "view": "--draw",
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
        What :func:`tconv.explanation.trace.written.read` reads.
    frame : int, optional
        The one that the still shows; by default the middle step, of counts the result.
    strip : bool
        Whether the still shows all frames; it does where they are few.
    terms : {"step", "keep"}
        As in :func:`tconv.explanation.drawing.layout`.
    motion : bool
        Whether a film of all frames stands beside the still.
    """

    name: str
    title: str
    shows: str
    notes: str
    state: dict[str, str] = field(hash=False)
    frame: int | None = None
    strip: bool = False
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

    def trace(self) -> tconv.Trace:
        """Return what happens."""
        return tconv.explain(**read(self.state))

    def command(self) -> str:
        """Return the command that draws it."""
        words = ["tconv", "explain"]
        for key, option in OPTIONS.items():
            if key in self.state:
                words += [option, shlex.quote(self.state[key])]
        number = None if self.motion else self._frame(self.trace())
        if number is not None:
            words += ["--frame", str(number)]
        if self.terms != "step":
            words += ["--terms", self.terms]
        return " ".join([*words, "-o", self.film if self.motion else self.still])

    def drawn(self) -> str:
        """Return the still as SVG."""
        trace = self.trace()
        number = self._frame(trace)
        if number is None:
            return film(trace, terms=self.terms)
        return svg(frame(layout(trace, terms=self.terms), number))

    def _frame(self, trace: tconv.Trace) -> int | None:
        steps = len(trace.steps)
        if self.frame is not None:
            return self.frame
        if trace.view == "overlap":
            return trace.frames - 1
        return None if self.strip or steps <= FEW else (steps + 1) // 2


@dataclass(frozen=True)
class Source:
    """The figures of one source."""

    title: str
    figures: tuple[Figure, ...]


def sources(table: Path = HERE / "figures.toml") -> tuple[Source, ...]:
    """Read sources and their figures from a table.

    Examples
    --------
    >>> sources()[0].figures[0].trace().values()
    [[130, 151], [214, 235]]
    """
    held = tomllib.loads(table.read_text(encoding="utf-8"))
    return tuple(
        Source(source["title"], tuple(Figure(**entry) for entry in source["figure"]))
        for source in held["source"]
    )


def figures(of: Iterable[Source]) -> tuple[Figure, ...]:
    """Return the figures of all sources, in order."""
    return tuple(figure for source in of for figure in source.figures)
