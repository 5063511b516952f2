// What the figure Sketch memory asks of sketches: the tree scene <- digits <- strokes by least squares, the
// pictures its attributes stand for, sums over many merged sketches, and likeness.

import { Normal, columnsOf, dot } from "./sketching.js";

export const SPARE = 16; // numbers that a structure must leave over before its residual says anything
export const STEPS = { 16: 32767, 8: 127 };

// What storing with so many bits a number leaves of values, and the sd of what it changes in each of them.
export function stored(values, bits) {
  const scale = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / STEPS[bits];
  const rounded = bits === 16 ? values : Float64Array.from(values, (x) => (scale > 0 ? Math.round(x / scale) * scale : 0));
  return { values: rounded, noise: scale / Math.sqrt(12) };
}

// Columns of the largest tree and which of them belong to what. `most` digits, `strokes` a digit.
export function mapOf({ mechanism, most, strokes }) {
  const digits = Array.from({ length: most }, () => ({
    module: "digit",
    inputs: Array.from({ length: strokes }, () => ({ module: "stroke" })),
  }));
  const objects = columnsOf(mechanism, { module: "overall", inputs: [{ module: "scene", inputs: digits }] });
  let start = 0;
  const slots = objects.map(({ module, columns }, k) => {
    const slot = { module, digit: Math.floor(k / (strokes + 1)), start, size: columns.length - 1 };
    start += columns.length;
    return slot;
  });
  return { mechanism, most, columns: objects.flatMap(({ columns }) => columns), slots };
}

export class Reader {
  // `map` is mapOf(data), `kept` the coordinates that are not erased.
  constructor(map, kept) {
    Object.assign(this, { map, kept, normal: new Normal(map.columns, kept), solvers: new Map() });
  }

  // The structure of `count` digits: its columns and their factors; with the markers, or without.
  structure(count, markers) {
    const key = `${count} ${markers}`;
    if (!this.solvers.has(key)) {
      const slots = this.map.slots.filter(({ module, digit }) => module === "scene" || digit < count);
      const used = slots.flatMap(({ start, size }) => Array.from({ length: size + markers }, (_, j) => start + j));
      const factorOf = ({ module }) => (module === "scene" ? 1 : this.map.most / count);
      const factors = slots.flatMap((slot) => Array(slot.size + markers).fill(factorOf(slot)));
      const ends = slots.map(({ start, size }) => start + size);
      this.solvers.set(key, { slots, ends, endFactors: slots.map(factorOf), used, solver: this.normal.solver(used, factors) });
    }
    return this.solvers.get(key);
  }

  // One scene: { count, fits, slots: [{ module, digit, values, error }], left }, or null where nothing is
  // determined. The count is that of the structure which leaves the least, for each number left over.
  read(sketch, noise) {
    const values = Float64Array.from(this.kept, (k) => sketch[k]);
    const fits = [];
    for (let count = 1; count <= this.map.most; count += 1) {
      const { used, ends, endFactors, solver } = this.structure(count, false);
      const spare = this.kept.length - used.length;
      if (solver === null || spare < SPARE) continue;
      const right = values.slice();
      ends.forEach((j, row) => {
        const [column, factor] = [this.normal.columns[j], endFactors[row] * this.normal.lengths[j]];
        for (let k = 0; k < right.length; k += 1) right[k] -= factor * column[k];
      });
      const found = solver.fit(right);
      solver.remade(found).forEach((x, k) => void (right[k] -= x));
      fits.push({ count, found, left: Math.sqrt(dot(right, right) / spare) });
    }
    if (fits.length === 0) return null;
    const best = fits.reduce((a, b) => (b.left < a.left ? b : a));
    const { slots, solver } = this.structure(best.count, false);
    const variances = solver.variances();
    const sd = Math.max(best.left, noise);
    let place = 0;
    const read = slots.map(({ module, digit, size }) => {
      const own = variances.slice(place, place + size);
      const error = sd * Math.sqrt(own.reduce((sum, x) => sum + x, 0) / size);
      const found = [...best.found.slice(place, place + size)];
      place += size;
      return { module, digit, values: found, error };
    });
    return { count: best.count, fits: fits.map(({ count, left }) => ({ count, left })), left: best.left, slots: read };
  }

