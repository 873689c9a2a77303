"""The page's drawings are Python's, byte for byte."""

import pytest

from explanation.drawing.cases import CASES, trace_of
from tconv.explanation.drawing import film, frame, layout, svg

OPTIONS = (
    {},
    {"terms": "keep"},
    {"captions": False, "width": 900, "height": 505.5},
)
DRAW = """
  const {trace, options, themes, frames} = given;
  const {film, frame, layout, svg} = await load('drawing.js');
  const pictures = options.flatMap((given) => {
    const place = layout(trace, given);
    return frames.map((n) => svg(frame(place, n), themes[n % 2]));
  });
  return [...pictures, ...themes.map((theme) => film(trace, theme, {frames: [1, 0, -1]}))];
"""


@pytest.mark.parametrize(("name", "view"), CASES)
def test_the_page_draws_the_same(asked, name, view):
    trace = trace_of(name, view)
    themes = ["light", "dark"]
    frames = sorted({0, 1, 2, trace.frames // 2, trace.frames - 2, trace.frames - 1})
    places = [layout(trace, **given) for given in OPTIONS]
    expected = [svg(frame(place, n), themes[n % 2]) for place in places for n in frames]
    expected += [film(trace, theme, [1, 0, -1]) for theme in themes]
    given = {"trace": trace.to_dict(), "options": OPTIONS, "themes": themes, "frames": frames}
    drawn = asked(DRAW, given)
    assert len(drawn) == len(expected)
    for mine, theirs in zip(expected, drawn, strict=True):
        assert mine == theirs


def test_the_page_says_the_same_about_what_it_cannot_draw(asked):
    trace = trace_of("letters")
    for wrong, call in (
        ("frame(layout(trace), 6)", lambda: frame(layout(trace), 6)),
        ("layout(trace, {terms: 'all'})", lambda: layout(trace, terms="all")),
        ("svg(frame(layout(trace), 0), 'grey')", lambda: svg(frame(layout(trace), 0), "grey")),
        ("film(trace, 'light', {frames: []})", lambda: film(trace, frames=[])),
    ):
        with pytest.raises(ValueError) as error:  # noqa: PT011
            call()
        said = asked(
            "const {film, frame, layout, svg} = await load('drawing.js'); const trace = given;"
            f"try {{ {wrong}; }} catch (error) {{ return error.message; }}",
            trace.to_dict(),
        )
        assert said == str(error.value)
