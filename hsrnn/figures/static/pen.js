// The pen of an HM-LSTM that writes: a density over its next movement, and lines drawn from it.
// As hsrnn/hmrnn/mixture.py (Graves, arXiv 1308.0850, section 4.1; Chung, Ahn and Bengio 2017, section 4.2).
// A row is [dx, dy, pen], standardised; pen is 1 where a pen stroke ends.

import { advance, initialState } from "./hmlstm.js";
import { pick, uniform } from "./sampling.js";

const LARGEST_CORRELATION = 0.999;
const BEFORE_LINE = [0, 0, 1];

const softplus = (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

function logSumExp(values) {
  const highest = Math.max(...values);
  return highest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - highest), 0));
}

// The 6 K + 1 outputs as K Gaussians, each { logWeight, x, y, sx, sy, r }, and the logit of the pen.
export function mixtureOf(outputs, smallestScale) {
  const count = (outputs.length - 1) / 6;
  const column = (place, k) => outputs[place * count + k];
  const all = logSumExp(Array.from(outputs.slice(0, count)));
  const components = Array.from({ length: count }, (_, k) => ({
    logWeight: column(0, k) - all,
    x: column(1, k),
    y: column(2, k),
    sx: softplus(column(3, k)) + smallestScale,
    sy: softplus(column(4, k)) + smallestScale,
    r: LARGEST_CORRELATION * Math.tanh(column(5, k)),
  }));
  return { components, pen: outputs[6 * count] };
}

// Tidier, less varied writing: scales times exp(-sharpness), weights to the power 1 + sharpness.
export function sharpened({ components, pen }, sharpness) {
  const powers = components.map(({ logWeight }) => logWeight * (1 + sharpness));
  const all = logSumExp(powers);
  const shrink = Math.exp(-sharpness);
  const sharp = components.map((each, k) => ({
    ...each,
    logWeight: powers[k] - all,
    sx: each.sx * shrink,
    sy: each.sy * shrink,
  }));
  return { components: sharp, pen };
}

// The log density of a row, in nats.
export function logDensity({ components, pen }, [dx, dy, up]) {
  const terms = components.map(({ logWeight, x, y, sx, sy, r }) => {
    const [u, v, rest] = [(dx - x) / sx, (dy - y) / sy, (1 - r) * (1 + r)];
    const squares = u * u + (v - r * u) ** 2 / rest;
    return logWeight - 0.5 * squares - Math.log(sx * sy) - 0.5 * Math.log(rest) - Math.log(2 * Math.PI);
  });
  return logSumExp(terms) + up * pen - softplus(pen);
}

// The row that four numbers draw: uniform for the component, two normal for the place, uniform for the pen.
export function place({ components, pen }, [which, first, second, up]) {
  const weights = components.map(({ logWeight }) => Math.exp(logWeight));
  const { x, y, sx, sy, r } = components[pick(weights, which)];
  const turned = r * first + Math.sqrt((1 - r) * (1 + r)) * second;
  return [x + sx * first, y + sy * turned, Number(up < sigmoid(pen))];
}

// The four numbers of row t, of a seed and t only; normal ones by Box and Muller's method.
export function numbersOf(seed, t) {
  const [which, radius, angle, up] = [0, 1, 2, 3].map((k) => uniform(seed, 4 * t + k));
  const far = Math.sqrt(-2 * Math.log1p(-radius));
  return [which, far * Math.cos(2 * Math.PI * angle), far * Math.sin(2 * Math.PI * angle), up];
}

// Write a line of `longest` rows: one step a row, each { row, nats, z, operation, work, density }. `density` is
// what the row was drawn from, `nats` how likely it was before that was sharpened; z, operation and work are
// what the network did when it had read the row. `numbers(t)` gives the four numbers of row t.
export function writeLine(model, { sharpness, smallestScale, longest, numbers }) {
  let state = advance(model, initialState(model), BEFORE_LINE);
  const steps = [];
  while (steps.length < longest) {
    const learned = mixtureOf(state.logits, smallestScale);
    const density = sharpened(learned, sharpness);
    const row = place(density, numbers(steps.length));
    state = advance(model, state, row);
    const { z, operation, work } = state;
    steps.push({ row, nats: logDensity(learned, row), z, operation, work, density });
  }
  return steps;
}
