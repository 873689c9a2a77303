"""The options that commands share, and what is read from them; a short one means one thing."""

from typing import Annotated, Any

import typer

from tconv.geometry.parameters import PADDING_WORDS, integer, is_sequence
from tconv.geometry.spelling import for_every_axis
from tconv.geometry.spelling import padding as padding
from tconv.geometry.spelling import sizes as sizes

VIEWS = "scatter, gather, stretch, matrix, subpixel, convolution, gradient, overlap, deconvolution"
SUFFIXES = ".svg, .png, .gif, .webp, .mp4, .txt, .json, .html"
SPELT = {
    "input_size": "--input",
    "kernel_size": "--kernel",
    "stride": "--stride",
    "padding": "--padding",
    "output_padding": "--output-padding",
    "dilation": "--dilation",
    "output_size": "--output-size",
}


def maybe_sizes(option: str, text: str | None) -> int | tuple[int, ...] | None:
    """Read sizes that may be left out."""
    return None if text is None else sizes(option, text)


def shape(option: str, text: str) -> tuple[int, ...]:
    """Read the shape of an array.

    Examples
    --------
    >>> shape("--input", "1x3x8x8")
    (1, 3, 8, 8)
    """
    given = sizes(option, text)
    each = given if isinstance(given, tuple) else (given,)
    return tuple(integer(option, size, minimum=1) for size in each)


def layer(**texts: str | None) -> dict[str, Any]:
    """Read the options that shape a layer, as ``Geometry.of`` and ``tconv.solve`` take them.

    Parameters
    ----------
    **texts : str or None
        By the names of :data:`SPELT`; those that are None are left out.

    Examples
    --------
    >>> layer(input_size="4x6", padding="0:1", stride=None)
    {'input_size': (4, 6), 'padding': ((0, 1), (0, 1))}
    """
    given: dict[str, Any] = {
        name: (padding if name == "padding" else sizes)(SPELT[name], text)
        for name, text in texts.items()
        if text is not None
    }
    rank = max((len(one) for one in given.values() if is_sequence(one)), default=1)
    if "padding" in given:
        given["padding"] = for_every_axis(given["padding"], rank)
    return given


def _option(*names: str, help: str, metavar: str = "N[xN…]") -> Any:
    return typer.Option(*names, metavar=metavar, help=help)


_INPUT = _option("--input", "-i", help="Input size.")
_KERNEL = _option("--kernel", "-k", help="Kernel size.")
_STRIDE = _option("--stride", "-s", help="Stride.")
_PADDING = _option(
    "--padding",
    "-p",
    metavar="P[xP…]",
    help=f"Cells cropped at both ends, or before:after, or {', '.join(PADDING_WORDS)}.",
)
_OUTPUT_PADDING = _option("--output-padding", help="Cells cropped less at the end.")
_DILATION = _option("--dilation", "-d", help="Dilation.")
_OUTPUT = _option("--output-size", "-O", help="Output size.")

Input = Annotated[str, _INPUT]
MaybeInput = Annotated[str | None, _INPUT]
Kernel = Annotated[str, _KERNEL]
MaybeKernel = Annotated[str | None, _KERNEL]
Stride = Annotated[str, _STRIDE]
MaybeStride = Annotated[str | None, _STRIDE]
Padding = Annotated[str, _PADDING]
MaybePadding = Annotated[str | None, _PADDING]
OutputPadding = Annotated[str, _OUTPUT_PADDING]
MaybeOutputPadding = Annotated[str | None, _OUTPUT_PADDING]
Dilation = Annotated[str, _DILATION]
MaybeDilation = Annotated[str | None, _DILATION]
MaybeOutput = Annotated[str | None, _OUTPUT]

InputValues = Annotated[
    str | None,
    _option("--x", metavar="VALUES", help="Input: 1,2;3,4, or letters, numbers, ones."),
]
KernelValues = Annotated[
    str | None, _option("--weight", metavar="VALUES", help="Kernel, written as the input.")
]
