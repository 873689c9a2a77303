/** The panel: sizes as sliders and numbers, and the values of input and kernel. */

import { element } from "./elements.js";

/**
 * @typedef {import("./shown.js").Wanted} Wanted
 * @typedef {import("./geometry.js").Geometry} Geometry
 * @typedef {"inputSize" | "kernelSize" | "stride" | "outputPadding" | "dilation"} Plain
 * @typedef {{key: Plain | "before" | "after", label: string, low: number, high: number,
 *   legal?: (geometry: Geometry, axis: number) => number}} Field
 */

/** @param {Geometry} geometry @param {number} axis cells that may be cropped at both ends together */
const croppable = ({ axes }, axis) => axes[axis].full - 1;

/** @type {Field[]} */
const FIELDS = [
  { key: "inputSize", label: "Input", low: 1, high: 12 },
  { key: "kernelSize", label: "Kernel", low: 1, high: 8 },
  { key: "stride", label: "Stride", low: 1, high: 6 },
  {
    key: "before",
    label: "Padding",
    low: 0,
    high: 8,
    legal: (geometry, axis) => Math.floor(croppable(geometry, axis) / 2),
  },
  { key: "after", label: "Padding, end", low: 0, high: 8 },
  {
    key: "outputPadding",
    label: "Output padding",
    low: 0,
    high: 5,
    legal: ({ axes }, axis) => Math.max(axes[axis].stride, axes[axis].dilation) - 1,
  },
  { key: "dilation", label: "Dilation", low: 1, high: 4 },
];
const AXES = [["columns"], ["rows", "columns"], ["slices", "rows", "columns"]];
const WORDS = ["letters", "numbers", "ones", "random"];

export class Controls {
  /**
   * @param {HTMLElement} root
   * @param {{
   *   change: (change: Partial<Wanted>, field: string) => void,
   *   rank: (rank: number) => void,
   *   values: (which: "x" | "weight", text: string) => void,
   * }} owner
   */
  constructor(root, owner) {
    this.owner = owner;
    this.linked = true;
    this.shape = "";
    this.ranks = [1, 2].map((rank) =>
      element("button", { type: "button", onclick: () => owner.rank(rank) }, `${rank}-D`),
    );
    this.link = element(
      "button",
      {
        type: "button",
        title: "The same number for every axis and both ends",
        onclick: () => this.#relink(),
      },
      "Linked",
    );
    this.fields = element("div", { className: "parameters" });
    this.values = /** @type {const} */ (["x", "weight"]).map((which) => this.#values(which));
    root.append(
      element("div", { className: "choices" }, ...this.ranks, this.link),
      this.fields,
      ...this.values.map((value) => value.root),
    );
  }

  /**
   * @param {Wanted} wanted
   * @param {Geometry | null} geometry of what is shown
   * @param {string} wrong the field that was changed last, where it cannot be shown
   */
  show(wanted, geometry, wrong) {
    this.wanted = wanted;
    const rank = wanted.inputSize.length;
    if (!alike(wanted)) this.linked = false;
    this.ranks.forEach((button, n) =>
      button.setAttribute("aria-pressed", String(rank === n + 1)),
    );
    this.link.setAttribute("aria-pressed", String(this.linked));
    const shape = `${rank} ${this.linked}`;
    if (shape !== this.shape) this.#build(rank);
    this.shape = shape;
    for (const { field, axis, range, number } of this.inputs ?? []) {
      const value = valueOf(wanted, field, axis);
      const legal = geometry?.rank === rank ? field.legal?.(geometry, axis) : undefined;
      range.max = String(Math.max(legal ?? field.high, value, field.low));
      range.min = String(Math.min(field.low, value));
      range.value = String(value);
      if (document.activeElement !== number) number.value = String(value);
      const bad = String(wrong === `${field.key}${axis}`);
      number.setAttribute("aria-invalid", bad);
      range.setAttribute("aria-invalid", bad);
    }
  }

  /** @param {Record<"x" | "weight", {text: string, word: string}>} held */
  showValues(held) {
    for (const { which, text, word } of this.values) {
      if (document.activeElement !== text) text.value = held[which].text;
      word.value = held[which].word;
      text.removeAttribute("aria-invalid");
    }
  }

  /** @param {number} rank */
  #build(rank) {
    const axes = this.linked ? [0] : Array.from({ length: rank }, (_, axis) => axis);
    /** @type {{field: Field, axis: number, range: HTMLInputElement, number: HTMLInputElement}[]} */
    this.inputs = [];
    const names = AXES[rank - 1] ?? axes.map((axis) => `axis ${axis}`);
    const heads = element(
      "div",
      { className: "heads" },
      ...(axes.length > 1 ? names.map((name) => element("span", {}, name)) : []),
    );
    const rows = FIELDS.filter(({ key }) => !(this.linked && key === "after")).map((field) => {
      const label = field.key === "before" && !this.linked ? "Padding, start" : field.label;
      const fields = axes.map((axis) => {
        const said = axes.length > 1 ? `${label}, ${names[axis]}` : label;
        const range = element("input", { type: "range", ariaLabel: `${said}, slider` });
        const number = element("input", { type: "number", ariaLabel: said });
        number.name = `${field.key}${axis}`;
        range.addEventListener("input", () => this.#set(field, axis, range.valueAsNumber));
        number.addEventListener("input", () => this.#set(field, axis, number.valueAsNumber));
        number.addEventListener("blur", () => {
          if (this.wanted) number.value = String(valueOf(this.wanted, field, axis));
        });
        this.inputs?.push({ field, axis, range, number });
        return element("div", { className: "number" }, range, number);
      });
      return element(
        "div",
        { className: "parameter" },
        element("span", {}, label),
        element("div", { className: "fields" }, ...fields),
      );
    });
    this.fields.style.setProperty("--columns", String(axes.length));
    this.fields.classList.toggle("many", axes.length > 2);
    this.fields.replaceChildren(heads, ...rows);
  }

  /** @param {Field} field @param {number} axis @param {number} value */
  #set({ key }, axis, value) {
    if (!this.wanted || Number.isNaN(value)) return;
    const here = (/** @type {number} */ a) => this.linked || a === axis;
    if (key === "before" || key === "after") {
      const padding = this.wanted.padding.map(([before, after], a) =>
        here(a)
          ? [
              key === "before" ? value : before,
              key === "after" || this.linked ? value : after,
            ]
          : [before, after],
      );
      this.owner.change({ padding: /** @type {[number, number][]} */ (padding) }, `${key}${axis}`);
    } else {
      const sizes = this.wanted[key].map((old, a) => (here(a) ? value : old));
      this.owner.change({ [key]: sizes }, `${key}${axis}`);
    }
  }

  #relink() {
    this.linked = !this.linked;
    const wanted = /** @type {Wanted} */ (this.wanted);
    const [first] = wanted.padding;
    this.owner.change(
      this.linked
        ? {
            ...Object.fromEntries(PLAIN.map((key) => [key, wanted[key].map(() => wanted[key][0])])),
            padding: wanted.padding.map(() => [first[0], first[0]]),
          }
        : {},
      "",
    );
  }

