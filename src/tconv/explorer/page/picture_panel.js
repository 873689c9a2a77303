/** A flat grey and a photograph, enlarged by the layer on screen, over the gains of its phases. */

import { element } from "./elements.js";
import { enlarge, gains } from "./picture.js";
import { PIXELS, SIZE } from "./photograph.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./picture.js").Plane} Plane */

const GREY = 150;
const LEVEL = 1e-9;
const MOST_BARS = 64;

export class PicturePanel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.flat = element("canvas", { ariaLabel: "A flat grey, enlarged" });
    this.photograph = element("canvas", { ariaLabel: "A photograph, enlarged" });
    for (const canvas of [this.flat, this.photograph]) canvas.setAttribute("role", "img");
    this.bars = element("div", { className: "gains" });
    this.bars.setAttribute("role", "img");
    this.note = element("p", { className: "note" });
    root.append(
      element("h2", {}, "Enlarged by this layer"),
      element(
        "div",
        { className: "pictures" },
        element("figure", {}, this.flat, element("figcaption", {}, "a flat grey")),
        element("figure", {}, this.photograph, element("figcaption", {}, "a photograph")),
      ),
      this.bars,
      this.note,
    );
  }

  /**
   * @param {Geometry} geometry
   * @param {number[] | null} kernel its numbers, row by row; null where it holds letters
   */
  show(geometry, kernel) {
    const axes = geometry.rank === 1 ? [geometry.axes[0], geometry.axes[0]] : geometry.axes.slice(-2);
    const weights = grid(geometry, kernel);
    const phases = gains(axes, weights).flat();
    const mean = phases.reduce((sum, gain) => sum + gain, 0) / phases.length;
    const scale = Math.abs(mean) > LEVEL ? mean : Math.max(...phases.map(Math.abs)) || 1;
    const level = phases.every((gain) => Math.abs(gain - mean) <= LEVEL * Math.abs(scale));

    const grey = new Float64Array(SIZE * SIZE).fill(GREY / scale);
    const flat = enlarge({ width: SIZE, height: SIZE, data: grey }, axes, weights);
    paint(this.flat, [flat, flat, flat]);
    paint(
      this.photograph,
      [0, 1, 2].map((colour) => {
        const data = Float64Array.from(
          { length: SIZE * SIZE },
          (_, pixel) => PIXELS[3 * pixel + colour] / scale,
        );
        return enlarge({ width: SIZE, height: SIZE, data }, axes, weights);
      }),
    );

    const shown = phases.slice(0, MOST_BARS).map((gain) => gain / scale);
    const highest = Math.max(...shown.map(Math.abs), 1e-12);
    this.bars.classList.toggle("rippled", !level);
    this.bars.replaceChildren(
      ...shown.map((gain) => {
        const bar = element("i", { title: `gain ${round(gain)} of the mean` });
        bar.style.height = `${(100 * Math.abs(gain)) / highest}%`;
        return bar;
      }),
    );
    const low = round(Math.min(...phases) / scale);
    const high = round(Math.max(...phases) / scale);
    const count = phases.length === 1 ? "One phase" : `${phases.length} phases`;
    const said = level
      ? `${count}, level: a flat grey stays flat away from the border.`
      : `${count}, gains ${low} to ${high} of the mean: a flat grey turns into a checkerboard.`;
    this.bars.setAttribute("aria-label", said);
    const made = kernel ? "" : " Letters count as ones.";
    const twice = geometry.rank === 1 ? " One axis, used on both." : "";
    this.note.textContent = said + made + twice;
  }
}

/** @param {Geometry} geometry @param {number[] | null} kernel @returns {number[][]} */
function grid(geometry, kernel) {
  const size = geometry.kernelSize.slice(-2);
  const flat = kernel ?? Array(size.reduce((all, n) => all * n, 1)).fill(1);
  if (size.length === 1) return flat.map((one) => flat.map((other) => one * other));
  return Array.from({ length: size[0] }, (_, row) =>
    flat.slice(row * size[1], (row + 1) * size[1]),
  );
}

/** @param {HTMLCanvasElement} canvas @param {Plane[]} planes red, green, blue */
function paint(canvas, planes) {
  const { width, height } = planes[0];
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    planes.forEach(({ data }, colour) => {
      image.data[4 * pixel + colour] = Math.round(data[pixel]);
    });
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** @param {number} value */
const round = (value) => String(Math.round(value * 100) / 100);
