"""Replace the transposed convolutions of a model for inference on the CPU."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._pytree import tree_leaves

from tconv.geometry.convolution import times
from tconv.nn.accelerate.dataflow import Probe, chains
from tconv.nn.accelerate.eligibility import (
    HOOKS,
    activation_of,
    is_transposed,
    why_no_fold,
    why_not,
)
from tconv.nn.accelerate.graphs import lift
from tconv.nn.accelerate.links import DIRECT, NORMS, Link, link, links_of, own_class, unlink
from tconv.nn.accelerate.predicting import predict
from tconv.nn.accelerate.report import LayerReport, Report
from tconv.timing import ROUNDS, best_times

TOLERANCE = 1e-4
SLOWER = 1.03  # a model that takes so many times its time is slower; less is noise


def accelerate(
    model: nn.Module,
    *,
    fold: bool = True,
    verify: Any = None,
    frozen: bool = False,
    tolerance: float = TOLERANCE,
) -> Report:
    """Let tconv compute a model's transposed convolutions, for inference on the CPU.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place: its layers become instances of subclasses of their classes. Parameters,
        ``state_dict``, hooks, names and types stay as they were.
    fold : bool
        Whether to fold, in evaluation, a batch normalization that follows a convolution (also one
        that is not transposed, which PyTorch goes on computing), and an activation module that
        follows, where the flow of data proves that nothing else reads what is between.
    verify : Tensor, tuple of arguments, dict of named arguments, or (tuple, dict), optional
        An example. The outputs before and after are compared, each layer is timed on its own input,
        and only what is faster stays.
    frozen : bool
        Whether to trust that weights change in the ways that PyTorch's version counters see, rather
        than compare them in every call. Fused optimizers, ``.data`` and arrays that share memory
        are not seen; then call the report's `refresh`.
    tolerance : float
        Of the largest difference of an output, over the largest output, on the example.

    Returns
    -------
    Report
        Printed, a table of the layers. Its `undo` restores the model.

    Raises
    ------
    TypeError
        If `model` is no module.
    ValueError
        If the outputs on the example differ by more than `tolerance`, and the model is restored;
        or if that is negative or NaN.

    Notes
    -----
    In ``train()``, where a gradient is recorded, and on other devices the layers do what they did.
    Before :func:`torch.compile` and :func:`torch.export` call it as before anything else: what is
    compiled holds tconv's operators.

    Examples
    --------
    >>> model = nn.Sequential(
    ...     nn.ConvTranspose2d(8, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3)
    ... ).eval()
    >>> x = torch.ones(1, 8, 5, 6)
    >>> before = model(x)
    >>> report = accelerate(model)
    >>> report.layers[0].done
    'tconv, with BatchNorm2d and ReLU'
    >>> with torch.no_grad():
    ...     torch.allclose(model(x), before, atol=1e-6)
    True
    >>> report.undo()
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"accelerate takes a torch.nn.Module, got {type(model).__name__}"
            + ("; pass program.module()" if hasattr(model, "module") else "")
        )
    if not tolerance >= 0:
        raise ValueError(f"tolerance must be at least 0, got {tolerance}")
    work = _Work(model, frozen)
    example = None if verify is None else _Example(verify)
    try:
        with torch.no_grad():
            return work.run(fold, example, tolerance)
    except BaseException:
        work.undo()
        raise


def restore(model: nn.Module) -> None:
    """Undo what :func:`accelerate` did to a model, or to the model that this is a copy of.

    Examples
    --------
    >>> model = nn.Sequential(nn.ConvTranspose1d(2, 2, 2))
    >>> _ = accelerate(model)
    >>> restore(model)
    >>> type(model[0]) is nn.ConvTranspose1d
    True
    """
    for made in links_of(model):
        unlink(made)


