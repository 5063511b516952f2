// The ten-letter machine: an HM-LSTM without numbers. The reader sets the boundaries; the table of operations
// does the rest, and each layer's memory is written out as the letters that it holds.

import { clamp, h, openFigure, percent, player } from "./kit.js";
import { COPY, FLUSH, OPERATIONS, UPDATE } from "./hmlstm.js";
import { sign, spoken } from "./alphabet.js";

const CLASS = ["hl-copy", "hl-update", "hl-flush"];
const SHORT = ["", "U", "F"];

// Run the machine: boundaries[layer][t] for all layers but the top -> at each letter, per layer, the
// operation and the memory: a list of letters in layer 1, a list of such lists in layer 2, and so on.
export function run(letters, boundaries) {
  const layers = boundaries.length + 1;
  const steps = [];
  let memory = Array.from({ length: layers }, () => []);
  letters.forEach((letter, t) => {
    const operation = [];
    const after = [];
    for (let l = 0; l < layers; l += 1) {
      const own = t > 0 && l < layers - 1 ? boundaries[l][t - 1] : 0;
      const below = l === 0 ? 1 : boundaries[l - 1][t];
      const heard = below === 0 ? [] : [l === 0 ? letter : after[l - 1]];
      operation.push(own === 1 ? FLUSH : below === 1 ? UPDATE : COPY);
      after.push(own === 1 ? heard : [...memory[l], ...heard]);
    }
    memory = after;
    steps.push({ operation, memory: after });
  });
  return steps;
}

