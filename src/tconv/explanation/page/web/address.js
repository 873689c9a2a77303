/** Links that hold what is shown, in the words of the command line. */

import { readState, writeState } from "./state.js";

/** @typedef {import("./shown.js").Wanted} Wanted */
/** @typedef {Record<string, string>} Texts */
/** @typedef {{wanted: Wanted, beside: string, frame: number}} State */

/** @param {Texts} texts @returns {State} */
export function stateOf({ beside = "", ...texts }) {
  const { frame, ...wanted } = readState(texts);
  return { wanted, beside, frame };
}

/** @param {State} state @returns {Texts} */
export function textsOf({ wanted, beside, frame }) {
  const texts = writeState({ ...wanted, frame });
  return beside ? { ...texts, beside } : texts;
}

/** The texts of a link's part after the hash. @param {string} hash @returns {Texts} */
export const textsIn = (hash) => Object.fromEntries(new URLSearchParams(hash));

/** @param {Texts} texts */
export function linkTo(texts) {
  const words = Object.entries(texts).map(
    ([name, text]) => `${name}=${encodeURIComponent(text).replace(/%(?:2C|3A|3B|2F|7C)/g, decodeURIComponent)}`,
  );
  return `${location.href.split("#")[0]}#${words.join("&")}`;
}
