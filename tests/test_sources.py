"""What the lectures, notes and notebooks on transposed convolution show, number by number.

Where one of them is wrong, a test shows the wrong claim failing and the right one holding.
"""

from itertools import product

import numpy as np
import pytest

import tconv
from strategies import METHODS
from tconv import Geometry, symbolic

ONES = np.ones((1, 1, 3, 3), int)
NUMBERS = np.array([[[1, 2], [3, 4]]])
KERNEL = np.array([[1, 4, 1], [1, 4, 3], [3, 3, 1]])


def picture(*size):
    """Return one channel of distinct numbers."""
    return np.arange(1, 1 + np.prod(size)).reshape(1, *size)


def by_definition(x, kernel, stride=1, padding=0):
    """Slide a kernel over a padded picture."""
    x, (rows, columns) = np.pad(x, padding), kernel.shape
    return np.array(
        [
            [
                np.sum(x[i : i + rows, j : j + columns] * kernel)
                for j in range(0, x.shape[1] - columns + 1, stride)
            ]
            for i in range(0, x.shape[0] - rows + 1, stride)
        ]
    )


# A. Lecture: convolution, transposed convolution, fractional strides


@pytest.mark.parametrize(
    ("size", "stride", "padding", "output"), [(4, 1, 0, 2), (5, 1, 1, 5), (6, 2, 1, 3)]
)
def test_a_convolutions(size, stride, padding, output):
    x = picture(size, size)
    y = tconv.conv(x, KERNEL[np.newaxis, np.newaxis], stride=stride, padding=padding)
    assert y.shape == (1, output, output)
    np.testing.assert_array_equal(y[0], by_definition(x[0], KERNEL, stride, padding))
    assert Geometry.of_conv((size, size), 3, stride, padding).input_size == (output, output)


def test_a_transposed_5x5_k3_s1_p1():
    x = picture(5, 5)
    y = tconv.conv_transpose(x, KERNEL[np.newaxis, np.newaxis], padding=1)
    assert y.shape == (1, 5, 5)
    np.testing.assert_array_equal(y[0], by_definition(x[0], KERNEL[::-1, ::-1], padding=1))


@pytest.mark.parametrize(("kernel", "stride", "even"), [(6, 3, True), (5, 2, False), (3, 2, False)])
def test_a_overlapping_stamps(kernel, stride, even):
    geometry = Geometry.of((5, 5), kernel, stride)
    assert geometry.even is even
    first = geometry.effective_kernel[0] - 1  # away from the borders
    rows = geometry.overlap_map()[first:-first]
    assert (len({count for row in rows for count in row[first:-first]}) == 1) is even


def test_a_overlaps_along_one_axis():
    for kernel, stride, overlap in (
        (3, 2, (1, 1, 2, 1, 2, 1, 2, 1, 1)),
        (5, 2, (1, 1, 2, 2, 3, 2, 3, 2, 2, 1, 1)),
        (6, 3, (1, 1, 1, *[2] * 9, 1, 1, 1)),
    ):
        assert Geometry.of(4, kernel, stride).overlap() == (overlap,)


def test_a_letters_stride_1():
    assert printed(symbolic.cells(6, 3, stride=1, padding=1)) == [
        "w2·a + w1·b",
        "w3·a + w2·b + w1·c",
        "w3·b + w2·c + w1·d",
        "w3·c + w2·d + w1·e",
        "w3·d + w2·e + w1·f",
        "w3·e + w2·f",
    ]


def test_a_letters_stride_2_are_fractional_strides():
    assert printed(symbolic.cells(6, 3, stride=2, padding=1)) == [
        "w2·a", "w3·a + w1·b",
        "w2·b", "w3·b + w1·c",
        "w2·c", "w3·c + w1·d",
        "w2·d", "w3·d + w1·e",
        "w2·e", "w3·e + w1·f",
        "w2·f",
    ]  # fmt: skip
    same = Geometry.of(6, 3, stride=2, padding=1).stretched()
    assert (same.stretched_size, same.padded_size, same.flip) == ((11,), (13,), True)


