/** The direct convolution whose transpose a layer is: its panels, and what its windows read. */

import { count } from "./arrays.js";
import { times } from "./convolution.js";
import { padded, paddedKinds } from "./extents.js";
import { Cells, filledPanel, framedCells, framedPanel } from "./grids.js";
import { places } from "./model.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./layer.js").Layer} Layer */
/** @typedef {import("./layer.js").Values} Values */

/**
 * The panel of its padded input, of size (C_out, *O); empty where `x` is null.
 * @param {Layer} layer
 * @param {string} name
 * @param {string} role
 * @param {Values | null} x
 */
export function directInputPanel(layer, name, role, x) {
  const { axes, outputSize } = layer.geometry;
  const extents = extentsOf(layer.geometry);
  const cells = directInputCells(layer, 0);
  /** @type {(import("./values.js").Value | null)[]} */
  const values = Array(layer.outChannels * count(extents.map(({ length }) => length))).fill(0);
  places([layer.outChannels, ...outputSize]).forEach((index, n) => {
    values[cells.place(index)] = x === null ? null : x.values[n];
  });
  const size = times(outputSize);
  const kept = times(axes.map((axis) => axis.convPads.reduce((a, b) => a + b, axis.outputSize)));
  return framedPanel({
    name,
    role,
    channels: layer.outChannels,
    extents,
    kinds: axes.map((axis) => paddedKinds(axis.outputSize, axis.convPads)),
    values,
    label: kept === size ? size : `${size}, padded to ${kept}`,
  });
}

/**
 * Place (channel, *index) of its padded input.
 * @param {Layer} layer
 * @param {number} panel
 */
export function directInputCells(layer, panel) {
  return framedCells(layer.outChannels, extentsOf(layer.geometry), panel);
}

/**
 * The panel of its output, of size (C_in, *I): 0 where only padding is read.
 * @param {Layer} layer
 * @param {string} name
 * @param {string} role
 */
export function directOutputPanel(layer, name, role) {
  const size = outputSizeOf(layer);
  const idle = layer.geometry.axes.map((axis) =>
    Array.from({ length: axis.inputSize }, (_, i) => axis.stamps(i).length === 0),
  );
  const values = places(size).map(([, ...position]) =>
    position.some((i, a) => idle[a][i]) ? 0 : null,
  );
  return filledPanel(name, role, { size, values }, ["channel"]);
}

/**
 * Place (channel, *position) of its output.
 * @param {Layer} layer
 * @param {number} panel
 */
export function directOutputCells(layer, panel) {
  return new Cells(panel, outputSizeOf(layer));
}

/**
 * The first input cell that an output reads.
 * @param {Geometry} geometry
 * @param {readonly number[]} position
 */
export function directCorner({ axes }, position) {
  return position.map((i, a) => i * axes[a].stride - axes[a].cropStart);
}

/** @param {Geometry} geometry */
function extentsOf({ axes }) {
  return axes.map((axis) => padded(axis.outputSize, axis.convPads));
}

/** @param {Layer} layer */
function outputSizeOf(layer) {
  return [layer.inChannels, ...layer.geometry.inputSize];
}
