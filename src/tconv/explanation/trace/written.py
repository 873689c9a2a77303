"""Parameters as short texts, as the command line, links and presets write them.

``{"i": "2x2", "k": "3", "s": "2", "p": "0:1", "x": "1,2;3,4", "w": "ones", "view": "gather"}``
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.explanation.constants import LIMITS
from tconv.explanation.trace.layer import FILLED, array_of, rank_of
from tconv.explanation.trace.values import Value, jsonable, parsed
from tconv.explanation.trace.views import DIRECT, VIEWS
from tconv.geometry import Geometry
from tconv.geometry.parameters import is_sequence, per_axis
from tconv.geometry.spelling import (
    brief,
    for_every_axis,
    integer,
    padding,
    padding_written,
    sizes,
    sizes_written,
)

SIZES = {
    "i": "input_size",
    "k": "kernel_size",
    "s": "stride",
    "op": "output_padding",
    "d": "dilation",
    "o": "output_size",
}
NAMES = {"view": "view", **SIZES, "p": "padding", "x": "x", "w": "weight", "g": "groups"}
SHAPING = (*SIZES.values(), "padding")  # what Geometry.of takes


def read(texts: Mapping[str, str]) -> dict[str, Any]:
    """Read texts as what :func:`tconv.explain` takes.

    Parameters
    ----------
    texts : mapping of str to str
        ``view``; the sizes ``i`` (input), ``k`` (kernel), ``s`` (stride), ``op`` (output padding),
        ``d`` (dilation) and ``o`` (output), see :func:`sizes`; ``p``, see :func:`padding`; ``x``
        and ``w`` (weight), see :func:`values`; ``g`` (groups). Each may be left out. Values on
        three axes need the sizes. The planes of ``w`` are as many input channels as ``x`` has, or
        ``g`` where that is a word.

    Raises
    ------
    ValueError
        If a text says nothing that is known, or too much.

    Examples
    --------
    >>> read({"i": "2x3", "k": "3", "p": "same", "x": "letters"})
    {'input_size': (2, 3), 'kernel_size': (3, 3), 'padding': 'same', 'x': 'letters'}
    """
    arguments = {NAMES[key]: _read(key, text) for key, text in _checked(texts).items()}
    rank = _rank(arguments)
    for name in ("input_size", "kernel_size"):
        if name in arguments:
            arguments[name] = per_axis(name, arguments[name], rank)
    if "padding" in arguments:
        arguments["padding"] = for_every_axis(arguments["padding"], rank)
    for name in ("x", "weight"):
        if not isinstance(arguments.get(name, ""), str):
            arguments[name] = _shaped(name, arguments, rank)
    return arguments


def write(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Write arguments of :func:`tconv.explain` as texts that :func:`read` reads.

    Examples
    --------
    >>> write({"input_size": (2, 3), "padding": ((0, 1), 2), "weight": "ones"})
    {'i': '2x3', 'p': '0:1x2', 'w': 'ones'}
    """
    given = {key: arguments[name] for key, name in NAMES.items() if arguments.get(name) is not None}
    rank = rank_of(
        [arguments.get(name) for name in SHAPING], *(array_of(given.get(key)) for key in "xw")
    )
    writers: dict[str, Callable[[Any], str]] = {
        **dict.fromkeys(SIZES, sizes_written),
        "p": padding_written,
        **dict.fromkeys("xw", lambda values: values_written(values, rank)),
    }
    return {key: writers.get(key, str)(value) for key, value in given.items()}


def values(name: str, text: str) -> NDArray[Any] | str:
    """Read values: a word, or planes ``1,2;3,4|5,6;7,8``.

    Parameters
    ----------
    name : str
        Said in errors.
    text : str
        ``letters``, ``numbers`` or ``ones``; or numbers (``2``, ``0.5``), fractions (``1/3``) and
        letters (``a``, ``w1``) with ``,`` between columns, ``;`` between rows and ``|`` between
        planes: channels and, on three axes, their slices.

    Returns
    -------
    ndarray of object, (planes, rows, columns), or str

    Examples
    --------
    >>> values("x", "1,1/2;a,0.5")
    array([[[1, Fraction(1, 2)],
            [a, 0.5]]], dtype=object)
    """
    if text.strip() in FILLED:
        return text.strip()
    planes = [[row.split(",") for row in plane.split(";")] for plane in text.split("|")]
    rows, columns = len(planes[0]), len(planes[0][0])
    if any(len(plane) != rows or any(len(row) != columns for row in plane) for plane in planes):
        raise ValueError(f"{name} {brief(text)} needs rows of equal length, and equal planes")
    held = np.empty((len(planes), rows, columns), object)
    for place in np.ndindex(held.shape):
        p, r, c = place
        held[place] = _value(name, planes[p][r][c])
    return held


