"""What makes an answer surprising: one ordered list, the gravest reason first.

Answers are compared reason by reason; those of several axes by the sums over their axes. Whatever
an answer has against it, it names: its blemishes.
"""

from collections.abc import Callable, Sequence
from math import gcd
from typing import NamedTuple

from tconv.geometry.solving.fit import Fit

NAMED = 3  # cells named one by one where many are missing

Measure = tuple[int, ...]
USUAL_STRIDE = 2


class Blemish(NamedTuple):
    """One thing that an answer leaves to be desired.

    Examples
    --------
    >>> print(Blemish("outputs reached", "leaves output 88 without input"))
    leaves output 88 without input
    """

    reason: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


class Reason(NamedTuple):
    """One reason to prefer an answer.

    Parameters
    ----------
    name : str
    prefers : str
        What is preferred, as a sentence.
    measure : callable
        From a fit to integers: the smaller, the better.
    says : callable
        From a fit to a sentence; empty where there is nothing to say.
    """

    name: str
    prefers: str
    measure: Callable[[Fit], Measure]
    says: Callable[[Fit], str]


def kernel_rule(fit: Fit) -> int:
    """Return the place of a kernel among those that people use; 5 for any other.

    k = 2s is the choice of DCGAN, HiFi-GAN and EnCodec, k = s of U-Net; 3s, 2s - 1 and 2s + 1 are
    found as well.
    """
    kernels = usual_kernels(fit.stride)
    return kernels.index(fit.kernel_size) if fit.kernel_size in kernels else len(kernels)


def usual_kernels(s: int) -> tuple[int, ...]:
    """Return the kernels that people use with a stride, the most usual first.

    Examples
    --------
    >>> usual_kernels(2)
    (4, 2, 6, 3, 5)
    """
    return 2 * s, s, 3 * s, 2 * s - 1, 2 * s + 1


RULES = ("2s", "s", "3s", "2s - 1", "2s + 1")


def is_even(k: int, s: int, d: int) -> bool:
    """Tell whether every phase has equally many taps; see :attr:`tconv.geometry.axis.Axis.even`."""
    return k % s == 0 and (d == 1 or gcd(s, d) == 1)


def off_ratio(i: int, o: int, s: int) -> int:
    """Return by how many cells I·s misses O; a single input is best left without a stride."""
    return s - 1 if i == 1 else abs(i * s - o)


def stride_order(i: int, o: int, s: int) -> Measure:
    """Return what strides, and sizes that are open, are ordered by.

    The stride nearest to O/I, then nearest to 2, then the smaller; O nearest to I·s, then beyond.
    """
    far = 2 * abs(s - USUAL_STRIDE) + (s > USUAL_STRIDE)
    return off_ratio(i, o, s), far, abs(i * s - o), i * s > o


def _lopsided(fit: Fit) -> int:
    apart = abs(fit.before - fit.after + fit.output_padding)
    if apart <= 1:
        return int(fit.before != fit.after)
    return 1 + apart // 2


def _beyond(fit: Fit) -> int:
    return max(max(fit.before, fit.after) - fit.effective_kernel + 1, 0)


def _kernel(fit: Fit) -> Measure:
    rule = kernel_rule(fit)
    return rule, fit.kernel_size if rule == len(RULES) else 0


def _says_unread(fit: Fit) -> str:
    count = fit.unread.count
    if not count:
        return ""
    return f"does not read {_cells('input', count, fit.unread.first(NAMED + 1))}"


def _says_unreached(fit: Fit) -> str:
    count = fit.unreached.count
    if not count:
        return ""
    return f"leaves {_cells('output', count, fit.unreached.first(NAMED + 1))} without input"


def _says_uneven(fit: Fit) -> str:
    fewest, most = fit.axis.taps_per_phase
    return "" if fewest == most else f"overlaps unevenly: {fewest} to {most} taps a phase"


def _says_stride(fit: Fit) -> str:
    i, o, _, s, *_ = fit
    others = (s - 1, s + 1) if s > 1 else (s + 1,)
    if off_ratio(i, o, s) <= min(off_ratio(i, o, other) for other in others):
        return ""
    if i == 1:
        return f"stride {s} moves nothing: there is one input"
    return f"stride {s} is not the nearest to {o}/{i}"


def _says_padding(fit: Fit) -> str:
    if beyond := _beyond(fit):
        return f"padding is {beyond} beyond ke - 1: whole stamps are cropped"
    if not _lopsided(fit):
        return ""
    return f"crops {fit.before} at the start and {fit.after - fit.output_padding} at the end"


def _says_kernel(fit: Fit) -> str:
    if kernel_rule(fit) < len(RULES):
        return ""
    return f"kernel {fit.kernel_size} is none of {', '.join(RULES)} with stride {fit.stride}"


