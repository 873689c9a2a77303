/** ONNX ConvTranspose: pads at both ends, and `output_padding` that extends the end. */

import { tuple } from "../python.js";
import { along, byHand, Inexpressible } from "./base.js";
import { call, List, literal } from "./writing.js";

/** @typedef {import("./writing.js").Words} Words */

/** @type {import("./base.js").Convention} */
export const ONNX = {
  name: "ONNX",
  layout: "(C_in, C_out/groups, *K)",
  most: 63,

  words(geometry, groups) {
    const each = along(geometry, pads);
    const [before, after, extra] = [0, 1, 2].map((n) => each.map((pad) => pad[n]));
    return {
      dilations: new List(geometry.dilation),
      group: groups,
      kernel_shape: new List(geometry.kernelSize),
      output_padding: new List(extra),
      pads: new List([...before, ...after]),
      strides: new List(geometry.stride),
    };
  },

  code(words, { axes }) {
    const all = (/** @type {number} */ value) => new List(axes.map(() => value));
    /** @type {Words} */
    const leftOut = {
      dilations: all(1),
      group: 1,
      output_padding: all(0),
      pads: new List([...axes, ...axes].map(() => 0)),
      strides: all(1),
    };
    const written = Object.entries(words)
      .map(([name, value]) => [name, literal(value)])
      .filter(([name, code]) => !(name in leftOut) || code !== literal(leftOut[name]));
    const names = ['"ConvTranspose"', '["x", "w"]', '["y"]'];
    return call("onnx.helper.make_node", names, Object.fromEntries(written));
  },
};

/**
 * The pads before and after, and output_padding.
 * @param {import("../axis.js").Axis} axis
 * @returns {[number, number, number]}
 */
function pads({ cropStart: start, cropEnd: end, stride }) {
  const [before, after] = [Math.max(start, 0), Math.max(end, 0)];
  if (start >= 0 && end > -stride) return [before, after, Math.max(-end, 0)];
  const crop = tuple([start, end]);
  const why =
    start < 0
      ? `ONNX adds no cells before the output; crop ${crop} does`
      : `ONNX Runtime adds fewer cells at the end than the stride, ${stride}; ` +
        `crop ${crop} adds ${-end}`;
  const rest = byHand([[start - before, end - after]]);
  throw new Inexpressible(`${why}: use pads=[${before}, ${after}] and ${rest}`);
}
