"""Everything a geometry answers, as plain data."""

from itertools import islice
from typing import Any

from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.convolution import Convolution
from tconv.geometry.coverage import Missing, unreached, unread
from tconv.geometry.relations import relation_of

LISTED, NAMED = 4096, 4


def facts(geometry: Geometry) -> dict[str, Any]:
    """Return everything a geometry answers, ready for JSON.

    Examples
    --------
    >>> facts(Geometry.of(4, 3, stride=2, padding=1))["output_size"]
    [7]
    """
    fewest, most = geometry.taps_per_phase
    small = all(
        max(a.input_size, a.output_size, a.stride, a.kernel_size) <= LISTED for a in geometry.axes
    )
    holes, unread_inputs = (
        [missing(axis) for axis in geometry.axes] for missing in (unreached, unread)
    )
    adjoint = geometry.adjoint()
    return {
        "input_size": list(geometry.input_size),
        "kernel_size": list(geometry.kernel_size),
        "stride": list(geometry.stride),
        "dilation": list(geometry.dilation),
        "crop": [list(pair) for pair in geometry.crop],
        "full_size": list(geometry.full),
        "output_size": list(geometry.output_size),
        "derivation": geometry.derivation().splitlines(),
        "relations": [_relation(axis) for axis in geometry.axes],
        "equivalent_convolution": _convolution(geometry.stretched()),
        "adjoint_of": None if adjoint is None else _convolution(adjoint),
        "even_overlap": is_even(geometry),
        "taps_per_phase": {"fewest": fewest, "most": most},
        "phases": [_phases(axis) for axis in geometry.axes] if small else None,
        "overlap": [list(axis.overlap()) for axis in geometry.axes] if small else None,
        "holes": _listed(holes) if small else None,
        "hole_counts": [missing.count for missing in holes],
        "unread_inputs": _listed(unread_inputs) if small else None,
        "unread_counts": [missing.count for missing in unread_inputs],
        "left_out": [*hole_words(geometry), *unread_words(geometry)],
        "multiplications": {
            "useful": geometry.products,
            "zero_inserted": geometry.stretched_products,
            "wasted": geometry.wasted_products,
        },
    }


def is_even(geometry: Geometry) -> bool:
    """Whether stamps overlap evenly: equally many taps in every phase, and no holes.

    Examples
    --------
    >>> is_even(Geometry.of(4, 2, stride=2)), is_even(Geometry.of(4, 2, stride=2, output_padding=1))
    (True, False)
    """
    return geometry.even and not any(unreached(axis).count for axis in geometry.axes)


def overlap_words(geometry: Geometry) -> str:
    """Say in a few words how stamps overlap, and where they leave holes.

    Examples
    --------
    >>> overlap_words(Geometry.of((4, 4), 3, stride=2))
    'uneven: 1 to 4 taps a phase'
    >>> overlap_words(Geometry.of(24, 2, stride=2, output_padding=1))
    'with holes: 1 tap in every phase; output 48 is reached by no input'
    """
    fewest, most = geometry.taps_per_phase
    if geometry.even:
        evenness, taps = "even", f"{most} tap{'s' if most > 1 else ''} in every phase"
    else:
        evenness, taps = "uneven", f"{fewest} to {most} taps a phase"
    holes = hole_words(geometry)
    if not holes:
        return f"{evenness}: {taps}"
    return f"{'' if geometry.even else 'uneven, '}with holes: {'; '.join([taps, *holes])}"


def hole_words(geometry: Geometry) -> list[str]:
    """Say which outputs no input reaches, a sentence an axis that has any.

    Examples
    --------
    >>> hole_words(Geometry.of((3, 24), (1, 2), stride=2, output_padding=1))
    ['on axis 0, outputs 1, 3 and 5 are reached by no input', \
'on axis 1, output 48 is reached by no input']
    """
    return _each_axis(
        [_missing("output", "reached by no input", unreached(axis)) for axis in geometry.axes]
    )


def unread_words(geometry: Geometry) -> list[str]:
    """Say which inputs no output reads, a sentence an axis that has any.

    Examples
    --------
    >>> unread_words(Geometry.of(7, 3, stride=3, padding=3))
    ['inputs 0 and 6 are read by no output']
    """
    return _each_axis(
        [_missing("input", "read by no output", unread(axis)) for axis in geometry.axes]
    )


def _each_axis(said: list[str]) -> list[str]:
    if len(said) == 1 or not any(said):
        return [sentence for sentence in said if sentence]
    if len(set(said)) == 1:
        return [f"on every axis, {said[0]}"]
    return [f"on axis {axis}, {sentence}" for axis, sentence in enumerate(said) if sentence]


def _missing(noun: str, how: str, missing: Missing) -> str:
    """Say which cells are missing: all of them where they are few runs, else the first and last."""
    if missing.count == 0:
        return ""
    if missing.count == missing.size:
        return (
            f"the {noun} is {how}" if missing.size == 1 else f"all {missing.size} {noun}s are {how}"
        )
    runs = list(islice(missing.runs(), NAMED + 1))
    if len(runs) > NAMED:
        named = ", ".join(_cells(runs[: NAMED - 1]))
        last = ", ".join(_cells([missing.last_run()]))
        return f"{missing.count} of {missing.size} {noun}s are {how}: {named}, … {last}"
    *most, last = _cells(runs)
    named = f"{', '.join(most)} and {last}" if most else last
    return f"{noun} {named} is {how}" if missing.count == 1 else f"{noun}s {named} are {how}"


def _cells(runs: list[range]) -> list[str]:
    return [
        text
        for run in runs
        for text in (map(str, run) if not run[2:] else [f"{run[0]} to {run[-1]}"])
    ]


def _listed(several: list[Missing]) -> list[list[int]]:
    return [[cell for cells in missing.runs() for cell in cells] for missing in several]


def _relation(axis: Axis) -> dict[str, Any] | None:
    relation = relation_of(axis)
    if relation is None:
        return None
    return {
        "number": relation.number,
        "condition": relation.condition,
        "formula": f"o = {relation.formula}",
    }


def _convolution(convolution: Convolution) -> dict[str, Any]:
    return {
        "input_size": list(convolution.input_size),
        "stretch": list(convolution.stretch) or None,
        "stretched_size": list(convolution.stretched_size),
        "padded_size": list(convolution.padded_size),
        "kernel_size": list(convolution.kernel_size),
        "flip": convolution.flip,
        "stride": list(convolution.stride),
        "dilation": list(convolution.dilation),
        "padding": [list(pair) for pair in convolution.padding],
        "output_size": list(convolution.output_size),
        "text": str(convolution),
    }


def _phases(axis: Axis) -> list[dict[str, list[int]]]:
    return [
        {"taps": list(axis.taps(r)), "offsets": list(axis.tap_offsets(r))}
        for r in range(axis.stride)
    ]
