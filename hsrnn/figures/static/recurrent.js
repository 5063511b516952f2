// The recurrent networks of hsrnn/automata (Hou and Zhou, arXiv 1810.10708), one symbol at a time: SRN, MGU,
// GRU and LSTM with 0, 1, 2 and 3 gates, and the linear layer that accepts or rejects.
// Weights are float32, as they were stored; all arithmetic is in float64.

// Blocks of rows in weight_ih and weight_hh, and parts of the state (the LSTM has h, then c).
const CELLS = {
  srn: { blocks: 1, parts: 1, step: srn },
  mgu: { blocks: 2, parts: 1, step: mgu },
  gru: { blocks: 3, parts: 1, step: gru },
  lstm: { blocks: 4, parts: 2, step: lstm },
};

// Arrange decoded weights, named as in the state dict of hsrnn.automata.SequenceClassifier. Without an
// embedding, symbols enter as one-hot rows.
export function buildNet(weights, cell) {
  const matrix = (name) => ({
    rows: weights[name].shape[0],
    columns: weights[name].shape[1],
    values: weights[name].values,
  });
  const recurrent = matrix("cell.weight_hh");
  const size = recurrent.columns;
  return {
    cell,
    size,
    input: matrix("cell.weight_ih"),
    inputBias: weights["cell.bias_ih"].values,
    recurrent,
    recurrentBias: weights["cell.bias_hh"]?.values ?? new Float32Array(recurrent.rows),
    embedding: weights["embedding.weight"] === undefined ? null : matrix("embedding.weight"),
    output: matrix("output.weight"),
    outputBias: weights["output.bias"].values,
    projected: new Map(), // code -> the input behind its affine map
  };
}

export function zeroState(net) {
  return new Float64Array(CELLS[net.cell].parts * net.size);
}

// The state after one more symbol; its first net.size entries are the hidden state.
export function advance(net, state, code) {
  return CELLS[net.cell].step(net, state, project(net, code));
}

function project(net, code) {
  const known = net.projected.get(code);
  if (known !== undefined) return known;
  const { columns, values, rows } = net.input;
  const made = Float64Array.from(net.inputBias);
  if (net.embedding === null) for (let r = 0; r < rows; r += 1) made[r] += values[r * columns + code];
  else {
    const width = net.embedding.columns;
    addProduct(made, net.input, net.embedding.values.subarray(code * width, (code + 1) * width), 0, rows);
  }
  net.projected.set(code, made);
  return made;
}

// The logits of "reject" and "accept".
export function logits(net, state) {
  const made = Float64Array.from(net.outputBias);
  addProduct(made, net.output, state, 0, 2);
  return made;
}

// By how much "accept" leads: the network accepts if it is above 0.
export function margin(net, state) {
  const [reject, accept] = logits(net, state);
  return accept - reject;
}

// ---------------------------------------------------------------- arithmetic

const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

// out[r] += matrix[r] . x for rows first <= r < last.
function addProduct(out, { columns, values }, x, first, last) {
  for (let r = first, at = first * columns; r < last; r += 1) {
    let sum = 0;
    for (let k = 0; k < columns; k += 1, at += 1) sum += values[at] * x[k];
    out[r] += sum;
  }
}

// ---------------------------------------------------------------- the cells

function recur(net, state) {
  const made = Float64Array.from(net.recurrentBias);
  addProduct(made, net.recurrent, state, 0, net.recurrent.rows);
  return made;
}

function srn(net, state, x) {
  const u = recur(net, state);
  return u.map((value, i) => Math.tanh(x[i] + value));
}

function mgu(net, state, x) {
  const n = net.size;
  const u = Float64Array.from(net.recurrentBias);
  addProduct(u, net.recurrent, state, 0, n);
  const forget = new Float64Array(n);
  for (let i = 0; i < n; i += 1) forget[i] = sigmoid(x[i] + u[i]);
  const kept = forget.map((value, i) => value * state[i]);
  addProduct(u, net.recurrent, kept, n, 2 * n);
  return forget.map((f, i) => state[i] + f * (Math.tanh(x[n + i] + u[n + i]) - state[i]));
}

function gru(net, state, x) {
  const n = net.size;
  const u = recur(net, state);
  const after = new Float64Array(n);
  for (let i = 0; i < n; i += 1) {
    const reset = sigmoid(x[i] + u[i]);
    const keep = sigmoid(x[n + i] + u[n + i]);
    const fresh = Math.tanh(x[2 * n + i] + reset * u[2 * n + i]);
    after[i] = fresh + keep * (state[i] - fresh);
  }
  return after;
}

function lstm(net, state, x) {
  const n = net.size;
  const u = recur(net, state.subarray(0, n));
  const after = new Float64Array(2 * n);
  for (let i = 0; i < n; i += 1) {
    const enter = sigmoid(x[i] + u[i]);
    const forget = sigmoid(x[n + i] + u[n + i]);
    const fresh = Math.tanh(x[2 * n + i] + u[2 * n + i]);
    const show = sigmoid(x[3 * n + i] + u[3 * n + i]);
    const memory = forget * state[n + i] + enter * fresh;
    after[n + i] = memory;
    after[i] = show * Math.tanh(memory);
  }
  return after;
}

// ---------------------------------------------------------------- a whole word

// Reads a word and keeps the state after every prefix, so that one more symbol costs one step.
export class Walk {
  constructor(net) {
    this.net = net;
    this.codes = [];
    this.states = [zeroState(net)];
  }

  // States (word length + 1), the zero state first.
  read(codes) {
    let kept = 0;
    while (kept < Math.min(codes.length, this.codes.length) && codes[kept] === this.codes[kept]) kept += 1;
    this.states.length = kept + 1;
    for (const code of codes.slice(kept)) this.states.push(advance(this.net, this.states.at(-1), code));
    this.codes = [...codes];
    return this.states;
  }
}
