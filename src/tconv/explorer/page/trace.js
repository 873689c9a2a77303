/** The public function: from parameters, and values if there are any, to a trace. */

import { Layer } from "./layer.js";
import { integer } from "./parameters.js";
import { repr } from "./python.js";
import { gather } from "./views/gather.js";
import { scatter } from "./views/scatter.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./model.js").Trace} Trace */

/** @type {Readonly<Record<string, (layer: Layer) => Trace>>} */
export const VIEWS = Object.freeze({ scatter, gather });

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
  return VIEWS[view](Layer.of(geometry, x, weight, integer("groups", groups, 1)));
}
