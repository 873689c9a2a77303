"""What a caller gave, axis by axis, and the bounds that follow for what is left out."""

from dataclasses import dataclass
from typing import Any

from tconv.geometry.padding import Window
from tconv.geometry.parameters import common_rank, padding_per_axis, per_axis

KERNEL_STRIDES = 8  # the largest kernel searched, in strides: beyond any layer met so far
STRIDES = 8  # the largest stride searched where a size is missing

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Known:
    """What is given along one axis; None where it is searched.

    Examples
    --------
    >>> known_axes(input_size=4, stride=2, padding=1)[0].padding
    (1, 1)
    """

    input_size: int | None
    output_size: int | None
    kernel_size: int | None
    stride: int | None
    padding: str | Window | None
    output_padding: int | None
    dilation: int | None

    def extras(self, s: int, d: int) -> Interval:
        """Return the least and the most output_padding."""
        if self.output_padding is not None:
            return self.output_padding, min(self.output_padding, max(s, d) - 1)
        return 0, 0 if self.padding == "same" else max(s, d) - 1

    def pads(self, k: int, s: int, d: int) -> Window:
        """Return the padding that was given, in numbers; "same" depends on the input's stride."""
        ke = d * (k - 1) + 1
        if self.padding == "half":
            return ke // 2, ke // 2
        if self.padding == "full":
            return ke - 1, ke - 1
        if self.padding == "same":  # as TensorFlow's: O = I·s
            before = max(ke - s, 0) // 2
            return before, ke - s - before
        assert isinstance(self.padding, tuple)
        return self.padding

    def reach(self, s: int, d: int) -> Interval:
        """Return the least and the most that an output size has beyond (I-1)·s."""
        least, most = self.extras(s, d)
        small, large = 1, KERNEL_STRIDES * s
        if self.kernel_size is not None:
            small = large = d * (self.kernel_size - 1) + 1
        if self.padding == "same":
            return s, s
        if self.padding == "half":
            return 1 + least, 1 + most
        if self.padding == "full":
            return 2 - large + least, 2 - small + most
        if self.padding is None:
            return 2 - large + least, large + most
        cut = sum(self.pads(1, s, d))
        return small - cut + least, large - cut + most

    def kernels(self, margin: int, s: int, d: int) -> Interval:
        """Return the least and the most effective kernel; `margin` is O - (I-1)·s."""
        least, most = self.extras(s, d)
        large = self.largest_kernel(margin, s)
        if self.kernel_size is not None:
            large = d * (self.kernel_size - 1) + 1
        if self.padding is None:
            return max(1, margin - most, 2 - margin + least), large
        if self.padding in ("half", "same"):
            return 1, large
        if self.padding == "full":
            return 2 - margin + least, 2 - margin + most
        cut = sum(self.pads(1, s, d))
        return margin + cut - most, margin + cut - least

    def largest_kernel(self, margin: int, s: int) -> int:
        """Return the most that an effective kernel is searched to."""
        if self.padding == "full":
            return 2 - margin + s
        if isinstance(self.padding, tuple):
            return margin + sum(self.padding)
        return max(KERNEL_STRIDES * s, margin)

    def strides(self, i: int, o: int) -> Interval:
        """Return the least and the most stride searched where both sizes are known."""
        least, most = 1, 2 * -(-o // i)
        d = 1 if self.kernel_size == 1 else self.dilation
        if self.kernel_size is None or d is None or self.padding == "same":
            return least, most
        low, high = self.reach(1, d)
        if i > 1:
            most = min(most, (o - low) // (i - 1))
        if self.output_padding is not None:
            bounds = [-(-(o - high) // (i - 1))] if i > 1 else []
        else:  # output_padding is at most max(s, d) - 1, of which `high` holds d - 1
            bounds = [-(-(o - high + d) // i)] + ([-(-(o - high) // (i - 1))] if i > 1 else [])
        return max(least, min(bounds, default=least)), most


def known_axes(**given: Any) -> list[Known]:
    """Read what a caller gave.

    Raises
    ------
    TypeError
        If a parameter is of the wrong kind.
    ValueError
        If it is out of range, or parameters disagree on the number of axes.
    """
    padding = given.pop("padding", None)
    rank = common_rank(**given, padding=padding)
    columns: dict[str, Any] = dict.fromkeys(Known.__dataclass_fields__, (None,) * rank)
    for name, value in given.items():
        if value is not None:
            least = 0 if name == "output_padding" else 1
            columns[name] = per_axis(name, value, rank, minimum=least)
    if padding is not None:
        pads = padding_per_axis(padding, rank)
        if pads == "valid":
            pads = ((0, 0),) * rank
        columns["padding"] = (pads,) * rank if isinstance(pads, str) else pads
    return [Known(*row) for row in zip(*columns.values(), strict=True)]
