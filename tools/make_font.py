"""Make the drawings' font: a subset of DejaVu Sans, and the widths that both twins fit text with.

    python tools/make_font.py /usr/share/fonts/truetype/dejavu

needs fonttools and brotli.
"""

import json
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

SOURCE = Path(__file__).parents[1] / "src" / "tconv" / "explanation"
FONT = SOURCE / "drawing" / "font"
LATIN = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x100)]))
GREEK = "".join(map(chr, [*range(0x391, 0x3A2), *range(0x3A3, 0x3AA), *range(0x3B1, 0x3CA)]))
SIGNS = "–—‘’“”…′″⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿᵀ₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎←↑→↓↔⇐⇒∂∈∏∑−∗√∞∫≈≠≡≤≥⊗⌈⌉⌊⌋‖"
WEIGHTS = {"regular": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf"}


def main(folder: Path) -> None:
    """Write the fonts and their widths."""
    widths = {}
    for weight, name in WEIGHTS.items():
        font = TTFont(folder / name, recalcTimestamp=False)
        options = Options()
        options.layout_features = []
        options.hinting = False
        options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
        options.drop_tables += ["FFTM", "GDEF", "GPOS", "GSUB", "kern"]
        subsetter = Subsetter(options)
        subsetter.populate(text=LATIN + GREEK + SIGNS)
        subsetter.subset(font)
        font.save(FONT / f"{weight}.ttf")
        font.flavor = "woff2"
        font.save(FONT / f"{weight}.woff2")
        advance = font["hmtx"].metrics
        widths[weight] = {chr(c): advance[g][0] for c, g in sorted(font.getBestCmap().items())}
        widths["em"] = font["head"].unitsPerEm
    text = json.dumps(widths, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    (FONT / "widths.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
