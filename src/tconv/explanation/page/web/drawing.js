/** Drawings: from a trace to a scene, and from scenes to pictures; the twin of tconv.explanation.drawing. */

export { layout } from "./drawing/layout.js";
export { cellBox, frame } from "./drawing/scene.js";
export { film, svg } from "./drawing/svg.js";
