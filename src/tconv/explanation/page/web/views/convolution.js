/** The direct convolution whose transpose the layer is, window by window. */

import {
  directCorner,
  directInputCells,
  directInputPanel,
  directOutputCells,
  directOutputPanel,
} from "../direct.js";
import { kernelCells, kernelPanel } from "../grids.js";
import { CELL, indexOf, places, traceOf } from "../model.js";
import { Recorder } from "../recorder.js";
import { convolutionSizes } from "../sizes.js";
import { filters, Window } from "../windows.js";
import { at, counted, named, span } from "../words.js";

/**
 * Trace the outputs of the direct convolution of `x`, which has the layer's output size.
 * @param {import("../layer.js").Layer} layer
 */
export function convolution(layer) {
  const { geometry } = layer;
  const grids = [
    directInputPanel(layer, "input", "input", layer.x),
    kernelPanel(layer),
    directOutputPanel(layer, "output", "output"),
  ];
  const [kernel, y] = [kernelCells(layer, 1), directOutputCells(layer, 2)];
  const window = new Window(geometry, directInputCells(layer, 0));
  const recorder = new Recorder(grids);
  const steps = places([layer.inChannels, ...geometry.inputSize]).map(([out, ...position]) => {
    const channels = layer.outputsOf(out);
    const first = directCorner(geometry, position);
    const read = window.cells(first, channels);
    const taps = filters(geometry, channels.map((c) => [out, layer.ofGroup(c)]), kernel);
    const target = y.at([out, ...position]);
    const writes = read.flatMap((cell, n) =>
      grids[0].kinds[cell[1]] === CELL ? [recorder.multiply(target, cell, taps[n])] : [],
    );
    const shown = indexOf(grids[2], target[1]);
    const zeros = read.length - writes.length;
    return {
      say:
        `output ${at(shown)} sums the window ${span(first, window.last(first))} of the input: ` +
        counted(read.length, "product") +
        (zeros ? `, ${zeros} by a zero of the padding` : ""),
      formula: recorder.equation(named("y", shown), target),
      focus: [target],
      reads: [...read, ...taps],
      writes,
    };
  });
  return traceOf(geometry, {
    view: "convolution",
    title: "Direct convolution, whose transpose the layer is",
    sizes: convolutionSizes(geometry),
    grids,
    steps,
    result: 2,
  });
}
