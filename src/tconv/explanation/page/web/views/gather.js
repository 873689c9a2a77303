/** Taps: output cell by output cell, each sums what its phase's taps read. */

import {
  inputCells,
  inputPanel,
  kernelCells,
  kernelPanel,
  outputCells,
  outputPanel,
} from "../grids.js";
import { indexOf, places, traceOf } from "../model.js";
import { Recorder } from "../recorder.js";
import { transposedSizes } from "../sizes.js";
import { at, named, sums } from "../words.js";

/**
 * Trace the outputs, each with the pairs (input, kernel element) that it sums.
 * @param {import("../layer.js").Layer} layer
 */
export function gather(layer) {
  const { geometry } = layer;
  const grids = [inputPanel(layer), kernelPanel(layer), outputPanel(layer)];
  const [x, kernel, y] = [inputCells(layer, 0), kernelCells(layer, 1), outputCells(layer, 2)];
  const recorder = new Recorder(grids);
  const steps = places([layer.outChannels, ...geometry.outputSize]).map(([out, ...output]) => {
    const target = y.at([out, ...output]);
    const pairs = geometry.reads(output);
    const writes = layer.inputsOf(out).flatMap((channel) =>
      pairs.map(([i, k]) => {
        const tap = kernel.at([channel, layer.ofGroup(out), ...k]);
        return recorder.multiply(target, x.at([channel, ...i]), tap);
      }),
    );
    const shown = indexOf(grids[2], target[1]);
    const phase = geometry.axes.map((axis, a) => axis.phase(output[a]));
    return {
      say: `output ${at(shown)}, of phase ${at(phase)}, ${sums(writes.length)}`,
      formula: recorder.equation(named("y", shown), target),
      focus: [target],
      reads: writes.flatMap(({ factors }) => factors),
      writes,
    };
  });
  return traceOf(geometry, {
    view: "gather",
    title: "Transposed convolution: taps",
    sizes: transposedSizes(geometry),
    grids,
    steps,
    result: 2,
  });
}
