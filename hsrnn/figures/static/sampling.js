// Random numbers that depend on a seed and a position only, so that a continuation can be repeated and
// shared.

// A number in [0, 1) from two integers (the mulberry32 mixing of their combination).
export function uniform(seed, position) {
  let mixed = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(position + 1, 0x85ebca6b)) >>> 0;
  mixed = (mixed + 0x6d2b79f5) >>> 0;
  let value = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
  return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
}

// The index that a uniform number picks from probabilities.
export function pick(probabilities, number) {
  let sum = 0;
  for (let index = 0; index < probabilities.length; index += 1) {
    sum += probabilities[index];
    if (number < sum) return index;
  }
  return probabilities.length - 1;
}
