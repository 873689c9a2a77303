/** A direct convolution described by its sizes: the one beside, or behind, a transposed one. */

import { tuple } from "./python.js";

/** @typedef {import("./parameters.js").Window} Window */

export class Convolution {
  /**
   * @param {object} sizes
   * @param {number[]} sizes.inputSize
   * @param {number[]} sizes.kernelSize
   * @param {number[]} sizes.stride
   * @param {number[]} sizes.dilation
   * @param {Window[]} sizes.padding zeros before and after; negative cuts cells
   * @param {number[]} sizes.outputSize
   * @param {number[]} [sizes.stretch] distance of neighbouring inputs after zeros were inserted
   * @param {boolean} [sizes.flip] whether the kernel is turned round on every axis
   */
  constructor({ inputSize, kernelSize, stride, dilation, padding, outputSize, stretch = [], flip = false }) {
    this.inputSize = inputSize;
    this.kernelSize = kernelSize;
    this.stride = stride;
    this.dilation = dilation;
    this.padding = padding;
    this.outputSize = outputSize;
    this.stretch = stretch;
    this.flip = flip;
  }

  /** Input size once zeros are inserted: (I-1)·stretch + 1. */
  get stretchedSize() {
    return this.inputSize.map((size, a) => (size - 1) * (this.stretch[a] ?? 1) + 1);
  }

  /** Input size once zeros are inserted, then padded or cut. */
  get paddedSize() {
    return this.stretchedSize.map((size, a) => size + this.padding[a][0] + this.padding[a][1]);
  }

  toString() {
    const words = [`input ${times(this.inputSize)}`];
    if (this.stretch.some((s) => s !== 1)) {
      words.push(`stretched by ${times(this.stretch)} to ${times(this.stretchedSize)}`);
    }
    words.push(`kernel ${times(this.kernelSize)}${this.flip ? " flipped" : ""}`);
    words.push(`stride ${times(this.stride)}`);
    if (this.dilation.some((d) => d !== 1)) words.push(`dilation ${times(this.dilation)}`);
    words.push(`padding ${this.padding.map(tuple).join("×")}`);
    return `${words.join(", ")} -> ${times(this.outputSize)}`;
  }
}

/**
 * Sizes as people say them: `4×6`.
 * @param {readonly number[]} sizes
 */
export function times(sizes) {
  return sizes.join("×");
}
