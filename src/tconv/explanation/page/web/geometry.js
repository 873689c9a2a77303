/** Geometry: what a transposed convolution does to sizes and places, on any number of axes. */

import { Axis } from "./axis.js";
import { Convolution, times } from "./convolution.js";
import { derive } from "./derivation.js";
import { axisOf, convAxisOf } from "./padding.js";
import { commonRank, counted, paddingPerAxis, perAxis } from "./parameters.js";
import { tuple } from "./python.js";

/** @typedef {import("./parameters.js").Sizes} Sizes */
/** @typedef {import("./parameters.js").Padding} Padding */
/** @typedef {import("./parameters.js").Window} Window */

/**
 * @typedef {object} Words
 * @property {Sizes} inputSize
 * @property {Sizes} kernelSize
 * @property {Sizes} [stride]
 * @property {Padding} [padding]
 * @property {Sizes} [outputPadding]
 * @property {Sizes} [dilation]
 * @property {Sizes | null} [outputSize]
 */

export class Geometry {
  /** @param {readonly Axis[]} axes */
  constructor(axes) {
    if (axes.length === 0) throw new Error("a geometry needs at least one axis");
    this.axes = axes;
  }

  /**
   * Make a geometry from PyTorch's words.
   * @param {Words} words
   */
  static of({
    inputSize,
    kernelSize,
    stride = 1,
    padding = 0,
    outputPadding = 0,
    dilation = 1,
    outputSize = null,
  }) {
    const sizes = {
      input_size: inputSize,
      kernel_size: kernelSize,
      stride,
      dilation,
      output_padding: outputPadding,
    };
    const rank = commonRank({ ...sizes, output_size: outputSize, padding });
    const columns = Object.entries(sizes).map(([name, value]) =>
      perAxis(name, value, rank, name === "output_padding" ? 0 : 1),
    );
    const wanted = outputSize === null ? null : perAxis("output_size", outputSize, rank);
    if (wanted !== null && columns[4].some(Boolean)) {
      throw new Error("give output_padding or output_size, not both");
    }
    const pads = paddingPerAxis(padding, rank);
    const [i, k, s, d, op] = columns;
    return new Geometry(
      i.map((_, a) =>
        axisOf(i[a], k[a], s[a], d[a], op[a], wanted === null ? null : wanted[a], typeof pads === "string" ? pads : pads[a]),
      ),
    );
  }

  /**
   * Make a geometry from the cells cut from either end of the full output.
   * @param {Omit<Words, "padding"> & {crop: readonly Window[]}} words
   */
  static fromCrop({ crop, ...words }) {
    return Geometry.of({ ...words, padding: crop });
  }

  /**
   * Make the geometry of the transpose of a direct convolution of `inputSize` cells.
   * @param {Words} words
   */
  static ofConv({ inputSize, kernelSize, stride = 1, padding = 0, dilation = 1 }) {
    const sizes = { input_size: inputSize, kernel_size: kernelSize, stride, dilation };
    const rank = commonRank({ ...sizes, padding });
    const pads = paddingPerAxis(padding, rank);
    const [i, k, s, d] = Object.entries(sizes).map(([name, value]) => perAxis(name, value, rank, 1));
    return new Geometry(
      i.map((_, a) => convAxisOf(i[a], k[a], s[a], d[a], typeof pads === "string" ? pads : pads[a])),
    );
  }

  get rank() {
    return this.axes.length;
  }

  get inputSize() {
    return this.axes.map((axis) => axis.inputSize);
  }

  get kernelSize() {
    return this.axes.map((axis) => axis.kernelSize);
  }

  get stride() {
    return this.axes.map((axis) => axis.stride);
  }

  get dilation() {
    return this.axes.map((axis) => axis.dilation);
  }

  get outputSize() {
    return this.axes.map((axis) => axis.outputSize);
  }

  /** Cells cut from [start, end] of the full output; negative where cells are added. */
  get crop() {
    return this.axes.map((axis) => /** @type {Window} */ ([axis.cropStart, axis.cropEnd]));
  }

  /** Output size before cropping, (I-1)·s + ke. */
  get full() {
    return this.axes.map((axis) => axis.full);
  }

