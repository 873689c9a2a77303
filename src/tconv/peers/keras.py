"""``keras.ops.conv_transpose`` on the CPU, with the backend that KERAS_BACKEND names."""

import os
import sys
from importlib.util import find_spec

import numpy as np

from tconv.conventions.keras import KERAS
from tconv.geometry import Geometry
from tconv.peers.installed import installed, quiet
from tconv.peers.layout import Array, channels_first, channels_last, kernel_last

NAME = "Keras"
DTYPES = ("float32",)  # with TensorFlow as the backend, no float64 is dilated on the CPU


def available() -> str | None:
    """Return Keras's version and backend if both are installed."""
    version, backend = installed("keras"), _backend()
    return f"{version} ({backend})" if version and backend else None


def run(x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Compute with Keras."""
    words = KERAS.words(geometry, groups)
    os.environ["KERAS_BACKEND"] = _backend() or ""
    with quiet():
        import keras

        with keras.device("cpu"):
            y = keras.ops.conv_transpose(
                keras.ops.convert_to_tensor(channels_last(x)),
                keras.ops.convert_to_tensor(kernel_last(weight)),
                data_format="channels_last",
                **words,
            )
        return channels_first(np.asarray(keras.ops.convert_to_numpy(y)))


def _backend() -> str | None:
    """Return the backend in use, or chosen by the user, or the first one installed."""
    if "keras" in sys.modules:
        return str(sys.modules["keras"].config.backend())
    chosen = os.environ.get("KERAS_BACKEND")
    return chosen or next(filter(find_spec, ("torch", "jax", "tensorflow")), None)
