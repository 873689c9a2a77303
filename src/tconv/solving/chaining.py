"""A large factor spread over several layers, the best chains first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product

from tconv.convolution import times
from tconv.parameters import LARGEST, Sizes, integer
from tconv.solving.answering import answers
from tconv.solving.known import Known, known_axes
from tconv.solving.nothing import direction, shrinking
from tconv.solving.reasons import REASONS, Blemish
from tconv.solving.solution import Ints, Solution, Solutions

LARGEST_STRIDE = 8  # that vocoders and codecs use; larger ones only where a factor asks for them
LAYERS_AT_MOST = 64
SLACK = 8  # cells that the last layer adds or leaves out beyond a product of strides
CHAINS_AT_MOST = 500  # compared
GRAVE = tuple(reason.name for reason in REASONS[:3])


@dataclass(frozen=True, slots=True, repr=False)
class Chain:
    """Layers that follow one another, each a :class:`~tconv.Solution`.

    Examples
    --------
    >>> from tconv import solve
    >>> solve.chain(1, 600)[0]
    Chain(1 -> 8 -> 40 -> 200 -> 600: strides 8, 5, 5, 3; kernels 16, 10, 10, 6)
    """

    layers: tuple[Solution, ...]

    @property
    def sizes(self) -> tuple[Ints, ...]:
        """The input size and the output size of every layer."""
        return (self.layers[0].input_size, *(layer.output_size for layer in self.layers))

    @property
    def strides(self) -> tuple[Ints, ...]:
        """The strides, layer by layer."""
        return tuple(layer.stride for layer in self.layers)

    @property
    def blemishes(self) -> tuple[Blemish, ...]:
        """What the layers leave to be desired, layer by layer, their strides taken as given."""
        return tuple(
            Blemish(reason, f"layer {number}: {sentence}")
            for number, layer in enumerate(self.layers, 1)
            for reason, sentence in layer.blemishes
            if reason != "stride"
        )

    def __str__(self) -> str:
        sizes = " -> ".join(map(times, self.sizes))
        kernels = ", ".join(times(layer.kernel_size) for layer in self.layers)
        return f"{sizes}: strides {', '.join(map(times, self.strides))}; kernels {kernels}"

    def __repr__(self) -> str:
        return f"Chain({self})"


def chain(
    input_size: Sizes, output_size: Sizes, layers: int | None = None, *, limit: int = 20
) -> Solutions[Chain]:
    """List chains of layers that make one size of another in several steps, the best first.

    Parameters
    ----------
    input_size, output_size : int or sequence of int
    layers : int, optional
        How many; else as few as strides up to 8 allow.
    limit : int
        How many chains are listed at most.

    Returns
    -------
    Solutions of Chain
        Every layer but the last enlarges exactly by its stride, the last one makes the size
        wanted; each is the first answer of :func:`tconv.solve` for its sizes and stride.

    Raises
    ------
    TypeError
        If a parameter is of the wrong kind.
    ValueError
        If it is out of range.

    Notes
    -----
    Compared in this order: the fewest layers that leave inputs unread, outputs unreached or
    overlap unevenly; no stride above 8; every layer enlarges; the product of the strides is
    nearest to the ratio of the sizes; the largest strides first, where there are the fewest cells
    to compute. That is how vocoders and codecs are built: 8·8·2·2 (HiFi-GAN), 8·5·4·2 (EnCodec).

    Examples
    --------
    >>> from tconv import solve
    >>> for found in solve.chain(1, 256, layers=4)[:2]:
    ...     print(found)
    1 -> 8 -> 64 -> 128 -> 256: strides 8, 8, 2, 2; kernels 16, 16, 4, 4
    1 -> 8 -> 32 -> 128 -> 256: strides 8, 4, 4, 2; kernels 16, 8, 8, 4
    >>> print(solve.chain((16, 32, 32), (16, 256, 256), layers=3)[0])
    16×32×32 -> 16×64×64 -> 16×128×128 -> 16×256×256: strides 1×2×2, 1×2×2, 1×2×2;
    kernels 1×2×2, 1×2×2, 1×2×2
    """
    limit = integer("limit", limit, minimum=1)
    axes = known_axes(input_size=input_size, output_size=output_size)
    pairs = [(known.input_size or 1, known.output_size or 1) for known in axes]
    if layers is not None and integer("layers", layers, minimum=1) > LAYERS_AT_MOST:
        raise ValueError(f"layers must be at most {LAYERS_AT_MOST}, got {layers}")
    searched = f"strides up to {LARGEST_STRIDE} where the factor allows; the rest as solve does"
    if any(i > o for i, o in pairs):
        convolution = shrinking(axes)
        why = "layers enlarge, but a size shrinks"
        if convolution:
            why = f"{why}: {direction(convolution)}"
        return Solutions(searched=searched, reason=why, convolution=convolution)
    steps = max(fewest(*pair) for pair in pairs) if layers is None else layers
    ladders = {pair: list(_ladders(*pair, steps)) for pair in dict.fromkeys(pairs)}
    found = []
    for strides in islice(_together(ladders, pairs), CHAINS_AT_MOST):
        if one := _chained(axes, strides):
            found.append(one)
        if len(found) >= max(limit, 20) * 2:
            break
    found.sort(key=_grave)
    if not found:
        why = f"no {steps} layers make these sizes"
        return Solutions(searched=searched, reason=why)
    return Solutions(found[:limit], searched=searched)


def fewest(i: int, o: int) -> int:
    """Return how few layers make one size of another with strides up to 8, or hardly above.

    Examples
    --------
    >>> fewest(1, 600), fewest(80, 160), fewest(1, 601)
    (4, 1, 4)
    """
    counts = [
        next((n for n in range(1, LAYERS_AT_MOST) if _splits(f, n, LARGEST_STRIDE)), 0)
        for f in _factors(i, o)
    ]
    if any(counts):
        return next(filter(None, counts))
    factor = next(iter(_factors(i, o)))
    return max(1, -(-(factor.bit_length() - 1) // 3)) if factor > 1 else 1


def _factors(i: int, o: int) -> list[int]:
    """Return the whole factors whose products with `i` are nearest to `o`."""
    near = range(max(-((SLACK - o) // i), 1), min(o + SLACK, LARGEST) // i + 1)
    factors = sorted(near, key=lambda factor: abs(i * factor - o))
    return factors or [max(1, (2 * o + i) // (2 * i))]


def _ladders(i: int, o: int, steps: int) -> Iterator[tuple[int, ...]]:
    """Yield strides for so many layers, the best first; 1 where there are more than factors."""
    listed = []
    for factor in _factors(i, o):
        most, moving = LARGEST_STRIDE, steps
        while moving and not _splits(factor, moving, most):
            moving -= 1
        if not moving and factor > 1:  # a stride beyond the usual, as small as it can be
            moving, most = _beyond(factor, steps)
        for parts in islice(_parts(factor, moving, most), CHAINS_AT_MOST):
            strides = parts + (1,) * (steps - moving)
            over = sum(s > LARGEST_STRIDE for s in parts)
            order = over, steps - moving, abs(i * factor - o), [-s for s in strides]
            listed.append((order, strides))
    return (strides for _, strides in sorted(listed))


def _beyond(factor: int, steps: int) -> tuple[int, int]:
    """Return how many strides, and the largest, where one must be larger than usual."""
    for moving in range(steps, 1, -1):
        for most in _divisors(factor):
            if _splits(factor, moving, most):
                return moving, most
    return 1, factor


def _together(
    ladders: dict[tuple[int, int], list[tuple[int, ...]]], pairs: Sequence[tuple[int, int]]
) -> Iterator[list[Ints]]:
    """Yield the strides of every layer, axes of the same sizes alike."""
    few = max(int(CHAINS_AT_MOST ** (1 / len(ladders))), 1)
    ranks = product(*(range(len(ladder[:few])) for ladder in ladders.values()))
    for chosen in sorted(ranks, key=sum):
        of_pair = {
            pair: ladder[rank] for (pair, ladder), rank in zip(ladders.items(), chosen, strict=True)
        }
        yield list(zip(*(of_pair[pair] for pair in pairs), strict=True))


def _chained(axes: Sequence[Known], strides: Sequence[Ints]) -> Chain | None:
    """Solve layer by layer."""
    size = tuple(known.input_size or 1 for known in axes)
    wanted = tuple(known.output_size or 1 for known in axes)
    layers = []
    for number, stride in enumerate(strides, 1):
        last = number == len(strides)
        output = wanted if last else tuple(n * s for n, s in zip(size, stride, strict=True))
        found = answers(known_axes(input_size=size, output_size=output, stride=stride), 1)
        if not found:
            return None
        layers.append(found[0])
        size = output
    return Chain(tuple(layers))


def _grave(one: Chain) -> int:
    return sum(any(reason in GRAVE for reason, _ in layer.blemishes) for layer in one.layers)


def _parts(factor: int, count: int, most: int) -> Iterator[tuple[int, ...]]:
    """Yield so many divisors, none below 2 or above `most`, with this product, largest first."""
    if not _splits(factor, count, most):
        return
    if count == 0:
        yield ()
        return
    for first in reversed([d for d in _divisors(factor) if d <= most]):
        for rest in _parts(factor // first, count - 1, first):
            yield (first, *rest)


@lru_cache(100_000)
def _splits(factor: int, count: int, most: int) -> bool:
    """Tell whether a number is a product of so many others, none below 2 or above `most`."""
    if count == 0:
        return factor == 1
    if factor < 2**count or factor > most**count:
        return False
    return any(
        factor % d == 0 and _splits(factor // d, count - 1, d)
        for d in reversed(_divisors(factor))
        if d <= most
    )


@lru_cache(1000)
def _divisors(number: int) -> tuple[int, ...]:
    """Return the divisors above 1 made of 2, 3, 5, 7, and of what is left without them."""
    found = {1}
    for prime in (2, 3, 5, 7):
        powers = [1]
        while number % prime == 0:
            number //= prime
            powers.append(powers[-1] * prime)
        found = {a * b for a in found for b in powers}
    if number > 1:
        found |= {a * number for a in found}
    return tuple(sorted(found - {1}))
