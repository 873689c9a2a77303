/**
 * One axis of a transposed convolution: the normal form that everything reads from.
 *
 * y[o] = sum of x[i]·w[k] over all (i, k) with i·s + k·d - c0 = o, 0 <= o < O
 */

import { counted, integer } from "./parameters.js";

const LISTED_AT_MOST = 2 ** 20;

/** Whole numbers from `start` by `step`, before `stop` is reached. */
export class Range {
  /**
   * @param {number} start
   * @param {number} stop
   * @param {number} [step]
   */
  constructor(start, stop, step = 1) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }

  get length() {
    return Math.max(0, ceilDiv(this.stop - this.start, this.step));
  }

  /** @param {number} index */
  at(index) {
    return this.start + index * this.step;
  }

  *[Symbol.iterator]() {
    const { start, step, length } = this;
    for (let n = 0; n < length; n++) yield start + n * step;
  }
}

export class Axis {
  /**
   * @param {number} inputSize
   * @param {number} kernelSize
   * @param {number} stride
   * @param {number} dilation
   * @param {number} cropStart cells cut from the start of the full output; negative puts cells there
   * @param {number} outputSize
   */
  constructor(inputSize, kernelSize, stride, dilation, cropStart, outputSize) {
    this.inputSize = integer("input_size", inputSize, 1);
    this.kernelSize = integer("kernel_size", kernelSize, 1);
    this.stride = integer("stride", stride, 1);
    this.dilation = integer("dilation", dilation, 1);
    this.cropStart = integer("crop_start", cropStart);
    this.outputSize = integer("output_size", outputSize);
    /** Cells from a stamp's first tap to its last: d·(K-1) + 1. */
    this.effectiveKernel = this.dilation * (this.kernelSize - 1) + 1;
    /** Output size before cropping: (I-1)·s + d·(K-1) + 1. */
    this.full = counted((inputSize - 1) * stride + this.effectiveKernel, "full output");
    /** Cells cut from the end of the full output; negative appends untouched cells. */
    this.cropEnd = this.full - cropStart - outputSize;
    if (outputSize < 1) {
      throw new Error(
        `output size ${outputSize} is too small: full output ${this.full} ` +
          `less crops ${cropStart} and ${this.cropEnd}; crop less`,
      );
    }
    this._common = gcd(stride, dilation);
    this._period = stride / this._common;
    this._inverse = inverse(dilation / this._common, this._period);
  }

  /**
   * The phase of an output: (o + c0) mod s.
   * @param {number} output
   */
  phase(output) {
    return mod(output + this.cropStart, this.stride);
  }

  /**
   * The kernel elements that reach a phase: all k with k·d ≡ phase (mod s).
   * @param {number} phase
   */
  taps(phase) {
    if (cell("phase", phase, this.stride) % this._common) return new Range(0, 0);
    const turned = counted((phase / this._common) * this._inverse, "phase");
    const first = mod(turned, this._period);
    return new Range(first, this.kernelSize, this._period);
  }

  /**
   * How many inputs back each tap of a phase reads: t = (k·d - phase)/s.
   * @param {number} phase
   */
  tapOffsets(phase) {
    const taps = this.taps(phase);
    const start = floorDiv(taps.start * this.dilation - phase, this.stride);
    const step = this.dilation / this._common;
    return new Range(start, start + step * taps.length, step);
  }

  /**
   * The inputs that an output reads and, pair by pair, the kernel elements it uses.
   * @param {number} output
   * @returns {[Range, Range]}
   */
  reads(output) {
    const at = cell("output", output, this.outputSize) + this.cropStart;
    const first = ceilDiv(at - (this.inputSize - 1) * this.stride, this.dilation);
    const last = floorDiv(at, this.dilation);
    const kernel = clip(this.taps(this.phase(output)), first, last + 1);
    const back = this.dilation / this._common;
    const start = floorDiv(at - kernel.start * this.dilation, this.stride);
    return [new Range(start, start - back * kernel.length, -back), kernel];
  }

  /**
   * The outputs that an input stamps.
   * @param {number} position
   */
  stamps(position) {
    const first = cell("input", position, this.inputSize) * this.stride - this.cropStart;
    return clip(new Range(first, first + this.effectiveKernel, this.dilation), 0, this.outputSize);
  }

  /**
   * How many products an output sums.
   * @param {number} output
   */
  overlapAt(output) {
    return this.reads(output)[1].length;
  }

  /** How many products each output sums. */
  overlap() {
    return Array.from(this.listed("overlap", this.outputSize), (o) => this.overlapAt(o));
  }

  /** The outputs that no input reaches. */
  holes() {
    return [...this.listed("holes", this.outputSize)].filter((o) => !this.overlapAt(o));
  }

  /**
   * The fewest and the most taps that any phase has.
   * @returns {[number, number]}
   */
  get tapsPerPhase() {
    const fewest = this._common > 1 ? 0 : floorDiv(this.kernelSize, this._period);
    return [fewest, ceilDiv(this.kernelSize, this._period)];
  }

