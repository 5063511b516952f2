// What a reading of Boundaries amounts to: the letter expected next, the work saved, and both in words.

import { h, percent } from "./kit.js";
import { COPY, FLUSH, UPDATE } from "./hmlstm.js";
import { sign, spoken } from "./alphabet.js";

const SHOWN = 8;
const CONTEXT = 12;

// The most probable symbols after the selected letter, and the one that really came.
export function expectation(steps, codes, symbols, selected) {
  if (steps.length === 0) return [h("p", { class: "hl-heading" }, "Type a letter to begin")];
  const { probabilities } = steps[selected];
  const came = codes[selected + 1];
  const order = symbols.map((_, code) => code).sort((a, b) => probabilities[b] - probabilities[a]);
  const shown = order.slice(0, SHOWN);
  const start = Math.max(0, selected + 1 - CONTEXT);
  const context = codes.slice(start, selected + 1).map((code) => sign(symbols[code]));
  if (start > 0) context.unshift("…");
  const rows = shown.map((code) => {
    const share = 100 * probabilities[code];
    return h(
      "li",
      { class: code === came ? "hl-came" : "" },
      h("span", { class: "hl-symbol" }, sign(symbols[code])),
      h("span", { class: "hl-track" }, h("span", { style: `width:${share}%` })),
      h("span", { class: "hl-value" }, `${share.toFixed(1)} %`),
    );
  });
  let verdict = "The text ends here.";
  if (came !== undefined) {
    const bits = -Math.log2(probabilities[came]);
    const rank = shown.includes(came) ? "" : `, rank ${order.indexOf(came) + 1} of ${symbols.length}`;
    verdict = `What came: ${spoken(symbols[came])}, ${bits.toFixed(2)} bits${rank}.`;
  }
  return [
    h("p", { class: "hl-heading" }, "After ", h("code", {}, context.join("")), " the model expects"),
    h("ol", {}, ...rows),
    h("p", { class: "hl-muted" }, verdict),
  ];
}

// Operations counted by layer, and the share of multiplications that this page left out.
export function savings(steps, layers) {
  const row = (layer, l) => {
    const tally = (kind) => steps.filter((step) => step.operation[l] === kind).length;
    const work = steps.reduce((sum, step) => sum + step.work[l], 0);
    const saved = 1 - work / Math.max(1, layer.denseWork * steps.length);
    const cells = [tally(UPDATE), tally(FLUSH), tally(COPY), percent(steps.length === 0 ? 0 : saved)];
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, `Layer ${l + 1}`),
      ...cells.map((cell) => h("td", {}, `${cell}`)),
    );
  };
  const heads = ["UPDATE", "FLUSH", "COPY", "saved"].map((name) => h("th", { scope: "col" }, name));
  return [
    h("p", { class: "hl-heading" }, "What the boundaries save"),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("td", {}), ...heads)),
      h("tbody", {}, ...layers.map(row).reverse()),
    ),
    h(
      "p",
      { class: "hl-muted" },
      "Saved: multiplications that this page left out, because a layer copied or a gate was closed.",
    ),
  ];
}

// The whole reading in words. `changed[layer][t]` marks what differs from the free run; `touched` says
// whether the reader forced anything at all.
export function describe(steps, bits, changed, touched) {
  if (steps.length === 0) return "No letters yet. The model reads lower-case English.";
  const working = changed.map((_, l) => steps.filter((step) => step.operation[l] !== COPY).length);
  const copied = 1 - working.reduce((a, b) => a + b) / (steps.length * working.length);
  const others = working.slice(1).map((count, l) => `layer ${l + 2} at ${count}`);
  const sentences = [`${steps.length} letters.`];
  if (steps.length > 1) {
    const mean = bits.slice(1).reduce((a, b) => a + b) / (steps.length - 1);
    sentences[0] = `${steps.length} letters, ${mean.toFixed(2)} bits a letter.`;
  }
  sentences.push(
    `Layer 1 works at ${working[0]} of them, ${others.join(", ")}: ${percent(copied)} of all states are copied.`,
  );
  const different = changed.flat().filter(Boolean).length;
  if (different > 0) {
    const first = steps.findIndex((_, t) => changed.some((row) => row[t]));
    sentences.push(`${different} operations differ from the free run, from letter ${first + 1} on.`);
  } else if (touched) {
    sentences.push("No operation differs from the free run.");
  }
  return sentences.join(" ");
}
