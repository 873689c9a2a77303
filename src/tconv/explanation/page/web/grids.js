/** The panels that views share, and where their cells stand. */

import { count } from "./arrays.js";
import { AXES, KERNEL_AXES } from "./constants.js";
import { times } from "./convolution.js";
import { frame, joined, outputKinds } from "./extents.js";
import { APPENDED, CELL, HOLE, places, VOID } from "./model.js";

/** @typedef {import("./axis.js").Range} Range */
/** @typedef {import("./layer.js").Layer} Layer */
/** @typedef {import("./model.js").Grid} Grid */
/** @typedef {import("./model.js").Ref} Ref */
/** @typedef {import("./values.js").Value} Value */

/** Where the cells of an array stand in the panel that shows it, axes of size one included. */
export class Cells {
  /**
   * @param {number} panel
   * @param {readonly number[]} size the array's, channels first
   * @param {readonly number[]} [origin] the index of its first cell
   */
  constructor(panel, size, origin = size.map(() => 0)) {
    this._size = size;
    this._origin = origin;
    this._refs = Array.from({ length: count(size) }, (_, n) => /** @type {Ref} */ ([panel, n]));
  }

  /**
   * The place of an index, which may lie beyond the array, in the list of cells.
   * @param {readonly number[]} index
   */
  place(index) {
    const { _size: size, _origin: origin } = this;
    let cell = 0;
    for (let a = 0; a < size.length; a++) cell = cell * size[a] + index[a] - origin[a];
    return cell;
  }

  /**
   * The cell at a place.
   * @param {number} place
   */
  ref(place) {
    return this._refs[place];
  }

  /**
   * The cell at an index.
   * @param {readonly number[]} index
   */
  at(index) {
    return this._refs[this.place(index)];
  }
}

/**
 * Place (channel, *position) of the input.
 * @param {Layer} layer
 * @param {number} panel
 */
export function inputCells(layer, panel) {
  return new Cells(panel, layer.x.size);
}

/**
 * Place (input channel, output channel of its group, *tap) of the kernel.
 * @param {Layer} layer
 * @param {number} panel
 */
export function kernelCells(layer, panel) {
  return new Cells(panel, layer.weight.size);
}

/**
 * Place (channel, *index) of a panel whose axes are drawn over these ranges.
 * @param {number} channels
 * @param {readonly Range[]} extents
 * @param {number} panel
 */
export function framedCells(channels, extents, panel) {
  const size = [channels, ...extents.map((cells) => cells.length)];
  return new Cells(panel, size, [0, ...extents.map((cells) => cells.start)]);
}

/**
 * Place (channel, *output) of the output, cropped cells included.
 * @param {Layer} layer
 * @param {number} panel
 */
export function outputCells(layer, panel) {
  return framedCells(layer.outChannels, layer.geometry.axes.map(frame), panel);
}

/**
 * A panel of known values; leading axes of size one are left out.
 * @param {string} name
 * @param {string} role
 * @param {import("./arrays.js").Tensor<Value | null>} array
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

/**
 * A panel whose axes are drawn over ranges, each index of a kind.
 *
 * Without values, holes and appended cells hold 0 and the rest is yet to be written; with them,
 * void cells still hold none.
 * @param {object} told
 * @param {string} told.name
 * @param {string} told.role
 * @param {number} told.channels
 * @param {readonly Range[]} told.extents
 * @param {readonly (readonly string[])[]} told.kinds
 * @param {readonly (Value | null)[]} [told.values]
 * @param {string} told.label
 * @returns {Grid}
 */
export function framedPanel({ name, role, channels, extents, kinds, values, label }) {
  const size = extents.map((cells) => cells.length);
  const plane = places(size).map((place) => joined(place.map((at, a) => kinds[a][at])));
  const every = Array.from({ length: channels }, () => plane).flat();
  const lead = channels > 1 ? [channels] : [];
  const empty = (/** @type {string} */ kind) => (kind === HOLE || kind === APPENDED ? 0 : null);
  return {
    name,
    role,
    axes: [...lead.map(() => "channel"), ...spatial(extents.length)],
    size: [...lead, ...size],
    origin: [...lead.map(() => 0), ...extents.map((cells) => cells.start)],
    kinds: every,
    values: values ? values.map((v, n) => (every[n] === VOID ? null : v)) : every.map(empty),
    label,
  };
}

/**
 * @param {Layer} layer
 * @param {string} [name]
 */
export function inputPanel(layer, name = "input") {
  return filledPanel(name, "input", layer.x, ["channel"]);
}

/** @param {Layer} layer */
export function kernelPanel(layer) {
  return filledPanel("kernel", "kernel", layer.weight, KERNEL_AXES);
}

/**
 * The empty panel of the output: the full output's cells and the appended ones.
 * @param {Layer} layer
 * @param {string} [name]
 */
export function outputPanel(layer, name = "output") {
  const { axes, outputSize, full } = layer.geometry;
  const [kept, whole] = [times(outputSize), times(full)];
  return framedPanel({
    name,
    role: "output",
    channels: layer.outChannels,
    extents: axes.map(frame),
    kinds: axes.map(outputKinds),
    label: kept === whole ? kept : `${kept}, of a full ${whole}`,
  });
}

/**
 * The names of the last axes: row and column for two.
 * @param {number} rank
 */
export function spatial(rank) {
  return AXES.slice(-rank);
}
