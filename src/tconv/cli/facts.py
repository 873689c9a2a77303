"""Everything a geometry answers, as plain data."""

from typing import Any

from tconv.conventions import CONVENTIONS, Inexpressible
from tconv.convolution import Convolution
from tconv.geometry import Geometry
from tconv.relations import relation_of

LISTED = 4096


def facts(geometry: Geometry) -> dict[str, Any]:
    """Return what ``tconv explain`` tells, ready for JSON.

    Examples
    --------
    >>> facts(Geometry.of(4, 3, stride=2, padding=1))["output_size"]
    [7]
    """
    fewest, most = geometry.taps_per_phase
    small = all(max(a.output_size, a.stride, a.kernel_size) <= LISTED for a in geometry.axes)
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
        "even_overlap": geometry.even,
        "taps_per_phase": {"fewest": fewest, "most": most},
        "phases": [_phases(axis) for axis in geometry.axes] if small else None,
        "overlap": [list(axis.overlap()) for axis in geometry.axes] if small else None,
        "holes": [list(axis.holes()) for axis in geometry.axes] if small else None,
        "multiplications": {
            "useful": geometry.products,
            "zero_inserted": geometry.stretched_products,
            "wasted": geometry.wasted_products,
        },
        "code": {c.name: _code(c, geometry) for c in CONVENTIONS.values()},
    }


def overlap_words(geometry: Geometry) -> str:
    """Say in a few words how stamps overlap.

    Examples
    --------
    >>> overlap_words(Geometry.of((4, 4), 3, stride=2))
    'uneven: 1 to 4 taps a phase'
    """
    fewest, most = geometry.taps_per_phase
    if geometry.even:
        return f"even: {most} tap{'s' if most > 1 else ''} in every phase"
    holes = ", holes where there is none" if fewest == 0 else ""
    return f"uneven: {fewest} to {most} taps a phase{holes}"


def _relation(axis: Any) -> dict[str, Any] | None:
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


def _phases(axis: Any) -> list[dict[str, list[int]]]:
    return [
        {"taps": list(axis.taps(r)), "offsets": list(axis.tap_offsets(r))}
        for r in range(axis.stride)
    ]


def _code(convention: Any, geometry: Geometry) -> dict[str, str]:
    try:
        return {"code": convention.code(geometry)}
    except Inexpressible as why:
        return {"none": str(why)}
