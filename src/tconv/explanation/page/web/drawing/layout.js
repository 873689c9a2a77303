/** Where everything stands, chosen once a trace: panel places, and one cell size for them all. */

import { SIZES } from "../constants.js";
import { sumWritten, written } from "../values.js";
import { fitted, width as textWidth } from "./fitting.js";

/** @typedef {import("../model.js").Trace} Trace */
/** @typedef {import("../model.js").Panel} Panel */
/** @typedef {readonly [number, number, number, number]} Box left, top, right, bottom */
/** @typedef {{step: number, terms: string, total: string}} Entry what a cell holds from a step on */

/**
 * Where a panel stands: its label, and the first cell's corner of each plane.
 * @typedef {object} Place
 * @property {number} x
 * @property {number} y
 * @property {number} rows
 * @property {number} columns
 * @property {(readonly [number, number])[]} planes
 * @property {string[]} captions
 * @property {number | null} firstRow
 * @property {number} firstColumn
 */

const HEIGHTS = SIZES.heights.flatMap(([start, stop, step]) =>
  Array.from({ length: Math.round((stop - start) / step) }, (_, n) => start + step * n),
);

/** A trace with the places of its panels. */
export class Layout {
  /**
   * @param {object} fields
   * @param {Trace} fields.trace
   * @param {boolean} fields.keep
   * @param {boolean} fields.captions
   * @param {number} fields.width
   * @param {number} fields.height
   * @param {Box} fields.stage
   * @param {number} fields.cellWidth
   * @param {number} fields.cellHeight
   * @param {number} fields.font
   * @param {boolean} fields.stacked
   * @param {Place[]} fields.places
   * @param {Entry[][][]} fields.history
   */
  constructor(fields) {
    this.trace = fields.trace;
    this.keep = fields.keep;
    this.captions = fields.captions;
    this.width = fields.width;
    this.height = fields.height;
    this.stage = fields.stage;
    this.cellWidth = fields.cellWidth;
    this.cellHeight = fields.cellHeight;
    this.font = fields.font;
    this.ticks = fields.cellHeight >= SIZES.ticked;
    this.stacked = fields.stacked;
    this.places = fields.places;
    this.history = fields.history;
  }

  /**
   * Return the edges of a plane's cells.
   * @param {number} panel
   * @param {number} plane
   * @returns {Box}
   */
  plane(panel, plane) {
    const place = this.places[panel];
    const [x, y] = place.planes[plane];
    return [x, y, x + place.columns * this.cellWidth, y + place.rows * this.cellHeight];
  }

  /**
   * Return the upper left corner of a cell.
   * @param {number} panel
   * @param {number} cell
   * @returns {[number, number]}
   */
  corner(panel, cell) {
    const place = this.places[panel];
    const cells = place.rows * place.columns;
    const at = cell % cells;
    const [x, y] = place.planes[Math.floor(cell / cells)];
    const row = Math.floor(at / place.columns);
    const column = at % place.columns;
    return [x + column * this.cellWidth, y + row * this.cellHeight];
  }
}

/**
 * Place the panels of a trace on a slide.
 * @param {Trace} trace
 * @param {object} [options]
 * @param {"step" | "keep"} [options.terms] whether all cells show their terms until the result
 * @param {boolean} [options.captions] without them, the stage alone fills the slide
 * @param {number} [options.width]
 * @param {number} [options.height]
 */