  // The vector whose inner product with a merged sketch is the sum, over the digits of all merged scenes, of
  // attribute number `attribute` divided by `share`; null where it is not determined.
  sum(attribute, share, scenes) {
    const { used, solver } = this.structure(this.map.most, true);
    if (solver === null) return null;
    const wanted = new Map();
    for (const { module, start } of this.map.slots) {
      if (module === "digit") wanted.set(start + attribute, scenes / share);
    }
    return solver.question(used.map((j) => wanted.get(j) ?? 0));
  }

  // The answer of such a vector on a sketch, and its predicted error.
  answer(question, sketch, noise) {
    return {
      value: this.kept.reduce((sum, k, row) => sum + question[row] * sketch[k], 0),
      error: noise * Math.sqrt(dot(question, question)),
    };
  }

  // Cosines of one sketch with others over what is kept, and the sd that chance alone makes.
  likeness(sketch, others) {
    const { transparency: t, object_factor: factor } = this.map.mechanism;
    const wider = 1 + 2 * ((t * (1 - t)) / (t ** 2 + (1 - t) ** 2)) ** 2;
    const inner = (a, b) => this.kept.reduce((sum, k) => sum + a[k] * b[k], 0);
    const own = Math.sqrt(inner(sketch, sketch));
    const cosines = others.map((other) => inner(sketch, other) / (own * Math.sqrt(inner(other, other))));
    return { cosines, error: wider ** ((1 + Number(factor)) / 2) / Math.sqrt(this.kept.length) };
  }
}

// ---------------------------------------------------------------- pictures

function linear({ weight, bias }, x) {
  const columns = weight.shape[1];
  return Array.from(bias.values, (b, row) => {
    let sum = b;
    for (let k = 0; k < columns; k += 1) sum += weight.values[row * columns + k] * x[k];
    return sum;
  });
}

const layer = (weights, name) => ({ weight: weights[`${name}.weight`], bias: weights[`${name}.bias`] });
const bounded = (x) => Math.min(1, Math.max(0, x));

// A window of size x size points in [0, 1] from a digit's attributes, by the digit module's own decoder.
export function pictureOfDigit(weights, values, { classes, shares }) {
  const code = values.slice(0, -2).map((x, k) => x / shares[k < classes ? 0 : 1]);
  const hidden = linear(layer(weights, "digit.decode.0"), code).map((x) => Math.max(0, x));
  return linear(layer(weights, "digit.decode.2"), hidden).map(bounded);
}

// The same from the attributes of its four strokes: upper left, upper right, lower left, lower right.
export function pictureOfStrokes(weights, strokes, { window: size }) {
  const half = size / 2;
  const picture = Array(size * size).fill(0);
  strokes.forEach((values, quarter) => {
    linear(layer(weights, "stroke.decode"), values).forEach((x, k) => {
      const row = half * Math.floor(quarter / 2) + Math.floor(k / half);
      picture[row * size + half * (quarter % 2) + (k % half)] = bounded(x);
    });
  });
  return picture;
}

// Windows put where the attributes say they lie, the darker point counting.
export function paint(windows, places, { canvas, window: size }) {
  const points = Array(canvas * canvas).fill(0);
  windows.forEach((picture, k) => {
    const [top, left] = places[k].map((share) => Math.round(bounded(share) * (canvas - size)));
    picture.forEach((x, at) => {
      const place = (top + Math.floor(at / size)) * canvas + left + (at % size);
      points[place] = Math.max(points[place], x);
    });
  });
  return points;
}
