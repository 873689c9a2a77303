"""Layers for Keras 3 that compute through tconv: Conv1DTranspose, Conv2DTranspose, Conv3DTranspose.

They stand where those of :mod:`keras.layers` do, with the same arguments, weights and results::

    layer = tconv.keras.Conv2DTranspose(8, 4, strides=2, padding="same")

In a model that there is, :func:`counterpart` puts them in the place of Keras's::

    faster = keras.models.clone_model(model, clone_function=tconv.keras.counterpart)
    faster.set_weights(model.get_weights())

Keras is loaded when one of them is asked for; its backend must be JAX, PyTorch or NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tconv.keras.layers import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, counterpart

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "counterpart"]


def __getattr__(name: str) -> Any:
    """Return one of the names; Keras, which takes a second or two, is loaded for the first."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        layers = import_module(f"{__name__}.layers")
    except ModuleNotFoundError as missing:
        if missing.name != "keras":
            raise
        raise ModuleNotFoundError(
            "tconv.keras needs Keras: pip install 'tconv[keras]'", name="keras"
        ) from None
    return getattr(layers, name)


def __dir__() -> list[str]:
    return sorted(__all__)
