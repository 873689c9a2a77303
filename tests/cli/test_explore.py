"""``tconv explore``: what the page is started with."""

import pytest

from tconv.cli.app import run


@pytest.fixture
def started(monkeypatch):
    """Run the command with a server that only notes what it is given."""
    noted = []

    class Noted:
        url = "http://127.0.0.1:0/"

        def __init__(self, start, port):
            noted.append(start["state"])

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def serve_forever(self):
            raise KeyboardInterrupt

    monkeypatch.setattr("tconv.explanation.page.Server", Noted)

    def start(*arguments):
        assert run(["explore", "--no-browser", *map(str, arguments)]) == 0
        return noted[-1]

    return start


@pytest.mark.parametrize(
    ("arguments", "state"),
    [
        ([], {"i": "3x3", "k": "3", "s": "2"}),
        (["-i", 4], {"i": "4", "k": "3"}),
        (["-k", "2x5", "-s", 2], {"i": "3", "k": "2x5", "s": "2"}),
        (["--x", "1,2;3,4"], {"x": "1,2;3,4", "k": "3"}),
        (["-i", "2x2", "-k", 3, "-s", 2, "-O", 6], {"i": "2x2", "k": "3", "s": "2", "o": "6"}),
        (["-p", "1:0", "--view", "gather"],
         {"i": "3x3", "k": "3", "s": "2", "p": "1:0", "view": "gather"}),
    ],
)  # fmt: skip
def test_what_is_left_out_is_filled_in(arguments, state, started):
    assert started(*arguments) == state