export function layout(
  trace,
  { terms = "step", captions = true, width = SIZES.width, height = SIZES.height } = {},
) {
  if (terms !== "step" && terms !== "keep") {
    throw new Error(`terms '${terms}' is not one of step, keep`);
  }
  const history = historyOf(trace);
  const margin = captions ? SIZES.margin : SIZES.bare_margin;
  const top = captions ? SIZES.title_line + trace.sizes.length * SIZES.size_line + SIZES.above_stage : margin;
  const bottom = height - (captions ? SIZES.below_stage : margin);
  const { totals, sums } = longest(trace, history);
  const across = width - 2 * margin;
  const down = bottom - top;
  const grids = trace.panels.map(gridOf);
  const flat = grids.every((grid) => grid.rows === 1 && !grid.lead.length);
  const stretched = flat ? SIZES.stretched_flat : SIZES.stretched;
  const stacked = !flat && grids.length >= SIZES.stacked_from;
  let best = { score: -1, mode: 0, abreast: 1, tall: 1, wide: 1, font: 1 };
  for (let mode = 0; mode < 3; mode++) {
    const blocks = blocksOf(trace.panels, grids, mode, stacked);
    for (let abreast = grids.length; abreast > 0; abreast--) {
      for (const ratio of SIZES.ratios) {
        const tall = tallest(blocks, abreast, ratio, across, down);
        const wide = tall * ratio;
        const largest = Math.min(tall * SIZES.font_of_cell, SIZES.largest_font);
        const size = Math.min(...totals.map((text) => fitted(text, wide, tall, largest).size));
        const apart = Math.min(...sums.map((text) => fitted(text, wide, tall, largest).size));
        const font = Math.max(size, largest * SIZES.least_font);
        let score = (size + font + apart / 2) * (1 - stretched * (ratio - 1));
        score += tall / SIZES.height_per_point;
        if (flat && abreast > 1) score *= SIZES.beside;
        if (score > best.score) best = { score, mode, abreast, tall, wide, font };
      }
    }
  }
  const blocks = blocksOf(trace.panels, grids, best.mode, stacked);
  /** @type {Box} */
  const room = [margin, top, width - margin, bottom];
  const { places, stage } = placed(blocks, best.abreast, best.wide, best.tall, room);
  return new Layout({
    trace,
    keep: terms === "keep",
    captions,
    width,
    height,
    stage,
    cellWidth: best.wide,
    cellHeight: best.tall,
    font: best.font,
    stacked,
    places,
    history,
  });
}

/**
 * How a panel's cells fall into planes.
 * @typedef {object} Grid
 * @property {number} rows
 * @property {number} columns
 * @property {number[]} lead
 * @property {string[]} captions
 * @property {number | null} firstRow
 * @property {number} firstColumn
 */

/** A panel's planes, in rows, and the least width of its label. */
class Block {
  /**
   * @param {Grid} grid
   * @param {number} down
   * @param {number} across
   * @param {number} label
   * @param {number} header
   * @param {number} gap
   */
  constructor(grid, down, across, label, header, gap) {
    this.grid = grid;
    this.down = down;
    this.across = across;
    this.label = label;
    this.header = header;
    this.gap = gap;
  }

  /**
   * Return width and height for a cell size.
   * @param {number} wide
   * @param {number} tall
   * @returns {[number, number]}
   */
  measure(wide, tall) {
    const [planeWidth, planeHeight] = this.plane(wide, tall);
    return [
      Math.max(this.across * (planeWidth + SIZES.plane_gap) - SIZES.plane_gap, this.label),
      this.header + this.down * (planeHeight + SIZES.plane_gap) - SIZES.plane_gap,
    ];
  }

  /**
   * Return width and height of one plane, its ticks and caption included.
   * @param {number} wide
   * @param {number} tall
   * @returns {[number, number]}
   */
  plane(wide, tall) {
    const { columns, rows, captions } = this.grid;
    const tick = tall >= SIZES.ticked ? SIZES.tick : 0;
    const narrowest = captions.length ? SIZES.narrowest_plane : 0;
    return [
      tick + Math.max(columns * wide, narrowest),
      tick + rows * tall + (captions.length ? SIZES.plane_caption : 0),
    ];
  }
}

/**
 * @param {Panel} panel
 * @returns {Grid}
 */
function gridOf(panel) {
  const { axes, size, origin } = panel;
  const last = size.length - 1;
  const flat = size.length === 1 || leads(axes[last - 1]);
  const lead = size.slice(0, flat ? last : last - 1);
  const names = lead.map((_, axis) => short(axes[axis], lead.length));
  /** @type {string[]} */
  let captions = lead.length ? [""] : [];
  lead.forEach((count, axis) => {
    captions = captions.flatMap((before) =>
      Array.from({ length: count }, (_, at) => {
        const caption = `${names[axis]} ${at + origin[axis]}`;
        return before ? `${before}, ${caption}` : caption;
      }),
    );
  });
  return {
    rows: flat ? 1 : size[last - 1],
    columns: size[last],
    lead,
    captions,
    firstRow: flat ? null : origin[last - 1],
    firstColumn: origin[last],
  };
}

