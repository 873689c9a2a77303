"""``tf.nn.conv{1,2,3}d_transpose`` on the CPU."""

import os

import numpy as np

from tconv.conventions.tensorflow import TENSORFLOW
from tconv.geometry import Geometry
from tconv.peers.installed import installed, quiet
from tconv.peers.layout import Array, channels_first, channels_last, kernel_last

NAME = "TensorFlow"
DTYPES = ("float32",)  # TensorFlow dilates no float64 on the CPU


def available() -> str | None:
    """Return TensorFlow's version if it is installed."""
    return installed("tensorflow")


def run(x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Compute with TensorFlow."""
    words = TENSORFLOW.words(geometry, groups)
    words["output_shape"] = (len(x), *geometry.output_size, weight.shape[1] * groups)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet():
        import tensorflow

        compute = getattr(tensorflow.nn, f"conv{geometry.rank}d_transpose")
        with tensorflow.device("/CPU:0"):
            y = compute(channels_last(x), kernel_last(weight), **words)
        return channels_first(np.asarray(y))
