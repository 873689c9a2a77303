"""Which package may import which, and what importing costs, read from the source."""

import ast
import doctest
import importlib.metadata
import inspect
import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

import tconv

SOURCE = Path(tconv.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))


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
        by_name = called in ("import_module", "__import__", "needed")
        if by_name and isinstance(node.args[0], ast.Constant):
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


def package(name):
    """Return the package, or the single module, that a module belongs to."""
    parts = name.split(".")[1:]
    inner = parts[:1] == ["explanation"] and "/".join(parts[:2])
    if parts[:1] == ["keras"]:
        return "tconv.keras"  # the library has that name too
    return inner if inner in KNOWS else parts[0] if parts else "tconv"


def top(name):
    return name.partition(".")[0]


def known_to(name):
    """Return the packages of tconv, and other libraries, that a package imports."""
    found = {
        package(module) if top(module) == "tconv" else top(module)
        for importer, imports in IMPORTS.items()
        if package(importer) == name
        for module, _ in imports
    }
    return found - sys.stdlib_module_names - {name, "_version"}


# What each package imports of the others and of other libraries: no more, no less.
KNOWS = {
    "geometry": "",
    "conventions": "geometry",
    "dtypes": "numpy",
    "checks": "geometry dtypes numpy",
    "reference": "geometry checks numpy scipy",
    "engine": "geometry dtypes checks reference numpy",
    "arrays": "geometry conventions dtypes checks reference engine numpy torch jax",
    "functional": "geometry dtypes checks reference engine arrays numpy",
    "timing": "",
    "nn": "geometry engine arrays torch numpy timing",
    "tconv.keras": "conventions functional keras",
    "models": "geometry conventions engine numpy onnx onnxruntime checks timing",
    "symbolic": "geometry checks functional numpy",
    "interpolation": "geometry dtypes checks engine functional numpy",
    "explanation/constants": "",
    "explanation/trace": "geometry reference symbolic explanation/constants numpy",
    "explanation/drawing": "explanation/constants explanation/trace av pyvips resvg_py",
    "explanation/page": "explanation/trace explanation/drawing",
    "explanation": "geometry media explanation/trace explanation/drawing explanation/page numpy",
    "peers": "geometry conventions reference numpy scipy torch jax keras onnx onnxruntime "
    "tensorflow",
    "verify": "geometry conventions checks reference engine functional peers numpy",
    "media": "numpy pyvips soundfile",
    "configuration": "engine numpy",
    "threadpools": "engine threadpoolctl",
    "cli": "geometry conventions checks functional symbolic interpolation verify configuration "
    "explanation explanation/trace explanation/drawing explanation/page media models nn numpy onnx "
    "rich torch typer",
    "tconv": "threadpools",
    "__main__": "cli",
    "_version": "",
}


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


@pytest.mark.parametrize("name", KNOWS)
def test_a_package_imports_what_it_may(name):
    assert known_to(name) == set(KNOWS[name].split())


def test_every_package_is_listed():
    assert {package(name) for name in IMPORTS} == KNOWS.keys()


def arrows():
    """Read the picture in the guide: each arrow as (importer, imported)."""
    guide = Path(__file__).parents[1].joinpath("CONTRIBUTING.md").read_text("utf-8")
    picture = guide.partition("```mermaid\n")[2].partition("```")[0]
    drawn = [re.split(r"\s*-->\s*", line.strip()) for line in picture.splitlines() if "-->" in line]
    return {
        (importer, imported)
        for ends in drawn
        for importers, several in pairwise(ends)
        for importer in importers.split(" & ")
        for imported in several.split(" & ")
    }


def reached(start, arrows):
    """Return what can be come to from a package along arrows."""
    ends = {imported for importer, imported in arrows if importer == start}
    return ends.union(*(reached(end, arrows) for end in ends))


def test_the_guides_picture_is_the_truth():
    """Every import follows its arrows, and no arrow can be left out."""
    drawn = arrows()
    direct = {(name, one) for name in KNOWS for one in known_to(name) & KNOWS.keys()}
    direct = {pair for pair in direct if not {"tconv", "__main__"} & {*pair}}
    assert drawn <= direct
    assert {pair for pair in direct if pair[1] not in reached(pair[0], drawn)} == set()
    needless = {
        (one, other) for one, other in drawn if other in reached(one, drawn - {(one, other)})
    }
    assert needless == set()


def test_only_the_engine_knows_the_compiled_module():
    users = {
        importer
        for importer, imports in IMPORTS.items()
        for module, _ in imports
        if "_native" in module
    }
    assert users == {"tconv.engine.native"}


def test_libraries_wait_until_they_are_used():
    """All but NumPy, the command's parser and printer, and frameworks where all is about them."""
    at_once = {
        (package(importer), top(module))
        for importer, imports in IMPORTS.items()
        for module, now in imports
        if now and top(module) not in sys.stdlib_module_names | {"tconv", "numpy"}
    }
    assert at_once == {
        ("cli", "typer"), ("cli", "rich"), ("arrays", "torch"), ("nn", "torch"), ("arrays", "jax"),
        ("tconv.keras", "keras"),
    }  # fmt: skip
    frameworks = ("tconv.arrays.pytorch", "tconv.nn"), ("tconv.arrays.jax",), ("tconv.keras",)
    for about in frameworks:
        for importer, imports in IMPORTS.items():
            loads = {module for module, now in imports if now and module.startswith(about)}
            assert not loads or importer.startswith(about)


def test_no_circles():
    """Neither when modules are imported nor later, when what they import lazily is."""
    seen, path = set(), []

    def visit(name):
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name in seen:
            return
        path.append(name)
        for module, _ in sorted(IMPORTS[name]):
            if module in IMPORTS:
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


# The engine's sources from the bindings down: a file includes what stands below it, or beside it.
NATIVE = Path(__file__).parents[1] / "native"
STAGES = (
    "bindings", "target", "plan", "algorithms", "registry", "epilogue", "gemm", "problem",
    "heuristics", "simd", "once", "runtime", "api",
)  # fmt: skip


@pytest.mark.skipif(not NATIVE.is_dir(), reason="needs the sources")
def test_native_includes_go_down():
    sources = list(NATIVE.rglob("*.[ch]pp"))
    rank = {stage: index for index, stage in enumerate(STAGES)}
    read = 0
    for path in sources:
        own = rank[path.relative_to(NATIVE).parts[0].partition(".")[0]]
        for included in re.findall(r'#include "([^"]+)"', path.read_text("utf-8")):
            read += 1
            assert (NATIVE / included).is_file(), f"{path.name} includes {included}"
            assert rank[included.partition("/")[0].partition(".")[0]] >= own, (
                f"{path.relative_to(NATIVE)} includes {included}, which stands above it"
            )
    assert read > len(sources)


@pytest.mark.skipif(not NATIVE.is_dir(), reason="needs the sources")
def test_no_algorithm_includes_another():
    shared = {"algorithms/combining.hpp", "algorithms/definition.hpp", "algorithms/strided.hpp"}
    folder = NATIVE / "algorithms"
    for path in folder.rglob("*.[ch]pp"):
        own = path.relative_to(folder).parts[0].partition(".")[0]
        for included in re.findall(r'#include "(algorithms/[^"]+)"', path.read_text("utf-8")):
            other = included.split("/")[1].partition(".")[0]
            assert other == own or included in shared, f"{path.name} includes {included}"
