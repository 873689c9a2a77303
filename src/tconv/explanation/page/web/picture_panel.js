/** A flat grey and a photograph, enlarged by the layer on screen, over the gains of its phases. */

import { element } from "./elements.js";
import { enlarge, gains } from "./picture.js";
import { PIXELS, SIZE } from "./photograph.js";

/** @typedef {import("./geometry.js").Geometry} Geometry */
/** @typedef {import("./picture.js").Plane} Plane */
/** @typedef {import("./picture.js").PictureAxis} PictureAxis */

const GREY = 150;
const LEVEL = 1e-9;
const MOST_BARS = 64;
const SHOWN = 128; // pixels of the screen

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
    const [axes, weights] = onPictures(geometry, kernel);
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
      : `${count}, gains ${low} to ${high} of the mean: a flat grey turns into ${geometry.rank === 1 ? "stripes" : "a checkerboard"}.`;
    this.bars.setAttribute("aria-label", said);
    const made = kernel ? "" : " Every weight counts as one here.";
    const rows = geometry.rank === 1 ? " Along the rows; down, pixels repeat." : "";
    this.note.textContent = said + made + rows;
  }
}

/**
 * The layer's last two axes and its kernel in rows; a layer of one axis works along the rows.
 * @param {Geometry} geometry @param {number[] | null} kernel
 * @returns {[PictureAxis[], number[][]]}
 */
function onPictures({ axes, rank, kernelSize }, kernel) {
  const size = kernelSize.slice(-2);
  const flat = kernel ?? Array(size.reduce((all, n) => all * n, 1)).fill(1);
  if (rank === 1) return [[repeating(axes[0].stride), axes[0]], Array(axes[0].stride).fill(flat)];
  const rows = Array.from({ length: size[0] }, (_, row) =>
    flat.slice(row * size[1], (row + 1) * size[1]),
  );
  return [axes.slice(-2), rows];
}

/** An axis that repeats every pixel, all of whose phases are one. @param {number} stride */
function repeating(stride) {
  const sizes = { stride, dilation: 1, effectiveKernel: stride, cropStart: 0, cropEnd: 0 };
  return { ...sizes, phases: 1, taps: () => [0] };
}

/**
 * Draw the middle of a picture, every pixel on whole pixels of the screen.
 * @param {HTMLCanvasElement} canvas @param {Plane[]} planes red, green, blue
 */
function paint(canvas, planes) {
  const { width, height } = planes[0];
  const zoom = Math.max(2, Math.floor(SHOWN / Math.max(Math.min(width, height), 1)));
  const size = Math.floor(SHOWN / zoom);
  const [across, down] = [Math.min(size, width), Math.min(size, height)];
  const [left, top] = [(width - across) >> 1, (height - down) >> 1];
  canvas.width = across;
  canvas.height = down;
  canvas.style.width = `${across * zoom}px`;
  canvas.style.height = `${down * zoom}px`;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(across, down);
  for (let pixel = 0; pixel < across * down; pixel++) {
    const from = (top + Math.floor(pixel / across)) * width + left + (pixel % across);
    planes.forEach(({ data }, colour) => {
      image.data[4 * pixel + colour] = Math.round(data[from]);
    });
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** @param {number} value */
const round = (value) => String(Math.round(value * 100) / 100);
