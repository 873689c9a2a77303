/** How far the drawn cells of an axis reach: the output's, and the stretched input's. */

import { Range } from "./axis.js";
import { STRENGTH } from "./constants.js";
import { APPENDED, CELL, CROP, CUT, HOLE, PAD, VOID, ZERO } from "./model.js";

/** @typedef {import("./axis.js").Axis} Axis */
/** @typedef {import("./parameters.js").Window} Window */

/**
 * The output indices drawn on an axis: the full output, and what is appended.
 * @param {Axis} axis
 */
export function frame({ cropStart, full, outputSize }) {
  return new Range(Math.min(-cropStart, 0), Math.max(full - cropStart, outputSize));
}

/**
 * The kinds of the output cells drawn on an axis.
 * @param {Axis} axis
 */
export function outputKinds(axis) {
  return Array.from(frame(axis), (output) => {
    const inside = output + axis.cropStart >= 0 && output + axis.cropStart < axis.full;
    if (output < 0 || output >= axis.outputSize) return inside ? CROP : VOID;
    if (!inside) return APPENDED;
    return axis.overlapAt(output) ? CELL : HOLE;
  });
}

/**
 * The indices drawn of an axis padded, or cut, before and after.
 * @param {number} size
 * @param {Window} pads
 */
export function padded(size, [before, after]) {
  return new Range(Math.min(-before, 0), Math.max(size + after, size));
}

/**
 * The kinds of the same cells; cells `apart` are inputs, with zeros between.
 * @param {number} size
 * @param {Window} pads
 * @param {number} [apart]
 */
export function paddedKinds(size, pads, apart = 1) {
  const [before, after] = pads;
  return Array.from(padded(size, pads), (u) => {
    const inside = u >= 0 && u < size;
    if (u < -before || u >= size + after) return inside ? CUT : VOID;
    if (!inside) return PAD;
    return u % apart ? ZERO : CELL;
  });
}

/**
 * The kind of a cell from those it has along each axis.
 * @param {readonly string[]} kinds
 */
export function joined(kinds) {
  const added = kinds.some((kind) => kind === PAD || kind === APPENDED);
  const taken = kinds.some((kind) => kind === CUT || kind === CROP);
  if (added && taken) return VOID;
  return STRENGTH[Math.max(...kinds.map((kind) => STRENGTH.indexOf(kind)))];
}
