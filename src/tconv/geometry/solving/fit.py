"""One axis of an answer: sizes and parameters that fit each other."""

from typing import NamedTuple

from tconv.geometry.axis import Axis
from tconv.geometry.coverage import Missing, unreached, unread


class Fit(NamedTuple):
    """Sizes and parameters of one axis with O = (I-1)·s + ke - before - after + output_padding.

    Examples
    --------
    >>> Fit(4, 7, kernel_size=3, stride=2, dilation=1, before=1, after=1, output_padding=0).axis
    Axis(input_size=4, kernel_size=3, stride=2, dilation=1, crop_start=1, output_size=7)
    """

    input_size: int
    output_size: int
    kernel_size: int
    stride: int
    dilation: int
    before: int
    after: int
    output_padding: int

    @property
    def effective_kernel(self) -> int:
        """Cells from a stamp's first tap to its last: d·(K-1) + 1."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def axis(self) -> Axis:
        """The axis in normal form."""
        i, o, k, s, d, before, _, _ = self
        return Axis(i, k, s, d, before, o)

    @property
    def unread(self) -> Missing:
        """The inputs that no output reads."""
        return unread(self.axis)

    @property
    def unreached(self) -> Missing:
        """The outputs that no input reaches."""
        return unreached(self.axis)

    @property
    def padding(self) -> int | tuple[int, int]:
        """What ``padding`` says of this axis: an integer where both ends are alike and crop."""
        return self.before if self.before == self.after >= 0 else (self.before, self.after)
