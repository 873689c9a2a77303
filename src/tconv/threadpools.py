"""The engine's threads under threadpoolctl, where that is installed.

``threadpoolctl.threadpool_limits(1)`` then holds the engine's threads too, and
``threadpoolctl.threadpool_info()`` lists them, with ``user_api`` and ``internal_api`` ``"tconv"``.
Where threadpoolctl is imported before tconv this is so at once: ``import tconv`` then loads the
engine too, as threadpoolctl limits only what is loaded. tconv does not import threadpoolctl by
itself: where it comes later, call :func:`register` once.
"""

import sys
from importlib import import_module
from typing import Any

from tconv._version import __version__

_registered = False


def register() -> None:
    """Load the engine and make threadpoolctl know its threads; more than once does no harm.

    Raises
    ------
    ImportError
        If threadpoolctl is not installed, or is older than 3.4.

    Examples
    --------
    >>> from importlib.util import find_spec
    >>> if find_spec("threadpoolctl"):
    ...     register()
    """
    global _registered
    if _registered:
        return
    from threadpoolctl import LibController
    from threadpoolctl import register as enter

    class Engine(LibController):  # type: ignore[misc]
        """The compiled module, known by its symbols."""

        user_api = internal_api = "tconv"
        filename_prefixes = ("_native",)
        check_symbols = ("tconv_get_num_threads", "tconv_set_num_threads")

        def get_num_threads(self) -> int:
            return int(self.dynlib.tconv_get_num_threads())

        def set_num_threads(self, num_threads: int) -> None:
            self.dynlib.tconv_set_num_threads(num_threads)

        def get_version(self) -> Any:
            return __version__

    import_module("tconv.engine")
    enter(Engine)
    _registered = True


if "threadpoolctl" in sys.modules:
    register()
