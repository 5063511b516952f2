// A sheet of grey pixels to draw on, with the pointer or with the arrow keys. A drawing is a text, one
// hexadecimal digit a pixel, 0 for paper and f for full ink.

import { clamp, h } from "./kit.js";

const GREYS = 15;
const PEN = 1.5; // pixels from the middle of a line to where its ink ends
const RUBBER = 2.5;

export function pixelsOf(text) {
  return Array.from(text, (letter) => parseInt(letter, 16) / GREYS);
}

export function textOf(pixels) {
  return pixels.map((x) => Math.round(GREYS * x).toString(16)).join("");
}

// A drawing after a straight line from one point to another, in pixels from the upper left corner: ink is full
// within a pixel of the end of the pen's reach, and fades over the last one. With `erase` ink is taken away.
export function withLine(text, side, [x0, y0], [x1, y1], erase = false) {
  const reach = erase ? RUBBER : PEN;
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const made = pixelsOf(text).map((ink, at) => {
    const [x, y] = [(at % side) + 0.5 - x0, Math.floor(at / side) + 0.5 - y0];
    const along = length === 0 ? 0 : clamp((x * dx + y * dy) / length, 0, 1);
    const cover = clamp(reach - Math.hypot(x - along * dx, y - along * dy), 0, 1);
    return erase ? Math.min(ink, 1 - cover) : Math.max(ink, cover);
  });
  return textOf(made);
}

// A drawing moved by whole pixels so that its centre of mass lies in the middle, as far as no ink falls off.
export function centred(text, side) {
  const pixels = pixelsOf(text);
  const total = pixels.reduce((sum, x) => sum + x, 0);
  if (total === 0) return text;
  const moves = [(at) => Math.floor(at / side), (at) => at % side].map((place) => {
    const inked = pixels.map((x, at) => (x > 0 ? place(at) : -1)).filter((at) => at >= 0);
    const mean = pixels.reduce((sum, x, at) => sum + x * place(at), 0) / total;
    return clamp(Math.round((side - 1) / 2 - mean), -Math.min(...inked), side - 1 - Math.max(...inked));
  });
  return Array.from(text, (_, at) => {
    const [row, column] = [Math.floor(at / side) - moves[0], (at % side) - moves[1]];
    return row >= 0 && row < side && column >= 0 && column < side ? text[row * side + column] : "0";
  }).join("");
}

// A canvas for a drawing. Returns { el, show(text, label) }.
export function sheetOf(side) {
  const el = h("canvas", { class: "hl-sheet-points", width: side, height: side, "aria-hidden": "true" });
  function show(text) {
    const image = new ImageData(side, side);
    pixelsOf(text).forEach((ink, at) => {
      const grey = 255 - Math.round(230 * ink);
      image.data.set([grey, grey, grey, 255], 4 * at);
    });
    el.getContext("2d").putImageData(image, 0, 0);
  }
  return { el, show };
}

// The sheet that is drawn on. `read()` gives the drawing, `onChange(text)` takes the new one; `erasing()` says
// which end of the pencil is used. `overlay` lies above the ink. Returns { el, show(text) }.
export function drawingPad({ side, read, onChange, erasing, overlay }) {
  const sheet = sheetOf(side);
  const mark = h("span", { class: "hl-pen", "aria-hidden": "true" });
  const told = h("span", { class: "hl-hidden", role: "status" });
  const keys = "Arrow keys move the pencil, space puts it down and lifts it; with Shift it moves by four pixels.";
  const el = h(
    "div",
    {
      class: "hl-pad", tabindex: "0", role: "application", "aria-label": `Sheet to draw on. ${keys}`,
      onpointerdown: begin, onpointermove: drag, onpointerup: end, onpointercancel: end, onkeydown: press,
      onblur: () => lift(),
    },
    sheet.el,
    overlay,
    mark,
    told,
  );
  let from = null; // the last point of a line that is being drawn with the pointer
  let pencil = { column: Math.floor(side / 2), row: Math.floor(side / 2), down: false };

  function pointOf({ clientX, clientY }) {
    const { left, top, width, height } = sheet.el.getBoundingClientRect();
    return [((clientX - left) / width) * side, ((clientY - top) / height) * side];
  }
  function line(start, stop) {
    onChange(withLine(read(), side, start, stop, erasing()));
  }
  function begin(event) {
    if (event.button !== 0) return;
    el.setPointerCapture(event.pointerId);
    from = pointOf(event);
    line(from, from);
    el.focus({ preventScroll: true });
    event.preventDefault();
  }
  function drag(event) {
    if (from === null) return;
    const here = pointOf(event);
    line(from, here);
    from = here;
  }
  function end() {
    from = null;
  }
  function press(event) {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const middle = () => [pencil.column + 0.5, pencil.row + 0.5];
    if (step !== undefined) {
      const start = middle();
      const far = event.shiftKey ? 4 : 1;
      const move = (at, by) => clamp(at + far * by, 0, side - 1);
      pencil = { ...pencil, column: move(pencil.column, step[0]), row: move(pencil.row, step[1]) };
      if (pencil.down) line(start, middle());
    } else if (event.key === " " || event.key === "Enter") {
      pencil = { ...pencil, down: !pencil.down };
      if (pencil.down) line(middle(), middle());
    } else if (event.key === "Escape") {
      lift();
    } else {
      return;
    }
    event.preventDefault();
    place();
    told.textContent = `Column ${pencil.column + 1}, row ${pencil.row + 1}, pencil ${pencil.down ? "down" : "up"}.`;
  }
  function lift() {
    pencil = { ...pencil, down: false };
    place();
  }
  function place() {
    mark.style.left = `${(100 * (pencil.column + 0.5)) / side}%`;
    mark.style.top = `${(100 * (pencil.row + 0.5)) / side}%`;
    mark.classList.toggle("hl-down", pencil.down);
  }
  place();
  return { el, show: sheet.show };
}
