/** Arrays with several axes: what nested lists hold, row by row. */

/**
 * @template T
 * @typedef {{size: readonly number[], values: readonly T[]}} Tensor
 */

/**
 * Read nested lists.
 * @param {string} name
 * @param {unknown} nested
 * @returns {Tensor<unknown>}
 */
export function tensor(name, nested) {
  if (!Array.isArray(nested)) return { size: [], values: [nested] };
  const parts = nested.map((part) => tensor(name, part));
  const [first] = parts;
  if (parts.some(({ size }) => `${size}` !== `${first.size}`)) {
    throw new Error(`${name} is ragged: its nested lists differ in length`);
  }
  return { size: [nested.length, ...(first?.size ?? [])], values: parts.flatMap((p) => p.values) };
}

/**
 * Return values as nested lists.
 * @template T
 * @param {readonly T[]} values
 * @param {readonly number[]} size
 * @returns {any}
 */
export function nested(values, size) {
  if (size.length <= 1) return values;
  const length = values.length / size[0];
  return Array.from({ length: size[0] }, (_, n) =>
    nested(values.slice(n * length, (n + 1) * length), size.slice(1)),
  );
}

/** @param {readonly number[]} size */
export function count(size) {
  return size.reduce((whole, n) => whole * n, 1);
}
