"""Against Pillow and PyTorch, borders included, on asymmetric pictures of unequal sizes."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import tconv
from tconv.interpolation.kernels import KERNELS, SIZED, cubic
from tconv.interpolation.upsampling import Upsampler, resamplings

SCALES = [2, 3, 4]
PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}


def picture(height: int = 37, width: int = 23) -> np.ndarray:
    return np.random.default_rng(7).random((height, width)) * 255


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kernel", PILLOW)
def test_equals_pillow_everywhere(kernel: str, scale: int) -> None:
    x = picture().astype(np.float32)
    size = (x.shape[1] * scale, x.shape[0] * scale)
    expected = np.asarray(Image.fromarray(x).resize(size, PILLOW[kernel]))
    y = tconv.upsample(x, scale, kernel)
    if kernel == "nearest":
        np.testing.assert_array_equal(y, expected)
    else:
        np.testing.assert_allclose(y, expected, rtol=0, atol=255 * 1e-6)


@pytest.mark.parametrize("scale", SCALES)
def test_bilinear_equals_pytorch_everywhere(scale: int) -> None:
    x = picture()
    expected = torch.nn.functional.interpolate(
        torch.tensor(x)[None, None], scale_factor=scale, mode="bilinear", align_corners=False
    )
    y = tconv.upsample(x, scale, edges="replicate")
    np.testing.assert_allclose(y, expected[0, 0], rtol=0, atol=1e-11)
    inner = slice(scale, -scale)
    np.testing.assert_allclose(
        tconv.upsample(x, scale)[inner, inner], expected[0, 0, inner, inner], rtol=0, atol=1e-11
    )


@pytest.mark.parametrize("scale", SCALES)
def test_bicubic_of_slope_three_quarters_equals_pytorch(scale: int) -> None:
    x = picture()
    expected = torch.nn.functional.interpolate(
        torch.tensor(x)[None, None], scale_factor=scale, mode="bicubic", align_corners=False
    )
    y = tconv.upsample(x, scale, cubic(-0.75), edges="replicate")
    np.testing.assert_allclose(y, expected[0, 0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("kernel", [k for k in KERNELS if k not in SIZED])
@pytest.mark.parametrize("edges", ["normalize", "replicate"])
@given(
    scale=st.tuples(st.integers(1, 5), st.integers(1, 5)), size=st.tuples(*[st.integers(1, 7)] * 2)
)
@settings(max_examples=25)
def test_a_constant_stays_constant(
    kernel: str, edges: str, scale: tuple[int, int], size: tuple[int, int]
) -> None:
    y = tconv.upsample(np.full(size, 3.0), scale, kernel, edges=edges)
    assert y.shape == (size[0] * scale[0], size[1] * scale[1])
    np.testing.assert_allclose(y, 3, rtol=1e-13)


def test_zero_edges_darken_the_border_only() -> None:
    y = tconv.upsample(np.ones((6, 6)), 2, "bilinear", edges="zero")
    assert y[0, 0] == pytest.approx(0.75**2)
    np.testing.assert_allclose(y[1:-1, 1:-1], 1)


def test_normalizing_borders_keeps_the_checkerboard_of_uneven_overlap() -> None:
    y = tconv.upsample(np.ones(9), 2, "uniform", kernel_size=3)
    np.testing.assert_allclose(y, np.resize([4 / 3, 2 / 3], 18))


@pytest.mark.parametrize("edges", ["normalize", "replicate", "zero"])
@pytest.mark.parametrize("kernel", [*KERNELS])
@given(cuts=st.lists(st.integers(1, 32), min_size=1, max_size=4, unique=True).map(sorted))
@settings(max_examples=15)
def test_rows_in_strips_equal_rows_at_once(kernel: str, edges: str, cuts: list[int]) -> None:
    x = picture(11, 5)[None]
    upsampler = Upsampler(resamplings((11, 5), (3, 2), kernel, edges=edges))
    whole = upsampler.rows(x, 0, 33)
    bounds = [0, *cuts, 33]
    strips = []
    for start, stop in pairwise(bounds):
        first, end = upsampler.input_rows(start, stop)
        strips.append(upsampler.rows(x[:, first:end], start, stop))
    np.testing.assert_allclose(np.concatenate(strips, axis=1), whole, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_two_passes_equal_the_transposed_convolution_of_the_whole_kernel(kernel: str) -> None:
    x = picture(7, 9)
    upsampler = Upsampler(resamplings(x.shape, (2, 3), kernel, edges="zero"))
    g = upsampler.geometry
    weight = upsampler.weight[None, None]
    once = tconv.conv_transpose(x[None], weight, None, g.stride, g.crop, method="scatter")
    np.testing.assert_allclose(upsampler.rows(x[None], 0, 14), once, rtol=0, atol=1e-11)


@pytest.mark.parametrize("method", tconv.METHODS)
def test_every_method_upsamples(method: str) -> None:
    x = picture(5, 4)
    np.testing.assert_allclose(
        tconv.upsample(x, 2, "bicubic", method=method), tconv.upsample(x, 2, "bicubic")
    )


def test_chosen_axes_and_dtypes() -> None:
    x = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    y = tconv.upsample(x, (2, 3), "nearest", axes=(0, -1))
    np.testing.assert_array_equal(y, x.repeat(2, axis=0).repeat(3, axis=2))
    assert y.dtype == np.float64
    assert tconv.upsample(x.astype(np.float16)).dtype == np.float32
    z = tconv.upsample(x * (1 + 2j))
    np.testing.assert_allclose(z.imag, 2 * z.real)


def test_macs_count_both_passes() -> None:
    upsampler = Upsampler(resamplings((4, 6), 2, "nearest"))
    assert upsampler.macs(channels=3) == 3 * (8 * 6 + 8 * 12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel": "cubic"}, "kernel 'cubic' is not one of nearest, bilinear"),
        ({"edges": "wrap"}, "edges 'wrap' is not one of normalize, replicate, zero"),
        ({"kernel_size": 3}, "kernel_size is for uniform and gaussian; bilinear sets its own"),
        ({"scale": (2, 2)}, r"scale must be one number or 1 of them"),
        ({"x": []}, r"upsample: x has no cells; give at least one \(x: \(0,\)\)"),
        ({"axes": (3,)}, "axis 3 is out of range: x has 1"),
        ({"axes": (0, -1)}, "axes name axis 0 twice"),
        ({"x": [1.0], "scale": 2**50}, "output .* needs 8388608.0 GiB"),
        ({"x": [1.0], "scale": 2**20, "kernel": "uniform"}, "a kernel of 2097151 cells"),
    ],
)
def test_bad_arguments(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tconv.upsample(**{"x": [1.0, 2.0], **arguments})


@pytest.mark.parametrize("axes", [1.5, "rows", (0.5,), True])
def test_axes_are_integers(axes: object) -> None:
    with pytest.raises(TypeError, match="upsample: axis must be an integer, got "):
        tconv.upsample(np.ones((3, 4)), axes=axes)
