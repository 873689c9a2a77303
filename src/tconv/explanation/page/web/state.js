/** What the page shows, whole, and the short texts that a link holds of it. */

import { tensor } from "./arrays.js";
import { Geometry } from "./geometry.js";
import { integerOf } from "./spelling.js";
import { DIRECT } from "./trace.js";
import { read, valuesWritten } from "./written.js";

/** @typedef {import("./written.js").Texts} Texts */

/**
 * @typedef {object} State
 * @property {string} view
 * @property {number[]} inputSize
 * @property {number[]} kernelSize
 * @property {number[]} stride
 * @property {[number, number][]} padding (before, after) an axis
 * @property {number[]} outputPadding
 * @property {number[]} dilation
 * @property {unknown} x a word, nested lists with channels, or null
 * @property {unknown} weight
 * @property {number} groups
 * @property {number} frame
 */

/**
 * Read texts as a whole state; throws a sentence where they say none.
 * @param {Texts} texts
 * @returns {State}
 */
export function readState({ frame = "0", ...texts }) {
  const said = read(texts);
  const { view = "scatter", x = null, weight = null, groups = 1 } = said;
  const kernelSize = said.kernelSize ?? sizeOf("kernel_size", "weight", weight, 2);
  const inputSize = said.inputSize ?? sizeOf("input_size", "x", x, 1);
  const words = { ...said, inputSize, kernelSize };
  const direct = said.inputSize === undefined && DIRECT.includes(view);
  const geometry = direct ? Geometry.ofConv(words) : Geometry.of(words);
  /** @type {Pick<State, "padding" | "outputPadding">} */
  const crop = { padding: [], outputPadding: [] };
  for (const { cropStart: start, cropEnd: end, stride, dilation } of geometry.axes) {
    const extra = start - end;
    const alike = extra >= 0 && extra < Math.max(stride, dilation);
    crop.padding.push([start, alike ? start : end]);
    crop.outputPadding.push(alike ? extra : 0);
  }
  return {
    view,
    inputSize: geometry.inputSize,
    kernelSize: geometry.kernelSize,
    stride: geometry.stride,
    ...crop,
    dilation: geometry.dilation,
    x,
    weight,
    groups,
    frame: integerOf("frame", frame),
  };
}

/**
 * Write a state as texts that `readState`, and Python, read; what is usual is left out.
 * @param {State} state
 * @returns {Texts}
 */
export function writeState(state) {
  const { inputSize, kernelSize, stride, padding, outputPadding, dilation, x, weight } = state;
  const rank = inputSize.length;
  const pads = padding.map(([before, after]) =>
    before === after && before >= 0 ? `${before}` : `${before}:${after}`,
  );
  const written = {
    view: state.view,
    i: inputSize.join("x"),
    k: short(kernelSize),
    s: short(stride),
    p: short(pads),
    op: short(outputPadding),
    d: short(dilation),
    x: x === null ? "" : valuesWritten(x, rank),
    w: weight === null ? "" : valuesWritten(weight, rank),
    g: `${state.groups}`,
    frame: `${state.frame}`,
  };
  /** @type {Texts} */
  const usual = { s: "1", p: "0", op: "0", d: "1", x: "", w: "", g: "1", frame: "0" };
  return Object.fromEntries(Object.entries(written).filter(([key, text]) => text !== usual[key]));
}

/**
 * The size that values have beside their channels.
 * @param {string} name
 * @param {string} array
 * @param {unknown} values
 * @param {number} lead
 */
function sizeOf(name, array, values, lead) {
  if (!Array.isArray(values)) throw new Error(`give ${name}, or ${array} as an array`);
  return tensor(array, values).size.slice(lead);
}

/**
 * Once what all axes agree on, or one an axis.
 * @param {readonly (number | string)[]} each
 */
function short(each) {
  return new Set(each).size === 1 ? `${each[0]}` : each.join("x");
}
