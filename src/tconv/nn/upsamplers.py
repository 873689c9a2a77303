"""What may stand in the place of a transposed convolution: the same arguments and output size.

A transposed convolution whose kernel is not even over its phases paints a checkerboard; each of
these cannot, or does not when training begins.
"""

from math import prod
from typing import Any, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from tconv.arrays.pytorch import conv_transpose
from tconv.arrays.pytorch.memory import is_channels_last
from tconv.geometry.layer import Layer
from tconv.geometry.parameters import Padding, Sizes, integer, one_of, per_axis
from tconv.nn import init
from tconv.nn.convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, _ConvTranspose
from tconv.nn.leaves import record

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


class _FixedSmooth(_ConvTranspose):
    """What the three layers have in common; a ConvTranspose layer stands behind this one."""

    def __init__(self, *arguments: Any, order: int = 0, **words: Any) -> None:
        super().__init__(*arguments, **words)
        self.order = integer("order", order, minimum=0)
        if self.padding_mode != "zeros":
            raise ValueError(f"padding_mode must be 'zeros', got {self.padding_mode!r}")

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Compute the layer; see :meth:`ConvTranspose1d.forward`."""
        if (recorded := record(cast(nn.Module, self), input, output_size)) is not None:
            return recorded
        output_size = self._spatial(input, output_size)
        layer = self._layer(output_size)
        size = tuple(input.shape[-self.rank :])
        made, starts = layer.placed(size, output_size)
        weight, pads = self.weight, []
        each = zip(size, made, starts, layer.stride, layer.effective_kernel, strict=True)
        for axis, (i, o, before, s, stamp) in enumerate(each, 2):
            weight = _smoothed(weight, axis, s, layer.dilation[axis - 2], self.order + 1)
            more = (self.order + 1) * (s - 1)
            start = before + more // 2
            pads.append((start, (i - 1) * s + stamp + more - start - o))
        return conv_transpose(input, weight, self.bias, layer.stride, pads, 0, layer.groups)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, order={self.order}"  # type: ignore[misc]


def _smoothed(weight: Tensor, axis: int, stride: int, dilation: int, times: int) -> Tensor:
    """Convolve a kernel along an axis with a box of `stride` cells and sum 1, so many times."""
    weight = weight.movedim(axis, -1)
    if dilation > 1:  # the box fills the gaps
        spread = F.pad(weight.unsqueeze(-1), (0, dilation - 1)).flatten(-2)
        weight = spread[..., : 1 - dilation]
    box = weight.new_full((1, 1, stride), 1 / stride)
    rows = weight.reshape(-1, 1, weight.shape[-1])
    for _ in range(times):
        rows = F.conv1d(rows, box, padding=stride - 1)
    return rows.reshape(*weight.shape[:-1], -1).movedim(-1, axis)


class FixedSmooth1d(_FixedSmooth, ConvTranspose1d):
    """A transposed convolution whose output is smoothed by a fixed kernel, at no cost but taps.

    The kernel is a box of s cells and sum 1, convolved with itself `order` times. It has a zero at
    every frequency 2πm/s, so that a constant input gives a constant output whatever the weights
    are. The smoothing is folded into the weights: one transposed convolution with a kernel that is
    ``(order + 1)·(s - 1)`` longer. The ``state_dict`` is that of :class:`ConvTranspose1d`.

    Parameters
    ----------
    *arguments, **words
        As for :class:`ConvTranspose1d`; `padding_mode` is ``"zeros"``.
    order : int
        0 is a zero-order hold (Sugawara et al. 2018); 1 with s = 2 is [1, 2, 1]/4.

    Notes
    -----
    Kinoshita & Kiya, arXiv:2002.02117.

    Examples
    --------
    >>> layer = FixedSmooth1d(1, 1, kernel_size=3, stride=2, bias=False)
    >>> _ = nn.init.ones_(layer.weight)
    >>> layer(torch.ones(1, 1, 4)).tolist()
    [[[0.5, 1.0, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.0]]]
    """


class FixedSmooth2d(_FixedSmooth, ConvTranspose2d):
    """In two dimensions; see :class:`FixedSmooth1d`.

    Examples
    --------
    >>> FixedSmooth2d(2, 3, 4, stride=2, padding=1, order=1)(torch.ones(1, 2, 5, 6)).shape
    torch.Size([1, 3, 10, 12])
    """


class FixedSmooth3d(_FixedSmooth, ConvTranspose3d):
    """In three dimensions; see :class:`FixedSmooth1d`.

    Examples
    --------
    >>> FixedSmooth3d(2, 3, 2, stride=2)(torch.ones(1, 2, 3, 4, 5)).shape
    torch.Size([1, 3, 6, 8, 10])
    """


class _ResizeConv(nn.Module):
    """What the three layers have in common: a resize, and a convolution to the size asked for."""

    rank: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        mode: str = "nearest",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        kernel = per_axis("kernel_size", kernel_size, self.rank, minimum=1)
        layer = Layer.read(kernel, stride, padding, output_padding, groups, dilation)
        self.stride = layer.stride
        self.mode = LINEAR[self.rank] if mode == "linear" else mode
        one_of("mode", self.mode, ("nearest", LINEAR[self.rank], "bicubic")[: 2 + (self.rank == 2)])
        self.pads: list[int] = []  # as F.pad has them: the last axis first
        for stamp, s, crop in zip(layer.effective_kernel, layer.stride, layer.crop, strict=True):
            total = 2 * stamp - 1 - s - sum(crop)
            self.pads = [total // 2, total - total // 2, *self.pads]
        self.conv = CONVOLUTIONS[self.rank](
            in_channels, out_channels, kernel, padding=0, dilation=layer.dilation,
            groups=layer.groups, bias=bias, device=device, dtype=dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        """Compute the layer: (N, C_in, *I) or (C_in, *I) to (N, C_out, *O) or (C_out, *O)."""
        if (recorded := record(self, input)) is not None:
            return recorded
        batched = input.ndim == self.rank + 2
        x = input if batched else input.unsqueeze(0)
        scales = tuple(map(float, self.stride))
        corners = None if self.mode == "nearest" else False
        x = F.interpolate(x, scale_factor=scales, mode=self.mode, align_corners=corners)
        x = self.conv(F.pad(x, self.pads))
        return x if batched else x.squeeze(0)

    def extra_repr(self) -> str:
        return f"stride={self.stride}, mode={self.mode!r}"


class ResizeConv1d(_ResizeConv):
    """A resize by the stride, then a convolution, in the place of a transposed convolution.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation
        As for :class:`ConvTranspose1d`, and the output is as large. The kernel is that of the
        convolution; the output padding and the crop decide how the resized input is padded.
    mode : str
        ``"nearest"``, ``"linear"`` (in two and three dimensions bi- and trilinear), or in two
        dimensions ``"bicubic"``.
    device, dtype
        Of the parameters.

    Notes
    -----
    Odena et al., Distill 2016, doi:10.23915/distill.00003. It multiplies each input s times over
    in each dimension, so it costs s times as much along each as the layer it stands for.

    Examples
    --------
    >>> ResizeConv1d(2, 3, kernel_size=3, stride=2, padding=1)(torch.ones(1, 2, 5)).shape
    torch.Size([1, 3, 9])
    """

    rank = 1


class ResizeConv2d(_ResizeConv):
    """In two dimensions; see :class:`ResizeConv1d`.

    Examples
    --------
    >>> ResizeConv2d(2, 3, 4, stride=2, padding=1, mode="linear")(torch.ones(1, 2, 5, 6)).shape
    torch.Size([1, 3, 10, 12])
    """

    rank = 2


class ResizeConv3d(_ResizeConv):
    """In three dimensions; see :class:`ResizeConv1d`.

    Examples
    --------
    >>> ResizeConv3d(2, 3, 2, stride=2)(torch.ones(1, 2, 3, 4, 5)).shape
    torch.Size([1, 3, 6, 8, 10])
    """

    rank = 3


class _SubPixelConv(nn.Module):
    """What the three layers have in common: a convolution whose channels become phases."""

    rank: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        kernel = per_axis("kernel_size", kernel_size, self.rank, minimum=1)
        layer = Layer.read(kernel, stride, padding, output_padding, groups, dilation)
        each = zip(layer.effective_kernel, layer.stride, layer.crop, strict=True)
        if more := [stamp - s - sum(crop) for stamp, s, crop in each if stamp - s != sum(crop)]:
            raise ValueError(
                f"a sub-pixel convolution gives I·s outputs along every axis, and these parameters "
                f"I·s{more[0]:+}; padding='same' gives I·s"
            )
        self.stride = layer.stride
        self.pads: list[int] = []
        for stamp in layer.effective_kernel:
            self.pads = [(stamp - 1) // 2, stamp // 2, *self.pads]
        self.conv = CONVOLUTIONS[self.rank](
            in_channels, out_channels * prod(layer.stride), kernel, padding=0,
            dilation=layer.dilation, groups=layer.groups, bias=bias, device=device, dtype=dtype,
        )  # fmt: skip
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all phases of a channel alike, as :func:`tconv.nn.init.icnr_` says."""
        phases = prod(self.stride)
        init.icnr_(self.conv.weight, phases)
        if self.conv.bias is not None:
            with torch.no_grad():
                self.conv.bias.copy_(self.conv.bias[::phases].repeat_interleave(phases))

    def forward(self, input: Tensor) -> Tensor:
        """Compute the layer: (N, C_in, *I) or (C_in, *I) to (N, C_out, *I·s) or (C_out, *I·s)."""
        if (recorded := record(self, input)) is not None:
            return recorded
        y = self.conv(F.pad(input, self.pads))
        return shuffled(y, self.stride)

    def extra_repr(self) -> str:
        return f"stride={self.stride}"


