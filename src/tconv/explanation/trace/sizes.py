"""The size formula with its numbers, and the two paddings that are easily mixed up."""

from collections.abc import Callable, Iterable

from tconv.explanation.constants import AXES
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis


def transposed_sizes(geometry: Geometry) -> tuple[str, ...]:
    """Return how the output size comes about, then p and p'.

    Examples
    --------
    >>> for line in transposed_sizes(Geometry.of(4, 3, stride=2, padding=1)):
    ...     print(line)
    O = (I-1)·s + K - 2p = (4-1)·2 + 3 - 2·1 = 7
    p = 1: the padding of the convolution that is transposed; it crops here
    p' = K-1-p = 1: the zeros around the stretched input of the equivalent convolution
    """
    axes = geometry.axes
    ke = _kernel(axes)
    pads = pads_written((p, q) for p, q, _ in map(_crops, axes))
    extra = times_written([str(a) for *_, a in map(_crops, axes)])
    around = pads_written(axis.stretched_pads for axis in axes)
    return (
        *_each(geometry, _transposed, ke),
        f"p = {pads}: the padding of the convolution that is transposed; it crops here"
        + (f", a = {extra} less at the end" if extra != "0" else ""),
        f"p' = {ke}-1-p{' (+ a at the end)' if extra != '0' else ''} = {around}: the zeros around "
        "the stretched input of the equivalent convolution",
    )


def convolution_sizes(geometry: Geometry) -> tuple[str, ...]:
    """Return how the size of the direct convolution's output comes about, then p.

    Examples
    --------
    >>> for line in convolution_sizes(Geometry.of_conv(6, 3, stride=2, padding=1)):
    ...     print(line)
    O = ⌊(I + 2p - K)/s⌋ + 1 = ⌊(6 + 2·1 - 3)/2⌋ + 1 = 3
    p = 1: the zeros around the input, which the transposed convolution crops
    """
    return (
        *_each(geometry, _direct, _kernel(geometry.axes)),
        f"p = {pads_written(axis.conv_pads for axis in geometry.axes)}: the zeros around the "
        "input, which the transposed convolution crops",
    )


def pads_written(pairs: Iterable[tuple[int, int]]) -> str:
    """Write paddings: ``1``, ``0:1``, ``1×2``.

    Examples
    --------
    >>> pads_written([(1, 1), (1, 1)]), pads_written([(0, 1), (2, 2)])
    ('1', '0:1×2')
    """
    each = [f"{a}" if a == b else f"{a}:{b}" for a, b in pairs]
    return times_written(each)


def times_written(each: list[str]) -> str:
    """Write what differs from axis to axis, once where it does not.

    Examples
    --------
    >>> times_written(["1", "2"]), times_written(["1", "1"])
    ('1×2', '1')
    """
    return each[0] if len(set(each)) == 1 else "×".join(each)


def _each(geometry: Geometry, said: Callable[[Axis, str], str], ke: str) -> list[str]:
    """Say one line for all axes if they are alike, else one an axis."""
    lines = [said(axis, ke) for axis in geometry.axes]
    if len(set(lines)) == 1:
        return lines[:1]
    names = AXES[-geometry.rank :]
    return [f"{name}s: {line}" for name, line in zip(names, lines, strict=True)]


def _kernel(axes: tuple[Axis, ...]) -> str:
    return "K" if all(axis.dilation == 1 for axis in axes) else "ke"


def _transposed(axis: Axis, ke: str) -> str:
    start, end, extra = _crops(axis)
    p, numbers = _pads(start, end)
    more, added = (" + a", f" + {extra}") if extra else ("", "")
    return (
        f"{_effective(axis, ke)}O = (I-1)·s + {ke} - {p}{more} = ({axis.input_size}-1)·"
        f"{axis.stride} + {axis.effective_kernel} - {numbers}{added} = {axis.output_size}"
    )


def _crops(axis: Axis) -> tuple[int, int, int]:
    """Return the padding at both ends and the output padding that together make the crop."""
    start, end = axis.crop_start, axis.crop_end
    alike = 0 <= start - end < axis.stride
    return (start, start, start - end) if alike else (start, end, 0)


def _direct(axis: Axis, ke: str) -> str:
    p, numbers = _pads(*axis.conv_pads)
    return (
        f"{_effective(axis, ke)}O = ⌊(I + {p} - {ke})/s⌋ + 1 = ⌊({axis.output_size} + {numbers} - "
        f"{axis.effective_kernel})/{axis.stride}⌋ + 1 = {axis.input_size}"
    )


def _effective(axis: Axis, ke: str) -> str:
    if ke == "K":
        return ""
    d, k = axis.dilation, axis.kernel_size
    return f"ke = d·(K-1) + 1 = {d}·({k}-1) + 1 = {axis.effective_kernel}; "


def _pads(start: int, end: int) -> tuple[str, str]:
    if start == end:
        return "2p", f"2·{start}" if start >= 0 else f"2·({start})"
    return "(p₀ + p₁)", f"({start} {'-' if end < 0 else '+'} {abs(end)})"
