/** Stamps: input cell by input cell, each stamps the kernel onto the output, and stamps add. */

import { inputPanel, kernelPanel, outputPanel, Places } from "../grids.js";
import { indexOf, places, traceOf } from "../model.js";
import { Recorder } from "../recorder.js";
import { written } from "../values.js";
import { at, named, span } from "../words.js";

/** @typedef {import("../layer.js").Layer} Layer */
/** @typedef {import("../model.js").Ref} Ref */
/** @typedef {import("../model.js").Step} Step */

/**
 * Trace the stamps, those parts of them included that are cropped.
 * @param {Layer} layer
 */
export function scatter(layer) {
  const { geometry, groupIn, groupOut } = layer;
  const { axes } = geometry;
  const grids = [inputPanel(layer), kernelPanel(layer), outputPanel(layer)];
  const cells = new Places(layer, 0, 1, 2, grids[2]);
  const recorder = new Recorder(grids);
  const taps = places(geometry.kernelSize);
  const offsets = taps.map((tap) => tap.map((k, a) => k * axes[a].dilation));
  /** @type {Step[]} */
  const steps = places(layer.x.size).map((index, n) => {
    const [channel, ...position] = index;
    const source = cells.x(channel, position);
    const corner = position.map((i, a) => i * axes[a].stride - axes[a].cropStart);
    const firstOut = Math.floor(channel / groupIn) * groupOut;
    /** @type {Ref[]} */
    const reads = [source];
    const writes = [];
    for (let out = firstOut; out < firstOut + groupOut; out++) {
      for (let t = 0; t < taps.length; t++) {
        const target = offsets[t].map((offset, a) => corner[a] + offset);
        const kernel = cells.kernel(channel, out, taps[t]);
        reads.push(kernel);
        writes.push(recorder.multiply(cells.y(out, target), source, kernel));
      }
    }
    const landed = writes.filter(({ to }) => cells.lands(to));
    const told = landed.find(({ term, total }) => `${total}` !== `${term}`) ?? landed[0] ?? writes[0];
    const last = corner.map((o, a) => o + axes[a].effectiveKernel - 1);
    const shown = indexOf(grids[0], source[1]);
    const value = written(layer.x.values[n]);
    return {
      say:
        `input ${at(shown)} = ${value} stamps the kernel at output ` +
        `${span(corner, last)}${cropped(writes.length - landed.length, writes.length)}`,
      formula: recorder.equation(named("y", indexOf(grids[2], told.to[1])), told.to),
      focus: [source],
      reads,
      writes,
    };
  });
  return traceOf(geometry, {
    view: "scatter",
    title: "Transposed convolution: stamps",
    grids,
    steps,
    result: 2,
  });
}

/**
 * @param {number} cut
 * @param {number} products
 */
function cropped(cut, products) {
  if (cut === 0) return "";
  return cut === products ? "; all of it is cropped" : `; ${cut} of ${products} are cropped`;
}
