// Finite automata as dense tables { table: [[next state]], accepting: [bool], start }: running, comparing with
// one another and with a network.

import { advance, margin, zeroState } from "./recurrent.js";

// The states that a word passes, the start first.
export function trace({ table, start }, codes) {
  const states = [start];
  for (const code of codes) states.push(table[states.at(-1)][code]);
  return states;
}

export function accepts(machine, codes) {
  return machine.accepting[trace(machine, codes).at(-1)];
}

// A shortest word that exactly one of two automata accepts (the first in the order of the symbols among the
// shortest), as codes; null if there is none. Without `empty`, the empty word does not count. A breadth-first
// search over pairs of states, so the answer is exact.
export function difference(one, other, { empty = true } = {}) {
  const width = other.table.length;
  const root = one.start * width + other.start;
  const cameFrom = new Map([[root, null]]);
  const wordTo = (pair) => {
    const word = [];
    for (let step = cameFrom.get(pair); step !== null; step = cameFrom.get(step.pair)) word.push(step.code);
    return word.reverse();
  };
  const differs = (pair) =>
    one.accepting[Math.floor(pair / width)] !== other.accepting[pair % width];
  if (empty && differs(root)) return [];
  const queue = [root];
  for (const pair of queue) {
    const [a, b] = [Math.floor(pair / width), pair % width];
    for (let code = 0; code < one.table[a].length; code += 1) {
      const next = one.table[a][code] * width + other.table[b][code];
      // The root may be where a word of one symbol or more differs, though the empty one does not count.
      if (differs(next)) return [...wordTo(pair), code];
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, { pair, code });
      queue.push(next);
    }
  }
  return null;
}

// The longest words that a search through all words may try within a number of multiplications.
export function affordable(net, symbols, budget = 2e8) {
  const cost = net.recurrent.rows * net.size + 2 * net.size;
  let length = 0;
  let words = 1;
  for (let total = symbols; total * cost <= budget && words < 5e4; length += 1) {
    words *= symbols;
    total += words * symbols;
    if (symbols === 1 && length >= 200) break;
  }
  return Math.max(1, length);
}

// A shortest word of at most `longest` symbols on which an automaton and a network differ, or null. The
// network knows no states to search over, so all words are tried, shorter ones first.
export function differenceFromNet(machine, net, longest, { empty = true } = {}) {
  const symbols = machine.table[0].length;
  const differs = ({ at, state }) => machine.accepting[at] !== margin(net, state) > 0;
  let level = [{ word: [], at: machine.start, state: zeroState(net) }];
  if (empty && differs(level[0])) return [];
  for (let length = 1; length <= longest; length += 1) {
    const next = [];
    for (const { word, at, state } of level) {
      for (let code = 0; code < symbols; code += 1) {
        const longer = {
          word: [...word, code],
          at: machine.table[at][code],
          state: advance(net, state, code),
        };
        if (differs(longer)) return longer.word;
        next.push(longer);
      }
    }
    level = next;
  }
  return null;
}
