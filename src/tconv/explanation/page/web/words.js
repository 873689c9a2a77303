/** How places and spans are said in the sentences and formulas of a trace. */

/**
 * Say a place: `3` on one axis, `(0,1)` on several.
 * @param {readonly number[]} index
 */
export function at(index) {
  const inside = index.join(",");
  return index.length === 1 ? inside : `(${inside})`;
}

/**
 * Name a cell in a formula: `y[0,2]`.
 * @param {string} name
 * @param {readonly number[]} index
 */
export function named(name, index) {
  return `${name}[${index.join(",")}]`;
}

/**
 * Say from where to where: `(0,2)…(2,4)`, or one place.
 * @param {readonly number[]} first
 * @param {readonly number[]} last
 */
export function span(first, last) {
  const [from, to] = [at(first), at(last)];
  return from === to ? from : `${from}…${to}`;
}

/**
 * Say what an output does with so many products.
 * @param {number} products
 */
export function sums(products) {
  return products ? `sums ${counted(products, "product")}` : "is reached by no input";
}

/**
 * Say how many: `1 product`, `4 products`.
 * @param {number} number
 * @param {string} thing
 */
export function counted(number, thing) {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
