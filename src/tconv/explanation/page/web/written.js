/** Parameters as short texts, as the command line, links and presets write them. */

import { nested, tensor } from "./arrays.js";
import { LIMITS } from "./constants.js";
import { Geometry } from "./geometry.js";
import { FILLED } from "./layer.js";
import { perAxis } from "./parameters.js";
import { grouped, numberWritten, repr } from "./python.js";
import { brief, integerOf, padding, sizes } from "./spelling.js";
import { DIRECT, VIEWS } from "./trace.js";
import { jsonable, parseValue } from "./values.js";

/** @typedef {import("./parameters.js").Sizes} Sizes */
/** @typedef {import("./parameters.js").Padding} Padding */
/** @typedef {import("./values.js").Value} Value */
/** @typedef {Record<string, string>} Texts */
/** @typedef {Value[][][]} Planes of rows of cells */

/**
 * What texts say, and no more.
 * @typedef {object} Arguments
 * @property {string} [view]
 * @property {Sizes} [inputSize]
 * @property {Sizes} [kernelSize]
 * @property {Sizes} [stride]
 * @property {Sizes} [outputPadding]
 * @property {Sizes} [dilation]
 * @property {Sizes} [outputSize]
 * @property {Padding} [padding]
 * @property {any} [x] a word, or nested lists with channels
 * @property {any} [weight]
 * @property {number} [groups]
 */

/** @type {Readonly<Record<string, keyof Arguments>>} */
const SIZES = {
  i: "inputSize",
  k: "kernelSize",
  s: "stride",
  op: "outputPadding",
  d: "dilation",
  o: "outputSize",
};
/** @type {Readonly<Record<string, keyof Arguments>>} */
const NAMES = { view: "view", ...SIZES, p: "padding", x: "x", w: "weight", g: "groups" };
/** @type {readonly (keyof Arguments)[]} */
const SHAPING = [...Object.values(SIZES), "padding"];

/**
 * Read texts as what is said in them.
 * @param {Texts} texts
 * @returns {Arguments}
 */
export function read(texts) {
  /** @type {Arguments} */
  const said = {};
  for (const [key, text] of Object.entries(texts)) {
    if (!Object.hasOwn(NAMES, key)) {
      throw new Error(`${repr(key)} is not one of ${Object.keys(NAMES).join(", ")}`);
    }
    if (text.length > LIMITS.characters) {
      throw new Error(
        `${key} is ${grouped(text.length)} characters long, more than ${grouped(LIMITS.characters)}`,
      );
    }
  }
  for (const [key, text] of Object.entries(texts)) {
    Object.assign(said, { [NAMES[key]]: readOne(key, text) });
  }
  const rank = rankOf(said);
  if (said.inputSize !== undefined) said.inputSize = perAxis("input_size", said.inputSize, rank);
  if (said.kernelSize !== undefined) {
    said.kernelSize = perAxis("kernel_size", said.kernelSize, rank);
  }
  const { padding } = said;
  if (Array.isArray(padding) && padding.length === 1) said.padding = Array(rank).fill(padding[0]);
  if (Array.isArray(said.x)) said.x = shaped("x", said, rank);
  if (Array.isArray(said.weight)) said.weight = shaped("weight", said, rank);
  return said;
}

/**
 * Read values: a word, or planes `1,2;3,4|5,6;7,8`.
 * @param {string} name
 * @param {string} text
 * @returns {string | Planes}
 */
export function values(name, text) {
  const word = text.trim();
  if (Object.hasOwn(FILLED, word)) return word;
  const planes = text.split("|").map((plane) => plane.split(";").map((row) => row.split(",")));
  const [rows, columns] = [planes[0].length, planes[0][0].length];
  if (planes.some((plane) => plane.length !== rows || plane.some((row) => row.length !== columns))) {
    throw new Error(`${name} ${brief(text)} needs rows of equal length, and equal planes`);
  }
  return planes.map((plane) => plane.map((row) => row.map((cell) => valueOf(name, cell))));
}

