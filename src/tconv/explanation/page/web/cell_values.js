/** The layer's own values as texts: as they are written, made at random, or changed in one cell. */

import { explain } from "./trace.js";

/** @typedef {import("./shown.js").Shown} Shown */
/** @typedef {import("./model.js").Panel} Panel */
/** @typedef {"x" | "weight"} Which */

/** Small enough to be added up by eye. @type {Record<Which, [number, number]>} */
const RANDOM = { x: [0, 9], weight: [-2, 3] };

/**
 * The panel of the input or the kernel as a trace by stamps has it.
 * @param {Shown} shown @param {Which} which
 */
function panelOf({ wanted, geometry, trace }, which) {
  const { x, weight, groups } = wanted;
  const own =
    trace.view === "scatter" ? trace : explain({ geometry, x, weight, groups, view: "scatter" });
  return own.panels[which === "x" ? 0 : 1];
}

/** How many channels go in and come out. @param {Shown} shown */
export function channelsOf(shown) {
  const along = (/** @type {Which} */ which, /** @type {string} */ name) => {
    const { axes, size } = panelOf(shown, which);
    return axes.includes(name) ? size[axes.indexOf(name)] : 1;
  };
  const { groups } = shown.wanted;
  return {
    inChannels: along("x", "channel"),
    outChannels: along("weight", "output channel") * groups,
    groups,
  };
}

/** Every value with its text, and the word that made them. @param {Shown} shown */
export function shownValues(shown) {
  return { x: shownValue(shown, "x"), weight: shownValue(shown, "weight") };
}

/** @param {Shown} shown @param {Which} which */
function shownValue(shown, which) {
  const given = shown.wanted[which] ?? (shown.geometry.rank === 1 ? "letters" : "numbers");
  return { text: rowsOf(panelOf(shown, which)), word: typeof given === "string" ? given : "" };
}

/**
 * Rows apart by `;`, planes by `|`.
 * @param {Pick<Panel, "size" | "values">} panel
 */
function rowsOf({ values, size }) {
  const across = size[size.length - 1];
  const plane = across * (size.length > 1 ? size[size.length - 2] : 1);
  return values
    .map((value, at) => {
      const between = at % plane === 0 ? "|" : at % across === 0 ? ";" : ",";
      return at ? `${between}${value}` : `${value}`;
    })
    .join("");
}

/**
 * The kernel's numbers, row by row; null where it holds letters, or several planes.
 * @param {Shown} shown
 */
export function kernelNumbers(shown) {
  const panel = panelOf(shown, "weight");
  if (panel.size.length > shown.geometry.rank || shown.geometry.rank > 2) return null;
  const numbers = panel.values.map((value) => {
    const [over, under = "1"] = String(value).split("/");
    return Number(over) / Number(under);
  });
  return numbers.some(Number.isNaN) ? null : numbers;
}

/** Values that differ from cell to cell. @param {Shown} shown @param {Which} which */
export function atRandom(shown, which) {
  const [low, high] = RANDOM[which];
  const { size, values } = panelOf(shown, which);
  const made = values.map(() => low + Math.floor(Math.random() * (high - low + 1)));
  return rowsOf({ size, values: made });
}

/**
 * The values with one of them changed.
 * @param {Shown} shown @param {Which} which @param {number} cell @param {string} text
 */
export function withCell(shown, which, cell, text) {
  const { size, values } = panelOf(shown, which);
  return rowsOf({ size, values: values.map((value, at) => (at === cell ? text.trim() : value)) });
}

/** The size of what is typed, where it is one plane of equal rows. @param {string} text */
export function typedSize(text) {
  const rows = text.split(";").map((row) => row.split(",").length);
  if (text.includes("|") || rows.some((length) => length !== rows[0])) return null;
  return rows.length > 1 ? [rows.length, rows[0]] : [rows[0]];
}