function render({ model, el }) {
  const letters = [...model.get("data").letters];
  const layers = model.get("state").boundaries.length + 1;
  const figure = openFigure({ model, el }, { draw, clean });
  const { set, state } = figure;

  const play = player({
    label: "Letter",
    last: letters.length - 1,
    show: (t) => `${t + 1} of ${letters.length}`,
    onSeek: (t) => set({ t }),
  });
  const operationCells = Array.from({ length: layers }, () => letters.map(() => h("div", { role: "cell" })));
  const switches = Array.from({ length: layers - 1 }, (_, l) =>
    letters.map((letter, t) =>
      h("button", { type: "button", class: "hl-z", "data-l": l, "data-t": t, onclick: () => flip(l, t) }),
    ),
  );
  const letterCells = letters.map((letter, t) =>
    h(
      "div",
      { role: "cell", class: "hl-ten-letter", onclick: () => (play.stop(), set({ t })) },
      sign(letter),
    ),
  );

  const rows = [];
  const addRow = (name, note, cells, kind) =>
    rows.push(
      h(
        "div",
        { class: `hl-ten-row ${kind}`, role: "row" },
        h(
          "div",
          { class: "hl-ten-name", role: "rowheader" },
          name,
          note ? h("span", { class: "hl-muted" }, note) : "",
        ),
        ...cells,
      ),
    );
  for (let l = layers - 1; l >= 0; l -= 1) {
    addRow(`Layer ${l + 1}`, "", operationCells[l], "hl-ten-operations");
    if (l > 0) {
      const wrapped = switches[l - 1].map((each) => h("div", { role: "cell" }, each));
      addRow(h("span", {}, "z", h("sup", {}, `${l}`)), "", wrapped, "hl-ten-boundaries");
    }
  }
  addRow("Letter", "", letterCells, "hl-ten-letters");
  const grid = h(
    "div",
    {
      class: "hl-ten",
      role: "table",
      "aria-label": "Operations of each layer at each letter, and the boundaries between them",
      style: `--ten-count:${letters.length}`,
      onkeydown: moveFocus,
    },
    ...rows,
  );

  const memories = Array.from({ length: layers }, () => h("dd", {}));
  const memory = h(
    "dl",
    { class: "hl-memory" },
    ...memories
      .map((dd, l) => [h("dt", {}, `Layer ${l + 1}`), dd])
      .reverse()
      .flat(),
  );
  const rules = h("tbody", {});
  const heads = ["own z before", "z below now", "operation", "now in"];
  const table = h(
    "table",
    { class: "hl-rules" },
    h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
    rules,
  );
  const counts = h("p", { class: "hl-muted" });
  figure.stage.append(
    play.el,
    grid,
    figure.status,
    h(
      "div",
      { class: "hl-panels" },
      h("div", {}, h("p", { class: "hl-heading" }, "What each layer remembers"), memory),
      h("div", {}, h("p", { class: "hl-heading" }, "The table of operations"), table, counts),
    ),
  );

  function clean(wanted) {
    const row = (l) => letters.map((_, t) => (wanted.boundaries?.[l]?.[t] === 1 ? 1 : 0));
    return {
      boundaries: Array.from({ length: layers - 1 }, (_, l) => row(l)),
      t: clamp(Math.round(Number(wanted.t)) || 0, 0, letters.length - 1),
    };
  }
  function flip(l, t) {
    const boundaries = state().boundaries.map((row) => [...row]);
    boundaries[l][t] = 1 - boundaries[l][t];
    set({ boundaries, t: Math.max(state().t, t) });
  }
  function moveFocus(event) {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] }[event.key];
    if (step === undefined || !event.target.matches(".hl-z")) return;
    const [l, t] = [Number(event.target.dataset.l) + step[0], Number(event.target.dataset.t) + step[1]];
    switches[l]?.[t]?.focus();
    event.preventDefault();
  }

  function draw({ boundaries, t: now }) {
    const steps = run(letters, boundaries);
    play.set(now);
    for (const row of rows) {
      [...row.children].slice(1).forEach((cell, t) => {
        cell.classList.toggle("hl-now", t === now);
        cell.classList.toggle("hl-later", t > now);
      });
    }
    operationCells.forEach((cells, l) =>
      cells.forEach((cell, t) => {
        const operation = steps[t].operation[l];
        const later = t > now;
        cell.className = `hl-ten-cell ${later ? "hl-later" : CLASS[operation]}${t === now ? " hl-now" : ""}`;
        cell.replaceChildren(
          later ? "" : SHORT[operation],
          h("span", { class: "hl-hidden" }, later ? "not yet read" : OPERATIONS[operation]),
        );
      }),
    );
    switches.forEach((row, l) =>
      row.forEach((each, t) => {
        const z = boundaries[l][t];
        each.textContent = z;
        each.setAttribute("aria-pressed", z === 1);
        each.setAttribute(
          "aria-label",
          `boundary of layer ${l + 1} at letter ${t + 1}, ${spoken(letters[t])}: ${z}`,
        );
      }),
    );
    memories.forEach((dd, l) => dd.replaceChildren(boxes(steps[now].memory[l])));
    drawRules(steps[now].operation);
    const seen = steps.slice(0, now + 1).flatMap((step) => step.operation);
    const tally = (kind) => seen.filter((operation) => operation === kind).length;
    counts.textContent =
      `Up to here ${seen.length} states: ${tally(UPDATE)} UPDATE, ${tally(FLUSH)} FLUSH, ${tally(COPY)} COPY; ` +
      `${percent(tally(COPY) / seen.length)} cost nothing.`;
    figure.say(explain(steps, boundaries, now));
  }

  function drawRules(operations) {
    const line = (own, below, operation) => {
      const here = operations.flatMap((each, l) => (each === operation ? [l + 1] : []));
      const where = here.length === 0 ? "" : `layer${here.length > 1 ? "s" : ""} ${here.join(", ")}`;
      return h(
        "tr",
        { class: here.length > 0 ? "hl-applies" : "" },
        h("td", {}, own),
        h("td", {}, below),
        h("td", {}, h("i", { class: CLASS[operation] }, SHORT[operation]), ` ${OPERATIONS[operation]}`),
        h("td", {}, where),
      );
    };
    rules.replaceChildren(line("0", "0", COPY), line("0", "1", UPDATE), line("1", "0 or 1", FLUSH));
  }

  function explain(steps, boundaries, now) {
    const sentences = steps[now].operation.map((operation, l) => {
      const kept = now === 0 ? [] : steps[now - 1].memory[l];
      const heard = l === 0 ? spoken(letters[now]) : quoted(steps[now].memory[l - 1]);
      const name = `Layer ${l + 1}`;
      if (operation === COPY) return `${name} copies: nothing comes from below.`;
      if (operation === UPDATE) return `${name} updates: it takes in ${heard}.`;
      const ejected = `${name} flushes, since its own boundary fired one letter ago: it lets go of ${quoted(kept)}`;
      return l === 0 || boundaries[l - 1][now] === 1
        ? `${ejected} and starts with ${heard}.`
        : `${ejected} and starts empty.`;
    });
    return `Letter ${now + 1}, ${spoken(letters[now])}. ${sentences.join(" ")}`;
  }

  figure.start();
  return () => (play.stop(), figure.close());
}

// A memory as nested boxes.
function boxes(memory) {
  if (memory.length === 0) return h("span", { class: "hl-muted" }, "empty");
  const inner = (item) =>
    Array.isArray(item) ? h("span", { class: "hl-box" }, ...item.map(inner)) : sign(item);
  return h("span", { class: "hl-box" }, ...memory.map(inner));
}

function quoted(memory) {
  return memory.length === 0 ? "nothing" : `“${memory.flat(Infinity).map(sign).join("")}”`;
}

export default { render };
