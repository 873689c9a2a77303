/** JAX: explicit pads of the zero-stretched input, which say every crop. */

import { call, literal } from "./writing.js";

/** @typedef {import("./writing.js").Words} Words */

/** @type {import("./base.js").Convention} */
export const JAX = {
  name: "JAX",
  layout:
    "(*K, C_out, C_in) with transpose_kernel=True; " +
    "with groups (*K, C_in/groups, C_out), flipped on every spatial axis",
  most: 63,

  words(geometry, groups) {
    const padding = geometry.stretched().padding;
    const shared = {
      rhs_dilation: geometry.dilation,
      dimension_numbers: layouts(geometry.rank),
    };
    if (groups === 1) {
      return { strides: geometry.stride, padding, ...shared, transpose_kernel: true };
    }
    return {
      window_strides: geometry.axes.map(() => 1),
      padding,
      lhs_dilation: geometry.stride,
      ...shared,
      feature_group_count: groups,
    };
  },

  code(words, { rank, axes }) {
    const plain = !("lhs_dilation" in words);
    /** @type {Words} */
    const leftOut = { rhs_dilation: axes.map(() => 1) };
    if (plain && rank <= 3) leftOut.dimension_numbers = words.dimension_numbers;
    const written = Object.entries(words)
      .map(([name, value]) => [name, literal(value)])
      .filter(([name, code]) => !(name in leftOut) || code !== literal(leftOut[name]));
    return call(
      plain ? "jax.lax.conv_transpose" : "jax.lax.conv_general_dilated",
      ["x", plain ? "kernel" : `kernel[${axes.map(() => "::-1").join(", ")}]`],
      Object.fromEntries(written),
    );
  },
};

/**
 * JAX's own names of the axes, channels last: data, kernel, result.
 * @param {number} rank
 */
function layouts(rank) {
  const letters = Array.from({ length: rank }, (_, a) => String.fromCharCode(97 + a)).join("");
  const spatial = ["H", "HW", "HWD"][rank - 1] ?? letters;
  return [`N${spatial}C`, `${spatial}IO`, `N${spatial}C`];
}
