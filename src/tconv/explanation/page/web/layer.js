/** A layer small enough to follow by eye: geometry, input and kernel, as exact values. */

import { count, tensor } from "./arrays.js";
import { LIMITS } from "./constants.js";
import { times } from "./convolution.js";
import { frame } from "./extents.js";
import { grouped, repr, tuple } from "./python.js";
import { Expression, letters, weights } from "./symbolic.js";
import { asValue } from "./values.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./values.js").Value} Value */
/** @typedef {import("./arrays.js").Tensor<Value>} Values */
/** @typedef {unknown} Given nested lists of values, a word, or null */

/** @type {Record<string, (size: readonly number[], kernel: boolean) => readonly Value[]>} */
export const FILLED = {
  letters: (size, kernel) => (kernel ? weights(size) : letters(count(size))),
  numbers: (size) => Array.from({ length: count(size) }, (_, n) => n + 1),
  ones: (size) => Array(count(size)).fill(1),
};

export class Layer {
  /**
   * @param {Geometry} geometry of one to three axes
   * @param {Values} x (C_in, *I), or (C_out, *O) where `direct` says so
   * @param {Values} weight (C_in, C_out/groups, *K)
   * @param {number} groups
   * @param {boolean} direct whether x is the input of the direct convolution that is transposed
   */
  constructor(geometry, x, weight, groups, direct) {
    this.geometry = geometry;
    this.x = x;
    this.weight = weight;
    this.groups = groups;
    const pairs = weight.size[0] * weight.size[1];
    refuseMany(geometry, pairs, this.outChannels);
    if (this.inChannels % groups) {
      throw new Error(`groups ${groups} does not divide ${this.inChannels} input channels`);
    }
    const channels = direct ? this.outChannels : this.inChannels;
    if (x.size[0] !== channels) {
      throw new Error(
        `weight has ${channels} ${direct ? "output" : "input"} channels but x has ${x.size[0]} ` +
          `(x: ${tuple(x.size)}, weight: ${tuple(weight.size)})`,
      );
    }
    if ([x, weight].some(({ values }) => values.some((v) => v instanceof Expression))) {
      this.#refuseLongSums(pairs, direct);
    }
  }

  /**
   * Refuse sums of letters that take too long: each product writes its cell's sum anew.
   * @param {number} pairs
   * @param {boolean} direct
   */
  #refuseLongSums(pairs, direct) {
    const { axes, inputSize, kernelSize } = this.geometry;
    const products = pairs * count(inputSize) * count(kernelSize);
    const terms = direct
      ? this.weight.size[1] * count(kernelSize)
      : (this.inChannels / this.groups) *
        count(axes.map((axis) => Math.min(axis.tapsPerPhase[1], axis.inputSize)));
    if (products * terms > LIMITS.letters) {
      throw new Error(
        `a cell would sum up to ${grouped(terms)} products of letters, more than can be followed ` +
          "by eye; give numbers, or smaller sizes",
      );
    }
  }

  /**
   * Make a layer of what is given: nested lists with channels or without, words, or null.
   * @param {Geometry} geometry
   * @param {Given} x
   * @param {Given} weight
   * @param {number} [groups]
   * @param {boolean} [direct]
   */
  static of(geometry, x, weight, groups = 1, direct = false) {
    const { rank } = geometry;
    const [inputs, kernel] = [read("x", x, rank, 1), read("weight", weight, rank, 2)];
    refuseMany(geometry, groups, groups);
    refuseEmpty("x", inputs);
    refuseEmpty("weight", kernel);
    let wide = groups;
    if (typeof kernel === "object" && kernel.size.length > 1) {
      wide = direct ? kernel.size[1] * groups : kernel.size[0];
    }
    const filled = direct
      ? fill("x", inputs, "(*O) or (C_out, *O)", [wide], geometry.outputSize)
      : fill("x", inputs, "(*I) or (C_in, *I)", [wide], geometry.inputSize);
    const [given] = filled.size;
    const channels = direct ? [groups, Math.max(Math.floor(given / groups), 1)] : [given, 1];
    const layout = "(*K) or (C_in, C_out/groups, *K)";
    const taps = fill("weight", kernel, layout, channels, geometry.kernelSize);
    return new Layer(geometry, filled, taps, groups, direct);
  }

  get inChannels() {
    return this.weight.size[0];
  }

  get outChannels() {
    return this.weight.size[1] * this.groups;
  }

  /**
   * The number that an output channel has in its group.
   * @param {number} outChannel
   */
  ofGroup(outChannel) {
    return outChannel % this.weight.size[1];
  }

  /**
   * The input channels that an output channel sums.
   * @param {number} outChannel
   */
  inputsOf(outChannel) {
    return group(Math.floor(outChannel / this.weight.size[1]), this.inChannels / this.groups);
  }

  /**
   * The output channels that an input channel adds to.
   * @param {number} inChannel
   */
  outputsOf(inChannel) {
    const each = this.inChannels / this.groups;
    return group(Math.floor(inChannel / each), this.weight.size[1]);
  }
}

