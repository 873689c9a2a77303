"""ONNX Runtime: a model of one node, its input and output bound ahead."""

import numpy as np

from benchmarks.layers import Array, Layer
from benchmarks.peers.base import Bind, Bound, Prepare, forward_only
from benchmarks.peers.onnx_model import one_node
from tconv.peers.installed import installed


class OnnxRuntime:
    """ONNX Runtime's CPU provider."""

    title = "ONNX Runtime"
    module = "onnxruntime"

    def version(self) -> str | None:
        """Return ONNX Runtime's version if it and onnx are installed."""
        return installed("onnxruntime", "onnx")

    def start(self, threads: int) -> None:
        """Import it and keep the number of threads for the sessions to come."""
        import onnxruntime

        onnxruntime.set_default_logger_severity(4)
        self.threads = threads

    def variants(
        self, layer: Layer, weight: Array, bias: Array | None, task: str
    ) -> dict[str, Prepare]:
        """Return the one way."""
        forward_only(task)
        return {"session": lambda: self._session(layer, weight, bias)}

    def _session(self, layer: Layer, weight: Array, bias: Array | None) -> Bind:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        session = ort.InferenceSession(
            one_node(layer, weight, bias), options, providers=["CPUExecutionProvider"]
        )

        def bind(x: Array) -> Bound:
            size = layer.geometry(x.shape[2:]).output_size
            y = ort.OrtValue.ortvalue_from_numpy(
                np.empty((layer.batch, layer.out_channels, *size), x.dtype)
            )
            binding = session.io_binding()
            binding.bind_ortvalue_input("x", ort.OrtValue.ortvalue_from_numpy(x))
            binding.bind_ortvalue_output("y", y)

            def run() -> object:
                session.run_with_iobinding(binding)
                return y

            return Bound(run, lambda value: (value.numpy(),))

        return bind
