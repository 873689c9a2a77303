/** Taps: output cell by output cell, each sums what its phase's taps read. */

import { inputPanel, kernelPanel, outputPanel, Places } from "../grids.js";
import { indexOf, places, traceOf } from "../model.js";
import { Recorder } from "../recorder.js";
import { at, named } from "../words.js";

/** @typedef {import("../layer.js").Layer} Layer */
/** @typedef {import("../model.js").Step} Step */

/**
 * Trace the outputs, each with the pairs (input, kernel element) that it sums.
 * @param {Layer} layer
 */
export function gather(layer) {
  const { geometry, groupIn } = layer;
  const grids = [inputPanel(layer), kernelPanel(layer), outputPanel(layer)];
  const cells = new Places(layer, 0, 1, 2, grids[2]);
  const recorder = new Recorder(grids);
  const outputs = places(geometry.outputSize);
  const pairs = outputs.map((output) => geometry.reads(output));
  /** @type {Step[]} */
  const steps = [];
  for (let out = 0; out < layer.outChannels; out++) {
    const first = Math.floor(out / layer.groupOut) * groupIn;
    outputs.forEach((output, n) => {
      const target = cells.y(out, output);
      const writes = [];
      for (let channel = first; channel < first + groupIn; channel++) {
        for (const [i, k] of pairs[n]) {
          writes.push(
            recorder.multiply(target, cells.x(channel, i), cells.kernel(channel, out, k)),
          );
        }
      }
      const shown = indexOf(grids[2], target[1]);
      const phase = geometry.axes.map((axis, a) => axis.phase(output[a]));
      steps.push({
        say: `output ${at(shown)}, of phase ${at(phase)}, ${sums(writes.length)}`,
        formula: recorder.equation(named("y", shown), target),
        focus: [target],
        reads: writes.flatMap(({ factors }) => factors),
        writes,
      });
    });
  }
  return traceOf(geometry, {
    view: "gather",
    title: "Transposed convolution: taps",
    grids,
    steps,
    result: 2,
  });
}

/** @param {number} products */
function sums(products) {
  if (products === 0) return "is reached by no input";
  return `sums ${products} product${products > 1 ? "s" : ""}`;
}
