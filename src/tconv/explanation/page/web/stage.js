/** One drawing made live: the frames of a trace, and what is linked to the cell pointed at. */

import { cellBox, frame, layout, svg } from "./drawing.js";
import { Links, key, refOf, sameCell } from "./links.js";

/** @typedef {import("./model.js").Trace} Trace */
/** @typedef {import("./links.js").Ref} Ref */

const SLIDE = 1100 * 640;
const BARE = 1.7; // units a pixel without words
const NARROW = 560; // no room for words in the drawing
const CELL = /^<\w+ data-cell="([^"]*)"/;
const SVG = "http://www.w3.org/2000/svg";

export class Stage {
  /**
   * @param {HTMLElement} root where the drawing goes
   * @param {{tell: (line: string, pinned: boolean) => void,
   *   edit: (trace: Trace, ref: Ref, text: string) => void}} owner
   */
  constructor(root, owner) {
    this.root = root;
    this.owner = owner;
    this.theme = "light";
    /** @type {Trace | null} */
    this.trace = null;
    this.frame = 0;
    /** @type {Links | null} */
    this.links = null;
    /** @type {ReturnType<typeof layout> | null} */
    this.layout = null;
    /** @type {SVGSVGElement | null} */
    this.drawn = null;
    /** @type {SVGElement | null} */
    this.halo = null;
    this.head = "";
    /** @type {string[]} */
    this.lines = [];
    /** @type {string[]} */
    this.names = [];
    /** @type {SVGElement[]} */
    this.parts = [];
    this.told = "";
    this.editing = false;
    this.room = { width: 0, height: 0 };
    /** @type {Ref | null} */
    this.pinned = null;
    /** @type {Ref | null} */
    this.cursor = null;
    root.tabIndex = 0;
    root.setAttribute("role", "application");
    root.setAttribute("aria-roledescription", "drawing of cells");
    root.addEventListener("pointermove", (event) => this.#pointed(event));
    root.addEventListener("pointerleave", () => this.#light(this.cursor ?? this.pinned));
    root.addEventListener("click", (event) => this.#clicked(event));
    root.addEventListener("keydown", (event) => this.#pressed(event));
    root.addEventListener("focus", () => {
      if (root.matches(":focus-visible")) this.#move(this.cursor ?? this.pinned ?? this.#first());
    });
    root.addEventListener("blur", () => {
      this.cursor = null;
      this.#light(this.pinned);
    });
    this.#fit({ width: root.clientWidth, height: root.clientHeight });
    new ResizeObserver(([entry]) => this.#resized(entry.contentRect)).observe(root);
  }

  /** @param {Trace} trace @param {number} number */
  show(trace, number) {
    if (trace !== this.trace) {
      const kept = this.pinned && this.trace && sameCell(this.trace, this.pinned, trace);
      this.trace = trace;
      this.links = null;
      this.pinned = kept;
      this.cursor = this.cursor && kept;
      this.layout = null;
      this.root.setAttribute("aria-label", `${trace.title}; arrows go from cell to cell`);
    }
    this.frame = number;
    this.#draw();
  }

  /** @param {string} theme */
  paint(theme) {
    this.theme = theme;
    if (this.trace) this.#draw();
  }

  /** @param {{width: number, height: number}} room */
  #fit(room) {
    this.room = room;
    this.root.style.setProperty("--wide", `${room.width}px`);
    this.root.style.setProperty("--tall", `${room.height}px`);
  }

  /** @param {DOMRectReadOnly} room */
  #resized(room) {
    this.#fit(room);
    if (!this.trace || !room.width) return;
    const { width, height } = this.#slide();
    if (width !== this.layout?.width || height !== this.layout?.height) {
      this.layout = null;
      this.#draw();
    }
  }

  /** A slide of the usual area in the shape of the room; where that is narrow, the grids alone. */
  #slide() {
    const wide = Math.max(this.room.width, 240);
    const tall = Math.max(this.room.height, 200);
    const captions = wide >= NARROW || this.root.closest(".beside") !== null;
    const scale = captions ? Math.sqrt(SLIDE / (wide * tall)) : BARE;
    return { width: Math.round(wide * scale), height: Math.round(tall * scale), captions };
  }

  #draw() {
    const trace = /** @type {Trace} */ (this.trace);
    if (!this.layout) {
      this.layout = layout(trace, this.#slide());
    }
    const text = svg(frame(this.layout, this.frame), this.theme);
    this.#put(text);
    this.#light(this.cursor ?? this.pinned);
  }

  /**
   * Put a drawing on the page. Its lines are the cells and what stands between them; where they
   * are those of the drawing before, only what differs is touched.
   * @param {string} text
   */
  #put(text) {
    const start = text.indexOf("<rect");
    const head = text.slice(0, text.indexOf("<title>"));
    const body = text.slice(start, text.lastIndexOf("</svg>"));
    const lines = body.split("\n");
    const names = lines.map((line) => CELL.exec(line)?.[1] ?? "");
    const grouped = lines.map((line, n) => (names[n] ? line : `<g>${line}</g>`));
    const differing = names.map((_, n) => n).filter((n) => lines[n] !== this.lines[n]);
    const alike =
      this.drawn &&
      head === this.head &&
      names.length === this.names.length &&
      names.every((name, n) => name === this.names[n]);
    if (alike) {
      const now = parsed(differing.map((n) => grouped[n]).join(""));
      differing.forEach((n, at) => (this.parts[n] = morph(this.parts[n], now[at])));
    } else {
      this.root.innerHTML = `${head}${grouped.join("")}</svg>`;
      this.drawn = /** @type {SVGSVGElement} */ (this.root.firstElementChild);
      this.drawn.setAttribute("aria-hidden", "true");
      this.parts = /** @type {SVGElement[]} */ ([...this.drawn.children]);
      this.halo = document.createElementNS(SVG, "g");
      this.halo.setAttribute("class", "lit");
      this.drawn.append(this.halo);
      this.head = head;
      this.names = names;
    }
    this.lines = lines;
  }

  /** @param {PointerEvent | MouseEvent} event @returns {Ref | null} */
  #at(event) {
    const target = /** @type {Element} */ (event.target).closest("[data-cell]");
    return target ? refOf(/** @type {string} */ (target.getAttribute("data-cell"))) : null;
  }

