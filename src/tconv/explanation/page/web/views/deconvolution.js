/** Adjoint against inverse: what the transposed convolution of a convolution gives back. */

import { LIMITS } from "../constants.js";
import { directOutputPanel } from "../direct.js";
import { filledPanel, kernelPanel } from "../grids.js";
import { leastSquares } from "../leastsquares.js";
import { traceOf } from "../model.js";
import { asNumber } from "../numbers.js";
import { convolutionSizes } from "../sizes.js";
import { add, asValue, Expression, jsonable, multiply, written } from "../values.js";
import { counted } from "../words.js";
import { entries, refuseLarge } from "./matrix.js";

/** @typedef {import("../layer.js").Layer} Layer */
/** @typedef {import("../layer.js").Values} Values */
/** @typedef {import("../model.js").Ref} Ref */
/** @typedef {import("../values.js").Value} Value */


/**
 * Trace a convolution, its adjoint, and its least-squares inverse of least norm.
 *
 * The adjoint Aᵀ gives a convolution A·B its shape back, not its values; the inverse gives the
 * shortest B that has this convolution.
 * @param {Layer} layer
 */
export function deconvolution(layer) {
  const { geometry, x, weight } = layer;
  refuseLarge(layer);
  const picture = numbers("x", x);
  numbers("weight", weight);
  const { inputs, outputs, values } = entries(layer);
  const seen = Array.from({ length: inputs }, (_, row) =>
    summed(x.values, (n) => values[row * outputs + n]),
  );
  const back = Array.from({ length: outputs }, (_, column) =>
    summed(seen, (n) => values[n * outputs + column]),
  );
  const matrix = values.map(asFloat);
  const { x: inverse, rank } = leastSquares(matrix, inputs, outputs, seen.map(asFloat));
  const found = inverse.map((value) => rounded(value, picture));
  const empty = { size: x.size, values: x.values.map(() => null) };
  const grids = [
    filledPanel("B", "input", x, ["channel"]),
    kernelPanel(layer),
    directOutputPanel(layer, "C = A·B", "between"),
    filledPanel("adjoint Aᵀ·C", "output", empty, ["channel"]),
    filledPanel("inverse A⁺·C", "output", empty, ["channel"]),
  ];
  /** @type {(panel: number) => Ref[]} */
  const every = (panel) => grids[panel].kinds.map((_, cell) => [panel, cell]);
  /** @type {(panel: number, held: readonly Value[]) => import("../model.js").Write[]} */
  const writes = (panel, held) =>
    held.map((given, n) => {
      const value = asValue(given);
      const shown = jsonable(value);
      return { to: [panel, n], factors: [], term: shown, text: written(value), total: shown };
    });
  const holds =
    rank === outputs
      ? "B itself, as no other B has this C"
      : `the shortest of the many B that have this C, as A keeps ${rank} of ${outputs}`;
  const [adjointAway, inverseAway] = [distance(back, picture), distance(found, picture)];
  const steps = [
    {
      say: `the convolution A makes C, ${counted(inputs, "number")} of ${outputs}`,
      formula: "C = A·B",
      focus: every(2),
      reads: [...every(0), ...every(1)],
      writes: writes(2, seen),
    },
    {
      say:
        "the adjoint Aᵀ, which is the transposed convolution, gives C the shape of B; its " +
        `values are ${adjointAway} away from B's`,
      formula: `‖Aᵀ·C - B‖ = ${adjointAway}`,
      focus: every(3),
      reads: every(2),
      writes: writes(3, back),
    },
    {
      say: `the inverse by least squares is ${holds}: ${inverseAway} away from B`,
      formula: `‖A⁺·C - B‖ = ${inverseAway}`,
      focus: every(4),
      reads: every(2),
      writes: writes(4, found),
    },
  ];
  return traceOf(geometry, {
    view: "deconvolution",
    title: "Deconvolution: the adjoint is not the inverse",
    sizes: convolutionSizes(geometry),
    grids,
    steps,
    result: 4,
  });
}

/**
 * Sum the products of values with the entries of a row or column.
 * @param {readonly Value[]} values
 * @param {(n: number) => Value} entry
 */
function summed(values, entry) {
  return values
    .map((value, n) => multiply(entry(n), value))
    .reduce((whole, term) => add(whole, term));
}

/**
 * @param {readonly Value[]} one
 * @param {readonly number[]} picture
 */
function distance(one, picture) {
  const away = Math.hypot(...one.map((value, n) => asFloat(value) - picture[n]));
  return written(rounded(away, picture));
}

/**
 * Round to so many digits of the picture's largest value, below which all is rounding error.
 * @param {number} value
 * @param {readonly number[]} picture
 */
function rounded(value, picture) {
  const largest = Math.max(...picture.map(Math.abs));
  const digits = LIMITS.digits - (largest ? Math.floor(Math.log10(largest)) : 0);
  if (digits >= 0) return Number(value.toFixed(Math.min(digits, 100))) + 0;
  const unit = 10 ** -digits;
  return Math.round(value / unit) * unit + 0;
}

/** @param {Value} value */
function asFloat(value) {
  if (value instanceof Expression) throw new Error(`${value} is no number`);
  return asNumber(value);
}

/**
 * @param {string} name
 * @param {Values} array
 */
function numbers(name, { values }) {
  if (values.some((value) => value instanceof Expression)) {
    throw new Error(
      `deconvolution solves for numbers, but ${name} holds letters; ` +
        'give numbers, or the word "numbers"',
    );
  }
  return values.map(asFloat);
}
