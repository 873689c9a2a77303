/** Letters: sums of products of symbols with exact coefficients. */

import { equals, Fraction, plus, times } from "./numbers.js";
import { numberWritten } from "./python.js";

/** @typedef {import("./numbers.js").Exact} Exact */

/**
 * A letter; weights (order 0) are written before inputs (order 1), each in their own order.
 * @typedef {{order: number, place: readonly number[], name: string}} Symbol
 */

/** @typedef {{symbols: readonly Symbol[], coefficient: Exact, text: string}} Term */

const ALPHABET = "abcdefghijklmnopqrstuvwxyz";
const WEIGHT = /^w\d+(,\d+)*$/;

export class Expression {
  /** @param {readonly Term[]} terms in the order in which they are written */
  constructor(terms) {
    this.terms = terms;
  }

  /**
   * @param {Expression | Exact} other
   * @returns {Expression}
   */
  plus(other) {
    const left = this.terms;
    const right = asExpression(other).terms;
    /** @type {Term[]} */
    const sum = [];
    let l = 0;
    let r = 0;
    while (l < left.length && r < right.length) {
      const order = compareTerms(left[l].symbols, right[r].symbols);
      if (order < 0) sum.push(left[l++]);
      else if (order > 0) sum.push(right[r++]);
      else {
        const both = plus(left[l].coefficient, right[r++].coefficient);
        if (!equals(both, 0)) sum.push(term(left[l].symbols, both));
        l++;
      }
    }
    while (l < left.length) sum.push(left[l++]);
    while (r < right.length) sum.push(right[r++]);
    return new Expression(sum);
  }

  /**
   * @param {Expression | Exact} other
   * @returns {Expression}
   */
  times(other) {
    const products = this.terms.flatMap((one) =>
      asExpression(other).terms.map((two) => {
        const symbols = [...one.symbols, ...two.symbols].sort(compareSymbols);
        return asTerms(symbols, times(one.coefficient, two.coefficient));
      }),
    );
    return products.length === 0 ? constant(0) : products.reduce((whole, one) => whole.plus(one));
  }

  toString() {
    const { terms } = this;
    if (terms.length === 0) return "0";
    let text = terms[0].text;
    for (let n = 1; n < terms.length; n++) {
      const next = terms[n].text;
      text += next.startsWith("-") ? ` - ${next.slice(1)}` : ` + ${next}`;
    }
    return text;
  }
}

/**
 * An input of letters: a, b, c, …, row by row.
 * @param {number} count
 */
export function letters(count) {
  return Array.from({ length: count }, (_, index) => named(letter(index)));
}

/**
 * A kernel of letters: w1, w2, … on one axis, w11, w12, … on two.
 * @param {readonly number[]} size
 */
export function weights(size) {
  const between = Math.max(...size) > 9 && size.length > 1 ? "," : "";
  const count = size.reduce((whole, n) => whole * n, 1);
  return Array.from({ length: count }, (_, index) => {
    /** @type {number[]} */
    const tap = [];
    let rest = index;
    for (let a = size.length - 1; a >= 0; a--) {
      tap.unshift((rest % size[a]) + 1);
      rest = Math.floor(rest / size[a]);
    }
    return named(`w${tap.join(between)}`);
  });
}

/**
 * The letter of a name: a weight if it is w with numbers, else an input.
 * @param {string} name
 */
export function named(name) {
  const symbol = WEIGHT.test(name)
    ? { order: 0, place: name.slice(1).split(",").map(Number), name }
    : { order: 1, place: [name.length], name };
  return asTerms([symbol], 1);
}

/**
 * A number as a sum that has no letters.
 * @param {Exact} value
 */
export function constant(value) {
  return asTerms([], value);
}

/**
 * The letter at a place in the row a, b, …, z, aa, ab, ….
 * @param {number} index
 */
function letter(index) {
  let name = "";
  for (let rest = index + 1; rest > 0; rest = Math.floor((rest - 1) / ALPHABET.length)) {
    name = ALPHABET[(rest - 1) % ALPHABET.length] + name;
  }
  return name;
}

/** @param {Expression | Exact} value */
function asExpression(value) {
  return value instanceof Expression ? value : constant(value);
}

/**
 * @param {readonly Symbol[]} symbols
 * @param {Exact} coefficient
 */
function asTerms(symbols, coefficient) {
  return new Expression(equals(coefficient, 0) ? [] : [term(symbols, coefficient)]);
}

/**
 * @param {readonly Symbol[]} symbols
 * @param {Exact} coefficient
 * @returns {Term}
 */
function term(symbols, coefficient) {
  const names = symbols.map(({ name }) => name).join("·");
  let text = names;
  if (names === "") text = coefficientWritten(coefficient);
  else if (equals(coefficient, -1)) text = `-${names}`;
  else if (!equals(coefficient, 1)) text = `${coefficientWritten(coefficient)}·${names}`;
  return { symbols, coefficient, text };
}

/** @param {Exact} value */
function coefficientWritten(value) {
  return value instanceof Fraction ? String(value) : numberWritten(value);
}

/**
 * @param {Symbol} a
 * @param {Symbol} b
 */
function compareSymbols(a, b) {
  if (a.order !== b.order) return a.order - b.order;
  for (let n = 0; n < a.place.length && n < b.place.length; n++) {
    if (a.place[n] !== b.place[n]) return a.place[n] - b.place[n];
  }
  if (a.place.length !== b.place.length) return a.place.length - b.place.length;
  return a.name === b.name ? 0 : a.name < b.name ? -1 : 1;
}

/**
 * Terms are ordered by their last symbol, then by the one before.
 * @param {readonly Symbol[]} a
 * @param {readonly Symbol[]} b
 */
function compareTerms(a, b) {
  for (let n = 1; n <= a.length && n <= b.length; n++) {
    const order = compareSymbols(a[a.length - n], b[b.length - n]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
