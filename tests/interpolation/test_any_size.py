"""Any size and any ratio: against Pillow, PyTorch, SciPy, and a plain sum of what is defined."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import scipy.signal
import torch
from PIL import Image

import tconv
from tconv import kernels
from tconv.interpolation.ratios import ratio
from tconv.interpolation.resampling import Places, Resampling
from tconv.interpolation.upsampling import Upsampler, resamplings

RESAMPLING = Image.Resampling
PILLOW = {
    "bilinear": RESAMPLING.BILINEAR,
    "bicubic": RESAMPLING.BICUBIC,
    "lanczos3": RESAMPLING.LANCZOS,
    "box": RESAMPLING.BOX,
}
KEYS = kernels.cubic(-0.75)
EDGES = ["normalize", "replicate", "zero"]


def shapes(seed: int, rank: int = 2, largest: int = 40) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return a random input size and output size, unequal axis by axis."""
    random = np.random.default_rng(seed)
    return (
        tuple(random.integers(1, largest, rank).tolist()),
        tuple(random.integers(1, 2 * largest, rank).tolist()),
    )


def numbers(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) * 255


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kernel", PILLOW)
def test_any_size_equals_pillow(kernel: str, seed: int) -> None:
    size, wanted = shapes(seed)
    x = numbers(size, seed).astype(np.float32)
    expected = np.asarray(Image.fromarray(x).resize(wanted[::-1], PILLOW[kernel]))
    y = tconv.upsample(x, kernel=kernel, size=wanted)
    np.testing.assert_allclose(y, expected, rtol=0, atol=255 * 1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_nearest_equals_pillow(seed: int) -> None:
    size, wanted = shapes(seed)
    x = numbers(size, seed).astype(np.float32)
    expected = np.asarray(Image.fromarray(x).resize(wanted[::-1], RESAMPLING.NEAREST))
    y = tconv.upsample(x, kernel="nearest", size=wanted)
    # where a centre lies on a border Pillow's running sum decides by its rounding
    sure = [
        [(Fraction(2 * n + 1, 2) * i / o).denominator > 1 for n in range(o)]
        for i, o in zip(size, wanted, strict=True)
    ]
    np.testing.assert_array_equal(y[np.ix_(*sure)], expected[np.ix_(*sure)])


MODES = {
    "linear": ("bilinear", 1),
    "bilinear": ("bilinear", 2),
    "trilinear": ("bilinear", 3),
    "bicubic": (KEYS, 2),
}


def interpolated(x: np.ndarray, mode: str, **words: object) -> np.ndarray:
    return torch.nn.functional.interpolate(torch.tensor(x)[None, None], mode=mode, **words)[
        0, 0
    ].numpy()


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_any_size_equals_pytorch(mode: str, corners: bool, seed: int) -> None:
    kernel, rank = MODES[mode]
    size, wanted = shapes(seed, rank, 40 // rank)
    x = numbers(size, seed)
    expected = interpolated(x, mode, size=wanted, align_corners=corners)
    align = "corners" if corners else "centres"
    y = tconv.upsample(
        x, kernel=kernel, size=wanted, align=align, antialias=False, edges="replicate"
    )
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("mode", MODES)
def test_any_scale_equals_pytorch(mode: str, recompute: bool, seed: int) -> None:
    kernel, rank = MODES[mode]
    random = np.random.default_rng(seed)
    size, _ = shapes(seed, rank, 40 // rank)
    scale = [Fraction(int(n), 16) for n in random.integers(16, 60, rank)]
    scale = [s + 1 if i == int(i * s) else s for i, s in zip(size, scale, strict=True)]
    x = numbers(size, seed)  # where sizes are equal PyTorch copies, whatever the scale
    expected = interpolated(
        x, mode, scale_factor=[float(s) for s in scale], recompute_scale_factor=recompute
    )
    y = tconv.upsample(
        x, None if recompute else scale, kernel, antialias=False, edges="replicate",
        size=[int(i * s) for i, s in zip(size, scale, strict=True)] if recompute else None,
    )  # fmt: skip
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialiasing_equals_pytorch(mode: str, seed: int) -> None:
    """PyTorch's antialiased bicubic has Pillow's slope, not that of its other bicubic."""
    size, wanted = shapes(seed)
    x = numbers(size, seed)
    expected = interpolated(x, mode, size=wanted, antialias=True)
    np.testing.assert_allclose(
        tconv.upsample(x, kernel=mode, size=wanted), expected, rtol=0, atol=1e-10
    )


@pytest.mark.parametrize("seed", range(10))
def test_neighbours_and_areas_equal_pytorch(seed: int) -> None:
    for rank in (1, 2, 3):
        size, wanted = shapes(seed, rank, 40 // rank)
        x = numbers(size, seed)
        area = interpolated(x, "area", size=wanted)
        np.testing.assert_allclose(tconv.upsample(x, kernel="area", size=wanted), area, rtol=1e-12)
        for mode, kernel, at in (("nearest", "previous", 0), ("nearest-exact", "nearest", 1)):
            expected = interpolated(x, mode, size=wanted)
            y = tconv.upsample(x, kernel=kernel, size=wanted)
            sure = [  # PyTorch's positions are float32
                [(Fraction(2 * n + at, 2) * i / o).denominator > 1 or not n for n in range(o)]
                for i, o in zip(size, wanted, strict=True)
            ]
            np.testing.assert_array_equal(y[np.ix_(*sure)], expected[np.ix_(*sure)])


@pytest.mark.parametrize("seed", range(60))
def test_any_rate_equals_resample_poly(seed: int) -> None:
    random = np.random.default_rng(seed)
    up, down = (int(n) for n in random.integers(1, 20, 2))
    x = random.standard_normal((3, int(random.integers(1, 90))))
    if seed % 3 == 0:
        x = x + 1j * random.standard_normal(x.shape)
    window = random.standard_normal(int(random.integers(1, 60)))
    edges, padtype = ("zero", "constant") if seed % 2 else ("replicate", "edge")
    expected = scipy.signal.resample_poly(x, up, down, axis=1, window=window, padtype=padtype)
    p = up // math.gcd(up, down)
    if up == down:
        return np.testing.assert_array_equal(expected, x)  # SciPy does not filter then
    y = tconv.upsample(
        x, Fraction(up, down), window * p, size=expected.shape[1], edges=edges, axes=(1,)
    )
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11 * p)
    return None


@pytest.mark.parametrize(("up", "down"), [(160, 147), (147, 160)])
def test_between_the_rates_of_discs_and_films(up: int, down: int) -> None:
    x = np.random.default_rng(up).standard_normal(3000)
    window = scipy.signal.firwin(2 * 10 * 160 + 1, 1 / 160, window=("kaiser", 5.0))
    expected = scipy.signal.resample_poly(x, up, down, window=window)
    y = tconv.upsample(x, (Fraction(up, down),), window * up, size=len(expected), edges="zero")
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11)


def keys(t: float) -> float:
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2


def lanczos(t: float) -> float:
    return float(np.sinc(t) * np.sinc(t / 3))


PLAIN = {
    "nearest": (0.5, lambda t: 1.0),
    "bilinear": (1, lambda t: 1 - t),
    "bicubic": (2, keys),
    "lanczos3": (3, lanczos),
}


def defined(
    x: np.ndarray, outputs: int, step: Fraction, start: Fraction, kernel: str, edges: str,
    antialias: bool,
) -> np.ndarray:  # fmt: skip
    """Sum, output by output, what the docstring of upsample says."""
    radius, h = PLAIN[kernel]
    stretch = step if antialias and step > 1 and kernel != "nearest" else Fraction(1)
    y = []
    for n in range(outputs):
        u = start + n * step
        reach = Fraction(radius) * stretch
        inputs = range(math.floor(u - reach) + 1, math.floor(u + reach) + 1)
        weights = [h(abs(float((i - u) / stretch))) for i in inputs]
        whole = sum(weights)
        within = [0 <= i < len(x) for i in inputs]
        if edges == "replicate":
            values = [x[min(max(i, 0), len(x) - 1)] for i in inputs]
        else:
            values = [x[i] if ok else 0.0 for i, ok in zip(inputs, within, strict=True)]
        if edges == "normalize":
            covered = sum(w for w, ok in zip(weights, within, strict=True) if ok)
            whole = covered if abs(covered) > 1e-12 else whole
        y.append(sum(w * v for w, v in zip(weights, values, strict=True)) / whole)
    return np.array(y)


@pytest.mark.parametrize("edges", EDGES)
@pytest.mark.parametrize("align", ["centres", "corners", "starts"])
@pytest.mark.parametrize("kernel", PLAIN)
def test_every_output_is_the_sum_that_is_defined(kernel: str, align: str, edges: str) -> None:
    random = np.random.default_rng(len(kernel) + len(align))
    for case in range(8):
        i, o = (int(n) for n in random.integers(1, 50, 2))
        scale = Fraction(int(random.integers(1, 9)), int(random.integers(1, 9)))
        x, antialias = random.standard_normal(i), bool(case % 2)
        by_scale = align != "corners" and case % 4 > 1 and i * scale >= 1
        o = math.floor(i * scale) if by_scale else o
        step = 1 / scale if by_scale else Fraction(i, o)
        if align == "corners":
            step = Fraction(i - 1, o - 1) if o > 1 else Fraction(0)
        start = (step - 1) / 2 if align == "centres" else Fraction(0)
        y = tconv.upsample(
            x, scale if by_scale else None, kernel, size=None if by_scale else o, align=align,
            antialias=antialias, edges=edges,
        )  # fmt: skip
        expected = defined(x, o, step, start, kernel, edges, antialias)
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("edges", EDGES)
@pytest.mark.parametrize("seed", range(12))
def test_strips_equal_the_whole_to_rounding(edges: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    size, wanted = shapes(seed)
    kernel = kernels.NAMES[seed % len(kernels.NAMES)]
    upsampler = Upsampler(resamplings(size, size=wanted, kernel=kernel, edges=edges))
    x = numbers((2, *size), seed)
    whole = upsampler.rows(x, 0, wanted[0])
    cuts = sorted({0, wanted[0], *random.integers(0, wanted[0] + 1, 3).tolist()})
    strips = []
    for start, stop in pairwise(cuts):
        first, end = upsampler.input_rows(start, stop)
        strips.append(upsampler.rows(x[:, first:end], start, stop))
    np.testing.assert_allclose(np.concatenate(strips, axis=1), whole, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("method", tconv.METHODS)
@pytest.mark.parametrize("seed", range(4))
def test_every_definition_reads_every_qth_output(method: str, seed: int) -> None:
    size, wanted = shapes(seed, largest=8)
    x = numbers(size, seed)
    for kernel in ("bicubic", "gaussian", np.arange(1.0, 6.0)):
        once = tconv.upsample(x, kernel=kernel, size=wanted, method=method)
        np.testing.assert_allclose(
            once, tconv.upsample(x, kernel=kernel, size=wanted), rtol=1e-10, atol=1e-9
        )


def test_axes_that_stay_are_not_touched() -> None:
    x = numbers((5, 7, 3))
    y = tconv.upsample(x, ("1", "10/7", 1), "lanczos3")
    np.testing.assert_allclose(y, tconv.upsample(x, "10/7", "lanczos3", axes=(1,)))
    np.testing.assert_array_equal(y, tconv.upsample(x, size=(None, 10, None), kernel="lanczos3"))
    upsampler = Upsampler(resamplings(x.shape, (1, 2, 1), "lanczos3"))
    assert upsampler.macs() == 3 * 5 * resamplings((7,), 2, "lanczos3")[0].products
    x[1, 2, 0] = np.nan
    read = np.isnan(tconv.upsample(x, (2, 1, 1)))
    assert read[:, 2, 0].sum() == read.sum() == 4


@pytest.mark.parametrize("scale", ["7/5", "3/5", "2"])
@pytest.mark.parametrize("shape", [(40, 50), (40, 1), (1, 40), (40, 3)])
def test_a_missing_value_spreads_to_what_reads_it_and_no_farther(
    shape: tuple[int, int], scale: str
) -> None:
    x = numbers(shape)
    x[shape[0] // 2, shape[1] // 2] = np.nan
    x[-1, -1] = np.inf
    size = tuple(n if n < 4 else int(n * Fraction(scale)) for n in shape)
    y = tconv.upsample(x, size=size, kernel="lanczos3")
    axes = resamplings(shape, size=size, kernel="lanczos3")
    reads = [
        [
            [n]
            if axis.stays
            else next(c[w != 0] for c, w in zip(*axis.read(n, n + 1), strict=True))
            for n in range(axis.output_size)
        ]
        for axis in axes
    ]
    expected = [
        [all(np.isfinite(x[np.ix_(reads[0][a], reads[1][b])]).ravel()) for b in range(size[1])]
        for a in range(size[0])
    ]
    np.testing.assert_array_equal(np.isfinite(y), expected)


def test_phases_cost_their_taps_only() -> None:
    (axis,) = resamplings((451,), size=1920)
    assert (axis.period, axis.advance, axis.phases, axis.taps) == (1920, 451, 1920, 2)
    (huge,) = resamplings((7,), scale=Fraction(10**18 + 9, 10**18))
    assert (huge.phases, huge.output_size, huge.taps) == (7, 7, 2)
    np.testing.assert_allclose(
        tconv.upsample(np.arange(7.0), Fraction(10**18 + 9, 10**18)), np.arange(7.0), atol=1e-12
    )
    assert tconv.upsample(np.ones(3), 10**6).shape == (3 * 10**6,)
    largest = Fraction(2**63 - 1, 2**63 - 2)
    np.testing.assert_allclose(tconv.upsample(np.arange(7.0), largest, "lanczos3"), np.arange(7.0))


def summed(x: np.ndarray, axis: Resampling) -> np.ndarray:
    """Sum the products along the first axis, output by output."""
    cells, weights = axis.read(0, axis.output_size)
    return np.einsum("nt...,nt->n...", x[cells], weights)


@pytest.mark.parametrize("shape", [(600, 700, 3), (3, 600, 700)])
def test_threads_do_not_change_the_result(shape: tuple[int, ...]) -> None:
    x, axes = numbers(shape).astype(np.float32), tuple(a for a in (0, 1, 2) if shape[a] > 3)
    before = tconv.get_num_threads()
    for size in ((900, 1050), (911, 1051)):
        results = []
        for threads in (1, 3):
            tconv.set_num_threads(threads)
            results.append(tconv.upsample(x, kernel="bicubic", size=size, axes=axes))
        tconv.set_num_threads(before)
        np.testing.assert_array_equal(*results)
        rows, columns = resamplings((600, 700), size=size, kernel="bicubic")
        one = np.moveaxis(x, axes, (-2, -1)).reshape(3, 600, 700)[1]
        expected = summed(summed(one.T.astype(np.float64), columns).T, rows)
        made = np.moveaxis(results[0], axes, (-2, -1)).reshape(3, *size)[1]
        np.testing.assert_allclose(made, expected, rtol=0, atol=255 * 1e-6)


@pytest.mark.parametrize("kernel", ["sinc", "lanczos3"])
@pytest.mark.parametrize("few", [False, True])
def test_long_lines_whose_phases_never_repeat(
    kernel: str, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if few:  # phases that are not kept, blocks that wait for none
        monkeypatch.setattr("tconv.interpolation.resampling.LISTED", 10)
        monkeypatch.setattr("tconv.interpolation.banded.HELD", 10)
        monkeypatch.setattr("tconv.interpolation.banded.TABLE", 2000)
    x = np.random.default_rng(0).standard_normal(9973)
    (axis,) = resamplings((9973,), size=10007, kernel=kernel)
    np.testing.assert_allclose(
        tconv.upsample(x, size=10007, kernel=kernel), summed(x, axis), rtol=0, atol=1e-12
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (2, 2), ("3/2", Fraction(3, 2)), (1.1, Fraction(11, 10)), (1 / 3, Fraction(1, 3)),
        ("1.25", Fraction(5, 4)), (np.float32(1.5), Fraction(3, 2)),
        (160 / 147, Fraction(160, 147)),
    ],
)  # fmt: skip
def test_scales_are_read_exactly(written: object, meant: Fraction) -> None:
    assert ratio("scale", written) == meant


def test_what_would_take_hours_is_refused() -> None:
    x = np.ones(4, np.float32)
    with pytest.raises(ValueError, match="1333333342 outputs of 192 taps"):
        tconv.upsample(x, Fraction(10**9 + 7, 3), "sinc")


def test_products_are_counted() -> None:
    random = np.random.default_rng(3)
    for _ in range(200):
        i, o, k = (int(n) for n in random.integers(1, 40, 3))
        kernel = [*kernels.PROFILES.values(), random.random(k)][int(random.integers(9))]
        axis = Resampling(Places.of(i, None, o), kernel)
        spread = axis._spread
        first, last = (np.array([f(n) for n in range(o)]) for f in (spread.first, spread.last))
        held = np.minimum(last, i - 1) - np.maximum(first, 0) + 1
        assert axis.products == np.maximum(held, 0).sum()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"scale": "x"}, ValueError, "scale 'x' is not a number; write 2, 1.5 or 3/2"),
        ({"scale": "1/0"}, ValueError, "scale '1/0' is not a number"),
        ({"scale": "1e99999999"}, ValueError, "is not a number"),
        ({"scale": float("nan")}, ValueError, "scale must be a finite number, got nan"),
        ({"scale": -1.5}, ValueError, "scale must be above 0, got -1.5"),
        ({"scale": True}, TypeError, "scale must be an integer, got True"),
        ({"scale": [2, 2, 2]}, ValueError, "scale must be one number or 2 of them"),
        ({"scale": "1/100"}, ValueError, "scale 1/100 leaves nothing of 4 cells; give a size"),
        ({"scale": 1e300}, ValueError, "does not fit 64 bits"),
        ({"scale": 10**15}, ValueError, "overflows 64 bits"),
        ({"scale": 10**5}, ValueError, "GiB"),
        ({"scale": Fraction(1, 10**15), "size": 1}, ValueError, "an output would read"),
        ({"size": 0}, ValueError, "size must be at least 1, got 0"),
        ({"size": 2.5}, TypeError, "size must be an integer"),
        ({"size": (3,)}, ValueError, "size must be one integer or 2 of them, one an axis"),
        ({"size": (10**10, 10**10)}, ValueError, "overflows 64 bits"),
        ({"align": "center"}, ValueError, "align 'center' is not one of centres, corners, starts"),
        ({"kernel": np.ones((2, 2))}, ValueError, r"kernel has shape \(2, 2\)"),
        ({"kernel": [1j]}, TypeError, "kernel holds complex numbers"),
        ({"kernel": "uniform", "kernel_size": 2**30}, ValueError, "a kernel of 1073741824 cells"),
        ({"size": 7, "method": "magic"}, ValueError, "method 'magic' is not one of"),
        ({"scale": Fraction(999983, 999979), "method": "scatter"}, ValueError, "simpler ratio"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        tconv.upsample(np.ones((4, 4)), **arguments)
