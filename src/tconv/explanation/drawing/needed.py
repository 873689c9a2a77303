"""Libraries that are imported only when they are used, and what to do where they are missing."""

from importlib import import_module
from typing import Any


def needed(module: str, work: str, extra: str) -> Any:
    """Import a module, or say how to install it.

    Examples
    --------
    >>> needed("no_such_module", "nothing is drawn", "draw")
    Traceback (most recent call last):
    ImportError: nothing is drawn with no_such_module; pip install 'tconv[draw]'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise ImportError(f"{work} with {module}; pip install 'tconv[{extra}]'") from None
