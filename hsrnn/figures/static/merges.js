// Merges: a picture in superpixels that a network merges, level by level, into parts. The reader scrubs
// through the levels, looks at one region and its members, and replays proposals or makes new ones.

import { choice, clamp, h, openFigure, percent, player, slider, toggle } from "./kit.js";
import { draw as drawEdges, levelsOf, outcome, probability, purity, unrolled } from "./merging.js";
import { edgeLines, meanColours, regionView } from "./merges_view.js";
import { uniform } from "./sampling.js";

const DRAWS = 20;
const FILLS = [
  ["photo", "picture"],
  ["mean", "mean colours"],
  ["parts", "parts found"],
  ["truth", "true parts"],
];
const KINDS = [
  ["network", "the network's"],
  ["matching", "a new matching"],
  ["bernoulli", "all sampled edges"],
];
const READINGS = [
  ["normalised", "mean log odds"],
  ["inverse", "1 / ∏(1 − p)"],
  ["product", "∏ p"],
  ["always", "always"],
];

function render({ model: widget, el }) {
  const { pictures, classes, colours, acceptance } = widget.get("data");
  const points = colours.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const opened = new Map();
  const figure = openFigure({ model: widget, el }, { draw, clean });
  const { stage, set, state } = figure;
  let hovered = null;

  // A picture as the figure uses it, worked out when it is first shown.
  function pictureOf(number) {
    if (!opened.has(number)) {
      const raw = pictures[number];
      const pixels = Uint8Array.from(atob(raw.pixels), (letter) => letter.charCodeAt(0));
      const [levels, base] = [levelsOf(raw), unrolled(raw.regions)];
      const truth = raw.labels ? unrolled(raw.labels) : null;
      const found = raw.parts ? base.map((node) => raw.parts[node]) : null;
      opened.set(number, { ...raw, pixels, levels, base, truth, found });
    }
    return opened.get(number);
  }

  // ---- what the reader handles
  const most = Math.max(...pictures.map(({ groups }) => groups.length));
  const picture = choice({
    label: "Picture",
    options: pictures.map(({ name }, k) => [k, name]),
    onChange: (value) => set({ picture: value, region: 0, draw: 0 }),
  });
  const level = player({
    label: "Level",
    last: most,
    show: (value) => `${value}: ${regions(pictureOf(clean(state()).picture).levels[value]?.nodes ?? 0)}`,
    interval: 1400,
    onSeek: (value) => set({ level: value, region: 0, draw: 0 }),
  });
  const fill = choice({ label: "Fill", options: FILLS, onChange: (value) => set({ fill: value }) });
  const edges = toggle("Edges, thicker the likelier", (on) => set({ edges: on }));
  const region = slider({ label: "Region", min: 0, max: 1, step: 1, onInput: (value) => set({ region: value }) });
  const kind = choice({ label: "Proposal", options: KINDS, onChange: (value) => set({ kind: value, draw: 0 }) });
  const number = slider({ label: "Number", min: 0, max: 1, step: 1, show: (value) => String(value + 1), onInput: (value) => set({ draw: value }) });

  // ---- what the figure shows
  const hover = (at) => {
    if (at === hovered) return;
    hovered = at;
    draw(state());
  };
  const here = regionView({ onHover: hover, onPick: (at) => at !== null && set({ region: at }) });
  const next = regionView({ onHover: () => {}, onPick: () => {} });
  const card = h("div", { class: "hl-card" });
  const legend = h("div", { class: "hl-legend" });
  const rows = READINGS.map(([name, words]) => {
    const cells = [h("td", {}), h("td", {})];
    return { name, cells, el: h("tr", {}, h("th", { scope: "row" }, words, name === acceptance ? " (the network's)" : ""), ...cells) };
  });
  const table = h(
    "table", {},
    h("thead", {}, h("tr", {}, ...["Reading of the ratio", "its log", "accepted with probability"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, ...rows.map((row) => row.el)),
  );
  const told = h("p", {});
  const proposal = h("div", { class: "hl-proposal" }, kind.el, number.el, told, table);
  const credit = h("p", { class: "hl-note" });
  stage.classList.add("hl-merges");
  stage.append(
    picture.el, level.el, h("div", { class: "hl-bar" }, fill.el, edges.el),
    h("div", { class: "hl-pair" }, here.el, next.el), legend,
    region.el, card, proposal, credit, figure.status,
  );

  // ---- state
  function clean(wanted) {
    const whole = (value, high) => (Number.isFinite(Number(value)) ? clamp(Math.round(Number(value)), 0, high) : 0);
    const one = (value, options) => (options.some(([name]) => name === value) ? value : options[0][0]);
    const now = { picture: whole(wanted.picture, pictures.length - 1) };
    const { levels, found, truth, groups } = pictureOf(now.picture);
    now.level = whole(wanted.level, groups.length);
    const at = levels[now.level];
    now.fill = one(wanted.fill, FILLS.filter(([name]) => (name !== "parts" || found) && (name !== "truth" || truth)));
    now.edges = wanted.edges === true;
    now.region = whole(wanted.region, at.nodes - 1);
    now.kind = one(wanted.kind, KINDS.filter(([name]) => name !== "network" || at.proposals.length > 0 || at.groups === null));
    now.draw = whole(wanted.draw, drawsOf(at, now.kind) - 1);
    return now;
  }
  function drawsOf({ proposals, groups }, way) {
    return groups === null ? 1 : way === "network" ? proposals.length : DRAWS;
  }

  // The proposal that the state asks for: chosen edges, what they would do, and whether it is accepted.
  function proposalOf(at, { kind: way, draw: place }) {
    if (at.groups === null) return null;
    const recorded = way === "network" ? at.proposals[place] : null;
    const chosen = recorded ? recorded.edges : drawEdges(way, at, place);
    const after = outcome(at, chosen);
    // Two positions after those that drew the proposal: the coin that decides on it.
    const coin = uniform(place, 2 * at.edges.length);
    const accepted = recorded ? recorded.accepted : chosen.length > 0 && coin < alpha(after.logs[acceptance]);
    return { chosen, accepted, ...after };
  }

  // ---- drawing
  function draw(raw) {
    const now = clean(raw);
    const shown = pictureOf(now.picture);
    const at = shown.levels[now.level];
    picture.set(now.picture);
    level.set(now.level);
    fill.set(now.fill);
    fill.el.querySelectorAll("input").forEach((input) => {
      input.disabled = (input.value === "parts" && !shown.found) || (input.value === "truth" && !shown.truth);
    });
    edges.set(now.edges);
    region.input.max = at.nodes - 1;
    region.set(now.region);
    region.input.setAttribute("aria-valuetext", nameOf(shown, now.level, now.region));
    kind.set(now.kind);
    number.input.max = drawsOf(at, now.kind) - 1;
    number.set(now.draw);
    proposal.hidden = at.groups === null;
    next.el.hidden = at.groups === null;
    const asked = proposalOf(at, now);
    const focus = hovered === null ? now.region : Math.min(hovered, at.nodes - 1);
    drawHere(shown, now, at, asked, focus);
    drawLegend(now);
    drawCard(shown, now.level, focus);
    const said = asked === null ? "No level above it." : drawNext(shown, now, at, asked);
    credit.textContent = shown.words;
    figure.say(`${shown.name}, level ${now.level} of ${shown.groups.length}: ${regions(at.nodes)}. ${nameOf(shown, now.level, now.region)}. ${said}`);
  }

  function coloursOf(shown, now, map, count) {
    const own = now.fill === "parts" ? shown.found : now.fill === "truth" ? shown.truth : null;
    if (own) return (k) => (own[k] < 0 ? [255, 255, 255] : points[own[k]]);
    if (now.fill === "photo") return (k) => [shown.pixels[3 * k], shown.pixels[3 * k + 1], shown.pixels[3 * k + 2]];
    const means = meanColours(shown.pixels, map, count);
    return (k) => means[map[k]];
  }

  function drawHere(shown, now, at, asked, focus) {
    const { width, height } = shown;
    const below = now.level > 0 ? shown.levels[now.level - 1].map : null;
    const { chosen, accepted } = asked ?? { chosen: [], accepted: true };
    const lines = edgeLines(at, chosen, accepted).filter(([name]) => now.edges || name.startsWith("hl-merge"));
    here.show({
      width, height, map: at.map, colours: coloursOf(shown, now, at.map, at.nodes), region: focus, within: below, lines,
      words: `Level ${now.level}: ${regions(at.nodes)}${at.odds ? `, ${at.edges.length} edges` : ""}`,
      label: `${shown.name} in ${regions(at.nodes)}, the chosen one outlined`,
    });
  }

  function drawNext(shown, now, at, asked) {
    const { width, height, truth } = shown;
    const map = at.map.map((node) => asked.groups[node]);
    const largest = largestShare(map, asked.left);
    const verdict = asked.accepted ? "accepted" : "rejected";
    next.show({
      width, height, map, colours: coloursOf(shown, now, map, asked.left),
      words: `${asked.accepted ? "Accepted" : "Rejected; it would have been"}: ${regions(asked.left)}`,
      label: `${shown.name} after the proposal: ${regions(asked.left)}, the largest ${percent(largest)} of the picture`,
    });
    const swallowed = asked.gone.length - asked.chosen.length;
    const pure = truth ? ` Purity ${share(purity(at.map, truth))} → ${share(purity(map, truth))}.` : "";
    const text =
      `${asked.chosen.length} edges chosen, ${verdict}: ${regions(at.nodes)} become ${asked.left}, the largest ${percent(largest)} of the picture. ` +
      `${asked.gone.length} edges vanish${swallowed > 0 ? `, ${swallowed} of them swallowed and not chosen` : ""}.${pure}`;
    told.textContent = text;
    for (const { name, cells } of rows) {
      cells[0].textContent = asked.logs[name].toFixed(2);
      cells[1].textContent = chance(alpha(asked.logs[name]));
    }
    const who = KINDS.find(([name]) => name === now.kind)[1];
    return `Proposal ${now.draw + 1}, ${who}: ${asked.chosen.length} edges, ${verdict}; ${regions(asked.left)} after it.`;
  }

  function drawLegend(now) {
    const named = now.fill === "parts" || now.fill === "truth";
    legend.hidden = !named;
    legend.replaceChildren(
      ...(named ? classes : []).map((name, k) => h("span", {}, h("i", { style: `background: ${colours[k]}` }), name)),
    );
  }

  function drawCard(shown, number_, focus) {
    const at = shown.levels[number_];
    const lines = [h("p", { class: "hl-heading" }, nameOf(shown, number_, focus))];
    if (at.members) {
      const below = shown.levels[number_ - 1];
      const own = at.members[focus];
      const inside = below.edges.flatMap(([a, b], e) => (own.includes(a) && own.includes(b) ? [probability(below.odds[e])] : []));
      lines.push(h("p", {}, own.length === 1
        ? `The same region as region ${own[0]} of level ${number_ - 1}: nobody merged with it.`
        : `Merged from regions ${own.join(", ")} of level ${number_ - 1}; p on the ${inside.length === 1 ? "edge" : "edges"} between them: ${inside.map(share).join(", ")}.`));
    }
    const around = at.edges.flatMap(([a, b], e) => (a === focus || b === focus ? [[a === focus ? b : a, at.odds ? probability(at.odds[e]) : null]] : []));
    around.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const names = around.map(([other, p]) => (p === null ? String(other) : `${other} (${share(p)})`));
    const listed = names.length > 12 ? `${names.slice(0, 12).join(", ")} and ${names.length - 12} more` : names.join(", ");
    lines.push(h("p", {}, around.length === 0 ? "No neighbours." : `Neighbours${at.odds ? ", likeliest merge first" : ""}: ${listed}.`));
    card.replaceChildren(...lines);
  }

  // What a region is, in words.
  function nameOf(shown, number_, which) {
    const at = shown.levels[number_];
    const inside = (values) => values && commonest(values, at.map, which);
    const [found, truth] = [inside(shown.found), inside(shown.truth)];
    const base = new Set();
    at.map.forEach((node, k) => node === which && base.add(shown.base[k]));
    const what = found === null ? "" : `, ${classes[found]}${truth === null ? "" : truth === found ? ", rightly" : `, but mostly ${classes[truth] ?? "unlabelled"} in truth`}`;
    return `Region ${which}: ${at.places[which].pixels} pixels, ${base.size === 1 ? "1 superpixel" : `${base.size} superpixels`}${what}`;
  }

  figure.start();
  return () => {
    level.stop();
    figure.close();
  };
}

function alpha(log) {
  return Math.min(1, Math.exp(log));
}

function share(value) {
  return value.toFixed(2);
}

function chance(value) {
  return value >= 0.995 ? "1" : value >= 0.005 ? value.toFixed(2) : value === 0 || value < 1e-99 ? "0" : value.toExponential(0);
}

function regions(count) {
  return count === 1 ? "1 region" : `${count} regions`;
}

function largestShare(map, count) {
  const sizes = Array(count).fill(0);
  map.forEach((node) => void (sizes[node] += 1));
  return Math.max(...sizes) / map.length;
}

// The commonest value among the pixels of a region; the smaller of two that are equally common.
function commonest(values, map, which) {
  const counts = new Map();
  map.forEach((node, k) => node === which && counts.set(values[k], (counts.get(values[k]) ?? 0) + 1));
  return [...counts].sort(([a, many], [b, more]) => more - many || a - b)[0][0];
}

export default { render };
