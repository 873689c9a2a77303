"""What a peer is: another implementation, prepared ahead as well as it can be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.layers import Array, Layer


class UnsupportedError(Exception):
    """A peer cannot compute a layer; the message says why."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A layer bound to one input, which is in the peer's own array already.

    Parameters
    ----------
    run : callable
        What is timed. Returns when the result is there, in the peer's own array.
    read : callable
        From that result to NumPy arrays in tconv's layout: (y,), or (y, dx, dw) for training.
    """

    run: Callable[[], Any]
    read: Callable[[Any], tuple[Array, ...]]


Bind = Callable[[Array], Bound]
Prepare = Callable[[], Bind]


class Peer(Protocol):
    """Another implementation; lives in a process of its own."""

    @property
    def title(self) -> str:
        """What tables call it."""

    @property
    def module(self) -> str:
        """What is imported."""

    def version(self) -> str | None:
        """Return its version if it is installed, without importing it."""

    def start(self, threads: int) -> None:
        """Import it and set its number of threads."""

    def variants(
        self, layer: Layer, weight: Array, bias: Array | None, task: str
    ) -> dict[str, Prepare]:
        """Return the ways it can compute this, by name; the fastest is timed.

        Raises
        ------
        UnsupportedError
            If there is none.
        """


def forward_only(task: str) -> None:
    """Refuse training."""
    if task != "forward":
        raise UnsupportedError("not timed for training")
