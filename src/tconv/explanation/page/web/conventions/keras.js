/** Keras 3: the padding words "valid" and "same", and an `output_padding` that moves both ends. */

import { Axis, floorDiv } from "../axis.js";
import { Geometry } from "../geometry.js";
import { tuple } from "../python.js";
import { byHand, Inexpressible } from "./base.js";
import { call, literal, short, unlessDefault } from "./writing.js";

/** @type {import("./base.js").Convention} */
export const KERAS = {
  name: "Keras",
  layout: "(*K, C_out, C_in)",
  most: 3,

  words(geometry, groups) {
    if (groups > 1) {
      throw new Inexpressible(
        "Keras has no grouped transposed convolution: " +
          `split the channels, use ${groups} layers and concatenate their outputs`,
      );
    }
    for (const padding of ["valid", "same"]) {
      if (!geometry.axes.every((axis) => onEveryBackend(axis, padding))) continue;
      const extra = geometry.axes.map((axis) => axis.outputSize - least(axis, padding));
      for (const given of [null, extra]) {
        const axes = geometry.axes.map((axis, a) => placed(axis, padding, given?.[a] ?? null));
        if (!new Geometry(axes).equals(geometry) || given?.some((n) => n < 0)) continue;
        return {
          strides: geometry.stride,
          padding,
          output_padding: given,
          dilation_rate: geometry.dilation,
        };
      }
    }
    throw new Inexpressible(
      'Keras crops every axis by one word, "valid" nothing and "same" floor(max(full - O, ' +
        `0)/2) at the start; crop ${cropWritten(geometry.crop)} is neither: use padding="valid" and ` +
        byHand(geometry.crop),
    );
  },

  code(words, geometry, _, outChannels) {
    const defaults = { strides: 1, padding: "valid", output_padding: null, dilation_rate: 1 };
    const written = unlessDefault(words, defaults);
    if (!layerTakes(geometry, words.output_padding)) {
      return call("keras.ops.conv_transpose", ["x", "kernel"], written);
    }
    const layer = `keras.layers.Conv${geometry.rank}DTranspose`;
    return call(layer, [outChannels, literal(short(geometry.kernelSize))], written);
  },
};

/**
 * The axis as Keras crops it.
 * @param {Axis} axis
 * @param {string} padding
 * @param {number | null} outputPadding
 */
function placed(axis, padding, outputPadding) {
  const { inputSize, kernelSize, stride, dilation, full } = axis;
  let size = inputSize * stride;
  if (outputPadding !== null) size = least(axis, padding) + outputPadding;
  else if (padding === "valid") size = Math.max(full, size);
  const start = padding === "valid" ? 0 : floorDiv(Math.max(full - size, 0), 2);
  return new Axis(inputSize, kernelSize, stride, dilation, start, size);
}

/**
 * The output size that output_padding=0 gives.
 * @param {Axis} axis
 * @param {string} padding
 */
function least({ full, inputSize, stride, effectiveKernel }, padding) {
  return padding === "valid" ? full : (inputSize - 1) * stride + (effectiveKernel % 2);
}

/**
 * Whether TensorFlow, the backend that checks, takes the output size.
 * @param {Axis} axis
 * @param {string} padding
 */
function onEveryBackend({ full, inputSize, stride, outputSize }, padding) {
  const fewest = padding === "valid" ? full : (inputSize - 1) * stride + 1;
  return fewest <= outputSize && outputSize < fewest + stride;
}

/**
 * Whether the layer, stricter than the operator, takes these arguments.
 * @param {Geometry} geometry
 * @param {import("./writing.js").Literal} extra
 */
function layerTakes({ stride, dilation }, extra) {
  const small = !Array.isArray(extra) || stride.every((s, a) => extra[a] < s);
  return small && (Math.max(...stride) === 1 || Math.max(...dilation) === 1);
}

/** @param {import("../parameters.js").Window[]} crop */
function cropWritten(crop) {
  const same = crop.every((pair) => `${pair}` === `${crop[0]}`);
  return same ? tuple(crop[0]) : `(${crop.map(tuple).join(", ")})`;
}
