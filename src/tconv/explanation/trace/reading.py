"""From plain data back to a trace: everything checked, so that drawing need not."""

import reprlib
from collections.abc import Sequence
from math import prod
from typing import Any

from tconv.explanation.constants import KINDS, TRACE_VERSION
from tconv.explanation.trace.model import ROLES, Panel, Ref, Step, Trace, Write
from tconv.explanation.trace.values import Value, from_jsonable
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis

KINDS_OF = {list: "a list", str: "a text", int: "an integer", dict: "an object"}
PER_AXIS = ("input_size", "kernel_size", "stride", "dilation", "output_size")


def trace_of(held: Any) -> Trace:
    """Return the trace that plain data describes.

    Raises
    ------
    ValueError
        If it describes none: the sentence says where and why.

    Examples
    --------
    >>> trace_of({"version": 0})
    Traceback (most recent call last):
    ...
    ValueError: the trace is of version 0, and this tconv reads 1
    """
    where = "the trace"
    version = _entry(held, "version", int, where)
    if version != TRACE_VERSION:
        raise ValueError(f"the trace is of version {version}, and this tconv reads {TRACE_VERSION}")
    panels = tuple(
        _panel(one, f"panel {number}")
        for number, one in enumerate(_entry(held, "panels", list, where))
    )
    result = _entry(held, "result", int, where)
    if not 0 <= result < len(panels):
        raise ValueError(f"the trace's result is panel {result}, but it has {len(panels)} panels")
    steps = _entry(held, "steps", list, where)
    return Trace(
        view=_entry(held, "view", str, where),
        title=_entry(held, "title", str, where),
        geometry=_geometry(_entry(held, "geometry", dict, where)),
        sizes=_texts(held, "sizes", where),
        panels=panels,
        steps=tuple(_step(one, f"step {n}", panels) for n, one in enumerate(steps, 1)),
        result=result,
    )


def _geometry(held: Any) -> Geometry:
    where = "the geometry"
    columns = [_integers(held, name, where) for name in PER_AXIS]
    crop = _entry(held, "crop", list, where)
    if len({len(crop), *map(len, columns)}) != 1:
        raise ValueError(f"{where} does not have as many entries in each list as it has axes")
    axes = []
    for i, k, s, d, output, pair in zip(*columns, crop, strict=True):
        start, end = _pair(pair, f"{where}'s crop")
        axes.append(Axis(i, k, s, d, start, output))
        if axes[-1].crop_end != end:
            raise ValueError(
                f"{where}'s crop {start, end} does not lead to output size {output}: "
                f"the end is {axes[-1].crop_end}"
            )
    return Geometry(tuple(axes))


def _panel(held: Any, where: str) -> Panel:
    size = _integers(held, "size", where)
    axes, origin = _texts(held, "axes", where), _integers(held, "origin", where)
    kinds = _texts(held, "kinds", where)
    values = _entry(held, "values", list, where)
    role = _entry(held, "role", str, where)
    if not size or min(size) < 1 or not len(axes) == len(origin) == len(size):
        raise ValueError(f"{where} needs a size, a name and an origin an axis, sizes at least 1")
    if not len(kinds) == len(values) == prod(size):
        raise ValueError(
            f"{where} of {prod(size)} cells has {len(kinds)} kinds and {len(values)} values"
        )
    for name, allowed, given in (("role", ROLES, {role}), ("kind", KINDS, {*kinds})):
        for unknown in sorted(given - {*allowed}):
            raise ValueError(f"{where} has {name} {unknown!r}, not one of {', '.join(allowed)}")
    return Panel(
        name=_entry(held, "name", str, where),
        role=role,
        axes=axes,
        size=size,
        origin=origin,
        kinds=kinds,
        values=tuple(None if value is None else _value(value, where) for value in values),
        label=_entry(held, "label", str, where),
    )


def _step(held: Any, where: str, panels: Sequence[Panel]) -> Step:
    return Step(
        say=_entry(held, "say", str, where),
        formula=_entry(held, "formula", str, where),
        focus=_refs(held, "focus", where, panels),
        reads=_refs(held, "reads", where, panels),
        writes=tuple(
            _write(one, f"{where}, write {n}", panels)
            for n, one in enumerate(_entry(held, "writes", list, where), 1)
        ),
    )


def _write(held: Any, where: str, panels: Sequence[Panel]) -> Write:
    return Write(
        to=_ref(_entry(held, "to", list, where), where, panels),
        factors=_refs(held, "factors", where, panels),
        term=_value(_present(held, "term", where), where),
        text=_entry(held, "text", str, where),
        total=_value(_present(held, "total", where), where),
    )


def _refs(held: Any, key: str, where: str, panels: Sequence[Panel]) -> tuple[Ref, ...]:
    return tuple(_ref(one, where, panels) for one in _entry(held, key, list, where))


def _ref(held: Any, where: str, panels: Sequence[Panel]) -> Ref:
    panel, cell = _pair(held, where)
    if not 0 <= panel < len(panels) or not 0 <= cell < len(panels[panel].kinds):
        raise ValueError(f"{where} names cell {cell} of panel {panel}, which is not there")
    return Ref(panel, cell)


def _value(held: Any, where: str) -> Value:
    try:
        return from_jsonable(held)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from None


def _pair(held: Any, where: str) -> tuple[int, int]:
    if not isinstance(held, list) or [type(one) for one in held] != [int, int]:
        raise ValueError(f"{where} needs a pair of integers, got {reprlib.repr(held)}")
    return held[0], held[1]


def _integers(held: Any, key: str, where: str) -> tuple[int, ...]:
    return _all(held, key, int, where)


def _texts(held: Any, key: str, where: str) -> tuple[str, ...]:
    return _all(held, key, str, where)


def _all(held: Any, key: str, kind: type, where: str) -> tuple[Any, ...]:
    values = _entry(held, key, list, where)
    for value in values:
        if type(value) is not kind:
            raise ValueError(f"{where}'s {key} holds {reprlib.repr(value)}, not {KINDS_OF[kind]}")
    return tuple(values)


def _entry(held: Any, key: str, kind: type, where: str) -> Any:
    value = _present(held, key, where)
    if type(value) is not kind:
        raise ValueError(f"{where}'s {key} must be {KINDS_OF[kind]}, got {reprlib.repr(value)}")
    return value


def _present(held: Any, key: str, where: str) -> Any:
    if not isinstance(held, dict) or key not in held:
        raise ValueError(f"{where} has no {key!r}; a trace is made by Trace.to_json")
    return held[key]
