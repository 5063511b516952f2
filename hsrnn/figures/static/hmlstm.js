// The HM-LSTM with its output module (arXiv 1609.01704, equations 1-11), one step at a time; `step` and
// `Reading` are the character language model on top of it.
// Weights are float32, as they were stored; all arithmetic is in float64. What a boundary makes unnecessary
// is not computed: a layer that COPIES evaluates only the row of its boundary detector.

export const COPY = 0;
export const UPDATE = 1;
export const FLUSH = 2;
export const OPERATIONS = ["COPY", "UPDATE", "FLUSH"];

// ---------------------------------------------------------------- weights

function decodeBase64(text, ArrayType) {
  const binary = atob(text);
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return new ArrayType(bytes.buffer);
}

// Packed weights (hsrnn/figures/weights.py) -> { name: { shape, values: Float32Array } }.
export function decodeWeights(packed) {
  const weights = {};
  for (const [name, array] of Object.entries(packed.arrays)) {
    if (array.kind === "float32") {
      weights[name] = { shape: array.shape, values: decodeBase64(array.values, Float32Array) };
      continue;
    }
    const integers = decodeBase64(array.values, array.kind === "int8" ? Int8Array : Int16Array);
    const scales = decodeBase64(array.scales, Float32Array);
    const columns = array.shape[1];
    const values = new Float32Array(integers.length);
    for (let i = 0; i < integers.length; i += 1) values[i] = integers[i] * scales[Math.floor(i / columns)];
    weights[name] = { shape: array.shape, values };
  }
  return weights;
}

// Arrange decoded weights, named as in the PyTorch state dict, by layer.
export function buildModel(weights, { layerNorm }) {
  const matrix = (name) => ({
    rows: weights[name].shape[0],
    columns: weights[name].shape[1],
    values: weights[name].values,
  });
  const vector = (name) => weights[name].values;
  const layers = [];
  for (let l = 0; weights[`core.cells.${l}.recurrent`] !== undefined; l += 1) {
    const cell = `core.cells.${l}`;
    const top = weights[`core.cells.${l + 1}.recurrent`] === undefined;
    const size = weights[`${cell}.recurrent`].shape[1];
    const layer = {
      size,
      top,
      bias: vector(`${cell}.bias`),
      recurrent: matrix(`${cell}.recurrent`),
      bottomUp: matrix(`${cell}.bottom_up`),
      topDown: top ? null : matrix(`${cell}.top_down`),
      gateNorm: layerNorm && {
        gain: vector(`${cell}.gate_norm.weight`),
        shift: vector(`${cell}.gate_norm.bias`),
      },
      cellNorm: layerNorm && {
        gain: vector(`${cell}.cell_norm.weight`),
        shift: vector(`${cell}.cell_norm.bias`),
      },
      output: matrix(`output.embeddings.${l}`),
    };
    const inputs = size + layer.bottomUp.columns + (top ? 0 : layer.topDown.columns);
    layer.denseWork = layer.recurrent.rows * inputs;
    layers.push(layer);
  }
  return {
    layers,
    embedding: weights["embedding.weight"] === undefined ? null : matrix("embedding.weight"),
    gate: matrix("output.gate.weight"),
    gateBias: vector("output.gate.bias"),
    outputBias: vector("output.bias"),
    softmax: matrix("output.softmax.weight"),
    softmaxBias: vector("output.softmax.bias"),
  };
}

// ---------------------------------------------------------------- arithmetic

const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

// out[r] += matrix[r] . x for rows first <= r < last; returns the number of multiplications.
function addProduct(out, { columns, values }, x, first, last) {
  for (let r = first, at = first * columns; r < last; r += 1) {
    let sum = 0;
    for (let k = 0; k < columns; k += 1, at += 1) sum += values[at] * x[k];
    out[r] += sum;
  }
  return (last - first) * columns;
}

// Layer normalisation of the `size` entries from `first` on, in place (biased variance, epsilon 1e-5).
function normalise(x, { gain, shift }, first, size) {
  let mean = 0;
  for (let k = first; k < first + size; k += 1) mean += x[k];
  mean /= size;
  let variance = 0;
  for (let k = first; k < first + size; k += 1) variance += (x[k] - mean) ** 2;
  const scale = 1 / Math.sqrt(variance / size + 1e-5);
  for (let k = first; k < first + size; k += 1) x[k] = (x[k] - mean) * scale * gain[k] + shift[k];
}

// ---------------------------------------------------------------- one step

export function initialState(model) {
  return {
    h: model.layers.map(({ size }) => new Float64Array(size)),
    c: model.layers.map(({ size }) => new Float64Array(size)),
    z: model.layers.map(() => 0),
  };
}

