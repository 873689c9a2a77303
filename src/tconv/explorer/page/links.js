/**
 * What feeds what, cell by cell, in a trace.
 *
 * @typedef {[number, number]} Ref
 * @typedef {{to: Ref, factors: Ref[], text: string, term: any, total: any}} Write
 */

/** @param {Ref} ref */
export const key = ([panel, cell]) => `${panel},${cell}`;

/** @param {string} text @returns {Ref} */
export const refOf = (text) => /** @type {Ref} */ (text.split(",").map(Number));

export class Links {
  /** @param {any} trace */
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
 * @param {any} trace @param {Ref} ref
 */
export function placeOf(trace, ref) {
  const index = indexOf(trace.panels[ref[0]], ref[1]);
  return index.length === 1 ? String(index[0]) : `(${index.join(",")})`;
}

/** @param {any} panel @param {number} cell @returns {number[]} */
export function indexOf(panel, cell) {
  /** @type {number[]} */
  const index = [];
  for (let axis = panel.size.length - 1; axis >= 0; axis--) {
    index.unshift((cell % panel.size[axis]) + panel.origin[axis]);
    cell = Math.floor(cell / panel.size[axis]);
  }
  return index;
}

/**
 * The frame of a trace that is about the same cell as a frame of another.
 * @param {any} from @param {number} frame @param {any} to
 */
export function sameFrame(from, frame, to) {
  if (frame === 0) return 0;
  if (frame > from.steps.length) return to.steps.length + 1;
  const named = (/** @type {any} */ trace, /** @type {Ref} */ ref) =>
    `${trace.panels[ref[0]].name} ${placeOf(trace, ref)}`;
  const sought = new Set(from.steps[frame - 1].focus.map((/** @type {Ref} */ r) => named(from, r)));
  const holds = (/** @type {Ref[]} */ refs) => refs.some((ref) => sought.has(named(to, ref)));
  const focused = to.steps.findIndex((/** @type {any} */ step) => holds(step.focus));
  const found =
    focused >= 0
      ? focused
      : to.steps.findIndex(
          (/** @type {any} */ step) =>
            holds(step.writes.map((/** @type {Write} */ write) => write.to)) || holds(step.reads),
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
