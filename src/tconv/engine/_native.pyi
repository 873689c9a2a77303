from typing import Any

from numpy.typing import NDArray

def targets() -> list[str]: ...
def compiler() -> str: ...
def lanes(target: str) -> int: ...
def speed(target: str) -> float: ...
def get_num_threads() -> int: ...
def set_num_threads(threads: int, /) -> None: ...
def xla_functions(target: str, minor_version: int) -> dict[str, Any]: ...
def kept_weights() -> tuple[int, int]: ...
def forget_weights() -> None: ...
def set_host(address: int, /) -> None: ...
def set_hosted_threads(threads: int, /) -> None: ...
def same_bytes(one: NDArray[Any], other: NDArray[Any]) -> bool: ...

class _Plan:
    def __init__(
        self,
        target: str,
        weight: NDArray[Any],
        bias: NDArray[Any] | None,
        groups: int,
        stride: tuple[int, ...],
        dilation: tuple[int, ...],
        activation: int,
        alpha: float,
        once: bool = False,
        channels_last: bool = False,
        method: int = 0,
        direct: bool = False,
    ) -> None: ...
    def run(self, x: NDArray[Any], y: NDArray[Any], crop: tuple[int, ...]) -> None: ...
    def explain(
        self,
        batch: int,
        input_size: tuple[int, ...],
        crop: tuple[int, ...],
        output_size: tuple[int, ...],
    ) -> tuple[int, list[tuple[str, list[float]]]]: ...

class _Adjoint:
    def __init__(
        self,
        target: str,
        weight: NDArray[Any],
        bias: NDArray[Any] | None,
        groups: int,
        stride: tuple[int, ...],
        dilation: tuple[int, ...],
    ) -> None: ...
    def run(self, y: NDArray[Any], x: NDArray[Any], crop: tuple[int, ...]) -> None: ...

def weight_gradient_f32(
    target: str,
    x: NDArray[Any],
    y: NDArray[Any],
    gradient: NDArray[Any],
    groups: int,
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    crop: tuple[int, ...],
) -> None: ...
def weight_gradient_f64(
    target: str,
    x: NDArray[Any],
    y: NDArray[Any],
    gradient: NDArray[Any],
    groups: int,
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    crop: tuple[int, ...],
) -> None: ...

class AdjointF32(_Adjoint): ...
class AdjointF64(_Adjoint): ...
class PlanF32(_Plan): ...
class PlanF64(_Plan): ...
