"""What the transposed convolutions of an ONNX model take: in ONNX Runtime, and in tconv."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tconv.checks import first_line
from tconv.conventions.onnx import ONNX
from tconv.engine import get_num_threads, plan, set_num_threads
from tconv.geometry import Geometry
from tconv.geometry.convolution import times
from tconv.geometry.parameters import integer
from tconv.timing import best_times

ROUNDS = 5
FOLLOWED = "_kernel_time"  # what ONNX Runtime appends to a node's name in a profile
DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}
PROFILED: dict[str, np.dtype[Any]] = {"float": np.dtype(np.float32), "double": np.dtype(np.float64)}


@dataclass(frozen=True)
class LayerTimes:
    """One ConvTranspose node.

    Parameters
    ----------
    name : str
        Of the node.
    what : str
        The layer.
    input_shape, output_shape : tuple of int
    onnxruntime : float
        Seconds of the node in a run of the model, the best of several.
    tconv : float, optional
        Seconds of the same layer by :func:`tconv.plan`, its weights packed before.
    why_not : str, optional
        Why tconv was not timed.
    """

    name: str
    what: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    onnxruntime: float
    tconv: float | None = None
    why_not: str | None = None

    @property
    def gain(self) -> float | None:
        """ONNX Runtime's time over tconv's."""
        return None if self.tconv is None else self.onnxruntime / self.tconv


@dataclass(frozen=True)
class ModelTimes:
    """A model: its layers, and the seconds of all its nodes in one run."""

    layers: list[LayerTimes]
    total: float
    threads: int

    @property
    def share(self) -> float:
        """Of the time that transposed convolutions have."""
        spent = sum(layer.onnxruntime for layer in self.layers)
        return spent / self.total if self.total else 0.0

    @property
    def possible(self) -> float:
        """How many times as fast the model would be with tconv where that is faster."""
        saved = sum(max(0.0, one.onnxruntime - one.tconv) for one in self.layers if one.tconv)
        return self.total / (self.total - saved) if self.total > saved else 1.0


def time_onnx(
    path: str | Path,
    inputs: Mapping[str, Sequence[int] | NDArray[Any]] | None = None,
    *,
    rounds: int = ROUNDS,
    threads: int | None = None,
) -> ModelTimes:
    """Time every ConvTranspose of an ONNX model in ONNX Runtime, and the same layer in tconv.

    Parameters
    ----------
    path : str or Path
        An ``.onnx`` file.
    inputs : dict of str to shape or array, optional
        By the names of the model's inputs. Left out, sizes that the model leaves open are 1 on
        their first axis, and asked for on others.
    rounds : int
        Runs of the model; the best time of each node counts.
    threads : int, optional
        Of both; left out, as many as :func:`tconv.get_num_threads` tells.

    Returns
    -------
    ModelTimes

    Raises
    ------
    ImportError
        If onnx or ONNX Runtime is not installed.
    ValueError
        If the file is no ONNX model, or the inputs do not fit.

    Notes
    -----
    ONNX Runtime's times are those of its profiler, which counts a node without what it copies
    between nodes. tconv reads and writes channels first, as ONNX does, with as many threads.

    Examples
    --------
    >>> times = time_onnx("decoder.onnx", {"x": (1, 64, 32, 32)})  # doctest: +SKIP
    >>> times.layers[0].gain, times.share  # doctest: +SKIP
    (2.1, 0.71)
    """
    import onnx
    import onnxruntime

    rounds = integer("rounds", rounds, minimum=1)
    model = _read(Path(path), onnx)
    known = _nodes(model, onnx)
    before = get_num_threads()
    threads = before if threads is None else integer("threads", threads, minimum=1)
    with TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        try:
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own kinds have no common base
            raise ValueError(f"ONNX Runtime does not take {path}: {first_line(error)}") from None
        feed = _feed(session.get_inputs(), dict(inputs or {}))
        try:
            for _ in range(rounds + 1):
                session.run(None, feed)
        except Exception as error:
            raise ValueError(f"ONNX Runtime does not run {path}: {first_line(error)}") from None
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    nodes: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith(FOLLOWED):
            nodes.setdefault(event["name"].removesuffix(FOLLOWED), []).append(event)
    best = {name: min(one["dur"] for one in all_) * 1e-6 for name, all_ in nodes.items()}
    set_num_threads(threads)
    try:
        layers = [
            _layer(name, all_[-1]["args"], best[name], known.get(name))
            for name, all_ in nodes.items()
            if "ConvTranspose" in all_[0]["args"].get("op_name", "")
        ]
    finally:
        set_num_threads(before)
    return ModelTimes(layers, sum(best.values()), threads)


def _read(path: Path, onnx: Any) -> Any:
    """Read a model, and give every node a name of its own."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's errors have no common base
        raise ValueError(f"{path} is not an ONNX model: {first_line(error)}") from None
    if not model.graph.node:
        raise ValueError(f"{path} is not an ONNX model, or an empty one")
    seen: set[str] = set()
    for index, node in enumerate(model.graph.node):
        if not node.name or node.name in seen:
            node.name = f"{node.op_type}_{index}"
        seen.add(node.name)
    return model


