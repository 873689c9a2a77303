"""Chromium for the tests of the page: one for a whole session, and a loopback server of a folder.

Skipped where there is no Chromium or Playwright, unless TCONV_REQUIRE_BROWSER is set.
"""

import os
import shutil
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    """A running Chromium: the one on the path, or Playwright's own."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        _give_up("Playwright is not installed")
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        try:
            running = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        except Error as error:
            _give_up(f"no Chromium: {error}")
        yield running
        running.close()


def _give_up(reason):
    if os.environ.get("TCONV_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


class _Handler(SimpleHTTPRequestHandler):
    def guess_type(self, path):
        return "text/javascript" if str(path).endswith(".js") else super().guess_type(path)

    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """Serve a folder on loopback; yields its address, without a slash at the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
