/** What every framework's rule offers, and the small moves the rules share. */

import { integer } from "../parameters.js";

/** @typedef {import("../axis.js").Axis} Axis */
/** @typedef {import("../geometry.js").Geometry} Geometry */
/** @typedef {import("./writing.js").Words} Words */

/** A framework has no words for a geometry; the message says why and what would do. */
export class Inexpressible extends Error {}

/**
 * One framework's transposed convolution.
 * @typedef {object} Convention
 * @property {string} name
 * @property {string} layout of the kernel
 * @property {number} most spatial axes
 * @property {(geometry: Geometry, groups: number) => Words} words
 * @property {(words: Words, geometry: Geometry, inChannels: number, outChannels: number) => string} code
 */

/**
 * The line of code that gives the same layer, as people write it.
 * @param {Convention} convention
 * @param {Geometry} geometry
 * @param {number} inChannels
 * @param {number} outChannels
 * @param {number} groups
 */
export function codeOf(convention, geometry, inChannels, outChannels, groups) {
  integer("groups", groups, 1);
  if (geometry.rank > convention.most) {
    throw new Inexpressible(
      `${convention.name} has 1 to ${convention.most} spatial axes, not ${geometry.rank}: ` +
        "fold axes with kernel 1 and stride 1 into the batch",
    );
  }
  const words = convention.words(geometry, groups);
  const i = integer("in_channels", inChannels, 1);
  const o = integer("out_channels", outChannels, 1);
  if (i % groups || o % groups) {
    throw new Error(`groups ${groups} must divide in_channels ${i} and out_channels ${o}`);
  }
  return convention.code(words, geometry, i, o);
}

/**
 * Apply a rule axis by axis; a refusal says along which.
 * @template T
 * @param {Geometry} geometry
 * @param {(axis: Axis) => T} rule
 * @returns {T[]}
 */
export function along({ axes, rank }, rule) {
  return axes.map((axis, index) => {
    try {
      return rule(axis);
    } catch (refusal) {
      if (!(refusal instanceof Inexpressible) || rank === 1) throw refusal;
      throw new Inexpressible(`axis ${index}: ${refusal.message}`);
    }
  });
}

/**
 * Say what is left to do to an output to crop [start, end] from each axis.
 * @param {readonly (readonly [number, number])[]} crops
 */
export function byHand(crops) {
  const said = crops.flatMap(([start, end], index) => {
    const moves = [move(start, "first", "before"), move(end, "last", "after")].filter(Boolean);
    const where = crops.length > 1 ? ` on axis ${index}` : "";
    return moves.length ? [moves.join(" and ") + where] : [];
  });
  return said.join(", ") || "leave it as it is";
}

/**
 * @param {number} cells
 * @param {string} end
 * @param {string} side
 */
function move(cells, end, side) {
  if (cells > 0) return `cut the ${end} ${cells === 1 ? "cell" : `${cells} cells`}`;
  if (cells < 0) return `put ${cells === -1 ? "a bias-only cell" : `${-cells} bias-only cells`} ${side} it`;
  return "";
}
