// Regions of a picture that merge: maps, borders, proposals and their acceptance, equal to hsrnn/evolving
// (superpixels.py, graph.py, proposals.py, acceptance.py). Edges carry log odds, log(p / (1 - p)).

import { uniform } from "./sampling.js";

// The opposite of run lengths [value, times, value, times, ...].
export function unrolled(runs) {
  let length = 0;
  for (let k = 1; k < runs.length; k += 2) length += runs[k];
  const values = new Int32Array(length);
  for (let k = 0, at = 0; k < runs.length; at += runs[k + 1], k += 2) values.fill(runs[k], at, at + runs[k + 1]);
  return values;
}

// Every pair of regions that share a border of pixels, once, smaller number first, in growing order.
export function edgesOf(map, width) {
  const count = 1 + map.reduce((most, region) => Math.max(most, region), 0);
  const codes = new Set();
  const join = (a, b) => void (a !== b && codes.add(Math.min(a, b) * count + Math.max(a, b)));
  for (let k = 0; k < map.length; k += 1) {
    if ((k + 1) % width !== 0) join(map[k], map[k + 1]);
    if (k + width < map.length) join(map[k], map[k + width]);
  }
  return [...codes].sort((a, b) => a - b).map((code) => [Math.floor(code / count), code % count]);
}

// Pixels, mean row and mean column of every region.
export function placesOf(map, width, count) {
  const found = Array.from({ length: count }, () => ({ pixels: 0, row: 0, column: 0 }));
  map.forEach((region, k) => {
    const place = found[region];
    place.pixels += 1;
    place.row += Math.floor(k / width);
    place.column += k % width;
  });
  return found.map(({ pixels, row, column }) => ({ pixels, row: row / pixels, column: column / pixels }));
}

// The number of the connected component of each node, in the order of their smallest nodes.
export function components(nodes, edges) {
  const above = Array.from({ length: nodes }, (_, node) => node);
  const root = (node) => {
    while (above[node] !== node) node = above[node] = above[above[node]];
    return node;
  };
  for (const [a, b] of edges) {
    const [low, high] = [root(a), root(b)].sort((x, y) => x - y);
    above[high] = low; // so the root is the smallest node
  }
  const numbers = new Map();
  return above.map((_, node) => {
    const own = root(node);
    if (!numbers.has(own)) numbers.set(own, numbers.size);
    return numbers.get(own);
  });
}

// The levels of a picture: each with its map, places, edges and log odds, and, but for the last, the groups
// that its regions go to and the proposals on the way; `members` are the regions of the level below.
export function levelsOf({ width, regions, groups, log_odds: odds, proposals }) {
  let map = unrolled(regions);
  let members = null;
  return Array.from({ length: groups.length + 1 }, (_, level) => {
    const nodes = 1 + map.reduce((most, region) => Math.max(most, region), 0);
    const found = {
      map, nodes, members, places: placesOf(map, width, nodes), edges: edgesOf(map, width),
      odds: odds[level] ?? null, groups: groups[level] ?? null, proposals: proposals[level] ?? [],
    };
    if (found.groups !== null) {
      members = Array.from({ length: 1 + Math.max(...found.groups) }, () => []);
      found.groups.forEach((group, node) => members[group].push(node));
      map = map.map((region) => found.groups[region]);
    }
    return found;
  });
}

// The matching that takes allowed edges by decreasing priority, each node at most once; of equal priorities
// the earlier edge is first. Returns numbers of edges.
export function match(nodes, edges, allowed, priority) {
  const free = Array(nodes).fill(true);
  const order = edges.map((_, e) => e).filter((e) => allowed[e]);
  order.sort((a, b) => priority[b] - priority[a] || a - b);
  const taken = order.filter((e) => {
    const [a, b] = edges[e];
    if (!free[a] || !free[b]) return false;
    free[a] = free[b] = false;
    return true;
  });
  return taken.sort((a, b) => a - b);
}

export function probability(odds) {
  return 1 / (1 + Math.exp(-odds));
}

// The edges that a proposal of kind "matching" or "bernoulli" chooses, by the random numbers of `seed`: one
// coin for every edge, then one place in the order for every edge.
export function draw(kind, { nodes, edges, odds }, seed) {
  const sampled = odds.map((each, e) => uniform(seed, e) < probability(each));
  if (kind === "bernoulli") return sampled.flatMap((yes, e) => (yes ? [e] : []));
  return match(nodes, edges, sampled, odds.map((_, e) => uniform(seed, edges.length + e)));
}

// What choosing these edges would do: the groups, the edges that vanish within them, chosen or not, and the
// log of the transition factor in each of the four readings.
export function outcome({ nodes, edges, odds }, chosen) {
  const groups = components(nodes, chosen.map((e) => edges[e]));
  const gone = edges.flatMap(([a, b], e) => (groups[a] === groups[b] ? [e] : []));
  const sum = (each) => gone.reduce((total, e) => total + each(odds[e]), 0);
  const logs = {
    normalised: sum((x) => x) / Math.max(1, gone.length),
    inverse: sum((x) => softplus(x)),
    product: sum((x) => -softplus(-x)),
    always: 0,
  };
  return { groups, gone, logs, left: 1 + Math.max(...groups) };
}

// log(1 + exp(x)), which is -log(1 - p) of log odds x.
function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

// The share of labelled pixels that have the majority label of their region.
export function purity(map, labels) {
  const counts = new Map();
  let known = 0;
  labels.forEach((label, k) => {
    if (label < 0) return;
    known += 1;
    if (!counts.has(map[k])) counts.set(map[k], new Map());
    const own = counts.get(map[k]);
    own.set(label, (own.get(label) ?? 0) + 1);
  });
  let right = 0;
  for (const own of counts.values()) right += Math.max(...own.values());
  return right / known;
}
