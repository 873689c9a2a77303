"""The public functions: check once, choose a method, compute."""

from collections.abc import Iterable, Mapping
from math import sqrt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tconv import engine
from tconv.arrays import adapter_of
from tconv.checks import (
    Operands,
    Refusal,
    as_work,
    check_gradient,
    check_memory,
    check_out,
    check_overflow,
    check_weight,
    operands,
    read_array,
)
from tconv.dtypes import canonical, work_dtype
from tconv.engine.arithmetic import Arithmetic, read_arithmetic
from tconv.geometry import Geometry, hints
from tconv.geometry.layer import Layer
from tconv.geometry.parameters import (
    Padding,
    Sizes,
    common_rank,
    integer,
    is_sequence,
    one_of,
    per_axis,
)
from tconv.reference import CONV_DEFINITIONS, DEFINITIONS, Definition, phases
from tconv.reference.matrix import dense as dense_matrix
from tconv.reference.matrix import sparse as sparse_matrix

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PLAIN = (np.ndarray, type(None))  # what needs no adapter

METHODS: Mapping[str, Definition] = MappingProxyType(
    {
        "auto": engine.compute,
        **({"engine": engine.compute} if engine.available() else {}),
        "phases": phases.conv_transpose,
        **DEFINITIONS,
    }
)

CONV_METHODS: Mapping[str, Definition] = MappingProxyType(
    {
        "auto": engine.conv,
        **({"engine": engine.conv} if engine.available() else {}),
        "phases": phases.conv,
        **CONV_DEFINITIONS,
    }
)


