// Sketch memory: one vector that remembers a room, of which the reader erases a part, and a year of rooms that
// is asked questions through the same hole.

import { choice, clamp, h, openFigure, slider } from "./kit.js";
import { decodeWeights } from "./hmlstm.js";
import { keptCoordinates } from "./shake.js";
import { Reader, mapOf, paint, pictureOfDigit, pictureOfStrokes, stored } from "./sketch_reader.js";
import { barChart, pointPicture, vectorStrip, yearLine } from "./sketch_views.js";

const LEAST = 32;
const STEP = 8;
const ALIKE = 4;

function render({ model: widget, el }) {
  const data = widget.get("data");
  const { layout, rooms, year, mechanism } = data;
  const d = mechanism.dimension;
  const map = mapOf(data);
  const weights = decodeWeights(data.weights);
  const packed = decodeWeights(data.sketches);
  const rowsOf = (name) =>
    Array.from({ length: packed[name].shape[0] }, (_, k) => Float64Array.from(packed[name].values.subarray(k * d, (k + 1) * d)));
  const sketches = { rooms: rowsOf("rooms"), days: rowsOf("days"), hours: rowsOf("hours") };
  const digitsRead = Array.from({ length: data.classes }, (_, c) => String(c));
  const figure = openFigure({ model: widget, el }, { draw, clean });
  const { stage, set, state } = figure;
  const held = new Map(); // what was worked out for one way of erasing

  // ---- what the reader handles
  const keep = slider({
    label: "Numbers kept",
    min: LEAST,
    max: d,
    step: STEP,
    show: (value) => `${value} of ${d}`,
    onInput: (value) => set({ keep: value }),
  });
  const strip = vectorStrip({ dimension: d, onKeep: (share) => set({ keep: share * d }) });
  const how = choice({
    label: "Erase",
    options: [
      ["prefix", "from the end"],
      ["random", "at random"],
    ],
    onChange: (value) => set({ how: value }),
  });
  const bits = choice({
    label: "Bits a number",
    options: [
      [16, "16"],
      [8, "8"],
    ],
    onChange: (value) => set({ bits: value }),
  });
  const room = slider({
    label: "Room",
    min: 0,
    max: rooms.names.length - 1,
    step: 1,
    show: (value) => rooms.names[value],
    onInput: (value) => set({ room: value }),
  });
  const digit = choice({
    label: "Ask for the digit",
    options: digitsRead.map((text, c) => [c, text]),
    onChange: (value) => set({ digit: value }),
  });
  const day = slider({
    label: "Day",
    min: 0,
    max: year.days.length - 1,
    step: 1,
    show: (value) => `${value + 1}`,
    onInput: (value) => set({ day: value }),
  });

  // ---- what the figure shows
  const truth = pointPicture(layout.canvas, "What was there");
  const fromDigits = pointPicture(layout.canvas, "From the digits");
  const fromStrokes = pointPicture(layout.canvas, "From their strokes");
  const verdict = h("p", {});
  const charts = Array.from({ length: data.most }, () => barChart({ names: digitsRead, width: 14, height: 48 }));
  const heads = charts.map(() => h("p", { class: "hl-note" }));
  const cards = charts.map((chart, k) => h("div", { class: "hl-card" }, heads[k], chart.el));
  const alike = h("p", { class: "hl-note" });
  const days = yearLine({ count: year.days.length, onPick: (at) => set({ day: at }) });
  const hours = barChart({ names: year.hours.map((_, k) => String(k)), width: 15, every: 3 });
  const sums = h("p", {});
  const daySum = h("p", {});
  const legend = h(
    "p",
    { class: "hl-note" },
    "Bars and lines are what is read, whiskers and bands one predicted error to either side, ",
    h("span", { class: "hl-true-name" }, "ticks and dots"),
    " what was true: in the room what the network saw there, on the days what really lay there. " +
      "An error is the sketch's own; what the network misread comes on top.",
  );
  stage.classList.add("hl-sketch");
  stage.append(
    h("p", { class: "hl-heading" }, `One room in ${d} numbers`),
    room.el,
    strip.el,
    keep.el,
    h("div", { class: "hl-bar" }, how.el, bits.el),
    h("div", { class: "hl-pictures" }, truth.el, fromDigits.el, fromStrokes.el),
    verdict,
    h("div", { class: "hl-cards" }, ...cards),
    legend,
    alike,
    h("p", { class: "hl-heading" }, `${year.days.length} days, a vector each; the same numbers are erased`),
    digit.el,
    sums,
    days.el,
    day.el,
    daySum,
    h("p", { class: "hl-note" }, "The same digit by the hour of the day, from a vector for each hour:"),
    hours.el,
    figure.status,
  );

  // ---- state
  function clean(wanted) {
    const whole = (value, low, high, otherwise) =>
      Number.isFinite(value) ? clamp(Math.round(value), low, high) : otherwise;
    return {
      room: whole(Number(wanted.room), 0, rooms.names.length - 1, 0),
      keep: clamp(STEP * Math.round((Number(wanted.keep) || d) / STEP), LEAST, d),
      how: wanted.how === "random" ? "random" : "prefix",
      bits: Number(wanted.bits) === 8 ? 8 : 16,
      digit: whole(Number(wanted.digit), 0, data.classes - 1, 7),
      day: whole(Number(wanted.day), 0, year.days.length - 1, 0),
    };
  }
  function reader({ keep: number, how: way }) {
    const key = `${number} ${way}`;
    if (held.get("key") !== key) {
      held.clear();
      held.set("key", key).set("reader", new Reader(map, keptCoordinates(number, d, way)));
    }
    return held.get("reader");
  }
  const remembered = new Map(); // sketches as so many bits leave them
  function rows(name, width) {
    const key = `${name} ${width}`;
    if (!remembered.has(key)) remembered.set(key, sketches[name].map((row) => stored(row, width)));
    return remembered.get(key);
  }

  // ---- drawing
  function draw(raw) {
    const now = clean(raw);
    const eye = reader(now);
    keep.set(now.keep);
    how.set(now.how);
    bits.set(now.bits);
    room.set(now.room);
    digit.set(now.digit);
    day.set(now.day);
    const said = [drawRoom(now, eye), drawYear(now, eye)];
    figure.say(`${now.keep} of ${d} numbers of ${now.bits} bits kept. ${said.join(" ")}`);
  }

  function drawRoom(now, eye) {
    const { values, noise } = rows("rooms", now.bits)[now.room];
    strip.show(values, eye.kept);
    const labels = rooms.labels[now.room];
    truth.show(pointsOf(rooms.images[now.room]), "", `Room as it was: digits ${labels.join(", ")}`);
    const read = eye.read(values, noise);
    const digits = read ? read.slots.filter(({ module }) => module === "digit") : [];
    const places = digits.map((each) => each.values.slice(-2).map((x) => x / layout.shares[2]));
    const strokes = digits.map(({ digit: k }) => read.slots.filter((slot) => slot.module === "stroke" && slot.digit === k));
    const show = (view, windows, error, what) => {
      const note = read ? `±${short(error)} a number` : "not determined";
      view.show(read ? paint(windows, places, layout) : null, note, `Room from ${what}: ${note}`);
    };
    const error = (slots) => Math.sqrt(mean(slots.map((slot) => slot.error ** 2)));
    show(fromDigits, digits.map((each) => pictureOfDigit(weights, each.values, layout)), error(digits), "its digits");
    show(
      fromStrokes,
      strokes.map((each) => pictureOfStrokes(weights, each.map((slot) => slot.values), layout)),
      error(strokes.flat()),
      "its strokes",
    );
    const texts = digits.map((each, k) => {
      const shares = each.values.slice(0, data.classes).map((x) => x / layout.shares[0]);
      const best = shares.indexOf(Math.max(...shares));
      return { shares, best, error: each.error / layout.shares[0], right: best === labels[k] };
    });
    charts.forEach((chart, k) => {
      cards[k].hidden = k >= Math.max(labels.length, texts.length);
      const known = rooms.classes[now.room][k] ?? Array(data.classes).fill(0);
      const { shares = [], best = null, error: bar = 0, right } = texts[k] ?? {};
      const text = best === null ? "not read" : `${right ? "✓" : "✗"} ${best}: ${shares[best].toFixed(2)} ± ${short(bar)}`;
      heads[k].textContent = `Digit ${k + 1}, ${labels[k] === undefined ? "none there" : `was ${nameOf(labels[k])}`}: ${text}`;
      chart.show({
        values: shares, errors: shares.map(() => bar), truth: known, top: 1.1, at: best,
        label: `Shares of the ten digits for digit ${k + 1}: ${text}`,
      });
    });
    const scene = read?.slots.find(({ module }) => module === "scene");
    const guess = (names, from, share) => {
      const shares = scene.values.slice(from, from + names.length).map((x) => x / share);
      const best = shares.indexOf(Math.max(...shares));
      return `${names[best]} (${shares[best].toFixed(2)} ± ${short(scene.error / share)})`;
    };
    const where = scene
      ? `Read: ${counted(read.count)}; ${guess(layout.rooms, 0, layout.scene_shares[0])}, ` +
        `${guess(layout.periods, layout.rooms.length, layout.scene_shares[1])}. `
      : `Nothing can be read: even one digit needs more numbers than these. `;
    verdict.textContent = `${where}It was: ${counted(labels.length)}; ${rooms.truth[now.room].join(", ")}.`;
    drawAlike(now, eye);
    return `${rooms.names[now.room]}: digits ${labels.map(nameOf).join(", ")}, read as ${texts.map(({ best }) => best).join(", ") || "nothing"}.`;
  }

  function drawAlike(now, eye) {
    const all = rows("rooms", now.bits).map(({ values }) => values);
    const { cosines, error } = eye.likeness(all[now.room], all);
    const order = cosines.map((_, k) => k).filter((k) => k !== now.room);
    order.sort((a, b) => cosines[b] - cosines[a]);
    const told = order.slice(0, ALIKE).map((k) => `${rooms.names[k]} (${rooms.labels[k].map(nameOf).join(" ")}; ${cosines[k].toFixed(2)})`);
    alike.textContent = `Most alike of ${order.length} others, by cosine, ± ${short(error)} by chance: ${told.join(", ")}.`;
  }

  function drawYear(now, eye) {
    const ask = (name, number) => {
      const question = eye.sum(now.digit, layout.shares[0], number);
      return question && rows(name, now.bits).map(({ values, noise }) => eye.answer(question, values, noise));
    };
    const answers = ask("days", year.scenes.days);
    const byHour = ask("hours", year.scenes.hours);
    const truths = [year.days, year.hours].map((counts) => counts.map((row) => row[now.digit]));
    const shown = (found, true_, at, label) => ({
      values: (found ?? []).map(({ value }) => value), errors: (found ?? []).map(({ error }) => error), truth: true_, at, label,
    });
    const name = `${now.digit}s`;
    if (answers === null) {
      const text = `How many ${name}? ${now.keep} numbers do not determine it: ${map.columns.length} are unknown.`;
      sums.textContent = text;
      daySum.textContent = "";
      days.show(shown(null, truths[0], now.day, text));
      hours.show({ ...shown(null, truths[1], null, text), top: 1.25 * Math.max(...truths[1]) });
      return text;
    }
    const total = answers.reduce((sum, { value }) => sum + value, 0);
    const spread = Math.sqrt(answers.reduce((sum, { error }) => sum + error ** 2, 0));
    const count = truths[0].reduce((a, b) => a + b, 0);
    const text = `How many ${name} in all ${answers.length} days? ${total.toFixed(0)} ± ${short(spread)}; there were ${count}.`;
    sums.textContent = text;
    const { value, error } = answers[now.day];
    const was = value - 2 * error > 0.5 ? "yes" : value + 2 * error < 0.5 ? "no" : "cannot be told";
    const here = truths[0][now.day];
    daySum.textContent = `Was there a ${now.digit} on day ${now.day + 1}? ${was}: ${value.toFixed(1)} ± ${short(error)}; there were ${here}.`;
    days.show(shown(answers, truths[0], now.day, `${name} on each day. ${text}`));
    const best = byHour.reduce((most, each, k) => (each.value > byHour[most].value ? k : most), 0);
    const when = `Most ${name} at ${best} o'clock: ${byHour[best].value.toFixed(0)} ± ${short(byHour[best].error)}.`;
    hours.show({ ...shown(byHour, truths[1], best, when), top: 1.25 * Math.max(1, ...truths[1]) });
    return `${text} ${when}`;
  }

  function pointsOf(text) {
    return Array.from(text, (letter) => parseInt(letter, 17) / 16);
  }
  function nameOf(label) {
    return label < data.classes ? String(label) : "a strange mark";
  }

  figure.start();
  return figure.close;
}

function counted(number) {
  return number === 1 ? "1 digit" : `${number} digits`;
}

function mean(values) {
  return values.reduce((sum, x) => sum + x, 0) / Math.max(1, values.length);
}

function short(error) {
  return error >= 10 ? error.toFixed(0) : error >= 0.095 ? error.toFixed(1) : error >= 0.0095 ? error.toFixed(2) : error.toPrecision(1);
}

export default { render };
