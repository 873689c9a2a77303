/** TensorFlow: the gradient of its forward convolution, with the output shape given. */

import { Geometry } from "../geometry.js";
import { byHand, Inexpressible } from "./base.js";
import { call, List, unlessDefault } from "./writing.js";

/** @typedef {import("./writing.js").Literal} Literal */

/** @type {import("./base.js").Convention} */
export const TENSORFLOW = {
  name: "TensorFlow",
  layout: "(*K, C_out/groups, C_in)",
  most: 3,

  words(geometry, groups) {
    if (groups > 1 && geometry.rank === 3) {
      throw new Inexpressible(
        "TensorFlow groups channels on 1 or 2 spatial axes, not 3: split the channels, " +
          `use ${groups} convolutions and concatenate their outputs`,
      );
    }
    const padding = paddings(geometry, groups).find(([, pads]) => gives(geometry, pads));
    if (padding) {
      return { strides: geometry.stride, padding: padding[0], dilations: geometry.dilation };
    }
    throw new Inexpressible(
      "TensorFlow's paddings are VALID, SAME and, with 2 axes, no dilation and no groups, " +
        "explicit ones that crop at the start and add fewer than s cells at the end; " +
        `this is none of them: use padding="VALID" and ${byHand(geometry.crop)}`,
    );
  },

  code(words, geometry, _, outChannels) {
    const sizes = geometry.outputSize.join(", ");
    return call(`tf.nn.conv${geometry.rank}d_transpose`, ["x", "filters"], {
      output_shape: `(tf.shape(x)[0], ${sizes}, ${outChannels})`,
      ...unlessDefault(words, { strides: null, padding: null, dilations: 1 }),
    });
  },
};

/**
 * The paddings to try, the simplest first: as TensorFlow writes them, and as they are read.
 * @param {Geometry} geometry
 * @param {number} groups
 */
function paddings(geometry, groups) {
  /** @type {[Literal, import("../parameters.js").Padding][]} */
  const all = [
    ["VALID", "valid"],
    ["SAME", "same"],
  ];
  // explicit pads are a 2-D affair, and TensorFlow's CPU kernel for them knows no more than this
  if (geometry.rank === 2 && groups === 1 && geometry.dilation.every((d) => d === 1)) {
    const pads = geometry.crop.map(([start, end]) => [Math.max(start, 0), Math.max(end, 0)]);
    all.push([new List([[0, 0], ...pads, [0, 0]].map((pair) => new List(pair))), pads]);
  }
  return all;
}

/**
 * Whether a forward convolution over the output, so padded, is the one that this transposes.
 * @param {Geometry} geometry
 * @param {import("../parameters.js").Padding} padding
 */
function gives(geometry, padding) {
  const { outputSize: inputSize, kernelSize, stride, dilation } = geometry;
  try {
    return Geometry.ofConv({ inputSize, kernelSize, stride, padding, dilation }).equals(geometry);
  } catch {
    return false; // the kernel is larger than the padded input
  }
}
