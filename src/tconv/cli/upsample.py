"""``tconv upsample``: enlarge a picture, a sound or an array with a transposed convolution."""

from importlib.resources import as_file, files
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from tconv.cli import options as o
from tconv.cli.facts import overlap_words
from tconv.cli.jobs import Job, Strips, Whole
from tconv.cli.layers import WEIGHT_SUFFIXES, Layer, Weighted, agreement, read_weights
from tconv.cli.light import Gamma
from tconv.convolution import times
from tconv.geometry import Geometry
from tconv.kernels import KERNELS, SIZED
from tconv.media import DEFAULT_MAX, MediaError, Source, default_output, open_media
from tconv.parameters import per_axis
from tconv.upsampling import Edges, Upsampler, kernels_for

PHOTOGRAPH = "chelsea.png"
AGREES = 1e-12


def upsample(
    input: Annotated[
        Path | None,
        typer.Argument(help="PNG, JPEG, TIFF, WebP, WAV, FLAC or .npy; a photograph if left out."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    scale: Annotated[
        str, typer.Option(metavar="N[xN…]", help="Whole factor, or one an axis.")
    ] = "2",
    kernel: Annotated[
        str, typer.Option(help=f"{', '.join(KERNELS)}, or an .npy/.npz file of weights.")
    ] = "bilinear",
    kernel_size: Annotated[
        str | None,
        typer.Option(metavar="N[xN…]", help=f"For {' and '.join(SIZED)}."),
    ] = None,
    edges: Annotated[
        Edges,
        typer.Option(
            help="Borders: divide by what the kernel covers, repeat the last cells, or zeros."
        ),
    ] = "normalize",
    gamma: Annotated[
        Gamma, typer.Option(help="Interpolate the stored values, or linear light.")
    ] = "srgb",
    stride: o.MaybeStride = None,
    padding: o.MaybePadding = None,
    output_padding: o.MaybeOutputPadding = None,
    dilation: o.MaybeDilation = None,
    groups: Annotated[int | None, typer.Option(min=1, help="For weights from a file.")] = None,
    layout: Annotated[
        str | None,
        typer.Option(help="Axes of an .npy array, such as HWC; N and C are not enlarged."),
    ] = None,
    tile: Annotated[
        int | None, typer.Option(min=1, help="Output rows worked on at a time, to save memory.")
    ] = None,
    method: Annotated[str, typer.Option(help="auto, or a definition by name.")] = "auto",
    check: Annotated[
        bool, typer.Option("--check", help="Compare all definitions on a crop of the input.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing output.")] = False,
    max_pixels: Annotated[
        int, typer.Option(min=1, help="Refuse pictures of more pixels.")
    ] = DEFAULT_MAX,
) -> None:
    """Enlarge a picture, sound or array: tconv upsample photo.jpg --kernel bicubic."""
    words = {
        "stride": o.maybe_sizes("--stride", stride),
        "padding": None if padding is None else o.padding("--padding", padding),
        "output_padding": o.maybe_sizes("--output-padding", output_padding),
        "dilation": o.maybe_sizes("--dilation", dilation),
    }
    given = {name: word for name, word in words.items() if word is not None}
    from_file = Path(kernel).suffix.lower() in WEIGHT_SUFFIXES
    if not from_file and (groups is not None or given):
        raise ValueError(
            "--stride, --padding, --output-padding, --dilation and --groups are for weights from "
            f"a file; kernel {kernel} sets its own"
        )
    if from_file and kernel_size is not None:
        raise ValueError("--kernel-size is for named kernels; weights from a file have their own")
    weight, bias = read_weights(Path(kernel)) if from_file else (None, None)
    factor = o.sizes("--scale", scale)
    size = o.maybe_sizes("--kernel-size", kernel_size)

    def layer_for(spatial: tuple[int, ...]) -> Layer:
        rank = len(spatial)
        if weight is None:
            named = kernels_for(kernel, factor, size, rank)
            return Upsampler(spatial, named, edges, method)
        if weight.ndim not in (rank, rank + 2):
            raise MediaError(
                f"{kernel} has {weight.ndim} axes; {rank} spatial axes need {rank} (one kernel) "
                f"or {rank + 2} (C_in, C_out/groups, *kernel)"
            )
        geometry = Geometry.of(spatial, weight.shape[-rank:], **{"stride": factor, **given})
        return Weighted(weight, bias, geometry, groups or 1, method)

    photograph = files("tconv") / "data" / PHOTOGRAPH
    with (
        as_file(photograph) as embedded,
        open_media(input or embedded, max_pixels=max_pixels) as source,
    ):
        named_after = input or Path(PHOTOGRAPH)
        out = output or default_output(named_after, source.kind, scale)
        job = _job(source, layout, tile, gamma, None if weight is None else weight.ndim - 2)
        factors = per_axis("scale", factor, len(job.spatial), minimum=1)
        layer = layer_for(job.spatial)
        began = perf_counter()
        job.run(layer, out, factors, force)
        seconds = perf_counter() - began
        report = _report(source, named_after, out, layer, job, seconds)
        worst = 0.0
        if check:
            crop = job.crop()
            compared = agreement(layer_for(crop.shape[1:]), groups or 1, crop)
            worst = max(compared.values())
            report.add_row("check", f"{', '.join(compared)} {_agree(worst)}")
    Console(highlight=False).print(Panel(report, title="tconv upsample", expand=False))
    if worst > AGREES:
        raise typer.Exit(1)


def _agree(worst: float) -> str:
    return f"{'agree' if worst <= AGREES else 'DISAGREE'} (largest difference {worst:.1e})"


def _job(
    source: Source, layout: str | None, tile: int | None, gamma: Gamma, rank: int | None
) -> Job:
    if source.kind != "array":
        if layout is not None:
            raise ValueError(f"--layout is for .npy arrays; {source.path} is a {source.kind}")
        return Strips(source, tile, gamma)
    if gamma != "srgb":
        raise ValueError("--gamma is for pictures, not for .npy arrays")
    return Whole(source, layout, rank)


def _report(
    source: Source, name: Path, output: Path, layer: Layer, job: Job, seconds: float
) -> Table:
    g = layer.geometry
    report = Table(show_header=False, box=None, padding=(0, 1, 0, 0))
    report.add_column(style="bold")
    report.add_row("input", f"{name}: {source.describe()}")
    report.add_row("output", f"{output}: {_size(source, g.output_size)}")
    report.add_row("layer", f"kernel {times(g.kernel_size)}, stride {times(g.stride)}")
    report.add_row("size", "O = (I-1)·s + ke - c0 - c1")
    for axis in g.axes:
        worked = (
            f"({axis.input_size}-1)·{axis.stride} + {axis.effective_kernel} "
            f"- {axis.crop_start} - {axis.crop_end} = {axis.output_size}"
        )
        report.add_row("", worked)
    report.add_row("overlap", overlap_words(g))
    if layer.gains is not None:
        report.add_row("gains", _gains(layer.gains))
    report.add_row("work", f"{layer.macs(job.channels):,} multiply-adds")
    report.add_row("time", f"{seconds:.2f} s")
    return report


def _size(source: Source, size: tuple[int, ...]) -> str:
    if source.kind == "picture":
        return times(size[::-1])
    return f"{times(size)} {'samples' if source.kind == 'sound' else 'cells'}"


def _gains(gains: Any) -> str:
    low, high = float(np.min(gains)), float(np.max(gains))
    if np.isclose(low, high):
        return f"every phase sums to {low:.4g}: a constant stays flat"
    ripple = f" by {(high - low) / abs(high + low) * 2:.1%}" if low + high else ""
    return f"phases sum to {low:.4g} … {high:.4g}: a constant ripples{ripple}, a checkerboard"
