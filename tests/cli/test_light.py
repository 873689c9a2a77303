import numpy as np
import pytest

from tconv.cli.light import Light


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("gamma", ["srgb", "linear"])
def test_every_stored_value_survives_there_and_back(dtype, gamma) -> None:
    codes = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)[None]
    light = Light(np.dtype(dtype), gamma)
    np.testing.assert_array_equal(light.encode(light.decode(codes)), codes)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32])
def test_values_are_rounded_and_kept_in_range(dtype) -> None:
    limits = np.iinfo(dtype)
    values = np.array([[limits.min - 5.0, 1.4, 1.6, limits.max + 5.0]])
    stored = Light(np.dtype(dtype)).encode(values)
    np.testing.assert_array_equal(stored, [[limits.min, 1, 2, limits.max]])


def test_colours_are_weighed_by_alpha() -> None:
    light = Light(np.dtype(np.uint8), alpha=1)
    stored = np.array([[200, 100, 7], [128, 255, 0]], np.uint8)
    values = light.decode(stored)
    np.testing.assert_array_equal(values[0], [200 * 128, 100 * 255, 0])
    back = light.encode(values)
    np.testing.assert_array_equal(back[:, :2], stored[:, :2])
    np.testing.assert_array_equal(back[:, 2], [0, 0])


def test_linear_light_needs_unsigned_pixels() -> None:
    with pytest.raises(ValueError, match="--gamma linear is for 8- and 16-bit pictures"):
        Light(np.dtype(np.float32), "linear")
