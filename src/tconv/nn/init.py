"""Initial weights of a transposed convolution, by how many inputs an output sums.

``torch.nn.init`` takes the first axis of a weight for its outputs, the second for its inputs, and
the whole kernel for what an output reads. Here the first axis is the inputs, and an output reads
the taps of its phase alone: K/s along an axis, on average. For 256 -> 128 channels, K = 4 and s = 2
in two dimensions, an output sums 256·4 products; ``torch.nn.init`` counts 128·16.

Each function fills the weight of a layer in place, leaves its bias, and returns the weight.
"""

from math import gcd, prod, sqrt
from typing import Any

import torch
from torch import Generator, Tensor, nn


def fans(layer: Any) -> tuple[float, float]:
    """Return how many products an output sums, and of how many an input takes part in.

    Parameters
    ----------
    layer : ConvTranspose1d, ConvTranspose2d or ConvTranspose3d
        Of tconv or of PyTorch.

    Returns
    -------
    fan_in : float
        C_in/groups times the taps of a phase, averaged over the phases that have any.
    fan_out : float
        C_out/groups times the kernel elements.

    Raises
    ------
    TypeError
        If it is no such layer.

    Notes
    -----
    An axis has ``s/gcd(s, d)`` phases that taps may fall on, so that the mean is
    ``K / min(K, s/gcd(s, d))``. He et al., arXiv:1502.01852, section 2.2, derive the variance of a
    layer from the products that an output sums, and that of its gradient from those of an input.

    Examples
    --------
    >>> fans(nn.ConvTranspose2d(256, 128, 4, stride=2))
    (1024.0, 2048)
    """
    if not isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d):
        raise TypeError(f"fans are those of a ConvTranspose layer, got {type(layer).__name__}")
    taps = prod(
        k / min(k, s // gcd(s, d))
        for k, s, d in zip(layer.kernel_size, layer.stride, layer.dilation, strict=True)
    )
    inputs, outputs = (c // layer.groups for c in (layer.in_channels, layer.out_channels))
    return inputs * taps, outputs * prod(layer.kernel_size)


def kaiming_uniform_(
    layer: Any,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Draw from U(-b, b), b = gain·√(3/fan): outputs keep the variance of a rectified input.

    Parameters
    ----------
    layer : ConvTranspose1d, ConvTranspose2d or ConvTranspose3d
    a : float
        Slope of the leaky_relu after the layer.
    mode : {"fan_in", "fan_out"}
        Whether the forward or the backward pass keeps its variance.
    nonlinearity : str
        As ``torch.nn.init.calculate_gain`` knows it.
    generator : torch.Generator, optional

    Examples
    --------
    >>> layer = nn.ConvTranspose2d(256, 128, 4, stride=2)
    >>> largest = kaiming_uniform_(layer, nonlinearity="relu").abs().max()
    >>> round(largest.item(), 4) == round(sqrt(6 / 1024), 4)
    True
    """
    gain = nn.init.calculate_gain(nonlinearity, a)
    return _uniform(layer, gain * sqrt(3 / _fan(layer, mode)), generator)


def kaiming_normal_(
    layer: Any,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Draw from N(0, gain²/fan); see :func:`kaiming_uniform_`.

    Examples
    --------
    >>> kaiming_normal_(nn.ConvTranspose1d(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """
    gain = nn.init.calculate_gain(nonlinearity, a)
    return _normal(layer, gain / sqrt(_fan(layer, mode)), generator)


def xavier_uniform_(layer: Any, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Draw from U(-b, b), b = gain·√(6/(fan_in + fan_out)).

    Examples
    --------
    >>> xavier_uniform_(nn.ConvTranspose1d(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """
    return _uniform(layer, gain * sqrt(6 / sum(fans(layer))), generator)


def xavier_normal_(layer: Any, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Draw from N(0, 2·gain²/(fan_in + fan_out)).

    Examples
    --------
    >>> xavier_normal_(nn.ConvTranspose1d(2, 3, 4)).shape
    torch.Size([2, 3, 4])
    """
    return _normal(layer, gain * sqrt(2 / sum(fans(layer))), generator)


def icnr_(weight: Tensor, phases: int, initializer: Any = nn.init.kaiming_normal_) -> Tensor:
    """Draw the weight of a convolution before a pixel shuffle: all phases of a channel alike.

    Parameters
    ----------
    weight : Tensor, (C·phases, C_in/groups, *K)
        As ``torch.nn.PixelShuffle`` takes its channels: the phases of one side by side.
    phases : int
        r² for ``PixelShuffle(r)``.
    initializer : callable
        Fills a tensor (C, C_in/groups, *K) in place.

    Notes
    -----
    The layer then begins as a nearest-neighbour resize of a convolution, without a checkerboard.
    Aitken et al., arXiv:1707.02937.

    Examples
    --------
    >>> weight = icnr_(torch.empty(8, 3, 3, 3), phases=4)
    >>> bool((weight[0] == weight[3]).all()), bool((weight[0] == weight[4]).all())
    (True, False)
    """
    if weight.shape[0] % phases:
        raise ValueError(
            f"{weight.shape[0]} output channels are not {phases} phases of each channel"
        )
    with torch.no_grad():
        one = torch.empty_like(weight[::phases])
        initializer(one)
        return weight.copy_(one.repeat_interleave(phases, dim=0))


def bilinear_(layer: Any) -> Tensor:
    """Fill in linear interpolation by the stride, each channel by itself.

    Parameters
    ----------
    layer : ConvTranspose1d, ConvTranspose2d or ConvTranspose3d
        With as many input as output channels, K = 2s - s mod 2, and no dilation.

    Raises
    ------
    ValueError
        If the layer cannot interpolate.

    Notes
    -----
    Long et al., arXiv:1411.4038, begin the up-sampling layers of an FCN so.

    Examples
    --------
    >>> bilinear_(nn.ConvTranspose1d(1, 1, 4, stride=2))
    tensor([[[0.2500, 0.7500, 0.7500, 0.2500]]])
    """
    sizes = tuple(2 * s - s % 2 for s in layer.stride)
    if layer.in_channels != layer.out_channels or layer.kernel_size != sizes:
        raise ValueError(
            f"linear interpolation by {layer.stride} needs kernel_size {sizes} and as many output "
            f"as input channels; the layer has {layer.kernel_size}, "
            f"{layer.in_channels} -> {layer.out_channels}"
        )
    if max(layer.dilation) > 1:
        raise ValueError(f"linear interpolation needs no dilation; the layer has {layer.dilation}")
    kernel = torch.ones((), dtype=torch.float64)
    for s, k in zip(layer.stride, sizes, strict=True):
        centre = (k - 1) / 2
        hat = 1 - (torch.arange(k) - centre).abs() / s
        kernel = kernel.unsqueeze(-1) * hat
    with torch.no_grad():
        layer.weight.zero_()
        per_group = layer.weight.shape[1]
        for channel in range(layer.in_channels):
            layer.weight[channel, channel % per_group] = kernel
    return layer.weight.detach()


def _fan(layer: Any, mode: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', got {mode!r}")
    return fans(layer)[mode == "fan_out"]


def _uniform(layer: Any, bound: float, generator: Generator | None) -> Tensor:
    with torch.no_grad():
        return layer.weight.uniform_(-bound, bound, generator=generator).detach()


def _normal(layer: Any, std: float, generator: Generator | None) -> Tensor:
    with torch.no_grad():
        return layer.weight.normal_(0, std, generator=generator).detach()
