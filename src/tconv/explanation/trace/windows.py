"""What a window of a direct convolution reads: every cell under the kernel, zeros included."""

from collections.abc import Iterable, Sequence
from math import prod

from tconv.explanation.trace.grids import Cells
from tconv.explanation.trace.model import Ref, places
from tconv.geometry import Geometry


class Window:
    """A kernel-sized window over the cells of a panel.

    Parameters
    ----------
    geometry : Geometry
        Gives kernel size and dilation.
    cells : Cells
        The panel's: (channel, *index).

    Examples
    --------
    >>> window = Window(Geometry.of(2, 3, dilation=2), Cells(0, (2, 9)))
    >>> [ref.cell for ref in window((1,), [0, 1])]
    [1, 3, 5, 10, 12, 14]
    """

    def __init__(self, geometry: Geometry, cells: Cells) -> None:
        self._reach = geometry.effective_kernel
        self._cells = cells
        first = cells((0,) * (geometry.rank + 1)).cell
        self._offsets = [
            cells((0, *(k * d for k, d in zip(tap, geometry.dilation, strict=True)))).cell - first
            for tap in places(geometry.kernel_size)
        ]

    def __call__(self, first: Sequence[int], channels: Iterable[int]) -> list[Ref]:
        """Return the cells from `first` on, channel by channel and row by row."""
        corners = (self._cells((channel, *first)) for channel in channels)
        return [Ref(at.panel, at.cell + offset) for at in corners for offset in self._offsets]

    def corners(self, first: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the first and the last index."""
        return tuple(first), tuple(f + n - 1 for f, n in zip(first, self._reach, strict=True))


def filters(geometry: Geometry, channels: Iterable[tuple[int, int]], kernel: Cells) -> list[Ref]:
    """Return the kernel's elements, row by row, for each of these (input, output) channels."""
    taps = range(prod(geometry.kernel_size))
    corners = (kernel((*pair, *(0,) * geometry.rank)) for pair in channels)
    return [Ref(at.panel, at.cell + tap) for at in corners for tap in taps]