def conv_transpose(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    *,
    output_size: Sizes | None = None,
    method: str = "auto",
    arithmetic: Arithmetic | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Compute a transposed convolution over any number of spatial axes.

    Parameters
    ----------
    x : array_like, (N, C_in, *I) or (C_in, *I)
        Arrays of NumPy; or PyTorch's tensors, or JAX's arrays, which give what they are and are
        differentiable.
    weight : array_like, (C_in, C_out/groups, *K)
        Laid out as in PyTorch's ``ConvTranspose``.
    bias : array_like, (C_out,), optional
    stride, padding, output_padding, dilation, output_size
        As in :meth:`tconv.Geometry.of`; the order of the arguments is PyTorch's.
    groups : int
        Channel blocks that do not mix; divides C_in.
    method : str
        One of :data:`tconv.METHODS`: ``"auto"`` takes the compiled engine where it can and NumPy
        elsewhere; ``"engine"`` insists on it, ``"phases"`` is the NumPy one; or a definition by
        name. Which of the engine's algorithms runs is for :func:`tconv.plan` to say.
    arithmetic : {"fast", "direct"}, optional
        What ``"auto"`` and ``"engine"`` may do; :func:`tconv.get_arithmetic` tells what they do if
        it is left out. ``"fast"`` may multiply sums of neighbouring inputs (Winograd's and
        Strassen's algorithms): the error of an output is then relative to the largest input
        within four cells of those it reads, and in float32 was at most ``2**-24·max|x|·Σ|w|``, Σ
        over the weights of an output channel, in every real layer measured. With ``"direct"``
        every output is a sum of its own products and nothing else. NaN and infinity are exact in
        both.
    out : ndarray, (N, C_out, *O) or (C_out, *O), optional
        Written to and returned.

    Returns
    -------
    ndarray, (N, C_out, *O) or (C_out, *O)
        O = (I-1)·s + d·(K-1) + 1 less the crop. The dtype is NumPy's common one; float16 and the
        small floats of ml_dtypes (bfloat16, float8, …) are computed in float32; integers are
        computed and returned as int64, where sums beyond 2**63 wrap round, as NumPy's do.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind: bool or object arrays, other libraries' arrays.
    ValueError
        If shapes or parameters do not fit; the message tells the shapes and what would fit.

    Notes
    -----
    ``y[o] = b + sum of x[i]·w[k] over i·s + k·d - c0 = o``: the adjoint of the convolution
    :func:`tconv.conv`. Dumoulin & Visin, arXiv:1603.07285, relations 8 to 14.

    Complex numbers are multiplied as they are; the gradients conjugate, as PyTorch's do. That of a
    real loss L with respect to z is ``∂L/∂Re z + i·∂L/∂Im z``, twice the Wirtinger derivative
    ∂L/∂z*. Given it for y, it is ``conv(grad, w.conj())`` for x (:meth:`tconv.Plan.adjoint`),
    :func:`tconv.weight_gradient` for w, and the sum over batch and positions for b.

    Examples
    --------
    >>> x = np.array([[[1.0, 2.0, 3.0]]])
    >>> weight = np.array([[[1.0, 10.0, 100.0]]])
    >>> conv_transpose(x, weight, stride=2)
    array([[[  1.,  10., 102.,  20., 203.,  30., 300.]]])
    >>> conv_transpose(x, weight, stride=2, padding=1).shape
    (1, 1, 5)
    """
    plain = type(x) is type(weight) is np.ndarray and type(bias) in PLAIN
    if not plain and (other := adapter_of(x, weight, bias)):
        result: NDArray[Any] = other.conv_transpose(
            x, weight, bias, stride, padding, output_padding, groups, dilation,
            output_size=output_size, method=method, arithmetic=arithmetic, out=out,
        )  # fmt: skip
        return result
    refusal = Refusal("conv_transpose", x=x, weight=weight, bias=bias, groups=groups, out=out)
    with refusal:
        read_method(method, METHODS)
        chosen = None if arithmetic is None else read_arithmetic(arithmetic)
        use = operands(x, weight, bias, groups, transposed=True)
        layer = Layer.of(
            use.weight.shape[2:], stride, padding, output_padding, use.groups, dilation
        )
        geometry = layer.geometry(use.x.shape[2:], output_size)
    return transposed(refusal, use, geometry, method, arithmetic=chosen, out=out)


def transposed(
    refusal: Refusal,
    use: Operands,
    geometry: Geometry,
    method: str,
    *,
    arithmetic: Arithmetic | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Compute a transposed convolution of arrays that fit each other."""
    with refusal:
        _check_engine(method, use, geometry)
        channels = use.weight.shape[1] * use.groups
        shape = (len(use.x), channels, *geometry.output_size)
        _check_result(use, shape, out)
        check_overflow((len(use.x), channels, *geometry.full), use.x.dtype, "full output")
    compute = METHODS[method]
    with refusal.working(method):
        if not len(use.x):
            y = np.empty(shape, use.x.dtype)
        elif compute is engine.compute:
            y = engine.compute(
                use.x, use.weight, geometry, use.groups, bias=use.bias, arithmetic=arithmetic,
                out=out if out is None or use.batched else out[np.newaxis],
            )  # fmt: skip
        else:
            y = use.biased(compute(use.x, use.weight, geometry, use.groups))
    return use.handed(y, out)


def conv(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Padding = 0,
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    method: str = "auto",
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Compute a direct convolution (cross-correlation), whose adjoint is :func:`conv_transpose`.

    Parameters
    ----------
    x : array_like, (N, C_in, *I) or (C_in, *I)
    weight : array_like, (C_out, C_in/groups, *K)
        Laid out as in PyTorch's ``Conv``: the same array serves :func:`conv_transpose` the other
        way.
    bias : array_like, (C_out,), optional
    stride, padding, dilation
        As in :meth:`tconv.Geometry.of_conv`; the order of the arguments is PyTorch's.
    groups : int
        Divides C_out.
    method : str
        ``"auto"`` takes the compiled engine where it can and NumPy elsewhere; ``"engine"`` insists
        on it, ``"phases"`` is the NumPy one; ``"direct"`` is its definition and ``"matrix"`` the
        convolution matrix, the only one that makes no products with the zeros of the padding:
        by the others an infinite weight gives NaN there.
    out : ndarray, optional
        Written to and returned.

    Returns
    -------
    ndarray, (N, C_out, *O) or (C_out, *O)
        O = floor((I + before + after - d·(K-1) - 1)/s) + 1.

    Raises
    ------
    TypeError, ValueError
        As in :func:`conv_transpose`.

    Notes
    -----
    Complex numbers are multiplied as they are, as in PyTorch: the adjoint is
    ``conv_transpose(grad, w.conj())``, the gradient with respect to x in the convention of
    :func:`conv_transpose`; that with respect to w is ``weight_gradient(grad, x, …).conj()``.

    Examples
    --------
    >>> conv(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[[1.0, 0.0, 2.0]]]))
    array([[ 7., 10.]])
    """
    plain = type(x) is type(weight) is np.ndarray and type(bias) in PLAIN
    if not plain and (other := adapter_of(x, weight, bias)):
        result: NDArray[Any] = other.conv(
            x, weight, bias, stride, padding, dilation, groups, method=method, out=out
        )
        return result
    refusal = Refusal("conv", x=x, weight=weight, bias=bias, groups=groups, out=out)
    with refusal:
        compute = read_method(method, CONV_METHODS)
        use = operands(x, weight, bias, groups, transposed=False)
        axes = [per_axis(n, v, use.rank) for n, v in (("stride", stride), ("dilation", dilation))]
        geometry = Geometry.of_conv(
            use.x.shape[2:], use.weight.shape[2:], axes[0], padding, axes[1]
        )
        _check_engine(method, use, geometry)
        shape = (len(use.x), len(use.weight), *geometry.input_size)
        _check_result(use, shape, out)
        check_overflow((*use.x.shape[:2], *geometry.full), use.x.dtype, "padded input")
    with refusal.working(method):
        if len(use.x):
            y = use.biased(compute(use.x, use.weight, geometry, use.groups))
        else:
            y = np.empty(shape, use.x.dtype)
    return use.handed(y, out)


def weight_gradient(
    x: ArrayLike,
    grad_output: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> NDArray[Any]:
    """Compute the gradient of a transposed convolution with respect to its weight.

    Parameters
    ----------
    x : array_like, (N, C_in, *I) or (C_in, *I)
        What :func:`conv_transpose` was given.
    grad_output : array_like, (N, C_out, *O) or (C_out, *O)
        The gradient with respect to its result.
    kernel_size : int or sequence of int
        One an axis; an integer says that `x` has a batch axis, and serves every spatial one.
    stride, padding, output_padding, groups, dilation
        As they were in :func:`conv_transpose`.

    Returns
    -------
    ndarray, (C_in, C_out/groups, *K)
        ``dw[k] = sum of x[i]*·grad[i·s + k·d - c0]`` over batch and positions, with x* the complex
        conjugate.

    Raises
    ------
    TypeError, ValueError
        As in :func:`conv_transpose`; also if `grad_output` is not of the output's size.

    Notes
    -----
    The compiled engine does the work where it can, and NumPy elsewhere. It is the adjoint of the
    layer as a function of its weight, ``<conv_transpose(x, w), y> = <w, weight_gradient(x, y)>``
    with ``<a, b> = sum of a*·b`` (:func:`numpy.vdot`): for complex numbers PyTorch's gradient, as
    :func:`conv_transpose` says.

    Examples
    --------
    >>> weight_gradient(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, 3.0, 0.0]]), 2, stride=2)
    array([[[7., 0.]]])
    >>> weight_gradient(np.array([[2j]]), np.array([[1.0, 1j]]), 2)
    array([[[0.-2.j, 2.+0.j]]])
    """
    plain = type(x) is type(grad_output) is np.ndarray
    if not plain and (other := adapter_of(x, grad_output)):
        result: NDArray[Any] = other.weight_gradient(
            x, grad_output, kernel_size, stride, padding, output_padding, groups, dilation
        )
        return result
    refusal = Refusal("weight_gradient", x=x, grad_output=grad_output, groups=groups)
    with refusal:
        x, grad = read_array("x", x), read_array("grad_output", grad_output)
        geometry, batched = check_gradient(
            x, grad, kernel_size, stride, padding, output_padding, groups, dilation
        )
        if not batched:
            x, grad = x[np.newaxis], grad[np.newaxis]
        like = np.broadcast_to(np.zeros((), grad.dtype), (x.shape[1], 1, *geometry.kernel_size))
        use = operands(x, like, None, groups, transposed=True)
        grad = as_work(grad, use.x.dtype)
        shape = (x.shape[1], grad.shape[1] // groups, *geometry.kernel_size)
        check_memory(shape, use.dtype, "weight gradient")
        check_overflow((*grad.shape[:2], *geometry.full), use.dtype, "full output")
    with refusal.working("auto"):
        gradient = engine.weight_gradient(use.x, grad, geometry, groups)
    return gradient.astype(use.dtype, copy=False)


@overload
def matrix(
    weight: ArrayLike,
    input_size: Sizes,
    stride: Sizes = ...,
    padding: Padding = ...,
    output_padding: Sizes = ...,
    groups: int = ...,
    dilation: Sizes = ...,
    *,
    output_size: Sizes | None = ...,
    dense: Literal[False] = ...,
) -> "csr_array": ...
@overload
def matrix(
    weight: ArrayLike,
    input_size: Sizes,
    stride: Sizes = ...,
    padding: Padding = ...,
    output_padding: Sizes = ...,
    groups: int = ...,
    dilation: Sizes = ...,
    *,
    output_size: Sizes | None = ...,
    dense: Literal[True],
) -> NDArray[Any]: ...
def matrix(
    weight: ArrayLike,
    input_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    *,
    output_size: Sizes | None = None,
    dense: bool = False,
) -> "csr_array | NDArray[Any]":
    """Return the convolution matrix C, whose transpose is the transposed convolution.

    Parameters
    ----------
    weight : array_like, (C_in, C_out/groups, *K), or (*K) for one channel
        A weight with as many axes as `input_size` has entries is a bare kernel. Dense matrices of
        letters or fractions (dtype object) are welcome.
    input_size : int or sequence of int
        I, of the transposed convolution.
    stride, padding, output_padding, groups, dilation, output_size
        As in :func:`conv_transpose`.
    dense : bool
        Whether to return an array to print rather than ``scipy.sparse.csr_array``.

    Returns
    -------
    csr_array or ndarray, (C_in·prod(I), C_out·prod(O))
        ``conv(y).ravel() = C @ y.ravel()`` and ``conv_transpose(x).ravel() = C.T @ x.ravel()``.

    Raises
    ------
    TypeError, ValueError
        As in :func:`conv_transpose`.
    ImportError
        If the sparse matrix is asked for and SciPy is not installed.

    Examples
    --------
    >>> matrix([1, 2, 3], input_size=2, dense=True)
    array([[1, 2, 3, 0],
           [0, 1, 2, 3]])
    """
    refusal = Refusal("matrix", weight=weight, groups=groups)
    with refusal:
        if not isinstance(dense, bool | np.bool_):
            raise TypeError(f"dense must be True or False, got {type(dense).__name__}")
        weight = read_array("weight", weight, exact=dense)
        kept = canonical(weight.dtype)
        if not dense and kept.kind not in "iu":  # SciPy knows no smaller ones
            kept = work_dtype(kept) or kept
        weight = as_work(weight, kept)
        rank = common_rank(input_size=input_size)
        if not is_sequence(input_size):
            rank = max(1, weight.ndim - 2)
        if weight.ndim == rank:
            weight = weight[np.newaxis, np.newaxis]
        weight = check_weight(weight, groups)
        size = per_axis("input_size", input_size, weight.ndim - 2, minimum=1)
        geometry = Geometry.of(
            size, weight.shape[2:], stride, padding, output_padding, dilation, output_size
        )
        if dense:
            rows, columns = np.prod(size), np.prod(geometry.output_size)
            shape = (weight.shape[0] * int(rows), weight.shape[1] * groups * int(columns))
            check_memory(shape, weight.dtype, "matrix")
        for n, cells in ((weight.shape[0], size), (weight.shape[1] * groups, geometry.output_size)):
            check_overflow((n, *cells), weight.dtype, "one side of the matrix")
        check_overflow(geometry.full, weight.dtype, "full output")
        entries = geometry.products * weight.shape[0] * weight.shape[1]
        check_memory((3, entries), np.dtype(np.int64), "matrix entries")
    with refusal.working("matrix"):
        return (dense_matrix if dense else sparse_matrix)(weight, geometry, groups)


def dot_test(
    weight: ArrayLike,
    input_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
    *,
    output_size: Sizes | None = None,
    method: str = "auto",
    batch: int = 1,
    seed: int = 0,
) -> float:
    """Test that a transposed convolution is the adjoint of the convolution: by a dot product.

    Parameters
    ----------
    weight : array_like, (C_in, C_out/groups, *K)
        Its dtype, float or complex, is the one tested.
    input_size, stride, padding, output_padding, groups, dilation, output_size, method
        As in :func:`conv_transpose`.
    batch : int
    seed : int
        Of the random arrays.

    Returns
    -------
    float
        ``|<conv(y, w), x> - <y, conv_transpose(x, w*)>|`` divided by ``‖conv(y, w)‖‖x‖/√N`` with N
        the size of x: the spread of such a product for unrelated arrays, so that the figure is
        some rounding errors also where the product itself happens to be near zero.

    Raises
    ------
    TypeError, ValueError
        As in :func:`conv_transpose`.

    Notes
    -----
    The normalisation is that of FINUFFT's adjointness test.

    Examples
    --------
    >>> dot_test(np.ones((2, 3, 4)), input_size=10, stride=2, padding=1) < 1e-13
    True
    """
    refusal = Refusal("dot_test", weight=weight, groups=groups)
    with refusal:
        weight = check_weight(read_array("weight", weight), groups)
        if weight.dtype.kind not in "fc" or weight.dtype.itemsize < 4:
            raise TypeError(
                f"dot_test needs float32, float64 or complex, got {weight.dtype}; "
                "convert it, e.g. weight.astype(float)"
            )
        weight = as_work(weight, canonical(weight.dtype))
        compute = read_method(method, METHODS)
        size = per_axis("input_size", input_size, weight.ndim - 2, minimum=1)
        geometry = Geometry.of(
            size, weight.shape[2:], stride, padding, output_padding, dilation, output_size
        )
        batch = integer("batch", batch, minimum=1)
        seed = integer("seed", seed, minimum=0)
        shape = (batch, weight.shape[0], *geometry.input_size)
        wide = (batch, weight.shape[1] * groups, *geometry.output_size)
        check_memory(shape, weight.dtype, "input")
        check_memory(wide, weight.dtype)
        check_overflow((*wide[:2], *geometry.full), weight.dtype, "full output")
        random = np.random.default_rng(integer("seed", seed, minimum=0))
    with refusal.working(method):
        x, y = (_random_like(random, s, weight.dtype) for s in (shape, wide))
        direct = engine.conv(y, weight, geometry, groups)
        adjoint = compute(x, weight.conj(), geometry, groups)
    gap = abs(np.vdot(x, direct) - np.vdot(adjoint, y))
    scale = np.linalg.norm(direct) * np.linalg.norm(x) / sqrt(x.size)
    return float(gap / scale) if gap else 0.0


def read_method(method: str, methods: Mapping[str, Definition]) -> Definition:
    """Return the method of that name."""
    if isinstance(method, str) and method == "engine" and (why := engine.refusal()):
        raise ValueError(f"method 'engine' is not available: {why}")
    return methods[one_of("method", method, methods, _other_method)]


def _other_method(said: str, known: Iterable[str]) -> str:
    return hints.elsewhere(said, known, engine.ALGORITHMS, "tconv.plan")


def _check_engine(method: str, use: Operands, geometry: Geometry) -> None:
    if method == "engine" and (why := engine.unsupported_reason(use.x.dtype, geometry)):
        raise ValueError(f"method 'engine' cannot do this: {why}")


def _check_result(use: Operands, shape: tuple[int, ...], out: NDArray[Any] | None) -> None:
    check_memory(shape, use.x.dtype)
    check_out(out, shape if use.batched else shape[1:], use.dtype)


def _random_like(
    random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    real = random.standard_normal(shape)
    if dtype.kind == "c":
        return (real + 1j * random.standard_normal(shape)).astype(dtype)
    return real.astype(dtype)
