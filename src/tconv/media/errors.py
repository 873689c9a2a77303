"""The one error of this package."""

from __future__ import annotations


class MediaError(Exception):
    """A file cannot be read or written; the message is one line fit for a user's terminal.

    Parameters
    ----------
    message
        What is wrong, with the file's name; characters a terminal would obey are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            "".join(
                c if c.isprintable() else c.encode("unicode_escape").decode("ascii")
                for c in message
            )
        )
