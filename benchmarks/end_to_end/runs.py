"""One run: every model with every contender in turn, saved as it goes."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.crew import PeerError, Process
from benchmarks.end_to_end.contenders import CONTENDERS, LAYOUTS, REFERENCE, Case
from benchmarks.end_to_end.results import Figure, Results, Row, Share
from benchmarks.machine import describe, usable_cpus
from benchmarks.models import MODELS

ROUNDS = 5
LEAST_CALLS = 3
TOLERANCE = 1e-3
RUNTIMES = ("onnxruntime", "openvino")  # read the exported model
OURS = ("tconv", "tconv_frozen")

Notice = Callable[[str], None]


def chosen(layouts: list[str], contenders: list[str], *, compiled: bool) -> list[str]:
    """Return the names of those that are to run, PyTorch's default first.

    Parameters
    ----------
    layouts : list of str
        In which PyTorch, ``torch.compile`` and tconv run.
    contenders : list of str
        Of ``onnxruntime``, ``openvino``, ``tconv`` and ``tconv_frozen``.
    compiled : bool
        Whether ``torch.compile`` is one of them.
    """
    for kind, words, known in (
        ("layout", layouts, LAYOUTS), ("peer", contenders, (*RUNTIMES, *OURS))
    ):  # fmt: skip
        if unknown := [word for word in words if word not in known]:
            raise ValueError(f"no {kind} {', '.join(unknown)}; there are {', '.join(known)}")
    kinds = [REFERENCE, *(["compiled"] if compiled else []), *contenders]
    names = [
        f"{kind}_{layout}" if layout != LAYOUTS[0] else kind
        for kind in kinds
        for layout in ([LAYOUTS[0]] if kind in RUNTIMES else layouts)
    ]
    return list(dict.fromkeys([REFERENCE, *(name for name in CONTENDERS if name in names)]))


def run(
    models: list[str],
    contenders: list[str],
    threads: list[int],
    budget: float,
    *,
    output: Path | None = None,
    notice: Notice = lambda words: None,
) -> Results:
    """Time models with contenders.

    Parameters
    ----------
    models : list of str
    contenders : list of str
        PyTorch's default first: the others' results are held against it.
    threads : list of int
    budget : float
        Seconds of timed calls for each contender, model and number of threads.
    output : Path, optional
        Saved to after every model, so that a run cut short is not lost.
    notice : callable
        Told what is going on.
    """
    for count in threads:
        if not 0 < count <= len(usable_cpus()):
            raise ValueError(f"{count} threads, but {len(usable_cpus())} CPUs may be used")
    settings: dict[str, Any] = {
        "budget_s": budget, "contenders": contenders, "threads": threads, "versions": {},
    }  # fmt: skip
    results = Results(describe(), settings)
    for count in threads:
        notice(f"starting the contenders, threads: {count}")
        with _started(contenders, count) as (processes, reasons):
            settings["versions"] |= {
                name: process.about["version"] for name, process in processes.items()
            }
            for name in models:
                notice(f"{name}, threads: {count}")
                results.rows.append(_row(name, processes, reasons, count, budget, notice))
                if output:
                    results.save(output)
    return results


@contextmanager
def _started(
    contenders: list[str], threads: int
) -> Iterator[tuple[dict[str, Process], dict[str, str]]]:
    """Start a process a contender; yield those that came up, and why others did not."""
    processes: dict[str, Process] = {}
    reasons: dict[str, str] = {}
    try:
        for name in contenders:
            process = Process(name, threads, "benchmarks.end_to_end.worker")
            try:
                process.about = process.ask("start")
            except PeerError as error:
                reasons[name] = str(error)
                process.close()
            else:
                processes[name] = process
        yield processes, reasons
    finally:
        for process in processes.values():
            process.close()


def _row(
    name: str,
    processes: dict[str, Process],
    reasons: dict[str, str],
    threads: int,
    budget: float,
    notice: Notice,
) -> Row:
    model = MODELS[name]
    figures = {one: Figure(reason=reason) for one, reason in reasons.items()}
    with tempfile.TemporaryDirectory() as folder:
        case = Case(name, Path(folder))
        cold, why = _prepared(case, processes, notice)
        figures |= {one: Figure(reason=reason) for one, reason in why.items()}
        times, why = _timed(
            {one: processes[one] for one in cold},
            {one: kept["first_s"] for one, kept in cold.items()},
            budget,
            lambda words: notice(f"{name}, threads: {threads}, {words}"),
        )
        figures |= {one: Figure(reason=reason) for one, reason in why.items()}
        figures |= {one: Figure.of(found, cold[one]) for one, found in times.items()}
        shares = {}
        for layout in LAYOUTS:
            one = REFERENCE if layout == LAYOUTS[0] else f"{REFERENCE}_{layout}"
            if one in times:
                with suppress(PeerError):
                    shares[layout] = Share.of(processes[one].ask("shares", case, budget / 2))
    for process in processes.values():
        with suppress(PeerError):
            process.ask("drop")
    return Row(
        name, model.title, model.source, model.input, threads, shares,
        {one: figures[one] for one in [*processes, *reasons]},
    )  # fmt: skip


def _prepared(
    case: Case, processes: dict[str, Process], notice: Notice
) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return what it cost each to get ready, by name, and why others cannot."""
    ready: dict[str, dict[str, Any]] = {}
    reasons: dict[str, str] = {}
    export: str | None = None
    for name, process in processes.items():
        notice(f"{case.name}: {CONTENDERS[name].title} prepares")
        try:
            if name in RUNTIMES and not case.onnx.exists():
                export = _exported(case, processes) if export is None else export
                if export:
                    raise PeerError(f"not exported: {export}")
            cold = process.ask(
                "prepare", case, case.folder / "reference.npy", keep=name == REFERENCE
            )
            if not cold["difference"] <= TOLERANCE:  # so that NaN fails too
                raise PeerError(
                    f"wrong result: differs by {cold['difference']:.1e} of the largest value"
                )
        except PeerError as error:
            reasons[name] = str(error)
            if name == REFERENCE:
                return {}, dict.fromkeys(processes, str(error))
        else:
            ready[name] = cold
    return ready, reasons


def _exported(case: Case, processes: dict[str, Process]) -> str:
    """Export the model; return why not, or nothing."""
    try:
        processes[REFERENCE].ask("export", case)
    except PeerError as error:
        return str(error)
    return ""


def _timed(
    processes: dict[str, Process], first: dict[str, float], budget: float, notice: Notice
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Time each in turn, round by round, each round beginning with another; and why some failed."""
    times: dict[str, list[float]] = {name: [] for name in processes}
    reasons: dict[str, str] = {}
    for turn in range(ROUNDS):
        order = list(times)
        start = turn % max(len(order), 1)
        for name in order[start:] + order[:start]:
            if sum(times[name]) >= budget and len(times[name]) >= LEAST_CALLS:
                continue
            notice(f"round {turn + 1} of {ROUNDS}, {CONTENDERS[name].title}")
            last = times[name][-1] if times[name] else first[name]
            try:
                times[name] += processes[name].ask("time", budget / ROUNDS, last=last)
            except PeerError as error:
                reasons[name] = str(error)
                del times[name]
    return times, reasons
