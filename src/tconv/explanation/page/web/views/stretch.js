/** Stretching: zeros between and around the inputs, then a direct convolution, kernel flipped. */

import { KERNEL_AXES, LIMITS } from "../constants.js";
import { count } from "../arrays.js";
import { times } from "../convolution.js";
import { padded, paddedKinds } from "../extents.js";
import {
  filledPanel,
  framedCells,
  framedPanel,
  inputCells,
  inputPanel,
  kernelCells,
  outputCells,
  outputPanel,
} from "../grids.js";
import { CELL, indexOf, places, traceOf } from "../model.js";
import { grouped } from "../python.js";
import { Recorder } from "../recorder.js";
import { transposedSizes } from "../sizes.js";
import { filters, Window } from "../windows.js";
import { at, counted, named, span } from "../words.js";

/** @typedef {import("../layer.js").Layer} Layer */
/** @typedef {import("../values.js").Value} Value */


/**
 * Trace the outputs of the direct convolution, with the products by zeros that it makes.
 * @param {Layer} layer
 */
export function stretch(layer) {
  const { geometry } = layer;
  const { axes } = geometry;
  refuseMany(layer);
  const same = geometry.stretched();
  const extents = axes.map((axis, a) => padded(same.stretchedSize[a], axis.stretchedPads));
  const stretched = framedCells(layer.inChannels, extents, 1);
  const [x, kernel, y] = [inputCells(layer, 0), kernelCells(layer, 2), outputCells(layer, 3)];
  /** @type {import("../model.js").Ref[]} */
  const source = [];
  /** @type {Value[]} */
  const values = Array(layer.inChannels * count(extents.map(({ length }) => length))).fill(0);
  places(layer.x.size).forEach(([channel, ...position], n) => {
    const place = stretched.place([channel, ...position.map((i, a) => i * axes[a].stride)]);
    source[place] = x.ref(n);
    values[place] = layer.x.values[n];
  });
  const grids = [
    inputPanel(layer),
    framedPanel({
      name: "stretched input",
      role: "between",
      channels: layer.inChannels,
      extents,
      kinds: axes.map((axis, a) =>
        paddedKinds(same.stretchedSize[a], axis.stretchedPads, axis.stride),
      ),
      values,
      label: `${times(same.paddedSize)}: ${times(same.inputSize)} stretched and padded`,
    }),
    filledPanel("kernel, flipped", "kernel", flipped(layer), KERNEL_AXES),
    outputPanel(layer),
  ];
  const window = new Window(geometry, stretched);
  const recorder = new Recorder(grids);
  const outputs = places(geometry.outputSize);
  const steps = Array.from({ length: layer.outChannels }, (_, out) => {
    const channels = layer.inputsOf(out);
    const group = layer.ofGroup(out);
    const taps = filters(geometry, channels.map((channel) => [channel, group]), kernel);
    return outputs.map((output) => {
      const first = output.map((o, a) => o - axes[a].stretchedPads[0]);
      const read = window.cells(first, channels);
      const target = y.at([out, ...output]);
      const writes = read.flatMap((cell, n) =>
        grids[1].kinds[cell[1]] === CELL ? [recorder.multiply(target, cell, taps[n])] : [],
      );
      const shown = indexOf(grids[3], target[1]);
      const inputs = writes.map(({ factors }) => source[factors[0][1]]);
      return {
        say:
          `output ${at(shown)} reads the window ${span(first, window.last(first))}: ` +
          `${counted(read.length, "product")}, ${read.length - writes.length} by a zero that ` +
          "was put there",
        formula: recorder.equation(named("y", shown), target),
        focus: [target],
        reads: [...inputs, ...read, ...taps],
        writes,
      };
    });
  }).flat();
  return traceOf(geometry, {
    view: "stretch",
    title: "Transposed convolution: a direct convolution of the stretched input",
    sizes: transposedSizes(geometry),
    grids,
    steps,
    result: 3,
  });
}

/**
 * The kernel turned round on every spatial axis.
 * @param {Layer} layer
 */
function flipped({ weight, geometry }) {
  const taps = count(geometry.kernelSize);
  const values = weight.values.map((_, n) => {
    const tap = n % taps;
    return weight.values[n - tap + (taps - 1 - tap)];
  });
  return { size: weight.size, values };
}

/** @param {Layer} layer */
function refuseMany({ weight, geometry }) {
  const each = geometry.axes.map((axis) => axis.stretchedProducts);
  const reads = weight.size[0] * weight.size[1] * count(each);
  if (reads > LIMITS.reads) {
    throw new Error(
      `the stretched convolution makes ${grouped(reads)} products, more than the ` +
        `${grouped(LIMITS.reads)} that can be followed by eye; smaller sizes show the same`,
    );
  }
}
