/** The size formula with its numbers, and the two paddings that are easily mixed up. */

import { AXES } from "./constants.js";

/** @typedef {import("./axis.js").Axis} Axis */
/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./parameters.js").Window} Window */

/**
 * How the output size comes about, then p and p'.
 * @param {Geometry} geometry
 */
export function transposedSizes(geometry) {
  const { axes } = geometry;
  const ke = kernelName(axes);
  const each = axes.map(crops);
  const pads = padsWritten(each.map(({ start, end }) => [start, end]));
  const extra = timesWritten(each.map((crop) => `${crop.extra}`));
  const around = padsWritten(axes.map((axis) => axis.stretchedPads));
  const [less, more] = extra === "0" ? ["", ""] : [`, a = ${extra} less at the end`, " (+ a at the end)"];
  return [
    ...perAxis(geometry, (axis) => transposed(axis, ke)),
    `p = ${pads}: the padding of the convolution that is transposed; it crops here${less}`,
    `p' = ${ke}-1-p${more} = ${around}: the zeros around the stretched input of the equivalent convolution`,
  ];
}

/**
 * How the size of the direct convolution's output comes about, then p.
 * @param {Geometry} geometry
 */
export function convolutionSizes(geometry) {
  const ke = kernelName(geometry.axes);
  const pads = padsWritten(geometry.axes.map((axis) => axis.convPads));
  return [
    ...perAxis(geometry, (axis) => direct(axis, ke)),
    `p = ${pads}: the zeros around the input, which the transposed convolution crops`,
  ];
}

/**
 * Write paddings: `1`, `0:1`, `1×2`.
 * @param {readonly Window[]} pairs
 */
export function padsWritten(pairs) {
  return timesWritten(pairs.map(([a, b]) => (a === b ? `${a}` : `${a}:${b}`)));
}

/**
 * Write what differs from axis to axis, once where it does not.
 * @param {readonly string[]} each
 */
export function timesWritten(each) {
  return new Set(each).size === 1 ? each[0] : each.join("×");
}

/**
 * Say one line for all axes if they are alike, else one an axis.
 * @param {Geometry} geometry
 * @param {(axis: Axis) => string} said
 */
function perAxis({ axes, rank }, said) {
  const lines = axes.map(said);
  if (new Set(lines).size === 1) return lines.slice(0, 1);
  return lines.map((line, a) => `${AXES.slice(-rank)[a]}s: ${line}`);
}

/** @param {readonly Axis[]} axes */
function kernelName(axes) {
  return axes.every(({ dilation }) => dilation === 1) ? "K" : "ke";
}

/**
 * @param {Axis} axis
 * @param {string} ke
 */
function transposed(axis, ke) {
  const { start, end, extra } = crops(axis);
  const [p, numbers] = padsSummed(start, end);
  const [more, added] = extra ? [" + a", ` + ${extra}`] : ["", ""];
  return (
    `${effective(axis, ke)}O = (I-1)·s + ${ke} - ${p}${more} = (${axis.inputSize}-1)·` +
    `${axis.stride} + ${axis.effectiveKernel} - ${numbers}${added} = ${axis.outputSize}`
  );
}

/**
 * The padding at both ends and the output padding that together make the crop.
 * @param {Axis} axis
 */
function crops({ cropStart: start, cropEnd: end, stride }) {
  const alike = start >= end && start - end < stride;
  return alike ? { start, end: start, extra: start - end } : { start, end, extra: 0 };
}

/**
 * @param {Axis} axis
 * @param {string} ke
 */
function direct(axis, ke) {
  const [p, numbers] = padsSummed(...axis.convPads);
  return (
    `${effective(axis, ke)}O = ⌊(I + ${p} - ${ke})/s⌋ + 1 = ⌊(${axis.outputSize} + ${numbers} - ` +
    `${axis.effectiveKernel})/${axis.stride}⌋ + 1 = ${axis.inputSize}`
  );
}

/**
 * @param {Axis} axis
 * @param {string} ke
 */
function effective({ dilation: d, kernelSize: k, effectiveKernel }, ke) {
  return ke === "K" ? "" : `ke = d·(K-1) + 1 = ${d}·(${k}-1) + 1 = ${effectiveKernel}; `;
}

/**
 * @param {number} start
 * @param {number} end
 */
function padsSummed(start, end) {
  if (start === end) return ["2p", start >= 0 ? `2·${start}` : `2·(${start})`];
  return ["(p₀ + p₁)", `(${start} ${end < 0 ? "-" : "+"} ${Math.abs(end)})`];
}