REASONS: tuple[Reason, ...] = (
    Reason("inputs read", "every input is read", lambda f: (f.unread.count > 0,), _says_unread),
    Reason("outputs reached", "every output is reached", lambda f: (f.unreached.count > 0,),
           _says_unreached),
    Reason("even overlap", "every phase has equally many taps: k is a multiple of s, coprime to d",
           lambda f: (not is_even(f.kernel_size, f.stride, f.dilation),), _says_uneven),
    Reason("stride", "the stride is nearest to O/I (1 for a single input); then nearest to 2",
           lambda f: stride_order(f.input_size, f.output_size, f.stride), _says_stride),
    Reason("dilation", "there is no dilation", lambda f: (f.dilation - 1,),
           lambda f: f"dilation is {f.dilation}" if f.dilation > 1 else ""),
    Reason("padding", "padding is at most ke - 1; it is one number, and crops differ by at most 1",
           lambda f: (_beyond(f), _lopsided(f)), _says_padding),
    Reason("kernel", f"the kernel is one that people use: {', '.join(RULES)}; then the smallest",
           _kernel, _says_kernel),
    Reason("output_padding", "there is no output_padding", lambda f: (f.output_padding,),
           lambda f: f"output_padding is {f.output_padding}" if f.output_padding else ""),
)  # fmt: skip

# Among several axes, between "padding" and "kernel": kernels of one rule on all axes, 2s or s on
# every one; then of any rule, with axes left alone (k = s = 1) apart.
ALIKE = "axes alike"


def measure(fit: Fit) -> tuple[Measure, Measure]:
    """Return what a fit is ordered by, before and after the reason that axes are alike."""
    measures = {reason.name: reason.measure(fit) for reason in REASONS}
    names = list(measures)
    place = names.index("kernel")
    before = [one for name in names[:place] for one in measures[name]]
    after = [one for name in names[place:] for one in measures[name]]
    return tuple(before), tuple(after)


def unlike(fits: Sequence[Fit]) -> int:
    """Return 0 where all kernels are 2s or all are s, 1 where one rule holds, else 2.

    Axes left alone, with kernel and stride 1, break no rule but the first.

    Examples
    --------
    >>> still, doubled = Fit(16, 16, 1, 1, 1, 0, 0, 0), Fit(32, 64, 4, 2, 1, 1, 1, 0)
    >>> unlike([still, doubled]), unlike([still, Fit(32, 64, 2, 2, 1, 0, 0, 0)])
    (1, 0)
    """
    rules = {kernel_rule(fit) for fit in fits}
    if rules in ({0}, {1}):
        return 0
    moving = {label(fit) for fit in fits if not left_alone(fit)}
    return 1 if len(moving) <= 1 else 2


def label(fit: Fit) -> Measure:
    """Return the kernel's rule, or kernel and stride where it follows none."""
    rule = kernel_rule(fit)
    return (rule,) if rule < len(RULES) else (fit.kernel_size, fit.stride)


def left_alone(fit: Fit) -> bool:
    """Tell whether nothing happens along an axis."""
    return fit.kernel_size == fit.stride == 1


def surprise(fits: Sequence[Fit]) -> Measure:
    """Return what answers are ordered by: the sums over the axes, reason by reason."""
    before, after = zip(*map(measure, fits), strict=True)
    return (*sums(before), unlike(fits), *sums(after))


def blemishes(fits: Sequence[Fit]) -> tuple[Blemish, ...]:
    """Return what an answer leaves to be desired, the gravest first.

    Examples
    --------
    >>> for blemish in blemishes([Fit(44, 89, 2, 2, 1, 0, 0, 1)]):
    ...     print(blemish)
    leaves output 88 without input
    output_padding is 1
    """
    found = []
    for reason in REASONS:
        if reason.name == "kernel" and unlike(fits) == 2:
            found.append(Blemish(ALIKE, "kernels follow different rules on different axes"))
        said = [reason.says(fit) for fit in fits]
        for sentence in dict.fromkeys(filter(None, said)):
            axes = [str(axis) for axis, one in enumerate(said) if one == sentence]
            where = "" if len(axes) == len(fits) else f"axis {listed(axes)}: "
            found.append(Blemish(reason.name, where + sentence))
    return tuple(found)


def sums(measures: Sequence[Measure]) -> Measure:
    """Add measures entry by entry."""
    return tuple(map(sum, zip(*measures, strict=True)))


def _cells(kind: str, count: int, first: Sequence[int]) -> str:
    if count <= len(first):
        return f"{kind}{'s' if count > 1 else ''} {listed(list(map(str, first)))}"
    return f"{count} {kind}s ({', '.join(map(str, first[:NAMED]))}, …)"


def listed(words: Sequence[str]) -> str:
    """Write a list as a sentence does.

    Examples
    --------
    >>> listed(["1", "2", "3"])
    '1, 2 and 3'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
