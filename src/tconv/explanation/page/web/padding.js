/** What padding says, in pairs or as "valid", "same", "half" or "full", turned into one axis. */

import { Axis, floorDiv } from "./axis.js";

/** @typedef {import("./parameters.js").Window} Window */

/**
 * The axis of a transposed convolution; at most one of outputPadding and outputSize is given.
 * @param {number} inputSize
 * @param {number} kernelSize
 * @param {number} stride
 * @param {number} dilation
 * @param {number} outputPadding
 * @param {number | null} outputSize
 * @param {string | Window} padding
 */
export function axisOf(inputSize, kernelSize, stride, dilation, outputPadding, outputSize, padding) {
  const effective = dilation * (kernelSize - 1) + 1;
  const full = (inputSize - 1) * stride + effective;
  if (padding === "same") {
    if (outputPadding) {
      throw new Error("padding='same' sets the output size; output_padding must be 0");
    }
    const wanted = outputSize ?? inputSize * stride;
    checkReach(wanted, (inputSize - 1) * stride + 1, stride);
    const before = floorDiv(Math.max(full - wanted, 0), 2);
    return new Axis(inputSize, kernelSize, stride, dilation, before, wanted);
  }
  const [before, after] = margins(padding, effective);
  const least = full - before - after;
  if (outputSize !== null) {
    checkReach(outputSize, least, stride);
    return new Axis(inputSize, kernelSize, stride, dilation, before, outputSize);
  }
  if (outputPadding >= Math.max(stride, dilation)) {
    throw new Error(
      `output_padding ${outputPadding} must be smaller than stride ${stride} or dilation ${dilation}`,
    );
  }
  const size = least + outputPadding;
  if (size < 1) {
    throw new Error(
      `output size ${size} is too small: full output (${inputSize}-1)·${stride} + ${effective} ` +
        `= ${full} less padding ${before} and ${after} plus output_padding ${outputPadding}; pad less`,
    );
  }
  return new Axis(inputSize, kernelSize, stride, dilation, before, size);
}

/**
 * The axis of the transpose of a direct convolution.
 * @param {number} inputSize
 * @param {number} kernelSize
 * @param {number} stride
 * @param {number} dilation
 * @param {string | Window} padding
 */
export function convAxisOf(inputSize, kernelSize, stride, dilation, padding) {
  const effective = dilation * (kernelSize - 1) + 1;
  if (padding === "same") {
    const outputs = -floorDiv(-inputSize, stride);
    const before = floorDiv(Math.max((outputs - 1) * stride + effective - inputSize, 0), 2);
    return new Axis(outputs, kernelSize, stride, dilation, before, inputSize);
  }
  const [before, after] = margins(padding, effective);
  const padded = inputSize + before + after;
  if (padded < effective) {
    throw new Error(
      `kernel ${effective} (dilated) is larger than the padded input ` +
        `${inputSize} + ${before} + ${after} = ${padded}; pad more`,
    );
  }
  const outputs = floorDiv(padded - effective, stride) + 1;
  return new Axis(outputs, kernelSize, stride, dilation, before, inputSize);
}

/**
 * @param {string | Window} padding
 * @param {number} effective
 * @returns {Window}
 */
function margins(padding, effective) {
  if (typeof padding !== "string") return padding;
  if (padding === "valid") return [0, 0];
  if (padding === "full") return [effective - 1, effective - 1];
  if (effective % 2 === 0) {
    throw new Error(`padding='half' needs an odd effective kernel, got ${effective}; give integers`);
  }
  const half = floorDiv(effective, 2);
  return [half, half];
}

/**
 * @param {number} outputSize
 * @param {number} least
 * @param {number} stride
 */
function checkReach(outputSize, least, stride) {
  const most = least + stride - 1;
  if (most < 1) {
    throw new Error(
      `output_size ${outputSize} is out of reach: every size stride ${stride} gives is below 1; pad less`,
    );
  }
  const first = Math.max(least, 1);
  if (first <= outputSize && outputSize <= most) return;
  let reach = `${first} to ${most}`;
  if (first === most) reach = `${first}`;
  else if (first + 1 === most) reach = `${first} or ${most}`;
  throw new Error(`output_size ${outputSize} is out of reach: stride ${stride} gives ${reach}`);
}
