"""Leaves out the examples of frameworks that are not installed."""

from importlib.util import find_spec

collect_ignore_glob = [
    ignored
    for library, ignored in (
        ("jax", "src/tconv/arrays/jax/*"),
        ("jax", "docs/jax.md"),
        ("keras", "src/tconv/keras/layers.py"),
    )
    if not find_spec(library)
]
