"""The public function: from parameters, and values if there are any, to a trace."""

from typing import Any

import numpy as np

from tconv.explanation.trace.layer import Layer, refuse_axes
from tconv.explanation.trace.model import Trace
from tconv.explanation.trace.views import DIRECT, NUMERIC, VIEWS
from tconv.geometry import Geometry
from tconv.geometry.parameters import (
    Padding,
    Sizes,
    integer,
    is_sequence,
    length_of,
    per_axis,
    shown,
    word,
)


def explain(
    input_size: Geometry | Sizes | None = None,
    kernel_size: Sizes | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    dilation: Sizes = 1,
    *,
    output_size: Sizes | None = None,
    x: Any = None,
    weight: Any = None,
    groups: int = 1,
    view: str = "scatter",
) -> Trace:
    """Explain a transposed convolution step by step, as data that can be drawn.

    Parameters
    ----------
    input_size : Geometry, int or sequence of int, optional
        A whole geometry, or the input size I; left out where `x` is given.
    kernel_size : int or sequence of int, optional
        Left out where `weight` is given, or a geometry.
    stride, padding, output_padding, dilation, output_size
        As in :meth:`tconv.Geometry.of`.
    x : array_like, (*I) or (C_in, *I), or str, optional
        Numbers, fractions or letters; or ``"letters"``, ``"numbers"`` (1, 2, 3, …), ``"ones"``. By
        default letters on one axis and numbers on more. The views of the direct convolution that is
        transposed, ``"convolution"`` and ``"deconvolution"``, take that convolution's input:
        (*O) or (C_out, *O). Without `input_size`, the other parameters are that convolution's too.
    weight : array_like, (*K) or (C_in, C_out/groups, *K), or str, optional
        As `x`.
    groups : int
        Divides C_in.
    view : str
        One of :data:`tconv.VIEWS`.

    Returns
    -------
    Trace

    Raises
    ------
    TypeError, ValueError
        If sizes or values do not fit, or there are more products or cells than can be followed.

    Examples
    --------
    >>> trace = explain((2, 2), 3, x=[[1, 2], [3, 4]], weight="ones")
    >>> for step in trace.steps[:2]:
    ...     print(step.say)
    input (0,0) = 1 stamps the kernel at output (0,0)…(2,2)
    input (0,1) = 2 stamps the kernel at output (0,1)…(2,3)
    >>> trace.values()
    [[1, 3, 3, 2], [4, 10, 10, 6], [4, 10, 10, 6], [3, 7, 7, 4]]
    """
    if word("view", view) not in VIEWS:
        raise ValueError(f"view {shown(view)} is not one of {', '.join(VIEWS)}")
    if view in NUMERIC:
        x, weight = ("numbers" if values is None else values for values in (x, weight))
    x, weight = array_of(x), array_of(weight)
    if isinstance(input_size, Geometry):
        geometry = input_size
    else:
        words = {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}
        rank = rank_of(
            [input_size, padding, output_padding, output_size, *words.values()], x, weight
        )
        if kernel_size is None:
            kernel_size = _size_of("kernel_size", "weight", weight, rank)
        if input_size is None and view in DIRECT:
            size = _size_of("input_size", "x", x, rank)
            geometry = Geometry.of_conv(size, kernel_size, stride, padding, dilation)
        else:
            if input_size is None:
                input_size = _size_of("input_size", "x", x, rank)
            geometry = Geometry.of(
                per_axis("input_size", input_size, rank), kernel_size, stride, padding,
                output_padding, dilation, output_size,
            )  # fmt: skip
    refuse_axes(geometry)
    x, weight = _with_channels(x, weight, geometry.rank)
    groups = integer("groups", groups, minimum=1)
    return VIEWS[view](Layer.of(geometry, x, weight, groups, direct=view in DIRECT))


def array_of(given: Any) -> Any:
    """Return what is given as an array, unless it is a word or None."""
    if given is None or isinstance(given, str | np.ndarray):
        return given
    array = np.array(given, dtype=object)
    if any(isinstance(cell, list | tuple) for cell in array.flat):
        raise ValueError(f"rows must be of equal length, got {shown(given)}")
    return array


def rank_of(sizes: list[Any], x: Any, weight: Any) -> int:
    """Find the number of axes: from a size that has one entry an axis, or from the arrays."""
    for size in sizes:
        if is_sequence(size):
            return length_of("a size", size)
    inputs = x.ndim if isinstance(x, np.ndarray) else None
    kernel = weight.ndim if isinstance(weight, np.ndarray) else None
    if inputs is None or kernel is None:
        return inputs or kernel or 1
    return int(kernel - 2 if kernel - inputs == 1 else min(inputs, kernel))


def _size_of(name: str, array: str, values: Any, rank: int) -> tuple[int, ...]:
    if not isinstance(values, np.ndarray):
        raise ValueError(f"give {name}, or {array} as an array")
    return tuple(values.shape[values.ndim - rank :])


def _with_channels(x: Any, weight: Any, rank: int) -> tuple[Any, Any]:
    if isinstance(x, np.ndarray) and x.ndim == rank:
        x = x[np.newaxis]
    if isinstance(weight, np.ndarray) and weight.ndim == rank:
        weight = weight[np.newaxis, np.newaxis]
    return x, weight
