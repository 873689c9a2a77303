/** What a frame shows, as a list of rectangles, lines, polygons and texts; colours by name. */

import { APPENDED, CELL, CROP, HOLE, VOID } from "../model.js";
import { fitted, LEADING, shrunk, width } from "./fitting.js";
import {
  LABEL,
  LABEL_GAP,
  MARGIN,
  NARROWEST_PLANE,
  shown,
  SIZE_LINE,
  SIZE_TEXT,
  STACKED_LINE,
  STACKED_NAME,
  STACKED_SIZE,
  TITLE,
  TITLE_LINE,
} from "./layout.js";

/** @typedef {import("../model.js").Step} Step */
/** @typedef {import("./layout.js").Box} Box */
/** @typedef {import("./layout.js").Entry} Entry */
/** @typedef {import("./layout.js").Layout} Layout */
/** @typedef {import("./fitting.js").Fitted} Fitted */
/** @typedef {readonly [number, number]} Cell number of the panel, and of the cell in it */

/**
 * @typedef {object} Rect
 * @property {"rect"} type
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {number} radius
 * @property {string} fill
 * @property {string} line
 * @property {number} stroke
 * @property {readonly [number, number]} [dash] on, off
 * @property {number} [opacity] of the fill
 * @property {Cell} [cell]
 */

/**
 * Lines from point to point, four numbers each.
 * @typedef {object} Lines
 * @property {"lines"} type
 * @property {Box[]} lines
 * @property {string} line
 * @property {number} stroke
 * @property {number} [opacity]
 * @property {Cell} [cell]
 */

/**
 * @typedef {object} Polygon
 * @property {"polygon"} type
 * @property {(readonly [number, number])[]} points
 * @property {string} fill
 * @property {number} [opacity]
 * @property {Cell} [cell]
 */

/**
 * One line of text; `y` is its baseline.
 * @typedef {object} Text
 * @property {"text"} type
 * @property {number} x
 * @property {number} y
 * @property {string} text
 * @property {number} size
 * @property {string} fill
 * @property {"start" | "middle" | "end"} [anchor]
 * @property {boolean} [bold]
 * @property {Cell} [cell]
 */

/** @typedef {Rect | Lines | Polygon | Text} Primitive */

/**
 * A frame: its size, what it says, and its primitives from back to front.
 * @typedef {object} Scene
 * @property {number} width
 * @property {number} height
 * @property {string} title
 * @property {string} progress
 * @property {string} say
 * @property {string} description
 * @property {Primitive[]} primitives
 */

const DIGIT = 0.3645;
/** @type {Record<string, string>} */
const LEGEND = {
  zero: "zero",
  pad: "zero around",
  cut: "cut away",
  crop: "cropped",
  hole: "hole",
  appended: "appended",
};
/** @type {Record<string, string>} */
const PALE = { zero: "pale", pad: "paper" };
const HATCHED = [CROP, "cut"];
/** @type {Record<string, readonly [number, number]>} */
const DASHES = { [HOLE]: [1, 4], [APPENDED]: [6, 4] };
const SAY = 22;
const FORMULA = 20;
const SMALL = 15;
const LEGEND_UP = 98;
const PROGRESS = 170;
const MOST_WEDGES = 8;

/**
 * Return what one frame shows.
 * @param {Layout} layout
 * @param {number} number 0 before the first step, n after step n, then the result; or from the end
 * @returns {Scene}
 */
export function frame(layout, number) {
  const { trace } = layout;
  const frames = trace.steps.length + 2;
  const at = number < 0 ? number + frames : number;
  if (!(at >= 0 && at < frames)) {
    throw new Error(`frame ${number} is out of range: 0 to ${frames - 1}`);
  }
  const step = at > 0 && at < frames - 1 ? trace.steps[at - 1] : null;
  const words = wordsOf(layout, at, step);
  const said = [words.say, words.formula].filter(Boolean).join(". ");
  return {
    width: layout.width,
    height: layout.height,
    title: trace.title,
    progress: words.progress,
    say: words.say,
    description: `${words.progress}: ${said}`,
    primitives: [
      ...(layout.captions ? heading(layout, words.progress) : []),
      ...(step ? wedges(layout, step) : []),
      ...trace.panels.flatMap((_, panel) => labels(layout, panel)),
      ...cells(layout, at, step),
      ...(layout.captions ? caption(layout, words) : []),
    ],
  };
}