@dataclass(frozen=True)
class _Node:
    """A ConvTranspose as the file has it."""

    words: dict[str, Any]
    weight: tuple[int, ...] | None
    biased: bool


def _nodes(model: Any, onnx: Any) -> dict[str, _Node]:
    """Return the ConvTransposes of a model, those of its branches and loops too, by name."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model)
    except Exception:  # operators that it does not know
        inferred = model
    found: dict[str, _Node] = {}
    _collect(inferred.graph, {}, found, onnx)
    return found


def _collect(graph: Any, outer: dict[str, Any], found: dict[str, _Node], onnx: Any) -> None:
    shapes = {**outer, **{one.name: tuple(one.dims) for one in graph.initializer}}
    for one in graph.value_info:
        sizes = [size.dim_value for size in one.type.tensor_type.shape.dim]
        if all(sizes):
            shapes[one.name] = tuple(sizes)
    for node in graph.node:
        words = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Constant" and "value" in words:
            shapes[node.output[0]] = tuple(words["value"].dims)
        if node.op_type == "ConvTranspose":
            read = {k: v.decode() if isinstance(v, bytes) else v for k, v in words.items()}
            biased = len(node.input) > 2 and bool(node.input[2])
            found[node.name] = _Node(read, shapes.get(node.input[1]), biased)
        for value in words.values():
            if isinstance(value, onnx.GraphProto):
                _collect(value, shapes, found, onnx)


def _feed(inputs: Sequence[Any], given: dict[str, Any]) -> dict[str, NDArray[Any]]:
    if unknown := given.keys() - {one.name for one in inputs}:
        names = ", ".join(one.name for one in inputs)
        raise ValueError(f"the model has no input {sorted(unknown)[0]!r}; it has {names}")
    random = np.random.default_rng(0)
    feed: dict[str, NDArray[Any]] = {}
    for one in inputs:
        dtype = DTYPES.get(one.type)
        if dtype is None:
            raise ValueError(f"input {one.name!r} is a {one.type}, which is not made here")
        value = given.get(one.name)
        if isinstance(value, np.ndarray):
            feed[one.name] = value.astype(dtype, copy=False)
            continue
        shape = value if value is not None else _shape(one)
        drawn = random.standard_normal(tuple(shape))
        feed[one.name] = np.asarray(drawn if np.dtype(dtype).kind == "f" else 0 * drawn, dtype)
    return feed


def _shape(one: Any) -> tuple[int, ...]:
    said = one.shape
    if any(not isinstance(size, int) for size in said[1:]):
        written = "x".join(str(size) if isinstance(size, int) else "N" for size in said)
        raise ValueError(
            f"input {one.name!r} is {list(said)}, of sizes that the model leaves open; "
            f"give them: --input {one.name}={written}"
        )
    return tuple(size if isinstance(size, int) else 1 for size in said)


def _layer(name: str, event: dict[str, Any], seconds: float, node: _Node | None) -> LayerTimes:
    ((dtype, size),) = event["input_type_shape"][0].items()
    x, out = tuple(size), tuple(next(iter(event["output_type_shape"][0].values())))
    if node is None or node.weight is None:
        why = "its weight is computed, or ONNX Runtime made the node of others"
        return LayerTimes(name, "", x, out, seconds, why_not=why)
    words, weight = node.words, node.weight
    groups = words.get("group", 1)
    what = f"{weight[0]}->{weight[1] * groups} k{times(weight[2:])}"
    what += f" s{times(tuple(words.get('strides', (1,) * (len(x) - 2))))}"
    row = name, what + f" g{groups}" * (groups > 1), x, out, seconds
    if dtype not in PROFILED:
        return LayerTimes(*row, why_not=f"it computes in {dtype}")
    try:
        geometry = ONNX.geometry(x[2:], weight[2:], **words)
    except (TypeError, ValueError) as error:
        return LayerTimes(*row, why_not=str(error))
    taken = _tconv_time(x, weight, node.biased, geometry, groups, PROFILED[dtype])
    return LayerTimes(*row, tconv=taken)


def _tconv_time(
    x_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    biased: bool,
    geometry: Geometry,
    groups: int,
    dtype: np.dtype[Any],
) -> float:
    random = np.random.default_rng(0)
    x, weight = (random.standard_normal(s).astype(dtype) for s in (x_shape, weight_shape))
    bias = np.ones(weight_shape[1] * groups, dtype) if biased else None
    layer = plan(
        weight, bias, geometry.stride, geometry.crop, groups=groups, dilation=geometry.dilation
    )
    out = layer(x)
    return best_times([lambda: layer(x, out)])[0]
