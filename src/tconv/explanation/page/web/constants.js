/** The constants that Python and the page have in common; `constants.py` says what each one is. */

import constants from "../../constants.json" with { type: "json" };

/**
 * A kind of cell.
 * @typedef {object} Kind
 * @property {string} means
 * @property {string} [legend]
 * @property {string} [fill]
 * @property {boolean} [hatched]
 * @property {readonly number[]} [dash]
 */

export const TRACE_VERSION = constants.trace_version;
/** @type {Readonly<Record<string, Kind>>} */
export const KINDS = constants.kinds;
export const STRENGTH = constants.strength;
export const AXES = constants.axes;
export const KERNEL_AXES = constants.kernel_axes;
export const LIMITS = constants.limits;
/** @type {Readonly<Record<string, Readonly<Record<string, string>>>>} */
export const THEMES = constants.themes;
export const FITTING = constants.fitting;
export const SIZES = constants.sizes;
export const STROKES = constants.strokes;
export const SHEET = constants.sheet;
