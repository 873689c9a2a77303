"""The gallery and the tutorial's pictures: right, complete and up to date."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import pyvips
from docs.gallery.checkerboards import CHECKERBOARDS
from docs.gallery.figures import figures, sources
from docs.gallery.page import page

import tconv
from tconv import symbolic
from tconv.cli.app import run
from tconv.explanation.trace.views import DIRECT
from tconv.explanation.trace.written import read

DOCS = Path(__file__).parents[1] / "docs"
GALLERY, TUTORIAL = DOCS / "gallery", DOCS / "tutorial"
FIGURES = {folder: figures(sources(folder / "figures.toml")) for folder in (GALLERY, TUTORIAL)}
ALL = [
    pytest.param(folder, figure, id=f"{folder.name}-{figure.name}")
    for folder, some in FIGURES.items()
    for figure in some
]
FILMS = [figure for figure in FIGURES[GALLERY] if figure.motion]
SENTENCE = re.compile(r"[\"A-Z0-9][^.?!]*((\.\w|\.\.)[^.?!]*)*\.")
LARGEST, LARGEST_STAMPS = 6_000_000, 300_000


def filled(given, size, letters):
    """Return what a figure's x or weight stands for."""
    if isinstance(given, np.ndarray):
        return given
    if given == "ones":
        return np.ones(size, int).astype(object)
    if given == "letters" or (given is None and len(size) == 1):
        return letters(size)
    return np.arange(1, 1 + np.prod(size)).reshape(size).astype(object)


@pytest.mark.parametrize(("folder", "figure"), ALL)
def test_a_trace_ends_in_what_the_layer_computes(folder, figure):
    arguments, trace = read(figure.state), figure.trace()
    geometry, view = trace.geometry, trace.view
    rank, found = geometry.rank, np.array(trace.values(), object)
    if view == "overlap":
        arguments |= {"x": "ones", "weight": "ones"}
    size = geometry.output_size if view in DIRECT else geometry.input_size
    x = filled(arguments.get("x"), size, symbolic.letters)
    weight = filled(arguments.get("weight"), geometry.kernel_size, symbolic.weights)
    x = x.reshape(-1, *x.shape[-rank:])
    weight = weight.reshape(len(x), -1, *weight.shape[-rank:])
    stride, padding, dilation = geometry.stride, geometry.crop, geometry.dilation
    if view not in DIRECT:
        expected = symbolic.conv_transpose(
            x, weight, None, stride, padding, dilation=dilation, output_size=geometry.output_size
        )
    else:
        expected = tconv.conv(
            x.astype(float), weight.astype(float), None, stride, padding, dilation
        )
    if view == "deconvolution":
        A = tconv.matrix(weight[0, 0], geometry.input_size, stride, padding, dense=True)
        expected = np.linalg.pinv(A.astype(float)) @ expected.ravel()
        np.testing.assert_allclose(found.ravel().astype(float), expected, atol=1e-6)
    else:
        assert found.ravel().tolist() == expected.ravel().tolist()


@pytest.mark.parametrize(("folder", "figure"), ALL)
def test_the_command_draws_the_figure(folder, figure, tmp_path):
    words = shlex.split(figure.command())
    assert words[-1] == (figure.film if figure.motion else figure.still)
    if "--frame" in words:
        at = words.index("--frame")
        assert 0 < int(words[at + 1]) < figure.trace().frames
        del words[at : at + 2]
    assert run([*words[1:-1], str(tmp_path / "it.json")]) == 0
    assert json.loads((tmp_path / "it.json").read_text("utf-8")) == figure.trace().to_dict()


@pytest.mark.parametrize(("folder", "figure"), ALL)
def test_stills_are_up_to_date(folder, figure):
    made = (folder / figure.still).read_text("utf-8")
    assert made == figure.drawn(), "run python docs/gallery/make.py"


@pytest.mark.parametrize("figure", FILMS, ids=lambda figure: figure.name)
def test_films_hold_every_frame(figure):
    film = pyvips.Image.new_from_file(str(GALLERY / figure.film), n=-1)
    assert len(film.get("delay")) == figure.trace().frames


def test_the_page_is_up_to_date():
    made = (GALLERY / "README.md").read_text("utf-8")
    assert made == page(), "run python docs/gallery/make.py"


def test_the_page_lists_every_file_and_no_other():
    linked = re.findall(r"\]\(([^)#/]+)\)", (GALLERY / "README.md").read_text("utf-8"))
    made = [path.name for path in GALLERY.iterdir() if path.suffix in (".svg", ".webp", ".png")]
    assert sorted(linked) == sorted(made)
    assert len(linked) == len(FIGURES[GALLERY]) + len(FILMS) + len(CHECKERBOARDS)


def test_the_tutorial_shows_every_picture_made_for_it():
    text = (DOCS / "tutorial.md").read_text("utf-8")
    shown = re.findall(r"!\[[^]]+\]\(([^)]+)\)", text)
    assert all((DOCS / path).is_file() for path in shown)
    own = {path.removeprefix("tutorial/") for path in shown if path.startswith("tutorial/")}
    assert own == {figure.still for figure in FIGURES[TUTORIAL]}
    assert own == {path.name for path in TUTORIAL.glob("*.svg")}


@pytest.mark.parametrize(
    "told", [*FIGURES[GALLERY], *CHECKERBOARDS.values()], ids=lambda told: told.title
)
def test_each_is_told_in_two_sentences(told):
    assert SENTENCE.fullmatch(told.shows)
    assert SENTENCE.fullmatch(told.notes)


def test_it_is_small():
    assert sum(path.stat().st_size for path in GALLERY.iterdir()) < LARGEST
    assert (DOCS / "stamps.webp").stat().st_size < LARGEST_STAMPS


def levels(name):
    """Return how many greys each panel of a checkerboard has, by label."""
    return {
        said: len(np.unique(np.round(picture, 6))) for picture, said in CHECKERBOARDS[name].make()
    }


def test_checkerboards_show_what_they_say():
    assert levels("checkerboard-flat") == {"k3 s2": 3, "k5 s2": 3, "k4 s2": 1, "k6 s3": 1}
    stacked = levels("checkerboard-stacked")
    assert [stacked[f"k4 s2, {n}"] for n in ("1 layer", "2 layers", "3 layers")] == [1, 1, 1]
    assert [stacked[f"k3 s2, {n}"] for n in ("1 layer", "2 layers", "3 layers")] == [3, 6, 14]
    assert list(levels("checkerboard-random").values()) == [4, 4, 1]
