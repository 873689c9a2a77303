"""What the frames show: every cell once, the lecture's terms, texts that fit their cells."""

from xml.etree import ElementTree

import pytest

from explanation.drawing.cases import CASES, LAYERS, trace_of
from tconv.explanation import explain
from tconv.explanation.drawing import film, frame, layout, svg
from tconv.explanation.drawing.fitting import width
from tconv.explanation.drawing.scene import Rect, Text
from tconv.explanation.trace.model import VOID

SVG = "{http://www.w3.org/2000/svg}"


def groups(drawing):
    """Return the elements of each cell, by the cell."""
    root = ElementTree.fromstring(drawing)
    found = {}
    for group in root.iter():
        if "data-cell" in group.attrib:
            panel, cell = map(int, group.attrib["data-cell"].split(","))
            assert (panel, cell) not in found
            found[panel, cell] = group
    return found


def boxes(group):
    """Return the outlines with round corners among the elements of a cell."""
    return [path for path in group.iter(f"{SVG}path") if "q" in path.attrib["d"]]


def hatched(group):
    return len(list(group.iter(f"{SVG}path"))) > len(boxes(group))


def shown(trace, number, **options):
    """Return what each cell says, its lines joined."""
    drawing = svg(frame(layout(trace, **options), number))
    return {
        cell: " ".join(text.text for text in group.iter(f"{SVG}text"))
        for cell, group in groups(drawing).items()
    }


def grid(trace, number, panel=2, **options):
    size = trace.panels[panel].size
    said = shown(trace, number, **options)
    rows = range(0, size[0] * size[1], size[1])
    return [[said[panel, first + at] for at in range(size[1])] for first in rows]


