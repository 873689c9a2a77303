"""The page's modules give what Python gives: the same facts, the same traces, the same sentences."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from browser import served
from explorer.twin_cases import Draw, answers, difference, floats, refused, said

from tconv.geometry import Geometry
from tconv.traces import VIEWS
from tconv.traces.values import written

PAGE = Path(__file__).parents[2] / "src" / "tconv" / "explorer" / "page"

HELPERS = """
const {Geometry} = await import('/geometry.js');
const {Fraction, written} = await import('/values.js');
const camel = (words) => Object.fromEntries(Object.entries(words).map(
    ([name, value]) => [name.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value]));
const said = (answer) => {
    try { return answer(); } catch (error) { return {error: error.message}; }
};
const exact = (value) => {
    if (Array.isArray(value)) return value.map(exact);
    if (typeof value !== 'string' || !/[0-9]$/.test(value)) return value;
    const [numerator, denominator = 1] = value.split('/').map(BigInt);
    return new Fraction(numerator, BigInt(denominator));
};
"""


@pytest.fixture(scope="module")
def asked(browser):
    """Evaluate JavaScript with `given` in a page that has the modules; the answer is JSON."""
    with served(PAGE) as address:
        page = browser.new_page()
        page.goto(f"{address}/axis.js")

        def ask(script, given):
            body = f"async (text) => {{ const given = JSON.parse(text); {HELPERS} {script} }}"
            return json.loads(page.evaluate(body, json.dumps(given)))

        yield ask
        page.close()


def agree(cases, python, page, near=None):
    assert len(cases) == len(python) == len(page)
    for case, one, two in zip(cases, python, page, strict=True):
        found = difference(one, two, near)
        assert found is None, f"{json.dumps(case, ensure_ascii=False)}\n  {found}"


def test_geometries(asked):
    draw = Draw(1)
    cases = [draw.words(1 + n % 3, 6, 5) for n in range(3000)]
    page = asked(
        """
        const {facts, overlapWords} = await import('/facts.js');
        const axisAnswers = (axis) => ({
            phases: Array.from({length: axis.outputSize}, (_, o) => axis.phase(o)),
            reads: Array.from({length: axis.outputSize}, (_, o) => axis.reads(o).map((r) => [...r])),
            stamps: Array.from({length: axis.inputSize}, (_, i) => [...axis.stamps(i)]),
            taps_per_phase: axis.tapsPerPhase,
            products: axis.products,
            crop_end: axis.cropEnd,
        });
        return JSON.stringify(given.map((words) => said(() => {
            const geometry = Geometry.of(camel(words));
            return {
                facts: facts(geometry),
                overlap_words: overlapWords(geometry),
                text: `${geometry}`,
                axes: geometry.axes.map(axisAnswers),
            };
        })));
        """,
        cases,
    )
    python = [said(lambda words=words: answers(Geometry.of(**words))) for words in cases]
    assert sum("error" not in one for one in python) > 1500
    agree(cases, python, page)


def test_code_for_channels(asked):
    draw = Draw(2)
    geometries = [said(lambda: Geometry.of(**draw.words(1 + n % 3, 6, 4))) for n in range(900)]
    geometries = [g for g in geometries if isinstance(g, Geometry)]
    random = np.random.default_rng(2)
    cases = [
        {
            "words": {
                "input_size": g.input_size,
                "kernel_size": g.kernel_size,
                "stride": g.stride,
                "dilation": g.dilation,
                "padding": g.crop,
            },
            "channels": random.choice([1, 2, 3, 4, 6], 3).tolist(),
        }
        for g in geometries
    ]
    page = asked(
        """
        const {code} = await import('/code.js');
        return JSON.stringify(given.map(({words, channels}) => said(() => {
            const [inChannels, outChannels, groups] = channels;
            return code(Geometry.of(camel(words)), {inChannels, outChannels, groups});
        })));
        """,
        cases,
    )
    own = [one.pop("tconv", None) for one in page]
    python = [said(lambda c=c, g=g: _codes(g, c["channels"])) for c, g in zip(cases, geometries)]
    agree(cases, python, page)
    for geometry, line in zip(geometries, own, strict=True):
        assert line is None or _read(line["code"], geometry) == geometry


def _codes(geometry, channels):
    from tconv.conventions import CONVENTIONS, Inexpressible

    lines = {}
    for key, convention in CONVENTIONS.items():
        try:
            lines[key] = {"code": convention.code(geometry, *channels)}
        except Inexpressible as why:
            lines[key] = {"none": str(why)}
    return lines


def _read(code, geometry):
    """Run the page's line for tconv, and return the geometry that it asks for."""

    class Asked:
        @staticmethod
        def conv_transpose(x, weight, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
            return Geometry.of(x, weight, stride, padding, output_padding, dilation)

    return eval(
        code, {"tconv": Asked, "x": geometry.input_size, "weight": geometry.kernel_size}
    )


TRACED = """
const {explain} = await import('/trace.js');
return JSON.stringify(given.map(({words, view, x, weight, groups}) => said(() =>
    explain({geometry: Geometry.of(camel(words)), view, x: exact(x), weight: exact(weight), groups})
)));
"""


@pytest.mark.parametrize("view", VIEWS)
def test_traces(asked, view):
    draw = Draw(3 + list(VIEWS).index(view))
    layers = [draw.layer(view) for _ in range(250)]
    cases = [layer.told() for layer in layers]
    python = [json.loads(json.dumps(said(layer.trace))) for layer in layers]
    assert sum("error" not in one for one in python) > 80
    agree(cases, python, asked(TRACED, cases), _near if view == "deconvolution" else None)


def _near(python, page):
    """Tell whether numbers, also those in a text, agree to five digits."""
    if isinstance(python, str):
        number = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
        if re.sub(number, "#", python) != re.sub(number, "#", page):
            return False
        pairs = zip(re.findall(number, python), re.findall(number, page), strict=True)
        return all(_near(float(one), float(two)) for one, two in pairs)
    return abs(python - page) <= 1e-5 * max(abs(python), abs(page)) + 1e-8


def test_refused_parameters(asked):
    random = np.random.default_rng(20)
    cases = [refused(random) for _ in range(1500)]
    python = [said(lambda words=words: str(Geometry.of(**words))) for words in cases]
    assert len({one["error"] for one in python if "error" in one}) > 60
    page = asked(
        "return JSON.stringify(given.map((words) => said(() => `${Geometry.of(camel(words))}`)));",
        cases,
    )
    agree(cases, python, page)


@pytest.mark.parametrize(
    "wrong",
    [
        {"view": "stamp"},
        {"groups": 0},
        {"groups": 2, "x": [[1, 2], [3, 4], [5, 6]], "weight": [[[1]], [[1]], [[1]]]},
        {"x": "letter"},
        {"weight": "w"},
        {"x": [[1, 2, 3]]},
        {"x": [[1, 2], [3, 4]], "weight": [[[1]]]},
        {"weight": [[1]]},
        {"x": [True, 1]},
        {"words": {"input_size": 200, "kernel_size": 200}},
        {"words": {"input_size": [4, 4, 4, 4], "kernel_size": 1}},
        {"words": {"input_size": 2, "kernel_size": 2, "padding": [[-30000, 0]]}},
        {"view": "matrix", "words": {"input_size": [9, 9], "kernel_size": 3}},
        {"view": "stretch", "words": {"input_size": [30, 30], "kernel_size": 4, "stride": 2}},
        {"view": "subpixel", "words": {"input_size": [2, 2], "kernel_size": 9, "stride": 9}},
        {"view": "deconvolution", "weight": "letters"},
        {"view": "convolution", "x": [1, 2]},
    ],
)
def test_refused_layers(asked, wrong):
    from explorer.twin_cases import LayerCase

    layer = LayerCase(**{"words": {"input_size": 2, "kernel_size": 1, "stride": 2}, **wrong})
    python = said(layer.trace)
    assert "error" in python
    agree([layer.told()], [python], asked(TRACED, [layer.told()]))


def test_written_numbers(asked):
    numbers = floats(np.random.default_rng(30), 4000)
    page = asked(
        """
        const {numberWritten} = await import('/python.js');
        return JSON.stringify(given.map((n) => [written(n), numberWritten(n)]));
        """,
        numbers,
    )
    for number, (short, whole) in zip(numbers, page, strict=True):
        assert (written(number), float(whole)) == (short, number)
        if not number.is_integer():
            assert repr(number) == whole
