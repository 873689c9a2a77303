/** The numbered relations of Dumoulin & Visin (arXiv:1603.07285) for transposed convolutions. */

/** @typedef {import("./axis.js").Axis} Axis */

/**
 * The guide's letters for one axis; a is what frameworks call output_padding.
 * @typedef {{i: number, k: number, s: number, p: number, a: number}} Sizes
 */

/**
 * @typedef {object} Relation
 * @property {number} number
 * @property {string} condition
 * @property {string} formula
 * @property {(sizes: Sizes) => boolean} holds
 */

/** The most particular first. @type {readonly Relation[]} */
const RELATIONS = [
  {
    number: 8,
    condition: "s = 1, p = 0",
    formula: "i + (k - 1)",
    holds: ({ s, p, a }) => a === 0 && s === 1 && p === 0,
  },
  {
    number: 10,
    condition: "s = 1, k odd, p = (k - 1)/2",
    formula: "i",
    holds: ({ k, s, p, a }) => a === 0 && s === 1 && k === 2 * p + 1,
  },
  {
    number: 11,
    condition: "s = 1, p = k - 1",
    formula: "i - (k - 1)",
    holds: ({ k, s, p, a }) => a === 0 && s === 1 && p === k - 1,
  },
  {
    number: 9,
    condition: "s = 1",
    formula: "i + (k - 1) - 2p",
    holds: ({ s, a }) => a === 0 && s === 1,
  },
  {
    number: 12,
    condition: "p = 0, (i - k) a multiple of s",
    formula: "s(i - 1) + k",
    holds: ({ p, a }) => a === 0 && p === 0,
  },
  {
    number: 13,
    condition: "(i + 2p - k) a multiple of s",
    formula: "s(i - 1) + k - 2p",
    holds: ({ a }) => a === 0,
  },
  {
    number: 14,
    condition: "a = (i + 2p - k) mod s",
    formula: "s(i - 1) + a + k - 2p",
    holds: ({ s, a }) => a < s,
  },
];

/**
 * The most particular relation that gives an axis's output size, or null.
 * @param {Axis} axis
 */
export function relationOf(axis) {
  const { inputSize: i, kernelSize: k, stride: s, cropStart: p, cropEnd, dilation } = axis;
  const a = p - cropEnd;
  if (dilation !== 1 || p < 0 || a < 0 || a >= s) return null;
  return RELATIONS.find(({ holds }) => holds({ i, k, s, p, a })) ?? null;
}
