/** What a window of a direct convolution reads: every cell under the kernel, zeros included. */

import { places } from "./model.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./grids.js").Cells} Cells */
/** @typedef {import("./model.js").Ref} Ref */

/** A kernel-sized window over the cells of a panel. */
export class Window {
  /**
   * @param {Geometry} geometry gives kernel size and dilation
   * @param {Cells} cells the panel's: (channel, *index)
   */
  constructor({ axes, kernelSize }, cells) {
    this._axes = axes;
    this._cells = cells;
    const first = cells.place([0, ...axes.map(() => 0)]);
    this._offsets = places(kernelSize).map(
      (tap) => cells.place([0, ...tap.map((k, a) => k * axes[a].dilation)]) - first,
    );
  }

  /**
   * The cells from `first` on, channel by channel and row by row.
   * @param {readonly number[]} first
   * @param {readonly number[]} channels
   * @returns {Ref[]}
   */
  cells(first, channels) {
    return channels.flatMap((channel) => {
      const corner = this._cells.place([channel, ...first]);
      return this._offsets.map((offset) => this._cells.ref(corner + offset));
    });
  }

  /**
   * The last index.
   * @param {readonly number[]} first
   */
  last(first) {
    return first.map((at, a) => at + this._axes[a].effectiveKernel - 1);
  }
}

/**
 * The kernel's elements, row by row, for each of these [input, output] channels.
 * @param {Geometry} geometry
 * @param {readonly (readonly [number, number])[]} channels
 * @param {Cells} kernel
 * @returns {Ref[]}
 */
export function filters({ kernelSize }, channels, kernel) {
  const taps = places(kernelSize);
  return channels.flatMap((pair) => taps.map((tap) => kernel.at([...pair, ...tap])));
}
