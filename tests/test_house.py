"""What may know what: the arrows of the house, held by reading its source."""

import ast
import doctest
import importlib.metadata
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import tconv

SOURCE = Path(tconv.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
FRAMEWORKS = {
    "torch", "jax", "jaxlib", "flax", "keras", "tensorflow", "onnx", "onnxruntime", "openvino",
}  # fmt: skip
HEAVY = {"scipy", "typer", "rich", "pyvips", "soundfile", "click", "matplotlib", "PIL"}


class Import(NamedTuple):
    """One imported module, and whether it is imported when its importer is."""

    module: str
    at_once: bool


class Reader(ast.NodeVisitor):
    """Collects what a module imports, leaving out what only type checkers see."""

    def __init__(self, package):
        self.package = package
        self.found = set()
        self.depth = 0

    def add(self, module):
        self.found.add(Import(module, self.depth == 0))

    def visit_Import(self, node):
        for alias in node.names:
            self.add(alias.name)

    def visit_ImportFrom(self, node):
        base = node.module or ""
        if node.level:
            parents = self.package.split(".")
            base = ".".join([*parents[: len(parents) + 1 - node.level], base]).rstrip(".")
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            self.add(inner if base.startswith("tconv") and is_module(inner) else base)

    def visit_If(self, node):
        if ast.unparse(node.test).endswith("TYPE_CHECKING"):
            node.body = []
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef  # noqa: N815

    def visit_Call(self, node):
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in ("import_module", "__import__") and isinstance(node.args[0], ast.Constant):
            self.add(node.args[0].value)
        self.generic_visit(node)


def is_module(name):
    path = SOURCE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def name_of(path):
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def read(source, package="tconv"):
    reader = Reader(package)
    reader.visit(ast.parse(source))
    return reader.found


def package_of(path):
    name = name_of(path)
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


IMPORTS = {name_of(path): read(path.read_text("utf-8"), package_of(path)) for path in FILES}


def room(name):
    """Return the first folder or module below tconv, below explanation too."""
    parts = name.split(".")
    return ".".join(parts[: 3 if parts[1:2] == ["explanation"] else 2])


def top(name):
    return name.partition(".")[0]


def rooms(name):
    return [one for one in IMPORTS if f"{one}.".startswith(f"tconv.{name}.")]


def strangers(names, allowed, *, lazily=()):
    """Return (importer, imported) for each import that is not allowed; the library always is."""
    return [
        (importer, module)
        for importer in names
        for module, at_once in IMPORTS[importer]
        if top(module) not in sys.stdlib_module_names
        and room(module) not in allowed
        and top(module) not in allowed
        and (at_once or top(module) not in lazily)
    ]


def test_the_reader_sees_imports():
    """What follows holds only if this does."""
    source = (
        "import a.b, c\nfrom d import e\nfrom . import checks\nfrom .geometry.axis import Axis\n"
        "if TYPE_CHECKING:\n    import never\n"
        "def f():\n    import lazy\n    importlib.import_module('named')\n"
    )
    at_once = {module for module, at_once in read(source) if at_once}
    assert at_once == {"a.b", "c", "d", "tconv.checks", "tconv.geometry.axis"}
    assert {module for module, at_once in read(source) if not at_once} == {"lazy", "named"}
    assert Import("numpy", True) in IMPORTS["tconv.functional"]
    assert Import("scipy.sparse", False) in IMPORTS["tconv.reference.matrix"]
    assert Import("tconv.geometry.axis", True) in IMPORTS["tconv.geometry.geometry"]


def test_geometry_needs_the_standard_library_alone():
    names = rooms("geometry")
    assert "tconv.geometry.solving.one_axis" in names
    assert strangers(names, {"tconv.geometry"}) == []


def test_definitions_know_geometry_and_numpy():
    definitions = rooms("reference")
    assert len(definitions) >= 8
    allowed = {"tconv.geometry", "tconv.checks", "tconv.reference", "numpy"}
    assert strangers(definitions, allowed, lazily={"scipy"}) == []


def test_the_engine_knows_geometry_numpy_and_its_own_module():
    modules = rooms("engine")
    assert {module for one in modules for module, _ in IMPORTS[one]} >= {"tconv.engine._native"}
    # what refuses, what an array holds, and what does what the engine cannot
    helpers = {"tconv.checks", "tconv.dtypes", "tconv.reference"}
    assert strangers(modules, {"tconv.geometry", "tconv.engine", "numpy"} | helpers) == []


def test_only_the_engine_knows_the_compiled_module():
    users = {
        importer
        for importer, imports in IMPORTS.items()
        for module, _ in imports
        if "_native" in module
    }
    assert users == {"tconv.engine.native"}


def test_conventions_know_geometry_alone():
    assert strangers(rooms("conventions"), {"tconv.geometry", "tconv.conventions"}) == []


def test_traces_know_geometry_definitions_and_letters():
    """A trace draws itself, but only when it is asked to."""
    trace, drawing, page = (f"tconv.explanation.{name}" for name in ("trace", "drawing", "page"))
    constants = "tconv.explanation.constants"
    allowed = {trace, constants, "tconv.geometry", "tconv.reference", "tconv.symbolic", "numpy"}
    traces = rooms("explanation.trace")
    assert len(traces) > 20
    assert strangers(traces, allowed | {drawing, page}) == []
    at_once = {room(module) for one in traces for module, now in IMPORTS[one] if now}
    assert not at_once & {drawing, page}


def test_drawings_know_traces_and_the_page_knows_both():
    trace, drawing, page = (f"tconv.explanation.{name}" for name in ("trace", "drawing", "page"))
    libraries = {"av", "numpy", "pyvips", "resvg_py"}
    drawings = rooms("explanation.drawing")
    constants = "tconv.explanation.constants"
    assert strangers(drawings, {drawing, trace, page, constants, "tconv.media"} | libraries) == []
    assert strangers(rooms("explanation.page"), {page, trace}) == []
    pages = {one for one in drawings for module, _ in IMPORTS[one] if room(module) == page}
    assert pages == {f"{drawing}.saving"}  # which asks for a page


@pytest.mark.parametrize("name", ["cli", "media"])
def test_only_the_command_and_drawings_that_are_saved_know(name):
    users = {
        importer
        for importer, imports in IMPORTS.items()
        for module, _ in imports
        if room(module) == f"tconv.{name}"
    }
    if name == "media":
        users.discard("tconv.explanation.drawing.saving")  # writes files whole or not at all
    assert {room(user) for user in users} <= {"tconv.cli", "tconv.__main__", f"tconv.{name}"}
    assert "tconv.__main__" not in users or name == "cli"


def test_only_peers_know_frameworks():
    knowing = {
        importer
        for importer, imports in IMPORTS.items()
        if FRAMEWORKS & {top(module) for module, _ in imports}
    }
    assert {room(importer) for importer in knowing} <= {"tconv.peers"}


def test_heavy_libraries_wait_until_they_are_used():
    """Only the command draws with typer and rich; only a medium's own file opens its library."""
    at_once = {
        (importer, top(module))
        for importer, imports in IMPORTS.items()
        for module, now in imports
        if now and top(module) in HEAVY
    }
    assert {room(importer) for importer, module in at_once if module in ("typer", "rich")} <= {
        "tconv.cli"
    }
    others = {(importer, module) for importer, module in at_once if module not in ("typer", "rich")}
    assert others <= {("tconv.media.pictures", "pyvips"), ("tconv.media.sounds", "soundfile")}


def test_no_circles():
    seen, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in seen:
            return
        path.append(name)
        for module, at_once in sorted(IMPORTS[name]):
            if at_once and module in IMPORTS and "." in module:
                visit(module)
        path.pop()
        seen.add(name)

    for name in IMPORTS:
        visit(name)


MEASURE = """
import json, sys, time
{before}
loaded = set(sys.modules)
start = time.process_time()
{measured}
spent = time.process_time() - start
print(json.dumps([spent, sorted(set(sys.modules) - loaded)]))
"""
CALL = "tconv.conv_transpose([[[1, 2]]], [[[3, 4]]], stride=2)"
EACH = "import tconv; [getattr(tconv, name) for name in tconv.__all__]"


def in_a_new_process(program):
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE.parent)},
    )
    return json.loads(run.stdout)


