"""The page gives what Python gives: the same facts, the same traces, the same sentences."""

import json
import re

import numpy as np
import pytest

import tconv
from explanation.page.twin_cases import Draw, LayerCase, answers, difference, floats, refused, said
from javascript import asking_chromium
from tconv.conventions import CONVENTIONS, Inexpressible
from tconv.explanation.drawing import frame, layout, svg
from tconv.explanation.trace import VIEWS
from tconv.explanation.trace.values import jsonable, written
from tconv.explanation.trace.written import read
from tconv.geometry import Geometry

HELPERS = """
const {Geometry} = await load('geometry.js');
const {Fraction, written} = await load('values.js');
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


@pytest.fixture
def ask(asked):
    """Return what the page's modules make of what is given, with the helpers above at hand."""
    return lambda script, given: asked(HELPERS + script, given)


def agree(cases, python, page, near=None):
    assert len(cases) == len(python) == len(page)
    for case, one, two in zip(cases, python, page, strict=True):
        found = None if json.dumps(one) == json.dumps(two) else difference(one, two, near)
        assert found is None, f"{json.dumps(case, ensure_ascii=False)}\n  {found}"


def test_geometries(ask):
    draw = Draw(1)
    cases = [draw.words(1 + n % 3, 6, 5) for n in range(2400)]
    page = ask(
        """
        const {facts, overlapWords} = await load('facts.js');
        const each = (size, said) => Array.from({length: size}, (_, n) => said(n));
        const axisAnswers = (axis) => ({
            phases: each(axis.outputSize, (o) => axis.phase(o)),
            reads: each(axis.outputSize, (o) => axis.reads(o).map((cells) => [...cells])),
            stamps: each(axis.inputSize, (i) => [...axis.stamps(i)]),
            taps_per_phase: axis.tapsPerPhase,
            products: axis.products,
            crop_end: axis.cropEnd,
        });
        return given.map((words) => said(() => {
            const geometry = Geometry.of(camel(words));
            return {
                facts: facts(geometry),
                overlap_words: overlapWords(geometry),
                text: `${geometry}`,
                axes: geometry.axes.map(axisAnswers),
            };
        }));
        """,
        cases,
    )
    python = [said(lambda words=words: answers(Geometry.of(**words))) for words in cases]
    assert sum("error" not in one for one in python) > 1500
    agree(cases, python, page)


def test_code_for_channels(ask):
    draw = Draw(2)
    drawn = [draw.words(1 + n % 3, 6, 4) for n in range(900)]
    geometries = [said(lambda words=words: Geometry.of(**words)) for words in drawn]
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
    page = ask(
        """
        const {code} = await load('code.js');
        return given.map(({words, channels}) => said(() => {
            const [inChannels, outChannels, groups] = channels;
            return code(Geometry.of(camel(words)), {inChannels, outChannels, groups});
        }));
        """,
        cases,
    )
    own = [one.pop("tconv", None) for one in page]
    python = [
        said(lambda case=case, geometry=geometry: _codes(geometry, case["channels"]))
        for case, geometry in zip(cases, geometries, strict=True)
    ]
    agree(cases, python, page)
    for geometry, line in zip(geometries, own, strict=True):
        assert line is None or _read(line["code"], geometry) == geometry


def _codes(geometry, channels):
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

    return eval(code, {"tconv": Asked, "x": geometry.input_size, "weight": geometry.kernel_size})


TRACED = """
const {explain} = await load('trace.js');
return given.map(({words, view, x, weight, groups}) => said(() =>
    explain({geometry: Geometry.of(camel(words)), view, x: exact(x), weight: exact(weight), groups})
));
"""


@pytest.mark.parametrize("view", VIEWS)
def test_traces(ask, view):
    draw = Draw(3 + list(VIEWS).index(view))
    layers = [draw.layer(view) for _ in range(200)]
    cases = [layer.told() for layer in layers]
    python = [json.loads(json.dumps(said(layer.trace))) for layer in layers]
    assert sum("error" not in one for one in python) > 60
    agree(cases, python, ask(TRACED, cases), _near if view == "deconvolution" else None)


def _near(python, page):
    """Tell whether numbers, also those in a text, agree to five digits."""
    if isinstance(python, str):
        number = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
        if re.sub(number, "#", python) != re.sub(number, "#", page):
            return False
        pairs = zip(re.findall(number, python), re.findall(number, page), strict=True)
        return all(_near(float(one), float(two)) for one, two in pairs)
    return abs(python - page) <= 1e-5 * max(abs(python), abs(page)) + 1e-8


def test_a_sample_in_chromium(browser):
    """Where the rest is asked of Node alone, this shows that a browser gives the same."""
    draw = Draw(50)
    layers = [draw.layer(view) for view in VIEWS for _ in range(6)]
    cases = [layer.told() for layer in layers]
    python = [json.loads(json.dumps(said(layer.trace))) for layer in layers]
    traces = [one for one in python if "error" not in one]
    drawn = [svg(frame(layout(tconv.Trace.from_dict(one)), 1)) for one in traces]
    assert len(drawn) > 20
    with asking_chromium(browser) as ask:
        agree(cases, python, ask(HELPERS + TRACED, cases), _near)
        assert drawn == ask(
            """
            const {frame, layout, svg} = await load('drawing.js');
            return given.map((trace) => svg(frame(layout(trace), 1)));
            """,
            traces,
        )


