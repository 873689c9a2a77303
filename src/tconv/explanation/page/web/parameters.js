/** What a caller may write for a size, stride, dilation or padding: read once, refused clearly. */

import * as hints from "./hints.js";
import { repr, tuple, typeName } from "./python.js";

export const LARGEST = Number.MAX_SAFE_INTEGER;
export const PADDING_WORDS = ["valid", "same", "half", "full"];

/** @typedef {number | readonly number[]} Sizes */
/** @typedef {readonly [number, number]} Window */
/** @typedef {string | number | readonly (number | readonly number[])[]} Padding */

/**
 * Read one integer; whatever else is refused.
 * @param {string} name
 * @param {unknown} value
 * @param {number} [minimum]
 * @returns {number}
 */
export function integer(name, value, minimum) {
  if (typeof value === "boolean") {
    throw new Error(`${name} must be an integer, got ${repr(value)} (bool)`);
  }
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new Error(
      `${name} must be an integer, got ${repr(value)} (${typeName(value)})${hints.whole(value)}`,
    );
  }
  if (minimum !== undefined && value < minimum) {
    throw new Error(`${name} must be at least ${minimum}, got ${value}${hints.below(name, value)}`);
  }
  return counted(value, name);
}

/**
 * Return a whole number, refused where it is beyond what is counted exactly.
 * @param {number} value
 * @param {string} name
 */
export function counted(value, name) {
  if (Number.isSafeInteger(value)) return value;
  throw new Error(`${name} ${value} does not fit 53 bits (largest: ${LARGEST})`);
}

/**
 * The number of axes that the parameters given as lists agree on (1 if none is).
 * @param {Record<string, unknown>} parameters
 */
export function commonRank(parameters) {
  const lists = Object.entries(parameters).filter(([, value]) => Array.isArray(value));
  const lengths = lists.map(([name, value]) => ({
    name,
    length: /** @type {unknown[]} */ (value).length,
  }));
  if (new Set(lengths.map(({ length }) => length)).size > 1) {
    const listed = lengths.map(({ name, length }) => `${name} has ${length}`).join(", ");
    const hint = hints.axes(lengths, parameters.padding);
    throw new Error(`parameters disagree on the number of axes: ${listed}${hint}`);
  }
  const first = lengths[0];
  if (first?.length === 0) throw new Error(`${first.name} is empty; give at least one axis`);
  return first?.length ?? 1;
}

/**
 * Read an integer, repeated over the axes, or one integer an axis.
 * @param {string} name
 * @param {unknown} value
 * @param {number} rank
 * @param {number} [minimum]
 * @returns {number[]}
 */
export function perAxis(name, value, rank, minimum) {
  if (!Array.isArray(value)) return Array(rank).fill(integer(name, value, minimum));
  if (value.length !== rank) {
    throw new Error(
      `${name} must be one integer or ${rank} of them, one an axis, got ${tuple(value)}` +
        hints.axes([{ length: rank }, { name, length: value.length }]),
    );
  }
  return value.map((one) => integer(name, one, minimum));
}

/**
 * Read a padding: a word, or [before, after] an axis; only written pairs may be negative.
 * @param {unknown} value
 * @param {number} rank
 * @returns {string | Window[]}
 */
export function paddingPerAxis(value, rank) {
  if (typeof value === "string") {
    if (PADDING_WORDS.includes(value)) return value;
    const close = closest(value.toLowerCase(), PADDING_WORDS);
    const hint = close === null ? hints.whole(value) : ` (did you mean ${repr(close)}?)`;
    throw new Error(
      `padding ${repr(value)} is not one of ${PADDING_WORDS.map(repr).join(", ")}${hint}`,
    );
  }
  const values = Array.isArray(value) ? value : Array(rank).fill(value);
  if (values.length !== rank) {
    throw new Error(
      `padding must be one integer, ${rank} of them or ${rank} (before, after) pairs, ` +
        `got ${repr(value)}` +
        hints.axes([{ length: rank }, { name: "padding", length: values.length }], values),
    );
  }
  return values.map(paddingPair);
}

/**
 * @param {unknown} value
 * @returns {Window}
 */
function paddingPair(value) {
  if (Array.isArray(value)) {
    if (value.length !== 2) {
      throw new Error(`padding along an axis must be (before, after), got ${tuple(value)}`);
    }
    return [integer("padding", value[0]), integer("padding", value[1])];
  }
  const both = integer("padding", value);
  if (both < 0) {
    throw new Error(
      `padding must not be negative, got ${both}; ` +
        "only (before, after) pairs may be, and then append cells",
    );
  }
  return [both, both];
}

/**
 * The word most like a mistyped one, or null: Python's `difflib.get_close_matches`.
 * @param {string} typed
 * @param {readonly string[]} words
 */
export function closest(typed, words) {
  /** @type {string | null} */
  let best = null;
  let most = 0.6;
  for (const word of [...words].sort()) {
    const likeness = (2 * matching(word, typed)) / (word.length + typed.length);
    if (likeness >= most) [best, most] = [word, likeness];
  }
  return best;
}

/**
 * Count the letters of the longest common piece, and of what lies left and right of it.
 * @param {string} a
 * @param {string} b
 * @returns {number}
 */
function matching(a, b) {
  let size = 0;
  let atA = 0;
  let atB = 0;
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      let n = 0;
      while (i + n < a.length && j + n < b.length && a[i + n] === b[j + n]) n++;
      if (n > size) [size, atA, atB] = [n, i, j];
    }
  }
  if (size === 0) return 0;
  return (
    matching(a.slice(0, atA), b.slice(0, atB)) + size + matching(a.slice(atA + size), b.slice(atB + size))
  );
}
