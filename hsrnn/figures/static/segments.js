// Segments: the stretches between boundaries, layer by layer, and the tree that they form.

import { s } from "./kit.js";

// Boundaries of one layer (0 or 1 a letter) -> [{ first, last, open }]; the last segment is open if no boundary ends it.
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

// Which segment of the upper layer each lower segment belongs to: the one in which it ends.
export function parents(lower, upper) {
  let index = 0;
  return lower.map(({ last }) => {
    while (upper[index].last < last) index += 1;
    return index;
  });
}

// Draw the tree of two layers' boundaries over letters of a given width: brackets of layer 1 below, layer 2 above.
export function segmentTree({ boundaries, width, height, first, last }) {
  const [upper, lower] = [segmentsOf(boundaries[1]), segmentsOf(boundaries[0])];
  const owner = parents(lower, upper);
  const [top, middle, leaf] = [8, height * 0.5, height - 2];
  const left = (segment) => segment.first * width + 3;
  const right = (segment) => (segment.last + 1) * width - 3;
  const centre = (segment) => (left(segment) + right(segment)) / 2;
  const drawing = [];
  const line = (d, segment, layer) =>
    drawing.push(s("path", { d, class: `hl-branch hl-branch-${layer}${segment.open ? " hl-open" : ""}` }));
  const seen = (segment) => segment.last >= first && segment.first <= last;
  for (const segment of upper.filter(seen)) {
    line(bracket(left(segment), right(segment), top, middle - 6), segment, 2);
  }
  lower.forEach((segment, index) => {
    if (!seen(segment)) return;
    line(bracket(left(segment), right(segment), middle + 6, leaf), segment, 1);
    const parent = upper[owner[index]];
    const foot = Math.min(Math.max(centre(segment), left(parent) + 2), right(parent) - 2);
    line(`M${centre(segment)} ${middle + 6}L${foot} ${top}`, segment, "link");
  });
  return drawing;
}

// A bracket with rounded shoulders that opens downwards.
function bracket(left, right, top, bottom) {
  const r = Math.min(4, (right - left) / 2);
  return `M${left} ${bottom}V${top + r}Q${left} ${top} ${left + r} ${top}H${right - r}Q${right} ${top} ${right} ${top + r}V${bottom}`;
}