/** @typedef {{progress: string, say: string, formula: string}} Words */

/**
 * @param {Layout} layout
 * @param {number} at
 * @param {Step | null} step
 * @returns {Words}
 */
function wordsOf({ trace }, at, step) {
  if (step) {
    const progress = `step ${at} of ${trace.steps.length}`;
    return { progress, say: step.say, formula: step.formula };
  }
  if (at === 0) {
    const given = trace.panels.filter((panel) => !panel.values.includes(null));
    const say = given.map((panel) => `${panel.name} ${panel.label}`).join(", ");
    return { progress: "start", say, formula: "" };
  }
  const made = trace.panels[trace.result];
  return { progress: "result", say: `${made.name} ${made.label}`, formula: "" };
}

/**
 * @param {Layout} layout
 * @param {string} progress
 * @returns {Primitive[]}
 */
function heading(layout, progress) {
  const right = layout.width - MARGIN;
  const { title, sizes } = layout.trace;
  const size = shrunk(title, right - MARGIN - PROGRESS, TITLE, "bold");
  const room = layout.width - 2 * MARGIN;
  return [
    { type: "text", x: MARGIN, y: TITLE_LINE, text: title, size, fill: "ink", bold: true },
    {
      type: "text", x: right, y: TITLE_LINE, text: progress, size: 18, fill: "soft", anchor: "end",
    },
    ...sizes.map(
      (text, line) =>
        /** @type {Text} */ ({
          type: "text",
          x: MARGIN,
          y: TITLE_LINE + 28 + line * SIZE_LINE,
          text,
          size: shrunk(text, room, SIZE_TEXT),
          fill: "soft",
        }),
    ),
  ];
}

/**
 * @param {Layout} layout
 * @param {Words} words
 * @returns {Primitive[]}
 */
function caption(layout, words) {
  const room = layout.width - 2 * MARGIN;
  /** @type {[string, number, number, string][]} */
  const lines = [
    [words.say, SAY, 66, "ink"],
    [words.formula, FORMULA, 32, "soft"],
  ];
  const parts = legend(layout);
  for (const [text, size, up, fill] of lines) {
    if (!text) continue;
    const y = layout.height - up;
    parts.push({ type: "text", x: MARGIN, y, text, size: shrunk(text, room, size), fill });
  }
  return parts;
}

/**
 * Name the special kinds of cells that the panels hold.
 * @param {Layout} layout
 */
function legend(layout) {
  const kinds = new Set(layout.trace.panels.flatMap((panel) => panel.kinds));
  let x = layout.width - MARGIN;
  const y = layout.height - LEGEND_UP;
  /** @type {Primitive[]} */
  const parts = [];
  for (const kind of Object.keys(LEGEND).reverse()) {
    if (!kinds.has(kind)) continue;
    const text = LEGEND[kind];
    x -= width(text, SMALL);
    parts.push({ type: "text", x, y, text, size: SMALL, fill: "soft" });
    x -= 26;
    parts.push(...boxOf([x, y - 14, 18, 18], kind, "", "line"));
    x -= 26;
  }
  return parts;
}

/**
 * Name a panel, its planes, and the indices of its cells.
 * @param {Layout} layout
 * @param {number} number
 * @returns {Primitive[]}
 */
