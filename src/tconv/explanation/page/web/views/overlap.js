/** Overlap: how many products each output sums, counted stamp by stamp, channels left out. */

import { inputPanel, kernelPanel, outputPanel } from "../grids.js";
import { Layer } from "../layer.js";
import { traceOf } from "../model.js";
import { Recorder } from "../recorder.js";
import { transposedSizes } from "../sizes.js";
import { croppedSaid, stamps } from "../stamping.js";
import { at, span } from "../words.js";

/**
 * Trace the counts; values are left out, an input of ones is stamped with a kernel of ones.
 * @param {Layer} layer
 */
export function overlap({ geometry }) {
  const ones = Layer.of(geometry, "ones", "ones");
  const grids = [inputPanel(ones), kernelPanel(ones), outputPanel(ones, "overlap")];
  const panels = { x: 0, kernel: 1, y: 2 };
  const steps = stamps(ones, new Recorder(grids), panels, { count: true }).map((stamp) => ({
    say:
      `input ${at(stamp.index.slice(1))} adds 1 to every output it stamps, ` +
      `${span(stamp.first, stamp.last)}${croppedSaid(stamp)}`,
    formula: stamp.formula,
    focus: [stamp.source],
    reads: [stamp.source, ...stamp.kernel],
    writes: stamp.writes,
  }));
  return traceOf(geometry, {
    view: "overlap",
    title: "Overlap: how many products each output sums",
    sizes: transposedSizes(geometry),
    grids,
    steps,
    result: 2,
  });
}
