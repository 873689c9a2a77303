/** The public function: from a geometry, and values if there are any, to a trace. */

import { Layer } from "./layer.js";
import { integer } from "./parameters.js";
import { repr } from "./python.js";
import { convolution } from "./views/convolution.js";
import { deconvolution } from "./views/deconvolution.js";
import { gather } from "./views/gather.js";
import { gradient } from "./views/gradient.js";
import { matrix } from "./views/matrix.js";
import { overlap } from "./views/overlap.js";
import { scatter } from "./views/scatter.js";
import { stretch } from "./views/stretch.js";
import { subpixel } from "./views/subpixel.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./model.js").Trace} Trace */

/** @type {Readonly<Record<string, (layer: Layer) => Trace>>} */
export const VIEWS = Object.freeze({
  scatter,
  gather,
  stretch,
  matrix,
  subpixel,
  convolution,
  gradient,
  overlap,
  deconvolution,
});

/** Views whose x is the input of the direct convolution that is transposed: (C_out, *O). */
export const DIRECT = Object.freeze(["convolution", "deconvolution"]);
/** Views that refuse letters. */
export const NUMERIC = Object.freeze(["deconvolution"]);

/**
 * Explain a transposed convolution step by step, as data that can be drawn.
 * @param {object} given
 * @param {Geometry} given.geometry
 * @param {import("./layer.js").Given} [given.x] nested lists, "letters", "numbers", "ones", or null
 * @param {import("./layer.js").Given} [given.weight]
 * @param {number} [given.groups]
 * @param {string} [given.view]
 * @returns {Trace}
 */
export function explain({ geometry, x = null, weight = null, groups = 1, view = "scatter" }) {
  if (!Object.hasOwn(VIEWS, view)) {
    throw new Error(`view ${repr(view)} is not one of ${Object.keys(VIEWS).join(", ")}`);
  }
  const unsaid = NUMERIC.includes(view) ? "numbers" : null;
  const number = integer("groups", groups, 1);
  const direct = DIRECT.includes(view);
  return VIEWS[view](Layer.of(geometry, x ?? unsaid, weight ?? unsaid, number, direct));
}
