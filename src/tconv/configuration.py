"""What this installation of tconv is and runs on."""

import platform
from importlib.util import find_spec

import numpy as np

from tconv import engine
from tconv._version import __version__


def configuration() -> dict[str, str]:
    """Return what :func:`show_config` prints."""
    blas = np.show_config(mode="dicts") or {}
    library = blas.get("Build Dependencies", {}).get("blas", {})
    return {
        "tconv": __version__,
        "engine": _engine(),
        "targets": " ".join(engine.targets()) or "none",
        "arithmetic": engine.get_arithmetic() if engine.available() else "direct",
        "threads": str(engine.get_num_threads()) if engine.available() else "NumPy's",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "blas": f"{library.get('name', 'unknown')} {library.get('version', '')}".strip(),
        "machine": f"{platform.system()} {platform.machine()}",
        "matrix": "yes" if find_spec("scipy") else "no: pip install 'tconv[matrix]'",
        "command": "yes" if find_spec("typer") else "no: pip install 'tconv[cli]'",
    }


def show_config() -> None:
    """Print versions, the engine in use, and which optional parts are installed.

    Examples
    --------
    >>> show_config()
    tconv      ...
    engine     ...
    ...
    """
    entries = configuration()
    for name, value in entries.items():
        print(f"{name:<10} {value}")


def _engine() -> str:
    if engine.available():
        return f"{engine.target()}, compiled by {engine.compiler()}"
    return f"NumPy phase product: {engine.refusal()}"
