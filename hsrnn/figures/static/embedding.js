// The embedding net of a distillation (hsrnn/coarse/embedder.py, kind "cnn"): convolutions of 3 x 3 with
// ReLU, one linear map, and the vector brought to length 1; similarity to a reference is the cosine.
// Weights are float32, as they were stored; all arithmetic is in float64.

// Arrange decoded weights: `conv.<l>.weight` (out, in * 9) and `linear.weight`, each with its bias.
export function buildEmbedder(weights, { strides }) {
  const layers = strides.map((stride, l) => {
    const { shape, values } = weights[`conv.${l}.weight`];
    return { stride, outputs: shape[0], inputs: shape[1] / 9, weight: values, bias: weights[`conv.${l}.bias`].values };
  });
  return { layers, weight: weights["linear.weight"].values, bias: weights["linear.bias"].values };
}

// One convolution with a border of zeros, then ReLU; maps are { side, values } with the channel first.
function convolve({ side, values }, { stride, inputs, outputs, weight, bias }) {
  const size = Math.floor((side - 1) / stride) + 1;
  const made = new Float64Array(outputs * size * size);
  for (let o = 0; o < outputs; o += 1) {
    const sheet = made.subarray(o * size * size, (o + 1) * size * size).fill(bias[o]);
    for (let i = 0; i < inputs; i += 1) {
      for (let tap = 0; tap < 9; tap += 1) {
        const w = weight[(o * inputs + i) * 9 + tap];
        const [down, across] = [Math.floor(tap / 3) - 1, (tap % 3) - 1];
        for (let row = 0; row < size; row += 1) {
          const from = row * stride + down;
          if (from < 0 || from >= side) continue;
          for (let column = 0; column < size; column += 1) {
            const at = column * stride + across;
            if (at >= 0 && at < side) sheet[row * size + column] += w * values[(i * side + from) * side + at];
          }
        }
      }
    }
  }
  return { side: size, values: made.map((x) => Math.max(0, x)) };
}

// The unit vector of a square picture in [0, 1]; the zero vector stays zero.
export function embed(net, pixels, side) {
  let maps = { side, values: Float64Array.from(pixels) };
  for (const layer of net.layers) maps = convolve(maps, layer);
  const made = Float64Array.from(net.bias, (constant, r) => {
    let sum = constant;
    const start = r * maps.values.length;
    for (let k = 0; k < maps.values.length; k += 1) sum += net.weight[start + k] * maps.values[k];
    return sum;
  });
  const length = Math.max(Math.hypot(...made), 1e-12);
  return made.map((x) => x / length);
}

// For each class the reference most similar to a vector, { best, cosine }; `vectors` holds `count` a class.
export function likest(vector, vectors, count) {
  const size = vector.length;
  const cosines = Array.from({ length: vectors.length / size }, (_, k) =>
    vector.reduce((sum, x, i) => sum + x * vectors[k * size + i], 0),
  );
  return Array.from({ length: cosines.length / count }, (_, c) => {
    const own = cosines.slice(c * count, (c + 1) * count);
    const cosine = Math.max(...own);
    return { best: own.indexOf(cosine), cosine };
  });
}
