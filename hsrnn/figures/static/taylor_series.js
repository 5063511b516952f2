// A TaylorNet of quadratic steps (hsrnn/coarse/taylornet.py) run on a power series in place of a picture, as
// hsrnn/coarse/orders.py does: every number in it is a row of coefficients, and the coefficient of t^k in a
// logit is the logit's part of order k. Disjoint blocks share the weights of their level. Only the linear
// head sees all sites of the last level, so no term joins two of them: each part also belongs to one site.

// Arrange decoded weights, `level.<l>.bias|linear|pairs` and `head.weight|bias`, by level.
export function buildTaylorNet(weights, { block, lattice }) {
  const levels = [];
  for (let l = 0; weights[`level.${l}.bias`] !== undefined; l += 1) {
    const [linear, pairs] = [weights[`level.${l}.linear`], weights[`level.${l}.pairs`]];
    const bias = weights[`level.${l}.bias`].values;
    levels.push({ inputs: linear.shape[0], outputs: bias.length, bias, linear: linear.values, pairs: pairs.values });
  }
  const head = { weight: weights["head.weight"].values, bias: weights["head.bias"].values };
  return { levels, block, lattice, head, sites: (lattice / block ** levels.length) ** 2 };
}

// One level on maps, which are { side, channels, terms }: for each power the numbers (row, column, channel) of
// all sites. Without `square` the level keeps only its constant and linear part.
function coarser(maps, level, block, square) {
  const side = maps.side / block;
  const powers = square ? 2 * maps.terms.length - 1 : maps.terms.length;
  const made = Array.from({ length: powers }, () => new Float64Array(side * side * level.outputs));
  const u = maps.terms.map(() => new Float64Array(level.inputs));
  const slope = new Float64Array(level.inputs * level.outputs);
  for (let site = 0; site < side * side; site += 1) {
    gather(u, maps, block, Math.floor(site / side), site % side);
    const y = made.map((term) => term.subarray(site * level.outputs, (site + 1) * level.outputs));
    y[0].set(level.bias);
    u.forEach((numbers, p) => addProduct(y[p], numbers, level.linear));
    if (!square) continue;
    u.forEach((numbers, p) => {
      if (numbers.every((x) => x === 0)) return;
      slopeOf(slope, numbers, level);
      u.forEach((others, q) => addProduct(y[p + q], others, slope));
    });
  }
  return { side, channels: level.outputs, terms: made };
}

// The numbers of one block side by side, in the order (row, column, channel), for every power.
function gather(u, { side, channels, terms }, block, row, column) {
  for (let down = 0; down < block; down += 1) {
    const start = ((row * block + down) * side + column * block) * channels;
    terms.forEach((term, p) => u[p].set(term.subarray(start, start + block * channels), down * block * channels));
  }
}

// y += numbers @ matrix, rows of the matrix as long as y.
function addProduct(y, numbers, matrix) {
  for (let i = 0; i < numbers.length; i += 1) {
    if (numbers[i] === 0) continue;
    for (let k = 0, at = i * y.length; k < y.length; k += 1, at += 1) y[k] += numbers[i] * matrix[at];
  }
}

// W2 u: for each i the sum over j >= i of W2[i, j] u_j; the pairs are stored row by row with i <= j.
function slopeOf(slope, numbers, { inputs, outputs, pairs }) {
  slope.fill(0);
  for (let i = 0, at = 0; i < inputs; i += 1) {
    for (let j = i; j < inputs; j += 1, at += outputs) {
      if (numbers[j] === 0) continue;
      for (let k = 0; k < outputs; k += 1) slope[i * outputs + k] += pairs[at + k] * numbers[j];
    }
  }
}

// Every logit as parts[order][site][class]; with `bias`, they add up to the logits. `pixels` is a list of
// numbers, `side` to a row, as the network takes them; `straight` holds the levels without their squares.
export function split(net, pixels, side, straight = []) {
  const { levels, block, lattice, head, sites } = net;
  const first = new Float64Array(lattice * lattice);
  const margin = Math.floor((lattice - side) / 2);
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      first[(row + margin) * lattice + column + margin] = pixels[row * side + column];
    }
  }
  let maps = { side: lattice, channels: 1, terms: [new Float64Array(lattice * lattice), first] };
  levels.forEach((level, l) => (maps = coarser(maps, level, block, !straight.includes(l))));
  const wide = sites * maps.channels;
  const parts = maps.terms.map((term) =>
    Array.from({ length: sites }, (_, site) =>
      Float64Array.from(head.bias, (_, c) => {
        let sum = 0;
        for (let k = site * maps.channels; k < (site + 1) * maps.channels; k += 1) {
          sum += head.weight[c * wide + k] * term[k];
        }
        return sum;
      }),
    ),
  );
  return { parts, bias: Float64Array.from(head.bias) };
}

// What each order adds to each class, [order][class], when the pixels of some sites are blank (`out`): what is
// left of such a site is its constant.
export function orders({ parts, bias }, out = []) {
  return parts.map((sites, k) =>
    bias.map((constant, c) =>
      sites.reduce((sum, site, r) => sum + (k > 0 && out.includes(r) ? 0 : site[c]), k === 0 ? constant : 0),
    ),
  );
}

// Sums over the orders that are not `off`: the logits that are left.
export function logits(rows, off = []) {
  return rows[0].map((_, c) => rows.reduce((sum, row, k) => sum + (off.includes(k) ? 0 : row[c]), 0));
}
