"""Leaves out the docstrings of modules whose framework is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [
    ignored
    for library, ignored in (
        ("jax", "src/tconv/arrays/jax/*"),
        ("keras", "src/tconv/keras/layers.py"),
    )
    if not find_spec(library)
]
