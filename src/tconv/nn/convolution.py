"""``torch.nn.ConvTranspose1d``, ``2d`` and ``3d`` with tconv's operators inside, and more words."""

from typing import Any, cast

from torch import Tensor, nn
from torch.nn.modules.conv import _LazyConvXdMixin
from torch.nn.parameter import UninitializedParameter

from tconv.arrays.pytorch import conv_transpose
from tconv.arrays.pytorch.reading import read_layer
from tconv.geometry.layer import Layer
from tconv.geometry.parameters import Padding, Sizes, is_sequence, one_of, per_axis
from tconv.nn.leaves import record
from tconv.nn.margins import MARGINS, fold


class _ConvTranspose:
    """What the three layers add to PyTorch's; their class stands behind this one."""

    rank: int
    weight: Tensor
    bias: Tensor | None
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    output_padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

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
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        rank = self.rank
        layer = Layer.read(
            per_axis("kernel_size", kernel_size, rank, minimum=1),
            stride, padding, output_padding, groups, dilation,
        )  # fmt: skip
        mode = one_of("padding_mode", padding_mode, ("zeros", *MARGINS))
        if (
            mode != "zeros"
            and not isinstance(layer.padding, str)
            and min(map(min, layer.padding)) < 0
        ):
            raise ValueError(
                f"padding must not be negative with padding_mode {mode!r}, got {layer.padding}"
            )
        super().__init__(  # type: ignore[call-arg]
            in_channels, out_channels, layer.kernel_size, layer.stride, 0, layer.output_padding,
            layer.groups, bias, layer.dilation, "zeros", device, dtype,
        )  # fmt: skip
        self.padding = _spelled(layer.padding)
        self.padding_mode = mode

    def forward(self, input: Tensor, output_size: Sizes | None = None) -> Tensor:
        """Compute the layer.

        Parameters
        ----------
        input : Tensor, (N, C_in, *I) or (C_in, *I)
        output_size : int or sequence of int, optional
            O, or the whole shape; stands for the output padding, also for one of the layer.

        Returns
        -------
        Tensor, (N, C_out, *O) or (C_out, *O)
        """
        if (recorded := record(cast(nn.Module, self), input, output_size)) is not None:
            return recorded
        output_size = self._spatial(input, output_size)
        if self.padding_mode != "zeros":
            return self._folded(input, output_size)
        return conv_transpose(
            input, self.weight, self.bias, self.stride, self.padding,
            self.output_padding if output_size is None else 0, self.groups, self.dilation,
            output_size=output_size,
        )  # fmt: skip

    def _folded(self, input: Tensor, output_size: Sizes | None) -> Tensor:
        layer = self._layer(output_size)
        size = tuple(input.shape[-self.rank :])
        made, starts = layer.placed(size, output_size)
        stamps = zip(size, layer.stride, layer.effective_kernel, strict=True)
        fulls = [(i - 1) * s + ke for i, s, ke in stamps]
        if layer.padding == "same":
            ends = [max(f - o - c, 0) for f, o, c in zip(fulls, made, starts, strict=True)]
        else:
            each = zip(layer.crop, layer.output_padding, strict=True)
            ends = [end + more for (_, end), more in each]
        windows = list(zip(starts, ends, strict=True))
        unread = [sum(w) + o - f for w, o, f in zip(windows, made, fulls, strict=True)]
        y = conv_transpose(
            input, self.weight, None, self.stride, [(0, -cells) for cells in unread], 0,
            self.groups, self.dilation,
        )  # fmt: skip
        y = fold(y, windows, self.padding_mode)
        return y if self.bias is None else y + self.bias.reshape(-1, *(1,) * self.rank)

    def _layer(self, output_size: Any) -> Layer:
        """Return the layer's parameters for a call with that output size."""
        return read_layer(
            self.kernel_size, self.stride, self.padding,
            self.output_padding if output_size is None else 0, self.groups, self.dilation,
        )  # fmt: skip

    def _spatial(self, input: Tensor, output_size: Any) -> Any:
        """Return an output size without batch and channels."""
        whole = output_size is not None and is_sequence(output_size)
        if whole and self.rank < len(output_size) == input.ndim:
            return output_size[-self.rank :]
        return output_size