@pytest.mark.parametrize(("name", "view"), CASES)
def test_every_cell_is_drawn_once_and_says_what_the_trace_says(name, view):
    trace = trace_of(name, view)
    for number in (0, 1, trace.frames // 2, trace.frames - 1):
        said = shown(trace, number)
        cells = {
            (panel, cell)
            for panel, grid in enumerate(trace.panels)
            for cell, kind in enumerate(grid.kinds)
            if kind != VOID
        }
        assert said.keys() == cells
    final = trace.cells(-1)
    place = layout(trace)
    for (panel, cell), text in said.items():
        if place.font >= 9:  # else cells too small for their numbers hold none
            if text.startswith("… "):  # letters without end
                assert final[panel][cell].endswith(text[2:])
            else:
                assert text == final[panel][cell]


def test_the_lecture_adds_up_term_by_term():
    trace = explain((2, 2), 3, x=[[1, 2], [3, 4]], weight="ones")
    assert grid(trace, 0) == [[""] * 4] * 4
    assert grid(trace, 2)[0] == ["1", "1 + 2", "1 + 2", "2"]
    assert grid(trace, 3)[0] == ["1", "3", "3", "2"]
    assert grid(trace, 3)[1] == ["1 + 3", "1 + 2 + 3", "1 + 2 + 3", "2"]
    assert grid(trace, 4)[1] == ["4", "1 + 2 + 3 + 4", "1 + 2 + 3 + 4", "2 + 4"]
    assert grid(trace, -1) == [
        ["1", "3", "3", "2"], ["4", "10", "10", "6"], ["4", "10", "10", "6"], ["3", "7", "7", "4"],
    ]  # fmt: skip


def test_terms_are_kept_until_the_result():
    trace = explain((2, 2), 3, 2, x=[[1, 2], [3, 4]], weight="ones")
    kept = {"terms": "keep"}
    assert grid(trace, 4, **kept)[0] == ["1", "1", "1 + 2", "2", "2"]
    assert grid(trace, 4, **kept)[2] == ["1 + 3", "1 + 3", "1 + 2 + 3 + 4", "2 + 4", "2 + 4"]
    assert grid(trace, 5, **kept)[2] == ["4", "4", "10", "6", "6"]


@pytest.mark.parametrize(("name", "view"), CASES)
def test_texts_fit_their_cells_and_the_slide(name, view):
    trace = trace_of(name, view)
    place = layout(trace)
    for number in range(0, trace.frames, 3):
        scene = frame(place, number)
        for part in scene.primitives:
            if isinstance(part, Rect):
                assert 0 <= part.x <= part.x + part.width <= scene.width
                assert 0 <= part.y <= part.y + part.height <= scene.height
            if not isinstance(part, Text):
                continue
            wide = width(part.text, part.size, "bold" if part.bold else "regular")
            left = part.x - {"start": 0, "middle": wide / 2, "end": wide}[part.anchor]
            assert 0 <= left <= left + wide <= scene.width
            assert 0 < part.y - part.size * 0.8 < part.y <= scene.height
            if part.cell:
                x, y = place.corner(*part.cell)
                assert x <= left <= left + wide <= x + place.cell_width
                assert y <= part.y - 0.73 * part.size <= part.y <= y + place.cell_height


def test_panels_do_not_overlap():
    for name, view in CASES:
        place = layout(trace_of(name, view))
        boxes = [
            place.plane(panel, plane)
            for panel, one in enumerate(place.places)
            for plane in range(len(one.planes))
        ]
        for at, one in enumerate(boxes):
            for other in boxes[:at]:
                apart = one[0] >= other[2] or other[0] >= one[2]
                assert apart or one[1] >= other[3] or other[1] >= one[3]


def test_kinds_are_told_apart():
    crop = groups(svg(frame(layout(trace_of("lecture")), -1)))
    assert hatched(crop[2, 0])
    assert not hatched(crop[2, 6])
    trace = trace_of("appended and holes")
    dashes = {
        kind: {
            boxes(group)[0].attrib.get("stroke-dasharray")
            for (panel, cell), group in groups(svg(frame(layout(trace), 0))).items()
            if trace.panels[panel].kinds[cell] == kind
        }
        for kind in ("cell", "hole", "appended")
    }
    assert dashes == {"cell": {None}, "hole": {"1 4"}, "appended": {"6 4"}}


def test_the_active_cell_is_outlined_and_connected():
    trace = trace_of("lecture")
    drawing = svg(frame(layout(trace), 2))
    outlined = [
        cell
        for cell, group in groups(drawing).items()
        if any(box.attrib["fill"] == "none" for box in boxes(group))
    ]
    assert outlined == [(ref.panel, ref.cell) for ref in trace.steps[1].focus]
    assert drawing.count("<polygon") == 2
    assert svg(frame(layout(trace), 0)).count("<polygon") == 0


def test_overlap_is_painted_by_its_counts():
    trace = explain((3, 3), 3, 2, view="overlap")
    cells = groups(svg(frame(layout(trace), -1)))
    shades = {
        group.find(f"{SVG}text").text: boxes(group)[0].attrib.get("fill-opacity")
        for (panel, _), group in cells.items()
        if panel == trace.result
    }
    assert shades == {"1": "0.33", "2": "0.55", "4": "1"}


def test_a_screen_reader_is_told():
    trace = trace_of("letters")
    root = ElementTree.fromstring(svg(frame(layout(trace), 1), "dark"))
    assert root.attrib["role"] == "img"
    assert root.find(f"{SVG}title").text == trace.title
    said = root.find(f"{SVG}desc").text
    assert said == f"step 1 of 4: {trace.steps[0].say}. {trace.steps[0].formula}"


@pytest.mark.parametrize("name", LAYERS)
def test_a_film_holds_every_frame(name):
    trace = trace_of(name)
    drawing = film(trace)
    texts = [text.text for text in ElementTree.fromstring(drawing).iter(f"{SVG}text")]
    steps = len(trace.steps)
    progress = [*(f"step {n} of {steps}" for n in range(1, steps + 1)), "result"]
    assert [text for text in texts if text in set(progress)] == progress
    assert {step.say for step in trace.steps} <= set(texts)


def test_what_cannot_be_drawn_is_refused():
    trace = trace_of("letters")
    with pytest.raises(ValueError, match="frame 6 is out of range: 0 to 5"):
        frame(layout(trace), 6)
    with pytest.raises(ValueError, match="theme 'grey' is not one of light, dark"):
        film(trace, "grey")
    with pytest.raises(ValueError, match="1 to 400 frames, got 0"):
        film(trace, frames=[])
