"""Who runs a model: PyTorch in its layouts and modes, runtimes of the exported model, tconv.

Each lives in a process of its own. To add one, write a class like these and enter it below.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np

import tconv
from benchmarks.layers import Array
from benchmarks.peers.base import UnsupportedError
from tconv.peers.installed import installed

LAYOUTS = ("default", "channels_last")
WATCHED = 3  # calls at least, of which the transposed convolutions' share is read


@dataclass(frozen=True, slots=True)
class Case:
    """A model to be run.

    Parameters
    ----------
    name : str
        In :data:`benchmarks.models.MODELS`.
    folder : Path
        Where :meth:`PyTorch.export` leaves the model and its input as files.
    """

    name: str
    folder: Path

    @property
    def onnx(self) -> Path:
        """The exported model."""
        return self.folder / f"{self.name}.onnx"

    @property
    def input(self) -> Array:
        """The input, as it was exported."""
        found: Array = np.load(self.folder / f"{self.name}.npy")
        return found


@dataclass(frozen=True, slots=True)
class Ready:
    """A model bound to its input.

    Parameters
    ----------
    run : callable
        What is timed. Returns when the result is there, in the contender's own array.
    read : callable
        From that result to a NumPy array.
    note : str
        What the contender has to say about the model.
    """

    run: Callable[[], Any]
    read: Callable[[Any], Array]
    note: str = ""


class Contender(Protocol):
    """Something that runs whole models."""

    @property
    def title(self) -> str:
        """What tables call it."""

    def version(self) -> str:
        """Return its version; raise UnsupportedError where it cannot be had."""

    def start(self, threads: int) -> None:
        """Import it and set its number of threads."""

    def prepare(self, case: Case) -> Ready:
        """Return a model, bound to its input; raise UnsupportedError if it cannot run it."""


class PyTorch:
    """PyTorch, under ``torch.inference_mode``.

    Parameters
    ----------
    title : str
    layout : {"default", "channels_last"}
        Memory format of the input and of the weights.
    """

    def __init__(self, title: str, layout: str = "default") -> None:
        self.title, self.layout = title, layout

    def version(self) -> str:
        """Return PyTorch's version."""
        return _version("torch")

    def start(self, threads: int) -> None:
        """Import it and set its threads."""
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)

    def prepare(self, case: Case) -> Ready:
        """Return the model in this object's layout and mode."""
        import torch

        model, x = self.loaded(case)
        model, note = self.changed(model)

        def run() -> Any:
            with torch.inference_mode():
                return model(x)

        return Ready(run, lambda y: y.contiguous().numpy(), note)

    def changed(self, model: Any) -> tuple[Any, str]:
        """Return what is called in the model's place, and what to say about it."""
        return model, ""

    def loaded(self, case: Case) -> tuple[Any, Any]:
        """Return the model and its input, in this object's layout."""
        import torch

        from benchmarks.models import MODELS, MissingError

        entry = MODELS[case.name]
        try:
            model, x = entry.build(), entry.example()
        except MissingError as error:
            raise UnsupportedError(str(error)) from None
        if self.layout == "channels_last":
            if entry.rank == 1:
                raise UnsupportedError("no channels_last in one dimension")
            layout = (torch.channels_last, torch.channels_last_3d)[entry.rank - 2]
            model, x = model.to(memory_format=layout), x.contiguous(memory_format=layout)
        return model, x

    def export(self, case: Case) -> None:
        """Write the model as ONNX, and its input."""
        import torch

        model, x = self.loaded(case)
        program = torch.onnx.export(model, (x,), dynamo=True, verbose=False)
        assert program is not None
        program.save(case.onnx)
        np.save(case.folder / f"{case.name}.npy", x.numpy())

    def shares(self, case: Case, seconds: float) -> list[tuple[float, dict[str, float]]]:
        """Return, for each call, its seconds and those of each transposed convolution by name.

        A convolution returns when it is computed, so that a clock in hooks around it is right.

        Parameters
        ----------
        case : Case
        seconds : float
            Of calls; there are at least three.
        """
        import torch

        from benchmarks.models.weights import is_transposed

        model, x = self.loaded(case)
        begun: dict[str, float] = {}
        spent: dict[str, float] = {}

        def watch(name: str, module: Any) -> None:
            def before(*_: Any) -> None:
                begun[name] = perf_counter()

            def after(*_: Any) -> None:
                spent[name] = spent.get(name, 0.0) + perf_counter() - begun[name]

            module.register_forward_pre_hook(before)
            module.register_forward_hook(after)

        for name, module in model.named_modules():
            if is_transposed(module):
                watch(name, module)
        found: list[tuple[float, dict[str, float]]] = []
        with torch.inference_mode():
            while len(found) < WATCHED or sum(total for total, _ in found) < seconds:
                spent.clear()
                start = perf_counter()
                model(x)
                found.append((perf_counter() - start, dict(spent)))
        return found


