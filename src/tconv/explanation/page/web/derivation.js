/** The output size of one axis worked line by line, as a person would on paper. */

/** @typedef {import("./axis.js").Axis} Axis */

/**
 * The lines that lead from input size, kernel and stride to the output size.
 * @param {Axis} axis
 */
export function derive(axis) {
  const { inputSize: i, kernelSize: k, stride: s, dilation: d, effectiveKernel: ke, full } = axis;
  const lines = [
    ["stretched input", `(I-1)·s + 1 = (${i}-1)·${s} + 1 = ${(i - 1) * s + 1}`],
    ["effective kernel", `ke = d·(K-1) + 1 = ${d}·(${k}-1) + 1 = ${ke}`],
    ["full output", `(I-1)·s + ke = (${i}-1)·${s} + ${ke} = ${full}`],
    ["crop", `${cut(axis.cropStart)} the start, ${cut(axis.cropEnd)} the end`],
    [
      "output",
      `O = full - c0 - c1 = ${full} - ${signed(axis.cropStart)} - ` +
        `${signed(axis.cropEnd)} = ${axis.outputSize}`,
    ],
  ];
  return lines.map(([name, text]) => `${name.padEnd(18)} ${text}`).join("\n");
}

/** @param {number} cells */
function cut(cells) {
  if (cells < 0) return `${-cells} untouched cell${cells < -1 ? "s" : ""} added at`;
  return `${cells} at`;
}

/** @param {number} value */
function signed(value) {
  return value < 0 ? `(${value})` : `${value}`;
}
