// The straight-through estimator: a hard step forward, the slope of a hard sigmoid backward.

import { button, choice, clamp, h, openFigure, s, slider } from "./kit.js";
import { uniform } from "./sampling.js";

const LIMIT = 2.2;
const DRAWS = 40;
const STEEPEST = 5;

export function hardSigmoid(x, slope) {
  return clamp((slope * x + 1) / 2, 0, 1);
}

// The derivative that the estimator uses in place of the step's, which is zero everywhere.
export function surrogate(x, slope) {
  return Math.abs(x) < 1 / slope ? slope / 2 : 0;
}

function render({ model, el }) {
  const figure = openFigure({ model, el }, { draw, clean });
  const { set, state } = figure;
  const steepness = slider({
    label: "Slope a",
    min: 1,
    max: STEEPEST,
    step: 0.1,
    show: (a) => a.toFixed(1),
    onInput: (slope) => set({ slope }),
  });
  const kind = choice({
    label: "Boundary",
    options: [
      ["step", "step: z = 1 if s > 0"],
      ["sample", "sample: z = 1 with probability z̃"],
    ],
    onChange: (boundary) => set({ boundary }),
  });
  const again = button("Draw again", () => set({ seed: (state().seed + 1) % 10000 }));
  const svg = s("svg", { class: "hl-plot", onpointerdown: grab, onpointermove: drag });
  const values = h("dl", { class: "hl-values" });
  const draws = h("div", { class: "hl-draws" });
  figure.stage.append(
    h("div", { class: "hl-bar" }, steepness.el, kind.el),
    svg,
    values,
    draws,
    figure.status,
  );

  // The point is a slider of its own: it can be dragged anywhere in the plot, or moved with the arrow keys.
  const point = s("g", {
    class: "hl-point",
    tabindex: 0,
    role: "slider",
    "aria-label": "pre-activation s",
    "aria-valuemin": -LIMIT,
    "aria-valuemax": LIMIT,
    onkeydown: nudge,
  });

  function clean(wanted) {
    const number = (value, fallback) => (Number.isFinite(value) ? value : fallback);
    return {
      s: Math.round(100 * clamp(number(wanted.s, 0.3), -LIMIT, LIMIT)) / 100,
      slope: Math.round(10 * clamp(number(wanted.slope, 1), 1, STEEPEST)) / 10,
      boundary: wanted.boundary === "sample" ? "sample" : "step",
      seed: clamp(Math.round(number(wanted.seed, 0)), 0, 9999),
    };
  }
  function nudge(event) {
    const steps = {
      ArrowLeft: -0.05,
      ArrowDown: -0.05,
      ArrowRight: 0.05,
      ArrowUp: 0.05,
      PageDown: -0.5,
      PageUp: 0.5,
      Home: -2 * LIMIT,
      End: 2 * LIMIT,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    set({ s: state().s + steps[event.key] });
  }
  function grab(event) {
    svg.setPointerCapture(event.pointerId);
    point.focus({ preventScroll: true });
    event.preventDefault();
    moveTo(event);
  }
  function drag(event) {
    if (svg.hasPointerCapture(event.pointerId)) moveTo(event);
  }
  function moveTo(event) {
    const box = svg.getBoundingClientRect();
    const { left, right } = frame(box.width);
    set({ s: ((event.clientX - box.left - left) / (right - left)) * 2 * LIMIT - LIMIT });
  }

  function draw(now) {
    steepness.set(now.slope);
    kind.set(now.boundary);
    again.hidden = now.boundary !== "sample";
    drawPlot(now);
    const p = hardSigmoid(now.s, now.slope);
    const gradient = surrogate(now.s, now.slope);
    const drawn = Array.from({ length: DRAWS }, (_, i) => Number(uniform(now.seed, i) < p));
    const z = now.boundary === "step" ? Number(now.s > 0) : drawn[0];
    values.replaceChildren(
      ...[
        ["s", now.s.toFixed(2), "pre-activation"],
        ["z̃", p.toFixed(2), now.boundary === "step" ? "hard sigmoid" : "probability of 1"],
        ["z", `${z}`, "what goes forward"],
        ["∂z/∂s", gradient.toFixed(2), "what goes backward"],
      ].map(([name, value, note]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, value, h("span", { class: "hl-muted" }, note))),
      ),
    );
    const ones = drawn.reduce((a, b) => a + b, 0);
    draws.hidden = now.boundary !== "sample";
    draws.replaceChildren(
      h(
        "div",
        { class: "hl-coins", role: "img", "aria-label": `${ones} of ${DRAWS} draws are 1` },
        ...drawn.map((each) => h("span", { class: each === 1 ? "hl-one" : "hl-zero" }, `${each}`)),
      ),
      again,
    );
    figure.say(describe(now, p, gradient, z, ones));
  }

  function drawPlot(now) {
    const width = Math.max(260, figure.stage.clientWidth);
    const { left, right, top, middle, low, bottom, height } = frame(width);
    const x = (value) => left + ((value + LIMIT) / (2 * LIMIT)) * (right - left);
    const forward = (value) => middle - value * (middle - top);
    const backward = (value) => bottom - (value / (STEEPEST / 2)) * (bottom - low);
    const band = 1 / now.slope;
    const p = hardSigmoid(now.s, now.slope);
    const gradient = surrogate(now.s, now.slope);
    const line = (points, name) =>
      s("polyline", { points: points.map((each) => each.join(",")).join(" "), class: name });
    const label = (text, at, y, attributes = {}) => s("text", { x: at, y, ...attributes }, text);

    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    point.setAttribute("aria-valuenow", now.s);
    point.setAttribute("aria-valuetext", `${now.s.toFixed(2)}; gradient ${gradient.toFixed(2)}`);
    const focused = document.activeElement === point;
    point.replaceChildren(
      s("circle", { cx: x(now.s), cy: bottom + 24, r: 18, class: "hl-touch" }),
      s("circle", { cx: x(now.s), cy: bottom + 24, r: 8, class: "hl-knob" }),
    );
    svg.replaceChildren(
      s("rect", { x: 0, y: 0, width, height, class: "hl-touch" }),
      s("rect", {
        x: x(-band),
        y: top,
        width: x(band) - x(-band),
        height: bottom - top,
        class: "hl-bandwidth",
      }),
      label("Forward", left, top - 12, { class: "hl-plot-title" }),
      label("1", left - 8, top + 4, { "text-anchor": "end" }),
      label("0", left - 8, middle + 4, { "text-anchor": "end" }),
      line(
        [
          [left, middle],
          [right, middle],
        ],
        "hl-axis",
      ),
      line(
        [
          [left, forward(0)],
          [x(-band), forward(0)],
          [x(band), forward(1)],
          [right, forward(1)],
        ],
        "hl-sigmoid",
      ),
      now.boundary === "step"
        ? line(
            [
              [left, forward(0)],
              [x(0), forward(0)],
              [x(0), forward(1)],
              [right, forward(1)],
            ],
            "hl-step",
          )
        : "",
      label("hard sigmoid z̃", x(-band) - 8, forward(0.16), {
        class: "hl-name-sigmoid",
        "text-anchor": "end",
      }),
      now.boundary === "step"
        ? label("step z", right, forward(1) - 8, { class: "hl-name-step", "text-anchor": "end" })
        : "",
      label("Backward", left, low - 26, { class: "hl-plot-title" }),
      ...[0, 1, 2].map((tick) => label(`${tick}`, left - 8, backward(tick) + 4, { "text-anchor": "end" })),
      line(
        [
          [left, bottom],
          [right, bottom],
        ],
        "hl-axis",
      ),
      s("rect", {
        x: x(-band),
        width: x(band) - x(-band),
        y: backward(now.slope / 2),
        height: bottom - backward(now.slope / 2),
        class: "hl-surrogate",
      }),
      label(
        `a/2 = ${(now.slope / 2).toFixed(2)} where |s| < ${band.toFixed(2)}`,
        x(0),
        backward(now.slope / 2) - 8,
        { "text-anchor": "middle", class: "hl-name-surrogate" },
      ),
      ...[-2, -1, 0, 1, 2].map((tick) => label(`${tick}`, x(tick), bottom + 46, { "text-anchor": "middle" })),
      label("s", right, bottom + 46, { "text-anchor": "end" }),
      line(
        [
          [x(now.s), top],
          [x(now.s), bottom + 24],
        ],
        "hl-guide",
      ),
      line(
        [
          [left, bottom + 24],
          [right, bottom + 24],
        ],
        "hl-axis",
      ),
      s("circle", { cx: x(now.s), cy: forward(p), r: 5, class: "hl-dot-sigmoid" }),
      now.boundary === "step"
        ? s("circle", { cx: x(now.s), cy: forward(Number(now.s > 0)), r: 5, class: "hl-dot-step" })
        : "",
      s("circle", { cx: x(now.s), cy: backward(gradient), r: 5, class: "hl-dot-surrogate" }),
      point,
    );
    if (focused) point.focus({ preventScroll: true });
  }

  const observer = new ResizeObserver(() => drawPlot(state()));
  figure.start();
  observer.observe(figure.stage);
  return () => (observer.disconnect(), figure.close());
}

// Where the two plots lie, in pixels.
function frame(width) {
  return { left: 22, right: width - 8, top: 30, middle: 140, low: 206, bottom: 300, height: 356 };
}

function describe({ s: x, slope, boundary }, p, gradient, z, ones) {
  const forward =
    boundary === "step"
      ? `Forward, s = ${x.toFixed(2)} becomes z = ${z}.`
      : `Forward, z is 1 with probability ${p.toFixed(2)}: ${ones} of ${DRAWS} draws.`;
  const backward =
    gradient > 0
      ? `Backward, the gradient is multiplied by a/2 = ${gradient.toFixed(2)}, though the true derivative is 0.`
      : `Backward, nothing passes: |s| is not below 1/a = ${(1 / slope).toFixed(2)}, so this boundary does not learn here.`;
  return `${forward} ${backward}`;
}

export default { render };
