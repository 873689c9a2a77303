"""Other implementations of the operator, run in tconv's words: to compare with, not to depend on.

A peer is a module with ``NAME``, ``DTYPES``, ``available()`` and ``run(x, weight, geometry,
groups)``. It imports its framework only when run.

>>> sorted(PEERS)
['JAX', 'Keras', 'ONNX Runtime', 'PyTorch', 'TensorFlow', 'scipy upfirdn']
"""

from typing import Protocol

from tconv.geometry import Geometry
from tconv.peers import jax, keras, onnxruntime, pytorch, scipy_upfirdn, tensorflow
from tconv.peers.layout import Array


class Peer(Protocol):
    """Another implementation of the operator."""

    @property
    def NAME(self) -> str:  # noqa: N802 - peers are modules, and these their constants
        """What it is called."""

    @property
    def DTYPES(self) -> tuple[str, ...]:  # noqa: N802
        """The dtypes it computes in."""

    def available(self) -> str | None:
        """Return its version if it is installed, without importing it."""

    def run(self, x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
        """Compute (N, C_out, *O) from (N, C_in, *I) and (C_in, C_out/groups, *K).

        Raises
        ------
        Inexpressible
            If it has no words for the geometry.
        """


PEERS: dict[str, Peer] = {
    peer.NAME: peer for peer in (pytorch, keras, tensorflow, jax, onnxruntime, scipy_upfirdn)
}

__all__ = ["PEERS", "Peer"]
