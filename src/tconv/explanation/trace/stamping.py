"""The stamps, one an input cell: what scatter, gradient and overlap go by."""

from collections.abc import Iterator
from dataclasses import dataclass

from tconv.explanation.trace.grids import input_cells, kernel_cells, output_cells
from tconv.explanation.trace.layer import Layer
from tconv.explanation.trace.model import CROP, Ref, Write, places
from tconv.explanation.trace.recorder import Recorder
from tconv.explanation.trace.words import named


@dataclass(frozen=True)
class Stamp:
    """What one input cell adds.

    Parameters
    ----------
    index : tuple of int
        (channel, *position) of the input.
    source : Ref
    kernel : tuple of Ref
    writes : tuple of Write
        Cropped ones included.
    first, last : tuple of int
        The outputs at its corners.
    cropped : int
        How many of the writes are cropped.
    formula : str
        Of the first kept cell that other stamps reached before, or that this one reaches.
    """

    index: tuple[int, ...]
    source: Ref
    kernel: tuple[Ref, ...]
    writes: tuple[Write, ...]
    first: tuple[int, ...]
    last: tuple[int, ...]
    cropped: int
    formula: str


def stamps(
    layer: Layer, recorder: Recorder, x: int, kernel: int, y: int, *, count: bool = False
) -> Iterator[Stamp]:
    """Yield the stamps, channel by channel and row by row.

    Parameters
    ----------
    layer : Layer
    recorder : Recorder
    x, kernel, y : int
        The panels of input, kernel and output.
    count : bool
        Whether each product counts one instead.
    """
    axes = layer.geometry.axes
    inputs, taps, outputs = (
        input_cells(layer, x),
        kernel_cells(layer, kernel),
        output_cells(layer, y),
    )
    panel = recorder.panels[y]
    put = recorder.count if count else recorder.multiply
    reach = [tuple(k * a.dilation for k, a in zip(tap, axes, strict=True))
             for tap in places(layer.geometry.kernel_size)]  # fmt: skip
    for index in places(layer.x.shape):
        channel = index[0]
        source = inputs(index)
        first = tuple(i * a.stride - a.crop_start for i, a in zip(index[1:], axes, strict=True))
        last = tuple(o + a.effective_kernel - 1 for o, a in zip(first, axes, strict=True))
        element = taps((channel, 0, *(0,) * len(axes))).cell
        read = []
        writes = []
        for out in layer.outputs_of(channel):
            for offset in reach:
                target = outputs((out, *(o + t for o, t in zip(first, offset, strict=True))))
                read.append(Ref(kernel, element))
                writes.append(put(target, source, read[-1]))
                element += 1
        kept = [write for write in writes if panel.kinds[write.to.cell] != CROP]
        told = next((w for w in kept if recorder.terms(w.to) > 1), (kept or writes)[0])
        yield Stamp(
            index, source, tuple(read), tuple(writes), first, last, len(writes) - len(kept),
            recorder.equation(named("y", panel.index(told.to.cell)), told.to),
        )  # fmt: skip


def cropped_said(stamp: Stamp) -> str:
    """Say how much of a stamp is cropped: nothing, if none is."""
    if stamp.cropped == 0:
        return ""
    if stamp.cropped == len(stamp.writes):
        return "; all of it is cropped"
    return f"; {stamp.cropped} of {len(stamp.writes)} are cropped"