class _Example:
    """The arguments of one call of a model."""

    def __init__(self, given: Any) -> None:
        self.args: tuple[Any, ...] = ()
        self.kwargs: dict[str, Any] = {}
        if isinstance(given, Mapping):
            self.kwargs = dict(given)
        elif isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping):
            self.args, self.kwargs = tuple(given[0]), dict(given[1])
        elif isinstance(given, tuple):
            self.args = given
        else:
            self.args = (given,)

    def fresh(self) -> "_Example":
        """Return a copy, as a model may write to its inputs."""
        return copy.deepcopy(self)

    def run(self, model: nn.Module) -> Any:
        """Call a model."""
        return model(*self.args, **self.kwargs)


class _Work:
    """One call of :func:`accelerate`."""

    def __init__(self, model: nn.Module, frozen: bool) -> None:
        self.model = model
        self.frozen = frozen
        graphs = [m for m in model.modules() if isinstance(m, fx.GraphModule)]
        self.lowered = [lift(graph) for graph in graphs]
        self.names = {module: name for name, module in model.named_modules()}
        self.reasons = {m: why_not(m) for m in self.names if is_transposed(m)}
        self.links: list[Link] = []
        self.notes: list[str] = []

    def run(self, fold: bool, example: _Example | None, tolerance: float) -> Report:
        """Do it all, or leave the model as it was."""
        if example is None:
            self._find(fold, None)
            self._link()
            return self._report({}, None)
        before = example.fresh().run(self.model)
        probe = Probe(list(self.names))
        probe.run(self.model, *vars(example.fresh()).values())
        self._find(fold, probe)
        times_of = {made: measured(made, *probe.inputs[made.conv]) for made in self.links}
        self.links = [made for made, (old, new) in times_of.items() if new < old]
        share = self._transposed_time(probe)
        self._link()
        error = _difference(before, example.fresh().run(self.model))
        if not error <= tolerance:
            raise ValueError(
                f"accelerate: outputs differ by {error:.2g} of the largest, more than the "
                f"tolerance {tolerance:g}; the model is as it was. Pass a larger tolerance if this "
                "is precise enough, or fold=False"
            )
        old, new = self._model_times(example)
        if new > SLOWER * old:
            self._unlink()
            self.links = []
            self.notes.append("As a whole it was no faster, and is as it was.")
        return self._report(
            times_of, probe, before=old, after=new, share=min(share / old, 1.0), error=error
        )

    def _find(self, fold: bool, probe: Probe | None) -> None:
        """Make the links, of which none works yet."""
        convolutions = [m for m, why in self.reasons.items() if why is None]
        if any(m.training for m in convolutions):
            self.notes.append("The model trains, and its layers do what they did: call eval().")
        found = {}
        if fold:
            direct = [m for m in self.names if type(m) in DIRECT]
            proven, why = chains(self.model, [*convolutions, *direct])
            found = {chain.conv: chain.followers for chain in proven}
            if why:
                self.notes.append(f"Nothing is folded: {why}.")
        for conv in (*convolutions, *(m for m in found if type(m) in DIRECT)):
            made = self._linked(conv, found.get(conv, []), probe)
            called = probe is None or conv in probe.inputs
            if called and (conv.transposed or made.norm is not None):
                self.links.append(made)

    def _linked(self, conv: Any, followers: list[Any], probe: Probe | None) -> Link:
        made, last = Link(conv, frozen=self.frozen), conv
        for module in followers:
            if probe is not None and not probe.agrees(last, module):
                break
            if type(module) in NORMS and last is conv:
                if why_no_fold(conv, module):
                    break
                made.norm = module
            elif conv.transposed and (activation := activation_of(module)):
                if not _is_plain(conv):
                    break
                made.act, made.activation = module, activation
                break
            else:
                break
            last = module
        return made

    def _transposed_time(self, probe: Probe) -> float:
        """Return the seconds of all transposed convolutions in one run, as they are now."""
        total = 0.0
        for module, (args, kwargs) in probe.inputs.items():
            if module in self.reasons:
                (seconds,) = best_times([lambda: module.forward(*args, **kwargs)], 3)  # noqa: B023
                total += seconds * probe.calls[module]
        return total

    def _model_times(self, example: _Example, rounds: int = 5) -> tuple[float, float]:
        """Return the seconds of the whole model, before and after, in turn."""
        best = [float("inf")] * 2
        for _ in range(rounds):
            for index, put in enumerate((self._unlink, self._link)):
                put()
                best[index] = min(best[index], *best_times([lambda: example.run(self.model)], 1))
        return best[0], best[1]

    def _link(self) -> None:
        for made in self.links:
            link(made)

    def _unlink(self) -> None:
        for made in self.links:
            unlink(made)

    def undo(self) -> None:
        """Restore the model."""
        restore(self.model)
        for lower in self.lowered:
            lower()

    def _refresh(self) -> None:
        for made in links_of(self.model):
            made.refresh()

    def _report(self, measured: Any, probe: Probe | None, **whole: Any) -> Report:
        links = {made.conv: made for made in measured} | {made.conv: made for made in self.links}
        rows = []
        for module, name in self.names.items():
            if module not in self.reasons and module not in links:
                continue
            made = links.get(module)
            args, _ = probe.inputs.get(module, ((), {})) if probe else ((), {})
            algorithm = predicted = None
            if made and args and module.transposed:
                algorithm, predicted = predict(module, args[0])
            old, new = measured.get(made, (None, None))
            rows.append(
                LayerReport(
                    name or "(the model)",
                    _described(module),
                    self._done(module, made, probe),
                    made in self.links,
                    algorithm,
                    predicted,
                    old,
                    new,
                    probe.calls[module] if probe else 1,
                )
            )
        return Report(rows, self.notes, undo=self.undo, refresh=self._refresh, **whole)

    def _done(self, module: Any, made: Link | None, probe: Probe | None) -> str:
        if made is None:
            why = self.reasons[module] or "the example does not call it"
            return f"left: {why}"
        if made not in self.links:
            return "left: it gains nothing"
        parts = [own_class(one).__name__ for one in made.members()[1:]]
        by = "tconv" if module.transposed else "PyTorch"
        return f"{by}, with {' and '.join(parts)}" if parts else by


