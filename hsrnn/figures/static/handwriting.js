// Handwriting: an HM-LSTM writes a line in the page, point after point, coloured by one layer's boundaries.

import { button, choice, clamp, h, openFigure, percent, player, s, slider } from "./kit.js";
import { buildModel, decodeWeights } from "./hmlstm.js";
import { numbersOf, writeLine } from "./pen.js";

const STRIP = 14;

function render({ model: widget, el }) {
  const { weights, layerNorm, smallestScale, mean, sd, longest } = widget.get("data");
  const model = buildModel(decodeWeights(weights), { layerNorm });
  const layers = model.layers.length - 1; // the top layer has no boundary
  let written = { key: null };

  const figure = openFigure({ model: widget, el }, { draw, clean });
  const { set, state } = figure;

  // ---- what the reader handles
  const another = button("Another line", () => set({ seed: (state().seed + 1) % 10000, at: longest }), {
    class: "hl-button hl-main",
  });
  const seed = h("input", {
    type: "number",
    class: "hl-seed",
    min: 0,
    max: 9999,
    "aria-label": "Seed",
    onchange: () => set({ seed: Number(seed.value) }),
  });
  const sharpness = slider({
    label: "Sharpness",
    min: 0,
    max: 3,
    step: 0.1,
    show: (value) => value.toFixed(1),
    onInput: (value) => set({ sharpness: value }),
  });
  const layer = choice({
    label: "Coloured by",
    options: Array.from({ length: layers }, (_, l) => [l + 1, `z of layer ${l + 1}`]),
    onChange: (value) => set({ layer: value }),
  });
  const writing = player({
    label: "Point",
    last: longest,
    show: (t) => `${t} of ${longest}`,
    onSeek: (t) => set({ at: t }),
    interval: 60,
  });

  // ---- what the figure shows
  const line = s("svg", { class: "hl-line", "aria-hidden": "true" });
  const names = Array.from({ length: layers }, (_, l) => `layer ${layers - l}`);
  const strip = s("svg", { class: "hl-ticks", height: STRIP * (layers + 1), "aria-hidden": "true" });
  const labels = h(
    "div",
    { class: "hl-tick-names", "aria-hidden": "true" },
    ...[...names, "pen up"].map((name) => h("span", { style: `height:${STRIP}px` }, name)),
  );
  const values = h("dl", { class: "hl-values" });
  figure.stage.append(
    h(
      "div",
      { class: "hl-bar" },
      another,
      h("label", { class: "hl-seed-label" }, "Seed ", seed),
      sharpness.el,
      layer.el,
    ),
    legend(),
    line,
    writing.el,
    h("div", { class: "hl-strip" }, labels, strip),
    values,
    figure.status,
  );

  // ---- state
  function clean(wanted) {
    const number = (value, fallback) => (Number.isFinite(value) ? value : fallback);
    return {
      seed: clamp(Math.round(number(wanted.seed, 1)), 0, 9999),
      sharpness: Math.round(10 * clamp(number(wanted.sharpness, 0.5), 0, 3)) / 10,
      layer: clamp(Math.round(number(wanted.layer, 1)), 1, layers),
      at: clamp(Math.round(number(wanted.at, longest)), 0, longest),
    };
  }
  function lineOf({ seed: number, sharpness: sharp }) {
    const key = `${number} ${sharp}`;
    if (written.key !== key) {
      const numbers = (t) => numbersOf(number, t);
      const steps = writeLine(model, { sharpness: sharp, smallestScale, longest, numbers });
      written = { key, steps, points: walk(steps) };
    }
    return written;
  }
  // Where the pen is before and after each row, in the units of the data.
  function walk(steps) {
    const points = [[0, 0]];
    for (const { row } of steps) {
      const [x, y] = points.at(-1);
      points.push([x + row[0] * sd[0] + mean[0], y + row[1] * sd[1] + mean[1]]);
    }
    return points;
  }

  // ---- drawing
  function draw(now) {
    const { steps, points } = lineOf(now);
    seed.value = now.seed;
    sharpness.set(now.sharpness);
    layer.set(now.layer);
    writing.set(now.at);
    drawLine(steps, points, now);
    drawStrip(steps, now.at);
    drawValues(steps, now.at);
    figure.say(describe(steps, now));
  }

  function drawLine(steps, points, { at, layer: chosen }) {
    const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top];
    const margin = 0.02 * Math.max(width, height) + 1e-6;
    line.setAttribute(
      "viewBox",
      [left - margin, top - margin, width + 2 * margin, height + 2 * margin].join(" "),
    );
    const ink = ["", ""];
    let dots = "";
    for (let t = 0; t < at; t += 1) {
      const boundary = steps[t].z[chosen - 1];
      const [from, to] = [points[t].join(" "), points[t + 1].join(" ")];
      if (t === 0 || steps[t - 1].row[2] === 0) ink[boundary] += `M${from}L${to}`;
      if (boundary === 1) dots += `M${to}h0`;
    }
    line.replaceChildren(
      ...(at < longest ? clouds(steps[at].density, points[at]) : []),
      s("path", { d: ink[0], class: "hl-ink" }),
      s("path", { d: ink[1], class: "hl-ink hl-marked" }),
      s("path", { d: dots, class: "hl-dots" }),
      s("path", { d: `M${points[at].join(" ")}h0`, class: "hl-nib" }),
    );
  }

  // The Gaussians from which the next point is drawn: ellipses of one standard deviation around the pen.
  function clouds({ components }, [x0, y0]) {
    return components
      .map((each) => ({ ...each, weight: Math.exp(each.logWeight) }))
      .filter(({ weight }) => weight > 0.02)
      .map(({ weight, x, y, sx, sy, r }) => {
        const corners = Array.from({ length: 32 }, (_, k) => {
          const [a, b] = [Math.cos((k * Math.PI) / 16), Math.sin((k * Math.PI) / 16)];
          const [dx, dy] = [x + sx * a, y + sy * (r * a + Math.sqrt((1 - r) * (1 + r)) * b)];
          return `${x0 + dx * sd[0] + mean[0]} ${y0 + dy * sd[1] + mean[1]}`;
        });
        return s("path", {
          d: `M${corners.join("L")}z`,
          class: "hl-cloud-next",
          style: `opacity:${0.15 + 0.6 * weight}`,
        });
      });
  }

  function drawStrip(steps, at) {
    strip.setAttribute("viewBox", `0 0 ${longest} ${STRIP * (layers + 1)}`);
    strip.setAttribute("preserveAspectRatio", "none");
    const ticks = (fires, row) =>
      steps.map((step, t) => (fires(step) ? `M${t + 0.5} ${row * STRIP + 2}v${STRIP - 4}` : "")).join("");
    strip.replaceChildren(
      ...names.map((_, row) => {
        const l = layers - 1 - row;
        return s("path", { d: ticks((step) => step.z[l] === 1, row), class: "hl-tick" });
      }),
      s("path", { d: ticks(({ row }) => row[2] === 1, layers), class: "hl-tick hl-lift" }),
      s("path", { d: `M${at} 0v${STRIP * (layers + 1)}`, class: "hl-now" }),
    );
  }

  function drawValues(steps, at) {
    const entries = [];
    if (at > 0) {
      const { z, nats, row } = steps[at - 1];
      for (let l = 0; l < layers; l += 1) entries.push([`z of layer ${l + 1}`, `${z[l]}`, "at this point"]);
      entries.push(["pen", row[2] === 1 ? "up" : "down", "behind this point"]);
      entries.push(["log density", `${nats.toFixed(2)} nats`, "of this point"]);
    }
    if (at < longest) {
      const lifts = 1 / (1 + Math.exp(-steps[at].density.pen));
      entries.push(["next", percent(lifts), "chance that the pen lifts there"]);
    }
    values.replaceChildren(
      ...entries.map(([name, value, note]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, value, " ", h("span", { class: "hl-muted" }, note))),
      ),
    );
  }

  function describe(steps, { sharpness: sharp, layer: chosen }) {
    const share = (fires) => percent(steps.filter(fires).length / steps.length);
    const lifts = steps.filter(({ row }) => row[2] === 1).length;
    const rates = Array.from(
      { length: layers },
      (_, l) => `layer ${l + 1} at ${share(({ z }) => z[l] === 1)}`,
    );
    const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
    const done = sum(steps.map(({ work }) => sum(work)));
    const dense = steps.length * sum(model.layers.map(({ denseWork }) => denseWork));
    const nats = sum(steps.map((step) => step.nats)) / steps.length;
    return (
      `A line of ${steps.length} points, written with sharpness ${sharp.toFixed(1)}: the pen lifts ` +
      `${lifts} times; boundaries in ${rates.join(" and ")} of the points (the line is coloured by layer ` +
      `${chosen}). The model gives it ${nats.toFixed(2)} nats a point. Copies and closed connections left ` +
      `${percent(1 - done / dense)} of the multiplications out.`
    );
  }

  figure.start();
  return () => (writing.stop(), figure.close());
}

function legend() {
  const entry = (name, text) => h("span", {}, h("i", { class: name }), text);
  return h(
    "div",
    { class: "hl-legend" },
    entry("hl-key-ink", "movement without a boundary"),
    entry("hl-key-marked", "boundary at its end"),
    entry("hl-key-cloud", "where the next point may fall"),
  );
}

export default { render };
