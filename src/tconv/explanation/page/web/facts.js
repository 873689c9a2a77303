/** Everything a geometry answers, as plain data: what `tconv explain --json` prints. */

import { code, CONVENTIONS } from "./code.js";
import { unreached, unread } from "./coverage.js";
import { relationOf } from "./relations.js";

/** @typedef {import("./axis.js").Axis} Axis */
/** @typedef {import("./convolution.js").Convolution} Convolution */
/** @typedef {import("./coverage.js").Missing} Missing */
/** @typedef {import("./axis.js").Range} Range */
/** @typedef {import("./geometry.js").Geometry} Geometry */

const LISTED = 4096;
const NAMED = 4;

/** @param {Geometry} geometry */
export function facts(geometry) {
  const { axes } = geometry;
  const [fewest, most] = geometry.tapsPerPhase;
  const small = axes.every(
    (a) => Math.max(a.inputSize, a.outputSize, a.stride, a.kernelSize) <= LISTED,
  );
  const holes = axes.map(unreached);
  const unreadInputs = axes.map(unread);
  const adjoint = geometry.adjoint();
  const { tconv: _, ...frameworks } = code(geometry);
  return {
    input_size: geometry.inputSize,
    kernel_size: geometry.kernelSize,
    stride: geometry.stride,
    dilation: geometry.dilation,
    crop: geometry.crop,
    full_size: geometry.full,
    output_size: geometry.outputSize,
    derivation: geometry.derivation().split("\n"),
    relations: axes.map(relation),
    equivalent_convolution: convolution(geometry.stretched()),
    adjoint_of: adjoint === null ? null : convolution(adjoint),
    even_overlap: isEven(geometry),
    taps_per_phase: { fewest, most },
    phases: small ? axes.map(phases) : null,
    overlap: small ? geometry.overlap() : null,
    holes: small ? holes.map(listed) : null,
    hole_counts: holes.map(({ count }) => count),
    unread_inputs: small ? unreadInputs.map(listed) : null,
    unread_counts: unreadInputs.map(({ count }) => count),
    left_out: [...holeWords(geometry), ...unreadWords(geometry)],
    multiplications: {
      useful: geometry.products,
      zero_inserted: geometry.stretchedProducts,
      wasted: geometry.wastedProducts,
    },
    code: Object.fromEntries(
      Object.entries(frameworks).map(([key, said]) => [CONVENTIONS[key].name, said]),
    ),
  };
}

/**
 * Whether stamps overlap evenly: equally many taps in every phase, and no holes.
 * @param {Geometry} geometry
 */
export function isEven(geometry) {
  return geometry.even && geometry.axes.every((axis) => unreached(axis).count === 0);
}

/**
 * Say in a few words how stamps overlap, and where they leave holes.
 * @param {Geometry} geometry
 */
export function overlapWords(geometry) {
  const [fewest, most] = geometry.tapsPerPhase;
  const [evenness, taps] = geometry.even
    ? ["even", `${most} tap${most > 1 ? "s" : ""} in every phase`]
    : ["uneven", `${fewest} to ${most} taps a phase`];
  const holes = holeWords(geometry);
  if (!holes.length) return `${evenness}: ${taps}`;
  return `${geometry.even ? "" : "uneven, "}with holes: ${[taps, ...holes].join("; ")}`;
}

/** Say which outputs no input reaches, a sentence an axis that has any. @param {Geometry} geometry */
export function holeWords({ axes }) {
  return eachAxis(axes.map((axis) => missing("output", "reached by no input", unreached(axis))));
}

/** Say which inputs no output reads, a sentence an axis that has any. @param {Geometry} geometry */
export function unreadWords({ axes }) {
  return eachAxis(axes.map((axis) => missing("input", "read by no output", unread(axis))));
}

/** @param {string[]} said */
function eachAxis(said) {
  if (said.length === 1 || !said.some(Boolean)) return said.filter(Boolean);
  if (new Set(said).size === 1) return [`on every axis, ${said[0]}`];
  return said.flatMap((sentence, axis) => (sentence ? [`on axis ${axis}, ${sentence}`] : []));
}

/**
 * Say which cells are missing: all of them where they are few runs, else the first and last.
 * @param {string} noun
 * @param {string} how
 * @param {Missing} missing
 */
function missing(noun, how, missing) {
  const { count, size } = missing;
  if (count === 0) return "";
  if (count === size) return size === 1 ? `the ${noun} is ${how}` : `all ${size} ${noun}s are ${how}`;
  const runs = [];
  for (const run of missing.runs()) {
    runs.push(run);
    if (runs.length > NAMED) {
      const named = cells(runs.slice(0, NAMED - 1)).join(", ");
      const last = cells([missing.lastRun()]).join(", ");
      return `${count} of ${size} ${noun}s are ${how}: ${named}, … ${last}`;
    }
  }
  const all = cells(runs);
  const last = all.pop();
  const named = all.length ? `${all.join(", ")} and ${last}` : last;
  return count === 1 ? `${noun} ${named} is ${how}` : `${noun}s ${named} are ${how}`;
}

/** @param {Range[]} runs */
function cells(runs) {
  return runs.flatMap((run) => {
    const all = run.length > 2 ? [`${run.start} to ${run.stop - 1}`] : [...run];
    return all.map(String);
  });
}

/** @param {Missing} missing */
function listed(missing) {
  return [...missing.runs()].flatMap((run) => [...run]);
}

/** @param {Axis} axis */
function relation(axis) {
  const found = relationOf(axis);
  if (found === null) return null;
  const { number, condition, formula } = found;
  return { number, condition, formula: `o = ${formula}` };
}

/** @param {Convolution} convolution */
function convolution(convolution) {
  return {
    input_size: convolution.inputSize,
    stretch: convolution.stretch.length ? convolution.stretch : null,
    stretched_size: convolution.stretchedSize,
    padded_size: convolution.paddedSize,
    kernel_size: convolution.kernelSize,
    flip: convolution.flip,
    stride: convolution.stride,
    dilation: convolution.dilation,
    padding: convolution.padding,
    output_size: convolution.outputSize,
    text: `${convolution}`,
  };
}

/** @param {Axis} axis */
function phases(axis) {
  return Array.from({ length: axis.stride }, (_, phase) => ({
    taps: [...axis.taps(phase)],
    offsets: [...axis.tapOffsets(phase)],
  }));
}
