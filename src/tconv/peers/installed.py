"""What is installed, found out without importing it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec


def installed(*modules: str) -> str | None:
    """Return the version of the first of these modules, or None unless all are installed.

    Examples
    --------
    >>> installed("numpy") is not None, installed("no_such_module")
    (True, None)
    """
    if not all(map(find_spec, modules)):
        return None
    try:
        return version(modules[0])
    except PackageNotFoundError:  # the distribution has another name
        names = packages_distributions().get(modules[0], ())
        return version(names[0]) if names else "version unknown"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what native libraries write to the standard error stream off the screen."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
