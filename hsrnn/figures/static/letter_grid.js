// The grid of Boundaries: one column a letter, one row a layer, moved through with the arrow keys.

import { h } from "./kit.js";
import { FLUSH, OPERATIONS, UPDATE } from "./hmlstm.js";
import { sign, spoken } from "./alphabet.js";

const LETTER = { [UPDATE]: "U", [FLUSH]: "F" };
const CLASS = ["hl-copy", "hl-update", "hl-flush"];

// onSelect(t) when the reader moves to a letter, onForce(layer, t) when they ask for another boundary.
// Returns { rows: [element], update({ letters, steps, forced, changed, selected }) }; rows come from the top
// layer down to the letters.
export function letterGrid({ layers, onSelect, onForce }) {
  const rows = Array.from({ length: layers + 1 }, (_, row) => {
    const layer = layers - 1 - row;
    const name = layer >= 0 ? `layer ${layer + 1}` : "letters";
    return h("div", { class: layer >= 0 ? "hl-row" : "hl-row hl-letters", role: "row", "aria-label": name });
  });
  let length = 0;
  let current = { row: layers, t: 0 };

  const cellAt = (row, t) => rows[row].children[t];
  const place = (target) => {
    const cell = target.closest?.(".hl-cell");
    return cell ? { row: rows.indexOf(cell.parentElement), t: Number(cell.dataset.t) } : null;
  };

  function moveTo(row, t) {
    cellAt(current.row, current.t)?.setAttribute("tabindex", "-1");
    current = { row: Math.min(layers, Math.max(0, row)), t: Math.min(length - 1, Math.max(0, t)) };
    const cell = cellAt(current.row, current.t);
    cell.setAttribute("tabindex", "0");
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    onSelect(current.t);
  }
  function act({ row, t }) {
    const layer = layers - 1 - row;
    if (layer >= 0 && layer < layers - 1) onForce(layer, t);
  }
  function onclick(event) {
    const hit = place(event.target);
    if (hit === null) return;
    moveTo(hit.row, hit.t);
    act(hit);
  }
  function onkeydown(event) {
    const { row, t } = current;
    const moves = {
      ArrowLeft: [row, t - 1],
      ArrowRight: [row, t + 1],
      ArrowUp: [row - 1, t],
      ArrowDown: [row + 1, t],
      Home: [row, 0],
      End: [row, length - 1],
    };
    if (event.key in moves) moveTo(...moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") act(current);
    else return;
    event.preventDefault();
  }
  for (const row of rows) {
    row.addEventListener("click", onclick);
    row.addEventListener("keydown", onkeydown);
  }

  function update({ letters, steps, forced, changed, selected }) {
    length = letters.length;
    for (const row of rows) {
      while (row.children.length > length) row.lastChild.remove();
      while (row.children.length < length) {
        const t = row.children.length;
        row.append(h("div", { class: "hl-cell", role: "gridcell", tabindex: "-1", "data-t": t }));
      }
    }
    if (length === 0) return;
    if (cellAt(current.row, current.t) === undefined) current = { row: layers, t: length - 1 };
    letters.forEach((letter, t) => {
      for (let row = 0; row <= layers; row += 1) {
        const layer = layers - 1 - row;
        const cell =
          layer >= 0
            ? operationCell(layer, t)
            : { class: "hl-cell", text: sign(letter), label: spoken(letter) };
        paint(cellAt(row, t), cell, t === selected, row === current.row && t === current.t);
      }
    });
    function operationCell(layer, t) {
      const operation = steps[t].operation[layer];
      const boundary = steps[t].z[layer] === 1;
      const fixed = forced[`${layer}:${t}`];
      const different = changed[layer][t];
      return {
        class:
          `hl-cell ${CLASS[operation]}${boundary ? " hl-boundary" : ""}${different ? " hl-changed" : ""}` +
          (fixed === undefined ? "" : " hl-forced"),
        text: LETTER[operation] ?? "",
        fixed,
        label:
          `${spoken(letters[t])}, layer ${layer + 1}: ${OPERATIONS[operation]}` +
          (layer === layers - 1 ? "" : boundary ? ", boundary" : ", no boundary") +
          (fixed === undefined ? "" : `, forced to ${fixed}`) +
          (different ? ", differs from the free run" : ""),
      };
    }
  }

  // Touch only what differs: a text of 300 letters has 1200 cells.
  function paint(cell, { class: name, text, label, fixed }, selected, focusable) {
    const classes = selected ? `${name} hl-selected` : name;
    if (cell.className !== classes) cell.className = classes;
    if (cell.textContent !== text) cell.textContent = text;
    if (cell.getAttribute("aria-label") !== label) cell.setAttribute("aria-label", label);
    if (fixed === undefined) delete cell.dataset.forced;
    else cell.dataset.forced = fixed;
    cell.setAttribute("tabindex", focusable ? "0" : "-1");
  }

  return { rows, update };
}
