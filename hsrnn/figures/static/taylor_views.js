// What the figure Taylor orders draws beside the sheet: logits stacked by order, what each region adds, the
// same in numbers, and the most similar references.

import { h, s } from "./kit.js";
import { sheetOf } from "./drawing_pad.js";

export const signed = (x) => `${x < 0 ? "−" : "+"}${Math.abs(x).toFixed(Math.abs(x) < 99.5 ? 1 : 0)}`;

// One row a class: a button with its name, what its logit is made of, order by order from zero to both sides,
// a mark at the logit, and the number. Returns { el, show({ rows, off, left, whole, best, about }) }.
export function logitStack({ classes, colours, onPick }) {
  const lines = classes.map((name, c) => {
    const bar = s("svg", { class: "hl-stack", preserveAspectRatio: "none", "aria-hidden": "true" });
    const button = h("button", { type: "button", class: "hl-class", onclick: () => onPick(c) }, name);
    const value = h("span", { class: "hl-value" });
    return { bar, button, value, el: h("div", { class: "hl-stack-row" }, button, bar, value) };
  });
  const el = h("div", { class: "hl-stacks" }, ...lines.map((line) => line.el));

  function show({ rows, off, left, whole, best, about }) {
    const kept = rows.map((row, k) => (off.includes(k) ? row.map(() => 0) : row));
    const side = (c, sign) => kept.reduce((sum, row) => sum + Math.max(0, sign * row[c]), 0);
    const far = (sign) => Math.max(1, ...classes.map((_, c) => Math.max(side(c, sign), sign * whole[c])));
    const [low, high] = [-1.04 * far(-1), 1.04 * far(1)];
    const x = (value) => ((1000 * (value - low)) / (high - low)).toFixed(1);
    lines.forEach(({ bar, button, value, el: row }, c) => {
      const ends = { 1: 0, [-1]: 0 };
      const pieces = kept.map((numbers, k) => {
        const sign = numbers[c] < 0 ? -1 : 1;
        const from = ends[sign];
        ends[sign] += numbers[c];
        const [a, b] = [x(Math.min(from, ends[sign])), x(Math.max(from, ends[sign]))];
        return s("path", { d: `M${a} 3H${b}V17H${a}z`, style: `fill:${colours[k]}` });
      });
      const marks = [
        s("path", { d: `M${x(0)} 0V20`, class: "hl-base" }),
        s("path", { d: `M${x(whole[c])} 0V20`, class: "hl-whole" }),
        s("path", { d: `M${x(left[c])} 0V20`, class: "hl-left" }),
      ];
      bar.setAttribute("viewBox", "0 0 1000 20");
      bar.replaceChildren(...pieces, ...marks);
      value.textContent = signed(left[c]);
      row.classList.toggle("hl-best", c === best);
      button.setAttribute("aria-pressed", String(c === about));
      button.setAttribute("aria-label", `${classes[c]}: logit ${signed(left[c])}${c === best ? ", the largest" : ""}`);
    });
  }
  return { el, show };
}

// A square of buttons, one a region: what its ink adds to one class, and whether it counts.
// Returns { el, show({ values, out, name }) }.
export function regionGrid({ across, onToggle }) {
  const cells = Array.from({ length: across * across }, (_, r) =>
    h("button", { type: "button", class: "hl-region", onclick: () => onToggle(r) }),
  );
  const el = h("div", { class: "hl-regions", style: `--across:${across}`, role: "group" }, ...cells);
  function show({ values, out, name }) {
    const largest = Math.max(1e-9, ...values.map(Math.abs));
    el.setAttribute("aria-label", `What the ink of each region adds to the logit of ${name}`);
    cells.forEach((cell, r) => {
      const on = !out.includes(r);
      const share = Math.round((45 * Math.abs(values[r])) / largest);
      const tint = values[r] < 0 ? "var(--hl-accent)" : "var(--hl-flush)";
      cell.textContent = on ? (values[r] === 0 ? "0" : signed(values[r])) : "off";
      cell.style.background = on ? `color-mix(in srgb, ${tint} ${share}%, var(--hl-paper))` : "";
      cell.setAttribute("aria-pressed", String(on));
      const where = `Region in row ${Math.floor(r / across) + 1}, column ${(r % across) + 1}`;
      cell.setAttribute("aria-label", `${where}: ${on ? `adds ${cell.textContent}` : "off"}`);
    });
  }
  return { el, show };
}

// All numbers of the stacks: a line an order, a column a class. Returns { el, show(rows, off, left) }.
export function orderTable({ classes }) {
  const body = h("tbody");
  const head = h("tr", {}, h("th", { scope: "col" }, "order"), ...classes.map((name) => h("th", { scope: "col" }, name)));
  const table = h("table", {}, h("thead", {}, head), body);
  const el = h("details", { class: "hl-numbers" }, h("summary", {}, "The same in numbers"), h("div", { class: "hl-scroller", tabindex: "0", role: "group", "aria-label": "Orders by class" }, table));
  function show(rows, off, left) {
    const line = (name, numbers, kind) =>
      h("tr", { class: kind }, h("th", { scope: "row" }, name), ...Array.from(numbers, (x) => h("td", {}, signed(x))));
    body.replaceChildren(
      ...rows.map((row, k) => line(off.includes(k) ? `${k}, off` : `${k}`, row, off.includes(k) ? "hl-off" : "")),
      line("sum", left, "hl-sum"),
    );
  }
  return { el, show };
}

// The most similar reference of each class at one level. Returns { el, show(found, pictures) }; a click on a
// reference puts it on the sheet.
export function referenceRow({ classes, count, side, onTake }) {
  let shown = [];
  const cards = classes.map((name, c) => {
    const sheet = sheetOf(side);
    const text = h("span", {});
    const bar = h("span", { class: "hl-cosine" }, h("span", {}));
    const el = h("button", { type: "button", class: "hl-reference", onclick: () => onTake(shown[c]) }, sheet.el, text, bar);
    return { sheet, text, bar: bar.firstChild, el };
  });
  const heading = h("p", { class: "hl-note" });
  const el = h("div", {}, heading, h("div", { class: "hl-references" }, ...cards.map((card) => card.el)));
  const title = count === 1 ? "1 reference a class" : `${count} references a class, the most similar of each`;
  function show(found, pictures) {
    const order = found.map((_, c) => c).sort((a, b) => found[b].cosine - found[a].cosine);
    shown = found.map(({ best }, c) => pictures[c * count + best]);
    heading.textContent =
      `${title}. Most similar: ${classes[order[0]]} (${found[order[0]].cosine.toFixed(2)}), ` +
      `then ${classes[order[1]]} (${found[order[1]].cosine.toFixed(2)}).`;
    cards.forEach(({ sheet, text, bar, el: card }, c) => {
      const cosine = found[c].cosine.toFixed(2);
      sheet.show(shown[c]);
      text.textContent = `${classes[c]}: ${cosine}`;
      bar.style.width = `${Math.max(0, 100 * found[c].cosine)}%`;
      card.classList.toggle("hl-best", c === order[0]);
      card.setAttribute("aria-label", `${classes[c]}: ${cosine} is the cosine with this reference; put it on the sheet`);
    });
    return order[0];
  }
  return { el, show };
}
