/** SVG: one scene as a picture, and many frames as a film strip. */

import { SHEET, SIZES } from "../constants.js";
import { shrunk } from "./fitting.js";
import { layout } from "./layout.js";
import { frame } from "./scene.js";
import { colours } from "./themes.js";

/** @typedef {import("../model.js").Trace} Trace */
/** @typedef {import("./scene.js").Primitive} Primitive */
/** @typedef {import("./scene.js").Rect} Rect */
/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {import("./scene.js").Text} Text */
/** @typedef {Readonly<Record<string, string>>} Ink */

/**
 * Return a scene as a standalone SVG.
 * @param {Scene} scene
 * @param {string} [theme] "light" or "dark"
 */
export function svg(scene, theme = "light") {
  const ink = colours(theme);
  const { width, height, title, description } = scene;
  return documentOf(width, height, title, description, drawn(scene, ink), ink);
}

/**
 * Return many frames side by side as one standalone SVG, read row by row.
 * @param {Trace} trace
 * @param {string} [theme]
 * @param {object} [options]
 * @param {readonly number[]} [options.frames] by default all but the one before the first step
 * @param {"step" | "keep"} [options.terms]
 */
export function film(trace, theme = "light", { frames, terms = "step" } = {}) {
  const ink = colours(theme);
  const chosen = frames ?? Array.from({ length: trace.steps.length + 1 }, (_, at) => at + 1);
  if (!(chosen.length >= 1 && chosen.length <= SHEET.most_frames)) {
    throw new Error(`a film strip shows 1 to ${SHEET.most_frames} frames, got ${chosen.length}`);
  }
  const size = { width: SHEET.frame_width, height: SHEET.frame_height };
  const plan = layout(trace, { terms, captions: false, ...size });
  const [left, top, right, bottom] = plan.stage;
  const wide = Math.max(right - left, SHEET.least_width);
  const tall = bottom - top + SHEET.frame_head;
  const head = SHEET.head + trace.sizes.length * SHEET.size_line;
  const across = abreast(chosen.length, wide + SHEET.frame_gap, tall + SHEET.frame_gap);
  const down = Math.ceil(chosen.length / across);
  const width = 2 * SIZES.margin + across * (wide + SHEET.frame_gap) - SHEET.frame_gap;
  const height = head + SIZES.margin + down * (tall + SHEET.frame_gap) - SHEET.frame_gap;
  const room = width - 2 * SIZES.margin;
  /** @type {(x: number, y: number, text: string, size: number, bold?: boolean) => string} */
  const said = (x, y, text, size, bold = false) =>
    textWritten({ type: "text", x, y, text, size, fill: bold ? "ink" : "soft", bold }, ink);
  const parts = [
    said(SIZES.margin, SHEET.title_line, trace.title, shrunk(trace.title, room, SHEET.title, "bold"), true),
    ...trace.sizes.map((text, line) =>
      said(SIZES.margin, SHEET.first_size + line * SHEET.size_line, text, shrunk(text, room, SHEET.size_text)),
    ),
  ];
  /** @type {string[]} */
  const told = [];
  chosen.forEach((at, place) => {
    const x = SIZES.margin + (place % across) * (wide + SHEET.frame_gap);
    const y = head + Math.floor(place / across) * (tall + SHEET.frame_gap);
    const scene = frame(plan, at);
    const aside = number((wide - left - right) / 2);
    parts.push(
      `<g transform="translate(${number(x)} ${number(y)})">` +
        said(0, SHEET.progress_line, scene.progress, SHEET.progress, true) +
        said(0, SHEET.say_line, scene.say, shrunk(scene.say, wide, SHEET.say)) +
        `<g transform="translate(${aside} ${number(SHEET.frame_head - top)})">` +
        `${drawn(scene, ink)}</g></g>`,
    );
    told.push(scene.description);
  });
  return documentOf(width, height, trace.title, told.join("; "), parts.join("\n"), ink);
}

/**
 * Return how many frames abreast make the sheet about as wide as a slide.
 * @param {number} frames
 * @param {number} wide
 * @param {number} tall
 */
