"""A layer as it is before it has an input: its parameters, read once, and what follows from them.

:class:`Layer` and :class:`Geometry` tell the same of what does not depend on the input's size.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tconv.geometry.geometry import KEPT, Geometry
from tconv.geometry.padding import Window, crop_of
from tconv.geometry.parameters import Padding, Sizes, integer, is_plain, padding_per_axis, per_axis


@dataclass(frozen=True, slots=True)
class Layer:
    """A transposed convolution without an input size; made by :meth:`of`.

    Parameters
    ----------
    kernel_size, stride : tuple of int
    padding : str, or tuple of (int, int)
    output_padding, dilation : tuple of int
    groups : int

    Examples
    --------
    >>> layer = Layer.of((3, 3), stride=2, padding=1)
    >>> layer.geometry((4, 6)).output_size, layer.input_size((7, 11))
    ((7, 11), (4, 6))
    """

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: str | tuple[Window, ...]
    output_padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    crop: tuple[Window, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        paddings = self.padding
        crop = (
            crop_of(*row, padding=paddings if isinstance(paddings, str) else paddings[index])
            for index, row in enumerate(
                zip(self.kernel_size, self.stride, self.dilation, self.output_padding, strict=True)
            )
        )
        object.__setattr__(self, "crop", tuple(crop))

    @classmethod
    def of(
        cls,
        kernel_size: tuple[int, ...],
        stride: Sizes = 1,
        padding: Padding = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        dilation: Sizes = 1,
    ) -> "Layer":
        """Read parameters as :meth:`tconv.Geometry.of` takes them; the kernel says how many axes.

        Raises
        ------
        TypeError, ValueError
            As in :meth:`tconv.Geometry.of`.
        """
        words: Any = kernel_size, stride, padding, output_padding, groups, dilation
        return _kept(*words) if is_plain(words) else cls.read(*words)

    @classmethod
    def read(
        cls,
        kernel_size: tuple[int, ...],
        stride: Sizes,
        padding: Padding,
        output_padding: Sizes,
        groups: int,
        dilation: Sizes,
    ) -> "Layer":
        """Read parameters anew: what :meth:`of` does, without keeping it."""
        rank = len(kernel_size)
        return cls(
            kernel_size=per_axis("kernel_size", kernel_size, rank, minimum=1),
            groups=integer("groups", groups, minimum=1),
            stride=per_axis("stride", stride, rank, minimum=1),
            dilation=per_axis("dilation", dilation, rank, minimum=1),
            padding=padding_per_axis(padding, rank),
            output_padding=per_axis("output_padding", output_padding, rank, minimum=0),
        )

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel_size)

    @property
    def effective_kernel(self) -> tuple[int, ...]:
        """The extent of a stamp, ke = d·(K-1) + 1, one an axis."""
        each = zip(self.kernel_size, self.dilation, strict=True)
        return tuple(d * (k - 1) + 1 for k, d in each)

    def geometry(self, input_size: Sizes, output_size: Sizes | None = None) -> Geometry:
        """Return the geometry for an input size; `output_size` stands for the output padding."""
        sizes: Any = input_size, output_size
        return _kept_geometry(self, *sizes) if is_plain(sizes) else self._geometry(*sizes)

    def _geometry(self, input_size: Sizes, output_size: Sizes | None) -> Geometry:
        return Geometry.of(
            per_axis("input_size", input_size, self.rank, minimum=1), self.kernel_size,
            self.stride, self.padding, self.output_padding, self.dilation,
            None if output_size is None else per_axis("output_size", output_size, self.rank),
        )  # fmt: skip

    def placed(
        self, input_size: tuple[int, ...], output_size: Sizes | None = None
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the output's size and the start crop; input sizes may be symbols of a compiler.

        Raises
        ------
        TypeError, ValueError
            As in :meth:`geometry`, which says the same at more length.

        Examples
        --------
        >>> Layer.of((3, 3), stride=2, padding=1).placed((4, 6), output_size=(7, 12))
        ((7, 12), (1, 1))
        """
        each = zip(input_size, self.stride, self.effective_kernel, self.crop, strict=True)
        sizes = tuple((i - 1) * s + ke - start - end for i, s, ke, (start, end) in each)
        starts = tuple(start for start, _ in self.crop)
        if output_size is not None:
            wanted = per_axis("output_size", output_size, self.rank)
            extra = [o - size for o, size in zip(wanted, sizes, strict=True)]
            if self.padding == "same":  # sizes are the largest; the crop is shared anew
                extra = [e + s - 1 for e, s in zip(extra, self.stride, strict=True)]
                pairs = zip(wanted, sizes, self.crop, strict=True)
                starts = tuple(max(sum(c) + size - o, 0) // 2 for o, size, c in pairs)
            reached = all(0 <= e < s for e, s in zip(extra, self.stride, strict=True))
            if any(self.output_padding) or not reached:
                self._geometry(input_size, output_size)
            sizes = wanted
        if any(n < 1 for n in (*sizes, *input_size)):
            self._geometry(input_size, output_size)
        return sizes, starts

    def input_size(self, output_size: tuple[int, ...]) -> tuple[int, ...]:
        """Return the input size that gives an output size.

        Examples
        --------
        >>> Layer.of((4,), stride=2, padding=1).input_size((7,))
        Traceback (most recent call last):
        ...
        ValueError: y has size 7 along an axis, which this layer does not give; 6 or 8 would do
        """
        return tuple(self._input_sizes(output_size))

    def _input_sizes(self, output_size: tuple[int, ...]) -> Iterator[int]:
        for stamp, crop, stride, wanted in zip(
            self.effective_kernel, self.crop, self.stride, output_size, strict=True
        ):
            first = stamp - sum(crop)
            more, over = divmod(wanted - first, stride)
            if over or more < 0:
                least = first + max(-((first - 1) // stride), 0) * stride
                below = wanted - (wanted - least) % stride
                near = f"{below} or {below + stride}" if below >= least else str(least)
                raise ValueError(
                    f"y has size {wanted} along an axis, which this layer does not give; "
                    f"{near} would do"
                )
            yield more + 1


_kept = lru_cache(KEPT)(Layer.read)
_kept_geometry = lru_cache(KEPT)(Layer._geometry)
