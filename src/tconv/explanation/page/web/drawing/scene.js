/** What a frame shows, as a list of rectangles, lines, polygons and texts; colours by name. */

import { FITTING, KINDS, SIZES, STROKES } from "../constants.js";
import { CELL, VOID } from "../model.js";
import { fitted, shrunk, width } from "./fitting.js";
import { labelFonts, shown } from "./layout.js";

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
 * @property {readonly number[]} [dash] on, off
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
  const right = layout.width - SIZES.margin;
  const { title, sizes } = layout.trace;
  const size = shrunk(title, right - SIZES.margin - STROKES.progress_room, SIZES.title, "bold");
  const room = layout.width - 2 * SIZES.margin;
  return [
    { type: "text", x: SIZES.margin, y: SIZES.title_line, text: title, size, fill: "ink", bold: true },
    {
      type: "text",
      x: right,
      y: SIZES.title_line,
      text: progress,
      size: STROKES.progress,
      fill: "soft",
      anchor: "end",
    },
    ...sizes.map(
      (text, line) =>
        /** @type {Text} */ ({
          type: "text",
          x: SIZES.margin,
          y: SIZES.title_line + SIZES.first_size + line * SIZES.size_line,
          text,
          size: shrunk(text, room, SIZES.size_text),
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
  const room = layout.width - 2 * SIZES.margin;
  /** @type {[string, number, number, string][]} */
  const lines = [
    [words.say, STROKES.say, STROKES.say_up, "ink"],
    [words.formula, STROKES.formula, STROKES.formula_up, "soft"],
  ];
  const parts = legend(layout);
  for (const [text, size, up, fill] of lines) {
    if (!text) continue;
    const y = layout.height - up;
    parts.push({ type: "text", x: SIZES.margin, y, text, size: shrunk(text, room, size), fill });
  }
  return parts;
}

/**
 * Name the special kinds of cells that the panels hold.
 * @param {Layout} layout
 */
function legend(layout) {
  const kinds = new Set(layout.trace.panels.flatMap((panel) => panel.kinds));
  let x = layout.width - SIZES.margin;
  const y = layout.height - STROKES.legend_up;
  /** @type {Primitive[]} */
  const parts = [];
  const { legend: size, legend_cell: side, legend_gap: gap } = STROKES;
  for (const [kind, { legend: text }] of Object.entries(KINDS).reverse()) {
    if (!kinds.has(kind) || !text) continue;
    x -= width(text, size);
    parts.push({ type: "text", x, y, text, size, fill: "soft" });
    x -= gap;
    parts.push(...boxOf([x, y - STROKES.legend_cell_up, side, side], kind, "", "line"));
    x -= gap;
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
  const y = place.y + SIZES.label;
  const [large, small] = labelFonts(layout.stacked);
  const [after, below] = layout.stacked
    ? [place.x, y + SIZES.stacked_line]
    : [place.x + width(name, large, "bold") + SIZES.label_gap, y];
  /** @type {Primitive[]} */
  const parts = [
    { type: "text", x: place.x, y, text: name, size: large, fill: `${role}-line`, bold: true },
    { type: "text", x: after, y: below, text: label, size: small, fill: "ink" },
  ];
  const { cellWidth: wide, cellHeight: tall } = layout;
  const size = Math.min(STROKES.tick, tall * STROKES.tick_of_cell);
  place.planes.forEach(([left, top], plane) => {
    if (place.captions.length) {
      const text = place.captions[plane];
      const room = Math.max(place.columns * wide, SIZES.narrowest_plane);
      const up = layout.ticks ? STROKES.caption_up_ticked : STROKES.caption_up;
      const fits = shrunk(text, room, STROKES.caption);
      parts.push({ type: "text", x: left, y: top - up, text, size: fits, fill: "soft" });
    }
    if (!layout.ticks) return;
    for (let column = 0; column < place.columns; column++) {
      const text = String(column + place.firstColumn);
      const x = left + (column + 0.5) * wide;
      const y = top - STROKES.tick_up;
      parts.push({ type: "text", x, y, text, size, fill: "faint", anchor: "middle" });
    }
    if (place.firstRow === null) return;
    for (let row = 0; row < place.rows; row++) {
      const text = String(row + place.firstRow);
      const x = left - STROKES.tick_left;
      const y = top + (row + 0.5) * tall + STROKES.digit * size;
      parts.push({ type: "text", x, y, text, size, fill: "faint", anchor: "end" });
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
  const gap = Math.min(STROKES.gap, layout.cellHeight * STROKES.gap_of_cell);
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
      if (KINDS[kind].dash && !over) said = [""];
      /** @type {Cell} */
      const cell = [number, place];
      const drawn = boxOf(box, kind, panel.role, state, cell);
      if (heat && number === trace.result && entry && kind === CELL) {
        const opacity = STROKES.heat_least + STROKES.heat_more * (Number(entry.total) / heat);
        Object.assign(drawn[0], { fill: "output-active", opacity });
      }
      parts.push(...drawn);
      if (focus.has(key)) {
        const stroke = Math.min(STROKES.outline, layout.cellHeight * STROKES.outline_of_cell);
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
  const radius = Math.min(STROKES.radius, tall * STROKES.radius_of_cell);
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
  const { dash, fill, hatched } = KINDS[kind];
  const { stroke, dashed_stroke: dashed, zero_opacity: opacity } = STROKES;
  if (dash) return [{ ...rect(box, active ? `${role}-held` : "none", "soft", dashed), dash, cell }];
  if (fill && active) {
    return [{ ...rect(box, `${role}-active`, `${role}-line`, stroke), opacity, cell }];
  }
  if (fill) return [{ ...rect(box, fill, "faint", stroke), cell }];
  if (hatched) {
    return [
      { ...rect(box, active ? `${role}-held` : "paper", "faint", stroke), cell },
      { type: "lines", lines: hatching(box), line: "hatch", stroke, cell },
    ];
  }
  if (state === "empty") return [{ ...rect(box, "empty", "faint", stroke), cell }];
  return [{ ...rect(box, `${role}-${state}`, `${role}-line`, stroke), cell }];
}

/**
 * Return diagonals from lower left to upper right, a fixed part of the cell apart.
 * @param {Box} box
 * @returns {Box[]}
 */
function hatching([x, y, wide, tall]) {
  const apart = Math.max(tall / STROKES.hatches, STROKES.hatch_gap);
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
  const first = y + tall / 2 - ((lines.length - 1) * size * FITTING.leading) / 2 + STROKES.digit * size;
  return lines.flatMap((text, line) =>
    text
      ? {
          type: "text",
          x: x + wide / 2,
          y: first + line * size * FITTING.leading,
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
  return pairs.slice(0, STROKES.most_wedges);
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
      opacity: STROKES.wedge_opacity,
    },
    {
      type: "lines",
      lines,
      line: `${role}-line`,
      stroke: STROKES.wedge_stroke,
      opacity: STROKES.wedge_line_opacity,
    },
  ];
}