def shuffled(y: Tensor, stride: tuple[int, ...]) -> Tensor:
    """Put the phases of each channel where they belong: ``torch.nn.PixelShuffle`` for any stride.

    Parameters
    ----------
    y : Tensor, (..., C·prod(stride), *I)
        With a batch axis alone before the channels these may be last in memory, and stay so.
    stride : tuple of int

    Returns
    -------
    Tensor, (..., C, *I·stride)

    Examples
    --------
    >>> y = torch.arange(24.0).reshape(1, 4, 2, 3)
    >>> torch.equal(shuffled(y, (2, 2)), nn.PixelShuffle(2)(y))
    True
    """
    rank = len(stride)
    whole = [i * s for i, s in zip(y.shape[-rank:], stride, strict=True)]
    last = y.ndim == rank + 2 and is_channels_last(y, y)
    y = y.unflatten(-rank - 1, (-1, *stride))  # (..., C, *s, *I)
    lead = y.ndim - 2 * rank
    pairs = [axis for a in range(rank) for axis in (lead + rank + a, lead + a)]
    if last:  # (N, I, s, …, C), as they lie
        return y.permute(0, *pairs, 1).reshape(y.shape[0], *whole, -1).movedim(-1, 1)
    return y.permute(*range(lead), *pairs).reshape(*y.shape[:lead], *whole)


