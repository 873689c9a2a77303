/** Sub-pixels: one small stride-1 convolution a phase, then the phases interleave. */

import { KERNEL_AXES, LIMITS } from "../constants.js";
import { count } from "../arrays.js";
import { Range } from "../axis.js";
import { times } from "../convolution.js";
import {
  Cells,
  filledPanel,
  inputCells,
  inputPanel,
  kernelCells,
  outputCells,
  outputPanel,
} from "../grids.js";
import { indexOf, places, traceOf } from "../model.js";
import { Recorder } from "../recorder.js";
import { transposedSizes } from "../sizes.js";
import { at, named, sums } from "../words.js";

/** @typedef {import("../geometry.js").Geometry} Geometry */
/** @typedef {import("../layer.js").Layer} Layer */
/** @typedef {import("../model.js").Grid} Grid */
/** @typedef {import("../model.js").Step} Step */


/**
 * A phase that at least one tap reaches: which outputs are its own, and its kernel.
 * @typedef {object} Phase
 * @property {number[]} name the phase, one an axis
 * @property {Range[]} outputs every s-th output
 * @property {number[][]} taps the kernel elements, last first: as neighbouring inputs meet them
 * @property {number[]} size how many outputs it has along each axis
 */

/**
 * Trace phase by phase, cell by cell; then each phase as it goes to its outputs.
 * @param {Layer} layer
 */
export function subpixel(layer) {
  const { geometry } = layer;
  const phases = phasesOf(geometry);
  const grid = outputPanel(layer);
  const result = 2 * phases.length + 1;
  const y = outputCells(layer, result);
  const grids = [
    inputPanel(layer),
    ...phases.map((phase) => kernelPanel(layer, phase)),
    ...phases.map((phase) => resultPanel(layer, phase, grid, y)),
    grid,
  ];
  const recorder = new Recorder(grids);
  const steps = [
    ...phases.flatMap((phase, n) => summed(layer, phase, recorder, 1 + n, 1 + phases.length + n)),
    ...phases.map((phase, n) => interleaved(layer, phase, recorder, 1 + phases.length + n, y)),
  ];
  return traceOf(geometry, {
    view: "subpixel",
    title: "Transposed convolution: a small convolution a phase, interleaved",
    sizes: transposedSizes(geometry),
    grids,
    steps,
    result,
  });
}

/**
 * @param {Geometry} geometry
 * @returns {Phase[]}
 */
function phasesOf({ axes, stride }) {
  const firsts = axes.map((axis) => Math.min(axis.stride, axis.outputSize));
  const number = count(firsts);
  if (number > LIMITS.phases) {
    throw new Error(
      `stride ${times(stride)} makes ${number} phases, more than the ${LIMITS.phases} ` +
        "that can be shown side by side; a smaller stride shows the same",
    );
  }
  return places(firsts)
    .map((first) => {
      const name = axes.map((axis, a) => axis.phase(first[a]));
      const outputs = axes.map((axis, a) => new Range(first[a], axis.outputSize, axis.stride));
      const taps = axes.map((axis, a) => [...axis.taps(name[a])].reverse());
      return { name, outputs, taps, size: outputs.map(({ length }) => length) };
    })
    .filter(({ taps }) => taps.every((each) => each.length > 0))
    .sort((one, two) => {
      const a = one.name.findIndex((r, n) => r !== two.name[n]);
      return a < 0 ? 0 : one.name[a] - two.name[a];
    });
}

/**
 * @param {Layer} layer
 * @param {Phase} phase
 */
function kernelPanel(layer, { name, taps }) {
  const [inputs, outputs] = layer.weight.size;
  const cells = kernelCells(layer, 0);
  const size = [inputs, outputs, ...taps.map(({ length }) => length)];
  const values = places(size).map(([channel, out, ...at]) => {
    const tap = at.map((n, a) => taps[a][n]);
    return layer.weight.values[cells.place([channel, out, ...tap])];
  });
  const each = taps.map((tap) => at(tap)).join("×");
  const label = `${times(size.slice(2))}, turned: taps ${each}`;
  return filledPanel(`kernel of phase ${at(name)}`, "kernel", { size, values }, KERNEL_AXES, label);
}

/**
 * @param {Layer} layer
 * @param {Phase} phase
 * @param {Grid} grid
 * @param {Cells} y
 * @returns {Grid}
 */
function resultPanel(layer, phase, grid, y) {
  const cells = targetsOf(layer, phase).map((place) => y.place(place));
  const size = [layer.outChannels, ...phase.size];
  const values = cells.map((cell) => grid.values[cell]);
  const panel = filledPanel(`phase ${at(phase.name)}`, "between", { size, values }, ["channel"]);
  return { ...panel, kinds: cells.map((cell) => grid.kinds[cell]) };
}

/**
 * @param {Layer} layer
 * @param {Phase} phase
 * @param {Recorder} recorder
 * @param {number} kernel
 * @param {number} result
 * @returns {Step[]}
 */
function summed(layer, phase, recorder, kernel, result) {
  const x = inputCells(layer, 0);
  const [inputs, outputs] = layer.weight.size;
  const taps = new Cells(kernel, [inputs, outputs, ...phase.taps.map(({ length }) => length)]);
  const cells = new Cells(result, [layer.outChannels, ...phase.size]);
  return targetsOf(layer, phase).map(([out, ...output], n) => {
    const target = cells.ref(n);
    const pairs = layer.geometry.reads(output);
    const writes = layer.inputsOf(out).flatMap((channel) =>
      pairs.map(([i, k]) => {
        const tap = k.map((element, a) => phase.taps[a].indexOf(element));
        const factor = taps.at([channel, layer.ofGroup(out), ...tap]);
        return recorder.multiply(target, x.at([channel, ...i]), factor);
      }),
    );
    const shown = indexOf(recorder.panels[result], n);
    return {
      say: `cell ${at(shown)} of phase ${at(phase.name)} ${sums(writes.length)}`,
      formula: recorder.equation(named(`phase ${at(phase.name)}`, shown), target),
      focus: [target],
      reads: writes.flatMap(({ factors }) => factors),
      writes,
    };
  });
}

/**
 * @param {Layer} layer
 * @param {Phase} phase
 * @param {Recorder} recorder
 * @param {number} result
 * @param {Cells} y
 * @returns {Step}
 */
function interleaved(layer, phase, recorder, result, y) {
  const cells = new Cells(result, [layer.outChannels, ...phase.size]);
  const writes = targetsOf(layer, phase).flatMap((place, n) => {
    const source = cells.ref(n);
    return recorder.terms(source) ? [recorder.copy(y.at(place), source)] : [];
  });
  const where = phase.outputs
    .map(({ start, step, length }, a) => (length === 1 ? start : `${start}+${step}${"nml"[a]}`))
    .join(",");
  return {
    say: `phase ${at(phase.name)} goes to its outputs, ${times(layer.geometry.stride)} apart`,
    formula: `y[${where}] = phase ${at(phase.name)}`,
    focus: writes.map(({ to }) => to),
    reads: writes.flatMap(({ factors }) => factors),
    writes,
  };
}

/**
 * The outputs of a phase, (channel, *output), row by row.
 * @param {Layer} layer
 * @param {Phase} phase
 */
function targetsOf(layer, { outputs, size }) {
  return places([layer.outChannels, ...size]).map(([channel, ...place]) => [
    channel,
    ...place.map((q, a) => outputs[a].at(q)),
  ]);
}
