"""Packed weights, kept between calls for as long as a tensor holds the same numbers.

A tensor's numbers change in ways that neither its version nor its address tells: fused
optimizers, ``.data``, NumPy, shared memory. So the numbers are compared, byte by byte, in every
call.
"""

import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import Any, Literal
from zlib import crc32

import torch
from numpy.typing import NDArray
from torch import Tensor

from tconv.arrays.pytorch.memory import FORMATS, SMALL, as_array
from tconv.engine import native

Reuse = Literal["never", "compared", "frozen"]
VARIABLE = "TCONV_WEIGHT_CACHE"
LIMIT = 2**30
COPIES = 3  # the numbers as they were, and packed by one or two algorithms
Arrays = tuple[NDArray[Any], ...]


@dataclass(eq=False)
class Entry:
    """Weights of one layer, packed, beside the numbers they were packed from."""

    packed: Any
    held: Arrays
    bytes: int
    used: int

    def holds(self, numbers: Arrays) -> bool:
        """Tell whether these are the numbers, to the byte."""
        return all(map(native.same_bytes, self.held, numbers))


class WeightCache:
    """Packed weights by layer and content; the least recently used go where bytes exceed a limit.

    Numbers met for the first time are not kept, as they may be the only ones of their kind: weights
    that a network computes for each image, or that are being trained.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._entries: dict[Hashable, list[Entry]] = {}
        self._frozen: dict[Hashable, tuple[Entry, tuple[Tensor, ...]]] = {}
        self._met: dict[Hashable, None] = {}
        self._clock = count()
        self._lock = Lock()

    def find(self, layer: Hashable, numbers: Arrays) -> Entry | None:
        """Return the entry of a layer that holds these numbers."""
        for entry in tuple(self._entries.get(layer, ())):
            if entry.holds(numbers):
                entry.used = next(self._clock)
                return entry
        return None

    def met(self, layer: Hashable, numbers: Arrays) -> bool:
        """Tell whether these numbers were met before, and remember them."""
        known = (layer, *(crc32(array.data) for array in numbers))
        with self._lock:
            if known in self._met:
                return True
            self._met[known] = None
            if len(self._met) > 1024:
                del self._met[next(iter(self._met))]
        return False

    def add(self, layer: Hashable, held: Arrays, packed: Any) -> Entry:
        """Keep what was packed from numbers that nobody else may change."""
        size = COPIES * sum(array.nbytes for array in held)
        entry = Entry(packed, held, size, next(self._clock))
        if not self.limit:
            return entry
        with self._lock:
            self._entries.setdefault(layer, []).append(entry)
            self.bytes += size
            while self.bytes > self.limit and self.bytes > size:
                self._drop_oldest_but(entry)
        return entry

    def frozen(self, identity: Hashable) -> Any:
        """Return what was packed for a tensor that its owner promises not to change unseen."""
        known = self._frozen.get(identity)
        return known and known[0].packed

    def freeze(self, identity: Hashable, entry: Entry, tensors: tuple[Tensor, ...]) -> None:
        """Know an entry by its tensors, which are held so that no others get their addresses."""
        with self._lock:
            self._frozen[identity] = entry, tuple(tensor.detach() for tensor in tensors)

    def thaw(self) -> None:
        """Trust no tensor's address and version that was trusted before."""
        with self._lock:
            self._frozen.clear()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._frozen.clear()
            self._met.clear()
            self.bytes = 0

    def unlock(self) -> None:
        """Have a lock of one's own: in a forked child another's thread may hold it for ever."""
        self._lock = Lock()

    def _drop_oldest_but(self, kept: Entry) -> None:
        layer, oldest = min(
            ((layer, e) for layer, all_ in self._entries.items() for e in all_ if e is not kept),
            key=lambda one: one[1].used,
        )
        self._entries[layer].remove(oldest)
        if not self._entries[layer]:
            del self._entries[layer]
        self.bytes -= oldest.bytes
        for identity in [i for i, (entry, _) in self._frozen.items() if entry is oldest]:
            del self._frozen[identity]


CACHE = WeightCache(int(os.environ.get(VARIABLE) or LIMIT))
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=CACHE.unlock)


def packed(
    weight: Tensor,
    bias: Tensor | None,
    words: Hashable,
    reuse: Reuse,
    pack: Callable[[NDArray[Any], NDArray[Any] | None, bool], Any],
) -> Any:
    """Return what `pack` makes of a weight and a bias, anew or as it is kept.

    Parameters
    ----------
    words : hashable
        All that `pack` depends on beside the numbers.
    reuse : {"never", "compared", "frozen"}
        Whether to keep it, and whether to compare the numbers where version and address tell that
        they are the same.
    pack : callable
        Of two arrays, and of whether it is for one call.
    """
    tensors = (weight,) if bias is None else (weight, bias)
    if reuse == "frozen" and any(t.is_inference() for t in tensors):
        reuse = "compared"  # they have no version
    if reuse == "never":
        return pack(as_array(weight), None if bias is None else as_array(bias), True)
    if reuse == "frozen":
        identity = (words, *((t.data_ptr(), t._version) for t in tensors))
        if (known := CACHE.frozen(identity)) is not None:
            return known
    numbers, moved = numbers_of(weight)
    stored = (numbers,) if bias is None else (numbers, numbers_of(bias)[0])
    layer = (words, moved, weight.dtype, len(tensors))
    entry = CACHE.find(layer, stored)
    if entry is None:
        held = tuple(array.copy() for array in stored)
        arrays = [_restored(array, t, moved) for array, t in zip(held, tensors, strict=True)]
        parts = arrays[0], arrays[1] if len(arrays) > 1 else None
        if reuse == "compared" and not CACHE.met(layer, held):
            return pack(*parts, True)
        entry = CACHE.add(layer, held, pack(*parts, False))
    if reuse == "frozen" and CACHE.limit:
        CACHE.freeze(identity, entry, tensors)
    return entry.packed


def numbers_of(tensor: Tensor) -> tuple[NDArray[Any], bool]:
    """Return a tensor's numbers as they lie, and whether its channels are last."""
    moved = not tensor.is_contiguous() and _is_last(tensor)
    tensor = tensor.movedim(1, -1) if moved else tensor.contiguous()
    if tensor.dtype in SMALL:  # which NumPy does not know
        tensor = tensor.resolve_neg().view(torch.int16)
    return tensor.numpy(force=True), moved


def _is_last(tensor: Tensor) -> bool:
    layout = FORMATS.get(tensor.ndim)
    return layout is not None and tensor.is_contiguous(memory_format=layout)


def _restored(numbers: NDArray[Any], like: Tensor, moved: bool) -> NDArray[Any]:
    tensor = torch.from_numpy(numbers)
    if like.dtype in SMALL:
        tensor = tensor.view(like.dtype)
    return as_array(tensor.movedim(-1, 1) if moved and tensor.ndim > 1 else tensor)
