/** Sizes and paddings as short texts: `4x6`, `0:1`, `same`. */

import { counted, PADDING_WORDS } from "./parameters.js";
import { repr } from "./python.js";

/** @typedef {import("./parameters.js").Sizes} Sizes */
/** @typedef {import("./parameters.js").Padding} Padding */

const INTEGER = /^[ \t\n\r\f\v]*[+-]?\d{1,32}[ \t\n\r\f\v]*$/;
const SIZES = "write 3, or 3x5 for two axes";
const PADDINGS = `write 1, 0:1 for before:after, 1x2 for two axes, or one of ${PADDING_WORDS.join(", ")}`;

/**
 * Read `4` or `4x6`: one integer for every axis, or one an axis.
 * @param {string} name
 * @param {string} text
 * @returns {Sizes}
 */
export function sizes(name, text) {
  const numbers = parts(text).map((part) => integerOf(name, part));
  return numbers.length === 1 ? numbers[0] : numbers;
}

/**
 * Read `1`, `1x2`, `before:after` an axis, or a word.
 * @param {string} name
 * @param {string} text
 * @returns {Padding}
 */
export function padding(name, text) {
  if (/^\p{L}/u.test(text)) return text;
  const each = parts(text).map((part) =>
    part.includes(":")
      ? part.split(":").map((side) => integerOf(name, side, PADDINGS))
      : integerOf(name, part, PADDINGS),
  );
  return each.length === 1 && typeof each[0] === "number" ? each[0] : each;
}

/**
 * Read one integer; `instead` says what could have been written.
 * @param {string} name
 * @param {string} text
 */
export function integerOf(name, text, instead = SIZES) {
  if (INTEGER.test(text)) return counted(Number(text), name);
  throw new Error(`${name}: ${brief(text)} is not an integer; ${instead}`);
}

/** Quote a text, shortened, as a refusal does. @param {string} text */
export function brief(text) {
  return repr(text.length <= 40 ? text : `${text.slice(0, 39)}…`);
}

/** @param {string} text */
function parts(text) {
  return text.split(/[xX×]/);
}
