"""What a plan may do to its result, in NumPy: for where the compiled engine does not do it."""

from collections.abc import Callable, Iterable
from math import erf, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tconv.geometry import hints
from tconv.geometry.parameters import integer, one_of

NAMES = ("relu", "leaky_relu", "tanh", "sigmoid", "gelu", "silu")
SLOPE = 0.01  # of leaky_relu, as in PyTorch


class Activation(NamedTuple):
    """One activation; `alpha` is the slope of leaky_relu below zero."""

    name: str | None = None
    alpha: float = SLOPE

    @property
    def code(self) -> int:
        """What the compiled engine calls it."""
        return 0 if self.name is None else 1 + NAMES.index(self.name)

    def __call__(self, y: NDArray[Any]) -> NDArray[Any]:
        """Apply it to an array of real floats."""
        if self.name is None:
            return y
        if self.name == "leaky_relu":
            return np.where(y > 0, y, y * y.dtype.type(self.alpha))
        return _FUNCTIONS[self.name](y)

    def __str__(self) -> str:
        return f"{self.name} {self.alpha:g}" if self.name == "leaky_relu" else str(self.name)


def read_activation(value: object) -> Activation:
    """Read None, a name, or ``("leaky_relu", slope)``."""
    if value is None:
        return Activation()
    name, alpha = value if isinstance(value, tuple) and len(value) == 2 else (value, None)
    if not isinstance(name, str):
        raise TypeError(f"activation must be a name or None, got {type(name).__name__}")
    one_of("activation", name, NAMES, _other_name)
    if alpha is None:
        return Activation(name)
    if name != "leaky_relu":
        raise ValueError(f"activation {name!r} takes no slope, only 'leaky_relu' does")
    if not isinstance(alpha, float):
        alpha = integer("slope of leaky_relu", alpha)
    return Activation(name, float(alpha))


def _other_name(name: str, known: Iterable[str]) -> str:
    return " (did you mean 'silu'?)" if name == "swish" else hints.close(name, known)


def _sigmoid(y: NDArray[Any]) -> NDArray[Any]:
    small: NDArray[Any] = np.exp(-np.abs(y))
    result: NDArray[Any] = np.where(y < 0, small, y.dtype.type(1)) / (1 + small)
    return result


def _gelu(y: NDArray[Any]) -> NDArray[Any]:
    error = np.fromiter(map(erf, (y / sqrt(2)).ravel()), y.dtype, y.size).reshape(y.shape)
    result: NDArray[Any] = y * (1 + error) / 2
    return result


_FUNCTIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "relu": lambda y: np.maximum(y, 0),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "gelu": _gelu,
    "silu": lambda y: y * _sigmoid(y),
}