def test_a_transposing_the_filter_and_convolving():
    """The lecture's name for it: the same cells from a direct convolution of turned weights."""
    x, weight = np.array([[1, 2, 3, 4, 5, 6]]), np.array([[[7, 11, 13]]])
    turned = tconv.conv(x, weight[..., ::-1], padding=1)
    np.testing.assert_array_equal(tconv.conv_transpose(x, weight, padding=1), turned)


def test_a_back_propagation_is_the_operation():
    """TensorFlow's way: the input is put in the place of a convolution's output gradient."""
    image, weight = picture(6, 6) * 1.0, KERNEL[np.newaxis, np.newaxis] * 1.0
    grad = picture(3, 3) * 1.0
    back = tconv.conv_transpose(grad, weight, stride=2, padding=1, output_size=(6, 6))
    for cell in ((0, 0), (2, 3), (5, 5)):
        nudged = image.copy()
        nudged[0, cell[0], cell[1]] += 1
        forth = [tconv.conv(x, weight, stride=2, padding=1) for x in (image, nudged)]
        assert back[0][cell] == np.sum(grad * (forth[1] - forth[0]))


def printed(cells):
    return [str(cell) for cell in cells]


# B. Lecture: transposed convolutions, step by step


def steps(stride, padding):
    """Return the partial sums after each step: one input cell more a step."""
    words = {"stride": stride, "padding": padding}
    stamps = []
    for cell in np.ndindex(2, 2):
        one = np.zeros_like(NUMBERS)
        one[0][cell] = NUMBERS[0][cell]
        stamps.append(tconv.conv_transpose(one, ONES, **words)[0])
    return [partial.tolist() for partial in np.cumsum(stamps, axis=0)]


def test_b_convolution_4x4_k2_s2_p1_in_nine_steps():
    x, kernel = picture(4, 4), np.array([[1, 2], [3, 5]])
    y = tconv.conv(x, kernel[np.newaxis, np.newaxis], stride=2, padding=1)
    geometry = Geometry.of_conv((4, 4), 2, stride=2, padding=1)
    assert (y.shape, np.prod(geometry.input_size)) == ((1, 3, 3), 9)
    np.testing.assert_array_equal(y[0], by_definition(x[0], kernel, 2, 1))


def test_b_transposed_3x3_k2_s2_p1_drops_the_outer_layer():
    x, kernel = picture(3, 3), np.array([[[[1, 2], [3, 5]]]])
    whole = tconv.conv_transpose(x, kernel, stride=2)
    assert whole.shape == (1, 6, 6)
    y = tconv.conv_transpose(x, kernel, stride=2, padding=1)
    np.testing.assert_array_equal(y, whole[:, 1:-1, 1:-1])
    assert y.shape == (1, 4, 4)


def test_b_stride_1_padding_0_partial_sums():
    assert steps(stride=1, padding=0) == [
        [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]],
        [[1, 3, 3, 2], [1, 3, 3, 2], [1, 3, 3, 2], [0, 0, 0, 0]],
        [[1, 3, 3, 2], [4, 6, 6, 2], [4, 6, 6, 2], [3, 3, 3, 0]],
        [[1, 3, 3, 2], [4, 10, 10, 6], [4, 10, 10, 6], [3, 7, 7, 4]],
    ]


def test_b_stride_2_padding_0_partial_sums():
    assert steps(stride=2, padding=0) == [
        [[1, 1, 1, 0, 0]] * 3 + [[0, 0, 0, 0, 0]] * 2,
        [[1, 1, 3, 2, 2]] * 3 + [[0, 0, 0, 0, 0]] * 2,
        [[1, 1, 3, 2, 2]] * 2 + [[4, 4, 6, 2, 2]] + [[3, 3, 3, 0, 0]] * 2,
        [[1, 1, 3, 2, 2]] * 2 + [[4, 4, 10, 6, 6]] + [[3, 3, 7, 4, 4]] * 2,
    ]


def test_b_stride_2_padding_1_partial_sums():
    assert steps(stride=2, padding=1) == [
        [[1, 1, 0], [1, 1, 0], [0, 0, 0]],
        [[1, 3, 2], [1, 3, 2], [0, 0, 0]],
        [[1, 3, 2], [4, 6, 2], [3, 3, 0]],
        [[1, 3, 2], [4, 10, 6], [3, 7, 4]],
    ]