function labels(layout, number) {
  const { name, label, role } = layout.trace.panels[number];
  const place = layout.places[number];
  const y = place.y + LABEL;
  const [large, small] = layout.stacked ? [STACKED_NAME, STACKED_SIZE] : [LABEL, LABEL];
  const [after, below] = layout.stacked
    ? [place.x, y + STACKED_LINE]
    : [place.x + width(name, LABEL, "bold") + LABEL_GAP, y];
  /** @type {Primitive[]} */
  const parts = [
    { type: "text", x: place.x, y, text: name, size: large, fill: `${role}-line`, bold: true },
    { type: "text", x: after, y: below, text: label, size: small, fill: "ink" },
  ];
  const { cellWidth: wide, cellHeight: tall } = layout;
  const size = Math.min(12, tall * 0.36);
  place.planes.forEach(([left, top], plane) => {
    if (place.captions.length) {
      const text = place.captions[plane];
      const room = Math.max(place.columns * wide, NARROWEST_PLANE);
      const up = layout.ticks ? 26 : 8;
      parts.push({
        type: "text", x: left, y: top - up, text, size: shrunk(text, room, 14), fill: "soft",
      });
    }
    if (!layout.ticks) return;
    for (let column = 0; column < place.columns; column++) {
      const text = String(column + place.firstColumn);
      const x = left + (column + 0.5) * wide;
      parts.push({ type: "text", x, y: top - 7, text, size, fill: "faint", anchor: "middle" });
    }
    if (place.firstRow === null) return;
    for (let row = 0; row < place.rows; row++) {
      const text = String(row + place.firstRow);
      const middle = top + (row + 0.5) * tall + DIGIT * size;
      parts.push({
        type: "text", x: left - 8, y: middle, text, size, fill: "faint", anchor: "end",
      });
    }
  });
  return parts;
}

/**
 * Return left, top, width and height of a cell, the gap to its neighbours left out.
 * @param {Layout} layout
 * @param {number} panel
 * @param {number} cell
 * @returns {Box}
 */
export function cellBox(layout, panel, cell) {
  const [x, y] = layout.corner(panel, cell);
  const gap = Math.min(1.5, layout.cellHeight * 0.04);
  return [x + gap, y + gap, layout.cellWidth - 2 * gap, layout.cellHeight - 2 * gap];
}

/**
 * Draw every cell with what it holds.
 * @param {Layout} layout
 * @param {number} at
 * @param {Step | null} step
 */
function cells(layout, at, step) {
  const { trace } = layout;
  const focus = marked(step ? step.focus : []);
  const reads = marked(step ? step.reads : []);
  const writes = marked(step ? step.writes.map((write) => write.to) : []);
  const over = at === trace.steps.length + 1;
  const heat = heatOf(layout);
  /** @type {Primitive[]} */
  const parts = [];
  trace.panels.forEach((panel, number) => {
    panel.kinds.forEach((kind, place) => {
      if (kind === VOID) return;
      const key = `${number},${place}`;
      const entry = entryAt(layout.history[number][place], at);
      const value = panel.values[place];
      const touched = reads.has(key) || writes.has(key);
      const state = touched ? "active" : entry || value !== null ? "held" : "empty";
      const box = cellBox(layout, number, place);
      let said = [value === null ? "" : shown(value)];
      if (entry) {
        const apart = !over && (layout.keep || writes.has(key));
        said = apart ? [entry.terms, entry.total] : [entry.total];
      }
      if (kind in DASHES && !over) said = [""];
      /** @type {Cell} */
      const cell = [number, place];
      const drawn = boxOf(box, kind, panel.role, state, cell);
      if (heat && number === trace.result && entry && kind === CELL) {
        const level = Number(entry.total) / heat;
        Object.assign(drawn[0], { fill: "output-active", opacity: 0.1 + 0.9 * level });
      }
      parts.push(...drawn);
      if (focus.has(key)) {
        const stroke = Math.min(3, layout.cellHeight * 0.1);
        parts.push({ ...rect(box, "none", "ink", stroke), cell });
      }
      const settled = focus.has(key) && !layout.keep;
      const fit = fittedIn(layout, said, box, settled);
      parts.push(...textOf(fit, box, kind === CELL ? "ink" : "soft", cell));
    });
  });
  return parts;
}

