"""A direct convolution described by its sizes: the one beside, or behind, a transposed one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Convolution:
    """A direct convolution (cross-correlation), one entry an axis.

    Parameters
    ----------
    input_size, kernel_size, stride, dilation : tuple of int
    padding : tuple of (int, int)
        Zeros before and after; negative cuts cells.
    output_size : tuple of int
    stretch : tuple of int
        Distance between neighbouring inputs after zeros were inserted; 1 inserts none.
    flip : bool
        Whether the kernel is used turned round on every axis.

    Examples
    --------
    >>> print(Convolution((4,), (3,), (1,), (1,), ((0, 0),), (2,)))
    input 4, kernel 3, stride 1, padding (0, 0) -> 2
    """

    input_size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    output_size: tuple[int, ...]
    stretch: tuple[int, ...] = ()
    flip: bool = False

    @property
    def stretched_size(self) -> tuple[int, ...]:
        """Input size once zeros are inserted: (I-1)·stretch + 1."""
        stretch = self.stretch or (1,) * len(self.input_size)
        return tuple((i - 1) * s + 1 for i, s in zip(self.input_size, stretch, strict=True))

    @property
    def padded_size(self) -> tuple[int, ...]:
        """Input size once zeros are inserted, then padded or cut."""
        return tuple(
            size + before + after
            for size, (before, after) in zip(self.stretched_size, self.padding, strict=True)
        )

    def __str__(self) -> str:
        words = [f"input {times(self.input_size)}"]
        if any(s != 1 for s in self.stretch):
            words.append(f"stretched by {times(self.stretch)} to {times(self.stretched_size)}")
        flipped = " flipped" if self.flip else ""
        words.append(f"kernel {times(self.kernel_size)}{flipped}")
        words.append(f"stride {times(self.stride)}")
        if any(d != 1 for d in self.dilation):
            words.append(f"dilation {times(self.dilation)}")
        words.append(f"padding {'×'.join(map(str, self.padding))}")
        return f"{', '.join(words)} -> {times(self.output_size)}"


def times(sizes: tuple[int, ...]) -> str:
    """Write sizes as people say them.

    Examples
    --------
    >>> times((4, 6))
    '4×6'
    """
    return "×".join(map(str, sizes))
