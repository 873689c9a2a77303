"""JAX: explicit pads of the zero-stretched input, which say every crop."""

from collections.abc import Sequence

from tconv.conventions.base import Convention, Words
from tconv.conventions.writing import call, literal
from tconv.geometry import Geometry
from tconv.geometry.parameters import Sizes, pairs_per_axis, per_axis, shown

Pads = Sequence[Sequence[int]]


class Jax(Convention):
    """``jax.lax.conv_transpose``, or ``jax.lax.conv_general_dilated`` where there are groups.

    Explicit pads (a, b) surround the zero-stretched input, c0 = ke - 1 - a and c1 = ke - 1 - b, of
    any sign. "VALID" is c0 = 0 and O = (I-1)·s + max(ke, s); "SAME" is O = I·s and
    c0 = floor(max(ke - s, 0)/2). With ``use_consistent_padding=True`` explicit pads are the crop
    itself; :meth:`words` does not need it.

    Examples
    --------
    >>> geometry = Geometry.of(4, 3, stride=2, padding="same")
    >>> JAX.words(geometry)["padding"]
    ((2, 1),)
    >>> JAX.code(geometry)
    'jax.lax.conv_transpose(x, kernel, strides=(2,), padding=((2, 1),), transpose_kernel=True)'
    """

    name = "JAX"
    layout = (
        "(*K, C_out, C_in) with transpose_kernel=True; "
        "with groups (*K, C_in/groups, C_out), flipped on every spatial axis"
    )
    ranks = range(1, 64)

    def geometry(
        self,
        input_size: Sizes,
        kernel_size: Sizes,
        strides: Sizes = 1,
        padding: str | Pads = "VALID",
        rhs_dilation: Sizes | None = None,
        dimension_numbers: object = None,
        transpose_kernel: bool = True,
        use_consistent_padding: bool = False,
        *,
        window_strides: Sizes = 1,
        lhs_dilation: Sizes | None = None,
        feature_group_count: int = 1,
    ) -> Geometry:
        """Return the geometry of the arguments of either function."""
        if lhs_dilation is not None:
            strides = lhs_dilation
            if isinstance(padding, str):
                raise ValueError(
                    f"JAX refuses padding {shown(padding)} with lhs_dilation: give pairs"
                )
        dilation = 1 if rhs_dilation is None else rhs_dilation
        full = Geometry.of(input_size, kernel_size, strides, dilation=dilation)
        if set(per_axis("window_strides", window_strides, full.rank)) != {1}:
            raise ValueError("a transposed convolution has window_strides of 1")
        if padding == "SAME":
            return Geometry.of(input_size, kernel_size, strides, "same", dilation=dilation)
        if padding == "VALID":
            crop = [(0, min(axis.effective_kernel - axis.stride, 0)) for axis in full.axes]
        elif isinstance(padding, str):
            raise ValueError(f'JAX pads "VALID", "SAME" or by pairs, not {shown(padding)}')
        else:
            crop = list(pairs_per_axis("padding", padding, full.rank))
            if not use_consistent_padding:
                margins = (axis.effective_kernel - 1 for axis in full.axes)
                crop = [(n - a, n - b) for n, (a, b) in zip(margins, crop, strict=True)]
        return Geometry.from_crop(input_size, kernel_size, strides, dilation, crop)

    def _words(self, geometry: Geometry, groups: int) -> Words:
        pads = geometry.stretched().padding
        shared = {"rhs_dilation": geometry.dilation, "dimension_numbers": _layouts(geometry.rank)}
        if groups == 1:
            strides = geometry.stride
            return {"strides": strides, "padding": pads, **shared, "transpose_kernel": True}
        return {
            "window_strides": (1,) * geometry.rank,
            "padding": pads,
            "lhs_dilation": geometry.stride,
            **shared,
            "feature_group_count": groups,
        }

    def _code(self, words: Words, geometry: Geometry, in_channels: int, out_channels: int) -> str:
        function, kernel = "jax.lax.conv_transpose", "kernel"
        left_out = {"rhs_dilation": (1,) * geometry.rank}
        if "lhs_dilation" in words:
            function = "jax.lax.conv_general_dilated"
            kernel = f"kernel[{', '.join(['::-1'] * geometry.rank)}]"
        elif geometry.rank <= 3:
            left_out["dimension_numbers"] = words["dimension_numbers"]
        written = {
            name: literal(value) for name, value in words.items() if value != left_out.get(name)
        }
        return call(function, "x", kernel, **written)


def _layouts(rank: int) -> tuple[str, str, str]:
    """Return JAX's own names of the axes, channels last: data, kernel, result."""
    spatial = ("H", "HW", "HWD")[rank - 1] if rank <= 3 else "".join(map(chr, range(97, 97 + rank)))
    return f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"


JAX = Jax()
