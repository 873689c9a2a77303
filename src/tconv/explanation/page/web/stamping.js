/** The stamps, one an input cell: what scatter, gradient and overlap go by. */

import { inputCells, kernelCells, outputCells } from "./grids.js";
import { CROP, indexOf, places } from "./model.js";
import { named } from "./words.js";

/** @typedef {import("./layer.js").Layer} Layer */
/** @typedef {import("./model.js").Ref} Ref */
/** @typedef {import("./model.js").Write} Write */
/** @typedef {import("./recorder.js").Recorder} Recorder */

/**
 * What one input cell adds.
 * @typedef {object} Stamp
 * @property {number[]} index (channel, *position) of the input
 * @property {Ref} source
 * @property {Ref[]} kernel
 * @property {Write[]} writes cropped ones included
 * @property {number[]} first the outputs at its corners
 * @property {number[]} last
 * @property {number} cropped how many of the writes are cropped
 * @property {string} formula of the first kept cell that other stamps reached before
 */

/**
 * The stamps, channel by channel and row by row.
 * @param {Layer} layer
 * @param {Recorder} recorder
 * @param {{x: number, kernel: number, y: number}} panels
 * @param {{count?: boolean}} [options] whether each product counts one instead
 * @returns {Stamp[]}
 */
export function stamps(layer, recorder, { x, kernel, y }, { count = false } = {}) {
  const { axes, kernelSize } = layer.geometry;
  const [inputs, taps, outputs] = [
    inputCells(layer, x),
    kernelCells(layer, kernel),
    outputCells(layer, y),
  ];
  const { kinds } = recorder.panels[y];
  const origin = outputs.place([0, ...axes.map(() => 0)]);
  const reach = places(kernelSize).map(
    (tap) => outputs.place([0, ...tap.map((k, a) => k * axes[a].dilation)]) - origin,
  );
  return places(layer.x.size).map((index, n) => {
    const [channel, ...position] = index;
    const source = inputs.ref(n);
    const first = position.map((i, a) => i * axes[a].stride - axes[a].cropStart);
    const last = first.map((o, a) => o + axes[a].effectiveKernel - 1);
    let element = taps.place([channel, 0, ...axes.map(() => 0)]);
    const read = [];
    const writes = [];
    for (const out of layer.outputsOf(channel)) {
      const corner = outputs.place([out, ...first]);
      for (const offset of reach) {
        const tap = taps.ref(element++);
        const target = outputs.ref(corner + offset);
        read.push(tap);
        writes.push(
          count ? recorder.count(target, source, tap) : recorder.multiply(target, source, tap),
        );
      }
    }
    const kept = writes.filter(({ to }) => kinds[to[1]] !== CROP);
    const { to } = kept.find((write) => recorder.terms(write.to) > 1) ?? kept[0] ?? writes[0];
    return {
      index,
      source,
      kernel: read,
      writes,
      first,
      last,
      cropped: writes.length - kept.length,
      formula: recorder.equation(named("y", indexOf(recorder.panels[y], to[1])), to),
    };
  });
}

/**
 * Say how much of a stamp is cropped: nothing, if none is.
 * @param {Stamp} stamp
 */
export function croppedSaid({ cropped, writes }) {
  if (cropped === 0) return "";
  if (cropped === writes.length) return "; all of it is cropped";
  return `; ${cropped} of ${writes.length} are cropped`;
}
