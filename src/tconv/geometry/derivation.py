"""The output size of one axis worked line by line, as a person would on paper."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tconv.geometry.axis import Axis


def derive(axis: "Axis") -> str:
    """Return the lines that lead from input size, kernel and stride to the output size."""
    i, k, s, d = axis.input_size, axis.kernel_size, axis.stride, axis.dilation
    lines = [
        ("stretched input", f"(I-1)·s + 1 = ({i}-1)·{s} + 1 = {(i - 1) * s + 1}"),
        ("effective kernel", f"ke = d·(K-1) + 1 = {d}·({k}-1) + 1 = {axis.effective_kernel}"),
        (
            "full output",
            f"(I-1)·s + ke = ({i}-1)·{s} + {axis.effective_kernel} = {axis.full}",
        ),
        ("crop", f"{_cut(axis.crop_start)} the start, {_cut(axis.crop_end)} the end"),
        (
            "output",
            f"O = full - c0 - c1 = {axis.full} - {_signed(axis.crop_start)} - "
            f"{_signed(axis.crop_end)} = {axis.output_size}",
        ),
    ]
    return "\n".join(f"{name:<18} {text}" for name, text in lines)


def _cut(cells: int) -> str:
    if cells < 0:
        return f"{-cells} untouched cell{'s' if cells < -1 else ''} added at"
    return f"{cells} at"


def _signed(value: int) -> str:
    return f"({value})" if value < 0 else str(value)