/** @param {string} axis */
function leads(axis) {
  return axis === "slice" || axis.includes("channel") || axis.includes("phase");
}

/**
 * @param {string} axis
 * @param {number} axes
 */
function short(axis, axes) {
  return axes > 1 ? axis.replaceAll("put channel", "") : axis;
}

/** @param {readonly number[]} sizes */
function product(sizes) {
  return sizes.reduce((all, size) => all * size, 1);
}

/**
 * Stack each panel's planes: below each other, in a square, or side by side.
 * @param {readonly Panel[]} panels
 * @param {Grid[]} grids
 * @param {number} mode
 * @param {boolean} stacked
 */
function blocksOf(panels, grids, mode, stacked) {
  return panels.map((panel, at) => {
    const { lead } = grids[at];
    const planes = product(lead);
    const across = lead.length > 1 ? lead[lead.length - 1] : [1, root(planes), planes][mode];
    const down = Math.ceil(planes / across);
    const [name, size] = labelWidths(panel, stacked);
    const [label, header, gap] = stacked
      ? [Math.max(name, size), SIZES.header + SIZES.stacked_line, SIZES.narrow_gap]
      : [name + SIZES.label_gap + size, SIZES.header, SIZES.panel_gap];
    return new Block(grids[at], down, across, label, header, gap);
  });
}

/** @param {number} planes */
function root(planes) {
  let side = 1;
  while (side * side < planes) side += 1;
  return side;
}

/**
 * Return the widths of a panel's name and of its size.
 * @param {Panel} panel
 * @param {boolean} stacked
 */
function labelWidths({ name, label }, stacked) {
  const [large, small] = labelFonts(stacked);
  return [textWidth(name, large, "bold"), textWidth(label, small)];
}

/**
 * Return the font sizes of a panel's name and of its size.
 * @param {boolean} stacked
 */
export function labelFonts(stacked) {
  return stacked ? [SIZES.stacked_name, SIZES.stacked_size] : [SIZES.label, SIZES.label];
}

/**
 * @param {Block[]} blocks
 * @param {number} abreast
 */
function rowsOf(blocks, abreast) {
  const rows = [];
  for (let first = 0; first < blocks.length; first += abreast) {
    rows.push(blocks.slice(first, first + abreast));
  }
  return rows;
}

