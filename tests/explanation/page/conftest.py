"""The explorer's page as its own server gives it, in a browser that may reach nothing else."""

from threading import Thread
from urllib.parse import urlsplit

import pytest

from tconv.explanation.page import Server

LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 320, "height": 640}
# the panels follow the drawing one frame later
SETTLED = "html[data-ready]:not(:has([aria-busy=true]))"


@pytest.fixture(scope="session")
def address():
    with Server() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


class Pages:
    """Pages of one browser, used again by the next test; they keep nothing but what they show."""

    def __init__(self, browser):
        self.browser = browser
        self.idle = {}
        self.busy = []
        self.wrong = []
        self.visits = 0

    def take(self, **words):
        kind = repr(sorted(words.items()))
        idle = self.idle.setdefault(kind, [])
        page = idle.pop() if idle else self.new(**words)
        self.busy.append((idle, page))
        return page

    def new(self, **words):
        context = self.browser.new_context(accept_downloads=True, **words)
        context.route("http*://**", self.guard)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", self.heard)
        return page

    def guard(self, route):
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            self.wrong.append(f"request: {route.request.url}")
            route.abort()

    def heard(self, said):
        if said.type == "error":
            self.wrong.append(f"console: {said.text}")

    def release(self):
        """Return what went wrong since the last release."""
        for idle, page in self.busy:
            idle.append(page)
        wrong = list(self.wrong)
        self.busy.clear()
        self.wrong.clear()
        return wrong


@pytest.fixture(scope="session")
def pages(browser):
    return Pages(browser)


@pytest.fixture
def opened(pages, address):
    """Open the page; what it complains of, or asks of any other place, fails the test."""

    def open_page(link="", *, at=address, viewport=LAPTOP, **words):
        page = pages.take(viewport=viewport, **words)
        pages.visits += 1
        page.mouse.move(0, 0)
        page.goto(f"{at}?{pages.visits}#{link}")
        page.wait_for_selector(SETTLED)
        return page

    yield open_page
    assert pages.release() == []
