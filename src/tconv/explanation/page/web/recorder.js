/** Puts terms into cells and keeps their totals, so that every view adds up in the same way. */

import { add, Expression, jsonable, multiply, productWritten, sumWritten, written } from "./values.js";

/** @typedef {import("./values.js").Value} Value */
/** @typedef {import("./model.js").Grid} Grid */
/** @typedef {import("./model.js").Ref} Ref */
/** @typedef {import("./model.js").Write} Write */

/** The panels of a trace, and what has been written to them so far. */
export class Recorder {
  /** @param {readonly Grid[]} panels */
  constructor(panels) {
    this.panels = panels;
    /** @type {(Value | undefined)[][]} */
    this._totals = panels.map(({ values }) => Array(values.length).fill(undefined));
    /** @type {(string[] | undefined)[][]} */
    this._texts = panels.map(({ values }) => Array(values.length).fill(undefined));
  }

  /**
   * What a cell holds now.
   * @param {Ref} ref
   * @returns {Value | null}
   */
  value([panel, cell]) {
    return this._totals[panel][cell] ?? this.panels[panel].values[cell];
  }

  /**
   * Add the product of an input and a kernel element to a cell.
   * @param {Ref} to
   * @param {Ref} x
   * @param {Ref} kernel
   */
  multiply(to, x, kernel) {
    const value = this._held(x);
    const weight = this._held(kernel);
    const product = multiply(weight, value);
    return this._add(to, [x, kernel], product, productWritten(value, weight, product));
  }

  /**
   * Add what one cell holds to another.
   * @param {Ref} to
   * @param {Ref} source
   */
  copy(to, source) {
    const value = this._held(source);
    return this._add(to, [source], value, written(value));
  }

  /**
   * Add one to a cell, for a product of an input and a kernel element.
   * @param {Ref} to
   * @param {Ref} x
   * @param {Ref} kernel
   */
  count(to, x, kernel) {
    return this._add(to, [x, kernel], 1, "1");
  }

  /**
   * How many terms a cell holds now.
   * @param {Ref} to
   */
  terms([panel, cell]) {
    return this._texts[panel][cell]?.length ?? 0;
  }

  /**
   * Write the sum that a cell is by now: `y[0,2] = 1·3 + 2·1 = 5`.
   * @param {string} name
   * @param {Ref} to
   */
  equation(name, [panel, cell]) {
    const value = this._totals[panel][cell] ?? 0;
    const terms = sumWritten(this._texts[panel][cell] ?? []);
    const total = written(value);
    if (value instanceof Expression || terms === total) return `${name} = ${total}`;
    return `${name} = ${terms} = ${total}`;
  }

  /**
   * @param {Ref} to
   * @param {readonly Ref[]} factors
   * @param {Value} term
   * @param {string} text
   * @returns {Write}
   */
  _add(to, factors, term, text) {
    const [panel, cell] = to;
    const before = this._totals[panel][cell];
    const total = before === undefined ? term : add(before, term);
    this._totals[panel][cell] = total;
    const texts = this._texts[panel][cell];
    if (texts) texts.push(text);
    else this._texts[panel][cell] = [text];
    return { to, factors, term: jsonable(term), text, total: jsonable(total) };
  }

  /**
   * @param {Ref} ref
   * @returns {Value}
   */
  _held(ref) {
    const value = this.value(ref);
    if (value === null) {
      throw new Error(`${this.panels[ref[0]].name} cell ${ref[1]} is still empty`);
    }
    return value;
  }
}
