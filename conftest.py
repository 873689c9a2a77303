"""Leaves out the docstrings of modules whose framework is not installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("jax") else ["src/tconv/arrays/jax/*"]
