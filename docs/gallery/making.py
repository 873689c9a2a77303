"""What the folders hold: stills, films, checkerboards and the page that lists them."""

from itertools import product
from pathlib import Path

from docs.gallery.checkerboards import CHECKERBOARDS
from docs.gallery.checkerboards import save as save_checkerboard
from docs.gallery.figures import Figure, figures, sources
from docs.gallery.page import page

FILM_SCALE = 0.625
STAMPS = "steps-numbers-stride-2-padding-1"
MADE = ("*.svg", "*.webp", "*.png")


def main(docs: Path) -> None:
    """Make everything anew; what is no longer a figure goes."""
    gallery, tutorial = docs / "gallery", docs / "tutorial"
    for folder, pattern in product((gallery, tutorial), MADE):
        for old in folder.glob(pattern):
            old.unlink()
    for folder in (gallery, tutorial):
        for figure in figures(sources(folder / "figures.toml")):
            (folder / figure.still).write_text(figure.drawn(), "utf-8")
            if figure.motion:
                save_film(figure, folder / figure.film)
            if figure.name == STAMPS:
                save_film(figure, docs / "stamps.webp")
    for name in CHECKERBOARDS:
        save_checkerboard(name, gallery)
    (gallery / "README.md").write_text(page(), "utf-8")


def save_film(figure: Figure, path: Path) -> None:
    """Save all frames in turn."""
    figure.trace().save(path, terms=figure.terms, scale=FILM_SCALE, force=True)