  /** Whether every phase has equally many taps: gcd(s, d) = 1 and s divides K. */
  get even() {
    const [fewest, most] = this.tapsPerPhase;
    return fewest === most;
  }

  /** Products of an input and a kernel element that land in the output. */
  get products() {
    const { inputSize, kernelSize, stride, dilation, cropStart } = this;
    /** @type {[number, number, number, number]} */
    const sizes = [inputSize, kernelSize, stride, dilation];
    return landing(...sizes, cropStart + this.outputSize) - landing(...sizes, cropStart);
  }

  /**
   * Zeros put before and after the zero-stretched input (negative: cells cut).
   * @returns {[number, number]}
   */
  get stretchedPads() {
    const margin = this.effectiveKernel - 1;
    return [margin - this.cropStart, margin - this.cropEnd];
  }

  /**
   * Zeros that the direct convolution puts before and after its input; negative: cut.
   * @returns {[number, number]}
   */
  get convPads() {
    const { cropStart: before, cropEnd: after, stride } = this;
    if (before >= after && before - after < stride) return [before, before];
    return [before, after < 0 && after > -stride ? 0 : after];
  }

  /** Products that the zero-stretched direct convolution makes: K an output. */
  get stretchedProducts() {
    return counted(this.kernelSize * this.outputSize, "products");
  }

  /**
   * The numbers below `size`, refused where listing them would fill the memory.
   * @param {string} what
   * @param {number} size
   */
  listed(what, size) {
    if (size > LISTED_AT_MOST) {
      throw new Error(
        `${what} would list ${size} cells, more than ${LISTED_AT_MOST}; ask for single cells instead`,
      );
    }
    return new Range(0, size);
  }

  /** @param {Axis} other */
  equals(other) {
    return (
      this.inputSize === other.inputSize &&
      this.kernelSize === other.kernelSize &&
      this.stride === other.stride &&
      this.dilation === other.dilation &&
      this.cropStart === other.cropStart &&
      this.outputSize === other.outputSize
    );
  }
}

/**
 * Count the pairs (i, k) of an input and a tap with i·s + k·d < end.
 * @param {number} inputs
 * @param {number} taps
 * @param {number} stride
 * @param {number} dilation
 * @param {number} end
 */
export function landing(inputs, taps, stride, dilation, end) {
  const whole = clamp(ceilDiv(end - (inputs - 1) * stride, dilation), 0, taps);
  const some = clamp(ceilDiv(end, dilation), 0, taps);
  if (inputs < 1 || some <= whole) return counted(Math.max(inputs, 0) * whole, "products");
  // sum of ceil((end - k·d)/s) over whole <= k < some, counted from the last k up
  const last = end - (some - 1) * dilation;
  const rest = floorSum(some - whole, stride, dilation, last + stride - 1);
  return counted(inputs * whole + rest, "products");
}

/**
 * @param {number} a
 * @param {number} b above zero
 */
export function mod(a, b) {
  const rest = a % b;
  return rest < 0 ? rest + b : rest + 0;
}

/**
 * @param {number} a
 * @param {number} b
 */
export function floorDiv(a, b) {
  if (b < 0) return floorDiv(-a, -b);
  return (a - mod(a, b)) / b + 0;
}

/**
 * @param {number} a
 * @param {number} b
 */
export function ceilDiv(a, b) {
  return -floorDiv(-a, b) + 0;
}

/**
 * @param {string} name
 * @param {number} value
 * @param {number} size
 */
function cell(name, value, size) {
  const number = integer(name, value);
  if (number < 0 || number >= size) {
    throw new Error(`${name} ${number} is out of range: 0 to ${size - 1}`);
  }
  return number;
}

/**
 * Keep the cells of an increasing range that lie in [low, high).
 * @param {Range} cells
 * @param {number} low
 * @param {number} high
 */
function clip(cells, low, high) {
  const start = cells.start + Math.max(0, ceilDiv(low - cells.start, cells.step)) * cells.step;
  return new Range(start, Math.max(start, Math.min(cells.stop, high)), cells.step);
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * @param {number} a
 * @param {number} b
 */
export function gcd(a, b) {
  while (b) [a, b] = [b, a % b];
  return a;
}

/**
 * The number that times `a` leaves 1 modulo `m`.
 * @param {number} a
 * @param {number} m
 */
function inverse(a, m) {
  let [r, next, t, nextT] = [m, a % m, 0, 1];
  while (next) {
    const q = floorDiv(r, next);
    [r, next, t, nextT] = [next, r - q * next, nextT, t - q * nextT];
  }
  return mod(t, m);
}

/**
 * Sum floor((a·i + b)/m) over 0 <= i < n, in logarithmic time (b >= 0).
 * @param {number} n
 * @param {number} m
 * @param {number} a
 * @param {number} b
 */
function floorSum(n, m, a, b) {
  let total = 0;
  while (n > 0) {
    total += ((n * (n - 1)) / 2) * floorDiv(a, m) + n * floorDiv(b, m);
    [a, b] = [a % m, b % m];
    const top = a * n + b;
    if (top < m) break;
    [n, b, m, a] = [floorDiv(top, m), top % m, a, m];
  }
  return total;
}
