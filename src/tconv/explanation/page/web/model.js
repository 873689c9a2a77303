/** What a trace is: panels of cells, and steps that read and write them. Plain data, versioned. */

import { KINDS, TRACE_VERSION } from "./constants.js";
import { jsonable, sumWritten, written } from "./values.js";

/** @typedef {import("./values.js").Value} Value */
/** @typedef {import("./values.js").Shown} Shown */
/** @typedef {import("./geometry.js").Geometry} Geometry */

/** @typedef {readonly [number, number]} Ref a cell: number of its panel, and place in its list of cells */

/**
 * One term put into a cell.
 * @typedef {object} Write
 * @property {Ref} to
 * @property {readonly Ref[]} factors
 * @property {number | string} term
 * @property {string} text
 * @property {number | string} total
 */

/**
 * @typedef {object} Step
 * @property {string} say
 * @property {string} formula
 * @property {readonly Ref[]} focus
 * @property {readonly Ref[]} reads
 * @property {readonly Write[]} writes
 */

/**
 * A grid of cells.
 * @typedef {object} Panel
 * @property {string} name
 * @property {string} role
 * @property {readonly string[]} axes
 * @property {readonly number[]} size
 * @property {readonly number[]} origin the index of the first cell along each axis
 * @property {readonly string[]} kinds
 * @property {readonly Shown[]} values before the first step
 * @property {string} label
 */

/** @typedef {Omit<Panel, "values"> & {values: readonly (Value | null)[]}} Grid a panel's values as they are */

/**
 * @typedef {object} Trace
 * @property {number} version
 * @property {string} view
 * @property {string} title
 * @property {Record<"input_size" | "kernel_size" | "stride" | "dilation" | "output_size", number[]>
 *   & {crop: (readonly [number, number])[]}} geometry
 * @property {readonly string[]} sizes
 * @property {number} result the number of the panel that holds the result
 * @property {readonly Panel[]} panels
 * @property {readonly Step[]} steps
 */

export const [CELL, ZERO, PAD, CUT, CROP, HOLE, APPENDED, VOID] = Object.keys(KINDS);

/**
 * Make the trace of a view.
 * @param {Geometry} geometry
 * @param {Pick<Trace, "view" | "title" | "steps" | "result">
 *   & {grids: readonly Grid[], sizes: string[]}} told
 * @returns {Trace}
 */
export function traceOf(geometry, { view, title, grids, steps, result, sizes }) {
  return {
    version: TRACE_VERSION,
    view,
    title,
    geometry: {
      input_size: geometry.inputSize,
      kernel_size: geometry.kernelSize,
      stride: geometry.stride,
      dilation: geometry.dilation,
      crop: geometry.crop,
      output_size: geometry.outputSize,
    },
    sizes,
    result,
    panels: grids.map((grid) => ({
      ...grid,
      values: grid.values.map((value) => (value === null ? null : jsonable(value))),
    })),
    steps,
  };
}

/**
 * Number of frames: before the first step, each step, the result.
 * @param {Trace} trace
 */
export function frames(trace) {
  return trace.steps.length + 2;
}

/**
 * What every cell of every panel shows at a frame, written out.
 * @param {Trace} trace
 * @param {number} frame negative counts from the end
 * @param {{sums?: boolean}} [options] whether terms are added up, or kept apart
 * @returns {string[][]}
 */
export function cells(trace, frame, { sums = true } = {}) {
  const last = stepsShown(trace, frame);
  const shown = trace.panels.map((panel) => panel.values.map(shownText));
  /** @type {Map<string, string[]>} */
  const terms = new Map();
  for (const step of trace.steps.slice(0, last)) {
    for (const { to, term, total } of step.writes) {
      const [panel, cell] = to;
      if (sums) shown[panel][cell] = shownText(total);
      else {
        const held = terms.get(`${to}`) ?? [];
        terms.set(`${to}`, [...held, shownText(term)]);
        shown[panel][cell] = sumWritten([...held, shownText(term)]);
      }
    }
  }
  return shown;
}

/**
 * The index of a cell, as labelled (so -1 stands before 0).
 * @param {Pick<Panel, "size" | "origin">} panel
 * @param {number} cell
 */
export function indexOf(panel, cell) {
  const { size, origin } = panel;
  const index = Array(size.length);
  let rest = cell;
  for (let a = size.length - 1; a >= 0; a--) {
    index[a] = (rest % size[a]) + origin[a];
    rest = Math.floor(rest / size[a]);
  }
  return /** @type {number[]} */ (index);
}

/**
 * The cell at an index.
 * @param {Pick<Panel, "size" | "origin">} panel
 * @param {readonly number[]} index
 */
export function cellAt(panel, index) {
  return index.reduce((cell, place, a) => cell * panel.size[a] + place - panel.origin[a], 0);
}

/**
 * Every index of an array of this size, row by row.
 * @param {readonly number[]} size
 * @returns {number[][]}
 */
export function places(size) {
  /** @type {number[][]} */
  let all = [[]];
  for (const n of size) {
    all = all.flatMap((place) => Array.from({ length: n }, (_, at) => [...place, at]));
  }
  return all;
}

/**
 * @param {Trace} trace
 * @param {number} frame
 */
function stepsShown(trace, frame) {
  const number = frame < 0 ? frame + frames(trace) : frame;
  if (!Number.isInteger(frame) || number < 0 || number >= frames(trace)) {
    throw new Error(`frame ${frame} is out of range: 0 to ${frames(trace) - 1}`);
  }
  return number;
}

/** @param {Shown} value */
function shownText(value) {
  if (value === null) return "";
  return typeof value === "number" ? written(value) : value;
}