function abreast(frames, wide, tall) {
  const wanted = SHEET.aspect[0] / SHEET.aspect[1];
  let best = 1;
  let least = Infinity;
  for (let across = 1; across <= frames; across++) {
    const down = Math.ceil(frames / across);
    const aspect = (across * wide) / (down * tall * wanted);
    const off = Math.max(aspect, 1 / aspect) + (SHEET.empty_place * (down * across - frames)) / frames;
    if (off < least) [best, least] = [across, off];
  }
  return best;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {string} title
 * @param {string} description
 * @param {string} body
 * @param {Ink} ink
 */
function documentOf(width, height, title, description, body, ink) {
  const across = number(width);
  const down = number(height);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${across} ${down}" ` +
    `width="${across}" height="${down}" role="img" font-family="${SHEET.family}">` +
    `<title>${escaped(title)}</title><desc>${escaped(description)}</desc>` +
    `<rect width="${across}" height="${down}" fill="${ink.paper}"/>` +
    `${body}</svg>\n`
  );
}

/**
 * Write the primitives; what belongs to one cell is one element, a group of several.
 * @param {Scene} scene
 * @param {Ink} ink
 */
function drawn(scene, ink) {
  /** @type {{cell: string, parts: number, body: string}[]} */
  const groups = [];
  for (const part of scene.primitives) {
    const cell = part.cell ? part.cell.join(",") : "";
    let last = groups[groups.length - 1];
    if (last?.cell !== cell) groups.push((last = { cell, parts: 0, body: "" }));
    last.body += partWritten(part, ink);
    last.parts += 1;
  }
  return groups
    .map(({ cell, parts, body }) => {
      if (!cell) return body;
      const name = ` data-cell="${cell}"`;
      return parts > 1 ? `<g${name}>${body}</g>` : body.replace(" ", `${name} `);
    })
    .join("\n");
}

/**
 * @param {Primitive} part
 * @param {Ink} ink
 */
function partWritten(part, ink) {
  if (part.type === "text") return textWritten(part, ink);
  if (part.type === "rect") return rectWritten(part, ink);
  const opacity = part.opacity === undefined ? "" : ` opacity="${number(part.opacity)}"`;
  if (part.type === "lines") {
    const path = part.lines
      .map(([a, b, c, d]) => `M${number(a)} ${number(b)}L${number(c)} ${number(d)}`)
      .join("");
    return (
      `<path d="${path}" fill="none" stroke="${ink[part.line]}" ` +
      `stroke-width="${number(part.stroke)}"${opacity}/>`
    );
  }
  const points = part.points.map(([x, y]) => `${number(x)},${number(y)}`).join(" ");
  return `<polygon points="${points}" fill="${ink[part.fill]}"${opacity}/>`;
}

/**
 * @param {Rect} part
 * @param {Ink} ink
 */
function rectWritten(part, ink) {
  const { fill, line, stroke, dash, opacity } = part;
  return (
    `<path d="${outline(part)}" fill="${ink[fill] ?? "none"}"` +
    (opacity === undefined ? "" : ` fill-opacity="${number(opacity)}"`) +
    ` stroke="${ink[line]}" stroke-width="${number(stroke)}"` +
    (dash
      ? ` stroke-dasharray="${number(dash[0])} ${number(dash[1])}" stroke-linecap="round"`
      : "") +
    "/>"
  );
}

/**
 * Write round corners and sides: browsers take a path in half the time of a `<rect>`.
 * @param {Rect} part
 */
function outline({ x, y, width, height, radius }) {
  const r = number(radius);
  const across = number(width - 2 * radius);
  const down = number(height - 2 * radius);
  return (
    `M${number(x + radius)} ${number(y)}h${across}q${r} 0 ${r} ${r}` +
    `v${down}q0 ${r}-${r} ${r}h-${across}q-${r} 0-${r}-${r}v-${down}q0-${r} ${r}-${r}z`
  );
}

/**
 * @param {Text} part
 * @param {Ink} ink
 */
function textWritten({ x, y, text, size, fill, anchor = "start", bold = false }, ink) {
  return (
    `<text x="${number(x)}" y="${number(y)}" font-size="${number(size)}"` +
    (anchor === "start" ? "" : ` text-anchor="${anchor}"`) +
    (bold ? ' font-weight="700"' : "") +
    ` fill="${ink[fill]}">${escaped(text)}</text>`
  );
}

/**
 * Write a number with at most two decimals.
 * @param {number} value
 */
function number(value) {
  const hundredths = Math.floor(value * 100 + 0.5);
  const whole = Math.floor(Math.abs(hundredths) / 100);
  const part = String(Math.abs(hundredths) % 100).padStart(2, "0").replace(/0+$/, "");
  return `${hundredths < 0 ? "-" : ""}${whole}${part && `.${part}`}`;
}

/** @param {string} text */
function escaped(text) {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
