"""What to do next, where a refusal can tell; asked only when a call is refused.

Every function returns the end of a sentence, "; …", or "" where it knows no next step.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import isqrt
from typing import Any

Shape = tuple[int, ...]

CONVERSIONS = {  # of other libraries' arrays, by the package that a type is defined in
    "cupy": "{}.get()",
    "dask": "{}.compute()",
    "h5py": "{}[...]",
    "jax": "np.asarray({})",
    "jaxlib": "np.asarray({})",
    "keras": "keras.ops.convert_to_numpy({})",
    "mxnet": "{}.asnumpy()",
    "netCDF4": "{}[...]",
    "paddle": "{}.numpy()",
    "pandas": "{}.to_numpy()",
    "polars": "{}.to_numpy()",
    "pyarrow": "{}.to_numpy()",
    "scipy": "{}.toarray()",
    "sparse": "{}.todense()",
    "tensorflow": "{}.numpy()",
    "xarray": "{}.values",
    "zarr": "{}[...]",
}
GROUPS = {"h5py": ("File", "Group"), "xarray": ("Dataset",), "zarr": ("Group",)}  # of arrays
CALLBACKS = {  # where a value is asked for while a function is only being traced
    "jax": ("Tracer", "jit", "jax.pure_callback"),
    "jaxlib": ("Tracer", "jit", "jax.pure_callback"),
    "tensorflow": ("SymbolicTensor", "tf.function", "tf.numpy_function"),
}
LISTED = 2**20  # channels whose divisors are looked for


def conversion(name: str, value: object) -> str:
    """Tell how another library's array becomes NumPy's.

    Examples
    --------
    >>> conversion("x", range(3))
    '; convert it: np.asarray(x)'
    """
    kind = type(value)
    package = kind.__module__.partition(".")[0]
    symbol, function, callback = CALLBACKS.get(package, ("", "", ""))
    if symbol and symbol in kind.__name__:
        return f"; it has no values inside {function}: call from outside it, or by {callback}"
    if package == "torch" and hasattr(value, "detach"):
        return f"; convert it: {_of_torch(name, value)}"
    if kind.__name__ in GROUPS.get(package, ()):
        return "; pass one of its arrays"
    if package in CONVERSIONS:
        return f"; convert it: {CONVERSIONS[package].format(name)}"
    if isinstance(value, range | memoryview) or any(
        hasattr(kind, said) for said in ("__array__", "__array_interface__", "__dlpack__")
    ):
        return f"; convert it: np.asarray({name})"
    return ""


def into(out: object) -> str:
    """Tell how a result reaches an `out` that is not NumPy's.

    Examples
    --------
    >>> into([0.0])
    ''
    """
    if type(out).__module__.partition(".")[0] == "torch" and hasattr(out, "detach"):
        code = _of_torch("out", out)
        if not set(re.findall(r"\w+\(", code)) - {"detach(", "numpy("}:
            return f"; pass {code}, which shares its memory"
    told = conversion("out", out)
    if told.endswith("[...]"):
        return "; leave it out and assign the result, out[...] = …"
    return "; leave it out and convert the result" if told.startswith("; convert") else ""


def _of_torch(name: str, value: Any) -> str:
    steps = {
        "detach": value.requires_grad,
        "to_dense": str(value.layout) != "torch.strided",
        "cpu": value.device.type != "cpu",
        "float": str(value.dtype) == "torch.bfloat16",
        "resolve_conj": value.is_conj(),
        "resolve_neg": value.is_neg(),
    }
    return ".".join([name, *(f"{step}()" for step, taken in steps.items() if taken), "numpy()"])


def no_numbers(name: str, kind: str, fields: Sequence[str] | None) -> str:
    """Tell how an array that holds no numbers may give some.

    Examples
    --------
    >>> no_numbers("x", "U", None)
    '; x.astype(float) reads numbers written as text'
    """
    if kind in "UST":
        return f"; {name}.astype(float) reads numbers written as text"
    if kind in "mM":
        return f"; {name}.astype(np.int64) counts its units of time"
    return f"; pass one of its fields, {name}[{fields[0]!r}]" if fields else ""


def channels(
    name: str,
    x: Shape,
    weight: Shape,
    groups: int,
    *,
    transposed: bool = True,
    last: bool = False,
) -> str:
    """Tell which other layout of an input or a weight would fit the other.

    `x` is (N, C, *I) or (C, *I), a view of it where `last` says that the caller has its channels
    last; `weight` is laid out for a transposed convolution or for a direct one.

    Examples
    --------
    >>> channels("x", (1, 8, 8, 3), (3, 5, 4, 4), 1)
    '; if x has its channels last, pass np.moveaxis(x, -1, 1)'
    """
    rank = len(weight) - 2
    at = len(x) - rank - 1
    inputs = [("", "", x[at])]
    if last:
        inputs.append(
            (f"{name} has its channels first", f"np.moveaxis({name}, {at}, -1)", x[at + 1])
        )
    else:
        inputs.append((f"{name} has its channels last", f"np.moveaxis({name}, -1, {at})", x[-1]))
    fits: list[tuple[int, str]] = []
    for said, code, count in inputs:
        for of_weight, weight_code, (first, second) in _layouts(weight, groups, transposed):
            if count == (first if transposed else second * groups) and first % groups == 0:
                conditions, codes = (
                    " and ".join(filter(None, pair))
                    for pair in ((said, of_weight), (code, weight_code))
                )
                fits.append((bool(said) + bool(of_weight), f"if {conditions}, pass {codes}"))
    if at == 0 and (weight[0] if transposed else weight[1] * groups) == 1 and not last:
        fits.append((1, f"if {name} has no axis of channels, pass {name}[:, np.newaxis]"))
    least = min((changes for changes, _ in fits), default=0)
    told = [fit for changes, fit in fits if changes == least]
    parts, rest = divmod(x[at], weight[1])
    if not transposed and parts and rest == 0 and weight[0] % parts == 0:
        told.insert(0, f"groups={parts} would fit")
    return "".join(f"; {hint}" for hint in told)


def _layouts(
    weight: Shape, groups: int, transposed: bool
) -> list[tuple[str, str, tuple[int, int]]]:
    """Return how a weight may be laid out: in words, as code that mends it, its channels then."""
    first, second, *kernel = weight
    sizes = ", ".join(map(str, kernel))
    swapped = (second * groups, first // groups)
    swap = "weight.swapaxes(0, 1)"
    if groups > 1:
        swap = f"weight.reshape({groups}, {first // groups}, {second}, {sizes}).swapaxes(1, 2)"
        swap += f".reshape({swapped[0]}, {swapped[1]}, {sizes})"
    other = "a convolution's, (C_out, C_in/groups, *K)"
    ends = "(*K, C_out/groups, C_in)"
    if not transposed:
        other, ends = (
            "a transposed convolution's, (C_in, C_out/groups, *K)",
            "(*K, C_in/groups, C_out)",
        )
    order = ", ".join(map(str, (len(weight) - 1, len(weight) - 2, *range(len(kernel)))))
    return [
        ("", "", (first, second)),
        (f"weight is laid out as {other}", swap, swapped),
        (
            f"weight is laid out {ends}",
            f"weight.transpose({order})",
            (weight[-1], weight[-2]),
        ),
    ]


def missing_axes(name: str, axes: int, rank: int, channels: int | None) -> str:
    """Tell how an input, or the weight it comes with, gets the axes it lacks.

    Its channels are None where a kernel size alone says the rank.

    Examples
    --------
    >>> missing_axes("x", 2, rank=2, channels=1)
    '; if it is one image of one channel, pass x[np.newaxis]'
    """
    if axes == rank and channels == 1:
        return f"; if it is one image of one channel, pass {name}[np.newaxis]"
    if axes == rank and channels is None and rank > 2:
        return "; if kernel_size is a weight's shape, leave the channels out, weight.shape[2:]"
    if axes > rank + 2:
        more = ", ".join(["np.newaxis"] * (axes - rank - 2))
        return f"; weight[..., {more}] leaves the last axes as they are"
    return ""


def bias(shape: Shape, channels: int) -> str:
    """Tell how a bias of the right entries gets the right shape.

    Examples
    --------
    >>> bias((3, 1, 1), channels=3)
    '; pass np.ravel(bias)'
    """
    if not shape:
        return f"; pass np.full({channels}, bias)"
    right = max(shape) == channels and sum(n != 1 for n in shape) == (channels != 1)
    return "; pass np.ravel(bias)" if right else ""


def divisors(groups: int, channels: int) -> str:
    """Tell which numbers of groups nearest to the one given divide the channels.

    Examples
    --------
    >>> divisors(3, channels=4)
    '; 2 and 4 do'
    """
    if not 0 < channels <= LISTED:
        return ""
    small = [n for n in range(1, isqrt(channels) + 1) if channels % n == 0]
    every = {*small, *(channels // n for n in small)}
    near = [*sorted(n for n in every if n < groups)[-1:], *sorted(n for n in every if n > groups)]
    return f"; {' and '.join(map(str, near[:2]))} {'do' if len(near) > 1 else 'does'}"


def gradient(grad: Shape, size: Shape, stride: Shape) -> str:
    """Tell why a gradient (N, C_out, *O) is not of an output's size O, and what would make it so.

    Examples
    --------
    >>> gradient((1, 7, 4), size=(7,), stride=(2,))
    '; if it has its channels last, pass np.moveaxis(grad_output, -1, 1)'
    >>> gradient((1, 4, 8), size=(7,), stride=(2,))
    '; output_padding=(1,) gives that size'
    """
    if grad[1:-1] == size:
        return "; if it has its channels last, pass np.moveaxis(grad_output, -1, 1)"
    extra = tuple(g - n for g, n in zip(grad[2:], size, strict=True))
    if any(extra) and all(0 <= e < s for e, s in zip(extra, stride, strict=True)):
        return f"; output_padding={extra} gives that size"
    return ""


def layout(word: str, known: Iterable[str]) -> str:
    """Tell which layout is meant, also by the letters of another library.

    Examples
    --------
    >>> layout("NHWC", ["channels_first", "channels_last"])
    " (NHWC is 'channels_last')"
    """
    if re.fullmatch("NC?[TDHWL]+C?", word.upper()) and word.upper().count("C") == 1:
        return f" ({word} is 'channels_{'last' if word.upper().endswith('C') else 'first'}')"
    return close(word, known)


def elsewhere(word: str, known: Iterable[str], others: Iterable[str], where: str) -> str:
    """Tell where a word belongs that is known elsewhere, or which one is meant here.

    Examples
    --------
    >>> elsewhere("winograd", ["auto", "scatter"], ["auto", "winograd"], "tconv.plan")
    '; tconv.plan takes it'
    """
    return f"; {where} takes it" if word in others else close(word, known)


def close(word: str, known: Iterable[str]) -> str:
    """Tell which of the words known a mistyped one is most like.

    Examples
    --------
    >>> close("ReLu", ["relu", "tanh"])
    " (did you mean 'relu'?)"
    """
    from difflib import get_close_matches  # while nothing is refused, nothing needs it

    found = get_close_matches(word.lower(), known, n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""


# Parameters ---------------------------------------------------------------------------------------


def axes(lengths: Mapping[str, int], padding: Any = None) -> str:
    """Tell what a parameter of another number of axes than the rest may hold too much of.

    Examples
    --------
    >>> axes({"input_size": 2, "output_size": 4})
    '; leave batch and channels out of output_size'
    >>> axes({"input_size": 1, "padding": 2}, padding=(1, 0))
    '; a pair (before, after) for one axis is written [(1, 0)]'
    """
    rank = next(iter(lengths.values()))
    if rank and lengths.get("padding") == 2 * rank and _flat(padding):
        if rank == 1:
            pair = ", ".join(map(str, padding))
            return f"; a pair (before, after) for one axis is written [({pair})]"
        return "; pairs are written [(before, after), …], one an axis"
    full = [name for name, length in lengths.items() if length == rank + 2]
    return f"; leave batch and channels out of {' and '.join(full)}" if full else ""


def _flat(padding: Any) -> bool:
    return all(isinstance(value, int) and not isinstance(value, bool) for value in padding)


def whole(value: Any) -> str:
    """Tell which integer a float or a text stands for.

    Examples
    --------
    >>> whole(2.0), whole("3"), whole(2.5)
    ('; write 2', '; write 3', '')
    """
    is_integer = getattr(value, "is_integer", None)
    if callable(is_integer) and is_integer() and abs(value) < 2**63:
        return f"; write {int(value)}"
    if isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,18}", value):
        return f"; write {int(value)}"
    return ""


def below(name: str, number: int) -> str:
    """Tell what a number below the least one was meant to do.

    Examples
    --------
    >>> below("output_padding", -1)
    '; to crop 1 more at the end, write padding as a pair, [(p, p + 1)]'
    """
    if name != "output_padding":
        return ""
    return f"; to crop {-number} more at the end, write padding as a pair, [(p, p + {-number})]"