def _spelled(padding: Any) -> Any:
    """Return a padding as PyTorch spells it where it can: one number an axis."""
    if isinstance(padding, str) or any(before != after for before, after in padding):
        return padding
    return tuple(before for before, _ in padding)


class ConvTranspose1d(_ConvTranspose, nn.ConvTranspose1d):
    """``torch.nn.ConvTranspose1d``, computed by tconv, with more ways to pad.

    Loads and gives the same ``state_dict``, and draws the same initial weights.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, output_padding, dilation : int or sequence of int
    padding : int, sequence of int, sequence of (int, int), or str
        As PyTorch has it: cells cut from both ends of the output. A pair cuts unequal numbers from
        start and end; ``"same"`` gives O = I·s, ``"half"``, ``"full"`` and ``"valid"`` are those of
        :meth:`tconv.Geometry.of`.
    groups : int
    bias : bool
    padding_mode : str
        ``"zeros"`` drops what is cut. ``"circular"``, ``"reflect"`` and ``"replicate"`` add it to
        the cells that the convolution's padding of that name copies it from: the layer without
        bias is the adjoint of ``torch.nn.Conv`` with this padding and padding mode.
    device, dtype
        Of the parameters.

    Raises
    ------
    TypeError, ValueError
        As in :func:`tconv.conv_transpose`.

    Examples
    --------
    >>> import torch
    >>> layer = ConvTranspose1d(8, 4, kernel_size=5, stride=3, padding="same")
    >>> layer(torch.ones(2, 8, 7)).shape
    torch.Size([2, 4, 21])
    """

    rank = 1


class ConvTranspose2d(_ConvTranspose, nn.ConvTranspose2d):
    """``torch.nn.ConvTranspose2d``, computed by tconv; see :class:`ConvTranspose1d`.

    Examples
    --------
    >>> import torch
    >>> layer = ConvTranspose2d(8, 4, (3, 5), stride=2, padding=((0, 1), (2, 2)))
    >>> layer(torch.ones(1, 8, 5, 6)).shape
    torch.Size([1, 4, 10, 11])
    """

    rank = 2


class ConvTranspose3d(_ConvTranspose, nn.ConvTranspose3d):
    """``torch.nn.ConvTranspose3d``, computed by tconv; see :class:`ConvTranspose1d`.

    Examples
    --------
    >>> import torch
    >>> layer = ConvTranspose3d(2, 3, 3, padding=1, padding_mode="circular")
    >>> layer(torch.ones(1, 2, 4, 5, 6)).shape
    torch.Size([1, 3, 4, 5, 6])
    """

    rank = 3


class _Lazy(_LazyConvXdMixin):
    """What the three layers add whose first input tells their input channels."""

    rank: int
    cls_to_become: type[nn.Module] | None

    def __init__(
        self,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation,
            padding_mode, device, dtype,
        )  # fmt: skip
        self.out_channels = out_channels
        where: Any = {"device": device, "dtype": dtype}
        self.weight: Any = UninitializedParameter(**where)
        if bias:
            self.bias: Any = UninitializedParameter(**where)

    def _get_num_spatial_dims(self) -> int:
        return self.rank


class LazyConvTranspose1d(_Lazy, ConvTranspose1d):
    """:class:`ConvTranspose1d` without `in_channels`; its first input tells them."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_Lazy, ConvTranspose2d):
    """:class:`ConvTranspose2d` without `in_channels`; its first input tells them."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_Lazy, ConvTranspose3d):
    """:class:`ConvTranspose3d` without `in_channels`; its first input tells them."""

    cls_to_become = ConvTranspose3d
