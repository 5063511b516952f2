// Taylor orders: a TaylorNet reads what the reader draws. Its logits are stacked by order; orders, regions and
// the squares of a level can be switched off. Below stand references of a distillation, by similarity.

import { button, choice, h, openFigure, toggle } from "./kit.js";
import { decodeWeights } from "./hmlstm.js";
import { centred, drawingPad, pixelsOf } from "./drawing_pad.js";
import { buildEmbedder, embed, likest } from "./embedding.js";
import { buildTaylorNet, logits, orders, split } from "./taylor_series.js";
import { logitStack, orderTable, referenceRow, regionGrid, signed } from "./taylor_views.js";

function render({ model: widget, el }) {
  const { classes, side, scale, examples, colours, looking, ...data } = widget.get("data");
  const net = buildTaylorNet(decodeWeights(data.weights), data);
  const levels = net.levels.length;
  const across = Math.sqrt(net.sites);
  const blank = "0".repeat(side * side);
  const eye = looking && buildEmbedder(decodeWeights(looking.weights), looking);
  const figure = openFigure({ model: widget, el }, { draw, clean });
  const { stage, set, state } = figure;
  let erase = false;
  const held = { key: null };

  // ---- what the reader handles
  // The lattice is wider than the sheet: the regions at the border lie partly outside it.
  const [wide, edge] = [data.lattice / side, Math.floor((data.lattice - side) / 2)];
  const regionMarks = h("span", {
    class: "hl-blanks",
    "aria-hidden": "true",
    style: `--across:${across};--wide:${wide};--edge:${edge / side};--cut:${edge / data.lattice}`,
  });
  const pad = drawingPad({
    side,
    read: () => state().picture,
    onChange: (picture) => set({ picture }),
    erasing: () => erase,
    overlay: regionMarks,
  });
  const tool = choice({
    label: "Pencil",
    options: [
      ["ink", "draws"],
      ["erase", "erases"],
    ],
    onChange: (value) => (erase = value === "erase"),
  });
  tool.set("ink");
  const example = h(
    "select",
    { class: "hl-select", onchange: () => example.value && set({ picture: examples[Number(example.value)] }) },
    h("option", { value: "" }, "…"),
    ...classes.map((name, c) => h("option", { value: c }, name)),
  );
  const flip = (list, item) => (list.includes(item) ? list.filter((each) => each !== item) : [...list, item]);
  const stack = logitStack({ classes, colours, onPick: (c) => set({ about: state().about === c ? -1 : c }) });
  const kept = Array.from({ length: 2 ** levels + 1 }, (_, k) =>
    toggle(k === 0 ? "0, constant" : String(k), () => set({ off: flip(state().off, k) })),
  );
  kept.forEach(({ el: label }, k) => label.append(h("i", { class: "hl-swatch", style: `background:${colours[k]}` })));
  const squares = net.levels.map((_, l) =>
    toggle(`level ${l + 1}`, () => set({ straight: flip(state().straight, l) })),
  );
  const regions = regionGrid({ across, onToggle: (r) => set({ out: flip(state().out, r) }) });
  const table = orderTable({ classes });
  const references = (looking?.levels ?? []).map(({ count, pictures, vectors }) => ({
    row: referenceRow({ classes, count, side, onTake: (picture) => set({ picture }) }),
    vectors: decodeWeights(vectors).vectors.values,
    count,
    pictures,
  }));

  // ---- what the figure shows
  const about = h("p", { class: "hl-note" });
  const group = (title, parts) => h("fieldset", { class: "hl-choice" }, h("legend", {}, title), ...parts.map((part) => part.el));
  stage.classList.add("hl-taylor");
  stage.append(
    h(
      "div",
      { class: "hl-desk" },
      h(
        "div",
        { class: "hl-drawing" },
        pad.el,
        h("div", { class: "hl-bar" }, tool.el),
        h(
          "div",
          { class: "hl-bar" },
          button("Clear", () => set({ picture: blank })),
          button("Centre", () => set({ picture: centred(state().picture, side) })),
          h("label", { class: "hl-seed-label" }, "Example ", example),
        ),
      ),
      h(
        "div",
        { class: "hl-reading" },
        h("p", { class: "hl-heading" }, "Logits, stacked by order"),
        stack.el,
        h("p", { class: "hl-note" }, "Bold line: what is left of the logit. Thin line: the whole network's."),
        group("Orders that count", kept),
        group("Squares of", squares),
      ),
    ),
    figure.status,
    h("div", { class: "hl-desk" }, regions.el, about),
    table.el,
    ...(references.length > 0 ? [h("p", { class: "hl-heading" }, "References, and their cosine with the drawing")] : []),
    ...references.map(({ row }) => row.el),
  );

  // ---- state
  function clean(wanted) {
    const among = (list, most) => {
      const good = Array.isArray(list) ? list.filter((x) => Number.isInteger(x) && x >= 0 && x < most) : [];
      return [...new Set(good)].sort((a, b) => a - b);
    };
    const drawn = typeof wanted.picture === "string" && wanted.picture.length === blank.length;
    return {
      picture: drawn && /^[0-9a-f]*$/.test(wanted.picture) ? wanted.picture : blank,
      off: among(wanted.off, kept.length),
      out: among(wanted.out, net.sites),
      straight: among(wanted.straight, levels),
      about: among([wanted.about], classes.length)[0] ?? -1,
    };
  }
  // All parts of the drawing; they change with the ink and with the levels only.
  function partsOf({ picture, straight }) {
    const key = `${picture} ${straight}`;
    if (held.key !== key) {
      const pixels = pixelsOf(picture).map((x) => x / scale);
      Object.assign(held, { key, parts: split(net, pixels, side, straight) });
      if (held.whole === undefined || held.picture !== picture) {
        const plain = straight.length === 0 ? held.parts : split(net, pixels, side);
        Object.assign(held, { picture, whole: logits(orders(plain)) });
      }
    }
    return held;
  }

  // ---- drawing
  function draw(raw) {
    const now = clean(raw);
    const { parts, whole } = partsOf(now);
    const rows = orders(parts, now.out);
    const left = logits(rows, now.off);
    const best = largest(left);
    const chosen = now.about < 0 ? best : now.about;
    pad.show(now.picture);
    example.value = examples.includes(now.picture) ? String(examples.indexOf(now.picture)) : "";
    kept.forEach((box, k) => box.set(!now.off.includes(k)));
    squares.forEach((box, l) => box.set(!now.straight.includes(l)));
    stack.show({ rows, off: now.off, left, whole, best, about: chosen });
    const added = Array.from({ length: net.sites }, (_, r) =>
      parts.parts.reduce((sum, sites, k) => sum + (k === 0 || now.off.includes(k) ? 0 : sites[r][chosen]), 0),
    );
    regions.show({ values: added, out: now.out, name: classes[chosen] });
    regionMarks.replaceChildren(...added.map((_, r) => h("span", { class: now.out.includes(r) ? "hl-blank" : "" })));
    const sum = added.reduce((total, x, r) => total + (now.out.includes(r) ? 0 : x), 0);
    const constant = now.off.includes(0) ? 0 : rows[0][chosen];
    about.textContent =
      `What the ink of each region adds to the logit of ${classes[chosen]}: ${signed(sum)} in all, and ` +
      `${signed(constant)} for the blank sheet. Press a region to blank it; press a class above to ask for another.`;
    table.show(rows, now.off, left);
    figure.say([describe(now, left, whole, best), ...look(now)].join(" "));
  }

  function look({ picture }) {
    if (!eye) return [];
    const vector = embed(eye, pixelsOf(picture), side);
    const said = references.map(({ row, vectors, count, pictures }) => {
      const best = row.show(likest(vector, vectors, count), pictures);
      return `${classes[best]} with ${count} a class`;
    });
    return [`Most similar reference: ${said.join(", ")}.`];
  }

  function describe({ off, out, straight }, left, whole, best) {
    const second = largest(left, best);
    const missing = [
      off.length > 0 ? `without order${off.length > 1 ? "s" : ""} ${off.join(", ")}` : "",
      out.length > 0 ? `${out.length} region${out.length > 1 ? "s" : ""} blank` : "",
      straight.length > 0 ? `level${straight.length > 1 ? "s" : ""} ${straight.map((l) => l + 1).join(", ")} straight` : "",
    ].filter((text) => text !== "");
    const before = largest(whole);
    const reading = `${classes[best]} (logit ${signed(left[best])}; next ${classes[second]}, ${signed(left[second])})`;
    if (missing.length === 0) return `The network reads ${reading}.`;
    return `${capital(missing.join("; "))}: the network reads ${reading}; with everything, ${classes[before]}.`;
  }

  figure.start();
  return figure.close;
}

function largest(values, but = -1) {
  return values.reduce((best, x, k) => (k !== but && (best < 0 || x > values[best]) ? k : best), -1);
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

export default { render };
