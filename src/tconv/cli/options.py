"""How sizes and paddings are written on the command line, and the options that commands share."""

from typing import Annotated, Any

import typer

from tconv.parameters import PADDING_WORDS


def sizes(option: str, text: str) -> int | tuple[int, ...]:
    """Read ``4`` or ``4x6``: one integer for every axis, or one an axis.

    Examples
    --------
    >>> sizes("--kernel", "4x6")
    (4, 6)
    """
    numbers = tuple(_integer(option, part) for part in _parts(text))
    return numbers[0] if len(numbers) == 1 else numbers


def maybe_sizes(option: str, text: str | None) -> int | tuple[int, ...] | None:
    """Read sizes that may be left out."""
    return None if text is None else sizes(option, text)


def padding(option: str, text: str) -> Any:
    """Read ``1``, ``1x2``, ``before:after`` an axis, or a word.

    Examples
    --------
    >>> padding("--padding", "0:1x2")
    ((0, 1), 2)
    >>> padding("--padding", "same")
    'same'
    """
    if text[:1].isalpha():
        return text
    parts = tuple(
        tuple(_integer(option, side) for side in part.split(":"))
        if ":" in part
        else _integer(option, part)
        for part in _parts(text)
    )
    return parts[0] if len(parts) == 1 and isinstance(parts[0], int) else parts


def _parts(text: str) -> list[str]:
    return text.replace("×", "x").split("x")


def _integer(option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f"{option}: {text!r} is not an integer; write 3, or 3x5 for two axes"
        ) from None


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
MaybeOutput = Annotated[str | None, _option("--output-size", "-o", help="Output size.")]
