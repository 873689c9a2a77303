"""Traces that between them hold every kind of cell, every rank, and every way to stack planes."""

import numpy as np

from tconv.explanation import VIEWS, explain

LECTURE = {"x": [[1, 2], [3, 4]], "weight": "ones"}
LAYERS = {
    "lecture": {"input_size": (2, 2), "kernel_size": 3, "stride": 2, "padding": 1, **LECTURE},
    "letters": {"input_size": 4, "kernel_size": 3, "stride": 2, "padding": 1},
    "letters in two axes": {
        "input_size": (2, 3), "kernel_size": (3, 2), "x": "letters", "weight": "letters",
    },
    "asymmetric crop": {
        "input_size": (2, 3), "kernel_size": (3, 2), "stride": (2, 1), "padding": ((0, 1), (1, 0)),
    },
    "appended and holes": {
        "input_size": (2, 2), "kernel_size": (3, 2), "stride": 3, "padding": ((-1, 0), (0, 0)),
        "output_padding": 1,
    },
    "dilation": {
        "input_size": (3, 2), "kernel_size": (2, 3), "stride": (2, 1), "dilation": (3, 2),
        "padding": (1, 2),
    },
    "groups": {
        "input_size": (2, 2), "stride": 2, "groups": 2, "x": np.arange(16).reshape(4, 2, 2) - 7,
        "weight": np.arange(48).reshape(4, 2, 2, 3) / 8 - 3,
    },
    "channels on one axis": {
        "input_size": (4,), "stride": 2, "x": np.arange(8).reshape(2, 4) / 3,
        "weight": np.arange(12).reshape(2, 2, 3),
    },
    "slices": {"input_size": (2, 1, 2), "kernel_size": (2, 3, 2), "stride": (2, 1, 1)},
}  # fmt: skip
CASES = [(name, view) for name in LAYERS for view in VIEWS]


def trace_of(name, view="scatter"):
    layer = dict(LAYERS[name])
    if view in ("convolution", "deconvolution"):  # their input is the layer's output
        layer["x"] = "numbers"
    if view == "deconvolution" and "letters" in name:  # which solves for numbers alone
        layer["weight"] = "numbers"
    return explain(**layer, view=view)