def _is_plain(conv: Any) -> bool:
    """Tell whether nobody looks at a convolution's own result."""
    return not any(getattr(conv, hooks) for hooks in HOOKS)


def measured(made: Link, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[float, float]:
    """Return the seconds of a convolution with its followers, before and after."""

    def call() -> Any:
        y = made.conv.forward(*args, **kwargs)
        for module in made.members()[1:]:
            y = module.forward(y)
        return y

    best = [float("inf")] * 2
    for _ in range(ROUNDS):
        for index, put in enumerate((unlink, link)):
            put(made)
            best[index] = min(best[index], *best_times([call], 1))
    unlink(made)
    return best[0], best[1]


def _difference(before: Any, after: Any) -> float:
    """Return the largest difference of two outputs over the largest number of the first."""
    pairs = list(zip(tree_leaves(before), tree_leaves(after), strict=True))
    tensors = [(a, b) for a, b in pairs if isinstance(a, Tensor) and a.numel()]
    worst = 0.0
    for a, b in tensors:
        if not a.is_floating_point() and not a.is_complex():
            worst = max(worst, float(not torch.equal(a, b)))
            continue
        same = (a == b) | (a.isnan() & b.isnan())
        gap = torch.where(same, torch.zeros_like(a), a - b).abs().max()
        finite = a[a.isfinite()]
        scale = finite.abs().max() if finite.numel() else torch.ones(())
        worst = max(worst, float(gap) / (float(scale) or 1.0) if gap else 0.0)
        if gap.isnan():
            return float("nan")
    return worst


def _described(module: Any) -> str:
    words = f"{module.in_channels}->{module.out_channels} k{times(module.kernel_size)}"
    words += f" s{times(module.stride)}"
    words += f" d{times(module.dilation)}" * (max(module.dilation) > 1)
    words += f" g{module.groups}" * (module.groups > 1)
    return f"{own_class(module).__name__} {words}"
