/** The convolution matrix, its transpose, and the transpose times the flattened input. */

import { LIMITS } from "../constants.js";
import { count } from "../arrays.js";
import { filledPanel, kernelCells, outputCells, outputPanel } from "../grids.js";
import { CELL, indexOf, places, traceOf, ZERO } from "../model.js";
import { grouped } from "../python.js";
import { Recorder } from "../recorder.js";
import { transposedSizes } from "../sizes.js";
import { at, counted, named } from "../words.js";

/** @typedef {import("../layer.js").Layer} Layer */
/** @typedef {import("../model.js").Grid} Grid */
/** @typedef {import("../model.js").Ref} Ref */
/** @typedef {import("../values.js").Value} Value */


/**
 * Trace the rows of the transposed matrix, each an output cell.
 * @param {Layer} layer
 */
export function matrix(layer) {
  const { geometry } = layer;
  refuseLarge(layer);
  const { inputs, outputs, values, kinds } = entries(layer);
  const grid = outputPanel(layer);
  const y = outputCells(layer, 4);
  const targets = places([layer.outChannels, ...geometry.outputSize]).map((place) => y.at(place));
  const column = (/** @type {readonly (Value | null)[]} */ held) => ({ size: [held.length, 1], values: held });
  const grids = [
    { ...filledPanel("matrix C", "kernel", { size: [inputs, outputs], values }, []), kinds },
    {
      ...filledPanel(
        "transpose Cᵀ",
        "kernel",
        { size: [outputs, inputs], values: turned(values, inputs, outputs) },
        [],
      ),
      kinds: turned(kinds, inputs, outputs),
    },
    filledPanel("input, flattened", "input", column(layer.x.values), []),
    {
      ...filledPanel(
        "output, flattened",
        "output",
        column(targets.map(([, cell]) => grid.values[cell])),
        [],
      ),
      kinds: targets.map(([, cell]) => grid.kinds[cell]),
    },
    grid,
  ];
  const recorder = new Recorder(grids);
  const each = Array.from({ length: inputs }, (_, n) => n);
  /** @type {(panel: number, cell: number) => Ref} */
  const ref = (panel, cell) => [panel, cell];
  const steps = targets.map((target, row) => {
    const flat = ref(3, row);
    const used = each.filter((column) => kinds[column * outputs + row] === CELL);
    const writes = used.map((column) =>
      recorder.multiply(flat, ref(2, column), ref(1, row * inputs + column)),
    );
    const formula = recorder.equation(named("y", [row]), flat);
    if (writes.length) writes.push(recorder.copy(target, flat));
    return {
      say:
        `row ${row} of Cᵀ times the input is output ${at(indexOf(grid, target[1]))}: ` +
        `${counted(inputs, "product")}, ${inputs - used.length} by a zero of the matrix`,
      formula,
      focus: [flat, target],
      reads: [
        ...each.map((column) => ref(0, column * outputs + row)),
        ...each.map((column) => ref(1, row * inputs + column)),
        ...each.map((column) => ref(2, column)),
      ],
      writes,
    };
  });
  return traceOf(geometry, {
    view: "matrix",
    title: "Transposed convolution: the transposed convolution matrix",
    sizes: transposedSizes(geometry),
    grids,
    steps,
    result: 4,
  });
}

/**
 * Refuse a layer whose matrix has more entries than can be read.
 * @param {Layer} layer
 */
export function refuseLarge({ geometry, inChannels, outChannels }) {
  const rows = inChannels * count(geometry.inputSize);
  const columns = outChannels * count(geometry.outputSize);
  if (rows * columns > LIMITS.entries) {
    throw new Error(
      `the convolution matrix is ${rows}×${columns}, ${grouped(rows * columns)} entries, more than ` +
        `the ${grouped(LIMITS.entries)} that can be followed by eye; smaller sizes show the same`,
    );
  }
}

/**
 * The matrix of the direct convolution, row by row: a row an input, a column an output.
 * @param {Layer} layer
 */
export function entries(layer) {
  const { axes, inputSize, kernelSize, outputSize } = layer.geometry;
  const inputs = layer.inChannels * count(inputSize);
  const outputs = layer.outChannels * count(outputSize);
  /** @type {Value[]} */
  const values = Array(inputs * outputs).fill(0);
  /** @type {string[]} */
  const kinds = Array(inputs * outputs).fill(ZERO);
  const taps = places(kernelSize);
  const elements = kernelCells(layer, 0);
  places([layer.inChannels, ...inputSize]).forEach(([channel, ...position], row) => {
    for (const out of layer.outputsOf(channel)) {
      for (const tap of taps) {
        let column = out;
        let lands = true;
        for (let a = 0; a < axes.length; a++) {
          const o = position[a] * axes[a].stride + tap[a] * axes[a].dilation - axes[a].cropStart;
          lands &&= o >= 0 && o < outputSize[a];
          column = column * outputSize[a] + o;
        }
        if (!lands) continue;
        const element = elements.place([channel, layer.ofGroup(out), ...tap]);
        values[row * outputs + column] = layer.weight.values[element];
        kinds[row * outputs + column] = CELL;
      }
    }
  });
  return { inputs, outputs, values, kinds };
}

/**
 * Turn a table over: rows become columns.
 * @template T
 * @param {readonly T[]} table
 * @param {number} rows
 * @param {number} columns
 * @returns {T[]}
 */
function turned(table, rows, columns) {
  return table.map((_, n) => table[(n % rows) * columns + Math.floor(n / rows)]);
}