class SubPixelConv1d(_SubPixelConv):
    """A convolution to s times the channels, then a pixel shuffle, for a transposed convolution.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation
        As for :class:`ConvTranspose1d`, and the output is as large, which must be I·s. The kernel
        is that of the convolution, which reads as many inputs for each output.
    device, dtype
        Of the parameters.

    Raises
    ------
    ValueError
        If the output would not be I·s.

    Notes
    -----
    Shi et al., arXiv:1609.05158. It begins as a nearest-neighbour resize of a convolution
    (:func:`tconv.nn.init.icnr_`); what it paints later, it has learnt.

    Examples
    --------
    >>> SubPixelConv1d(2, 3, kernel_size=3, stride=2, padding="same")(torch.ones(1, 2, 5)).shape
    torch.Size([1, 3, 10])
    """

    rank = 1


class SubPixelConv2d(_SubPixelConv):
    """In two dimensions; see :class:`SubPixelConv1d`.

    Examples
    --------
    >>> SubPixelConv2d(2, 3, 4, stride=2, padding=1)(torch.ones(1, 2, 5, 6)).shape
    torch.Size([1, 3, 10, 12])
    """

    rank = 2


class SubPixelConv3d(_SubPixelConv):
    """In three dimensions; see :class:`SubPixelConv1d`.

    Examples
    --------
    >>> SubPixelConv3d(2, 3, 2, stride=2)(torch.ones(1, 2, 3, 4, 5)).shape
    torch.Size([1, 3, 6, 8, 10])
    """

    rank = 3
