/** What to do next, where a refused parameter can tell: the end of its sentence, or "". */

/**
 * What a parameter of another number of axes than the first may hold too much of.
 * @param {readonly {name?: string, length: number}[]} lengths
 * @param {unknown} [padding]
 */
export function axes(lengths, padding) {
  const rank = lengths[0].length;
  const pads = lengths.find(({ name }) => name === "padding");
  if (rank && pads?.length === 2 * rank && Array.isArray(padding) && padding.every(Number.isInteger)) {
    if (rank === 1) {
      return `; a pair (before, after) for one axis is written [(${padding[0]}, ${padding[1]})]`;
    }
    return "; pairs are written [(before, after), …], one an axis";
  }
  const full = lengths.filter(({ length }) => length === rank + 2).map(({ name }) => name);
  return full.length ? `; leave batch and channels out of ${full.join(" and ")}` : "";
}

/**
 * Which integer a text stands for.
 * @param {unknown} value
 */
export function whole(value) {
  const written = typeof value === "string" && /^[-+]?[0-9]{1,18}$/.test(value);
  return written ? `; write ${BigInt(value)}` : "";
}

/**
 * What a number below the least one was meant to do.
 * @param {string} name
 * @param {number} number
 */
export function below(name, number) {
  if (name !== "output_padding") return "";
  return `; to crop ${-number} more at the end, write padding as a pair, [(p, p + ${-number})]`;
}
