// Boundaries: a small HM-LSTM reads the reader's text in the page; each layer's work is shown at each letter.

import { button, clamp, h, openFigure, prefersStillness, s, slider, textBox, toggle } from "./kit.js";
import { Reading, buildModel, decodeWeights, softmax } from "./hmlstm.js";
import { encode, sign, spoken } from "./alphabet.js";
import { pick, uniform } from "./sampling.js";
import { letterGrid } from "./letter_grid.js";
import { segmentTree } from "./segments.js";
import { describe, expectation, savings } from "./accounts.js";

const LONGEST = 600;
const CONTINUATION = 60;
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
    label: "Type or paste text",
    rows: 3,
    maxLength: LONGEST,
    onInput: (text) => (stopTyping(), edit(text)),
  });
  const remark = h("p", { class: "hl-note", role: "status" });
  box.el.append(remark);
  const go = button("Continue the text", () => (typing === null ? startTyping() : stopTyping()), {
    class: "hl-button hl-main",
  });
  const temperature = slider({
    label: "Temperature",
    min: 0.2,
    max: 1.5,
    step: 0.1,
    show: (value) => value.toFixed(1),
    onInput: (value) => set({ temperature: value }),
  });
  const seed = h("input", {
    type: "number",
    class: "hl-seed",
    min: 0,
    max: 9999,
    "aria-label": "Seed",
    onchange: () => set({ seed: clamp(Math.round(Number(seed.value)) || 0, 0, 9999) }),
  });
  const topDown = toggle("Top-down connection", (on) => set({ topDown: on }));
  const free = button("Free all boundaries", () => set({ forced: {} }));

  // ---- what the figure shows
  const grid = letterGrid({ layers, onSelect: (t) => set({ selected: t }), onForce: force });
  const tree = s("svg", { height: TREE, "aria-hidden": "true" });
  const strips = s("svg", { height: STRIP * (layers + 1) + 12, "aria-hidden": "true" });
  const names = grid.rows.map((row) => h("span", { class: row.className }, row.getAttribute("aria-label")));
  const gateNames = model.layers.map((_, l) =>
    h("span", { style: `height:${STRIP}px` }, `gate ${layers - l}`),
  );
  const labels = h(
    "div",
    { class: "hl-names", "aria-hidden": "true" },
    h("span", { style: `height:${TREE}px` }, "segments"),
    ...names,
    h("span", { style: `height:${STRIP + 10}px` }, "surprise"),
    ...gateNames,
  );
  const band = h("div", { class: "hl-band" });
  const sheet = h(
    "div",
    { class: "hl-sheet" },
    band,
    tree,
    h(
      "div",
      { class: "hl-grid", role: "grid", "aria-label": "Operations, one row a layer, one column a letter" },
      ...grid.rows,
    ),
    strips,
  );
  const scroller = h("div", { class: "hl-scroller" }, sheet);
  const next = h("div", { class: "hl-next" });
  const counts = h("div", { class: "hl-counts" });
  stage.append(
    box.el,
    h(
      "div",
      { class: "hl-bar" },
      go,
      temperature.el,
      h("label", { class: "hl-seed-label" }, "Seed ", seed),
      topDown.el,
    ),
    legend(),
    h("div", { class: "hl-panorama" }, labels, scroller),
    figure.status,
    h(
      "div",
      { class: "hl-bar" },
      h(
        "span",
        { class: "hl-muted" },
        "Click a cell of layer 1 or 2 (or press Enter on it) to force its boundary: on, off, free.",
      ),
      free,
    ),
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
  function edit(text) {
    const [before, after] = [state().text, text].map((each) => encode(each, symbols).codes);
    let same = 0;
    while (same < before.length && before[same] === after[same]) same += 1;
    const kept = Object.entries(state().forced).filter(([key]) => Number(key.split(":")[1]) < same);
    set({ text, forced: Object.fromEntries(kept), selected: null });
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
    const touched = !now.topDown || Object.keys(now.forced).length > 0;
    const freeSteps = touched ? freeReading.read(codes) : steps;
    const changed = model.layers.map((_, l) =>
      steps.map((step, t) => step.operation[l] !== freeSteps[t].operation[l]),
    );
    const selected = now.selected ?? codes.length - 1;
    const bits = codes.map((code, t) => (t === 0 ? null : -Math.log2(steps[t - 1].probabilities[code])));

    box.set(now.text);
    temperature.set(now.temperature);
    seed.value = now.seed;
    topDown.set(now.topDown);
    free.hidden = Object.keys(now.forced).length === 0;
    grid.update({ letters, steps, forced: now.forced, changed, selected });
    drawAround(steps, bits, selected);
    next.replaceChildren(...expectation(steps, codes, symbols, selected));
    counts.replaceChildren(...savings(steps, model.layers));
    remark.textContent = remarks(now.text, dropped);
    figure.say(describe(steps, bits, changed, touched));
  }

  function drawAround(steps, bits, selected) {
    const width = parseFloat(getComputedStyle(figure.root).getPropertyValue("--hl-cell")) || 18;
    const total = Math.max(1, steps.length * width);
    sheet.style.width = `${total}px`;
    band.style.left = `${selected * width}px`;
    band.hidden = steps.length === 0;
    for (const svg of [tree, strips]) svg.setAttribute("width", total);
    const boundaries = [0, 1].map((l) => steps.map((step) => step.z[l]));
    tree.replaceChildren(...segmentTree({ boundaries, width, height: TREE }));
    const bars = (heights, y, full) =>
      heights
        .map((height, t) => {
          const size = Math.max(0.5, clamp(height, 0, 1) * full);
          return `M${t * width + 2} ${y + full - size}h${width - 4}v${size}h${4 - width}z`;
        })
        .join("");
    const surprise = bits.map((each) => (each ?? 0) / 8);
    const gates = model.layers.map((_, l) => steps.map((step) => step.gates[l]));
    const place = (l) => STRIP + 11 + (layers - 1 - l) * STRIP;
    strips.replaceChildren(
      s("path", { d: bars(surprise, 4, STRIP + 2), class: "hl-surprise" }),
      ...gates.map((row, l) => s("path", { d: bars(row, place(l), STRIP - 3), class: "hl-gate" })),
    );
  }

  function remarks(text, dropped) {
    const sentences = [];
    if (dropped.length > 0) {
      sentences.push(`The model never saw ${dropped.map((symbol) => `“${symbol}”`).join(", ")}; left out.`);
    }
    if (text.length >= LONGEST) sentences.push(`This is all that the figure reads: ${LONGEST} letters.`);
    return sentences.join(" ");
  }

  figure.start();
  return () => (stopTyping(), figure.close());
}

function legend() {
  const entry = (name, letter, text) => h("span", {}, h("i", { class: name }, letter), text);
  return h(
    "div",
    { class: "hl-legend" },
    entry("hl-copy", "", "COPY: keep the state"),
    entry("hl-update", "U", "UPDATE: take in"),
    entry("hl-flush", "F", "FLUSH: pass on, start anew"),
    entry("hl-boundary", "", "boundary"),
  );
}

export default { render };
