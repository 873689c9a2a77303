"""Every method and every installed framework against the definition, on random parameters.

The reference is the definition by stamps, computed in the widest dtype there is.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from math import inf, isnan
from typing import Any

import numpy as np

from tconv import engine
from tconv._version import __version__
from tconv.checks import check_memory
from tconv.conventions import Inexpressible
from tconv.functional import METHODS
from tconv.geometry import Geometry
from tconv.geometry.axis import Axis
from tconv.geometry.parameters import integer, one_of
from tconv.peers import PEERS
from tconv.peers.layout import Array
from tconv.reference import scatter

DTYPES = ("float32", "float64", "complex64", "complex128", "int64")
WIDEST = {"f": np.longdouble, "c": np.clongdouble, "i": np.int64}
TOLERANCE = 32  # rounding errors, of the largest sum of absolute products
LARGEST = {1: (9, 7, 7), 2: (6, 5, 7), 3: (4, 3, 4)}  # input, kernel, stride, by rank
LARGEST_BEYOND = (3, 2, 3)
MOST_AXES = 6

Compute = Callable[[Array, Array, Geometry, int], Array]
Draw = Callable[[int, int], int]


@dataclass(frozen=True)
class Case:
    """One set of parameters, with the seed of its arrays."""

    input_size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    crop: tuple[tuple[int, int], ...]
    batch: int = 1
    in_channels: int = 1
    out_channels: int = 1
    groups: int = 1
    dtype: str = "float64"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch", "in_channels", "out_channels", "groups"):
            integer(name, getattr(self, name), minimum=1)
        integer("seed", self.seed, minimum=0)
        one_of("dtype", self.dtype, DTYPES)
        if self.in_channels % self.groups or self.out_channels % self.groups:
            raise ValueError(
                f"groups {self.groups} must divide {self.in_channels} and {self.out_channels} "
                "channels"
            )
        geometry, wide = self.geometry, np.dtype(WIDEST[np.dtype(self.dtype).kind])
        channels = self.in_channels, self.out_channels // self.groups
        for shape in (
            (self.batch, self.in_channels, *geometry.input_size),
            (*channels, *geometry.kernel_size),
            (self.batch, self.out_channels, *geometry.full),
            (self.batch, self.out_channels, *geometry.output_size),
        ):
            check_memory(shape, wide, "an array to compare")

    @cached_property
    def geometry(self) -> Geometry:
        """The sizes and places."""
        return Geometry.from_crop(
            self.input_size, self.kernel_size, self.stride, self.dilation, self.crop
        )

    @cached_property
    def arrays(self) -> tuple[Array, Array]:
        """The input (N, C_in, *I) and the weight (C_in, C_out/groups, *K)."""
        random = np.random.default_rng(self.seed)
        channels = self.in_channels, self.out_channels // self.groups
        shapes = (self.batch, self.in_channels, *self.input_size), (*channels, *self.kernel_size)
        x, weight = (_random_array(random, shape, np.dtype(self.dtype)) for shape in shapes)
        return x, weight

    @cached_property
    def expected(self) -> tuple[Array, float]:
        """What the definition gives, and the largest sum of absolute products behind it."""
        x, weight = self.arrays
        wide = WIDEST[x.dtype.kind]
        y = scatter(x.astype(wide), weight.astype(wide), self.geometry, self.groups)
        return y, float(scatter(abs(x), abs(weight), self.geometry, self.groups).max())

    def error(self, compute: Compute) -> float:
        """Return how far a computation is off, as a part of the largest sum of products."""
        x, weight = self.arrays
        y, scale = self.expected
        answer = compute(x.copy(), weight.copy(), self.geometry, self.groups)
        if answer.shape != y.shape:
            return inf
        gap = float(abs(answer - y).max())
        if isnan(gap):
            return inf
        return gap / scale if gap and scale else gap

    @property
    def tolerance(self) -> float:
        """The error that rounding explains; integers leave none."""
        dtype = np.dtype(self.dtype)
        return 0.0 if dtype.kind == "i" else TOLERANCE * float(np.finfo(dtype).eps)

    def call(self, name: str) -> str:
        """Write the call that repeats a comparison."""
        words = ", ".join(f"{key}={value!r}" for key, value in asdict(self).items())
        return f"from tconv.verify import compare; compare({name!r}, {words})"


@dataclass
class Row:
    """What came of comparing one method or framework."""

    name: str
    version: str
    compared: int = 0
    inexpressible: int = 0
    worst: float = 0.0
    dtype: str | None = None
    disagreement: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether every comparison was within rounding."""
        return self.disagreement is None


