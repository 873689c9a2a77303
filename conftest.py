"""Leaves out the examples of frameworks that are not installed."""

import os
from importlib.util import find_spec

collect_ignore_glob = []
if not find_spec("jax"):
    collect_ignore_glob += ["src/tconv/arrays/jax/*", "docs/jax.md"]
if not find_spec("keras") or "KERAS_BACKEND" not in os.environ:  # its default may not be installed
    collect_ignore_glob += ["src/tconv/keras/layers.py"]