/**
 * Write values, nested lists with channels or without, as `values` reads them.
 * @param {unknown} given
 * @param {number} rank
 */
export function valuesWritten(given, rank) {
  if (typeof given === "string") return given;
  const { size, values } = tensor("values", given);
  const columns = size[size.length - 1];
  const plane = rank > 1 ? columns * size[size.length - 2] : columns;
  return values
    .map((value, n) => {
      const text = cellWritten(/** @type {Value} */ (value));
      if (n === 0) return text;
      return `${n % plane === 0 ? "|" : n % columns === 0 ? ";" : ","}${text}`;
    })
    .join("");
}

/**
 * The number of axes: from a size with one entry an axis, else from rows in the values.
 * @param {Arguments} said
 */
function rankOf(said) {
  for (const name of SHAPING) {
    const given = said[name];
    if (Array.isArray(given) && given.length > 1) return given.length;
  }
  return [said.x, said.weight].some((one) => Array.isArray(one) && one[0].length > 1) ? 2 : 1;
}

/**
 * @param {string} key
 * @param {string} text
 */
function readOne(key, text) {
  if (key in SIZES) return sizes(key, text);
  if (key === "p") return padding(key, text);
  if (key === "g") return integerOf(key, text);
  if (key !== "view") return values(key, text);
  if (Object.hasOwn(VIEWS, text)) return text;
  throw new Error(`view ${brief(text)} is not one of ${Object.keys(VIEWS).join(", ")}`);
}

/**
 * Put channels and axes of planes apart.
 * @param {"x" | "weight"} name
 * @param {Arguments} said
 * @param {number} rank
 */
function shaped(name, said, rank) {
  const key = name === "x" ? "x" : "w";
  /** @type {Planes} */
  const planes = said[name];
  const [count, rows, columns] = [planes.length, planes[0].length, planes[0][0].length];
  if (rank === 1 && rows > 1) {
    throw new Error(`${key} has ${rows} rows, but the sizes are those of one axis`);
  }
  const slices = rank === 3 ? slicesOf(name, said) : 1;
  if (count % slices) {
    throw new Error(`${key} has ${count} planes, not a multiple of ${slices} slices`);
  }
  const lead = count / slices;
  const size = [slices, rows, columns].slice(3 - rank);
  const cells = planes.flat(2);
  if (name === "x") return nested(cells, [lead, ...size]);
  const inputs = inputChannels(said, lead);
  if (lead % inputs) {
    throw new Error(`${key} has ${lead} planes, not a multiple of ${inputs} input channels`);
  }
  return nested(cells, [inputs, lead / inputs, ...size]);
}

/**
 * @param {"x" | "weight"} name
 * @param {Arguments} said
 */
function slicesOf(name, said) {
  const { inputSize, kernelSize } = said;
  if (!Array.isArray(inputSize) || !Array.isArray(kernelSize)) {
    throw new Error("values on three axes need i and k, which tell slices from channels");
  }
  if (name === "weight") return kernelSize[0];
  if (!DIRECT.includes(said.view ?? "")) return inputSize[0];
  return Geometry.of({ ...said, inputSize, kernelSize }).outputSize[0];
}

/**
 * @param {Arguments} said
 * @param {number} planes
 */
function inputChannels({ x, view = "", groups = 1 }, planes) {
  const each = Math.max(groups, 1);
  if (!Array.isArray(x)) return each;
  if (!DIRECT.includes(view)) return x.length;
  return Math.max(Math.floor(planes / Math.max(Math.floor(x.length / each), 1)), 1);
}

/**
 * @param {string} name
 * @param {string} text
 */
function valueOf(name, text) {
  if (text.length > LIMITS.value_characters) {
    throw new Error(`${name} holds ${brief(text)}, longer than ${LIMITS.value_characters} characters`);
  }
  try {
    return parseValue(text.trim());
  } catch (error) {
    throw new Error(`${name}: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {Value} value */
function cellWritten(value) {
  const shown = jsonable(value);
  return typeof shown === "number" ? numberWritten(shown) : shown;
}
