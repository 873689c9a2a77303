"""Random layers and parameters for the page and for Python alike, and what Python says of them."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from tconv.conventions import code
from tconv.explanation import VIEWS, explain
from tconv.explanation.trace.views import DIRECT
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.facts import facts, overlap_words

SPELT = ("input_size", "kernel_size", "stride", "padding", "output_padding", "dilation")
PADDING_WORDS = ["valid", "same", "half", "full"]
NUMBERS = ("integers", "fractions", "decimals")
KEYS = {"i": "input_size", "k": "kernel_size", "s": "stride", "d": "dilation", "p": "padding",
        "op": "output_padding", "o": "output_size"}  # fmt: skip
LETTERS = ["a", "w2", "b", "-c", "2·a", "1/2·w1", "a - b", "1", "-3", "1/3", "w12·z + 2", "aa"]
FIGURES = ["0", "1", "-2", " 3", "+4 ", "0.5", ".25", "-1.75", "1e-3", "12"]
FILLINGS = ("letters", "numbers", "ones", None, *NUMBERS)


@dataclass(frozen=True)
class LayerCase:
    """The words of a geometry, and what is put in; `x` and `weight` are JSON, fractions as text."""

    words: dict[str, Any]
    view: str = "scatter"
    x: Any = None
    weight: Any = None
    groups: int = 1

    def told(self):
        return {"words": self.words, "view": self.view, "x": self.x, "weight": self.weight,
                "groups": self.groups}  # fmt: skip

    def trace(self):
        return explain(
            Geometry.of(**self.words),
            x=_exact(self.x),
            weight=_exact(self.weight),
            groups=self.groups,
            view=self.view,
        ).to_dict()


def answers(geometry):
    """Return what a geometry tells, as JSON."""
    return {
        "facts": facts(geometry) | {"code": code(geometry)},
        "overlap_words": overlap_words(geometry),
        "text": str(geometry),
        "axes": [_axis(axis) for axis in geometry.axes],
    }


def said(answer):
    """Return an answer, or the sentence that refuses it."""
    try:
        return answer()
    except (ValueError, TypeError) as error:
        return {"error": str(error)}


def _axis(axis: Axis):
    outputs, inputs = range(axis.output_size), range(axis.input_size)
    return {
        "phases": [axis.phase(o) for o in outputs],
        "reads": [[list(cells) for cells in axis.reads(o)] for o in outputs],
        "stamps": [list(axis.stamps(i)) for i in inputs],
        "taps_per_phase": list(axis.taps_per_phase),
        "products": axis.products,
        "crop_end": axis.crop_end,
    }


@dataclass
class Draw:
    """Draws cases, always the same ones."""

    seed: int
    random: np.random.Generator = field(init=False)

    def __post_init__(self):
        self.random = np.random.default_rng(self.seed)

    def words(self, rank, largest_input, largest_kernel):
        """Draw a geometry's words: padding as a word, alike, one an axis, or pairs that append."""

        def sizes(most, least=1):
            return self.random.integers(least, most + 1, rank).tolist()

        kind = self.random.integers(8)
        words = {
            "input_size": sizes(largest_input),
            "kernel_size": sizes(largest_kernel),
            "stride": sizes(4),
            "dilation": sizes(3),
        }
        if kind == 0:
            words["padding"] = str(self.random.choice(PADDING_WORDS))
        elif kind < 3:
            words["padding"] = sizes(2, 0)
        elif kind == 3:
            words["padding"] = int(self.random.integers(3))
        else:
            words["padding"] = self.random.integers(-2, 5, (rank, 2)).tolist()
        if kind % 2:
            words["output_padding"] = sizes(2, 0)
        if kind == 6:
            words["output_size"] = sizes(12)
            words.pop("output_padding", None)
        return words

    def layer(self, view):
        """Draw a layer to trace, the channels of which may not fit."""
        rank = int(self.random.choice([1, 2, 3], p=[0.4, 0.5, 0.1]))
        words = self.words(rank, (5, 3, 2)[rank - 1], (4, 3, 2)[rank - 1])
        groups, each_in, each_out = self.random.choice([1, 2, 3], 3, p=[0.7, 0.2, 0.1]).tolist()
        channels = (groups * each_in, each_out)
        try:
            geometry = Geometry.of(**words)
        except ValueError:
            return LayerCase(words, view)
        shape = (channels[0], *geometry.input_size)
        if view in DIRECT:
            shape = (groups * each_out, *geometry.output_size)
        if self.random.random() < 0.05:
            shape = (shape[0] + 1, *shape[1:])
        x = self.filling(shape, rank)
        weight = self.filling((*channels, *geometry.kernel_size), rank, beside=kind_of(x))
        return LayerCase(words, view, x, weight, groups)

    def filling(self, shape, rank, beside=None):
        kinds = [k for k in FILLINGS if {k, beside} != {"fractions", "decimals"}]
        kind = kinds[self.random.integers(len(kinds))]
        if kind not in NUMBERS:
            return kind
        array = self.random.integers(-4, 10, shape).astype(object)
        if kind == "fractions":
            array = _each(lambda n: str(Fraction(n, int(self.random.integers(1, 7)))), array)
        elif kind == "decimals":
            array = _each(lambda n: n + float(self.random.choice([0.1, 0.25, 1 / 3, 1e-7])), array)
        lead = len(shape) - rank
        if array.shape[:lead] == (1,) * lead and self.random.random() < 0.5:
            array = array.reshape(shape[lead:])
        return array.tolist()

    def texts(self):
        """Draw what a link may say, some of it left out, some of it not fitting."""
        words = self.words(int(self.random.choice([1, 2, 3], p=[0.4, 0.5, 0.1])), 3, 3)
        rank = len(words["input_size"])
        view = str(self.random.choice([*VIEWS]))
        texts = {"view": view}
        short = self.random.random() < 0.2
        for key, name in KEYS.items():
            if name in words:
                given = words[name]
                if isinstance(given, list) and short:
                    given = given[:1]
                texts[key] = _sized(given)
        groups = int(self.random.choice([1, 1, 1, 2]))
        if groups > 1:
            texts["g"] = str(groups)
        try:
            geometry = Geometry.of(**words)
        except ValueError:
            return texts
        size = geometry.output_size if view in DIRECT else geometry.input_size
        letters = view != "deconvolution" and self.random.random() < 0.5
        if self.random.random() < 0.7:
            texts["x"] = self.planes((groups, *size), rank, letters)
        if self.random.random() < 0.7:
            texts["w"] = self.planes((groups, *geometry.kernel_size), rank, letters)
        for key in ("i", "k", "s"):
            if self.random.random() < 0.15:
                texts.pop(key)
        return texts

    def planes(self, shape, rank, letters):
        pool = LETTERS if letters else FIGURES
        cells = self.random.choice(pool, math.prod(shape)).tolist()
        columns = shape[-1]
        plane = columns * (shape[-2] if rank > 1 else 1)
        marks = ["|" if n % plane == 0 else ";" if n % columns == 0 else ","
                 for n in range(len(cells))]  # fmt: skip
        return "".join(f"{mark}{cell}" for mark, cell in zip(marks, cells, strict=True))[1:]

    def spoilt(self, texts):
        """Put a wrong character into one of the texts."""
        key = str(self.random.choice([*texts]))
        text = texts[key]
        at = int(self.random.integers(len(text) + 1))
        put = str(self.random.choice([*"0123xX:,;|/-+ abw·×ß", "", "x2", "half", "1/0"]))
        cut = int(self.random.integers(2))
        return texts | {key: text[:at] + put + text[at + cut :]}