  /** @param {PointerEvent} event */
  #pointed(event) {
    if (this.pinned || this.editing) return;
    this.#light(this.#at(event));
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (/** @type {Element} */ (event.target).closest(".cell-value")) return;
    const ref = this.#at(event);
    if (ref && this.pinned && key(ref) === key(this.pinned)) {
      this.edit(ref);
      return;
    }
    this.pinned = ref;
    this.cursor = null;
    this.#light(ref);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (this.editing || event.ctrlKey || event.metaKey || event.altKey) return;
    const ref = this.cursor ?? this.pinned;
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key in way) {
      this.#move(ref ? this.#beside(ref, way[/** @type {keyof way} */ (event.key)]) : this.#first());
    } else if (event.key === "Enter" && ref) {
      if (this.pinned && key(this.pinned) === key(ref)) this.edit(ref);
      else {
        this.pinned = ref;
        this.#light(ref);
      }
    } else if (event.key === "Escape") {
      this.pinned = this.cursor = null;
      this.#light(null);
    } else if (ref && /^[-\w]$/.test(event.key)) {
      this.edit(ref, event.key);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @returns {Ref} */
  #first() {
    const writes = this.trace?.steps[this.frame - 1]?.focus[0];
    return writes ? [writes[0], writes[1]] : [0, 0];
  }

  /** @param {Ref} ref */
  #move(ref) {
    this.cursor = ref;
    this.#light(ref);
  }

  /**
   * The nearest cell in a direction on the drawing, in another panel if need be.
   * @param {Ref} ref @param {number[]} way
   */
  #beside(ref, [down, along]) {
    const from = this.#box(key(ref));
    let best = ref;
    let least = Infinity;
    for (const part of this.parts) {
      const name = part.getAttribute("data-cell");
      if (!from || !name || name === key(ref)) continue;
      const box = /** @type {DOMRect} */ (this.#box(name));
      const dx = box.x - from.x;
      const dy = box.y - from.y;
      const ahead = dx * along + dy * down;
      const aside = Math.abs(dx * down) + Math.abs(dy * along);
      if (ahead > 0.5 && ahead >= aside && ahead + 3 * aside < least) {
        least = ahead + 3 * aside;
        best = refOf(name);
      }
    }
    return best;
  }

  /** @param {string} name */
  #box(name) {
    if (!this.layout || !this.names.includes(name)) return null;
    return new DOMRect(...cellBox(this.layout, ...refOf(name)));
  }

  /** Light a cell with all that feeds it and all that it feeds. @param {Ref | null} ref */
  #light(ref) {
    if (!this.halo || !this.trace) return;
    const lit = ref ? key(ref) : "";
    if (!ref) {
      if (this.told) this.owner.tell("", false);
      this.told = "";
      if (this.halo.firstChild) this.halo.replaceChildren();
      return;
    }
    this.links ??= new Links(this.trace);
    const rect = (/** @type {string} */ name, /** @type {string} */ kind) => {
      const box = this.#box(name);
      if (!box) return "";
      const { x, y, width, height } = box;
      return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="4"/>`;
    };
    this.halo.innerHTML = [
      ...[...this.links.upstream(lit)].map((name) => rect(name, "feeds")),
      ...[...this.links.downstream(lit)].map((name) => rect(name, "fed")),
      rect(lit, "self"),
    ].join("");
    const line = this.links.sentence(ref);
    if (line !== this.told) this.owner.tell(line, this.pinned !== null);
    this.told = line;
  }

  /**
   * Open a field over an input or kernel cell.
   * @param {Ref} ref @param {string} [text] what was typed already
   */
  edit(ref, text) {
    const trace = /** @type {Trace} */ (this.trace);
    const panel = trace.panels[ref[0]];
    const group = this.drawn?.querySelector(`[data-cell="${key(ref)}"]`);
    if (!editable(trace, panel) || !group) return;
    const held = panel.values[ref[1]];
    const field = document.createElement("input");
    field.type = "text";
    field.className = "cell-value";
    field.setAttribute("aria-label", `Value of ${panel.name} cell`);
    field.value = text ?? String(held ?? "");
    const cell = group.getBoundingClientRect();
    const room = this.root.getBoundingClientRect();
    field.style.left = `${cell.x + cell.width / 2 - room.x + this.root.scrollLeft - 36}px`;
    field.style.top = `${cell.y + cell.height / 2 - room.y + this.root.scrollTop - 15}px`;
    this.editing = true;
    const close = (/** @type {boolean} */ keep) => {
      if (!this.editing) return;
      this.editing = false;
      field.remove();
      this.root.focus();
      if (keep && field.value !== String(held)) this.owner.edit(trace, ref, field.value);
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") close(true);
      if (event.key === "Escape") close(false);
    });
    field.addEventListener("blur", () => close(true));
    this.root.append(field);
    field.focus();
    if (text === undefined) field.select();
  }
}

const GIVEN = ["scatter", "gather", "stretch", "matrix", "subpixel", "overlap"];

/** Whether a panel shows the layer's own input or kernel. @param {Trace} trace @param {any} panel */
function editable(trace, panel) {
  if (!GIVEN.includes(trace.view) || !["input", "kernel"].includes(panel.name)) return false;
  const size = trace.geometry[panel.name === "input" ? "input_size" : "kernel_size"];
  return String(panel.size.slice(-size.length)) === String(size);
}

/** @param {string} markup */
function parsed(markup) {
  const group = document.createElementNS(SVG, "g");
  group.innerHTML = markup;
  return /** @type {SVGElement[]} */ ([...group.children]);
}

/**
 * Make an element like another one of its kind, keeping what is alike; else put that in its place.
 * @param {SVGElement} old @param {SVGElement} now
 */
function morph(old, now) {
  const [before, after] = [[...old.children], [...now.children]];
  const alike = before.length === after.length && before.every((one, n) => one.tagName === after[n].tagName);
  if (old.tagName !== now.tagName || !alike) {
    old.replaceWith(now);
    return now;
  }
  for (const [n, one] of [old, ...before].entries()) {
    const other = n ? after[n - 1] : now;
    for (const { name } of [...one.attributes]) {
      if (!other.hasAttribute(name)) one.removeAttribute(name);
    }
    for (const { name, value } of other.attributes) {
      if (one.getAttribute(name) !== value) one.setAttribute(name, value);
    }
    if (!other.children.length && one.textContent !== other.textContent) {
      one.textContent = other.textContent;
    }
  }
  return old;
}
