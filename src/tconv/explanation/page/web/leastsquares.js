/** The least-squares solution of least norm, by the singular values of a small matrix. */

const SWEEPS = 60;

/**
 * Solve A·x ≈ b; also tell the rank of A.
 *
 * Jacobi's one-sided rotations make the columns of A (or of its transpose, where that has fewer)
 * orthogonal: their lengths are then the singular values. Those below rounding count as zero.
 * @param {readonly number[]} matrix row by row
 * @param {number} rows
 * @param {number} columns
 * @param {readonly number[]} b
 * @returns {{x: number[], rank: number}}
 */
export function leastSquares(matrix, rows, columns, b) {
  const wide = columns > rows;
  const [length, number] = wide ? [columns, rows] : [rows, columns];
  const vectors = Array.from({ length: number }, (_, j) =>
    Float64Array.from({ length }, (_, i) => matrix[wide ? j * columns + i : i * columns + j]),
  );
  const turns = Array.from({ length: number }, (_, j) =>
    Float64Array.from({ length: number }, (_, i) => (i === j ? 1 : 0)),
  );
  orthogonalise(vectors, turns);
  const squares = vectors.map((vector) => dot(vector, vector));
  const least = (Number.EPSILON * length) ** 2 * Math.max(...squares);
  const kept = squares.map((_, j) => j).filter((j) => squares[j] > least);
  const x = new Float64Array(columns);
  for (const j of kept) {
    const [seen, back] = wide ? [turns[j], vectors[j]] : [vectors[j], turns[j]];
    const share = dot(seen, b) / squares[j];
    for (let i = 0; i < columns; i++) x[i] += share * back[i];
  }
  return { x: [...x], rank: kept.length };
}

/**
 * @param {Float64Array[]} vectors
 * @param {Float64Array[]} turns turned alike
 */
function orthogonalise(vectors, turns) {
  for (let sweep = 0, turned = true; turned && sweep < SWEEPS; sweep++) {
    turned = false;
    for (let p = 0; p < vectors.length; p++) {
      for (let q = p + 1; q < vectors.length; q++) {
        const both = dot(vectors[p], vectors[q]);
        const [one, two] = [dot(vectors[p], vectors[p]), dot(vectors[q], vectors[q])];
        if (Math.abs(both) <= Number.EPSILON * Math.sqrt(one * two)) continue;
        turned = true;
        const half = (two - one) / (2 * both);
        const t = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.hypot(1, half));
        const cosine = 1 / Math.hypot(1, t);
        rotate(vectors[p], vectors[q], cosine, cosine * t);
        rotate(turns[p], turns[q], cosine, cosine * t);
      }
    }
  }
}

/**
 * @param {Float64Array} one
 * @param {Float64Array} two
 * @param {number} cosine
 * @param {number} sine
 */
function rotate(one, two, cosine, sine) {
  for (let i = 0; i < one.length; i++) {
    const [a, b] = [one[i], two[i]];
    one[i] = cosine * a - sine * b;
    two[i] = sine * a + cosine * b;
  }
}

/**
 * @param {ArrayLike<number>} one
 * @param {ArrayLike<number>} two
 */
function dot(one, two) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i] * two[i];
  return sum;
}
