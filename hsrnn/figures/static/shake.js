// SHAKE-256 (FIPS 202), and the random numbers that the room `sketches` makes from it (hsrnn/sketches/
// streams.py): a page remakes the matrices of a sketch from its seed alone.

const LABEL = "hsrnn.sketches";
const VERSION = 1;
const RATE = 136; // bytes of a block
const MASK = (1n << 64n) - 1n;

const turn = (lane, by) => ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & MASK;

const CONSTANTS = roundConstants();

function roundConstants() {
  let register = 1;
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let j = 0; j < 7; j += 1) {
      if (register & 1) constant ^= 1n << BigInt((1 << j) - 1);
      register = (register << 1) ^ (register & 0x80 ? 0x171 : 0);
    }
    return constant;
  });
}

// Keccak-f[1600] on 25 lanes of 64 bits, lane (x, y) at x + 5 y.
function permute(lanes) {
  for (const constant of CONSTANTS) {
    const columns = [0, 1, 2, 3, 4].map((x) => [0, 5, 10, 15, 20].reduce((sum, y) => sum ^ lanes[x + y], 0n));
    for (let x = 0; x < 5; x += 1) {
      const parity = columns[(x + 4) % 5] ^ turn(columns[(x + 1) % 5], 1);
      for (let y = 0; y < 25; y += 5) lanes[x + y] ^= parity;
    }
    let [x, y] = [1, 0];
    let moved = lanes[1];
    for (let step = 0; step < 24; step += 1) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const held = lanes[x + 5 * y];
      lanes[x + 5 * y] = turn(moved, (((step + 1) * (step + 2)) / 2) % 64);
      moved = held;
    }
    for (let row = 0; row < 25; row += 5) {
      const before = lanes.slice(row, row + 5);
      for (let k = 0; k < 5; k += 1) {
        lanes[row + k] = before[k] ^ (~before[(k + 1) % 5] & MASK & before[(k + 2) % 5]);
      }
    }
    lanes[0] ^= constant;
  }
}

// The first `count` bytes of SHAKE-256 of some bytes.
export function shake256(bytes, count) {
  const padded = new Uint8Array((Math.floor(bytes.length / RATE) + 1) * RATE);
  padded.set(bytes);
  padded[bytes.length] ^= 0x1f;
  padded[padded.length - 1] ^= 0x80;
  const words = new DataView(padded.buffer);
  const lanes = Array(25).fill(0n);
  for (let start = 0; start < padded.length; start += RATE) {
    for (let k = 0; k < RATE / 8; k += 1) lanes[k] ^= words.getBigUint64(start + 8 * k, true);
    permute(lanes);
  }
  const output = new Uint8Array(Math.ceil(count / RATE) * RATE);
  const written = new DataView(output.buffer);
  for (let start = 0; start < output.length; start += RATE) {
    if (start > 0) permute(lanes);
    for (let k = 0; k < RATE / 8; k += 1) written.setBigUint64(start + 8 * k, lanes[k], true);
  }
  return output.slice(0, count);
}

// The bytes that belong to a part of the matrix of a role of a module in a seeded network.
export function stream(seed, module, role, part, count) {
  const name = JSON.stringify([LABEL, VERSION, seed, module, role, part]);
  return shake256(new TextEncoder().encode(name), count);
}

// `count` fair signs, -1 and +1.
export function signs(seed, module, role, part, count) {
  const octets = stream(seed, module, role, part, Math.ceil(count / 8));
  return Int8Array.from({ length: count }, (_, k) => 1 - 2 * ((octets[k >> 3] >> (k & 7)) & 1));
}

// The numbers of the coordinates that are kept when all but `keep` of `dimension` are erased, ascending: the
// first ones, or ones chosen by the seed.
export function keptCoordinates(keep, dimension, how, seed = 0) {
  const all = Array.from({ length: dimension }, (_, k) => k);
  if (how === "prefix") return all.slice(0, keep);
  const words = new DataView(stream(seed, "", "erasure", "order", 8 * dimension).buffer);
  const drawn = all.map((k) => words.getBigUint64(8 * k, true));
  const order = all.sort((a, b) => (drawn[a] < drawn[b] ? -1 : drawn[a] > drawn[b] ? 1 : a - b));
  return order.slice(0, keep).sort((a, b) => a - b);
}
