"""Words to geometry and back: nothing said is refused, and nothing is said wrongly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import axes
from tconv import Geometry
from tconv.conventions import CONVENTIONS, JAX, KERAS, ONNX, PYTORCH, TENSORFLOW, Inexpressible


def tuples(rank, low, high):
    return st.tuples(*[st.integers(low, high)] * rank)


@st.composite
def sizes(draw, ranks=(1, 3)):
    """Draw input size, kernel size, stride and dilation."""
    rank = draw(st.integers(*ranks))
    return tuple(draw(tuples(rank, 1, most)) for most in (6, 5, 7, 4))


def full_sizes(size):
    return Geometry.of(*size[:3], dilation=size[3]).full


def said_again(convention, geometry, groups=1):
    words = convention.words(geometry, groups)
    assert convention.geometry(geometry.input_size, geometry.kernel_size, **words) == geometry


@pytest.mark.parametrize("name", CONVENTIONS)
@given(axes=st.lists(axes(largest=5), min_size=1, max_size=4), groups=st.integers(1, 3))
def test_words_give_the_geometry_back_or_say_why_not(name, axes, groups):
    geometry = Geometry(tuple(axes))
    try:
        said_again(CONVENTIONS[name], geometry, groups)
    except Inexpressible as refusal:
        message = str(refusal)
        assert CONVENTIONS[name].name in message
        assert ": " in message, "it says what would do"
        assert not message.endswith("leave it as it is")


@given(axes=st.lists(axes(largest=5), min_size=1, max_size=5), groups=st.integers(1, 3))
def test_jax_says_everything(axes, groups):
    said_again(JAX, Geometry(tuple(axes)), groups)


@given(sizes(), st.data())
def test_pytorch_is_never_refused_its_own_words(size, data):
    rank = len(size[0])
    padding = data.draw(tuples(rank, 0, 5))
    limits = [max(s, d) - 1 for s, d in zip(size[2], size[3], strict=True)]
    extra = data.draw(st.tuples(*(st.integers(0, limit) for limit in limits)))
    if min(f - 2 * p + e for f, p, e in zip(full_sizes(size), padding, extra, strict=True)) < 1:
        return
    words = {"stride": size[2], "padding": padding, "output_padding": extra, "dilation": size[3]}
    said_again(PYTORCH, PYTORCH.geometry(*size[:2], **words))
    if min(size[2]) > 1:
        assert PYTORCH.words(PYTORCH.geometry(*size[:2], **words)) == {"groups": 1, **words}


@given(sizes(), st.sampled_from(["valid", "same"]), st.booleans(), st.data())
def test_keras_is_never_refused_what_all_its_backends_take(size, padding, explicit, data):
    rank = len(size[0])
    extra = None
    if explicit:
        effective = [d * (k - 1) + 1 for k, d in zip(size[1], size[3], strict=True)]
        moved = [1 - ke % 2 if padding == "same" else 0 for ke in effective]
        extra = tuple(
            data.draw(st.integers(least, least + s - 1))
            for least, s in zip(moved, size[2], strict=True)
        )
    words = dict(zip(("strides", "dilation_rate"), size[2:], strict=True))
    geometry = KERAS.geometry(*size[:2], padding=padding, output_padding=extra, **words)
    assert geometry.rank == rank
    said_again(KERAS, geometry)


@given(sizes(), st.sampled_from(["VALID", "SAME", "explicit"]), st.data())
def test_tensorflow_is_never_refused_its_own_words(size, padding, data):
    full, (inputs, _, stride, dilation) = full_sizes(size), size
    least = full if padding == "VALID" else [(i - 1) * s + 1 for i, s in zip(inputs, stride)]  # noqa: B905
    if padding == "explicit":
        if len(inputs) != 2 or max(dilation) > 1:
            return
        pads = [data.draw(st.tuples(*[st.integers(0, (f - 1) // 2)] * 2)) for f in full]
        least = [f - sum(pad) for f, pad in zip(full, pads, strict=True)]
        padding = [[0, 0], *pads, [0, 0]]
    output = [data.draw(st.integers(o, o + s - 1)) for o, s in zip(least, stride, strict=True)]
    said_again(
        TENSORFLOW,
        TENSORFLOW.geometry(*size[:2], (None, *output, None), stride, padding, dilation),
    )


@given(sizes(ranks=(1, 4)), st.data())
def test_onnx_is_never_refused_its_own_words(size, data):
    rank, full = len(size[0]), full_sizes(size)
    kind = data.draw(st.sampled_from(["pads", "SAME_UPPER", "SAME_LOWER", "VALID", "shape"]))
    extra = tuple(data.draw(st.integers(0, s - 1)) for s in size[2])
    words = {"strides": size[2], "dilations": size[3], "output_padding": extra}
    if kind == "pads":
        pairs = [data.draw(st.tuples(*[st.integers(0, (f - 1) // 2)] * 2)) for f in full]
        words["pads"] = sum(zip(*pairs, strict=True), ())
    elif kind == "shape":
        words |= {"output_padding": (0,) * rank}
        words["output_shape"] = [
            data.draw(st.integers(1, f + s - 1)) for f, s in zip(full, size[2], strict=True)
        ]
    else:
        words["auto_pad"] = kind
    said_again(ONNX, ONNX.geometry(*size[:2], **words))


@pytest.mark.parametrize("name", CONVENTIONS)
def test_the_plainest_layer_is_sayable_everywhere(name):
    said_again(CONVENTIONS[name], Geometry.of((5, 7), (4, 6), stride=(2, 3)))


@pytest.mark.parametrize(
    ("name", "crop", "groups", "says"),
    [
        ("pytorch", (0, 1), 1, "use padding=0 and cut the last cell"),
        ("pytorch", (5, 0), 1, "crop (5, 0) needs 5: use padding=0 and cut the first 5 cells"),
        ("pytorch", (-1, 0), 1, "use padding=0 and put a bias-only cell before it"),
        ("keras", (2, 1), 1, 'use padding="valid" and cut the first 2 cells and cut the last'),
        ("keras", (0, 0), 2, "use 2 layers and concatenate"),
        ("tensorflow", (2, 1), 1, 'use padding="VALID" and cut'),
        ("onnx", (-1, 0), 1, "use pads=[0, 0] and put a bias-only cell before it"),
        ("onnx", (0, -2), 1, "use pads=[0, 0] and put 2 bias-only cells after it"),
    ],
)
def test_refusals_say_what_would_do(name, crop, groups, says):
    geometry = Geometry.from_crop(8, 4, stride=2, crop=[crop])
    with pytest.raises(Inexpressible) as refusal:
        CONVENTIONS[name].words(geometry, groups)
    assert says in str(refusal.value)


@pytest.mark.parametrize("name", ["pytorch", "keras", "tensorflow"])
def test_four_axes_are_refused(name):
    with pytest.raises(Inexpressible, match="1 to 3 spatial axes, not 4"):
        CONVENTIONS[name].words(Geometry.of((2,) * 4, 2))


def test_a_refusal_names_the_axis():
    with pytest.raises(Inexpressible, match=r"^axis 1: PyTorch"):
        PYTORCH.words(Geometry.from_crop((4, 4), 3, 2, crop=[(0, 0), (0, 1)]))


@pytest.mark.parametrize("name", CONVENTIONS)
def test_groups_must_divide_the_channels(name):
    if name != "keras":
        with pytest.raises(ValueError, match="groups 2 must divide"):
            CONVENTIONS[name].code(Geometry.of(4, 2, stride=2), 3, 4, groups=2)


@pytest.mark.parametrize(
    ("convention", "words", "says"),
    [
        (KERAS, {"padding": "half"}, "not 'half'"),
        (JAX, {"padding": "SAME_LOWER"}, "not 'SAME_LOWER'"),
        (JAX, {"padding": "SAME", "lhs_dilation": 2}, "give pairs"),
        (JAX, {"window_strides": 2}, "window_strides of 1"),
        (ONNX, {"auto_pad": "same"}, "not one of NOTSET"),
        (ONNX, {"kernel_shape": [4]}, "is not W's"),
        (ONNX, {"output_shape": [9], "strides": 2}, "at most full"),
        (TENSORFLOW, {"output_shape": (1, 9, 1), "strides": 2}, "not the input's"),
    ],
)
def test_words_a_framework_refuses_are_refused(convention, words, says):
    with pytest.raises(ValueError, match=says):
        convention.geometry(3, 3, **words)
