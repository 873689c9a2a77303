"""Which arithmetic the engine may take: fewer products by sums of inputs, or products alone."""

import os
from typing import Literal, cast, get_args

from tconv.geometry.parameters import one_of

Arithmetic = Literal["fast", "direct"]
ARITHMETICS: tuple[str, ...] = get_args(Arithmetic)
VARIABLE = "TCONV_ARITHMETIC"

_chosen: Arithmetic | None = None


def read_arithmetic(value: object, name: str = "arithmetic") -> Arithmetic:
    """Read one of the two words.

    Raises
    ------
    TypeError, ValueError
        If it is something else.
    """
    return cast("Arithmetic", one_of(name, value, ARITHMETICS))


def get_arithmetic() -> Arithmetic:
    """Return the arithmetic of calls and plans that do not name one.

    It is what :func:`set_arithmetic` was given last, or else what the environment variable
    ``TCONV_ARITHMETIC`` says, or else ``"fast"``.

    Raises
    ------
    ValueError
        If the environment variable holds another word.

    Examples
    --------
    >>> get_arithmetic()
    'fast'
    """
    global _chosen
    if _chosen is None:
        _chosen = read_arithmetic(os.environ.get(VARIABLE) or "fast", VARIABLE)
    return _chosen


def set_arithmetic(arithmetic: Arithmetic) -> None:
    """Set the arithmetic of calls and plans that do not name one.

    Parameters
    ----------
    arithmetic : {"fast", "direct"}
        As in :func:`tconv.conv_transpose`. With ``"direct"`` no output is negative where inputs and
        weights are not, and none is touched by a large number that it does not read; calls take
        about 1.3 times as long. Plans keep the arithmetic they were made with.

    Raises
    ------
    TypeError, ValueError
        If it is neither of the two.

    Examples
    --------
    >>> set_arithmetic("direct")
    >>> get_arithmetic()
    'direct'
    >>> set_arithmetic("fast")
    """
    global _chosen
    _chosen = read_arithmetic(arithmetic)
