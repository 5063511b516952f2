// Boundaries: a small HM-LSTM reads the reader's text in the page and shows what each layer does at each letter.

import { button, clamp, h, openFigure, percent, prefersStillness, s, slider, textBox, toggle } from "./kit.js";
import { COPY, Reading, buildModel, decodeWeights, softmax } from "./hmlstm.js";
import { encode, sign, spoken } from "./alphabet.js";
import { pick, uniform } from "./sampling.js";
import { letterGrid } from "./letter_grid.js";
import { segmentTree } from "./segments.js";

const LONGEST = 600;
const CONTINUATION = 60;
const SHOWN_PROBABILITIES = 8;
const TREE = 58;
const STRIP = 16;

function render({ model: widget, el }) {
  const { weights, symbols, layerNorm } = widget.get("data");
  const model = buildModel(decodeWeights(weights), { layerNorm });
  const layers = model.layers.length;
  const reading = new Reading(model);
  const freeReading = new Reading(model);
  let typing = null;

  const figure = openFigure({ model: widget, el }, { draw, clean });
  const { stage, set, state } = figure;

  // ---- what the reader handles
  const box = textBox({
    label: "Type or paste text", rows: 3, maxLength: LONGEST,
    onInput: (text) => (stopTyping(), set({ text, forced: {}, selected: null })),
  });
  const go = button("Continue the text", () => (typing === null ? startTyping() : stopTyping()), { class: "hl-button hl-main" });
  const temperature = slider({
    label: "Temperature", min: 0.2, max: 1.5, step: 0.1, show: (value) => value.toFixed(1),
    onInput: (value) => set({ temperature: value }),
  });
  const seed = h("input", {
    type: "number", class: "hl-seed", min: 0, max: 9999, "aria-label": "Seed",
    onchange: () => set({ seed: clamp(Math.round(Number(seed.value)) || 0, 0, 9999) }),
  });
  const topDown = toggle("Top-down connection", (on) => set({ topDown: on }));
  const free = button("Free all boundaries", () => set({ forced: {} }));
  const pinned = h("span", { class: "hl-pinned", "aria-hidden": "true" });

  // ---- what the figure shows
  const grid = letterGrid({ layers, onSelect: (t) => set({ selected: t }), onForce: force });
  const tree = s("svg", { height: TREE, "aria-hidden": "true" });
  const strips = s("svg", { height: STRIP * (layers + 1) + 14, "aria-hidden": "true" });
  const names = grid.rows.map((row) => h("span", { class: row.className }, row.getAttribute("aria-label")));
  const gateNames = model.layers.map((_, l) => h("span", { class: "hl-strip" }, `gate ${layers - l}`));
  const labels = h(
    "div", { class: "hl-names", "aria-hidden": "true" },
    h("span", { class: "hl-tree-name" }, "segments"), ...names, h("span", { class: "hl-strip hl-bits" }, "surprise"),
    ...gateNames,
  );
  const band = h("div", { class: "hl-band" });
  const sheet = h("div", { class: "hl-sheet" }, band, tree,
    h("div", { class: "hl-grid", role: "grid", "aria-label": "Operations, one row a layer, one column a letter" }, ...grid.rows),
    strips);
  const scroller = h("div", { class: "hl-scroller" }, sheet);
  const next = h("div", { class: "hl-next" });
  const counts = h("div", { class: "hl-counts" });
  stage.append(
    box.el,
    h("div", { class: "hl-bar" }, go, temperature.el, h("label", { class: "hl-seed-label" }, "Seed ", seed), topDown.el),
    legend(),
    h("div", { class: "hl-panorama" }, labels, scroller),
    h("div", { class: "hl-bar hl-hint" },
      h("span", { class: "hl-muted" }, "Click a cell of layer 1 or 2 (or press Enter on it) to force its boundary: on, off, free."),
      free, pinned),
    h("div", { class: "hl-panels" }, next, counts),
  );

  // ---- state
  function clean(wanted) {
    const text = String(wanted.text ?? "").slice(0, LONGEST);
    const length = encode(text, symbols).codes.length;
    const forced = Object.entries(wanted.forced ?? {}).filter(([key, value]) => {
      const [layer, t] = key.split(":").map(Number);
      return layer >= 0 && layer < layers - 1 && t >= 0 && t < length && (value === 0 || value === 1);
    });
    return {
      text,
      topDown: wanted.topDown !== false,
      forced: Object.fromEntries(forced),
      selected: Number.isInteger(wanted.selected) ? clamp(wanted.selected, 0, Math.max(0, length - 1)) : null,
      temperature: clamp(Number(wanted.temperature) || 1, 0.2, 1.5),
      seed: clamp(Math.round(Number(wanted.seed)) || 0, 0, 9999),
    };
  }
  function force(layer, t) {
    const key = `${layer}:${t}`;
    const forced = { ...state().forced };
    if (forced[key] === undefined) forced[key] = 1;
    else if (forced[key] === 1) forced[key] = 0;
    else delete forced[key];
    set({ forced });
  }

  // ---- continuing the text
  function startTyping() {
    const target = Math.min(LONGEST, state().text.length + CONTINUATION);
    if (prefersStillness()) {
      while (state().text.length < target) typeLetter();
      return;
    }
    go.textContent = "Stop";
    typing = setInterval(() => {
      typeLetter();
      if (state().text.length >= target) stopTyping();
    }, 45);
  }
  function stopTyping() {
    clearInterval(typing);
    typing = null;
    go.textContent = "Continue the text";
  }
  function typeLetter() {
    const { text, seed: number, temperature: heat, topDown: on, forced } = state();
    const { codes } = encode(text, symbols);
    const steps = reading.read(codes, { topDown: on, forced });
    const last = steps.at(-1);
    const probabilities = last ? softmax(last.logits, heat) : symbols.map(() => 1 / symbols.length);
    set({ text: text + symbols[pick(probabilities, uniform(number, codes.length))], selected: null });
    scroller.scrollLeft = scroller.scrollWidth;
  }

  // ---- drawing
  function draw(now) {
    const { codes, dropped } = encode(now.text, symbols);
    const letters = codes.map((code) => symbols[code]);
    const steps = reading.read(codes, now);
    const freeSteps = freeReading.read(codes);
    const changed = model.layers.map((_, l) => steps.map((step, t) => step.operation[l] !== freeSteps[t].operation[l]));
    const selected = now.selected ?? codes.length - 1;
    const bits = codes.map((code, t) => (t === 0 ? null : -Math.log2(steps[t - 1].probabilities[code])));

    box.set(now.text);
    temperature.set(now.temperature);
    seed.value = now.seed;
    topDown.set(now.topDown);
    free.hidden = Object.keys(now.forced).length === 0;
    grid.update({ letters, steps, forced: now.forced, changed, selected });
    drawAround(steps, bits, selected);
    next.replaceChildren(...nextLetters(steps, codes, letters, selected));
    counts.replaceChildren(...operationCounts(steps));
    figure.say(describe(steps, bits, changed, dropped));
  }

  function drawAround(steps, bits, selected) {
    const width = parseFloat(getComputedStyle(figure.root).getPropertyValue("--hl-cell")) || 18;
    const total = Math.max(1, steps.length * width);
    sheet.style.width = `${total}px`;
    band.style.left = `${selected * width}px`;
    band.hidden = steps.length === 0;
    for (const svg of [tree, strips]) svg.setAttribute("width", total);
    tree.replaceChildren(
      ...(steps.length === 0 ? [] : segmentTree({
        boundaries: [0, 1].map((l) => steps.map((step) => step.z[l])), width, height: TREE, first: 0, last: steps.length,
      })),
    );
    const bars = (heights, y, full) =>
      heights.map((height, t) => {
        const size = Math.max(0.5, clamp(height, 0, 1) * full);
        return `M${t * width + 2} ${y + full - size}h${width - 4}v${size}h${4 - width}z`;
      }).join("");
    const surprise = bars(bits.map((each) => (each ?? 0) / 8), 4, STRIP + 2);
    strips.replaceChildren(
      s("path", { d: surprise, class: "hl-surprise" }),
      ...model.layers.map((_, l) => {
        const row = layers - 1 - l;
        const y = STRIP + 12 + row * STRIP;
        return s("path", { d: bars(steps.map((step) => step.gates[l]), y, STRIP - 3), class: "hl-gate" });
      }),
    );
  }

  function nextLetters(steps, codes, letters, selected) {
    if (steps.length === 0) return [h("h4", {}, "Type a letter to begin")];
    const { probabilities } = steps[selected];
    const came = codes[selected + 1];
    const order = symbols.map((_, code) => code).sort((a, b) => probabilities[b] - probabilities[a]);
    const shown = order.slice(0, SHOWN_PROBABILITIES);
    const context = letters.slice(Math.max(0, selected - 11), selected + 1).map(sign).join("");
    const rows = shown.map((code) =>
      h("li", { class: code === came ? "hl-came" : "" },
        h("span", { class: "hl-symbol" }, sign(symbols[code])),
        h("span", { class: "hl-track" }, h("span", { style: `width:${100 * probabilities[code]}%` })),
        h("span", { class: "hl-value" }, `${(100 * probabilities[code]).toFixed(1)} %`)),
    );
    const verdict = came === undefined
      ? "The text ends here."
      : `What came: ${spoken(symbols[came])}, ${(-Math.log2(probabilities[came])).toFixed(2)} bits` +
        (shown.includes(came) ? "." : `, rank ${order.indexOf(came) + 1} of ${symbols.length}.`);
    return [
      h("h4", {}, "After ", h("code", {}, `${selected > 11 ? "…" : ""}${context}`), " the model expects"),
      h("ol", {}, ...rows), h("p", { class: "hl-muted" }, verdict),
    ];
  }

  function operationCounts(steps) {
    const rows = model.layers.map((layer, l) => {
      const tally = [0, 1, 2].map((operation) => steps.filter((step) => step.operation[l] === operation).length);
      const work = steps.reduce((sum, step) => sum + step.work[l], 0);
      const saved = steps.length === 0 ? 0 : 1 - work / (layer.denseWork * steps.length);
      return h("tr", {}, h("th", { scope: "row" }, `Layer ${l + 1}`), ...[tally[1], tally[2], tally[0]].map((n) => h("td", {}, `${n}`)),
        h("td", {}, percent(saved)));
    }).reverse();
    const head = ["", "UPDATE", "FLUSH", "COPY", "saved"].map((name) => h(name ? "th" : "td", name ? { scope: "col" } : {}, name));
    return [
      h("h4", {}, "What the boundaries save"),
      h("table", {}, h("thead", {}, h("tr", {}, ...head)), h("tbody", {}, ...rows)),
      h("p", { class: "hl-muted" }, "Saved: multiplications that this page did not carry out, because a layer copied or a gate was closed."),
    ];
  }

  function describe(steps, bits, changed, dropped) {
    if (steps.length === 0) return "No letters yet. The model reads lower-case English.";
    const copied = steps.reduce((sum, step) => sum + step.operation.filter((operation) => operation === COPY).length, 0);
    const average = bits.slice(1).reduce((a, b) => a + b, 0) / Math.max(1, bits.length - 1);
    const updates = model.layers.map((_, l) => steps.filter((step) => step.operation[l] !== COPY).length);
    const sentences = [
      `${steps.length} letters, ${average.toFixed(2)} bits a letter. ` +
        `Layer 1 works at ${updates[0]} of them, ${updates.slice(1).map((n, l) => `layer ${l + 2} at ${n}`).join(", ")}: ` +
        `${percent(copied / (steps.length * layers))} of all states are copied.`,
    ];
    const different = changed.flat().filter(Boolean).length;
    const first = steps.findIndex((_, t) => changed.some((row) => row[t]));
    const touched = Object.keys(state().forced).length > 0 || !state().topDown;
    if (different > 0) sentences.push(`${different} operations differ from the free run, from letter ${first + 1} on.`);
    else if (touched) sentences.push("No operation differs from the free run.");
    if (dropped.length > 0) {
      sentences.push(`The model never saw ${dropped.map((symbol) => `“${symbol}”`).join(", ")}: left out.`);
    }
    return sentences.join(" ");
  }

  figure.start();
  return () => (stopTyping(), figure.close());
}

function legend() {
  const entry = (name, letter, text) => h("span", {}, h("i", { class: name }, letter), text);
  return h("div", { class: "hl-legend" },
    entry("hl-copy", "", "COPY: keep the state"), entry("hl-update", "U", "UPDATE: take in"),
    entry("hl-flush", "F", "FLUSH: pass on, start anew"), entry("hl-panel-cell hl-boundary", "", "boundary"));
}

export default { render };
