// Segments: the stretches between boundaries, layer by layer, and the tree that they form.

import { s } from "./kit.js";

// Boundaries of one layer (0 or 1 a letter) -> [{ first, last, open }]; the last segment is open if no
// boundary ends it.
export function segmentsOf(boundaries) {
  const segments = [];
  let first = 0;
  boundaries.forEach((z, t) => {
    if (z !== 1) return;
    segments.push({ first, last: t, open: false });
    first = t + 1;
  });
  if (first < boundaries.length) segments.push({ first, last: boundaries.length - 1, open: true });
  return segments;
}

// Boundaries of all layers, layer 1 first -> where segments end, such that they nest: a boundary of a higher
// layer ends the segments below it too. (The model may set it alone, since it computes z while it copies.)
export function nestedEnds(boundaries) {
  return boundaries.map((row, l) =>
    row.map((_, t) => Number(boundaries.slice(l).some((above) => above[t] === 1))),
  );
}

// Draw the tree of two layers' boundaries over letters of a given width: brackets of layer 1 below, layer 2
// above.
export function segmentTree({ boundaries, width, height }) {
  const [lower, upper] = nestedEnds(boundaries).map(segmentsOf);
  const [top, middle, leaf] = [8, height * 0.5, height - 2];
  const left = (segment) => segment.first * width + 3;
  const right = (segment) => (segment.last + 1) * width - 3;
  const centre = (segment) => (left(segment) + right(segment)) / 2;
  const drawing = [];
  const line = (d, segment, layer) =>
    drawing.push(s("path", { d, class: `hl-branch hl-branch-${layer}${segment.open ? " hl-open" : ""}` }));
  for (const segment of upper) {
    line(bracket(left(segment), right(segment), top, middle - 6), segment, 2);
  }
  for (const segment of lower) {
    line(bracket(left(segment), right(segment), middle + 6, leaf), segment, 1);
    line(`M${centre(segment)} ${middle + 6}V${top}`, segment, "link");
  }
  return drawing;
}

// A bracket with rounded shoulders that opens downwards.
function bracket(left, right, top, bottom) {
  const r = Math.min(4, (right - left) / 2);
  return `M${left} ${bottom}V${top + r}Q${left} ${top} ${left + r} ${top}H${right - r}Q${right} ${top} ${right} ${top + r}V${bottom}`;
}
