"""One file holds the constants of both twins: it fits its types, and nothing in it stands twice."""

import ast
import json
import re
import subprocess
import sys
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from tconv.explanation import constants
from tconv.explanation.trace import model

SOURCE = Path(constants.__file__).parent
WEB = SOURCE / "page" / "web"
FILES = sorted([*SOURCE.rglob("*.py"), *WEB.rglob("*.js")])
TWINS = [
    folder / f"{name}{suffix}"
    for name in ("fitting", "layout", "scene", "svg")
    for folder, suffix in ((SOURCE / "drawing", ".py"), (WEB / "drawing", ".js"))
]
GROUPS = {name: value for name, value in vars(constants).items() if is_dataclass(type(value))}
PLAIN = {0, 0.5, 1, 2, 3}  # what halves, doubles, counts and indexes
HUNDREDTHS = {100}  # that an SVG's numbers are rounded to
NOT_CODE = re.compile(
    r"""/\*.*?\*/|(?<!:)//[^\n]*|https?://[^\s"`]+|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'""", re.S
)
NUMBER = re.compile(r"(?<![\w.$])(?:0x[\da-f]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])", re.I)


def numbers(path):
    """Return the numbers that a file's code spells out."""
    text = path.read_text("utf-8")
    if path.suffix == ".js":
        return set(map(ast.literal_eval, NUMBER.findall(NOT_CODE.sub('""', text))))
    return {
        node.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }


def test_numbers_are_found(tmp_path):
    """What follows holds only if they are."""
    page = tmp_path / "a.js"
    page.write_text(
        "/** 4 */ const a = 5.25; // 6\nf(\"7\", '8', 9e2, x10, a.b1, `${11}px`, 1_200); /* 13\n*/"
    )
    assert numbers(page) == {5.25, 900, 11, 1200}
    python = tmp_path / "a.py"
    python.write_text('"""4"""\na = 5.25  # 6\nf("7", -9e2, x10, True)\n')
    assert numbers(python) == {5.25, 900}


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.name)
def test_no_size_is_typed_in_a_drawing(path):
    assert numbers(path) <= PLAIN | (HUNDREDTHS if path.stem == "svg" else set())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_colour_and_no_large_limit_is_typed(path):
    assert not re.search(r"#[0-9a-fA-F]{6}\b", path.read_text("utf-8"))
    large = {limit for limit in asdict(constants.LIMITS).values() if limit > 10_000}
    assert len(large) > 3
    assert not numbers(path) & large


@pytest.mark.parametrize("name", GROUPS)
def test_values_fit_their_types(name):
    kinds = get_type_hints(type(GROUPS[name]))
    for field in fields(GROUPS[name]):
        value, kind = getattr(GROUPS[name], field.name), kinds[field.name]
        assert fits(value, kind), f"{name}.{field.name}: {value!r} is no {kind}"


def fits(value, kind):
    if kind is float:
        return type(value) in (int, float)
    if isinstance(kind, type):
        return type(value) is kind
    inner = kind.__args__
    inner = inner[:1] * len(value) if inner[-1] is ... else inner
    return type(value) is tuple and all(map(fits, value, inner)) and len(inner) == len(value)


@pytest.mark.parametrize("name", GROUPS)
def test_every_constant_is_used_in_both_twins(name):
    python, page = (
        "".join(p.read_text("utf-8") for p in FILES if p.suffix == suffix and p.stem != "constants")
        for suffix in (".py", ".js")
    )
    for field in fields(GROUPS[name]):
        assert re.search(rf"\b{name}\.{field.name}\b", python), field.name
        unpacked = rf"const {{[^}}]*\b{field.name}\b[^}}]*}} = {name};"
        assert re.search(rf"\b{name}\.{field.name}\b|{unpacked}", page), field.name


def test_kinds_are_named_as_they_are_spelt():
    kinds = list(constants.KINDS)
    assert [getattr(model, kind.upper()) for kind in kinds] == kinds
    assert sorted(constants.STRENGTH) == sorted(kinds)
    page = (WEB / "model.js").read_text("utf-8")
    named = re.search(r"export const \[(.*)\] = Object\.keys\(KINDS\);", page)[1]
    assert named.lower().split(", ") == kinds


def test_themes_have_the_same_colours():
    light, dark = constants.THEMES.values()
    assert list(light) == list(dark)
    names = {kind.fill for kind in constants.KINDS.values()} - {""}
    names |= {f"{role}-{state}" for role in model.ROLES for state in ("held", "active", "line")}
    assert names < set(light)
    colours = {*light.values(), *dark.values()}
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)


def test_the_file_waits_until_a_layer_is_explained():
    program = """
import json, sys, tconv
tconv.conv_transpose([[[1, 2]]], [[[3, 4]]], stride=2)
name = "tconv.explanation.constants"
before = name in sys.modules
tconv.explain
print(json.dumps([before, name in sys.modules]))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(run.stdout) == [False, True]
