/** tconv itself: PyTorch's words where they are enough, and (start, end) pairs for any crop. */

import { along, Inexpressible } from "./base.js";
import { paddings } from "./pytorch.js";
import { call, literal, unlessDefault } from "./writing.js";

/** @type {import("./base.js").Convention} */
export const TCONV = {
  name: "tconv",
  layout: "(C_in, C_out/groups, *K)",
  most: Infinity,

  words(geometry, groups) {
    const shared = { stride: geometry.stride, groups, dilation: geometry.dilation };
    try {
      const pads = along(geometry, paddings);
      return {
        ...shared,
        padding: pads.map(([padding]) => padding),
        output_padding: pads.map(([, extra]) => extra),
      };
    } catch (refusal) {
      if (!(refusal instanceof Inexpressible)) throw refusal;
      return { ...shared, padding: geometry.crop, output_padding: 0 };
    }
  },

  code(words) {
    const { padding, ...others } = words;
    const pairs = Array.isArray(padding) && Array.isArray(padding[0]);
    const defaults = { stride: 1, padding: 0, output_padding: 0, groups: 1, dilation: 1 };
    const written = unlessDefault({ ...others, padding: pairs ? 0 : padding }, defaults);
    if (!pairs) return call("tconv.conv_transpose", ["x", "weight"], written);
    const { stride, ...rest } = written;
    return call("tconv.conv_transpose", ["x", "weight"], {
      ...(stride && { stride }),
      padding: literal(padding),
      ...rest,
    });
  },
};
