"""Padding modes: the adjoint of a convolution whose input is padded by copies of its own cells.

Such a convolution is a padding P, then a convolution C without padding; its adjoint is the
transposed convolution without crop, then Pᵀ, which adds each padded cell to the one it copies.
"""

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def fold(y: Tensor, windows: Sequence[tuple[int, int]], mode: str) -> Tensor:
    """Add what lies before and after the last axes to the cells within, as a mode says.

    Parameters
    ----------
    y : Tensor, (..., *(before + O + after))
    windows : sequence of (before, after), one for each of the last axes
        How many cells lie before and after, none or more.
    mode : {"circular", "reflect", "replicate"}

    Returns
    -------
    Tensor, (..., *O)

    Raises
    ------
    ValueError
        If a margin is wider than the cells that it could be a copy of.

    Examples
    --------
    >>> import torch
    >>> fold(torch.tensor([1, 2, 10, 20, 30, 3]), [(2, 1)], "circular")
    tensor([13, 21, 32])
    >>> fold(torch.tensor([1, 2, 10, 20, 30, 3]), [(2, 1)], "reflect")
    tensor([10, 25, 31])
    """
    for axis, (before, after) in enumerate(windows, y.ndim - len(windows)):
        size = y.shape[axis] - before - after
        most = size if mode == "circular" else size - 1
        if mode != "replicate" and max(before, after) > most:
            raise ValueError(
                f"padding_mode {mode!r} copies at most {most} cells of {size} to either side, "
                f"not {max(before, after)}; pad less"
            )
        y = y.movedim(axis, -1)
        within = y[..., before : before + size]
        for margin, first in MARGINS[mode](y[..., :before], y[..., before + size :], size):
            if margin.shape[-1]:
                rest = size - first - margin.shape[-1]
                within = within + F.pad(margin, (first, rest))
        y = within.movedim(-1, axis)
    return y


def _circular(start: Tensor, end: Tensor, size: int) -> list[tuple[Tensor, int]]:
    return [(start, size - start.shape[-1]), (end, 0)]


def _reflect(start: Tensor, end: Tensor, size: int) -> list[tuple[Tensor, int]]:
    return [(start.flip(-1), 1), (end.flip(-1), size - 1 - end.shape[-1])]


def _replicate(start: Tensor, end: Tensor, size: int) -> list[tuple[Tensor, int]]:
    return [(start.sum(-1, keepdim=True), 0), (end.sum(-1, keepdim=True), size - 1)]


# each margin as it is added, and the cell from which on
MARGINS = {"circular": _circular, "reflect": _reflect, "replicate": _replicate}
