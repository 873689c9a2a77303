"""Calls written as code, the way people write them."""

from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def call(function: str, *arguments: object, **keywords: object) -> str:
    """Write a call from arguments that are code already.

    Examples
    --------
    >>> call("f", "x", 3, padding=literal("same"), strides=(2, 1))
    'f(x, 3, padding="same", strides=(2, 1))'
    """
    written = [*map(str, arguments), *(f"{name}={value}" for name, value in keywords.items())]
    return f"{function}({', '.join(written)})"


def literal(value: object) -> str:
    """Write a value as code, strings in double quotes.

    Examples
    --------
    >>> literal(["x", 1])
    '["x", 1]'
    """
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def short(values: tuple[T, ...]) -> T | tuple[T, ...]:
    """Return the one value that all axes agree on, or all of them.

    Examples
    --------
    >>> short((2, 2)), short((2, 1))
    (2, (2, 1))
    """
    return values[0] if len(set(values)) == 1 else values


def unless_default(words: Mapping[str, Any], **defaults: object) -> dict[str, str]:
    """Write the arguments that differ from the framework's defaults, each as short as it goes.

    Examples
    --------
    >>> unless_default({"stride": (2, 2), "padding": (0, 0)}, stride=1, padding=0)
    {'stride': '2'}
    """
    written = {
        name: short(words[name]) if isinstance(words[name], tuple) else words[name]
        for name in defaults
    }
    return {name: literal(value) for name, value in written.items() if value != defaults[name]}
