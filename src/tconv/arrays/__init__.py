"""Other libraries' arrays: an adapter for each, loaded when such an array is handed in.

An adapter is a module with the functions of :mod:`tconv.functional` that it serves, under the same
names and with the same arguments. It reads the arguments, and computes by the engine, on the CPU.
"""

import sys
from types import ModuleType


def adapter_of(*values: object) -> ModuleType | None:
    """Return the adapter for the library whose arrays are among these, None for NumPy's.

    Examples
    --------
    >>> adapter_of([1.0], 2.0) is None
    True
    """
    if _any_is(values, "torch", "Tensor") or _any_is(values, "torch.fx", "Proxy"):
        from tconv.arrays import pytorch

        return pytorch
    if _any_is(values, "jax", "Array"):
        from tconv.arrays import jax

        return jax
    return None


def _any_is(values: tuple[object, ...], library: str, name: str) -> bool:
    """Tell whether one of the values is of a class of a library, which is then loaded."""
    kind = getattr(sys.modules.get(library), name, None)  # none in a library half loaded
    if kind is None:
        return False
    for value in values:  # noqa: SIM110 - a generator costs more than the rest
        if isinstance(value, kind):
            return True
    return False
