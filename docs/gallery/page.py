"""The gallery's page: figures by source, each with two sentences and the command that makes it."""

from collections.abc import Iterator

from docs.gallery.checkerboards import CHECKERBOARDS
from docs.gallery.figures import Figure, sources

HEAD = """# Gallery

Every figure of the lectures, notes and articles that tconv grew out of, drawn anew from what
happens step by step. Under each: what it shows, what the original leaves out or gets wrong, and the
command that makes it again; [corrections](../corrections.md) has the mistakes with their proofs.
`tconv explore` with the same sizes opens a figure in the browser, where everything can be changed.
This page and its pictures are made by `python docs/gallery/make.py`.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *_contents(), *_sections()])


def _contents() -> Iterator[str]:
    for source in sources():
        yield f"- [{source.title}](#{_anchor(source.title)})"


def _sections() -> Iterator[str]:
    for source in sources():
        yield f"\n## {source.title}\n"
        yield "\n".join(map(_figure, source.figures))
    for name, board in CHECKERBOARDS.items():
        yield _entry(board.title, f"{name}.png", board.shows, board.notes)


def _figure(figure: Figure) -> str:
    shown = figure.film if figure.motion else figure.still
    entry = _entry(figure.title, shown, figure.shows, figure.notes)
    still = f"[A still]({figure.still}).\n\n" if figure.motion else ""
    return f"{entry}\n{still}```sh\n{figure.command()}\n```\n"


def _entry(title: str, file: str, shows: str, notes: str) -> str:
    return f"### {title}\n\n![{title}]({file})\n\n{shows} {notes}\n"


def _anchor(title: str) -> str:
    """Return a heading's anchor as GitHub makes it."""
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")
