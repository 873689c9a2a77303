/** What feeds what, cell by cell, in a trace. */

import { cellAt, indexOf } from "./model.js";

/** @typedef {import("./model.js").Ref} Ref */
/** @typedef {import("./model.js").Trace} Trace */
/** @typedef {import("./model.js").Write} Write */

/** @param {Ref} ref */
export const key = ([panel, cell]) => `${panel},${cell}`;

/** @param {string} text @returns {Ref} */
export const refOf = (text) => {
  const [panel, cell] = text.split(",").map(Number);
  return [panel, cell];
};

export class Links {
  /** @param {Trace} trace */
  constructor(trace) {
    this.trace = trace;
    /** @type {Map<string, Set<string>>} */
    this.feeders = new Map();
    /** @type {Map<string, Set<string>>} */
    this.fed = new Map();
    /** @type {Map<string, Write[]>} */
    this.written = new Map();
    for (const step of trace.steps) {
      for (const write of step.writes) {
        const to = key(write.to);
        listAt(this.written, to).push(write);
        for (const factor of write.factors) {
          setAt(this.feeders, to).add(key(factor));
          setAt(this.fed, key(factor)).add(to);
        }
      }
    }
  }

  /** Every cell that goes into a cell, at once or by way of others. @param {string} cell */
  upstream(cell) {
    return reached(this.feeders, cell);
  }

  /** Every cell that a cell goes into. @param {string} cell */
  downstream(cell) {
    return reached(this.fed, cell);
  }

  /** The cell in one line: the sum that makes it, or what it feeds. @param {Ref} ref */
  sentence(ref) {
    const name = `${this.trace.panels[ref[0]].name} ${placeOf(this.trace, ref)}`;
    const writes = this.written.get(key(ref));
    if (writes) {
      const sum = writes.map((write) => write.text).join(" + ").replaceAll("+ -", "- ");
      const total = String(writes[writes.length - 1].total);
      return `${name} = ${sum === total ? sum : `${sum} = ${total}`}`;
    }
    const kind = this.trace.panels[ref[0]].kinds[ref[1]];
    const value = this.trace.panels[ref[0]].values[ref[1]];
    const held = value === null ? "" : ` = ${value}`;
    const fed = this.fed.get(key(ref))?.size ?? 0;
    if (fed) return `${name}${held} goes into ${fed} cell${fed > 1 ? "s" : ""}`;
    return `${name}${held}: ${NOTHING[kind] ?? "goes into no cell"}`;
  }
}

/** @type {Record<string, string>} */
const NOTHING = {
  zero: "a zero put between inputs",
  pad: "a zero put around the input",
  cut: "cut away by the padding",
  crop: "cropped",
  hole: "a hole: no input reaches it",
  appended: "appended by output padding: no input reaches it",
};

/**
 * The index of a cell as it is labelled: `3`, `(0,1)`.
 * @param {Trace} trace @param {Ref} ref
 */
export function placeOf(trace, ref) {
  const index = indexOf(trace.panels[ref[0]], ref[1]);
  return index.length === 1 ? String(index[0]) : `(${index.join(",")})`;
}

/**
 * The cell of another trace that has the same name, if there is one.
 * @param {Trace} from @param {Ref} ref @param {Trace} to
 * @returns {Ref | null}
 */
export function sameCell(from, [panel, cell], to) {
  const { name, size } = from.panels[panel];
  const index = indexOf(from.panels[panel], cell);
  const number = to.panels.findIndex((other) => other.name === name);
  if (number < 0 || to.panels[number].size.length !== size.length) return null;
  const other = to.panels[number];
  const inside = index.every((at, axis) => {
    const place = at - other.origin[axis];
    return place >= 0 && place < other.size[axis];
  });
  return inside ? [number, cellAt(other, index)] : null;
}

/**
 * The frame of a trace that is about the same cell as a frame of another.
 * @param {Trace} from @param {number} frame @param {Trace} to
 */
export function sameFrame(from, frame, to) {
  if (frame === 0) return 0;
  if (frame > from.steps.length) return to.steps.length + 1;
  const named = (/** @type {Trace} */ trace, /** @type {Ref} */ ref) =>
    `${trace.panels[ref[0]].name} ${placeOf(trace, ref)}`;
  const sought = new Set(from.steps[frame - 1].focus.map((ref) => named(from, ref)));
  const holds = (/** @type {readonly Ref[]} */ refs) => refs.some((ref) => sought.has(named(to, ref)));
  const focused = to.steps.findIndex(({ focus }) => holds(focus));
  const found =
    focused >= 0
      ? focused
      : to.steps.findIndex(
          ({ reads, writes }) => holds(writes.map((write) => write.to)) || holds(reads),
        );
  return found >= 0 ? found + 1 : Math.min(frame, to.steps.length);
}

/** @param {Map<string, Set<string>>} graph @param {string} from */
function reached(graph, from) {
  /** @type {Set<string>} */
  const found = new Set();
  const left = [from];
  for (let cell = left.pop(); cell !== undefined; cell = left.pop()) {
    for (const next of graph.get(cell) ?? []) {
      if (!found.has(next)) {
        found.add(next);
        left.push(next);
      }
    }
  }
  return found;
}

/** @template T @param {Map<string, T[]>} map @param {string} at @returns {T[]} */
function listAt(map, at) {
  const held = map.get(at) ?? [];
  map.set(at, held);
  return held;
}

/** @param {Map<string, Set<string>>} map @param {string} at */
function setAt(map, at) {
  const held = map.get(at) ?? new Set();
  map.set(at, held);
  return held;
}
