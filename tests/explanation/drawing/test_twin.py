"""The page's drawings are Python's, byte for byte."""

import json
from pathlib import Path

import pytest

import tconv
from browser import served
from explanation.drawing.cases import CASES, trace_of
from tconv.explanation.drawing import film, frame, layout, svg

SOURCE = Path(tconv.__file__).parent / "explanation"
OPTIONS = (
    {},
    {"terms": "keep"},
    {"captions": False, "width": 900, "height": 505.5},
)
DRAW = """async ({base, trace, options, themes, frames}) => {
  const {film, frame, layout, svg} = await import(`${base}/drawing.js`);
  const pictures = options.flatMap((given) => {
    const place = layout(trace, given);
    return frames.map((n) => svg(frame(place, n), themes[n % 2]));
  });
  return [...pictures, ...themes.map((theme) => film(trace, theme, {frames: [1, 0, -1]}))];
}"""


@pytest.fixture(scope="module")
def page(browser):
    with served(SOURCE) as base:
        page = browser.new_page()
        page.goto(f"{base}/constants.json")
        yield page, f"{base}/page/web"
        page.close()


@pytest.mark.parametrize(("name", "view"), CASES)
def test_the_page_draws_the_same(page, name, view):
    trace = trace_of(name, view)
    themes = ["light", "dark"]
    frames = sorted({0, 1, 2, trace.frames // 2, trace.frames - 2, trace.frames - 1})
    expected = [
        svg(frame(layout(trace, **given), n), themes[n % 2]) for given in OPTIONS for n in frames
    ] + [film(trace, theme, [1, 0, -1]) for theme in themes]
    tab, base = page
    given = {
        "base": base, "trace": json.loads(trace.to_json()), "options": OPTIONS, "themes": themes,
        "frames": frames,
    }  # fmt: skip
    drawn = tab.evaluate(DRAW, given)
    assert len(drawn) == len(expected)
    for mine, theirs in zip(expected, drawn, strict=True):
        assert mine == theirs


def test_the_page_says_the_same_about_what_it_cannot_draw(page):
    tab, base = page
    trace = trace_of("letters")
    given = {"base": base, "trace": json.loads(trace.to_json())}
    for wrong, call in (
        ("frame(layout(trace), 6)", lambda: frame(layout(trace), 6)),
        ("layout(trace, {terms: 'all'})", lambda: layout(trace, terms="all")),
        ("svg(frame(layout(trace), 0), 'grey')", lambda: svg(frame(layout(trace), 0), "grey")),
        ("film(trace, 'light', {frames: []})", lambda: film(trace, frames=[])),
    ):
        with pytest.raises(ValueError) as error:  # noqa: PT011
            call()
        said = tab.evaluate(
            "async ({base, trace}) => {"
            "const {film, frame, layout, svg} = await import(`${base}/drawing.js`);"
            f"try {{ {wrong}; }} catch (error) {{ return error.message; }} }}",
            given,
        )
        assert said == str(error.value)
