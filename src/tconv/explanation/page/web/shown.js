/** What is asked for, and what can be shown of it. */

import { Geometry } from "./geometry.js";
import { explain } from "./trace.js";

/** @typedef {import("./model.js").Trace} Trace */

/** @typedef {Omit<import("./state.js").State, "frame">} Wanted */
/** @typedef {{wanted: Wanted, geometry: Geometry, trace: Trace, beside: Trace | null}} Shown */

/**
 * Make what is asked for; throws a sentence where that cannot be.
 * @param {Wanted} wanted
 * @param {string} beside a second view, or ""
 * @returns {Shown}
 */
export function made(wanted, beside) {
  const geometry = Geometry.of(wanted);
  const layer = { geometry, x: wanted.x, weight: wanted.weight, groups: wanted.groups };
  return {
    wanted,
    geometry,
    trace: explain({ ...layer, view: wanted.view }),
    beside: beside ? explain({ ...layer, view: beside }) : null,
  };
}

/**
 * The same number of axes everywhere; values fall back to what is usual there.
 * @param {Wanted} wanted @param {number} rank
 * @returns {Wanted}
 */
export function withRank(wanted, rank) {
  /** @template T @param {T[]} entries */
  const fit = (entries) =>
    Array.from({ length: rank }, (_, axis) => entries[axis] ?? entries[entries.length - 1]);
  return {
    ...wanted,
    inputSize: fit(wanted.inputSize),
    kernelSize: fit(wanted.kernelSize),
    stride: fit(wanted.stride),
    padding: fit(wanted.padding),
    outputPadding: fit(wanted.outputPadding),
    dilation: fit(wanted.dilation),
    x: typeof wanted.x === "string" ? wanted.x : null,
    weight: typeof wanted.weight === "string" ? wanted.weight : null,
  };
}

/**
 * Typed values cut or filled up with zeros to the sizes asked for.
 * @param {Wanted} wanted
 * @returns {Wanted}
 */
export function withFittingValues(wanted) {
  return {
    ...wanted,
    x: resized(wanted.x, 1, wanted.inputSize),
    weight: resized(wanted.weight, 2, wanted.kernelSize),
  };
}

/**
 * @param {unknown} values @param {number} lead axes that are kept @param {number[]} size
 * @returns {unknown}
 */
function resized(values, lead, size) {
  if (!Array.isArray(values)) return values;
  if (lead > 0) return values.map((inner) => resized(inner, lead - 1, size));
  const [length, ...rest] = size;
  return Array.from({ length }, (_, at) =>
    rest.length
      ? resized(values[at] ?? [], 0, rest)
      : values[at] ?? 0,
  );
}
