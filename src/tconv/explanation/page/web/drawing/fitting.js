/** How wide a text is in the drawings' font, and how large it may be to fit a cell. */

import FONT from "../../../drawing/font/widths.json" with { type: "json" };
import { FITTING } from "../constants.js";

/** @typedef {{size: number, lines: string[]}} Fitted no lines where nothing legible fits */
/** @typedef {"regular" | "bold"} Weight */

/**
 * Return how wide a text is.
 * @param {string} text
 * @param {number} size
 * @param {Weight} [weight]
 */
export function width(text, size, weight = "regular") {
  /** @type {Record<string, number>} */
  const advance = FONT[weight];
  let units = 0;
  for (const sign of text) units += advance[sign] ?? advance["0"];
  return (units * size) / FONT.em;
}

/**
 * Return the size, at most `size`, at which a text fits on one line.
 * @param {string} text
 * @param {number} room
 * @param {number} size
 * @param {Weight} [weight]
 */
export function shrunk(text, room, size, weight = "regular") {
  while (size > FITTING.smallest && width(text, size, weight) > room) size -= FITTING.step;
  return size;
}

/**
 * Fit the text of a cell: on one line, else broken before its signs, else its last terms.
 * @param {string} text
 * @param {number} across
 * @param {number} down
 * @param {number} size the largest
 * @returns {Fitted}
 */
export function fitted(text, across, down, size) {
  let parts = text.replaceAll(" + ", "\n+ ").replaceAll(" - ", "\n- ").split("\n");
  const roomX = across * FITTING.across;
  const roomY = down * FITTING.down;
  const least = parts.length > 1 ? FITTING.legible : FITTING.smallest;
  const oneLine = shrunk(text, roomX, size);
  const fits = width(text, oneLine) <= roomX && oneLine * FITTING.leading <= roomY;
  if (fits && oneLine >= Math.max(size * FITTING.broken_below, least)) {
    return { size: oneLine, lines: [text] };
  }
  for (let at = size; at >= least; at -= FITTING.step) {
    const lines = wrapped(parts, roomX, at);
    if (lines.length && lines.length * at * FITTING.leading <= roomY) return { size: at, lines };
  }
  while (parts.length > 1 && size >= least) {
    parts = parts.slice(1);
    const lines = wrapped(["…", ...parts], roomX, least);
    if (lines.length && lines.length * least * FITTING.leading <= roomY) {
      return { size: least, lines };
    }
  }
  return { size: 0, lines: [] };
}

/**
 * Break before signs so that every line fits, or return no lines.
 * @param {string[]} parts
 * @param {number} room
 * @param {number} size
 */
function wrapped(parts, room, size) {
  /** @type {string[]} */
  const lines = [];
  for (const part of parts) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${part}` : part;
    if (width(longer, size) <= room) lines.splice(-1, 1, longer);
    else if (width(part, size) <= room) lines.push(part);
    else return [];
  }
  return lines;
}
