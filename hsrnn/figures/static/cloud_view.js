// Hidden states in the plane of their two main directions: the cloud, and the way that one word takes
// through it.

import { clamp, h, s } from "./kit.js";

const WIDTH = 320;
const HEIGHT = 300;
const EDGE = 14;

// The coordinates of a hidden state in the plane of a net's data { mean, directions }.
export function coordinates({ mean, directions }, state) {
  return directions.map((row) => row.reduce((sum, value, i) => sum + value * (state[i] - mean[i]), 0));
}

// Returns { el, show({ groups, centres, names, trail }) }. `groups` is the colour group of each point (null:
// none), `centres` and `names` are those of the groups, and `trail` the coordinates of the states a word passed.
export function cloudView(net) {
  const zero = coordinates(net, new Float64Array(net.size));
  const bounds = [0, 1].map((axis) => {
    const values = [...net.points.map((point) => point[axis]), zero[axis]];
    return [Math.min(...values), Math.max(...values)];
  });
  const spans = bounds.map(([low, high]) => Math.max(high - low, 1e-6));
  // One scale for both directions: distances in the picture are distances in the plane.
  const scale = Math.min((WIDTH - 2 * EDGE) / spans[0], (HEIGHT - 2 * EDGE) / spans[1]);
  const place = ([x, y]) => [
    clamp(WIDTH / 2 + scale * (x - (bounds[0][0] + bounds[0][1]) / 2), 4, WIDTH - 4),
    clamp(HEIGHT / 2 - scale * (y - (bounds[1][0] + bounds[1][1]) / 2), 4, HEIGHT - 4),
  ];

  const points = net.points.map((point) => {
    const [cx, cy] = place(point);
    return s("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 2.6 });
  });
  const centreLayer = s("g");
  const trailLayer = s("g");
  const here = s("g", { class: "hl-at" }, s("circle", { class: "hl-here-ring", r: 10 }), s("circle", { class: "hl-here", r: 6 }));
  const el = s(
    "svg",
    { class: "hl-cloud", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true" },
    s("g", {}, ...points),
    trailLayer,
    centreLayer,
    here,
  );
  el.style.maxWidth = "440px";

  function show({ groups, centres, names, trail }) {
    points.forEach((point, n) => {
      const group = groups === null ? null : groups[n];
      point.setAttribute("class", `hl-cloud-point${group === null ? "" : ` hl-hue-${group % 6}`}`);
    });
    centreLayer.replaceChildren(
      ...centres.flatMap((centre, q) => {
        if (centre === null) return [];
        const [x, y] = place(centre);
        return [
          s("circle", { class: "hl-centre-disc", cx: x, cy: y, r: 9 }),
          s("text", { class: "hl-centre-name", x, y: y + 4 }, names[q]),
        ];
      }),
    );
    const way = trail.map(place);
    trailLayer.replaceChildren(
      s("polyline", { class: "hl-trail", points: way.map((each) => each.join(",")).join(" ") }),
      ...way.map(([cx, cy]) => s("circle", { class: "hl-trail-dot", cx, cy, r: 2.4 })),
    );
    const [x, y] = way.at(-1);
    here.style.transform = `translate(${x}px, ${y}px)`;
  }

  const note = h(
    "p",
    { class: "hl-muted" },
    `Each dot is the hidden state after a symbol. The plane holds ${Math.round(100 * net.share)} % of the variance.`,
  );
  return { el, note, show };
}
