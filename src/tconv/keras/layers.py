"""The layers: Keras's own, but for what computes them."""

from typing import Any

import keras
from keras import ops

from tconv.conventions import KERAS
from tconv.functional import conv_transpose

BACKENDS = ("jax", "torch", "numpy")


class _Computed:
    """Computes a transposed convolution of Keras through tconv; goes before Keras's layer."""

    def __init__(self, *arguments: Any, **words: Any) -> None:
        if (used := keras.backend.backend()) not in BACKENDS:
            raise NotImplementedError(
                f"tconv.keras computes with Keras's backends {', '.join(BACKENDS)}, not with "
                f"{used}; choose one before Keras is imported, e.g. KERAS_BACKEND=jax"
            )
        super().__init__(*arguments, **words)

    def call(self, inputs: Any) -> Any:
        """Compute the layer, its bias and its activation."""
        layer: Any = self
        x, weight = ops.convert_to_tensor(inputs), ops.convert_to_tensor(layer.kernel)
        last = layer.data_format == "channels_last"
        if last:
            x = ops.moveaxis(x, -1, 1)
        geometry = KERAS.geometry(
            tuple(x.shape[2:]), layer.kernel_size, layer.strides, layer.padding,
            layer.output_padding, layer.dilation_rate,
        )  # fmt: skip
        y: Any = conv_transpose(
            x,
            ops.moveaxis(weight, (-1, -2), (0, 1)),
            ops.convert_to_tensor(layer.bias) if layer.use_bias else None,
            geometry.stride,
            geometry.crop,
            dilation=geometry.dilation,
        )
        if last:
            y = ops.moveaxis(y, 1, -1)
        return y if layer.activation is None else layer.activation(y)


@keras.saving.register_keras_serializable("tconv")
class Conv1DTranspose(_Computed, keras.layers.Conv1DTranspose):
    """``keras.layers.Conv1DTranspose``, computed through tconv.

    Parameters
    ----------
    *arguments, **words
        Those of Keras's layer.

    Raises
    ------
    NotImplementedError
        If Keras's backend is another than JAX, PyTorch or NumPy.

    Examples
    --------
    >>> layer = Conv1DTranspose(2, 4, strides=2, padding="same")
    >>> tuple(layer(ops.ones((1, 5, 3))).shape)
    (1, 10, 2)
    """


@keras.saving.register_keras_serializable("tconv")
class Conv2DTranspose(_Computed, keras.layers.Conv2DTranspose):
    """``keras.layers.Conv2DTranspose``, computed through tconv.

    Weights and configuration are those of Keras's layer, so that one becomes the other.

    Parameters
    ----------
    *arguments, **words
        Those of Keras's layer.

    Raises
    ------
    NotImplementedError
        If Keras's backend is another than JAX, PyTorch or NumPy.

    Examples
    --------
    >>> layer = Conv2DTranspose(2, (3, 4), strides=(1, 2), output_padding=(0, 1))
    >>> tuple(layer(ops.ones((1, 5, 6, 3))).shape)
    (1, 7, 15, 2)
    """


@keras.saving.register_keras_serializable("tconv")
class Conv3DTranspose(_Computed, keras.layers.Conv3DTranspose):
    """``keras.layers.Conv3DTranspose``, computed through tconv.

    Parameters
    ----------
    *arguments, **words
        Those of Keras's layer.

    Raises
    ------
    NotImplementedError
        If Keras's backend is another than JAX, PyTorch or NumPy.

    Examples
    --------
    >>> layer = Conv3DTranspose(2, 2, strides=2, data_format="channels_first")
    >>> tuple(layer(ops.ones((1, 3, 4, 5, 6))).shape)
    (1, 2, 8, 10, 12)
    """


COUNTERPARTS: dict[Any, Any] = {
    keras.layers.Conv1DTranspose: Conv1DTranspose,
    keras.layers.Conv2DTranspose: Conv2DTranspose,
    keras.layers.Conv3DTranspose: Conv3DTranspose,
}


def counterpart(layer: Any) -> Any:
    """Return a new layer of the same configuration, computed through tconv where Keras's is known.

    Parameters
    ----------
    layer : keras.layers.Layer

    Returns
    -------
    keras.layers.Layer
        Without the weights.

    Examples
    --------
    >>> model = keras.Sequential([keras.Input((5, 3)), keras.layers.Conv1DTranspose(2, 4)])
    >>> other = keras.models.clone_model(model, clone_function=counterpart)
    >>> type(other.layers[0]).__module__
    'tconv.keras.layers'
    """
    kind: Any = COUNTERPARTS.get(type(layer), type(layer))
    return kind.from_config(layer.get_config())
