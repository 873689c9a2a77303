"""The explorer's page as its own server gives it, in a browser that may reach nothing else."""

from threading import Thread
from urllib.parse import urlsplit

import pytest
from browser import browser  # noqa: F401

from tconv.explorer import Server

LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 320, "height": 640}


@pytest.fixture(scope="session")
def address():
    with Server() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


@pytest.fixture
def opened(browser, address):  # noqa: F811
    """Open the page; what it complains of, or asks of any other place, fails the test."""
    contexts, wrong = [], []

    def watched(request):
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.hostname != "127.0.0.1":
            wrong.append(f"request: {request.url}")

    def guard(route):
        inside = urlsplit(route.request.url).hostname == "127.0.0.1"
        route.continue_() if inside else route.abort()

    def open_page(link="", *, at=address, viewport=LAPTOP, **words):
        context = browser.new_context(viewport=viewport, accept_downloads=True, **words)
        context.route("http*://**", guard)
        context.on("request", watched)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on(
            "console",
            lambda said: wrong.append(f"console: {said.text}") if said.type == "error" else None,
        )
        page.goto(f"{at}#{link}" if link else at)
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []
