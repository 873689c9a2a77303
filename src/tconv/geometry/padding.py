"""What padding says, in pairs or as "valid", "same", "half" or "full", turned into one axis."""

from tconv.geometry.axis import Axis

Window = tuple[int, int]


def axis_of(
    input_size: int,
    kernel_size: int,
    stride: int,
    dilation: int,
    output_padding: int,
    output_size: int | None,
    *,
    padding: str | Window,
) -> Axis:
    """Return the axis of a transposed convolution; at most one of the last two is given.

    Examples
    --------
    >>> axis_of(3, 3, 2, 1, 0, None, padding="same").output_size
    6
    """
    effective = dilation * (kernel_size - 1) + 1
    full = (input_size - 1) * stride + effective
    if output_size is None:
        before, end = crop_of(kernel_size, stride, dilation, output_padding, padding=padding)
        output_size = full - before - end
        if output_size < 1:
            raise ValueError(
                f"output size {output_size} is too small: full output ({input_size}-1)·{stride} + "
                f"{effective} = {full} less padding {before} and {end + output_padding} plus "
                f"output_padding {output_padding}; pad less"
            )
    elif padding == "same":
        _check_reach(output_size, (input_size - 1) * stride + 1, stride)
        before = max(full - output_size, 0) // 2
    else:
        before, after = margins(padding, effective)
        _check_reach(output_size, full - before - after, stride)
    return Axis(input_size, kernel_size, stride, dilation, before, output_size)


def crop_of(
    kernel_size: int, stride: int, dilation: int, output_padding: int, *, padding: str | Window
) -> Window:
    """Return the cells cut from the start and the end of the full output, for any input size.

    Examples
    --------
    >>> crop_of(4, 2, 1, 0, padding="same"), crop_of(3, 2, 1, 1, padding=(1, 1))
    ((1, 1), (1, 0))
    """
    effective = dilation * (kernel_size - 1) + 1
    if padding == "same":
        if output_padding:
            raise ValueError("padding='same' sets the output size; output_padding must be 0")
        before = max(effective - stride, 0) // 2
        return before, effective - stride - before
    before, after = margins(padding, effective)
    if output_padding >= max(stride, dilation):
        raise ValueError(
            f"output_padding {output_padding} must be smaller than stride {stride} "
            f"or dilation {dilation}"
        )
    return before, after - output_padding


def conv_axis_of(
    input_size: int, kernel_size: int, stride: int, dilation: int, padding: str | Window
) -> Axis:
    """Return the axis of the transpose of a direct convolution.

    Examples
    --------
    >>> conv_axis_of(6, 3, 2, 1, (1, 1)).input_size
    3
    """
    effective = dilation * (kernel_size - 1) + 1
    if padding == "same":
        outputs = -(-input_size // stride)
        before = max((outputs - 1) * stride + effective - input_size, 0) // 2
        return Axis(outputs, kernel_size, stride, dilation, before, input_size)
    before, after = margins(padding, effective)
    padded = input_size + before + after
    if padded < effective:
        raise ValueError(
            f"kernel {effective} (dilated) is larger than the padded input "
            f"{input_size} + {before} + {after} = {padded}; pad more"
        )
    return Axis(
        (padded - effective) // stride + 1, kernel_size, stride, dilation, before, input_size
    )


def margins(padding: str | Window, effective: int) -> Window:
    """Return the cells that a padding other than "same" crops at the start and at the end.

    Examples
    --------
    >>> margins("full", 5)
    (4, 4)
    """
    if not isinstance(padding, str):
        return padding
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return effective - 1, effective - 1
    if effective % 2 == 0:
        raise ValueError(
            f"padding='half' needs an odd effective kernel, got {effective}; give integers"
        )
    return effective // 2, effective // 2


def _check_reach(output_size: int, least: int, stride: int) -> None:
    most = least + stride - 1
    if most < 1:
        raise ValueError(
            f"output_size {output_size} is out of reach: every size stride {stride} gives is below "
            "1; pad less"
        )
    least = max(least, 1)
    if not least <= output_size <= most:
        reach = (
            f"{least}"
            if least == most
            else f"{least} or {most}"
            if least + 1 == most
            else f"{least} to {most}"
        )
        raise ValueError(
            f"output_size {output_size} is out of reach: stride {stride} gives {reach}"
        )