def test_refused_parameters(ask):
    random = np.random.default_rng(20)
    cases = [refused(random) for _ in range(1500)]
    python = [said(lambda words=words: str(Geometry.of(**words))) for words in cases]
    assert len({one["error"] for one in python if "error" in one}) > 60
    page = ask(
        "return given.map((words) => said(() => `${Geometry.of(camel(words))}`));",
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
        {"x": []},
        {"weight": [[], []]},
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
def test_refused_layers(ask, wrong):
    layer = LayerCase(**{"words": {"input_size": 2, "kernel_size": 1, "stride": 2}, **wrong})
    python = said(layer.trace)
    assert "error" in python
    agree([layer.told()], [python], ask(TRACED, [layer.told()]))


def test_written_numbers(ask):
    numbers = floats(np.random.default_rng(30), 4000)
    page = ask(
        """
        const {numberWritten} = await load('python.js');
        return given.map((n) => [written(n), numberWritten(n)]);
        """,
        numbers,
    )
    for number, (short, whole) in zip(numbers, page, strict=True):
        assert (written(number), float(whole)) == (short, number)
        if not number.is_integer():
            assert repr(number) == whole


def test_fractions_as_floats(ask):
    random = np.random.default_rng(31)
    pairs = [
        (int(n) ** int(p) * (-1) ** int(p), int(d) ** int(p))
        for n, d, p in random.integers(1, [10**9, 10**9, 8], (2000, 3))
    ]
    pairs.append(((2**53 + 1) * 2**100 + 1, 2**100))  # just above halfway
    page = ask(
        "return given.map((text) => exact(text).toNumber());",
        [f"{over}/{under}" for over, under in pairs],
    )
    assert list(map(float, page)) == [over / under for over, under in pairs]


def test_singular_deconvolutions(ask):
    words = {"input_size": [3, 2], "kernel_size": [2, 2], "stride": [1, 2]}
    kernel = [[0.3, 0.7], [0.1, 0.9]]
    weight = [[kernel], [np.multiply(3, kernel).tolist()], [[[0, 0], [0, 0]]]]
    cases = [
        LayerCase(words | {"padding": p}, "deconvolution", weight=weight).told() for p in (0, 1)
    ]
    python = [json.loads(json.dumps(said(LayerCase(**case).trace))) for case in cases]
    assert "as A keeps 6 of 16" in python[0]["steps"][2]["say"]
    agree(cases, python, ask(TRACED, cases), _near)


def test_texts(ask):
    draw = Draw(40)
    texts = [draw.texts() for _ in range(1500)]
    texts += [draw.spoilt(one) for one in texts[:1500]]
    page = ask(
        """
        const {read} = await load('written.js');
        const {jsonable} = await load('values.js');
        const plain = (value) =>
            Array.isArray(value) ? value.map(plain)
            : typeof value === 'object' ? jsonable(value) : value;
        return given.map((texts) => said(() => Object.fromEntries(
            Object.entries(read(texts)).map(([name, value]) => [name, plain(value)]))));
        """,
        texts,
    )
    python = [said(lambda one=one: _plain(read(one))) for one in texts]
    refusals = {one["error"] for one in python if "error" in one}
    assert len(refusals) > 300
    assert sum("error" not in one for one in python) > 1200
    agree(texts, python, page)


def _plain(value):
    if isinstance(value, dict):
        return {_camel(name): _plain(held) for name, held in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str) else jsonable(value)


def _camel(name):
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def test_states(ask):
    draw = Draw(41)
    texts = [draw.texts() for _ in range(500)]
    page = ask(
        """
        const {readState, writeState} = await load('state.js');
        const {explain} = await load('trace.js');
        return given.map((texts) => said(() => {
            const state = readState(texts);
            return {trace: explain({...state, geometry: Geometry.of(state)}),
                    texts: writeState(state)};
        }));
        """,
        texts,
    )
    written_by_page = [one.pop("texts", None) for one in page]
    page = [one.get("trace", one) for one in page]

    def traced(one):
        return json.loads(json.dumps(said(lambda: tconv.explain(**read(one)).to_dict())))

    python = [traced(one) for one in texts]
    assert sum("error" not in one for one in python) > 200
    agree(texts, python, page, _near)
    for one, again in zip(python, written_by_page, strict=True):
        assert again is None or difference(one, traced(again)) is None


@pytest.mark.parametrize("wrong", [{"frame": "x"}, {"frame": "1.5"}, {"q": "1"}, {"i": "4" * 17}])
def test_refused_states(ask, wrong):
    page = ask(
        """
        const {readState} = await load('state.js');
        return said(() => readState(given));
        """,
        {"i": "2", "k": "3", **wrong},
    )
    assert next(iter(wrong)) in page["error"] or "input_size" in page["error"]


def test_frame_is_kept(ask):
    texts = {"view": "gather", "i": "2x3", "k": "3", "p": "0:1x2", "frame": "5"}
    page = ask(
        """
        const {readState, writeState} = await load('state.js');
        return writeState(readState(given));
        """,
        texts,
    )
    assert page == texts | {"p": "0:1x2:2"} or page == texts
