"""OpenVINO: a compiled model of one node, its input shared."""

import numpy as np

from benchmarks.layers import Array, Layer
from benchmarks.peers.base import Bind, Bound, Prepare, UnsupportedError, forward_only
from benchmarks.peers.onnx_model import one_node
from tconv.peers.installed import installed


class OpenVino:
    """OpenVINO's CPU plug-in, in float32, for the least latency."""

    title = "OpenVINO"
    module = "openvino"

    def version(self) -> str | None:
        """Return OpenVINO's version if it and onnx are installed."""
        return installed("openvino", "onnx")

    def start(self, threads: int) -> None:
        """Import it and keep the number of threads for the models to come."""
        import openvino

        self.core = openvino.Core()
        self.threads = threads

    def variants(
        self, layer: Layer, weight: Array, bias: Array | None, task: str
    ) -> dict[str, Prepare]:
        """Return the one way."""
        forward_only(task)
        if weight.dtype != np.float32:
            raise UnsupportedError("computes in float32 at most")
        return {"compiled model": lambda: self._compiled(layer, weight, bias)}

    def _compiled(self, layer: Layer, weight: Array, bias: Array | None) -> Bind:
        import openvino
        from openvino import properties
        from openvino.properties import hint

        model = self.core.read_model(one_node(layer, weight, bias))
        compiled = self.core.compile_model(
            model,
            "CPU",
            {
                properties.inference_num_threads: self.threads,
                hint.performance_mode: hint.PerformanceMode.LATENCY,
                hint.inference_precision: openvino.Type.f32,
            },
        )
        request = compiled.create_infer_request()

        def bind(x: Array) -> Bound:
            tensor = openvino.Tensor(x, shared_memory=True)

            def run() -> object:
                request.set_input_tensor(tensor)
                request.infer()
                return request.get_output_tensor()

            return Bound(run, lambda y: (np.array(y.data),))

        return bind