  get effectiveKernel() {
    return this.axes.map((axis) => axis.effectiveKernel);
  }

  /**
   * The [input, kernel element] pairs whose products an output sums.
   * @param {readonly number[]} output
   * @returns {[number[], number[]][]}
   */
  reads(output) {
    /** @type {[number[], number[]][]} */
    let pairs = [[[], []]];
    this.axes.forEach((axis, a) => {
      const [inputs, kernel] = axis.reads(output[a]);
      const along = [...inputs].map((i, n) => [i, kernel.at(n)]);
      pairs = pairs.flatMap(([is, ks]) =>
        along.map(([i, k]) => /** @type {[number[], number[]]} */ ([[...is, i], [...ks, k]])),
      );
    });
    return pairs;
  }

  /**
   * How many products an output cell sums.
   * @param {readonly number[]} output
   */
  overlapAt(output) {
    return product(this.axes.map((axis, a) => axis.overlapAt(output[a])));
  }

  /** How many products each output sums, axis by axis; for a cell they multiply. */
  overlap() {
    return this.axes.map((axis) => axis.overlap());
  }

  /** The outputs that no input reaches, axis by axis; a cell is a hole if any is. */
  holes() {
    return this.axes.map((axis) => axis.holes());
  }

  /** Whether every phase has equally many taps: the overlap is uniform away from the borders. */
  get even() {
    return this.axes.every((axis) => axis.even);
  }

  /**
   * The fewest and the most taps that any phase has, all axes together.
   * @returns {[number, number]}
   */
  get tapsPerPhase() {
    const each = this.axes.map((axis) => axis.tapsPerPhase);
    return [product(each.map(([fewest]) => fewest)), product(each.map(([, most]) => most))];
  }

  /** The direct convolution with the same result: zeros inserted, padded, flipped. */
  stretched() {
    return new Convolution({
      inputSize: this.inputSize,
      kernelSize: this.kernelSize,
      stride: this.axes.map(() => 1),
      dilation: this.dilation,
      padding: this.axes.map((axis) => axis.stretchedPads),
      outputSize: this.outputSize,
      stretch: this.stride,
      flip: true,
    });
  }

  /** The direct convolution whose exact adjoint this is, or null. */
  adjoint() {
    if (this.axes.some((a) => a.cropStart < 0 || a.cropEnd <= -a.stride)) return null;
    return new Convolution({
      inputSize: this.outputSize,
      kernelSize: this.kernelSize,
      stride: this.stride,
      dilation: this.dilation,
      padding: this.axes.map((axis) => axis.convPads),
      outputSize: this.inputSize,
    });
  }

  /** Useful multiplications for one channel: pairs whose product lands in the output. */
  get products() {
    return product(this.axes.map((axis) => axis.products));
  }

  /** Multiplications of the zero-stretched direct convolution, for one channel. */
  get stretchedProducts() {
    return product(this.axes.map((axis) => axis.stretchedProducts));
  }

  /** Multiplications by an inserted or padded zero in the stretched direct convolution. */
  get wastedProducts() {
    return this.stretchedProducts - this.products;
  }

  /** The output size worked line by line. */
  derivation() {
    if (this.rank === 1) return derive(this.axes[0]);
    return this.axes.map((axis, index) => `axis ${index}\n${derive(axis)}`).join("\n\n");
  }

  toString() {
    const words = [`input ${times(this.inputSize)}`, `kernel ${times(this.kernelSize)}`];
    words.push(`stride ${times(this.stride)}`);
    if (this.dilation.some((d) => d !== 1)) words.push(`dilation ${times(this.dilation)}`);
    words.push(`crop ${this.crop.map(tuple).join("×")}`);
    return `${words.join(", ")} -> ${times(this.outputSize)}`;
  }

  /** @param {Geometry} other */
  equals(other) {
    return this.rank === other.rank && this.axes.every((axis, a) => axis.equals(other.axes[a]));
  }
}

/** @param {readonly number[]} values */
export function product(values) {
  return counted(
    values.reduce((whole, value) => whole * value, 1),
    "product",
  );
}
