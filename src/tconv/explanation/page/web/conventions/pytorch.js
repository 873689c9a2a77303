/** PyTorch: both ends cropped alike, and `output_padding` extends the end. */

import { tuple } from "../python.js";
import { along, byHand, Inexpressible } from "./base.js";
import { call, literal, short, unlessDefault } from "./writing.js";

/** @type {import("./base.js").Convention} */
export const PYTORCH = {
  name: "PyTorch",
  layout: "(C_in, C_out/groups, *K)",
  most: 3,

  words(geometry, groups) {
    const pads = along(geometry, paddings);
    return {
      stride: geometry.stride,
      padding: pads.map(([padding]) => padding),
      output_padding: pads.map(([, extra]) => extra),
      groups,
      dilation: geometry.dilation,
    };
  },

  code(words, geometry, inChannels, outChannels) {
    const defaults = { stride: 1, padding: 0, output_padding: 0, dilation: 1, groups: 1 };
    return call(`nn.ConvTranspose${geometry.rank}d`, [inChannels, outChannels], {
      kernel_size: literal(short(geometry.kernelSize)),
      ...unlessDefault(words, defaults),
    });
  },
};

/**
 * Padding and output_padding.
 * @param {import("../axis.js").Axis} axis
 * @returns {[number, number]}
 */
export function paddings({ cropStart: start, cropEnd: end, stride, dilation }) {
  const limit = Math.max(stride, dilation);
  const extra = start - end;
  if (start >= 0 && extra >= 0 && extra < limit) return [start, extra];
  const crop = tuple([start, end]);
  let why = `PyTorch's output_padding stays below max(stride, dilation) = ${limit}; crop ${crop} needs ${extra}`;
  if (start < 0) why = `PyTorch adds no cells before the output; crop ${crop} does`;
  else if (start < end) {
    why = `PyTorch crops both ends alike up to output_padding; crop ${crop} has more at the end`;
  }
  const padding = Math.max(Math.min(start, end), 0);
  const rest = byHand([[start - padding, end - padding]]);
  throw new Inexpressible(`${why}: use padding=${padding} and ${rest}`);
}