// Read one input vector. `forced[l]` fixes the boundary of layer l at 0 or 1 (null: as the model decides);
// the top layer has none. Returns the new state { h, c, z } with, per layer, preactivation (s_z; null at the
// top), operation and work (multiplications done), and with the gates and logits of the output module.
export function advance(model, before, input, { topDown = true, forced = [] } = {}) {
  const after = { h: [], c: [], z: [], preactivation: [], operation: [], work: [] };
  let below = input;
  let boundaryBelow = 1;
  model.layers.forEach((layer, l) => {
    const own = before.z[l];
    const operation = own === 1 ? FLUSH : boundaryBelow === 1 ? UPDATE : COPY;
    const s = Float64Array.from(layer.bias);
    const first = operation === COPY ? 4 * layer.size : 0;
    const rows = layer.recurrent.rows;
    let work = addProduct(s, layer.recurrent, before.h[l], first, rows);
    if (boundaryBelow === 1) work += addProduct(s, layer.bottomUp, below, first, rows);
    if (topDown && own === 1) work += addProduct(s, layer.topDown, before.h[l + 1], first, rows);

    const preactivation = layer.top ? null : s[4 * layer.size];
    const decided = layer.top ? 0 : Number(preactivation > 0);
    after.z.push(layer.top ? 0 : (forced[l] ?? decided));
    if (operation === COPY) {
      after.c.push(before.c[l]);
      after.h.push(before.h[l]);
    } else {
      const [h, c] = cell(layer, s, operation === UPDATE ? before.c[l] : null);
      after.c.push(c);
      after.h.push(h);
    }
    after.preactivation.push(preactivation);
    after.operation.push(operation);
    after.work.push(work);
    below = after.h[l];
    boundaryBelow = after.z[l];
  });
  return { ...after, ...predict(model, after.h) };
}

// Read one letter: as `advance`, with the probabilities of the next letter.
export function step(model, before, code, options) {
  const { columns, values } = model.embedding;
  const after = advance(model, before, values.subarray(code * columns, (code + 1) * columns), options);
  return { ...after, probabilities: softmax(after.logits, 1) };
}

// New h and c from the pre-activations, in the order f, i, o, g; `kept` is the old cell, or null under FLUSH.
function cell(layer, s, kept) {
  const n = layer.size;
  if (layer.gateNorm) for (let gate = 0; gate < 4; gate += 1) normalise(s, layer.gateNorm, gate * n, n);
  const c = new Float64Array(n);
  for (let k = 0; k < n; k += 1) {
    c[k] = sigmoid(s[n + k]) * Math.tanh(s[3 * n + k]);
    if (kept !== null) c[k] += sigmoid(s[k]) * kept[k];
  }
  const shown = Float64Array.from(c);
  if (layer.cellNorm) normalise(shown, layer.cellNorm, 0, n);
  const h = new Float64Array(n);
  for (let k = 0; k < n; k += 1) h[k] = sigmoid(s[2 * n + k]) * Math.tanh(shown[k]);
  return [h, c];
}

// The output module: one gate a layer, their gated sum through a ReLU, and a linear map.
function predict(model, h) {
  const all = new Float64Array(model.gate.columns);
  let at = 0;
  for (const each of h) {
    all.set(each, at);
    at += each.length;
  }
  const gates = Float64Array.from(model.gateBias);
  addProduct(gates, model.gate, all, 0, gates.length);
  for (let l = 0; l < gates.length; l += 1) gates[l] = sigmoid(gates[l]);

  const mixed = Float64Array.from(model.outputBias);
  model.layers.forEach((layer, l) => {
    addProduct(
      mixed,
      layer.output,
      h[l].map((value) => gates[l] * value),
      0,
      mixed.length,
    );
  });
  const hidden = mixed.map((value) => Math.max(0, value));
  const logits = Float64Array.from(model.softmaxBias);
  addProduct(logits, model.softmax, hidden, 0, logits.length);
  return { gates, logits };
}

export function softmax(logits, temperature) {
  const highest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = logits.map((logit) => Math.exp((logit - highest) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / total);
}

// ---------------------------------------------------------------- a whole text

// Reads a text and keeps the state after every prefix, so that a change at letter t costs the letters from t
// on. `forced` maps "layer:letter" (layers and letters counted from 0) to 0 or 1.
export class Reading {
  constructor(model) {
    this.model = model;
    this.codes = [];
    this.forced = {};
    this.topDown = true;
    this.steps = [];
  }

  read(codes, { topDown = true, forced = {} } = {}) {
    const layers = this.model.layers.length;
    const choices = (table, t) => Array.from({ length: layers - 1 }, (_, l) => table[`${l}:${t}`] ?? null);
    let kept = 0;
    if (topDown === this.topDown) {
      const sameAt = (t) =>
        codes[t] === this.codes[t] &&
        choices(forced, t).every((choice, l) => choice === choices(this.forced, t)[l]);
      while (kept < Math.min(codes.length, this.steps.length) && sameAt(kept)) kept += 1;
    }
    this.steps.length = kept;
    for (let t = kept; t < codes.length; t += 1) {
      const before = t === 0 ? initialState(this.model) : this.steps[t - 1];
      this.steps.push(step(this.model, before, codes[t], { topDown, forced: choices(forced, t) }));
    }
    this.codes = Array.from(codes);
    this.forced = { ...forced };
    this.topDown = topDown;
    return this.steps;
  }
}
