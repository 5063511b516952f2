// A word as a row of steps: one column before the first symbol and one after each, and in every column what
// the machine, the network and the true language say of the word so far.

import { h } from "./kit.js";

// onSelect(t): the reader picks a step. onKey(event): any other key. Returns { el, update({ columns, at }) };
// a column is { symbol, kind, cells: [{ text, kind, odd }], label }.
export function walkStrip({ label, names, onSelect, onKey }) {
  const steps = h("div", { class: "hl-walk-steps", role: "group", "aria-label": label, onkeydown });
  const heads = h("div", { class: "hl-walk-names", "aria-hidden": "true" }, ...names.map((name) => h("span", {}, name)));
  const el = h("div", { class: "hl-walk" }, heads, steps);
  let current = 0;

  function onkeydown(event) {
    const last = steps.children.length - 1;
    const moves = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: last };
    if (event.key in moves) {
      onSelect(Math.min(last, Math.max(0, moves[event.key])));
      steps.children[current].focus({ preventScroll: true });
      event.preventDefault();
    } else onKey(event);
  }

  function update({ columns, at }) {
    const focused = steps.contains(document.activeElement);
    while (steps.children.length > columns.length) steps.lastChild.remove();
    while (steps.children.length < columns.length) {
      const t = steps.children.length;
      const cells = names.map((_, row) =>
        h("span", { class: row === 0 ? "hl-symbol" : "", "aria-hidden": "true" }),
      );
      const spoken = h("span", { class: "hl-hidden" });
      const attributes = { type: "button", class: "hl-walk-step", onclick: () => onSelect(t) };
      steps.append(h("button", attributes, spoken, ...cells));
    }
    columns.forEach(({ symbol, kind: sort = "", cells, label: spoken }, t) => {
      const step = steps.children[t];
      step.setAttribute("aria-pressed", t === at);
      step.setAttribute("tabindex", t === at ? "0" : "-1");
      step.classList.toggle("hl-later", t > at);
      step.children[0].textContent = spoken;
      step.children[1].textContent = symbol;
      step.children[1].className = `hl-symbol ${sort}`;
      cells.forEach(({ text, kind, odd }, row) => {
        const cell = step.children[row + 2];
        cell.className = `${kind ?? ""}${odd ? " hl-odd" : ""}`;
        cell.textContent = text;
      });
    });
    current = at;
    const step = steps.children[at];
    if (focused) step.focus({ preventScroll: true });
    const [left, right] = [step.offsetLeft - steps.offsetLeft, step.offsetLeft - steps.offsetLeft + step.offsetWidth];
    if (left < steps.scrollLeft) steps.scrollLeft = left - 8;
    else if (right > steps.scrollLeft + steps.clientWidth) steps.scrollLeft = right - steps.clientWidth + 8;
  }
  return { el, update };
}
