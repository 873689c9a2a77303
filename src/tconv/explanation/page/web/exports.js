/** What can be taken along: SVG, PNG, GIF, and the page itself. */

import { frame, layout, svg } from "./drawing.js";
import { encodeGif } from "./gif.js";
import { startingWith } from "./pristine.js";

/** @typedef {import("./model.js").Trace} Trace */

const MOST_FRAMES = 240;
const LAST_HELD = 3;

/**
 * The very drawing that Python makes of this frame.
 * @param {Trace} trace @param {number} number @param {string} theme
 */
export function drawing(trace, number, theme) {
  return svg(frame(layout(trace), number), theme);
}

/** @param {Trace} trace @param {number} number @param {string} theme */
export function saveSvg(trace, number, theme) {
  save(new Blob([drawing(trace, number, theme)], { type: "image/svg+xml" }), trace, "svg");
}

/** @param {Trace} trace @param {number} number @param {string} theme */
export async function savePng(trace, number, theme) {
  const canvas = await painted(drawing(trace, number, theme), 2);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  save(/** @type {Blob} */ (blob), trace, "png");
}

/**
 * All frames as an animation; `onFrame` hears how far it is.
 * @param {Trace} trace @param {string} theme @param {number} delay a step, in milliseconds
 * @param {(done: number, all: number) => void} onFrame
 */
export async function saveGif(trace, theme, delay, onFrame) {
  const count = trace.steps.length + 2;
  if (count > MOST_FRAMES) {
    throw new Error(`an animation holds at most ${MOST_FRAMES} frames, this has ${count}`);
  }
  const placed = layout(trace);
  /** @type {{rgba: Uint8ClampedArray, delay: number}[]} */
  const frames = [];
  let [width, height] = [0, 0];
  for (let number = 0; number < count; number++) {
    onFrame(number + 1, count);
    const canvas = await painted(svg(frame(placed, number), theme), 0.5);
    ({ width, height } = canvas);
    const rgba = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).getImageData(
      0, 0, width, height,
    ).data;
    frames.push({ rgba, delay: number === count - 1 ? LAST_HELD * delay : delay });
  }
  const bytes = encodeGif(width, height, frames);
  save(new Blob([/** @type {BlobPart} */ (bytes)], { type: "image/gif" }), trace, "gif");
}

/** @param {Trace} trace @param {any} start what the page shows first */
export function saveHtml(trace, start) {
  save(new Blob([startingWith(start)], { type: "text/html" }), trace, "html");
}

/** @param {string} text an SVG @param {number} scale */
async function painted(text, scale) {
  const image = new Image();
  const faces = [...document.styleSheets[0].cssRules]
    .filter((rule) => rule instanceof CSSFontFaceRule)
    .map((rule) => rule.cssText);
  const styled = text.replace("<title>", `<style>${faces.join("")}</style><title>`);
  image.src = `data:image/svg+xml,${encodeURIComponent(styled)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.naturalWidth * scale);
  canvas.height = Math.round(image.naturalHeight * scale);
  const context = /** @type {CanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** @param {Blob} blob @param {Trace} trace @param {string} suffix */
function save(blob, trace, suffix) {
  const { input_size, kernel_size, stride } = trace.geometry;
  const sizes = [`i${input_size.join("x")}`, `k${kernel_size.join("x")}`, `s${stride.join("x")}`];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `tconv-${trace.view}-${sizes.join("-")}.${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
