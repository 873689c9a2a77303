/** Exact fractions beside JavaScript's numbers: the arithmetic that letters' coefficients need too. */

import { repr } from "./python.js";

/** @typedef {number | Fraction} Exact */

/** A fraction in lowest terms; like Python's, it stays one where its denominator becomes 1. */
export class Fraction {
  /**
   * @param {bigint} numerator
   * @param {bigint} [denominator]
   */
  constructor(numerator, denominator = 1n) {
    if (denominator === 0n) throw new Error(`Fraction(${numerator}, 0)`);
    const sign = denominator < 0n ? -1n : 1n;
    const common = sign * gcd(numerator, denominator);
    this.numerator = numerator / common;
    this.denominator = denominator / common;
  }

  /** The nearest number: the quotient to more bits than it holds, the last of them sticky. */
  toNumber() {
    const { numerator, denominator } = this;
    const size = numerator < 0n ? -numerator : numerator;
    const shift = Math.max(0, 64 + bits(denominator) - bits(size));
    const shifted = size << BigInt(shift);
    const quotient = (shifted / denominator) * 2n + (shifted % denominator ? 1n : 0n);
    const value = Number(quotient) / 2 ** (shift + 1);
    return numerator < 0n ? -value : value;
  }

  toString() {
    return this.denominator === 1n ? `${this.numerator}` : `${this.numerator}/${this.denominator}`;
  }
}

/**
 * @param {Exact} a
 * @param {Exact} b
 * @returns {Exact}
 */
export function plus(a, b) {
  if (typeof a === "number" && typeof b === "number") return kept(a + b, a, b);
  const [one, two] = [asFraction(a), asFraction(b)];
  if (one === null || two === null) return asNumber(a) + asNumber(b);
  return new Fraction(
    one.numerator * two.denominator + two.numerator * one.denominator,
    one.denominator * two.denominator,
  );
}

/**
 * @param {Exact} a
 * @param {Exact} b
 * @returns {Exact}
 */
export function times(a, b) {
  if (typeof a === "number" && typeof b === "number") return kept(a * b, a, b);
  const [one, two] = [asFraction(a), asFraction(b)];
  if (one === null || two === null) return asNumber(a) * asNumber(b);
  return new Fraction(one.numerator * two.numerator, one.denominator * two.denominator);
}

/**
 * @param {Exact} value
 * @param {number} number
 */
export function equals(value, number) {
  return typeof value === "number" ? value === number : String(value) === String(number);
}

/** @param {Exact} value */
export function asNumber(value) {
  return typeof value === "number" ? value : value.toNumber();
}

/**
 * Two whole numbers may not silently lose digits.
 * @param {number} result
 * @param {number} a
 * @param {number} b
 */
function kept(result, a, b) {
  if (!Number.isSafeInteger(result) && Number.isSafeInteger(a) && Number.isSafeInteger(b)) {
    throw new Error(`${repr(a)} and ${repr(b)} make a number too large to be exact`);
  }
  return result + 0; // no negative zero
}

/**
 * @param {Exact} value
 * @returns {Fraction | null} null for a number that is not whole
 */
function asFraction(value) {
  if (typeof value !== "number") return value;
  return Number.isSafeInteger(value) ? new Fraction(BigInt(value)) : null;
}

/**
 * @param {bigint} a
 * @param {bigint} b
 */
function gcd(a, b) {
  while (b) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}

/** @param {bigint} value */
function bits(value) {
  return value.toString(2).length;
}
