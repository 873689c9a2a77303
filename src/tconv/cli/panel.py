"""What ``tconv upsample`` says of its work."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from tconv.cli.layers import Layer
from tconv.geometry import Geometry
from tconv.geometry.convolution import times
from tconv.geometry.facts import overlap_words
from tconv.interpolation.resampling import Places, Resampling
from tconv.interpolation.upsampling import Upsampler
from tconv.media import Factors, Source

AGREES = 1e-12


def report(
    source: Source,
    name: Path,
    output: Path,
    layer: Layer,
    channels: int,
    factors: Factors,
    seconds: float,
) -> Table:
    """Return the rows that tell the input, the output, the layer and its cost."""
    rows = Table(show_header=False, box=None, padding=(0, 1, 0, 0))
    rows.add_column(style="bold")
    rows.add_row("input", f"{name}: {source.describe()}")
    rows.add_row("output", f"{output}: {_size(source, layer.output_size, factors[0])}")
    if layer.geometry is not None:
        _tell_layer(rows, layer.geometry)
    else:
        assert isinstance(layer, Upsampler)
        _tell_phases(rows, layer)
    if layer.gains is not None:
        rows.add_row("gains", _gains(layer.gains))
    rows.add_row("work", f"{layer.macs(channels):,} multiply-adds")
    rows.add_row("time", f"{seconds:.2f} s")
    return rows


def agreement_words(compared: dict[str, float]) -> str:
    """Say whether the definitions agree, and by how much they differ."""
    if not compared:
        return "not made: the definitions would compute all phases of all outputs, for minutes"
    worst = max(compared.values())
    verdict = "agree" if worst <= AGREES else "DISAGREE"
    return f"{', '.join(compared)} {verdict} (largest difference {worst:.1e})"


def _tell_layer(rows: Table, g: Geometry) -> None:
    rows.add_row("layer", f"kernel {times(g.kernel_size)}, stride {times(g.stride)}")
    rows.add_row("size", "O = (I-1)·s + ke - c0 - c1")
    for axis in g.axes:
        worked = (
            f"({axis.input_size}-1)·{axis.stride} + {axis.effective_kernel} "
            f"- {axis.crop_start} - {axis.crop_end} = {axis.output_size}"
        )
        rows.add_row("", worked)
    rows.add_row("overlap", overlap_words(g))


def _tell_phases(rows: Table, layer: Upsampler) -> None:
    align = layer.axes[0].places.align
    grows = "(I-1)·p/q + 1" if align == "corners" else "I·p/q"
    lies = "(n + 1/2)·q/p - 1/2" if align == "centres" else "n·q/p"
    rows.add_row("layer", "output n reads phase (n·q + offset) mod p of one kernel")
    for axis in layer.axes:
        rows.add_row("", _phases(axis))
    rows.add_row("places", f"{align}: output n lies on input {lies}")
    rows.add_row("size", f"O = {grows}")
    for axis in layer.axes:
        rows.add_row("", _worked(axis.places))


def _phases(axis: Resampling) -> str:
    if axis.stays:
        return "stays as it is"
    taps = f"{axis.taps} tap{'s' * (axis.taps > 1)}"
    read = "" if axis.phases == axis.period else f", {axis.phases} of them read"
    name = f": {axis.name}" if axis.name else ""
    return f"p/q = {axis.period}/{axis.advance}, phases of {taps}{read}{name}"


def _worked(places: Places) -> str:
    i, o, ratio = places.input_size, places.output_size, places.factor
    if places.align == "corners":
        return f"({i}-1)·{ratio} + 1 = {o}"
    if i * ratio == o:
        return f"{i}·{ratio} = {o}"
    if int(i * ratio) == o:
        return f"floor({i}·{ratio}) = {o}"
    return f"{o} as given, of {float(i * ratio):g}"


def _size(source: Source, size: tuple[int, ...], factor: int | Fraction) -> str:
    if source.kind == "picture":
        return times(size[::-1])
    if source.rate is None:
        return f"{times(size)} cells"
    return f"{times(size)} samples, {source.rate * factor} Hz"


def _gains(gains: Any) -> str:
    low, high = float(np.min(gains)), float(np.max(gains))
    if np.isclose(low, high):
        return f"every phase sums to {low:.4g}: a constant stays flat"
    ripple = f" by {(high - low) / abs(high + low) * 2:.1%}" if low + high else ""
    return f"phases sum to {low:.4g} … {high:.4g}: a constant ripples{ripple}, a checkerboard"
