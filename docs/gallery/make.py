"""Make the gallery, and the picture on top of the README: python docs/gallery/make.py."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from docs.gallery.making import main

    main(ROOT / "docs")