@pytest.mark.parametrize(
    ("stride", "padding", "result"),
    [
        (1, 0, [[1, 3, 3, 2], [4, 10, 10, 6], [4, 10, 10, 6], [3, 7, 7, 4]]),
        (
            2,
            0,
            [[1, 1, 3, 2, 2], [1, 1, 3, 2, 2], [4, 4, 10, 6, 6], [3, 3, 7, 4, 4], [3, 3, 7, 4, 4]],
        ),
        (2, 1, [[1, 3, 2], [4, 10, 6], [3, 7, 4]]),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_b_results(stride, padding, result, method):
    y = tconv.conv_transpose(NUMBERS, ONES, stride=stride, padding=padding, method=method)
    assert y.tolist() == [result]


def test_b_a_cell_shows_its_terms_before_its_sum():
    cells = symbolic.cells((2, 2), (3, 3), stride=2, padding=1)
    assert str(cells[1, 1]) == "w33·a + w31·b + w13·c + w11·d"
    reads = Geometry.of((2, 2), 3, stride=2, padding=1).reads((1, 1))
    assert sorted(int(NUMBERS[0][position]) for position, _ in reads) == [1, 2, 3, 4]


# C. Notes: upsampling with transposed convolution


MATRIX = [
    [1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0, 0, 0, 0, 0],
    [0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0, 0, 0, 0],
    [0, 0, 0, 0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1, 0],
    [0, 0, 0, 0, 0, 1, 4, 1, 0, 1, 4, 3, 0, 3, 3, 1],
]


def test_c_convolution_matrix():
    matrix = tconv.matrix(KERNEL, input_size=(2, 2), dense=True)
    assert matrix.tolist() == MATRIX
    assert tconv.matrix(KERNEL, input_size=(2, 2)).toarray().tolist() == MATRIX
    image = picture(4, 4)
    np.testing.assert_array_equal(
        (matrix @ image.reshape(16, 1)).reshape(2, 2), by_definition(image[0], KERNEL)
    )


def test_c_its_transpose_takes_2x2_to_4x4():
    back = np.array(MATRIX).T @ NUMBERS.reshape(4, 1)
    made = tconv.conv_transpose(NUMBERS, KERNEL[np.newaxis, np.newaxis])
    np.testing.assert_array_equal(back.reshape(1, 4, 4), made)


def test_c_the_same_by_padding_with_k_minus_1_zeros():
    assert 2 + 2 * 2 - 3 + 1 == 4
    same = Geometry.of((2, 2), 3).stretched()
    assert (same.padded_size, same.output_size) == ((2 + 2 * 2,) * 2, (4, 4))
    y = by_definition(NUMBERS[0], KERNEL[::-1, ::-1], padding=2)
    np.testing.assert_array_equal(y, np.reshape(np.array(MATRIX).T @ NUMBERS.ravel(), (4, 4)))


@pytest.mark.parametrize(("size", "kernel", "stride"), [(2, 3, 1), (2, 3, 2), (6, 4, 2), (3, 2, 3)])
def test_c_useless_zero_multiplications_counted(size, kernel, stride):
    """Of all a direct convolution of the stretched, padded input makes, those with a zero."""
    geometry = Geometry.of((size, size), kernel, stride)
    same = geometry.stretched()
    full = np.zeros(same.padded_size, int)
    before, after = same.padding[0]
    full[before:-after:stride, before:-after:stride] = 1
    useful = int(by_definition(full, np.ones((kernel, kernel), int)).sum())
    assert geometry.products == useful
    assert geometry.wasted_products == geometry.output_size[0] ** 2 * kernel**2 - useful
    assert useful == size**2 * kernel**2


def test_c_of_144_multiplications_108_are_useless():
    geometry = Geometry.of((2, 2), 3)
    assert geometry.stretched_products == 16 * 9 == 144
    assert (geometry.products, geometry.wasted_products) == (36, 108)


def test_c_sizes():
    assert Geometry.of(2, 3, stride=2).output_size == (5,)
    assert Geometry.of(6, 4, stride=2).output_size == (14,)
    assert Geometry.of(5, 3, padding=1).output_size == (5,)
    assert Geometry.of(5, 3, padding="half").output_size == (5,)
    for i, k, s in product(range(1, 9), range(1, 6), range(1, 4)):
        assert Geometry.of(i, k).output_size == (i + (k - 1),)
        assert Geometry.of(i, k, s).output_size == (s * (i - 1) + k,)
        if i > k - 1:
            assert Geometry.of(i, k, padding="full").output_size == (i - (k - 1),)


def test_c_corrected_padding_makes_the_output_smaller():
    """The notes' o = i + 2p + (k-1) is wrong: it is i + (k-1) - 2p."""
    for i, k, p in product(range(3, 9), range(1, 6), range(1, 3)):
        if (right := i + (k - 1) - 2 * p) < 1:
            continue
        x, weight = np.ones((1, i)), np.ones((1, 1, k))
        assert tconv.conv_transpose(x, weight, padding=p).shape == (1, right)
        assert Geometry.of(i, k, padding=p).output_size == (tconv.RELATIONS[9](i, k, p=p),)
        assert Geometry.of(i, k, padding=p).output_size != (i + 2 * p + (k - 1),)


def test_c_corrected_the_transpose_is_the_adjoint_not_the_inverse():
    """C = A·B does not give B = A^T·C: the shape comes back, the values do not."""
    weight, image = KERNEL[np.newaxis, np.newaxis], picture(4, 4)
    y = tconv.conv(image, weight)
    assert y.tolist() == [[[130, 151], [214, 235]]]
    back = tconv.conv_transpose(y, weight)
    assert back.shape == image.shape
    assert back[0].tolist() == [
        [130, 671, 734, 151],
        [344, 1762, 2148, 688],
        [604, 1934, 2165, 856],
        [642, 1347, 919, 235],
    ]
    assert not np.allclose(back, image)
    for x in (image, np.random.default_rng(0).integers(-9, 9, (1, 4, 4))):
        assert np.vdot(tconv.conv(x, weight), y) == np.vdot(x, back)


def test_c_corrected_least_squares_does_invert():
    matrix = tconv.matrix(KERNEL * 1.0, input_size=(2, 2), dense=True)
    small = NUMBERS.ravel() * 1.0
    up = tconv.conv_transpose(NUMBERS * 1.0, KERNEL[np.newaxis, np.newaxis]).ravel()
    np.testing.assert_allclose(np.linalg.lstsq(matrix.T, up)[0], small, rtol=1e-12)
    assert not np.allclose(matrix @ up, small)
    image = np.linalg.lstsq(matrix, small)[0].reshape(1, 4, 4)
    forth = tconv.conv(image, KERNEL[np.newaxis, np.newaxis])
    np.testing.assert_allclose(forth, NUMBERS, rtol=1e-12)


def test_c_connectivity():
    """Forward many cells go to one, back one goes to many, and places are kept."""
    geometry = Geometry.of_conv((4, 4), 3)
    assert [len(r) for r in geometry.stamps((0, 1))] == [3, 3]
    assert geometry.stamps((0, 1)) == (range(3), range(1, 4))
    assert {geometry.overlap_at(corner) for corner in product((0, 3), (0, 3))} == {1}


# D. The repository daved01/deconvolutions


def test_d_example_1_there_and_back_with_the_transposed_matrix():
    matrix = tconv.matrix(np.ones((3, 3), int), input_size=(2, 2), dense=True)
    assert matrix.shape == (4, 16)
    image = picture(4, 4)
    down = matrix @ image.ravel()
    assert down.tolist() == tconv.conv(image, ONES).ravel().tolist() == [54, 63, 90, 99]
    up = (matrix.T @ down).reshape(1, 4, 4)
    np.testing.assert_array_equal(up, tconv.conv_transpose(down.reshape(1, 2, 2), ONES))
    assert up[0].tolist() == [
        [54, 117, 117, 63],
        [144, 306, 306, 162],
        [144, 306, 306, 162],
        [90, 189, 189, 99],
    ]


def padded_and_stretched(stride):
    same = Geometry.of((2, 2), 3, stride).stretched()
    made = np.zeros(same.padded_size, int)
    made[2:-2:stride, 2:-2:stride] = NUMBERS[0]
    return made


def test_d_example_2_padded_to_6x6_then_4x4():
    padded = padded_and_stretched(stride=1)
    assert padded.shape == (6, 6)
    y = tconv.conv(padded[np.newaxis], ONES)
    assert y.tolist() == tconv.conv_transpose(NUMBERS, ONES).tolist()
    assert y.shape == (1, 4, 4)


def test_d_example_3_fractional_stride():
    stretched = padded_and_stretched(stride=2)
    y = tconv.conv(stretched[np.newaxis], ONES)
    assert y.tolist() == tconv.conv_transpose(NUMBERS, ONES, stride=2).tolist()


def test_d_corrected_example_3_gives_5x5_not_7x7():
    """7x7 is the stretched and padded input; its direct convolution is 5x5."""
    same = Geometry.of((2, 2), 3, stride=2).stretched()
    assert (same.stretched_size, same.padded_size) == ((3, 3), (7, 7))
    assert same.output_size == (5, 5) != (7, 7)
    assert padded_and_stretched(stride=2).shape == (7, 7)
    assert tconv.conv_transpose(NUMBERS, ONES, stride=2).shape == (1, 5, 5)


@pytest.mark.parametrize("stride", [1, 2])
def test_d_missing_the_kernel_is_turned_round(stride):
    """All ones hide it: with this kernel only the turned one gives the transposed convolution."""
    stretched, weight = padded_and_stretched(stride)[np.newaxis], KERNEL[np.newaxis, np.newaxis]
    expected = tconv.conv_transpose(NUMBERS, weight, stride=stride)
    turned = tconv.conv(stretched, np.flip(weight, (2, 3)))
    np.testing.assert_array_equal(turned, expected)
    assert not np.array_equal(tconv.conv(stretched, weight), expected)
    ones = tconv.conv_transpose(NUMBERS, ONES, stride=stride)
    assert tconv.conv(stretched, ONES).tolist() == ones.tolist()


def test_d_every_deconvolution_is_a_stretched_input_and_a_direct_convolution():
    random = np.random.default_rng(0)
    for _ in range(50):
        i, k, s, d = random.integers(1, 6, 4).tolist()
        x, kernel = random.integers(-9, 9, i), random.integers(-9, 9, k)
        same = Geometry.of(i, k, s, dilation=d).stretched()
        stretched = np.zeros(same.padded_size, int)
        before = same.padding[0][0]
        stretched[before : before + (i - 1) * s + 1 : s] = x
        taps = np.zeros(d * (k - 1) + 1, int)
        taps[::d] = kernel[::-1]
        expected = np.correlate(stretched, taps, "valid")
        made = tconv.conv_transpose(x[np.newaxis], kernel.reshape(1, 1, k), stride=s, dilation=d)
        np.testing.assert_array_equal(made[0], expected)


# E. Notes: PyTorch and Keras


def test_e_stride_2_doubles_3x3_to_6x6():
    x, kernel = picture(3, 3), np.array([[[[1, 2], [3, 5]]]])
    y = tconv.conv_transpose(x, kernel, stride=(2, 2))
    np.testing.assert_array_equal(y[0], np.kron(x[0], kernel[0, 0]))
    assert y.shape == (1, 6, 6)
    same = tconv.conv_transpose(x, KERNEL[np.newaxis, np.newaxis], stride=2, padding="same")
    assert same.shape == (1, 6, 6)


def test_e_kernel_1x1_stride_2_leaves_holes():
    x = picture(3, 3)
    y = tconv.conv_transpose(x, [[[[1]]]], stride=2, padding="same")
    assert y.shape == (1, 6, 6)
    np.testing.assert_array_equal(y[:, ::2, ::2], x)
    y[:, ::2, ::2] = 0
    assert not y.any()
    assert Geometry.of((3, 3), 1, 2, "same").holes() == ((1, 3, 5), (1, 3, 5))


def test_e_the_centre_is_influenced_by_all_inputs_a_corner_by_one():
    geometry = Geometry.of((2, 2), 3, stride=2)
    assert geometry.overlap_at((2, 2)) == 4
    assert {geometry.overlap_at(corner) for corner in product((0, 4), (0, 4))} == {1}
    assert not geometry.even