class Compiled(PyTorch):
    """The same through ``torch.compile``."""

    def changed(self, model: Any) -> tuple[Any, str]:
        """Return what the compiler makes when it is first called."""
        import torch

        return torch.compile(model), ""


class Accelerated(PyTorch):
    """PyTorch's model with tconv's layers in it: ``tconv.nn.accelerate``, where tconv has that.

    This is the one place that knows how tconv is put to work on a model.

    Parameters
    ----------
    title, layout : str
    **words
        Keywords of ``accelerate``.
    """

    def __init__(self, title: str, layout: str = "default", **words: Any) -> None:
        super().__init__(title, layout)
        self.words = words

    def version(self) -> str:
        """Return tconv's version."""
        _version("torch")
        self._accelerate()
        return tconv.__version__

    def start(self, threads: int) -> None:
        """Set the threads of both."""
        super().start(threads)
        tconv.set_num_threads(threads)

    def changed(self, model: Any) -> tuple[Any, str]:
        """Return the model, accelerated in place, and its report."""
        return model, str(self._accelerate()(model, **self.words))

    def _accelerate(self) -> Callable[..., Any]:
        with suppress(ModuleNotFoundError):
            layers: Any = import_module("tconv.nn")
            if callable(found := getattr(layers, "accelerate", None)):
                return found  # type: ignore[no-any-return]
        raise UnsupportedError("this tconv has no tconv.nn.accelerate")


class OnnxRuntime:
    """ONNX Runtime's CPU provider, its input and output bound ahead."""

    title = "ONNX Runtime"

    def version(self) -> str:
        """Return ONNX Runtime's version."""
        return _version("onnxruntime", "onnxscript")

    def start(self, threads: int) -> None:
        """Import it and keep the number of threads for the sessions to come."""
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)
        self.threads = threads

    def prepare(self, case: Case) -> Ready:
        """Return a session of the exported model."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        session = ort.InferenceSession(case.onnx, options, providers=["CPUExecutionProvider"])
        (source,), (target,) = session.get_inputs(), session.get_outputs()
        y = ort.OrtValue.ortvalue_from_numpy(np.empty(target.shape, np.float32))
        binding = session.io_binding()
        binding.bind_ortvalue_input(source.name, ort.OrtValue.ortvalue_from_numpy(case.input))
        binding.bind_ortvalue_output(target.name, y)

        def run() -> Any:
            session.run_with_iobinding(binding)
            return y

        return Ready(run, lambda value: value.numpy())


class OpenVino:
    """OpenVINO's CPU plug-in, in float32, for the least latency."""

    title = "OpenVINO"

    def version(self) -> str:
        """Return OpenVINO's version."""
        return _version("openvino", "onnxscript")

    def start(self, threads: int) -> None:
        """Import it and keep the number of threads for the models to come."""
        import openvino

        self.core = openvino.Core()
        self.threads = threads

    def prepare(self, case: Case) -> Ready:
        """Return the exported model, compiled."""
        import openvino
        from openvino import properties
        from openvino.properties import hint

        settings = {
            properties.inference_num_threads: self.threads,
            hint.performance_mode: hint.PerformanceMode.LATENCY,
            hint.inference_precision: openvino.Type.f32,
        }
        model = self.core.compile_model(self.core.read_model(case.onnx), "CPU", settings)
        request = model.create_infer_request()
        request.set_input_tensor(openvino.Tensor(case.input))

        def run() -> Any:
            request.infer()
            return request.get_output_tensor()

        return Ready(run, lambda y: np.array(y.data))


def _version(*distributions: str) -> str:
    found = installed(*distributions)
    if found is None:
        raise UnsupportedError(f"not installed: {' and '.join(distributions)}")
    return found


def _by_layout(
    kind: Callable[..., PyTorch], name: str, title: str, **words: Any
) -> dict[str, Contender]:
    return {
        name: kind(title, **words),
        f"{name}_channels_last": kind(f"{title} channels_last", "channels_last", **words),
    }


REFERENCE = "torch"
CONTENDERS: dict[str, Contender] = {
    **_by_layout(PyTorch, REFERENCE, "PyTorch"),
    **_by_layout(Compiled, "compiled", "torch.compile"),
    "onnxruntime": OnnxRuntime(),
    "openvino": OpenVino(),
    **_by_layout(Accelerated, "tconv", "tconv (accelerate)"),
    **_by_layout(Accelerated, "tconv_frozen", "tconv (frozen)", frozen=True),
}
