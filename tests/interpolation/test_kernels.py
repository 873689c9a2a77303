import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tconv import kernels
from tconv.geometry import Geometry
from tconv.interpolation.kernels import KERNELS, SIZED

INTERPOLATING = [name for name in KERNELS if name not in SIZED]


@pytest.mark.parametrize("name", INTERPOLATING)
@given(scale=st.integers(1, 9))
def test_every_phase_sums_to_one(name: str, scale: int) -> None:
    np.testing.assert_allclose(KERNELS[name](scale).gains, 1, rtol=1e-14)


@pytest.mark.parametrize("name", list(KERNELS))
@given(scale=st.integers(1, 9))
def test_symmetric_about_the_middle_of_a_cell(name: str, scale: int) -> None:
    kernel = KERNELS[name](scale)
    np.testing.assert_allclose(kernel.weights, kernel.weights[::-1], rtol=1e-13, atol=1e-15)
    axis = kernel.axis(5)
    assert axis.output_size == 5 * scale
    if name in INTERPOLATING:
        assert axis.crop_start == axis.crop_end


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize(("scale", "size"), [(2, 1), (2, 3), (2, 4), (3, 5), (4, 9)])
def test_sized_kernels_have_mean_gain_one(name: str, scale: int, size: int) -> None:
    kernel = KERNELS[name](scale, size)
    assert len(kernel.weights) == size
    assert kernel.gains.mean() == pytest.approx(1)


def test_uneven_overlap_shows_in_the_gains_of_a_uniform_kernel() -> None:
    uneven, even = kernels.uniform(2, 3), kernels.uniform(2, 4)
    assert not Geometry((uneven.axis(4),)).even
    np.testing.assert_allclose(np.sort(uneven.gains), [2 / 3, 4 / 3])
    np.testing.assert_allclose(even.gains, 1)


def test_a_kernel_smaller_than_the_stride_leaves_a_phase_empty() -> None:
    assert sorted(kernels.uniform(3, 2).gains) == pytest.approx([0, 1.5, 1.5])


def test_bicubic_follows_keys_for_any_slope() -> None:
    quarter, a = 0.25, -0.75
    near = (a + 2) * quarter**3 - (a + 3) * quarter**2 + 1
    assert kernels.bicubic(2, a).weights[3] == pytest.approx(near)


@pytest.mark.parametrize("scale", [0, -1])
def test_scale_must_be_positive(scale: int) -> None:
    with pytest.raises(ValueError, match=f"scale must be at least 1, got {scale}"):
        kernels.bilinear(scale)


def test_scale_must_be_whole() -> None:
    with pytest.raises(TypeError, match=r"scale must be an integer, got 1.5 \(float\)"):
        kernels.nearest(1.5)  # type: ignore[arg-type]
