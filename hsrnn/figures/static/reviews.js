// Reviews: a sentence walks, word by word, through a network and through a small automaton read from it.

import { button, clamp, freshId, h, openFigure, textBox } from "./kit.js";
import { decodeWeights } from "./hmlstm.js";
import { Walk, buildNet, margin } from "./recurrent.js";
import { machineView } from "./machine_view.js";
import { walkStrip } from "./walk_strip.js";
import { beginningWith, wordsOf } from "./review_words.js";

const LONGEST_TEXT = 600;

function render({ model: widget, el }) {
  const data = widget.get("data");
  const { vocabulary, classes, machine, truth, polarity, unknown, longest } = data;
  const index = new Map(vocabulary.map((word, code) => [word, code]));
  const walk = new Walk(buildNet(decodeWeights(data.weights), data.cell));
  const view = machineView(machine);
  const figure = openFigure({ model: widget, el }, { draw, clean });
  const { stage, set, state } = figure;

  // ---- what the reader handles
  const box = textBox({
    label: "Type or edit a review",
    rows: 2,
    maxLength: LONGEST_TEXT,
    onInput: (text) => set({ text, at: null }),
  });
  const remark = h("p", { class: "hl-note", role: "status" });
  const examples = data.examples.map((text) => button(text, () => set({ text, at: null })));
  const rows = ["word", ...(polarity ? ["polarity"] : []), "state", "machine", "network", ...(truth ? ["truth"] : [])];
  const strip = walkStrip({
    label: "The review, word by word",
    names: rows,
    onSelect: (t) => set({ at: t }),
    onKey: press,
  });
  const swapId = freshId();
  const swap = h("input", {
    id: swapId,
    class: "hl-word",
    type: "text",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    oninput: offer,
    onkeydown: (event) => event.key === "Enter" && replace(swap.value),
  });
  const swapLabel = h("label", { for: swapId });
  const offers = h("div", { class: "hl-keys" });
  const remove = button("Delete the word", erase);
  const exchange = h(
    "div",
    { class: "hl-exchange", role: "group", "aria-label": "Exchange a word" },
    h("div", { class: "hl-keys" }, h("div", { class: "hl-wordbox" }, swapLabel, swap), remove),
    offers,
  );

  // ---- what the figure shows
  const verdicts = h("dl", { class: "hl-values" });
  const scroller = h("div", { class: "hl-machine-scroller", role: "group", "aria-label": "The automaton" }, view.el);
  view.el.style.minWidth = `${Math.max(260, 0.72 * view.width)}px`;
  stage.append(
    box.el,
    ...(examples.length > 0 ? [h("div", { class: "hl-keys" }, h("span", { class: "hl-muted" }, "Or read:"), ...examples)] : []),
    remark,
    strip.el,
    exchange,
    verdicts,
    h("p", { class: "hl-heading" }, `Automaton of ${machine.names.length} states`),
    scroller,
    figure.status,
  );

  // ---- state
  function clean(wanted) {
    const text = String(wanted.text ?? "").slice(0, LONGEST_TEXT);
    const length = read(text).length;
    const at = Number.isInteger(wanted.at) ? clamp(wanted.at, 0, length) : null;
    return { text, at };
  }
  function read(text) {
    return wordsOf(text, index, unknown).slice(0, longest);
  }
  function position({ text, at }) {
    return at ?? read(text).length;
  }
  function write(words, at) {
    set({ text: words.map((word) => word.shown).join(" "), at });
  }
  function replace(typed) {
    const word = typed.trim().toLowerCase();
    const [words, at] = [read(state().text), position(state())];
    if (at === 0 || word === "") return;
    words[at - 1] = { shown: word };
    swap.value = "";
    write(words, at);
  }
  function erase() {
    const [words, at] = [read(state().text), position(state())];
    if (at === 0) return;
    words.splice(at - 1, 1);
    write(words, Math.min(Math.max(1, at), words.length));
  }
  function press(event) {
    if (event.key === "Backspace" || event.key === "Delete") erase();
    else if (event.key === "s") swap.focus();
    else return;
    event.preventDefault();
  }
  function offer() {
    const typed = beginningWith(swap.value, vocabulary, 10);
    const given = data.telling.flat().map((code) => vocabulary[code]);
    const words = swap.value.trim() === "" ? given : typed;
    offers.replaceChildren(
      ...words.map((word) => button(word, () => replace(word))),
      ...(words.length === 0 ? [h("span", { class: "hl-muted" }, "No word of the vocabulary begins so.")] : []),
    );
  }

  // ---- drawing
  function draw(now) {
    const words = read(now.text);
    const at = position(now);
    const known = words.filter(({ code }) => code !== null);
    const codes = known.map(({ code }) => code);
    const states = walk.read(codes);
    // A word that is left out leads nowhere: everything stays as it was.
    const steps = [{ q: machine.start, truly: truth?.start, hidden: states[0], word: null }];
    let taken = 0;
    for (const word of words) {
      const before = steps.at(-1);
      if (word.code === null) {
        steps.push({ ...before, word });
        continue;
      }
      taken += 1;
      steps.push({
        q: machine.table[before.q][classes[word.code]],
        truly: truth ? truth.table[before.truly][truth.classes[word.code]] : undefined,
        hidden: states[taken],
        word,
      });
    }
    for (const step of steps) step.margin = margin(walk.net, step.hidden);

    box.set(now.text);
    remark.textContent = remarks(words);
    strip.update({ at, columns: steps.map(column) });
    const here = steps[at];
    const moved = at > 0 && words[at - 1].code !== null;
    view.mark({ at: here.q, from: moved ? steps[at - 1].q : null });
    scroller.scrollLeft = (machine.layout.states[here.q][0] / view.width) * scroller.scrollWidth - scroller.clientWidth / 2;
    if (scroller.scrollWidth > scroller.clientWidth + 1) scroller.setAttribute("tabindex", "0");
    else scroller.removeAttribute("tabindex");
    exchange.hidden = at === 0;
    swapLabel.textContent = at === 0 ? "" : `Exchange ‘${words[at - 1].shown}’ for another word`;
    offer();
    drawVerdicts(here);
    figure.say(describe(steps, at));
  }

  function column({ q, truly, margin: lead, word }, t) {
    const [one, other] = [machine.accepting[q], lead > 0];
    const right = truth ? truth.accepting[truly] : other;
    const verdict = (yes, odd, more = "") => ({ text: `${yes ? "✓" : "✗"}${more}`, kind: yes ? "hl-yes" : "hl-no", odd });
    const weight = word?.known && polarity ? polarity[word.code] : null;
    const cells = [
      ...(polarity ? [{ text: weight === null ? "" : signed(weight, 1), kind: weight > 0.3 ? "hl-yes" : weight < -0.3 ? "hl-no" : "" }] : []),
      { text: plain(machine.names[q]), kind: "hl-meaning" },
      verdict(one, one !== right),
      verdict(other, other !== right, ` ${signed(lead, 1)}`),
      ...(truth ? [verdict(right, false)] : []),
    ];
    const place = t === 0 ? "before the first word" : `word ${t}, ${word.shown}${word.known ? "" : ", unknown"}`;
    const label =
      `${place}: state ${plain(machine.names[q])}, machine ${mood(one)}, network ${mood(other)}` +
      (truth ? `, truth ${mood(right)}` : "");
    const symbol = t === 0 ? "→" : word.shown;
    return { symbol, kind: t > 0 && !word.known ? "hl-unknown" : "", cells, label };
  }

  function drawVerdicts({ q, truly, margin: lead }) {
    const [one, other] = [machine.accepting[q], lead > 0];
    const right = truth ? truth.accepting[truly] : other;
    const card = (title, yes, detail, differs) =>
      h(
        "div",
        { class: differs ? "hl-differs" : "" },
        h("dt", {}, title),
        h("dd", {}, `${yes ? "✓" : "✗"} ${mood(yes)}`, h("span", { class: "hl-muted" }, detail)),
      );
    verdicts.replaceChildren(
      card("Machine", one, `in state: ${plain(machine.names[q])}`, one !== right),
      card(`Network (${data.cell.toUpperCase()})`, other, `margin ${signed(lead, 2)}`, other !== right),
      ...(truth ? [card("True rule", right, "of the reviews", false)] : []),
    );
  }

  function remarks(words) {
    const strange = [...new Set(words.filter(({ known }) => !known).map(({ shown }) => `“${shown}”`))];
    const left = unknown === null ? "left out" : `read as ${vocabulary[unknown]}`;
    const cut = words.length >= longest ? ` This is all that the figure reads: ${longest} words.` : "";
    return (strange.length > 0 ? `Unknown to the network: ${strange.join(", ")}; ${left}.` : "") + cut;
  }

  function describe(steps, at) {
    const { q, margin: lead, word } = steps[at];
    const [one, other] = [machine.accepting[q], lead > 0];
    const verdict =
      one === other
        ? `Machine and network both say ${mood(one)}`
        : `The machine says ${mood(one)}, the network ${mood(other)}`;
    if (at === 0) return `Nothing read yet. ${verdict} (margin ${signed(lead, 2)}).`;
    const before = steps[at - 1].q;
    const way =
      word.code === null
        ? "is left out"
        : before === q
          ? `leaves the machine in “${plain(machine.names[q])}”`
          : `leads from “${plain(machine.names[before])}” to “${plain(machine.names[q])}”`;
    return `Word ${at} of ${steps.length - 1}, ‘${word.shown}’, ${way}. ${verdict} (margin ${signed(lead, 2)}).`;
  }

  figure.start();
  return figure.close;
}

function mood(positive) {
  return positive ? "positive" : "negative";
}

function plain(name) {
  return name.replaceAll("\n", " ");
}

function signed(number, digits) {
  return `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(digits)}`;
}

export default { render };