/** @param {readonly (readonly [number, number])[]} refs */
function marked(refs) {
  return new Set(refs.map(([panel, cell]) => `${panel},${cell}`));
}

/**
 * @param {Entry[]} entries
 * @param {number} at
 */
function entryAt(entries, at) {
  let held = null;
  for (const entry of entries) {
    if (entry.step > at) break;
    held = entry;
  }
  return held;
}

/**
 * Return the largest count where the view paints counts, or 0.
 * @param {Layout} layout
 */
function heatOf({ trace, history }) {
  if (trace.view !== "overlap") return 0;
  const counts = history[trace.result].flatMap((held) => held.slice(-1));
  return Math.max(0, ...counts.map((entry) => Number(entry.total)));
}

/**
 * @param {Box} box
 * @param {string} fill
 * @param {string} line
 * @param {number} stroke
 * @returns {Rect}
 */
function rect([x, y, wide, tall], fill, line, stroke) {
  const radius = Math.min(4, tall * 0.08);
  return { type: "rect", x, y, width: wide, height: tall, radius, fill, line, stroke };
}

/**
 * Draw an empty cell as its kind and state have it.
 * @param {Box} box
 * @param {string} kind
 * @param {string} role
 * @param {string} state
 * @param {Cell} [cell]
 * @returns {Primitive[]}
 */
function boxOf(box, kind, role, state, cell) {
  const active = state === "active";
  if (kind in DASHES) {
    const fill = active ? `${role}-held` : "none";
    return [{ ...rect(box, fill, "soft", 1.4), dash: DASHES[kind], cell }];
  }
  if (kind in PALE) {
    if (active) {
      return [{ ...rect(box, `${role}-active`, `${role}-line`, 1), opacity: 0.45, cell }];
    }
    return [{ ...rect(box, PALE[kind], "faint", 1), cell }];
  }
  if (HATCHED.includes(kind)) {
    return [
      { ...rect(box, active ? `${role}-held` : "paper", "faint", 1), cell },
      { type: "lines", lines: hatching(box), line: "hatch", stroke: 1, cell },
    ];
  }
  if (state === "empty") return [{ ...rect(box, "empty", "faint", 1), cell }];
  return [{ ...rect(box, `${role}-${state}`, `${role}-line`, 1), cell }];
}

/**
 * Return diagonals from lower left to upper right, a fixed part of the cell apart.
 * @param {Box} box
 * @returns {Box[]}
 */
function hatching([x, y, wide, tall]) {
  const apart = Math.max(tall / 5, 5);
  /** @type {Box[]} */
  const lines = [];
  for (let along = apart; along < wide + tall; along += apart) {
    lines.push([
      x + Math.max(along - tall, 0),
      y + Math.min(along, tall),
      x + Math.min(along, wide),
      y + Math.max(along - wide, 0),
    ]);
  }
  return lines;
}

/**
 * Fit the terms of a cell; the sum of a cell computed at once where they do not all fit.
 * @param {Layout} layout
 * @param {string[]} said
 * @param {Box} box
 * @param {boolean} settled
 */
function fittedIn(layout, said, box, settled) {
  const fit = fitted(said[0], box[2], box[3], layout.font);
  const whole = fit.lines.length && !fit.lines[0].startsWith("…");
  return settled && !whole ? fitted(said[said.length - 1], box[2], box[3], layout.font) : fit;
}

/**
 * @param {Fitted} fit
 * @param {Box} box
 * @param {string} fill
 * @param {Cell} cell
 * @returns {Text[]}
 */
function textOf({ size, lines }, [x, y, wide, tall], fill, cell) {
  const first = y + tall / 2 - ((lines.length - 1) * size * LEADING) / 2 + DIGIT * size;
  return lines.flatMap((text, line) =>
    text
      ? {
          type: "text",
          x: x + wide / 2,
          y: first + line * size * LEADING,
          text,
          size,
          fill,
          anchor: "middle",
          cell,
        }
      : [],
  );
}

