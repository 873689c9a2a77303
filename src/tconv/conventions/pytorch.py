"""PyTorch: both ends cropped alike, and ``output_padding`` extends the end."""

from tconv.conventions.base import Convention, Inexpressible, Words, along, by_hand
from tconv.conventions.writing import call, literal, short, unless_default
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.parameters import Sizes


class PyTorch(Convention):
    """``torch.nn.functional.conv_transpose{1,2,3}d`` and ``torch.nn.ConvTranspose{1,2,3}d``.

    c0 = padding, O = full - 2·padding + output_padding.

    Examples
    --------
    >>> geometry = Geometry.of(4, 3, stride=2, padding=1, output_padding=1)
    >>> PYTORCH.words(geometry)["padding"]
    (1,)
    >>> PYTORCH.code(geometry, 3, 8)
    'nn.ConvTranspose1d(3, 8, kernel_size=3, stride=2, padding=1, output_padding=1)'
    """

    name = "PyTorch"
    layout = "(C_in, C_out/groups, *K)"

    def geometry(
        self,
        input_size: Sizes,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> Geometry:
        """Return the geometry of PyTorch's arguments, in PyTorch's order."""
        return Geometry.of(input_size, kernel_size, stride, padding, output_padding, dilation)

    def _words(self, geometry: Geometry, groups: int) -> Words:
        padding, output_padding = zip(*along(geometry, _paddings), strict=True)
        return {
            "stride": geometry.stride,
            "padding": padding,
            "output_padding": output_padding,
            "groups": groups,
            "dilation": geometry.dilation,
        }

    def _code(self, words: Words, geometry: Geometry, in_channels: int, out_channels: int) -> str:
        return call(
            f"nn.ConvTranspose{geometry.rank}d",
            in_channels,
            out_channels,
            kernel_size=literal(short(geometry.kernel_size)),
            **unless_default(words, stride=1, padding=0, output_padding=0, dilation=1, groups=1),
        )


def _paddings(axis: Axis) -> tuple[int, int]:
    """Return padding and output_padding."""
    start, end = crop = axis.crop_start, axis.crop_end
    limit = max(axis.stride, axis.dilation)
    if start >= 0 and 0 <= start - end < limit:
        return start, start - end
    if start < 0:
        why = f"PyTorch adds no cells before the output; crop {crop} does"
    elif start < end:
        why = f"PyTorch crops both ends alike up to output_padding; crop {crop} has more at the end"
    else:
        why = (
            f"PyTorch's output_padding stays below max(stride, dilation) = {limit}; "
            f"crop {crop} needs {start - end}"
        )
    padding = max(min(crop), 0)
    rest = by_hand((start - padding, end - padding))
    raise Inexpressible(f"{why}: use padding={padding} and {rest}")


PYTORCH = PyTorch()
