"""The options that commands share; ``traces/written.py`` reads their sizes and paddings."""

from typing import Annotated, Any

import typer

from tconv.parameters import PADDING_WORDS
from tconv.traces.written import padding as padding
from tconv.traces.written import sizes as sizes


def maybe_sizes(option: str, text: str | None) -> int | tuple[int, ...] | None:
    """Read sizes that may be left out."""
    return None if text is None else sizes(option, text)


def maybe_padding(option: str, text: str | None) -> Any:
    """Read a padding that may be left out."""
    return None if text is None else padding(option, text)


def _option(*names: str, help: str) -> Any:
    return typer.Option(*names, metavar="N[xN…]", help=help)


_INPUT = _option("--input", "-i", help="Input size.")
_KERNEL = _option("--kernel", "-k", help="Kernel size.")
_STRIDE = _option("--stride", "-s", help="Stride.")
_PADDING = _option(
    "--padding",
    "-p",
    help=f"Cells cropped at both ends, or before:after, or {', '.join(PADDING_WORDS)}.",
)
_OUTPUT_PADDING = _option("--output-padding", help="Cells cropped less at the end.")
_DILATION = _option("--dilation", "-d", help="Dilation.")

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
MaybeOutput = Annotated[str | None, _option("--output-size", "-O", help="Output size.")]

InputValues = Annotated[
    str | None, typer.Option("--x", help="Input: 1,2;3,4, or letters, numbers, ones.")
]
KernelValues = Annotated[str | None, typer.Option("--weight", help="Kernel, written as the input.")]