def verify(
    trials: int = 200,
    seed: int = 0,
    max_rank: int = 4,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Compare every method and every installed framework with the definition.

    Parameters
    ----------
    trials : int
        Random parameter sets.
    seed : int
        The same seed draws the same sets.
    max_rank : int
        Most spatial axes.
    on_progress : callable, optional
        Called with the trials done and the trials in all.

    Returns
    -------
    list of Row
        Methods first, then frameworks. `worst` is the largest error divided by the largest sum of
        absolute products; a row disagrees where one exceeds 32 units of rounding, where an integer
        differs, or where the framework fails.

    Examples
    --------
    >>> rows = verify(trials=2, max_rank=1)
    >>> rows[0].name, rows[0].compared, rows[0].agrees
    ('auto', 2, True)
    """
    trials, seed = integer("trials", trials, minimum=0), integer("seed", seed, minimum=0)
    if integer("max_rank", max_rank, minimum=1) > MOST_AXES:
        raise ValueError(f"max_rank {max_rank} is more axes than the {MOST_AXES} compared at most")
    subjects = list(_subjects())
    for trial in range(trials):
        case = random_case(np.random.default_rng((seed, trial)), max_rank)
        narrow = replace(case, dtype="float32")
        for row, compute, dtypes in subjects:
            _compare(row, compute, case if case.dtype in dtypes else narrow)
        if on_progress is not None:
            on_progress(trial + 1, trials)
    return [row for row, _, _ in subjects]


def compare(name: str, **parameters: Any) -> float:
    """Repeat one comparison: the error of a method or framework on one set of parameters.

    Parameters
    ----------
    name : str
        A method of :data:`tconv.METHODS` or a framework of :data:`tconv.peers.PEERS`.
    **parameters
        The fields of a :class:`Case`.

    Examples
    --------
    >>> compare("auto", input_size=(4,), kernel_size=(3,), stride=(2,), dilation=(1,),
    ...         crop=((0, 1),)) < 1e-15
    True
    """
    known = {**METHODS, **{peer: one.run for peer, one in PEERS.items()}}
    return Case(**parameters).error(known[one_of("name", name, known)])


def random_case(random: np.random.Generator, max_rank: int) -> Case:
    """Draw parameters, unequal along the axes and with every sort of crop."""

    def draw(low: int, high: int) -> int:
        return int(random.integers(low, high + 1))

    def draws(high: int) -> tuple[int, ...]:
        return tuple(draw(1, high) for _ in range(rank))

    rank = draw(1, max_rank)
    input_most, kernel_most, stride_most = LARGEST.get(rank, LARGEST_BEYOND)
    uncropped = Geometry.of(
        draws(input_most),
        draws(kernel_most),
        draws(stride_most),
        dilation=draws(4) if draw(0, 1) else 1,
    )
    sort = SORTS[draw(0, len(SORTS) - 1)]
    groups = draw(1, 3) if draw(0, 1) else 1
    most = 3 if rank < 3 else 2
    return Case(
        uncropped.input_size,
        uncropped.kernel_size,
        uncropped.stride,
        uncropped.dilation,
        tuple(sort(axis, draw) for axis in uncropped.axes),
        batch=draw(1, 2),
        in_channels=groups * draw(1, most),
        out_channels=groups * draw(1, most),
        groups=groups,
        dtype=DTYPES[draw(0, len(DTYPES) - 1)],
        seed=draw(0, 2**31),
    )


def _valid(axis: Axis, draw: Draw) -> tuple[int, int]:
    return 0, -draw(0, axis.stride - 1)


def _symmetric(axis: Axis, draw: Draw) -> tuple[int, int]:
    padding = draw(0, min(axis.effective_kernel + 1, (axis.full - 1) // 2))
    return padding, padding - draw(0, max(axis.stride, axis.dilation) - 1)


def _same(axis: Axis, _draw: Draw) -> tuple[int, int]:
    excess = axis.full - axis.input_size * axis.stride
    start = max(excess, 0) // 2
    return start, excess - start


def _any(axis: Axis, draw: Draw) -> tuple[int, int]:
    most = axis.effective_kernel + 1
    start = draw(-3, min(most, axis.full - 1))
    return start, draw(-axis.stride - 1, min(most, axis.full - 1 - start))


SORTS = (_valid, _symmetric, _same, _any)


def _random_array(
    random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> Array:
    if dtype.kind == "i":
        return random.integers(-1000, 1000, shape).astype(dtype)
    array = random.standard_normal(shape)
    return (array + 1j * random.standard_normal(shape) if dtype.kind == "c" else array).astype(
        dtype
    )


def _subjects() -> Iterator[tuple[Row, Compute, tuple[str, ...]]]:
    """Yield what there is to compare: its row, its function, its dtypes."""
    for name, compute in METHODS.items():
        yield Row(name, __version__), _by_engine if name == "engine" else compute, DTYPES
    for name, peer in PEERS.items():
        version = peer.available()
        if version is not None:
            yield Row(name, version), peer.run, peer.DTYPES


def _by_engine(x: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    why = engine.unsupported_reason(np.result_type(x, weight), geometry)
    if why is not None:
        raise Inexpressible(why)
    return engine.compute(x, weight, geometry, groups)


def _compare(row: Row, compute: Compute, case: Case) -> None:
    reason = ""
    try:
        error = case.error(compute)
    except (Inexpressible, ImportError):
        row.inexpressible += 1
        return
    except Exception as failure:  # whatever a framework raises is its answer
        error = inf
        reason = f"  # {type(failure).__name__}: {str(failure).partition(chr(10))[0]}"
    row.compared += 1
    if error > row.worst:
        row.worst, row.dtype = error, case.dtype
    if error > case.tolerance and row.disagreement is None:
        row.disagreement = case.call(row.name) + reason
