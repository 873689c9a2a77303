/** The panels that views share: input, kernel, and output with the ring that is cropped. */

import { count, flat } from "./arrays.js";
import { Range } from "./axis.js";
import { times } from "./convolution.js";
import { APPENDED, CELL, CROP, HOLE, places, VOID } from "./model.js";

/** @typedef {import("./axis.js").Axis} Axis */
/** @typedef {import("./layer.js").Layer} Layer */
/** @typedef {import("./layer.js").Values} Values */
/** @typedef {import("./model.js").Grid} Grid */
/** @typedef {import("./model.js").Ref} Ref */

const SPATIAL = ["slice", "row", "column"];
const SEVERITY = [CELL, HOLE, APPENDED, CROP, VOID];

/**
 * The names of the last axes: row and column for two.
 * @param {number} rank
 */
export function spatial(rank) {
  return SPATIAL.slice(3 - rank);
}

/**
 * A panel of known values; leading axes of size one are left out.
 * @param {string} name
 * @param {string} role
 * @param {Values} array
 * @param {readonly string[]} lead
 * @param {string} [label]
 * @returns {Grid}
 */
export function filledPanel(name, role, array, lead, label) {
  const plane = array.size.slice(lead.length);
  const kept = lead.map((_, a) => a).filter((a) => array.size[a] > 1);
  const size = [...kept.map((a) => array.size[a]), ...plane];
  return {
    name,
    role,
    axes: [...kept.map((a) => lead[a]), ...spatial(plane.length)],
    size,
    origin: size.map(() => 0),
    kinds: array.values.map(() => CELL),
    values: array.values,
    label: label ?? times(plane),
  };
}

/** @param {Layer} layer */
export function inputPanel(layer) {
  return filledPanel("input", "input", layer.x, ["channel"]);
}

/** @param {Layer} layer */
export function kernelPanel(layer) {
  return filledPanel("kernel", "kernel", layer.weight, ["input channel", "output channel"]);
}

/**
 * The empty panel of the output: the full output's cells and the appended ones.
 * @param {Layer} layer
 * @returns {Grid}
 */
export function outputPanel(layer) {
  const { axes, outputSize, full } = layer.geometry;
  const frames = axes.map(frame);
  const along = axes.map((axis, a) => Array.from(frames[a], (o) => kindOf(axis, o)));
  const size = frames.map((cells) => cells.length);
  const plane = places(size).map((place) => joined(place.map((at, a) => along[a][at])));
  const kinds = Array.from({ length: layer.outChannels }, () => plane).flat();
  const lead = layer.outChannels > 1 ? [layer.outChannels] : [];
  const [kept, whole] = [times(outputSize), times(full)];
  return {
    name: "output",
    role: "output",
    axes: [...lead.map(() => "channel"), ...spatial(axes.length)],
    size: [...lead, ...size],
    origin: [...lead.map(() => 0), ...frames.map((cells) => cells.start)],
    kinds,
    values: kinds.map((kind) => (kind === HOLE || kind === APPENDED ? 0 : null)),
    label: kept === whole ? kept : `${kept}, of a full ${whole}`,
  };
}

/**
 * The output indices drawn on an axis: the full output, and what is appended.
 * @param {Axis} axis
 */
export function frame(axis) {
  const { cropStart, full, outputSize } = axis;
  return new Range(Math.min(-cropStart, 0), Math.max(full - cropStart, outputSize));
}

/**
 * The channel in an index whose channel axis may have been left out.
 * @param {readonly number[]} index
 * @param {number} rank
 */
export function channelOf(index, rank) {
  return index.length > rank ? index[0] : 0;
}

/** Where the cells of input, kernel and output stand in their panels, whatever is left out. */
export class Places {
  /**
   * @param {Layer} layer
   * @param {number} x the input's panel
   * @param {number} kernel
   * @param {number} y
   * @param {Grid} output
   */
  constructor(layer, x, kernel, y, output) {
    const frames = layer.geometry.axes.map(frame);
    this._xSize = layer.x.size;
    this._kernelSize = layer.weight.size;
    this._first = frames.map((cells) => cells.start);
    this._frame = frames.map((cells) => cells.length);
    this._cells = count(this._frame);
    this._output = output;
    this._x = refs(x, layer.x.values.length);
    this._kernel = refs(kernel, layer.weight.values.length);
    this._y = refs(y, this._cells * layer.outChannels);
  }

  /**
   * The input cell of a channel and position.
   * @param {number} channel
   * @param {readonly number[]} position
   * @returns {Ref}
   */
  x(channel, position) {
    return this._x[flat([channel, ...position], this._xSize)];
  }

  /**
   * The kernel element between two channels; `outChannel` is the whole layer's.
   * @param {number} inChannel
   * @param {number} outChannel
   * @param {readonly number[]} tap
   * @returns {Ref}
   */
  kernel(inChannel, outChannel, tap) {
    const size = this._kernelSize;
    return this._kernel[flat([inChannel, outChannel % size[1], ...tap], size)];
  }

  /**
   * The output cell of a channel and output index, cropped ones included.
   * @param {number} channel
   * @param {readonly number[]} output
   * @returns {Ref}
   */
  y(channel, output) {
    let cell = channel;
    for (let a = 0; a < output.length; a++) {
      cell = cell * this._frame[a] + output[a] - this._first[a];
    }
    return this._y[cell];
  }

  /**
   * Whether an output cell is kept.
   * @param {Ref} ref
   */
  lands([, cell]) {
    const kind = this._output.kinds[cell];
    return kind !== CROP && kind !== VOID;
  }
}

/**
 * @param {number} panel
 * @param {number} cells
 */
function refs(panel, cells) {
  return Array.from({ length: cells }, (_, cell) => /** @type {Ref} */ ([panel, cell]));
}

/**
 * @param {Axis} axis
 * @param {number} output
 */
function kindOf(axis, output) {
  if (output < 0 || output >= axis.outputSize) return CROP;
  const at = output + axis.cropStart;
  if (at < 0 || at >= axis.full) return APPENDED;
  return axis.overlapAt(output) ? CELL : HOLE;
}

/** @param {readonly string[]} kinds */
function joined(kinds) {
  if (kinds.includes(CROP) && kinds.includes(APPENDED)) return VOID;
  return SEVERITY[Math.max(...kinds.map((kind) => SEVERITY.indexOf(kind)))];
}
