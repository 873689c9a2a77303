"""Puts terms into cells and keeps their totals, so that every view adds up in the same way."""

from collections.abc import Sequence

from tconv.explanation.trace.model import Panel, Ref, Write
from tconv.explanation.trace.values import Value, product_written, sum_written, written
from tconv.symbolic import Expression


class Recorder:
    """The panels of a trace, and what has been written to them so far.

    Examples
    --------
    >>> from tconv.explanation.trace.model import Panel
    >>> row = Panel("x", "input", ("column",), (2,), (0,), ("cell",) * 2, (2, 3), "2")
    >>> empty = Panel("y", "output", ("column",), (1,), (0,), ("cell",), (None,), "1")
    >>> recorder = Recorder((row, empty))
    >>> recorder.multiply(Ref(1, 0), Ref(0, 0), Ref(0, 1)).text
    '2·3'
    >>> recorder.equation("y[0]", Ref(1, 0))
    'y[0] = 2·3 = 6'
    """

    def __init__(self, panels: Sequence[Panel]) -> None:
        self.panels = tuple(panels)
        self._totals: dict[Ref, Value] = {}
        self._texts: dict[Ref, list[str]] = {}

    def value(self, ref: Ref) -> Value | None:
        """Return what a cell holds now."""
        return self._totals.get(ref, self.panels[ref.panel].values[ref.cell])

    def multiply(self, to: Ref, x: Ref, kernel: Ref) -> Write:
        """Add the product of an input and a kernel element to a cell."""
        value, weight = self._held(x), self._held(kernel)
        return self._add(to, (x, kernel), weight * value, product_written(value, weight))

    def count(self, to: Ref, x: Ref, kernel: Ref) -> Write:
        """Add one to a cell, for a product of an input and a kernel element."""
        return self._add(to, (x, kernel), 1, "1")

    def copy(self, to: Ref, source: Ref) -> Write:
        """Add what one cell holds to another."""
        value = self._held(source)
        return self._add(to, (source,), value, written(value))

    def terms(self, to: Ref) -> int:
        """Return how many terms a cell holds now."""
        return len(self._texts.get(to, ()))

    def equation(self, name: str, to: Ref) -> str:
        """Write the sum that a cell is by now: ``y[0,2] = 1·3 + 2·1 = 5``."""
        value = self._totals.get(to, 0)
        terms, total = sum_written(self._texts.get(to, [])), written(value)
        if isinstance(value, Expression) or terms == total:
            return f"{name} = {total}"
        return f"{name} = {terms} = {total}"

    def _add(self, to: Ref, factors: tuple[Ref, ...], term: Value, text: str) -> Write:
        before = self._totals.get(to)
        total = term if before is None else before + term
        self._totals[to] = total
        self._texts.setdefault(to, []).append(text)
        return Write(to, factors, term, text, total)

    def _held(self, ref: Ref) -> Value:
        value = self.value(ref)
        if value is None:
            raise ValueError(f"{self.panels[ref.panel].name} cell {ref.cell} is still empty")
        return value
