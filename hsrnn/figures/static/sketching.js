// Recursive sketches (hsrnn/sketches): what each number of a known tree adds to the sketch, from the seed
// alone, and the tree's numbers back by least squares, with the error that noise on the sketch makes.

import { signs } from "./shake.js";

// ---------------------------------------------------------------- matrices

// The orthonormal Walsh-Hadamard transform, in place.
export function walshHadamard(x) {
  const d = x.length;
  for (let half = 1; half < d; half *= 2) {
    for (let start = 0; start < d; start += 2 * half) {
      for (let k = start; k < start + half; k += 1) {
        const [a, b] = [x[k], x[k + half]];
        x[k] = a + b;
        x[k + half] = a - b;
      }
    }
  }
  const scale = 1 / Math.sqrt(d);
  for (let k = 0; k < d; k += 1) x[k] *= scale;
}

// The matrices of a mechanism (its JSON) as functions on vectors: apply(module, role, x) changes x into R x,
// mix(module, role, x) into T(R) x.
export function matricesOf({ seed, dimension, family, transparency }) {
  const known = new Map();
  function apply(module, role, x) {
    const key = `${module}\n${role}`;
    if (!known.has(key)) {
      const rounds = Array.from({ length: family.rounds }, (_, k) => signs(seed, module, role, `round ${k}`, dimension));
      known.set(key, rounds);
    }
    for (const flips of known.get(key)) {
      for (let k = 0; k < dimension; k += 1) x[k] *= flips[k];
      walshHadamard(x);
    }
  }
  function mix(module, role, x) {
    const turned = x.slice();
    apply(module, role, turned);
    for (let k = 0; k < dimension; k += 1) x[k] = transparency * x[k] + (1 - transparency) * turned[k];
  }
  return { apply, mix };
}

// ---------------------------------------------------------------- the map of a tree

// What each number of each object adds to the sketch: [{ module, columns }], inputs before what uses them;
// the columns of an object are those of its attributes, then that of its marker. A tree is
// { module, inputs }; all inputs of an object have equal weights.
export function columnsOf(mechanism, tree) {
  const { apply, mix } = matricesOf(mechanism);
  const scaled = (x, factor) => {
    for (let k = 0; k < x.length; k += 1) x[k] *= factor;
  };
  function own(module) {
    const size = mechanism.modules[module] ?? -1; // the pseudo-object has nothing of its own
    return Array.from({ length: size + 1 }, (_, j) => {
      const x = new Float64Array(mechanism.dimension);
      x[j < size ? j : 0] = j < size ? mechanism.attribute_share : mechanism.marker_share;
      apply(module, j < size ? "attributes" : "marker", x);
      mix("", "position 1", x);
      scaled(x, mechanism.attribute_weight);
      return x;
    });
  }
  function walk({ module, inputs = [] }) {
    const parts = inputs.flatMap((input, k) => {
      const below = walk(input);
      for (const x of below.flatMap(({ columns }) => columns)) {
        mix("", `position ${k + 1}`, x);
        mix("", "position 2", x);
        scaled(x, mechanism.input_weight / inputs.length);
      }
      return below;
    });
    const all = [...parts, { module, columns: own(module) }];
    if (mechanism.object_factor) for (const x of all.flatMap(({ columns }) => columns)) mix(module, "object", x);
    return all;
  }
  return walk(tree).filter(({ columns }) => columns.length > 0);
}

// ---------------------------------------------------------------- least squares

// Inner products of columns over the kept coordinates, and what is needed to solve for any subset of them.
export class Normal {
  constructor(columns, kept) {
    this.kept = kept;
    this.columns = columns.map((column) => Float64Array.from(kept, (k) => column[k]));
    this.lengths = this.columns.map((x) => Math.sqrt(dot(x, x)) || 1);
    for (const [j, x] of this.columns.entries()) for (let k = 0; k < x.length; k += 1) x[k] /= this.lengths[j];
    this.gram = this.columns.map((x, i) => Float64Array.from({ length: i + 1 }, (_, j) => dot(x, this.columns[j])));
  }

  // A solver for the columns numbered `used`, each multiplied by its factor; null where they are not
  // determined. solve(right) gives the numbers of columns for X^T s; variances() is what unit noise on the
  // sketch does to each.
  solver(used, factors) {
    if (used.length > this.kept.length) return null;
    const lower = cholesky(used.map((i, row) => used.slice(0, row + 1).map((j) => this.gram[Math.max(i, j)][Math.min(i, j)])));
    if (lower === null) return null;
    const scale = used.map((j, row) => 1 / (this.lengths[j] * factors[row]));
    const back = (right) => backward(lower, forward(lower, right));
    // The numbers whose columns make up the values best.
    const fit = (values) => back(used.map((j) => dot(this.columns[j], values))).map((x, row) => x * scale[row]);
    const remade = (x) => this.combine(used, x.map((each, row) => each / scale[row]));
    function variances() {
      return used.map((_, row) => {
        const unit = new Float64Array(used.length);
        unit[row] = scale[row];
        const half = forward(lower, unit);
        return dot(half, half);
      });
    }
    // The vector whose inner product with a sketch answers a question: sum over numbers of weight x number.
    const question = (weights) => this.combine(used, back(weights.map((each, row) => each * scale[row])));
    return { fit, remade, variances, question };
  }

  combine(used, amounts) {
    const sum = new Float64Array(this.kept.length);
    used.forEach((j, row) => {
      const [column, amount] = [this.columns[j], amounts[row]];
      for (let k = 0; k < sum.length; k += 1) sum[k] += amount * column[k];
    });
    return sum;
  }
}

export function dot(x, y) {
  let sum = 0;
  for (let k = 0; k < x.length; k += 1) sum += x[k] * y[k];
  return sum;
}

// The lower triangle L of L L^T, or null where the matrix is not positive definite.
function cholesky(rows) {
  const lower = rows.map((row) => Float64Array.from(row));
  for (let i = 0; i < lower.length; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      const [a, b] = [lower[i], lower[j]];
      let sum = a[j];
      for (let k = 0; k < j; k += 1) sum -= a[k] * b[k];
      if (i === j && sum < 1e-13) return null;
      a[j] = i === j ? Math.sqrt(sum) : sum / b[j];
    }
  }
  return lower;
}

function forward(lower, right) {
  const x = Float64Array.from(right);
  lower.forEach((row, i) => {
    for (let k = 0; k < i; k += 1) x[i] -= row[k] * x[k];
    x[i] /= row[i];
  });
  return x;
}

function backward(lower, right) {
  const x = Float64Array.from(right);
  for (let i = x.length - 1; i >= 0; i -= 1) {
    x[i] /= lower[i][i];
    for (let k = 0; k < i; k += 1) x[k] -= lower[i][k] * x[i];
  }
  return x;
}
