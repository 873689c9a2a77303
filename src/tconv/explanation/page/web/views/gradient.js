/** Back-propagation: a direct convolution, and the gradient of its input made from its output's. */

import {
  directInputCells,
  directInputPanel,
  directOutputCells,
  directOutputPanel,
} from "../direct.js";
import { inputPanel, kernelPanel, outputPanel } from "../grids.js";
import { indexOf, traceOf } from "../model.js";
import { Recorder } from "../recorder.js";
import { transposedSizes } from "../sizes.js";
import { croppedSaid, stamps } from "../stamping.js";
import { written } from "../values.js";
import { Window } from "../windows.js";
import { at, span } from "../words.js";

/**
 * Trace the convolution's outputs: what each read above, and where its gradient goes below.
 *
 * The convolution's own values do not matter, and stay empty.
 * @param {import("../layer.js").Layer} layer
 */
export function gradient(layer) {
  const { geometry } = layer;
  const grids = [
    directInputPanel(layer, "convolution's input", "between", null),
    kernelPanel(layer),
    directOutputPanel(layer, "convolution's output", "between"),
    inputPanel(layer, "gradient of its output"),
    outputPanel(layer, "gradient of its input"),
  ];
  const window = new Window(geometry, directInputCells(layer, 0));
  const outputs = directOutputCells(layer, 2);
  const steps = stamps(layer, new Recorder(grids), { x: 3, kernel: 1, y: 4 }).map((stamp, n) => ({
    say:
      `output ${at(indexOf(grids[3], stamp.source[1]))} of the convolution read its input at ` +
      `${span(stamp.first, stamp.last)}; its gradient ${written(layer.x.values[n])} ` +
      `goes back there through the kernel${croppedSaid(stamp)}`,
    formula: stamp.formula,
    focus: [stamp.source],
    reads: [
      ...window.cells(stamp.first, layer.outputsOf(stamp.index[0])),
      ...stamp.kernel,
      outputs.at(stamp.index),
      stamp.source,
    ],
    writes: stamp.writes,
  }));
  return traceOf(geometry, {
    view: "gradient",
    title: "Gradient of a direct convolution with respect to its input",
    sizes: transposedSizes(geometry),
    grids,
    steps,
    result: 4,
  });
}