def _sized(given):
    if isinstance(given, list):
        return "x".join(":".join(map(str, n)) if isinstance(n, list) else str(n) for n in given)
    return str(given)


def kind_of(values):
    """Name the kind of what was filled in."""
    while isinstance(values, list):
        values = values[0]
    if isinstance(values, float):
        return "decimals"
    return "fractions" if isinstance(values, str) and values[-1].isdigit() else None


def _each(change, array):
    return np.vectorize(change, otypes=[object])(array)


def _exact(values):
    if isinstance(values, list):
        return [_exact(value) for value in values]
    is_fraction = isinstance(values, str) and values[-1].isdigit()
    return Fraction(values) if is_fraction else values


def refused(random):
    """Draw words of which some are wrong."""
    one = [-1, 0, 1, 2, 3, 1.5, True, "2", None, [1], [2, 3], [1, 2, 3], [], [1.5, 2], [0, 1]]
    pads = [
        0, 1, -1, 2.5, False, None, "same", "half", "ful", "Same", "reflect", "hlaf", "ha", "",
        [1, 2], [[1, 0]], [[1, 0], [0, 1]], [[1]], [[1, 2, 3], 1], [[-1, 2], -1], [["a", 1], 2],
    ]  # fmt: skip
    good = {"input_size": 3, "kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 0,
            "dilation": 1}  # fmt: skip
    words = dict(good)
    for name in random.choice(SPELT, int(random.integers(1, 4)), replace=False).tolist():
        pool = pads if name == "padding" else one
        words[name] = pool[random.integers(len(pool))]
    if random.random() < 0.3:
        words["output_size"] = one[random.integers(len(one))]
    return words


def floats(random, number):
    """Draw floats of every size, many of them halfway between two of six digits."""
    drawn = random.standard_normal(number) * 10.0 ** random.integers(-20, 25, number)
    halfway = random.integers(100_000, 10**6, number) * 2 + 1
    ties = halfway / 2 * 2.0 ** random.integers(-6, 7, number)
    edges = [0.0, -0.0, 1e-4, 9.999995e-5, 1e16, 9.999995e15, 2.0**53, 2.0**53 - 1, -1e-9, 5e-324]
    return [*drawn.tolist(), *ties.tolist(), *(ties / 10**4).tolist(), *edges, math.pi]


def difference(python, page, near=None, path=""):
    """Return where two JSON values first differ, and how; None where they do not."""
    if type(python) is not type(page) and not {type(python), type(page)} <= {int, float}:
        return f"{path or 'all of it'}: Python {python!r}, the page {page!r}"
    if isinstance(python, dict):
        if list(python) != list(page):
            return f"{path}: Python has the keys {list(python)}, the page {list(page)}"
        pairs = [(f"{path}.{key}", python[key], page[key]) for key in python]
    elif isinstance(python, list):
        if len(python) != len(page):
            return f"{path}: Python has {len(python)} entries, the page {len(page)}"
        pairs = [(f"{path}[{n}]", *both) for n, both in enumerate(zip(python, page, strict=True))]
    else:
        if python == page or (near and near(python, page)):
            return None
        return f"{path}: Python {python!r}, the page {page!r}"
    return next((d for at, a, b in pairs if (d := difference(a, b, near, at))), None)