/**
 * @param {number} number
 * @param {number} each
 */
function group(number, each) {
  return Array.from({ length: each }, (_, n) => number * each + n);
}

/**
 * Read nested lists, with axes for the channels where there are none.
 * @param {string} name
 * @param {Given} given
 * @param {number} rank
 * @param {number} lead
 * @returns {import("./arrays.js").Tensor<unknown> | string}
 */
function read(name, given, rank, lead) {
  if (given === null || given === undefined) return rank === 1 ? "letters" : "numbers";
  if (typeof given === "string") return given;
  const array = tensor(name, given);
  if (array.size.length !== rank) return array;
  return { ...array, size: [...Array(lead).fill(1), ...array.size] };
}

/**
 * Return values given, or made by one of the words, checked against the sizes.
 * @param {string} name
 * @param {import("./arrays.js").Tensor<unknown> | string} given
 * @param {string} layout
 * @param {number[]} channels
 * @param {number[]} size
 * @returns {Values}
 */
function fill(name, given, layout, channels, size) {
  if (typeof given === "string") {
    if (!Object.hasOwn(FILLED, given)) {
      const words = Object.keys(FILLED).join(", ");
      throw new Error(`${name} ${repr(given)} is not one of ${words}; or give an array`);
    }
    const lead = channels.filter((n) => n > 1);
    return {
      size: [...channels, ...size],
      values: FILLED[given]([...lead, ...size], name === "weight"),
    };
  }
  const spatial = given.size.slice(channels.length);
  if (given.size.length !== channels.length + size.length || `${spatial}` !== `${size}`) {
    throw new Error(
      `${name} must be ${layout} with ${times(size)} at the end, got ${tuple(given.size)}`,
    );
  }
  return { size: given.size, values: given.values.map(asValue) };
}

/**
 * @param {string} name
 * @param {import("./arrays.js").Tensor<unknown> | string} given
 */
function refuseEmpty(name, given) {
  if (typeof given === "string" || given.values.length > 0) return;
  throw new Error(`${name} ${tuple(given.size)} is empty; give at least one channel`);
}

/**
 * @param {Geometry} geometry
 * @param {number} pairs
 * @param {number} outChannels
 */
function refuseMany(geometry, pairs, outChannels) {
  if (geometry.rank > 3) {
    throw new Error(`a trace shows one to three axes, got ${geometry.rank}`);
  }
  const products = pairs * count(geometry.inputSize) * count(geometry.kernelSize);
  const cells = outChannels * count(geometry.axes.map((axis) => frame(axis).length));
  /** @type {[number, number, string][]} */
  const limits = [
    [products, LIMITS.products, "products"],
    [cells, LIMITS.cells, "cells"],
  ];
  for (const [number, most, what] of limits) {
    if (number > most) {
      throw new Error(
        `input ${times(geometry.inputSize)} and kernel ${times(geometry.kernelSize)} ` +
          `make ${grouped(number)} ${what}, more than the ${grouped(most)} that can be followed ` +
          "by eye; smaller sizes show the same, and Geometry.tile gives a part of a large layer",
      );
    }
  }
}
