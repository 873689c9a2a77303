"""JAX arrays: the public functions as operations of JAX, which all of its transformations know.

They may be compiled (:func:`jax.jit`), differentiated in either direction to any order, mapped
(:func:`jax.vmap`), transposed, and used in loops and on several devices by :func:`jax.shard_map`.
On the CPU the compiled engine does the work, called by XLA in place; on other platforms it is
JAX's own convolution. Gradients follow JAX's conventions: for complex numbers they are the
conjugates of what :func:`tconv.conv_transpose` says of PyTorch's.

What differs from NumPy arrays: dtypes are JAX's, for integers too, whose sums wrap round; the bias
is added in the result's dtype; what a trace fixes, as `arithmetic`, a compiled program keeps.

Examples
--------
>>> import jax
>>> import jax.numpy as jnp
>>> import tconv
>>> x, weight = jnp.array([[[1.0, 2.0]]]), jnp.array([[[1.0, 10.0, 100.0]]])
>>> jax.jit(lambda x: tconv.conv_transpose(x, weight, stride=2))(x)
Array([[[  1.,  10., 102.,  20., 200.]]], dtype=float32)
>>> jax.grad(lambda w: tconv.conv_transpose(x, w, stride=2)[0, 0, 2])(weight)
Array([[[2., 0., 1.]]], dtype=float32)
"""

import jax.numpy as jnp
from jax import Array
from numpy.typing import ArrayLike

from tconv.arrays.jax import lowering, primitives
from tconv.arrays.jax.reading import (
    check_engine,
    check_no_out,
    check_size,
    insists,
    of_one_dtype,
    operands,
    read,
)
from tconv.checks import Refusal, check_gradient
from tconv.engine.arithmetic import Arithmetic, get_arithmetic, read_arithmetic
from tconv.geometry import Geometry
from tconv.geometry.layer import Layer
from tconv.geometry.parameters import Padding, Sizes, per_axis

lowering.register()


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
    out: object = None,
) -> Array:
    """Compute a transposed convolution, as :func:`tconv.conv_transpose` does.

    Parameters
    ----------
    x, weight, bias : jax.Array, or array_like
        At least one is JAX's; all are converted to the dtype that JAX gives to them together.
    method : {"auto", "engine"}
        ``"engine"`` refuses what the compiled engine does not do, and platforms other than the CPU.
    out : None
        JAX arrays never change.

    Returns
    -------
    jax.Array, (N, C_out, *O) or (C_out, *O)
        Products of floats below 32 bits are summed in float32.

    Raises
    ------
    TypeError, ValueError
        As in :func:`tconv.conv_transpose`, when the call is traced.

    Examples
    --------
    >>> import jax
    >>> x, weight = jnp.ones((2, 1, 3)), jnp.ones((1, 1, 4))
    >>> conv_transpose(x, weight, stride=2, padding=1).shape
    (2, 1, 6)
    >>> each = jax.vmap(lambda w: conv_transpose(x, w, stride=2, padding=1))
    >>> each(jnp.ones((5, 1, 1, 4))).shape
    (5, 2, 1, 6)
    """
    with Refusal("conv_transpose", x=x, weight=weight, bias=bias, groups=groups):
        check_no_out(out)
        insist = insists(method)
        chosen = get_arithmetic() if arithmetic is None else read_arithmetic(arithmetic)
        use = operands(x, weight, bias, groups, transposed=True)
        layer = Layer.of(
            use.weight.shape[2:], stride, padding, output_padding, use.groups, dilation
        )
        geometry = layer.geometry(use.x.shape[2:], output_size)
        check_engine(insist, use.x.dtype, geometry)
        channels = use.weight.shape[1] * use.groups
        for size, what in ((geometry.output_size, "output"), (geometry.full, "full output")):
            check_size((use.x.shape[0], channels, *size), use.x.dtype, what)
    y = primitives.conv_transpose(
        use.x, use.weight, geometry=geometry, groups=use.groups, arithmetic=chosen, insist=insist
    )
    return use.handed(y)


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
    out: object = None,
) -> Array:
    """Compute a direct convolution, as :func:`tconv.conv` does; for the rest, as above.

    Examples
    --------
    >>> conv(jnp.array([[1.0, 2.0, 3.0, 4.0]]), jnp.array([[[1.0, 0.0, 2.0]]]))
    Array([[ 7., 10.]], dtype=float32)
    """
    with Refusal("conv", x=x, weight=weight, bias=bias, groups=groups):
        check_no_out(out)
        insist = insists(method)
        use = operands(x, weight, bias, groups, transposed=False)
        size, kernel = use.x.shape[2:], use.weight.shape[2:]
        axes = [per_axis(n, v, len(size)) for n, v in (("stride", stride), ("dilation", dilation))]
        geometry = Geometry.of_conv(size, kernel, axes[0], padding, axes[1])
        check_engine(insist, use.x.dtype, geometry)
        check_size((*use.x.shape[:2], *geometry.full), use.x.dtype, "padded input")
    made = primitives.conv(
        use.x, use.weight, geometry=geometry, groups=use.groups, arithmetic=get_arithmetic(),
        insist=insist,
    )  # fmt: skip
    return use.handed(made)


def weight_gradient(
    x: ArrayLike,
    grad_output: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Padding = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Array:
    """Compute the sums that :func:`tconv.weight_gradient` defines, with x conjugated.

    For complex numbers :func:`jax.grad` gives the conjugate of its result for the conjugate of
    `grad_output`, which is JAX's convention for gradients.

    Examples
    --------
    >>> weight_gradient(jnp.array([[1.0, 2.0]]), jnp.array([[1.0, 0.0, 3.0, 0.0]]), 2, stride=2)
    Array([[[7., 0.]]], dtype=float32)
    """
    with Refusal("weight_gradient", x=x, grad_output=grad_output, groups=groups):
        arrays = read("x", x), read("grad_output", grad_output)
        geometry, batched = check_gradient(
            *arrays, kernel_size, stride, padding, output_padding, groups, dilation
        )
        given, grad = of_one_dtype(*arrays)
        if not batched:
            given, grad = given[jnp.newaxis], grad[jnp.newaxis]
        check_size((*grad.shape[:2], *geometry.full), grad.dtype, "full output")
    return primitives.weight_gradient(
        given.conj(), grad, geometry=geometry, groups=groups, arithmetic=get_arithmetic(),
        insist=False,
    )  # fmt: skip
