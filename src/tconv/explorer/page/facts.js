/** Everything a geometry answers, as plain data: what `tconv explain --json` prints. */

import { code, CONVENTIONS } from "./code.js";
import { relationOf } from "./relations.js";

/** @typedef {import("./axis.js").Axis} Axis */
/** @typedef {import("./convolution.js").Convolution} Convolution */
/** @typedef {import("./geometry.js").Geometry} Geometry */

const LISTED = 4096;

/** @param {Geometry} geometry */
export function facts(geometry) {
  const { axes } = geometry;
  const [fewest, most] = geometry.tapsPerPhase;
  const small = axes.every(
    ({ outputSize, stride, kernelSize }) => Math.max(outputSize, stride, kernelSize) <= LISTED,
  );
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
    even_overlap: geometry.even,
    taps_per_phase: { fewest, most },
    phases: small ? axes.map(phases) : null,
    overlap: small ? geometry.overlap() : null,
    holes: small ? geometry.holes() : null,
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
 * Say in a few words how stamps overlap.
 * @param {Geometry} geometry
 */
export function overlapWords(geometry) {
  const [fewest, most] = geometry.tapsPerPhase;
  if (geometry.even) return `even: ${most} tap${most > 1 ? "s" : ""} in every phase`;
  const holes = fewest === 0 ? ", holes where there is none" : "";
  return `uneven: ${fewest} to ${most} taps a phase${holes}`;
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
