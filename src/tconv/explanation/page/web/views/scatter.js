/** Stamps: input cell by input cell, each stamps the kernel onto the output, and stamps add. */

import { inputPanel, kernelPanel, outputPanel } from "../grids.js";
import { indexOf, traceOf } from "../model.js";
import { Recorder } from "../recorder.js";
import { transposedSizes } from "../sizes.js";
import { croppedSaid, stamps } from "../stamping.js";
import { written } from "../values.js";
import { at, span } from "../words.js";

/**
 * Trace the stamps, those parts of them included that are cropped.
 * @param {import("../layer.js").Layer} layer
 */
export function scatter(layer) {
  const grids = [inputPanel(layer), kernelPanel(layer), outputPanel(layer)];
  const steps = stamps(layer, new Recorder(grids), { x: 0, kernel: 1, y: 2 }).map((stamp, n) => ({
    say:
      `input ${at(indexOf(grids[0], stamp.source[1]))} = ${written(layer.x.values[n])} stamps ` +
      `the kernel at output ${span(stamp.first, stamp.last)}${croppedSaid(stamp)}`,
    formula: stamp.formula,
    focus: [stamp.source],
    reads: [stamp.source, ...stamp.kernel],
    writes: stamp.writes,
  }));
  return traceOf(layer.geometry, {
    view: "scatter",
    title: "Transposed convolution: stamps",
    sizes: transposedSizes(layer.geometry),
    grids,
    steps,
    result: 2,
  });
}