def measured(code, before=""):
    """Return the processor's seconds that code took, and the modules it loaded."""
    return in_a_new_process(MEASURE.format(before=before, measured=code))


def test_importing_tconv_loads_the_standard_library_alone():
    _, loaded = measured("import tconv")
    assert {top(name) for name in loaded} <= sys.stdlib_module_names | {"tconv"}


@pytest.mark.parametrize("code", [f"import tconv; {CALL}", EACH])
def test_what_is_used_loads_nothing_heavier_than_numpy(code):
    _, loaded = measured(code, "import numpy")
    assert "tconv.functional" in loaded
    assert ("tconv.explanation.trace" in loaded) == (code == EACH)
    strange = {top(name) for name in loaded} - sys.stdlib_module_names - {"tconv", "numpy"}
    # registered by NumPy's own compiled modules
    assert all(re.fullmatch(r"cython_runtime|_cython_\w+", name) for name in strange), strange


@pytest.mark.parametrize(
    ("code", "before", "limit"),
    [
        ("import tconv", "", 0.1),
        (f"import tconv; {CALL}", "import numpy", 0.2),
        (CALL, f"import numpy, tconv; {CALL}", 0.01),  # what was looked up is kept
    ],
)
def test_importing_and_first_use_cost_little_beyond_numpy(code, before, limit):
    assert min(measured(code, before)[0] for _ in range(7)) < limit


