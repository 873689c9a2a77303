"""The peers, by the names that the command knows them by."""

from benchmarks.ours import Ours
from benchmarks.peers.base import Bind, Bound, Peer, Prepare, UnsupportedError
from benchmarks.peers.jax import Jax
from benchmarks.peers.onnxruntime import OnnxRuntime
from benchmarks.peers.openvino import OpenVino
from benchmarks.peers.pytorch import PyTorch
from benchmarks.peers.tensorflow import TensorFlow

OURS = "tconv"
TWINS = ("tconv_new_output", "tconv_torch", "tconv_torch_channels_last")
PEERS: dict[str, Peer] = {
    OURS: Ours(reuse=True),
    "tconv_new_output": Ours(reuse=False),
    "tconv_torch": PyTorch("tconv in PyTorch", ours=True),
    "tconv_torch_channels_last": PyTorch(
        "tconv in PyTorch, channels_last", ours=True, channels_last=True
    ),
    "torch": PyTorch("PyTorch"),
    "torch_channels_last": PyTorch("PyTorch channels_last", channels_last=True),
    "torch_inference": PyTorch("PyTorch inference_mode", inference=True),
    "onnxruntime": OnnxRuntime(),
    "openvino": OpenVino(),
    "tensorflow": TensorFlow(),
    "jax": Jax(),
}

__all__ = [
    "OURS", "PEERS", "TWINS", "Bind", "Bound", "Peer", "Prepare", "UnsupportedError",
]  # fmt: skip