/** @param {number[]} numbers */
function added(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

/**
 * Return the largest cell height with which the blocks fit the stage, or the least of all.
 * @param {Block[]} blocks
 * @param {number} abreast
 * @param {number} ratio
 * @param {number} across
 * @param {number} down
 */
function tallest(blocks, abreast, ratio, across, down) {
  const rows = rowsOf(blocks, abreast);
  const fits = (/** @type {number} */ tall) => {
    let wide = 0;
    let high = -SIZES.row_gap;
    for (const row of rows) {
      const sizes = row.map((block) => block.measure(tall * ratio, tall));
      const gaps = row[0].gap * (row.length - 1);
      wide = Math.max(wide, added(sizes.map((size) => size[0])) + gaps);
      high += Math.max(...sizes.map((size) => size[1])) + SIZES.row_gap;
    }
    return wide <= across && high <= down;
  };
  let fitting = 0;
  let beyond = HEIGHTS.length;
  while (beyond - fitting > 1) {
    const middle = Math.floor((fitting + beyond) / 2);
    if (fits(HEIGHTS[middle])) fitting = middle;
    else beyond = middle;
  }
  return HEIGHTS[fitting];
}

/**
 * Centre every row in the room, and every panel on its row; return what they take up, too.
 * @param {Block[]} blocks
 * @param {number} abreast
 * @param {number} wide
 * @param {number} tall
 * @param {Box} room
 * @returns {{places: Place[], stage: Box}}
 */
function placed(blocks, abreast, wide, tall, room) {
  const [start, top, end, bottom] = room;
  const rows = rowsOf(blocks, abreast);
  const sizes = rows.map((row) => row.map((block) => block.measure(wide, tall)));
  const heights = sizes.map((row) => Math.max(...row.map((size) => size[1])));
  const spare = bottom - top - added(heights) - SIZES.row_gap * (rows.length - 1);
  const rowGap = SIZES.row_gap + Math.min(spare / (rows.length + 1), SIZES.row_gap);
  const used = added(heights) + rowGap * (rows.length - 1);
  const first = top + (bottom - top - used) / 2;
  let y = first;
  let left = end;
  /** @type {Place[]} */
  const places = [];
  rows.forEach((row, at) => {
    const taken = added(sizes[at].map((size) => size[0]));
    const spread = (end - start - taken) / (row.length + 1);
    const gap = Math.min(Math.max(spread, row[0].gap), SIZES.widest_gap);
    let x = start + (end - start - taken - gap * (row.length - 1)) / 2;
    left = Math.min(left, x);
    row.forEach((block, along) => {
      const [blockWidth, blockHeight] = sizes[at][along];
      const above = y + (heights[at] - blockHeight) / 2;
      places.push(placeOf(block, x, above, wide, tall, blockWidth));
      x += blockWidth + gap;
    });
    y += heights[at] + rowGap;
  });
  return { places, stage: [left, first, start + end - left, first + used] };
}

/**
 * @param {Block} block
 * @param {number} x
 * @param {number} y
 * @param {number} wide
 * @param {number} tall
 * @param {number} blockWidth
 * @returns {Place}
 */
function placeOf(block, x, y, wide, tall, blockWidth) {
  const { grid } = block;
  const tick = tall >= SIZES.ticked ? SIZES.tick : 0;
  const [planeWidth, planeHeight] = block.plane(wide, tall);
  const above = block.header + tick + (grid.captions.length ? SIZES.plane_caption : 0);
  const used = block.across * (planeWidth + SIZES.plane_gap) - SIZES.plane_gap;
  const left = x + (blockWidth - used) / 2;
  /** @type {[number, number][]} */
  const planes = [];
  for (let plane = 0; plane < product(grid.lead); plane++) {
    const down = Math.floor(plane / block.across);
    const along = plane % block.across;
    planes.push([
      left + tick + along * (planeWidth + SIZES.plane_gap),
      y + above + down * (planeHeight + SIZES.plane_gap),
    ]);
  }
  const [corner] = planes[0];
  return {
    x: block.label <= blockWidth - (corner - x) ? corner : x,
    y,
    rows: grid.rows,
    columns: grid.columns,
    planes,
    captions: grid.captions,
    firstRow: grid.firstRow,
    firstColumn: grid.firstColumn,
  };
}

/**
 * Write a value as the trace holds it: a number, or a text already.
 * @param {number | string} value
 */
export function shown(value) {
  return typeof value === "string" ? value : written(value);
}

/**
 * @param {Trace} trace
 * @returns {Entry[][][]}
 */
function historyOf(trace) {
  /** @type {Entry[][][]} */
  const entries = trace.panels.map((panel) => panel.kinds.map(() => []));
  /** @type {string[][][]} */
  const terms = trace.panels.map((panel) => panel.kinds.map(() => []));
  trace.steps.forEach((step, at) => {
    for (const write of step.writes) {
      const [panel, cell] = write.to;
      const held = terms[panel][cell];
      held.push(shown(write.term));
      const history = entries[panel][cell];
      if (history.length && history[history.length - 1].step === at + 1) history.pop();
      history.push({ step: at + 1, terms: sumWritten(held), total: shown(write.total) });
    }
  });
  return entries;
}

/**
 * Return each panel's widest value, and its widest line of terms.
 * @param {Trace} trace
 * @param {Entry[][][]} history
 */
function longest(trace, history) {
  /** @type {string[]} */
  const totals = [];
  /** @type {string[]} */
  const sums = [];
  trace.panels.forEach((panel, at) => {
    const held = history[at].flat();
    const values = panel.values.flatMap((value) => (value === null ? [] : [shown(value)]));
    totals.push(widest([...values, ...held.map((entry) => entry.total)]));
    sums.push(widest(held.map((entry) => entry.terms)));
  });
  return { totals, sums };
}

/** @param {string[]} texts */
function widest(texts) {
  let found = "0";
  let most = 0;
  for (const text of texts) {
    const wide = textWidth(text, 1);
    if (wide > most) [found, most] = [text, wide];
  }
  return found;
}
