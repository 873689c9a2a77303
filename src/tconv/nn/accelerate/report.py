"""What was done to a model, layer by layer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HEAD = ("layer", "what", "before", "after", "gain", "predicted", "done")


@dataclass(frozen=True)
class LayerReport:
    """One layer.

    Parameters
    ----------
    name : str
        In the model.
    what : str
        The layer.
    done : str
        What computes it now, or why it was left alone.
    replaced : bool
    algorithm : str, optional
        Of the engine, for the example's size.
    predicted : float, optional
        Seconds, by the engine's cost model.
    before, after : float, optional
        Seconds measured on the example, with the modules that were folded.
    calls : int
        Of the layer in one run on the example.
    """

    name: str
    what: str
    done: str
    replaced: bool
    algorithm: str | None = None
    predicted: float | None = None
    before: float | None = None
    after: float | None = None
    calls: int = 1

    @property
    def gain(self) -> float | None:
        """Time before over time after."""
        return self.before / self.after if self.before and self.after else None

    def row(self) -> tuple[str, ...]:
        """Return the layer as a row of the table that HEAD names."""
        times = (_milliseconds(one) for one in (self.before, self.after))
        gain = "" if self.gain is None else f"{self.gain:.2f}"
        algorithm = f" ({self.algorithm})" if self.algorithm else ""
        predicted = _milliseconds(self.predicted)
        return self.name, self.what, *times, gain, predicted, self.done + algorithm


@dataclass(frozen=True)
class Report:
    """What :func:`tconv.nn.accelerate` did; printed as a table.

    Parameters
    ----------
    layers : list of LayerReport
    notes : list of str
        What holds for the whole model.
    before, after : float, optional
        Seconds of the model on the example.
    share : float, optional
        Of the model's time that its transposed convolutions had.
    error : float, optional
        The largest difference of an output on the example, over the largest output.
    undo : callable
        Restores the model.
    refresh : callable
        Packs frozen weights anew at the next call.
    """

    layers: list[LayerReport]
    notes: list[str] = field(default_factory=list)
    before: float | None = None
    after: float | None = None
    share: float | None = None
    error: float | None = None
    undo: Callable[[], Any] = field(default=lambda: None, repr=False)
    refresh: Callable[[], Any] = field(default=lambda: None, repr=False)

    @property
    def gain(self) -> float | None:
        """The model's time before over its time after."""
        return self.before / self.after if self.before and self.after else None

    def summary(self) -> list[str]:
        """Return what holds for the whole model, in sentences."""
        done = sum(layer.replaced for layer in self.layers)
        lines = [f"{done} of {len(self.layers)} layers replaced."]
        if self.before and self.after:
            lines.append(
                f"The model took {_milliseconds(self.before)} and takes "
                f"{_milliseconds(self.after)}: {self.gain:.2f} times as fast."
            )
        if self.share is not None:
            most = f": at most {1 / (1 - self.share):.2f} times" if self.share < 0.995 else ""
            lines.append(
                f"Transposed convolutions had {self.share:.0%} of its time, which is what "
                f"replacing them can gain{most}."
            )
        if self.error is not None:
            lines.append(f"Outputs differ by at most {self.error:.1e} of the largest.")
        return lines + self.notes

    def __str__(self) -> str:
        rows = [HEAD, *(layer.row() for layer in self.layers)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join([*table, "", *self.summary()])


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
