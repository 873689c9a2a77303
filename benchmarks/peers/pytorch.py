"""PyTorch: ``torch.nn.functional.conv_transpose{1,2,3}d``, or tconv on PyTorch's tensors."""

from contextlib import nullcontext
from typing import Any

import tconv
from benchmarks.layers import Array, Layer
from benchmarks.peers.base import Bind, Bound, Prepare, UnsupportedError
from tconv.peers.installed import installed


class PyTorch:
    """PyTorch in one of its layouts and modes.

    Parameters
    ----------
    title : str
    channels_last, inference : bool
        Memory format; whether under ``torch.inference_mode``.
    ours : bool
        Whether tconv computes, on PyTorch's tensors.
    """

    module = "torch"

    def __init__(
        self,
        title: str,
        *,
        channels_last: bool = False,
        inference: bool = False,
        ours: bool = False,
    ) -> None:
        self.title = title
        self.ours = ours
        self.channels_last = channels_last
        self.inference = inference

    def version(self) -> str | None:
        """Return PyTorch's version if it is installed."""
        return installed("torch")

    def start(self, threads: int) -> None:
        """Import it and set its threads."""
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)

    def variants(
        self, layer: Layer, weight: Array, bias: Array | None, task: str
    ) -> dict[str, Prepare]:
        """Return the one way: the layout is this object's."""
        if layer.rank > 3:
            raise UnsupportedError(f"no conv_transpose{layer.rank}d")
        if self.channels_last and layer.rank == 1:
            raise UnsupportedError("no channels_last in one dimension")
        if task == "training":
            if self.inference:
                raise UnsupportedError("inference_mode has no gradients")
            return {self.title: lambda: self._training(layer, weight)}
        return {self.title: lambda: self._forward(layer, weight, bias)}

    def _function(self, rank: int) -> Any:
        import torch

        if self.ours:
            return tconv.conv_transpose
        return getattr(torch.nn.functional, f"conv_transpose{rank}d")

    def _tensor(self, array: Array) -> Any:
        import torch

        tensor = torch.from_numpy(array)
        if not self.channels_last:
            return tensor
        formats = {2: torch.channels_last, 3: torch.channels_last_3d}
        return tensor.contiguous(memory_format=formats[array.ndim - 2])

    def _forward(self, layer: Layer, weight: Array, bias: Array | None) -> Bind:
        import torch

        compute = self._function(layer.rank)
        w = self._tensor(weight)
        b = None if bias is None else torch.from_numpy(bias)
        words = _words(layer)
        mode = torch.inference_mode if self.inference else nullcontext

        def bind(array: Array) -> Bound:
            x = self._tensor(array)

            def run() -> Any:
                with mode():
                    return compute(x, w, b, *words)

            return Bound(run, lambda y: (y.contiguous().numpy(),))

        return bind

    def _training(self, layer: Layer, weight: Array) -> Bind:
        import torch

        compute = self._function(layer.rank)
        w = self._tensor(weight).requires_grad_()
        words = _words(layer)

        def bind(array: Array) -> Bound:
            x = self._tensor(array).requires_grad_()
            size = layer.geometry(array.shape[2:]).output_size
            grad = torch.ones((layer.batch, layer.out_channels, *size), dtype=x.dtype)
            if self.channels_last:
                grad = grad.contiguous(
                    memory_format=(torch.channels_last, torch.channels_last_3d)[layer.rank - 2]
                )

            def step() -> Any:
                y = compute(x, w, None, *words)
                return y, *torch.autograd.grad(y, (x, w), grad)

            return Bound(step, lambda all_: tuple(t.detach().contiguous().numpy() for t in all_))

        return bind


def _words(layer: Layer) -> tuple[Any, ...]:
    return layer.stride, layer.padding, layer.output_padding, layer.groups, layer.dilation
