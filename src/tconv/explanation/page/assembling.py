"""One self-contained HTML text out of the page's files: nothing in it loads from anywhere."""

import html as entities
import json
import posixpath
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any
from urllib.parse import quote

from tconv.explanation.drawing import fonts
from tconv.explanation.trace.model import Trace

ROOT = files("tconv.explanation.page")
ENTRY = "app.js"
STYLE_LINK = '<link rel="stylesheet" href="style.css">'
ENTRY_SCRIPT = f'<script type="module" src="{ENTRY}"></script>'
DATA = {  # what Python and the page both read
    "constants.json": files("tconv.explanation") / "constants.json",
    "widths.json": fonts.FOLDER / "widths.json",
}
IMPORTED = re.compile(
    r"""(?m)^((?:import|export)\b[^'";]*?\bfrom |import )"""
    r"""(["'])(\.[^"']+)\2(?: with \{ type: "json" \})?"""
)
KEPT = "!$&'()*+,-./:;=?@[]_~ <>{}|^`"  # what a data: URL may hold as it is


def page(start: Mapping[str, Any] | None = None, nonce: str | None = None) -> str:
    """Return the whole page as one HTML text.

    Parameters
    ----------
    start : mapping, optional
        What the page shows first: ``{"state": {"i": "4x4", "k": "3"}}``, in the words of its
        links, or ``{"trace": …}``, a trace as a dictionary.
    nonce : str, optional
        Put on every script, for a server's content security policy.

    Examples
    --------
    >>> page().startswith("<!doctype html>")
    True
    """
    mark = f' nonce="{nonce}"' if nonce else ""
    return (
        _frame()
        .replace("<script", f"<script{mark}")
        .replace('id="start">{}', f'id="start">{_json(dict(start or {}))}', 1)
    )


def html(trace: Trace) -> str:
    """Return a page that plays one trace.

    Examples
    --------
    >>> import tconv
    >>> '"view": "scatter"' in html(tconv.explain(3, 2))
    True
    """
    return page({"trace": trace.to_dict()})


def iframe(trace: Trace, height: int = 520) -> str:
    """Return the player of a trace as an element for a notebook, closed off from the rest of it.

    Examples
    --------
    >>> import tconv
    >>> iframe(tconv.explain(3, 2))[:24]
    '<iframe sandbox="allow-s'
    """
    source = entities.escape(html(trace))
    return (
        f'<iframe sandbox="allow-scripts allow-downloads" title="{entities.escape(trace.title)}" '
        f'style="width:100%;height:{height}px;border:0" srcdoc="{source}"></iframe>'
    )


@cache
def _frame() -> str:
    """Return the page with everything in it but what it starts with."""
    folder = ROOT / "web"
    modules = {
        f"tconv/{name}": _data_url(_by_bare_names(name, text))
        for name, text in sorted(_modules(folder))
    }
    for name, source in DATA.items():
        held = json.loads(source.read_text("utf-8"))
        modules[f"tconv/{name}"] = _data_url(f"export default {_compact(held)};")
    style = (folder / "style.css").read_text("utf-8")
    for face in fonts.WEIGHTS:
        style = style.replace(f"FONT_{face.upper()}", fonts.data_url(face))
    presets = json.loads((ROOT / "presets.json").read_text("utf-8"))
    entry = f'<script type="module">import "tconv/{ENTRY}";</script>'
    return (
        (folder / "index.html")
        .read_text("utf-8")
        .replace(STYLE_LINK, f"<style>{style}</style>", 1)
        .replace(
            ENTRY_SCRIPT,
            f'<script type="importmap">{_json({"imports": modules})}</script>\n{entry}',
            1,
        )
        .replace('id="presets">[]', f'id="presets">{_json(presets)}', 1)
    )


def _modules(folder: Traversable, under: str = "") -> list[tuple[str, str]]:
    found = []
    for entry in folder.iterdir():
        name = under + entry.name
        if entry.is_dir():
            found += _modules(entry, f"{name}/")
        elif name.endswith(".js"):
            found.append((name, entry.read_text("utf-8")))
    return found


def _by_bare_names(name: str, text: str) -> str:
    """Rewrite ``from "./axis.js"`` to ``from "tconv/axis.js"``, as the import map has it.

    JSON becomes a module, too: older browsers do not import it as such.

    Examples
    --------
    >>> _by_bare_names("views/scatter.js", 'import { Axis } from "../axis.js";')
    'import { Axis } from "tconv/axis.js";'
    >>> _by_bare_names("a.js", 'import a from "../../constants.json" with { type: "json" };')
    'import a from "tconv/constants.json";'
    """
    folder = posixpath.dirname(name)

    def bare(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, found[3]))
        held = posixpath.basename(target)
        return f'{found[1]}"tconv/{held if held in DATA else target}"'

    return IMPORTED.sub(bare, text)


def _data_url(text: str) -> str:
    return f"data:text/javascript,{quote(text, safe=KEPT)}"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json(value: Any) -> str:
    """Return JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
