"""``tconv upsample``: resample a picture, a sound or an array by phases of one kernel."""

from fractions import Fraction
from importlib.resources import as_file, files
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.panel import Panel

from tconv.cli import options as o
from tconv.cli.jobs import Job, Strips, Whole
from tconv.cli.layers import WEIGHT_SUFFIXES, Layer, Weighted, agreement, read_weights
from tconv.cli.light import Gamma
from tconv.cli.panel import AGREES, agreement_words, report
from tconv.geometry import Geometry
from tconv.interpolation.kernels import NAMES, SIZED, Align
from tconv.interpolation.ratios import ratios_per_axis
from tconv.interpolation.resampling import Edges
from tconv.interpolation.upsampling import FACTOR, Upsampler, resamplings
from tconv.media import DEFAULT_MAX, Factors, MediaError, Source, default_output, open_media

PHOTOGRAPH = "chelsea.png"


def upsample(
    input: Annotated[
        Path | None,
        typer.Argument(help="PNG, JPEG, TIFF, WebP, WAV, FLAC or .npy; a photograph if left out."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write.")] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="R[xR…]",
            help="Factor such as 2, 1.5 or 3/2, or one an axis, rows first: 1x2 doubles the width. "
            "[default: 2]",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="Output size: width x height of a picture, samples of a sound, axes of an array "
            "in order.",
        ),
    ] = None,
    rate: Annotated[
        int | None, typer.Option(min=1, metavar="HZ", help="Sample rate to bring a sound to.")
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(NAMES)}, or an .npy/.npz file of weights. "
            "[default: bilinear, sinc for sounds]"
        ),
    ] = None,
    kernel_size: Annotated[
        str | None,
        typer.Option(metavar="N[xN…]", help=f"For {' and '.join(SIZED)}."),
    ] = None,
    align: Annotated[
        Align | None,
        typer.Option(
            help="What input and output share: the centres of their cells, the first and the last "
            "one, or the first. [default: centres, starts for sinc]"
        ),
    ] = None,
    antialias: Annotated[
        bool,
        typer.Option("--antialias/--no-antialias", help="Widen the kernel where it shrinks."),
    ] = True,
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
    """Resample a picture, sound or array: tconv upsample photo.jpg --size 1920x1080."""
    words = {
        "stride": o.maybe_sizes("--stride", stride),
        "padding": None if padding is None else o.padding("--padding", padding),
        "output_padding": o.maybe_sizes("--output-padding", output_padding),
        "dilation": o.maybe_sizes("--dilation", dilation),
    }
    given = {name: word for name, word in words.items() if word is not None}
    from_file = kernel is not None and Path(kernel).suffix.lower() in WEIGHT_SUFFIXES
    if not from_file and (groups is not None or given):
        raise ValueError(
            "--stride, --padding, --output-padding, --dilation and --groups are for weights from "
            "a file; a named kernel sets its own"
        )
    named_alone = {"--kernel-size": kernel_size, "--size": size, "--rate": rate, "--align": align}
    if from_file and any(word is not None for word in named_alone.values()):
        raise ValueError(f"{', '.join(named_alone)} are for named kernels, not for weights")
    if scale is not None and rate is not None:
        raise ValueError("give --scale or --rate, not both")
    weight, bias = read_weights(Path(str(kernel))) if from_file else (None, None)
    made = size or (f"{rate}Hz" if rate else f"x{scale or FACTOR}")

    def weighted(spatial: tuple[int, ...]) -> Weighted:
        assert weight is not None
        rank = len(spatial)
        if weight.ndim not in (rank, rank + 2):
            raise MediaError(
                f"{kernel} has {weight.ndim} axes; {rank} spatial axes need {rank} (one kernel) "
                f"or {rank + 2} (C_in, C_out/groups, *kernel)"
            )
        strides = {"stride": o.sizes("--scale", scale or str(FACTOR)), **given}
        geometry = Geometry.of(spatial, weight.shape[-rank:], **strides)
        return Weighted(weight, bias, geometry, groups or 1, method)

    photograph = files("tconv") / "data" / PHOTOGRAPH
    with (
        as_file(photograph) as embedded,
        open_media(input or embedded, max_pixels=max_pixels) as source,
    ):
        named_after = input or Path(PHOTOGRAPH)
        out = output or default_output(named_after, source.kind, made)
        job = _job(source, layout, tile, gamma, None if weight is None else weight.ndim - 2)
        layer: Layer
        if weight is not None:
            layer = weighted(job.spatial)
            factors: Factors = layer.geometry.stride
        else:
            layer = Upsampler(
                resamplings(
                    job.spatial,
                    _scale(source, scale, rate),
                    kernel or ("sinc" if source.kind == "sound" else "bilinear"),
                    size=_size(source, size),
                    align=align,
                    antialias=antialias,
                    kernel_size=o.maybe_sizes("--kernel-size", kernel_size),
                    edges=edges,
                ),
                method,
            )
            factors = tuple(axis.places.factor for axis in layer.axes)
        began = perf_counter()
        job.run(layer, out, factors, force)
        seconds = perf_counter() - began
        rows = report(source, named_after, out, layer, job.channels, factors, seconds)
        compared: dict[str, float] = {}
        if check:
            crop = job.crop()
            inner = crop.shape[1:]
            small = layer.cut(inner) if isinstance(layer, Upsampler) else weighted(inner)
            compared = agreement(small, groups or 1, crop)
            rows.add_row("check", agreement_words(compared))
    Console(highlight=False).print(Panel(rows, title="tconv upsample", expand=False))
    if max(compared.values(), default=0.0) > AGREES:
        raise typer.Exit(1)


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


def _scale(source: Source, scale: str | None, rate: int | None) -> Any:
    """Read ``3/2``, for every axis, or ``1x3/2``, one an axis; or take it from a rate."""
    if rate is not None:
        if source.rate is None:
            raise ValueError(f"--rate is for sounds; {source.path} is of kind {source.kind}")
        return Fraction(rate, source.rate)
    if scale is None:
        return None
    parts = scale.replace("×", "x").split("x")
    factors = ratios_per_axis("--scale", parts, len(parts))
    return factors if len(factors) > 1 else factors[0]


def _size(source: Source, size: str | None) -> Any:
    """Read a size in the order of the axes: a picture's is written width first."""
    read = o.maybe_sizes("--size", size)
    if source.kind != "picture" or read is None:
        return read
    if isinstance(read, int) or len(read) != 2:
        raise ValueError(f"--size of a picture is width x height, such as 1920x1080, not {size}")
    return read[::-1]
