"""A layer without an input: it tells what the geometry of every input size tells."""

import pickle

import numpy as np
import pytest

from strategies import cropped_case, padded_case
from tconv import Geometry
from tconv.geometry.layer import Layer


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
@pytest.mark.parametrize("draw", [cropped_case, padded_case])
def test_what_it_tells_holds_for_every_input(draw, rank):
    random = np.random.default_rng(rank)
    for _ in range(100):
        case = draw(random, rank)
        layer = Layer.of(case.kernel_size, groups=case.groups, **case.words)
        for more in range(3):
            size = tuple(n + more for n in case.input_size)
            geometry = layer.geometry(size)
            assert geometry == Geometry.of(size, case.kernel_size, **case.words)
            for name in ("rank", "kernel_size", "stride", "dilation", "crop", "effective_kernel"):
                assert getattr(layer, name) == getattr(geometry, name), name
            assert layer.input_size(geometry.output_size) == size
        assert pickle.loads(pickle.dumps(layer)) == layer


@pytest.mark.parametrize("padding", ["same", "valid", "half", "full"])
@pytest.mark.parametrize(("kernel", "stride"), [((3, 5), (2, 1)), ((1, 3), (4, 4))])
def test_words_for_padding(padding, kernel, stride):
    layer = Layer.of(kernel, stride, padding)
    geometry = layer.geometry((4, 6))
    assert geometry == Geometry.of((4, 6), kernel, stride, padding)
    assert layer.crop == geometry.crop
    assert layer.input_size(geometry.output_size) == (4, 6)


def test_an_output_size_stands_for_the_output_padding():
    assert Layer.of((3,), 2).geometry((3,), 8) == Geometry.of(3, 3, 2, output_size=8)


@pytest.mark.parametrize(
    ("words", "size", "near"),
    [
        ({"stride": 3}, 6, "5 or 8"),
        ({"stride": 3}, 1, "2"),
        ({"padding": 3, "stride": 2}, 2, "1 or 3"),
    ],
)
def test_sizes_it_does_not_give(words, size, near):
    kernel = (2,) if "padding" not in words else (3,)
    with pytest.raises(ValueError, match=f"y has size {size} .* does not give; {near} would do"):
        Layer.of(kernel, **words).input_size((size,))


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({"stride": (2, 2)}, ValueError, "stride must be one integer or 1 of them"),
        ({"stride": True}, TypeError, "stride must be an integer, got True"),
        ({"groups": 0}, ValueError, "groups must be at least 1"),
        ({"output_padding": 1}, ValueError, "1 must be smaller than stride 1"),
        ({"padding": "half"}, ValueError, "needs an odd effective kernel, got 4"),
        ({"padding": "same", "output_padding": 1, "stride": 2}, ValueError, "must be 0"),
    ],
)
def test_what_no_input_could_mend_is_refused_at_once(words, error, said):
    with pytest.raises(error, match=said):
        Layer.of((4,), **words)
