/** The same layer in each framework's words. */

import { codeOf, Inexpressible } from "./conventions/base.js";
import { JAX } from "./conventions/jax.js";
import { KERAS } from "./conventions/keras.js";
import { ONNX } from "./conventions/onnx.js";
import { PYTORCH } from "./conventions/pytorch.js";
import { TCONV } from "./conventions/tconv.js";
import { TENSORFLOW } from "./conventions/tensorflow.js";

/** @typedef {{code: string} | {none: string}} Code */
/** @typedef {import("./geometry.js").Geometry} Geometry */

/** @type {Readonly<Record<string, import("./conventions/base.js").Convention>>} */
export const CONVENTIONS = Object.freeze({
  pytorch: PYTORCH,
  keras: KERAS,
  tensorflow: TENSORFLOW,
  jax: JAX,
  onnx: ONNX,
  tconv: TCONV,
});

/**
 * The line that gives the same layer in each framework, or why there is none.
 * @param {Geometry} geometry
 * @param {{inChannels?: number, outChannels?: number, groups?: number}} [channels]
 * @returns {Record<string, Code>}
 */
export function code(geometry, { inChannels = 1, outChannels = 1, groups = 1 } = {}) {
  const lines = Object.entries(CONVENTIONS).map(([key, convention]) => {
    try {
      return [key, { code: codeOf(convention, geometry, inChannels, outChannels, groups) }];
    } catch (why) {
      if (!(why instanceof Inexpressible)) throw why;
      return [key, { none: why.message }];
    }
  });
  return Object.fromEntries(lines);
}
