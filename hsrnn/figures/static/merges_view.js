// How the figure Merges draws a picture cut into regions, with edges and a chosen region on top.

import { h, s } from "./kit.js";
import { probability } from "./merging.js";

const LONGEST = 480; // points of the canvas along the picture's longer side, so that borders are thin

// The mean colour of every region, [[red, green, blue], ...].
export function meanColours(pixels, map, count) {
  const sums = Array.from({ length: count }, () => [0, 0, 0, 0]);
  map.forEach((region, k) => {
    for (let c = 0; c < 3; c += 1) sums[region][c] += pixels[3 * k + c];
    sums[region][3] += 1;
  });
  return sums.map(([red, green, blue, many]) => [red / many, green / many, blue / many]);
}

// A picture of regions that tells which region a pointer is over. Returns { el, show(...), title }.
export function regionView({ onHover, onPick }) {
  const canvas = h("canvas", { role: "img" });
  const overlay = s("svg", {
    class: "hl-over", "aria-hidden": "true", preserveAspectRatio: "none",
    onpointermove: (event) => onHover(regionAt(event)),
    onpointerleave: () => onHover(null),
    onclick: (event) => onPick(regionAt(event)),
  });
  const title = h("figcaption", {});
  const el = h("figure", { class: "hl-regions" }, title, h("div", { class: "hl-layers" }, canvas, overlay));
  let shown = null;

  function regionAt(event) {
    const { left, top, width, height } = overlay.getBoundingClientRect();
    const column = Math.floor(((event.clientX - left) / width) * shown.width);
    const row = Math.floor(((event.clientY - top) / height) * shown.height);
    const inside = column >= 0 && row >= 0 && column < shown.width && row < shown.height;
    return inside ? shown.map[row * shown.width + column] : null;
  }

  // `colours` is (pixel) -> [red, green, blue]; borders of `within` are marked inside the chosen region.
  function show({ width, height, map, colours, region = null, within = null, words, label, lines = [] }) {
    shown = { width, height, map };
    const scale = Math.max(1, Math.round(LONGEST / Math.max(width, height)));
    paint(canvas, { width, height, map, colours, scale });
    canvas.setAttribute("aria-label", label);
    title.textContent = words;
    overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const outlines = region === null ? [] : outlinesOf({ width, height, map, region, within });
    overlay.replaceChildren(...[...lines, ...outlines].map(([kind, d]) => s("path", { class: kind, d })));
  }
  return { el, show };
}

function paint(canvas, { width, height, map, colours, scale }) {
  const [wide, high] = [width * scale, height * scale];
  canvas.width = wide;
  canvas.height = high;
  const image = new ImageData(wide, high);
  const points = new Uint32Array(image.data.buffer);
  const point = (red, green, blue) => (255 << 24) | (blue << 16) | (green << 8) | red;
  const light = brightness(map, colours);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const k = row * width + column;
      const own = point(...colours(k));
      // Borders stand out from dark and from light regions alike.
      const line = light[map[k]] < 130 ? point(255, 255, 255) : point(20, 20, 20);
      const right = column + 1 < width && map[k + 1] !== map[k];
      const below = row + 1 < height && map[k + width] !== map[k];
      for (let y = 0; y < scale; y += 1) {
        const at = (row * scale + y) * wide + column * scale;
        points.fill(below && y === scale - 1 ? line : own, at, at + scale);
        if (right) points[at + scale - 1] = line;
      }
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// The border of a region and, dashed, those between its members: [[class, path], ...].
function outlinesOf({ width, height, map, region, within }) {
  const inside = (k) => k !== null && map[k] === region;
  const outer = borderPath((a, b) => inside(a) !== inside(b), width, height);
  const inner = within ? borderPath((a, b) => inside(a) && inside(b) && within[a] !== within[b], width, height) : "";
  return [["hl-outline-under", outer + inner], ["hl-outline", outer], ["hl-outline hl-outline-members", inner]];
}

// The mean of red, green and blue of every region.
function brightness(map, colours) {
  const sums = new Map();
  map.forEach((region, k) => {
    const [red, green, blue] = colours(k);
    const [sum, count] = sums.get(region) ?? [0, 0];
    sums.set(region, [sum + (red + green + blue) / 3, count + 1]);
  });
  return Object.fromEntries([...sums].map(([region, [sum, count]]) => [region, sum / count]));
}

// The sides between pixels a and b for which divides(a, b) holds; b is null outside the picture.
function borderPath(divides, width, height) {
  const sides = [];
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const k = row * width + column;
      if (divides(k, column + 1 < width ? k + 1 : null)) sides.push(`M${column + 1} ${row}v1`);
      if (divides(k, row + 1 < height ? k + width : null)) sides.push(`M${column} ${row + 1}h1`);
      if (column === 0 && divides(k, null)) sides.push(`M0 ${row}v1`);
      if (row === 0 && divides(k, null)) sides.push(`M${column} 0h1`);
    }
  }
  return sides.join("");
}

// Lines between the middles of joined regions, thicker the likelier their merge: [[class, path], ...].
export function edgeLines({ edges, odds, places }, chosen, accepted) {
  const picked = new Set(chosen);
  const bins = new Map();
  edges.forEach(([a, b], e) => {
    const strength = odds === null ? 0 : Math.min(3, Math.floor(4 * probability(odds[e])));
    const kind = picked.has(e) ? (accepted ? "hl-merge" : "hl-merge hl-rejected") : `hl-edge hl-edge-${strength}`;
    const path = `M${middle(places[a])}L${middle(places[b])}`;
    bins.set(kind, (bins.get(kind) ?? "") + path);
  });
  // Chosen edges last, so that nothing covers them.
  return [...bins].sort(([a], [b]) => a.startsWith("hl-merge") - b.startsWith("hl-merge"));
}

function middle({ row, column }) {
  return `${(column + 0.5).toFixed(1)} ${(row + 0.5).toFixed(1)}`;
}
