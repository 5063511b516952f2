// Automaton: a word walks through a recurrent network and through the automaton read from it.

import { button, choice, clamp, freshId, h, openFigure, player } from "./kit.js";
import { decodeWeights } from "./hmlstm.js";
import { Walk, buildNet, margin } from "./recurrent.js";
import { affordable, difference, differenceFromNet, trace } from "./machines.js";
import { className, mergingView } from "./machine_view.js";
import { cloudView, coordinates } from "./cloud_view.js";
import { walkStrip } from "./walk_strip.js";
import { sign } from "./alphabet.js";

function render({ model: widget, el }) {
  const { symbols, nets, target, language, empty, longest } = widget.get("data");
  const typed = symbols.every((symbol) => symbol.length === 1 && symbol !== " ");
  const running = nets.map((net) => new Walk(buildNet(decodeWeights(net.weights), net.cell)));
  const clouds = nets.map(cloudView);
  const views = nets.map((net) => net.machines.map(() => null));
  const viewOf = (n, m) => (views[n][m] ??= mergingView(nets[n].machines[m]));

  const figure = openFigure({ model: widget, el }, { draw, clean });
  const { stage: board, set, state } = figure;
  let found = ""; // what the last search for a counterexample said

  // ---- what the reader handles
  const cell = choice({
    label: "Network",
    options: nets.map((net, n) => [String(n), net.name]),
    onChange: (n) => choose(Number(n)),
  });
  const clusters = h("div");
  const clusterChoices = nets.map((net) =>
    choice({
      label: "Clusters k",
      options: net.machines.map((machine, m) => [String(m), machine.name]),
      onChange: (m) => set({ machine: Number(m) }),
    }),
  );
  const keys = symbols.map((symbol) =>
    button(sign(symbol), () => write([...state().word, symbol]), {
      class: "hl-button hl-key",
      "aria-label": `append ${sign(symbol)}`,
    }),
  );
  const erase = button("⌫", () => write(state().word.slice(0, -1)), { "aria-label": "Backspace" });
  const clear = button("Clear", () => write([]));
  const boxId = freshId();
  const box = h("input", {
    id: boxId,
    class: "hl-word",
    type: "text",
    maxlength: longest,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    inputmode: symbols.every((symbol) => /\d/.test(symbol)) ? "numeric" : "text",
    oninput: () => write([...box.value]),
  });
  const boxed = h("div", { class: "hl-wordbox" }, h("label", { for: boxId }, `Type a word of ${symbols.join(", ")}`), box);
  const remark = h("p", { class: "hl-note", role: "status" });
  const strip = walkStrip({
    label: "The word, step by step",
    names: ["symbol", "state", "machine", "network", ...(target ? ["truth"] : [])],
    onSelect: (t) => set({ at: t === state().word.length ? null : t }),
    onKey: press,
  });
  const merging = h("div", { class: "hl-merging" });
  const players = nets.map((net) => net.machines.map(() => null));
  const playerOf = (n, m) =>
    (players[n][m] ??= player({
      label: "Merge states",
      last: nets[n].machines[m].stages.length - 1,
      show: (stage) => nets[n].machines[m].stages[stage],
      onSeek: (stage) => set({ stage }),
      interval: 1600,
    }));
  const toLanguage = button(`Find a word where it differs from the truth`, () => search("language"));
  const toNet = button("Find a word where it differs from the network", () => search("net"));
  const finding = h("p", { class: "hl-note", role: "status" });

  // ---- what the figure shows
  const heading = h("p", { class: "hl-heading" });
  const scroller = h("div", { class: "hl-machine-scroller", role: "group", "aria-label": "The automaton" });
  const cloudHeading = h("p", { class: "hl-heading" });
  const cloud = h("div");
  const verdicts = h("dl", { class: "hl-values" });
  board.append(
    h("div", { class: "hl-bar" }, ...(nets.length > 1 ? [cell.el] : []), clusters),
    h("div", { class: "hl-keys" }, ...keys, erase, clear, ...(typed ? [boxed] : [])),
    remark,
    strip.el,
    verdicts,
    h("div", { class: "hl-side" }, h("div", {}, heading, scroller), h("div", {}, cloudHeading, cloud)),
    merging,
    h("div", { class: "hl-bar" }, ...(target ? [toLanguage] : []), toNet, finding),
    figure.status,
  );

  // ---- state
  function clean(wanted) {
    const index = (value, length) => clamp(Math.round(Number(value)) || 0, 0, length - 1);
    const net = index(wanted.net, nets.length);
    const machine = index(wanted.machine, nets[net].machines.length);
    const word = (Array.isArray(wanted.word) ? wanted.word : []).filter((each) => symbols.includes(each));
    const at = Number.isInteger(wanted.at) ? wanted.at : null;
    return {
      net,
      machine,
      stage: index(wanted.stage, nets[net].machines[machine].stages.length),
      word: word.slice(0, longest),
      at: at === null || at >= Math.min(word.length, longest) ? null : Math.max(0, at),
    };
  }
  // Another network: the same k if it has it, and minimised stays minimised.
  function choose(net) {
    const now = state();
    const before = nets[now.net].machines[now.machine];
    const same = nets[net].machines.findIndex((machine) => machine.k === before.k);
    const machine = Math.max(0, same);
    const last = nets[net].machines[machine].stages.length - 1;
    set({ net, machine, stage: now.stage === before.stages.length - 1 ? last : Math.min(now.stage, last) });
  }
  function write(word) {
    const foreign = word.filter((each) => !symbols.includes(each));
    const kept = word.filter((each) => symbols.includes(each));
    found = "";
    set({ word: kept, at: null });
    if (foreign.length > 0) remark.textContent = `“${foreign[0]}” is no symbol of this language; left out.`;
    else if (kept.length >= longest) remark.textContent = `This is all that the figure reads: ${longest} symbols.`;
  }
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Backspace") write(state().word.slice(0, -1));
    else if (event.key === "Delete") write([]);
    else if (symbols.includes(event.key)) write([...state().word, event.key]);
    else return;
    event.preventDefault();
  }
  function shown({ net, machine, stage }) {
    const raw = nets[net].machines[machine];
    return stage > raw.rounds.length ? raw.minimal : raw;
  }
  function search(kind) {
    const now = state();
    const machine = shown(now);
    const { net } = running[now.net];
    const limit = affordable(net, symbols.length);
    const codes =
      kind === "language"
        ? difference(machine, target, { empty })
        : differenceFromNet(machine, net, limit, { empty });
    const skipped = empty ? "" : " (the empty word aside)";
    if (codes !== null) set({ word: codes.map((code) => symbols[code]), at: null });
    if (codes !== null) found = `A shortest one: ${spell(codes)}. It is the word now.`;
    else if (kind === "language") found = `There is none${skipped}: the automaton is exactly ${language}.`;
    else found = `There is none of up to ${limit} symbols${skipped}; longer words were not tried.`;
    finding.textContent = found;
  }
  function spell(codes) {
    return codes.length === 0 ? "the empty word" : codes.map((code) => sign(symbols[code])).join(typed ? "" : " ");
  }

  // ---- drawing
  function draw(now) {
    const net = nets[now.net];
    const raw = net.machines[now.machine];
    const machine = shown(now);
    const codes = now.word.map((symbol) => symbols.indexOf(symbol));
    const at = now.at ?? codes.length;
    const walk = running[now.net];
    const states = walk.read(codes);
    const margins = states.map((each) => margin(walk.net, each));
    const path = trace(machine, codes);
    const truths = target ? trace(target, codes).map((q) => target.accepting[q]) : null;

    cell.set(now.net);
    clusters.replaceChildren(...(net.machines.length > 1 ? [clusterChoices[now.net].el] : []));
    clusterChoices[now.net].set(now.machine);
    swap(merging, playerOf(now.net, now.machine).el);
    players.flat().forEach((each) => each !== null && each !== players[now.net][now.machine] && each.stop());
    playerOf(now.net, now.machine).set(now.stage);
    if (box.value !== now.word.join("")) box.value = now.word.join("");
    remark.textContent = "";
    finding.textContent = found;
    erase.disabled = clear.disabled = codes.length === 0;
    for (const key of keys) key.disabled = codes.length >= longest;

    strip.update({ at, columns: columnsOf({ now, machine, path, margins, truths }) });
    const view = viewOf(now.net, now.machine);
    swap(scroller, view.el);
    view.el.style.minWidth = `${Math.min(view.width, Math.max(260, 0.72 * view.width))}px`;
    const lit = view.show({ stage: now.stage, at: path[at], from: at === 0 ? null : path[at - 1] });
    scroller.scrollLeft = lit * scroller.scrollWidth - scroller.clientWidth / 2;
    if (scroller.scrollWidth > scroller.clientWidth + 1) scroller.setAttribute("tabindex", "0");
    else scroller.removeAttribute("tabindex");
    heading.textContent = `Automaton from the ${net.name}, ${raw.stages[now.stage]}`;
    cloudHeading.textContent = `Hidden state of the ${net.name}, ${net.size} units`;
    swap(cloud, clouds[now.net].el, clouds[now.net].note);
    const trail = states.slice(0, at + 1).map((each) => coordinates(net, each));
    clouds[now.net].show({ ...groupsOf(raw, now.stage), trail });
    const accepted = machine.accepting[path[at]];
    drawVerdicts(now, machine, path[at], accepted, margins[at], truths === null ? null : truths[at]);
    figure.say(describe(now, machine, path, at, margins[at], truths === null ? null : truths[at]));
  }

  function swap(place, ...children) {
    if (place.firstChild !== children[0]) place.replaceChildren(...children);
  }

  function columnsOf({ now, machine, path, margins, truths }) {
    return path.map((q, t) => {
      const [one, other] = [machine.accepting[q], margins[t] > 0];
      const truth = truths === null ? other : truths[t];
      const verdict = (yes, odd) => ({ text: yes ? "✓" : "✗", kind: yes ? "hl-yes" : "hl-no", odd });
      const cells = [{ text: machine.names[q] }, verdict(one, one !== truth), verdict(other, other !== truth)];
      if (truths !== null) cells.push(verdict(truth, false));
      const label =
        `${t === 0 ? "before the first symbol" : `after symbol ${t}, ${sign(now.word[t - 1])}`}: state ` +
        `${machine.names[q]}, machine ${says(one)}, network ${says(other)}` +
        (truths === null ? "" : `, truth: ${truth ? "yes" : "no"}`);
      return { symbol: t === 0 ? "→" : sign(now.word[t - 1]), cells, label };
    });
  }

  // Colour groups of the cloud: states, or from the first round on their classes.
  function groupsOf(raw, stage) {
    if (raw.clusters === null) return { groups: null, centres: [], names: [] };
    if (stage === 0) return { groups: raw.clusters, centres: raw.centres, names: raw.names };
    const classes = stage > raw.rounds.length ? raw.map : raw.rounds[stage - 1];
    const groups = raw.clusters.map((q) => (classes[q] < 0 ? null : classes[q]));
    const names = raw.centres.map((_, q) => (classes[q] < 0 ? "–" : className(classes[q])));
    return { groups, centres: raw.centres, names };
  }

  function drawVerdicts(now, machine, q, accepted, lead, truth) {
    const card = (title, word, detail, differs) =>
      h("div", { class: differs ? "hl-differs" : "" }, h("dt", {}, title), h("dd", {}, word, h("span", { class: "hl-muted" }, detail)));
    const net = lead > 0;
    const mark = (yes) => `${yes ? "✓" : "✗"} ${says(yes)}`;
    const reference = truth ?? net;
    verdicts.replaceChildren(
      card("Machine", mark(accepted), `in state ${machine.names[q]} of ${machine.names.length}`, accepted !== reference),
      card(`Network (${nets[now.net].name})`, mark(net), `margin ${signed(lead)}`, net !== reference),
      ...(truth === null ? [] : [card("Truth", truth ? "✓ belongs" : "✗ does not", language, false)]),
    );
  }

  function describe(now, machine, path, at, lead, truth) {
    const read = now.word.slice(0, at);
    const last = read.slice(-24).map((each) => symbols.indexOf(each));
    const cut = read.length > 24 ? `${read.length} symbols, the last ` : "";
    const word = read.length === 0 ? "Nothing read yet" : `Read ${cut}${spell(last)}`;
    const way = path.slice(Math.max(0, at - 4), at + 1).map((q) => machine.names[q]);
    const short = at > 4 ? "… " : "";
    const accepted = machine.accepting[path[at]];
    const net = lead > 0;
    const sides =
      accepted === net ? `Machine and network both ${accepted ? "accept" : "reject"}` : `The machine ${says(accepted)}, the network ${says(net)}`;
    const truly = truth === null ? "" : `; the word ${truth ? "belongs" : "does not belong"} to the language`;
    return `${word}. States ${short}${way.join(" → ")}. ${sides} (margin ${signed(lead)})${truly}.`;
  }

  figure.start();
  return () => {
    for (const each of players.flat()) each?.stop();
    figure.close();
  };
}

function says(accepted) {
  return accepted ? "accepts" : "rejects";
}

function signed(number) {
  return `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;
}

export default { render };
