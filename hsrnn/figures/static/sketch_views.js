// What the figure Sketch memory draws: the vector as a strip that can be erased, pictures of points, and bars
// with their predicted errors and the truth beside them.

import { clamp, h, s } from "./kit.js";

const STRIP = 64;

// One vector as a strip of bars, up and down from the middle; dragging on it says where to erase.
// Returns { el, show(values, kept) }.
export function vectorStrip({ dimension, onKeep }) {
  const alive = s("path", { class: "hl-strip-kept" });
  const gone = s("path", { class: "hl-strip-erased" });
  const box = { viewBox: `0 0 ${dimension} ${STRIP}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  const el = s("svg", { class: "hl-strip", ...box, onpointerdown: take, onpointermove: drag }, gone, alive);
  function take(event) {
    el.setPointerCapture(event.pointerId);
    drag(event);
    event.preventDefault();
  }
  function drag(event) {
    if (event.buttons === 0) return;
    const { left, width } = el.getBoundingClientRect();
    onKeep(clamp((event.clientX - left) / width, 0, 1));
  }
  function show(values, kept) {
    const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-12);
    const bar = (k) => `M${k + 0.5} ${STRIP / 2}v${((-values[k] / largest) * (STRIP / 2)).toFixed(1)}`;
    const here = new Set(kept);
    const erased = Array.from(values, (_, k) => k).filter((k) => !here.has(k));
    alive.setAttribute("d", kept.map(bar).join(""));
    gone.setAttribute("d", erased.map((k) => `M${k + 0.5} 0v${STRIP}`).join(""));
  }
  return { el, show };
}

// A square picture of size x size points in [0, 1], dark on white. Returns { el, show(points, label) };
// without points it is blank.
export function pointPicture(size, title) {
  const canvas = h("canvas", { class: "hl-points", width: size, height: size, role: "img" });
  const caption = h("figcaption", {});
  const el = h("figure", { class: "hl-picture" }, canvas, caption);
  function show(points, note, label) {
    const image = new ImageData(size, size);
    for (let k = 0; k < size * size; k += 1) {
      const grey = 255 - Math.round(220 * (points ? points[k] : 0.12));
      image.data.set([grey, grey, grey, 255], 4 * k);
    }
    canvas.getContext("2d").putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", label);
    caption.replaceChildren(h("b", {}, title), note);
  }
  return { el, show };
}

// Bars with whiskers of +- error and a tick for the truth. Returns { el, show({ values, errors, truth,
// top, label, at }) }; `names` stand below, `at` marks one bar.
export function barChart({ names, height = 72, width = 20, every = 1 }) {
  const inner = names.length * width;
  const [fill, whiskers, ticks] = ["hl-column", "hl-whisker", "hl-true"].map((kind) => s("path", { class: kind }));
  const texts = names.map((name, k) =>
    s("text", { x: (k + 0.5) * width, y: height + 14, "text-anchor": "middle" }, k % every === 0 ? name : ""),
  );
  const axis = s("path", { class: "hl-base", d: `M0 ${height}H${inner}` });
  const el = s("svg", { class: "hl-bars", viewBox: `0 -2 ${inner} ${height + 20}`, role: "img" }, fill, axis, whiskers, ticks, ...texts);
  el.style.maxWidth = `${inner * 1.25}px`;
  function show({ values, errors, truth, top, label, at = null }) {
    const y = (value) => (height * (1 - clamp(value / top, 0, 1))).toFixed(1);
    const [low, wide] = [0.15 * width, 0.7 * width];
    const bar = (value, k) => `M${k * width + low} ${height}V${y(value)}h${wide}V${height}z`;
    const whisker = (value, k) => {
      const x = (k + 0.5) * width;
      return `M${x} ${y(value - errors[k])}V${y(value + errors[k])}`;
    };
    fill.setAttribute("d", values.map(bar).join(""));
    whiskers.setAttribute("d", values.map(whisker).join(""));
    ticks.setAttribute("d", truth.map((value, k) => `M${k * width} ${y(value)}h${width}`).join(""));
    texts.forEach((text, k) => text.setAttribute("class", k === at ? "hl-chosen" : ""));
    el.setAttribute("aria-label", label);
  }
  return { el, show };
}

// Many values as a line in a band of +- error, with the truth as dots. Returns { el, show({ values, errors,
// truth, at, label }), onPick }.
export function yearLine({ count, onPick, height = 90 }) {
  const [width, span] = [count, height - 8];
  const [band, line, dots, mark] = ["hl-spread", "hl-line", "hl-dots", "hl-mark"].map((kind) => s("path", { class: kind }));
  const box = { viewBox: `-1 0 ${width + 2} ${height}`, preserveAspectRatio: "none", role: "img", onclick: pick };
  const el = s("svg", { class: "hl-year", ...box }, band, mark, line, dots);
  function pick(event) {
    const { left, width: shown } = el.getBoundingClientRect();
    onPick(clamp(Math.floor(((event.clientX - left) / shown) * count), 0, count - 1));
  }
  function show({ values, errors, truth, at, label }) {
    const top = Math.max(1, ...truth) * 1.25;
    const y = (value) => (4 + span * (1 - clamp(value / top, 0, 1))).toFixed(1);
    const [up, down] = [1, -1].map((sign) => values.map((value, k) => `${k + 0.5} ${y(value + sign * errors[k])}`));
    band.setAttribute("d", values.length > 0 ? `M${[...up, ...down.reverse()].join("L")}z` : "");
    line.setAttribute("d", values.length > 0 ? `M${values.map((value, k) => `${k + 0.5} ${y(value)}`).join("L")}` : "");
    dots.setAttribute("d", truth.map((value, k) => `M${k + 0.1} ${y(value)}h0.8`).join(""));
    mark.setAttribute("d", `M${at + 0.5} 0V${height}`);
    el.setAttribute("aria-label", label);
  }
  return { el, show };
}