def test_lazy_names_are_those_that_type_checkers_see():
    tree = ast.parse((SOURCE / "__init__.py").read_text("utf-8"))
    seen = next(
        one for one in tree.body if isinstance(one, ast.If) and "TYPE_CHECKING" in one.test.id
    )
    homes = {
        alias.name: node.module.removeprefix("tconv").lstrip(".") or alias.name
        for node in seen.body
        for alias in node.names
    }
    modules = {name: name for name in tconv.__all__ if inspect.ismodule(getattr(tconv, name))}
    assert homes == modules | tconv._HOMES
    assert {*homes, "Solution", "__version__", "solve"} == set(tconv.__all__)


def test_no_module_hides_a_public_name():
    """Importing ``tconv.solve`` must not make ``tconv.solve`` a module."""
    program = """
import importlib, json, pkgutil, tconv, types
for one in pkgutil.iter_modules(tconv.__path__, "tconv."):
    if one.name != "tconv.__main__":
        importlib.import_module(one.name)
shadowed = [n for n in tconv.__all__ if isinstance(getattr(tconv, n), types.ModuleType)]
print(json.dumps(shadowed))
"""
    assert in_a_new_process(program) == ["kernels", "symbolic", "threadpools"]


def test_public_names_are_looked_up_once_and_unknown_ones_refused():
    program = """
import json, tconv
before = "upsample" in vars(tconv), "engine" in vars(tconv)
function, module = tconv.upsample, tconv.engine
from tconv import *
kept = upsample is function is vars(tconv)["upsample"] and module is vars(tconv)["engine"]
print(json.dumps([before, kept, set(tconv.__all__) == set(dir(tconv)), hasattr(tconv, "upsampel")]))
"""
    assert in_a_new_process(program) == [[False, False], True, True, False]
    with pytest.raises(AttributeError, match="module 'tconv' has no attribute 'upsampel'"):
        tconv.upsampel  # noqa: B018


def public():
    """Yield every public class and function; a public module stands for its own."""
    for name in tconv.__all__:
        value = getattr(tconv, name)
        if not inspect.ismodule(value):
            yield name, value
            continue
        assert value.__doc__, name
        for inner, one in vars(value).items():
            if inner[0] != "_" and getattr(one, "__module__", None) == value.__name__:
                yield f"{name}.{inner}", one


PUBLIC = {
    name: value for name, value in public() if inspect.isclass(value) or inspect.isfunction(value)
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_an_example(name):
    assert doctest.DocTestParser().get_examples(PUBLIC[name].__doc__ or "")


def test_public_names_are_there_and_sorted():
    assert len(PUBLIC) > 10
    assert list(tconv.__all__) == sorted(tconv.__all__, key=lambda n: (not n.isupper(), n))
    assert all(hasattr(tconv, name) for name in tconv.__all__)
    with pytest.raises(TypeError):
        tconv.METHODS["auto"] = None


def test_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\w+)?", tconv.__version__)
    try:
        installed = importlib.metadata.version("tconv")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("tconv is run from its source")
    assert installed == tconv.__version__


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_nothing_is_left_to_do(path):
    assert not re.search("TODO|FIXME|XXX", path.read_text("utf-8"))
