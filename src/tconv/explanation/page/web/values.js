/** Cell values — numbers, fractions, letters — exact where they can be, and how they are written. */

import { Fraction, plus, times } from "./numbers.js";
import { counted } from "./parameters.js";
import { repr, typeName } from "./python.js";
import { constant, Expression, named } from "./symbolic.js";

export { Expression, Fraction };

/** @typedef {number | Fraction | Expression} Value */

const NUMBER = /^[+-]?(?:(?<whole>\d+)|(?<fraction>\d+\/\d+)|(?:\d+\.\d*|\.?\d+)(?:e[+-]?\d+)?)$/i;
const NAME = /^[a-z]\w*(?:,\d+)*$/i;

/** @typedef {number | string | null} Shown what JSON holds of a value: a number, or a text */

/**
 * Return a value as cells hold it.
 * @param {unknown} given
 * @returns {Value}
 */
export function asValue(given) {
  if (given instanceof Expression) return given;
  if (typeof given === "boolean") {
    throw new Error("a cell holds a number, a fraction or a letter, got a bool");
  }
  if (given instanceof Fraction) {
    const whole = given.denominator === 1n ? Number(given.numerator) : NaN;
    return Number.isSafeInteger(whole) ? whole : given;
  }
  if (typeof given !== "number") {
    throw new Error(
      `a cell holds a number, a fraction or a letter, got ${typeName(given)} ${repr(given)}`,
    );
  }
  if (!Number.isFinite(given)) throw new Error(`a cell holds finite numbers, got ${repr(given)}`);
  return given + 0; // no negative zero
}

/**
 * @param {Value} a
 * @param {Value} b
 * @returns {Value}
 */
export function add(a, b) {
  if (a instanceof Expression) return a.plus(b);
  return b instanceof Expression ? b.plus(a) : plus(a, b);
}

/**
 * @param {Value} a
 * @param {Value} b
 * @returns {Value}
 */
export function multiply(a, b) {
  if (a instanceof Expression) return a.times(b);
  return b instanceof Expression ? b.times(a) : times(a, b);
}

/**
 * Write a value; of a number that is not whole, six significant digits.
 * @param {Value} value
 * @returns {string}
 */
export function written(value) {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return String(value);
  const [rounded, power] = Math.abs(value).toExponential(5).split("e");
  const sign = value < 0 ? "-" : "";
  const digits = rounded.replace(".", "").replace(/0+$/, "");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const rest = digits.slice(1);
    return `${sign}${digits[0]}${rest && `.${rest}`}e${exponent}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const rest = digits.slice(exponent + 1);
  return `${sign}${whole}${rest && `.${rest}`}`;
}

/**
 * Write a product with its factors: `2·3`, `2·(-1)`; letters as what they make, `w2·a`.
 * @param {Value} value
 * @param {Value} weight
 * @param {Value} product
 */
export function productWritten(value, weight, product) {
  if (product instanceof Expression) return `${product}`;
  return `${factorWritten(value)}·${factorWritten(weight)}`;
}

/** @param {Value} value */
function factorWritten(value) {
  const text = written(value);
  return text.startsWith("-") ? `(${text})` : text;
}

/**
 * Join terms with plus signs, and with minus where a term begins with one.
 * @param {readonly string[]} terms
 */
export function sumWritten(terms) {
  return terms.join(" + ").replaceAll("+ -", "- ") || "0";
}

/**
 * @param {Value} value
 * @returns {number | string}
 */
export function jsonable(value) {
  return typeof value === "number" ? value : String(value);
}

/**
 * Read a number, a fraction, or letters.
 * @param {string} text
 * @returns {Value}
 */
export function parseValue(text) {
  const number = parseNumber(text);
  if (number !== null) return number;
  /** @type {Value} */
  let total = constant(0);
  for (const term of text.replaceAll(" - ", " + -").split(" + ")) {
    const minus = term.startsWith("-");
    /** @type {Value} */
    let product = constant(minus ? -1 : 1);
    for (const factor of term.slice(minus ? 1 : 0).split("·")) {
      product = multiply(product, parseFactor(factor, text));
    }
    total = add(total, product);
  }
  return total;
}

/**
 * @param {string} factor
 * @param {string} text
 */
function parseFactor(factor, text) {
  const number = parseNumber(factor);
  if (number !== null) return number;
  if (NAME.test(factor)) return named(factor);
  throw new Error(
    `${repr(text)} is not a number, a fraction or a letter; write 2, 0.5, 1/3 or a`,
  );
}

/**
 * @param {string} text
 * @returns {Value | null}
 */
function parseNumber(text) {
  const groups = NUMBER.exec(text)?.groups;
  if (!groups) return null;
  if (groups.whole !== undefined) return counted(Number(text), "the value");
  if (groups.fraction === undefined) return asValue(Number(text));
  const [over, under] = text.split("/").map((part) => BigInt(part.replace("+", "")));
  if (under === 0n) throw new Error(`${repr(text)} divides by zero`);
  return asValue(new Fraction(over, under));
}
