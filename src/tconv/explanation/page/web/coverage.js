/** What an axis leaves out: outputs that no input reaches, inputs that no output reads. */

import { ceilDiv, floorDiv, gcd, landing, Range } from "./axis.js";

/** @typedef {import("./axis.js").Axis} Axis */

/** Cells that are left out, of `size` cells. */
export class Missing {
  /**
   * @param {number} size
   * @param {(end: number) => number} coveredBefore how many cells before a place are not left out
   */
  constructor(size, coveredBefore) {
    this.size = size;
    this.coveredBefore = coveredBefore;
  }

  /** How many there are. */
  get count() {
    return this.size - this.coveredBefore(this.size);
  }

  /** Yield them in order, neighbours together. */
  *runs() {
    for (let end = 0; ; ) {
      const start = this._next(end);
      if (start >= this.size) return;
      end = this._end(start);
      yield new Range(start, end);
    }
  }

  /** The last of `runs`; there must be one. */
  lastRun() {
    const { count } = this;
    const end = first((n) => this._missing(n) === count, 0, this.size);
    const covered = this.coveredBefore(end);
    return new Range(
      first((n) => this.coveredBefore(n) === covered, 0, end),
      end,
    );
  }

  /** @param {number} end */
  _missing(end) {
    return end - this.coveredBefore(end);
  }

  /** The first missing cell from `start` on, or the size. @param {number} start */
  _next(start) {
    const before = this._missing(start);
    if (before === this.count) return this.size;
    return first((n) => this._missing(n) > before, start, this.size) - 1;
  }

  /** The first cell after `start` that is not missing, or the size. @param {number} start */
  _end(start) {
    const before = this.coveredBefore(start);
    if (this.coveredBefore(this.size) === before) return this.size;
    return first((n) => this.coveredBefore(n) > before, start, this.size) - 1;
  }
}

/** The outputs that no input reaches: holes. @param {Axis} axis */
export function unreached(axis) {
  const { cropStart, outputSize } = axis;
  const whole = reachedBefore(axis, cropStart);
  return new Missing(outputSize, (n) => reachedBefore(axis, cropStart + n) - whole);
}

/** The inputs that no output reads. @param {Axis} axis */
export function unread(axis) {
  const { inputSize, kernelSize, stride, dilation, cropStart, outputSize } = axis;
  if (outputSize <= dilation) {
    // no input stamps so short an output twice
    /** @param {number} n @param {number} end */
    const before = (n, end) => landing(n, kernelSize, stride, dilation, end);
    return new Missing(inputSize, (n) => before(n, cropStart + outputSize) - before(n, cropStart));
  }
  const start = Math.max(ceilDiv(cropStart - axis.effectiveKernel + 1, stride), 0);
  const last = Math.min(floorDiv(cropStart + outputSize - 1, stride), inputSize - 1);
  return new Missing(inputSize, (n) => Math.max(Math.min(n, last + 1) - start, 0));
}

/**
 * Count the different cells i·s + k·d < end of the full output.
 *
 * A cell is reached by (i, k) and by (i + d', k - s'), with d' = d/gcd(s, d) and s' = s/gcd(s, d).
 * Of its pairs the one with the least k has k < s', or else i >= I - d'.
 * @param {Axis} axis
 * @param {number} end
 */
function reachedBefore({ inputSize, kernelSize, stride, dilation }, end) {
  const common = gcd(stride, dilation);
  const taps = stride / common;
  const inputs = Math.min(dilation / common, inputSize);
  const reached = landing(inputSize, Math.min(kernelSize, taps), stride, dilation, end);
  if (kernelSize <= taps) return reached;
  const from = (inputSize - inputs) * stride + taps * dilation;
  return reached + landing(inputs, kernelSize - taps, stride, dilation, end - from);
}

/**
 * The least n of low … high from which on a condition holds, as it does at high.
 * @param {(n: number) => boolean} holds
 * @param {number} low
 * @param {number} high
 */
function first(holds, low, high) {
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
