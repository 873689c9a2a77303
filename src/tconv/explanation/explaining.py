"""The public function: from parameters, and values if there are any, to a trace."""

import json
from os import PathLike
from typing import Any

import numpy as np

from tconv.explanation.trace import model
from tconv.explanation.trace.layer import Layer, array_of, rank_of, refuse_axes
from tconv.explanation.trace.reading import trace_of
from tconv.explanation.trace.views import DIRECT, NUMERIC, VIEWS
from tconv.geometry import Geometry
from tconv.geometry.parameters import (
    Padding,
    Sizes,
    integer,
    per_axis,
    shown,
    word,
)


class Trace(model.Trace):
    """A trace that can be saved, shown in a notebook, and read back: what :func:`explain` returns.

    Its panels and steps are those of :class:`tconv.explanation.trace.model.Trace`.

    Examples
    --------
    >>> trace = explain(2, 3, stride=2, x=[1, 2], weight=[1, 10, 100])
    >>> trace
    <Trace scatter: input 2, kernel 3, stride 2, crop (0, 0) -> 5; 2 steps>
    >>> for step in trace.steps:
    ...     print(step.formula)
    y[0] = 1·1 = 1
    y[2] = 1·100 + 2·1 = 102
    """

    @classmethod
    def from_dict(cls, held: Any) -> "Trace":
        """Return the trace that :meth:`to_dict` gave.

        Raises
        ------
        ValueError
            If `held` is no trace, or of another version.
        """
        return cls(**vars(trace_of(held)))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Trace":
        """Return the trace that :meth:`to_json` wrote.

        Examples
        --------
        >>> trace = explain(2, 3)
        >>> Trace.from_json(trace.to_json()) == trace
        True
        """
        try:
            held = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"a trace is JSON, but this does not parse: {error}") from None
        return cls.from_dict(held)

    def save(
        self,
        path: str | PathLike[str],
        frame: int | None = None,
        *,
        theme: str = "light",
        terms: str = "step",
        scale: float = 1.0,
        force: bool = False,
    ) -> None:
        """Write the trace as the file's suffix asks for; see ``tconv.explanation.export.save``.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "stamps.svg"
        >>> explain(2, 3, stride=2).save(path, frame=1)
        >>> path.read_text("utf-8")[:4]
        '<svg'
        """
        from tconv.explanation.export import save

        save(self, path, frame, theme=theme, terms=terms, scale=scale, force=force)

    def _repr_html_(self) -> str:
        """Show the trace in a notebook: to play, step by step."""
        from tconv.explanation.page import iframe

        return iframe(self)


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
    layer = Layer.of(geometry, x, weight, groups, direct=view in DIRECT)
    return Trace(**vars(VIEWS[view](layer)))


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