/**
 * Connect what the step touches, panel by panel, each plane's cells in one box.
 * @param {Layout} layout
 * @param {Step} step
 */
function wedges(layout, step) {
  /** @type {Map<number, Map<number, Box>>} */
  const touched = new Map();
  for (const [panel, cell] of [...step.focus, ...step.reads, ...step.writes.map((w) => w.to)]) {
    const place = layout.places[panel];
    const plane = Math.floor(cell / (place.rows * place.columns));
    const [x, y] = layout.corner(panel, cell);
    /** @type {Box} */
    const box = [x, y, x + layout.cellWidth, y + layout.cellHeight];
    const planes = touched.get(panel) ?? new Map();
    planes.set(plane, around(planes.get(plane) ?? box, box));
    touched.set(panel, planes);
  }
  /** @type {Primitive[]} */
  const parts = [];
  const panels = inOrder(touched);
  panels.slice(1).forEach(([other, ends], at) => {
    const [one, starts] = panels[at];
    const { role } = layout.trace.panels[one];
    for (const [[start, startBox], [end, endBox]] of paired(inOrder(starts), inOrder(ends))) {
      const side = sideOf(layout.plane(one, start), layout.plane(other, end));
      if (side) parts.push(...wedge(startBox, endBox, side, role));
    }
  });
  return parts;
}

/**
 * @template T
 * @param {Map<number, T>} map
 * @returns {[number, T][]}
 */
function inOrder(map) {
  return [...map].sort(([one], [other]) => one - other);
}

/**
 * @param {Box} one
 * @param {Box} other
 * @returns {Box}
 */
function around(one, other) {
  return [
    Math.min(one[0], other[0]),
    Math.min(one[1], other[1]),
    Math.max(one[2], other[2]),
    Math.max(one[3], other[3]),
  ];
}

/**
 * Pair planes one to one where there are as many, else every one with every other.
 * @template T
 * @param {T[]} starts
 * @param {T[]} ends
 * @returns {[T, T][]}
 */
function paired(starts, ends) {
  /** @type {[T, T][]} */
  const pairs =
    starts.length === ends.length
      ? starts.map((start, at) => [start, ends[at]])
      : starts.flatMap((start) => ends.map((end) => /** @type {[T, T]} */ ([start, end])));
  return pairs.slice(0, MOST_WEDGES);
}

/**
 * Return on which side of one plane another one stands; nowhere if they overlap.
 * @param {Box} one
 * @param {Box} other
 */
function sideOf(one, other) {
  if (one[2] <= other[0]) return "right";
  if (other[2] <= one[0]) return "left";
  if (one[3] <= other[1]) return "below";
  return other[3] <= one[1] ? "above" : "";
}

/**
 * Draw what lies between the facing sides of two boxes.
 * @param {Box} start
 * @param {Box} end
 * @param {string} side
 * @param {string} role
 * @returns {Primitive[]}
 */
function wedge([left, top, right, bottom], end, side, role) {
  /** @type {Record<string, [Box, Box]>} */
  const sides = {
    right: [[right, top, end[0], end[1]], [right, bottom, end[0], end[3]]],
    left: [[left, top, end[2], end[1]], [left, bottom, end[2], end[3]]],
    below: [[left, bottom, end[0], end[1]], [right, bottom, end[2], end[1]]],
    above: [[left, top, end[0], end[3]], [right, top, end[2], end[3]]],
  };
  const lines = sides[side];
  const [[a, b, c, d], [e, f, g, h]] = lines;
  return [
    {
      type: "polygon",
      points: [[a, b], [c, d], [g, h], [e, f]],
      fill: `${role}-active`,
      opacity: 0.22,
    },
    { type: "lines", lines, line: `${role}-line`, stroke: 1.2, opacity: 0.6 },
  ];
}
