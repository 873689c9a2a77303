"""The layers that take another's place: by their class, so that all else about a module stays.

A module keeps its parameters, its hooks, its names in ``state_dict``, and what it is an instance
of. While it trains, on another device, and where a gradient is recorded, it does what it did
before.
"""

import threading
from dataclasses import dataclass, field
from typing import Any
from weakref import ref

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tconv.arrays.pytorch import conv_transpose
from tconv.arrays.pytorch.weights import CACHE, Reuse, numbers_of
from tconv.engine import native
from tconv.engine.activations import Activation
from tconv.nn.accelerate.folding import folded, sources
from tconv.nn.convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
OWN = (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
DIRECT = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
ACTIVATIONS: dict[type[nn.Module], str] = {
    nn.ReLU: "relu",
    nn.LeakyReLU: "leaky_relu",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.GELU: "gelu",
    nn.SiLU: "silu",
}
LINK = "_tconv"  # the attribute of a module that holds its link


@dataclass(eq=False)
class Link:
    """A convolution, and what it does beside: modules that then hand their input on.

    Parameters
    ----------
    conv : Module
    norm : Module, optional
        A batch normalization, folded into the weights.
    act : Module, optional
        An activation, applied by the kernel.
    activation : Activation, optional
        What `act` is.
    frozen : bool
        Whether versions and addresses are trusted to tell that weights are the same.
    """

    conv: Any
    norm: Any = None
    act: Any = None
    activation: Activation | None = None
    frozen: bool = False
    kept: "tuple[list[Any], tuple[Tensor, Tensor]] | None" = field(default=None, repr=False)
    given: threading.local = field(default_factory=threading.local, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "kept": None, "given": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, given=threading.local())

    def members(self) -> list[Any]:
        """Return the modules: the convolution, and those that hand on."""
        return [one for one in (self.conv, self.norm, self.act) if one is not None]

    def active(self, x: Tensor) -> bool:
        """Tell whether the convolution does it all: in evaluation, on the CPU, without gradient."""
        weight = self.conv.weight
        if weight.device.type != "cpu" or x.device.type != "cpu":
            return False
        if any(one.training for one in self.members()):
            return False
        if not torch.is_grad_enabled():
            return True
        return not x.requires_grad and not any(
            p.requires_grad for one in self.members() for p in one.parameters(recurse=True)
        )

    def weights(self) -> tuple[Tensor, Tensor | None, Reuse]:
        """Return weight and bias as they are now, and how far they may be trusted to stay."""
        conv = self.conv
        if self.norm is None:
            return conv.weight, conv.bias, "frozen" if self.frozen else "compared"
        if torch.compiler.is_compiling():
            return *folded(conv, self.norm), "compared"
        read = sources(conv, self.norm)
        if self.kept is None or not self._same(self.kept[0], read):
            with torch.inference_mode(False):  # tensors made in it have no version to be known by
                self.kept = self._known(read), folded(conv, self.norm)
        return *self.kept[1], "frozen"  # nobody else has these tensors

    def refresh(self) -> None:
        """Look at the weights in the next call, as if for the first time."""
        self.kept = None
        if self.frozen:
            CACHE.thaw()

    def _trusts(self, read: list[Tensor]) -> bool:
        """Tell whether versions are asked; what was made in inference mode has none."""
        return self.frozen and not any(t.is_inference() for t in read)

    def _known(self, read: list[Tensor]) -> list[Any]:
        if self._trusts(read):  # the tensors are held, so that no others get their addresses
            return [(*_identity(t), t.detach()) for t in read]
        return [numbers_of(t)[0].copy() for t in read]

    def _same(self, known: list[Any], read: list[Tensor]) -> bool:
        trusts = self._trusts(read)
        if len(known) != len(read) or trusts != isinstance(known[0], tuple):
            return False
        if trusts:
            return all(one[:3] == _identity(t) for one, t in zip(known, read, strict=True))
        return all(_equal(one, numbers_of(t)[0]) for one, t in zip(known, read, strict=True))

    def hand(self, y: Tensor) -> Tensor:
        """Note the result, which the modules that hand on must receive, one after the other."""
        if len(self.members()) > 1 and not torch.compiler.is_compiling():
            if getattr(self.given, "waiting", None):
                self.given.waiting = None
                self._refuse("was not handed on by all that followed it")
            self.given.result, self.given.waiting = ref(y), self.members()[1:]
        return y

    def receive(self, x: Tensor, module: Any) -> None:
        """Check that a module that hands on is next, and received the convolution's result."""
        if torch.compiler.is_compiling():
            return
        waiting: Any = getattr(self.given, "waiting", None)
        if not waiting or waiting[0] is not module or self.given.result() is not x:
            self.given.waiting = None
            self._refuse(f"did not reach the {own_class(module).__name__} in its turn")
        waiting.pop(0)

    def _refuse(self, what: str) -> None:
        name = own_class(self.conv).__name__
        unlink(self)
        raise RuntimeError(
            f"a {name} has taken over what follows it, but its result {what}: the model took a way "
            "that accelerate could not foresee. The layers are restored: call the model again"
        )


def _identity(tensor: Tensor) -> tuple[Any, ...]:
    return id(tensor), tensor.data_ptr(), tensor._version


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and native.same_bytes(one, other)


class Linked(nn.Module):
    """What all linked modules do."""

    def train(self, mode: bool = True) -> Any:
        """Set the mode; weights may change in training in ways that no version tells."""
        getattr(self, LINK).refresh()
        return super().train(mode)


class Transposed(Linked):
    """What a linked transposed convolution does."""

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """Compute the layer by tconv."""
        link = getattr(self, LINK)
        if not link.active(input):
            return super().forward(input, output_size)
        extra = self.output_padding
        if output_size is not None:  # which stands for the layer's own
            output_size, extra = output_size[-len(self.kernel_size) :], 0
        weight, bias, reuse = link.weights()
        y = conv_transpose(
            input, weight, bias, self.stride, self.padding, extra, self.groups, self.dilation,
            output_size=output_size, reuse=reuse, activation=link.activation,
        )  # fmt: skip
        return link.hand(y)


class Folded(Linked):
    """What a convolution does into which a batch normalization is folded; PyTorch computes it."""

    def forward(self, input: Tensor) -> Tensor:
        """Compute the layer by PyTorch, with the folded weights."""
        link = getattr(self, LINK)
        if not link.active(input):
            return super().forward(input)
        weight, bias, _ = link.weights()
        return link.hand(self._conv_forward(input, weight, bias))


class HandedOn(Linked):
    """What a module does whose work the convolution before it does."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the input."""
        link = getattr(self, LINK)
        if not link.active(input):
            return super().forward(input)
        link.receive(input, self)
        return input


def link(made: Link) -> None:
    """Let the modules of a link work as it says."""
    conv = made.conv
    _swap(conv, Transposed if conv.transposed else Folded, made)
    for module in made.members()[1:]:
        _swap(module, HandedOn, made)


def unlink(made: Link) -> None:
    """Give the modules of a link their own classes back."""
    for module in made.members():
        if isinstance(module, Linked):
            module.__class__ = own_class(module)
            delattr(module, LINK)


def own_class(module: Any) -> type[nn.Module]:
    """Return the class of a module, linked or not, that it was made of."""
    kind = type(module)
    return kind.__bases__[1] if isinstance(module, Linked) else kind


def links_of(model: nn.Module) -> list[Link]:
    """Return the links of all modules of a model, each once."""
    found = (getattr(module, LINK, None) for module in model.modules())
    return list(dict.fromkeys(one for one in found if one is not None))


def _swap(module: Any, mixin: type[nn.Module], made: Link) -> None:
    module.__class__ = _class_of(mixin, type(module))
    setattr(module, LINK, made)


def _class_of(mixin: type[nn.Module], kind: type[nn.Module]) -> type[nn.Module]:
    return CLASSES.get((mixin, kind)) or _made(mixin, kind)


def _made(mixin: type[nn.Module], kind: type[nn.Module]) -> type[nn.Module]:
    name = f"{mixin.__name__}{'Own' * (kind in OWN)}{kind.__name__}"
    return type(name, (mixin, kind), {"__module__": __name__, "__doc__": kind.__doc__})


# Those that pickle must find by name; others are of classes that pickle cannot find either.
CLASSES = {
    (mixin, kind): _made(mixin, kind)
    for mixin, kinds in (
        (Transposed, (*TRANSPOSED, *OWN)), (Folded, DIRECT), (HandedOn, (*NORMS, *ACTIVATIONS)),
    )
    for kind in kinds
}  # fmt: skip
globals().update({made.__name__: made for made in CLASSES.values()})
