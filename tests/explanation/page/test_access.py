"""The page examined by axe: light, dark, small, side by side, and where something is wrong."""

import pytest

from explanation.page.conftest import PHONE

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

STATES = {
    "light": ("i=3x3&k=3&s=2&frame=3", {}),
    "dark": ("i=3x3&k=3&s=2&p=1&frame=3", {"color_scheme": "dark"}),
    "small": ("i=3x3&k=3&s=2&frame=3", {"viewport": PHONE}),
    "beside": ("i=4&k=3&s=2&view=stretch&beside=gather&frame=3", {}),
    "wrong": ("i=4&k=0", {}),
}


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(opened, state):
    link, words = STATES[state]
    page = opened(link, **words)
    found = axe.Axe().run(page).response["violations"]
    assert not found, [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]


def test_axe_finds_nothing_among_the_keys(opened):
    page = opened()
    page.click("#help")
    found = axe.Axe().run(page).response["violations"]
    assert not found, [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]
