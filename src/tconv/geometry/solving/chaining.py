"""A large factor spread over several layers, the best chains first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain as chained
from itertools import islice, product

from tconv.geometry.convolution import times
from tconv.geometry.parameters import LARGEST, Sizes, integer
from tconv.geometry.solving.answering import answers
from tconv.geometry.solving.known import Known, known_axes
from tconv.geometry.solving.nothing import direction, shrinking
from tconv.geometry.solving.reasons import REASONS, Blemish, listed
from tconv.geometry.solving.solution import Ints, Solution, Solutions

LARGEST_STRIDE = 8  # that vocoders and codecs use; larger ones only where a factor asks for them
LAYERS_AT_MOST = 64
SLACK = 8  # cells that the last layer adds or leaves out beyond a product of strides
CHAINS_AT_MOST = 500  # listed for one axis
TRIED = 64  # as divisors one by one
COMPARED = 2  # times as many as are listed
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
        of_layers: dict[Blemish, list[str]] = {}
        for number, layer in enumerate(self.layers, 1):
            for blemish in layer.blemishes:
                if blemish.reason != "stride":
                    of_layers.setdefault(blemish, []).append(str(number))
        return tuple(
            Blemish(reason, f"layer{'s' if len(numbers) > 1 else ''} {listed(numbers)}: {sentence}")
            for (reason, sentence), numbers in of_layers.items()
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
    overlap unevenly; no stride above 8, where the factor allows; every layer enlarges; the largest
    strides first, where there are the fewest cells to compute. That is how vocoders and codecs are
    built: 8·8·2·2 (HiFi-GAN), 8·5·4·2 (EnCodec), 8·8·4·2 (DAC). Where the sizes have no such
    factor, the last layer adds or leaves out the few cells that are missing.

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
    ladders = {pair: _ladders(*pair, steps) for pair in dict.fromkeys(pairs)}
    solved = lru_cache(None)(_layer)
    made = (_linked(axes, strides, solved) for strides in _together(ladders, pairs))
    found = sorted(islice(filter(None, made), COMPARED * limit), key=_grave)
    if not found:
        why = f"no chain of {steps} layers makes these sizes"
        return Solutions(searched=searched, reason=why)
    return Solutions(found[:limit], searched=searched)


def fewest(i: int, o: int) -> int:
    """Return how few layers make one size of another with strides up to 8, or hardly above.

    Examples
    --------
    >>> fewest(1, 600), fewest(80, 160), fewest(1, 601)
    (4, 1, 4)
    """
    factors = _factors(i, o)
    for factor in factors:
        if found := _count(factor):
            return found
    return max(1, -(-(factors[0].bit_length() - 1) // 3))


def _count(factor: int) -> int:
    """Return the fewest usual strides that have this product; 0 if none have."""
    if factor == 1:
        return 1
    counts = range(1, min(LAYERS_AT_MOST, factor.bit_length()))
    return next((n for n in counts if _splits(factor, n, LARGEST_STRIDE)), 0)


def _factors(i: int, o: int) -> list[int]:
    """Return the whole factors whose products with `i` miss `o` by a few cells, nearest first."""
    slack = min(SLACK, o // 16)
    near = range(max(-((slack - o) // i), 1), min(o + slack, LARGEST) // i + 1)
    return sorted(near, key=lambda factor: abs(i * factor - o)) or [max(o // i, 1)]


def _ladders(i: int, o: int, steps: int) -> list[tuple[int, ...]]:
    """Return strides for so many layers, the best first."""
    factors = _factors(i, o)
    for factor in factors:
        if _splits(factor, steps, LARGEST_STRIDE):
            usual = _parts(factor, steps, LARGEST_STRIDE)
            larger = (
                strides
                for strides in _parts(factor, steps, 2 * LARGEST_STRIDE)
                if strides[0] > LARGEST_STRIDE
            )
            return list(islice(chained(usual, larger), CHAINS_AT_MOST))
    for moving in range(steps, 0, -1):  # a larger stride, or layers that do not enlarge
        for factor in factors:
            if most := _least_largest(factor, moving):
                still = (1,) * (steps - moving)
                parts = islice(_parts(factor, moving, most), CHAINS_AT_MOST)
                return [(*strides, *still) for strides in parts]
    return [(1,) * steps]


def _least_largest(factor: int, count: int) -> int:
    """Return the smallest bound within which a number is a product of so many; 0 if none is."""
    return next((most for most in _divisors(factor) if _splits(factor, count, most)), 0)


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


def _linked(
    axes: Sequence[Known], strides: Sequence[Ints], solved: Callable[..., Solution | None]
) -> Chain | None:
    """Solve layer by layer."""
    size = tuple(known.input_size or 1 for known in axes)
    wanted = tuple(known.output_size or 1 for known in axes)
    layers = []
    for stride in strides[:-1]:
        output = tuple(n * s for n, s in zip(size, stride, strict=True))
        layers.append(solved(size, output, stride))
        size = output
    layers.append(solved(size, wanted, strides[-1]))
    found = [layer for layer in layers if layer]
    return Chain(tuple(found)) if len(found) == len(strides) else None


def _layer(input_size: Ints, output_size: Ints, stride: Ints) -> Solution | None:
    known = known_axes(input_size=input_size, output_size=output_size, stride=stride)
    return next(iter(answers(known, 1)), None)


def _grave(one: Chain) -> int:
    return sum(any(reason in GRAVE for reason, _ in layer.blemishes) for layer in one.layers)


def _parts(factor: int, count: int, most: int) -> Iterator[tuple[int, ...]]:
    """Yield so many divisors, none below 2 or above `most`, with this product, largest first."""
    if not _splits(factor, count, most):
        return
    if count == 0:
        yield ()
        return
    for first in _divisors_up_to(factor, most):
        for rest in _parts(factor // first, count - 1, first):
            yield (first, *rest)


@lru_cache(100_000)
def _splits(factor: int, count: int, most: int) -> bool:
    """Tell whether a number is a product of so many others, none below 2 or above `most`."""
    if count == 0:
        return factor == 1
    if factor < 2**count or factor > most**count:
        return False
    return any(_splits(factor // d, count - 1, d) for d in _divisors_up_to(factor, most))


def _divisors_up_to(number: int, most: int) -> list[int]:
    """Return the divisors from 2 to `most`, the largest first."""
    if most <= TRIED:
        return [d for d in range(most, 1, -1) if number % d == 0]
    return [d for d in reversed(_divisors(number)) if d <= most]


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
