/** Calls written as code, the way people write them. */

/** A Python list, where an array is a tuple. */
export class List {
  /** @param {readonly Literal[]} items */
  constructor(items) {
    this.items = items;
  }
}

/** @typedef {null | boolean | number | string | List | readonly (number | string | readonly number[])[]} Literal */
/** @typedef {Record<string, Literal>} Words */

/**
 * Write a call from arguments that are code already.
 * @param {string} name
 * @param {readonly (string | number)[]} values
 * @param {Record<string, string>} keywords
 */
export function call(name, values, keywords) {
  const named = Object.entries(keywords).map(([word, value]) => `${word}=${value}`);
  return `${name}(${[...values, ...named].join(", ")})`;
}

/**
 * Write a value as code, strings in double quotes.
 * @param {Literal} value
 * @returns {string}
 */
export function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return `${value}`;
  if (typeof value === "string") return `"${value}"`;
  if (value instanceof List) return `[${value.items.map(literal).join(", ")}]`;
  return `(${value.map(literal).join(", ")}${value.length === 1 ? "," : ""})`;
}

/**
 * The one value that all axes agree on, or all of them.
 * @template {number | readonly number[]} T
 * @param {readonly T[]} values
 * @returns {T | readonly T[]}
 */
export function short(values) {
  return values.every((value) => `${value}` === `${values[0]}`) ? values[0] : values;
}

/**
 * Write the arguments that differ from the framework's defaults, each as short as it goes.
 * @param {Words} words
 * @param {Words} defaults null where there is none
 */
export function unlessDefault(words, defaults) {
  const brief = Object.keys(defaults).map((name) => {
    const value = words[name];
    return [name, literal(Array.isArray(value) ? short(value) : value)];
  });
  return Object.fromEntries(brief.filter(([name, code]) => code !== literal(defaults[name])));
}