  /** @param {"x" | "weight"} which */
  #values(which) {
    const label = which === "x" ? "Input values" : "Kernel values";
    const text = element("input", {
      type: "text",
      ariaLabel: label,
      spellcheck: false,
      title: "Rows apart by ; and values by , — numbers, fractions or letters",
    });
    const word = element(
      "select",
      { ariaLabel: `${label}, filled with` },
      element("option", { value: "" }, "typed"),
      ...WORDS.map((name) => element("option", { value: name }, name)),
    );
    text.addEventListener("change", () => this.owner.values(which, text.value));
    word.addEventListener("change", () => {
      if (word.value) this.owner.values(which, word.value);
    });
    const root = element(
      "div",
      { className: "values" },
      element("span", {}, label),
      element("div", { className: "row" }, text, word),
    );
    return { which, root, text, word };
  }

  /** @param {"x" | "weight"} which */
  refuse(which) {
    this.values.find((value) => value.which === which)?.text.setAttribute("aria-invalid", "true");
  }
}

/** @type {Plain[]} */
const PLAIN = ["inputSize", "kernelSize", "stride", "outputPadding", "dilation"];

/** @param {Wanted} wanted @param {Field} field @param {number} axis */
function valueOf(wanted, { key }, axis) {
  if (key === "before") return wanted.padding[axis][0];
  if (key === "after") return wanted.padding[axis][1];
  return wanted[key][axis];
}

/** Whether one number says it for every axis and both ends. @param {Wanted} wanted */
function alike(wanted) {
  const [[before]] = wanted.padding;
  return (
    PLAIN.every((key) => wanted[key].every((value) => value === wanted[key][0])) &&
    wanted.padding.every((pair) => pair.every((value) => value === before))
  );
}
