/** What is known of a layer, in a few lines with its numbers filled in. */

import { element } from "./elements.js";
import { facts, overlapWords, unreadWords } from "./facts.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */

export class FactsPanel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.list = element("dl");
    root.append(element("h2", { className: "hidden" }, "Facts"), this.list);
  }

  /** @param {Geometry} geometry */
  show(geometry) {
    const known = facts(geometry);
    const { useful, wasted, zero_inserted: all } = known.multiplications;
    const share = all ? Math.round((100 * wasted) / all) : 0;
    const overlap = element(
      "span",
      { className: known.even_overlap ? "even" : "uneven" },
      overlapWords(geometry),
    );
    const unread = unreadWords(geometry).map(capital);
    const rows = [
      ["Output size", ...sizes(geometry)],
      ["Relation of the guide", ...agreeing(known.relations.map(relation))],
      ["Overlap", overlap, ` (${why(geometry)})`],
      ...(unread.length ? [["Thrown away", ...unread.map((said) => element("div", {}, said))]] : []),
      ["Multiplications", `${count(useful)} useful; with zeros put in ${count(all)}, ${share}\u00a0% of them wasted`],
      ["Same as", capital(known.equivalent_convolution.text)],
      [
        "Adjoint of",
        known.adjoint_of
          ? capital(known.adjoint_of.text)
          : "No direct convolution: some cells stand where none would read",
      ],
    ];
    this.list.replaceChildren(
      ...rows.map(([name, ...said]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, ...said)),
      ),
    );
  }
}

/** @param {Geometry} geometry */
function sizes({ axes }) {
  const lines = axes.map((axis) => {
    const ends = [axis.cropStart, axis.cropEnd].map((cut) =>
      cut < 0 ? ` + ${-cut}` : ` − ${cut}`,
    );
    const full = `(${axis.inputSize}−1)·${axis.stride} + ${axis.effectiveKernel}`;
    return `${full}${ends.join("")} = ${axis.outputSize}`;
  });
  return [element("div", {}, "(I−1)·s + ke − c0 − c1"), ...agreeing(lines)];
}

/** One line for all axes where they agree, one each where they do not. @param {string[]} lines */
function agreeing(lines) {
  const shown = lines.every((line) => line === lines[0]) ? lines.slice(0, 1) : lines;
  return shown.map((line) => element("div", {}, line));
}

/** @param {{number: number, condition: string, formula: string} | null} found */
function relation(found) {
  if (!found) return "None: dilation, or a crop that no symmetric padding says";
  return `${found.number} (${found.condition}):\n${found.formula}`;
}

/** @param {Geometry} geometry */
function why({ axes }) {
  const reasons = axes.map(({ kernelSize, stride, dilation, even }) => {
    if (even) return stride === 1 ? "stride 1 has a single phase" : `stride ${stride} divides kernel ${kernelSize}`;
    return kernelSize % stride ? `stride ${stride} does not divide kernel ${kernelSize}` : `stride ${stride} and dilation ${dilation} share a divisor`;
  });
  return [...new Set(reasons)].join("; ");
}

/** @param {number} number */
const count = (number) => number.toLocaleString("en-GB");

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1);