def values_written(given: Any, rank: int) -> str:
    """Write values on so many axes as :func:`values` reads them.

    Examples
    --------
    >>> values_written([[1, 0.5], [3, 4]], 2), values_written([[1, 0.5], [3, 4]], 1)
    ('1,0.5;3,4', '1,0.5|3,4')
    """
    array = array_of(given)
    if isinstance(array, str):
        return array
    planes = array.reshape(-1, array.shape[-2] if rank > 1 else 1, array.shape[-1])
    return "|".join(
        ";".join(",".join(str(jsonable(value)) for value in row) for row in plane)
        for plane in planes
    )


def _checked(texts: Mapping[str, str]) -> Mapping[str, str]:
    for key, text in texts.items():
        if key not in NAMES:
            raise ValueError(f"{key!r} is not one of {', '.join(NAMES)}")
        if len(text) > LIMITS.characters:
            raise ValueError(
                f"{key} is {len(text):,} characters long, more than {LIMITS.characters:,}"
            )
    return texts


def _read(key: str, text: str) -> Any:
    if key in SIZES:
        return sizes(key, text)
    if key == "p":
        return padding(key, text)
    if key == "g":
        return integer(key, text)
    if key == "view":
        if text not in VIEWS:
            raise ValueError(f"view {brief(text)} is not one of {', '.join(VIEWS)}")
        return text
    return values(key, text)


def _rank(arguments: Mapping[str, Any]) -> int:
    """Find the number of axes: from a size with one entry an axis, else from rows in the values."""
    for name in SHAPING:
        given: Any = arguments.get(name)
        if is_sequence(given) and len(given) > 1:
            return len(given)
    arrays = [arguments.get(name) for name in ("x", "weight")]
    return 2 if any(isinstance(one, np.ndarray) and one.shape[1] > 1 for one in arrays) else 1


def _shaped(name: str, arguments: Mapping[str, Any], rank: int) -> NDArray[Any]:
    """Return planes with channels and axes apart."""
    planes: NDArray[Any] = arguments[name]
    key = {"x": "x", "weight": "w"}[name]
    count, rows, columns = planes.shape
    if rank == 1 and rows > 1:
        raise ValueError(f"{key} has {rows} rows, but the sizes are those of one axis")
    slices = _slices(name, arguments) if rank == 3 else 1
    if count % slices:
        raise ValueError(f"{key} has {count} planes, not a multiple of {slices} slices")
    lead, size = count // slices, (slices, rows, columns)[3 - rank :]
    if name == "x":
        return planes.reshape(lead, *size)
    inputs = _input_channels(arguments, lead)
    if lead % inputs:
        raise ValueError(f"{key} has {lead} planes, not a multiple of {inputs} input channels")
    return planes.reshape(inputs, lead // inputs, *size)


def _slices(name: str, arguments: Mapping[str, Any]) -> int:
    if not {"input_size", "kernel_size"} <= arguments.keys():
        raise ValueError("values on three axes need i and k, which tell slices from channels")
    if name == "weight":
        return int(arguments["kernel_size"][0])
    if arguments.get("view") not in DIRECT:
        return int(arguments["input_size"][0])
    words = {name: arguments[name] for name in SHAPING if name in arguments}
    return Geometry.of(**words).output_size[0]


def _input_channels(arguments: Mapping[str, Any], planes: int) -> int:
    x, groups = arguments.get("x"), max(int(arguments.get("groups", 1)), 1)
    if not isinstance(x, np.ndarray):
        return groups
    if arguments.get("view") not in DIRECT:
        return len(x)
    return max(planes // max(len(x) // groups, 1), 1)


def _value(name: str, text: str) -> Value:
    if len(text) > LIMITS.value_characters:
        raise ValueError(
            f"{name} holds {brief(text)}, longer than {LIMITS.value_characters} characters"
        )
    try:
        return parsed(text.strip())
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
