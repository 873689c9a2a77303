/**
 * A picture enlarged by the layer on screen, so that its checkerboard can be seen.
 *
 * @typedef {{width: number, height: number, data: Float64Array}} Plane
 * @typedef {{stride: number, dilation: number, effectiveKernel: number, cropStart: number,
 *   cropEnd: number, phases?: number, taps: (phase: number) => Iterable<number>}} PictureAxis
 */

/**
 * One plane through a transposed convolution of two axes.
 * @param {Plane} plane @param {PictureAxis[]} axes down and across
 * @param {number[][]} kernel
 * @returns {Plane}
 */
export function enlarge(plane, axes, kernel) {
  const [down, across] = axes;
  const height = enlarged(plane.height, down);
  const width = enlarged(plane.width, across);
  const data = new Float64Array(width * height);
  for (let i = 0; i < plane.height; i++) {
    for (let k = 0; k < kernel.length; k++) {
      const row = i * down.stride + k * down.dilation - down.cropStart;
      if (row < 0 || row >= height) continue;
      for (let j = 0; j < plane.width; j++) {
        const value = plane.data[i * plane.width + j];
        for (let l = 0; l < kernel[k].length; l++) {
          const column = j * across.stride + l * across.dilation - across.cropStart;
          if (column < 0 || column >= width) continue;
          data[row * width + column] += value * kernel[k][l];
        }
      }
    }
  }
  return { width, height, data };
}

/** @param {number} size @param {PictureAxis} axis */
function enlarged(size, axis) {
  const full = (size - 1) * axis.stride + axis.effectiveKernel;
  return Math.max(full - axis.cropStart - axis.cropEnd, 1);
}

/**
 * What each phase makes of a constant one: the sum of its taps.
 * @param {PictureAxis[]} axes @param {number[][]} kernel
 * @returns {number[][]}
 */
export function gains(axes, kernel) {
  const [down, across] = axes;
  return range(down.phases ?? down.stride).map((r) =>
    range(across.phases ?? across.stride).map((q) => {
      let sum = 0;
      for (const k of down.taps(r)) for (const l of across.taps(q)) sum += kernel[k][l];
      return sum;
    }),
  );
}

/** @param {number} size */
const range = (size) => Array.from({ length: size }, (_, index) => index);
