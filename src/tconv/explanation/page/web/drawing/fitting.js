/** How wide a text is in the drawings' font, and how large it may be to fit a cell. */

import { FONT } from "./font.js";

export const LEADING = 1.16;
const SMALLEST = 5;
const LEGIBLE = 9;
const STEP = 0.5;
const BROKEN_BELOW = 0.7;
const MARGIN_X = 0.9;
const MARGIN_Y = 0.94;

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
  while (size > SMALLEST && width(text, size, weight) > room) size -= STEP;
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
  const roomX = across * MARGIN_X;
  const roomY = down * MARGIN_Y;
  const least = parts.length > 1 ? LEGIBLE : SMALLEST;
  const oneLine = shrunk(text, roomX, size);
  const fits = width(text, oneLine) <= roomX && oneLine * LEADING <= roomY;
  if (fits && oneLine >= Math.max(size * BROKEN_BELOW, least)) {
    return { size: oneLine, lines: [text] };
  }
  for (let at = size; at >= least; at -= STEP) {
    const lines = wrapped(parts, roomX, at);
    if (lines.length && lines.length * at * LEADING <= roomY) return { size: at, lines };
  }
  while (parts.length > 1 && size >= least) {
    parts = parts.slice(1);
    const lines = wrapped(["…", ...parts], roomX, least);
    if (lines.length && lines.length * least * LEADING <= roomY) return { size: least, lines };
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
