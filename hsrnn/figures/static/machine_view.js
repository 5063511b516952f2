// An automaton as SVG, from the layout that hsrnn/figures/automaton_layout.py made, with states that are lit,
// ringed by class, and slide together where they merge.

import { s } from "./kit.js";

const LINE = 15;

// The path of an edge that ends a little before its target, and the arrow head that goes on from there.
function arrow(path) {
  const [a, b, c, d] = path;
  const [dx, dy] = [d[0] - c[0], d[1] - c[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const [px, py] = [d[0] - 6 * ux, d[1] - 6 * uy];
  const corner = (side) => `${d[0] - 8 * ux - side * 3.6 * uy} ${d[1] - 8 * uy + side * 3.6 * ux}`;
  return [
    s("path", { class: "hl-edge", d: `M${a[0]} ${a[1]}C${b[0]} ${b[1]} ${c[0]} ${c[1]} ${px} ${py}` }),
    s("path", { class: "hl-arrow", d: `M${d[0]} ${d[1]}L${corner(1)}L${corner(-1)}Z` }),
  ];
}

function label(lines, [x, y]) {
  const top = y - (LINE * (lines.length - 1)) / 2 + 4;
  const spans = lines.map((text, line) => s("tspan", { x, y: top + LINE * line }, text));
  return s("text", { class: "hl-edge-label" }, ...spans);
}

// One automaton: its edges, its states, and the arrow that marks its start.
// Returns { edges, nodes: [element], mark({ at, from }) }.
function draw({ layout, names, accepting, sinks }) {
  const { radius } = layout;
  const edgeElements = layout.edges.map((edge) => {
    const kind = sinks.includes(edge.target) ? "hl-into-sink" : "";
    return s("g", { class: kind, "data-kind": kind }, ...arrow(edge.path), label(edge.label, edge.anchor));
  });
  const [tail, tip] = layout.start;
  const start = s("g", { class: "hl-start" }, ...arrow([tail, tail, tail, tip]));
  const edges = s("g", { class: "hl-edges" }, start, ...edgeElements);
  const kinds = names.map((_, q) =>
    ["hl-node", accepting[q] ? "hl-accepting" : "", sinks.includes(q) ? "hl-sink" : ""].join(" "),
  );
  const nodes = names.map((name, q) => {
    const lines = name.split("\n");
    const spans = lines.map((text, line) =>
      s("tspan", { x: 0, y: 4 + 14 * (line - (lines.length - 1) / 2) }, text),
    );
    const node = s("g", { class: kinds[q] }, s("circle", { class: "hl-disc", r: radius }));
    if (accepting[q]) node.append(s("circle", { class: "hl-inner", r: radius - 3.6 }));
    node.append(s("text", { class: "hl-state-name" }, ...spans));
    return node;
  });

  // Light the state `at`, and the edge that was taken to it from the state `from` (null: none was).
  function mark({ at, from }) {
    nodes.forEach((node, q) => node.classList.toggle("hl-lit", q === at));
    layout.edges.forEach((edge, index) => {
      const taken = edge.source === from && edge.target === at;
      edgeElements[index].setAttribute("class", taken ? "hl-taken" : edgeElements[index].dataset.kind);
    });
  }
  return { edges, nodes, mark };
}

function place(node, [x, y]) {
  node.style.transform = `translate(${x}px, ${y}px)`;
}

// The smallest picture that shows an automaton alone.
export function machineView(machine) {
  const { width, height, states } = machine.layout;
  const drawn = draw(machine);
  drawn.nodes.forEach((node, q) => place(node, states[q]));
  const el = s("svg", { class: "hl-machine", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  el.style.maxWidth = `${width}px`;
  el.append(drawn.edges, ...drawn.nodes);
  return { el, width, mark: drawn.mark };
}

// An automaton and the minimal one that it merges into, in one picture.
// show({ stage, at, from }): stage 0 is the automaton, 1 .. rounds.length its states ringed by class, and the
// last the minimal automaton, whose states `at` and `from` then are. Returns where `at` stands, from 0 (left) to
// 1 (right).
export function mergingView(machine) {
  const { minimal, map, rounds } = machine;
  const [width, height] = ["width", "height"].map((size) => Math.max(machine.layout[size], minimal.layout[size]));
  const shift = ({ layout }) => [(width - layout.width) / 2, (height - layout.height) / 2];
  const [raw, small] = [draw(machine), draw(minimal)];
  const placeOf = (which, q) => which.layout.states[q].map((value, axis) => value + shift(which)[axis]);
  for (const [drawn, which] of [
    [raw, machine],
    [small, minimal],
  ]) {
    drawn.edges.setAttribute("transform", `translate(${shift(which).join(" ")})`);
  }
  const { radius } = machine.layout;
  const badges = raw.nodes.map((node, q) => {
    const [cx, cy] = placeOf(machine, q);
    const halo = s("circle", { r: radius + 4, cx, cy }); // below the edges, whose heads it must not hide
    const name = s("text", { class: "hl-badge", x: radius, y: -radius + 6 });
    const disc = s("circle", { r: 8, cx: radius, cy: -radius + 2 });
    const badge = s("g", {}, disc, name);
    node.append(badge);
    return { halo, disc, name, badge };
  });
  const el = s("svg", { class: "hl-machine", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  el.style.maxWidth = `${width}px`;
  small.nodes.forEach((node, q) => place(node, placeOf(minimal, q)));
  const halos = s("g", {}, ...badges.map(({ halo }) => halo));
  el.append(halos, raw.edges, small.edges, ...raw.nodes, ...small.nodes);

  function show({ stage, at, from }) {
    const merged = stage > rounds.length;
    const classes = stage === 0 || merged ? null : rounds[stage - 1];
    raw.edges.classList.toggle("hl-gone", merged);
    small.edges.classList.toggle("hl-gone", !merged);
    small.edges.classList.toggle("hl-late", merged);
    raw.nodes.forEach((node, q) => {
      const lost = map[q] < 0;
      place(node, merged && !lost ? placeOf(minimal, map[q]) : placeOf(machine, q));
      node.classList.toggle("hl-gone", merged);
      node.classList.toggle("hl-unreached", lost && stage > 0);
      const own = classes === null || lost ? -1 : classes[q];
      const { halo, disc, name, badge } = badges[q];
      for (const part of [halo, badge]) part.style.display = own < 0 ? "none" : "";
      halo.setAttribute("class", `hl-halo hl-hue-${own % 6}`);
      disc.setAttribute("class", `hl-badge-disc hl-hue-${own % 6}`);
      name.textContent = own < 0 ? "" : className(own);
    });
    small.nodes.forEach((node) => {
      node.classList.toggle("hl-gone", !merged);
      node.classList.toggle("hl-late", merged);
    });
    (merged ? raw : small).mark({ at: null, from: null });
    (merged ? small : raw).mark({ at, from });
    return placeOf(merged ? minimal : machine, at)[0] / width;
  }
  return { el, width, show };
}

// A, B, ..., Z, A1, ... as in hsrnn/figures/automata_walk.py.
export function className(number) {
  return String.fromCharCode(65 + (number % 26)) + (number >= 26 ? Math.floor(number / 26) : "");
}
