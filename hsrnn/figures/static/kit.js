// What all figures share: elements, the state that the reader changes, and a small set of controls.
// Colours and sizes are CSS custom properties (--hl-ink, --hl-update, ...): see living.css.

// ---------------------------------------------------------------- elements

function build(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.flat());
  return element;
}

// h("p", { class: "note", onclick: act }, "text", child): an HTML element.
export function h(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

// s("circle", { r: 4 }): the same for SVG.
export function s(tag, attributes = {}, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

let lastId = 0;
export function freshId() {
  lastId += 1;
  return `hl-${lastId}`;
}

export function prefersStillness() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

export function percent(share) {
  return `${Math.round(100 * share)} %`;
}

export function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

// ---------------------------------------------------------------- state in a link

// A state as base64url of its JSON, fit for the part of an address after "#".
export function encodeState(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The inverse of encodeState; throws an Error for anything that is not the text of a JSON object.
export function decodeState(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  const state = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  if (state === null || typeof state !== "object" || Array.isArray(state)) {
    throw new Error("a state is a JSON object");
  }
  return state;
}

// ---------------------------------------------------------------- the frame of a figure

// Open a figure in `el`. `draw(state)` is called once at the start and after every change, whoever makes it:
// a control, a link, "Reset", or Python. `clean(state)` turns anything that a link may hold into a good
// state. Returns { root, stage, status, state(), set(patch), say(text), start(), close() }; call start() when
// the stage is built. `status` is the line that say() writes to; it stands last unless the figure puts it
// elsewhere on the stage.
export function openFigure({ model, el }, { draw, clean = (state) => state }) {
  const initial = structuredClone(model.get("state"));
  const host = el.closest(".hsrnn-living");
  const status = h("p", { class: "hl-status", role: "status" });
  const stage = h("div", { class: "hl-stage" });
  const note = h("span", { class: "hl-note", role: "status" });
  const buttons = [button("Reset", () => set(initial, true))];
  if (host !== null) buttons.push(button("Copy link to this state", copyLink));
  const root = h(
    "div",
    { class: "hl", role: "group", "aria-label": model.get("alt") },
    stage,
    h("div", { class: "hl-foot" }, ...buttons, note),
  );
  stage.append(status);
  el.append(root);

  function state() {
    return model.get("state");
  }
  function set(patch, whole = false) {
    note.textContent = "";
    model.set("state", clean(structuredClone(whole ? patch : { ...state(), ...patch })));
    model.save_changes();
  }
  function redraw() {
    draw(state());
  }
  function restore() {
    const [id, text] = location.hash.slice(1).split("=");
    if (host === null || id !== host.id || !text) return;
    try {
      set({ ...initial, ...decodeState(text) }, true);
      host.scrollIntoView({ block: "start" });
    } catch {
      note.textContent = "The state in this link cannot be read; this is the figure as it starts.";
    }
  }
  async function copyLink() {
    const address = `${location.href.split("#")[0]}#${host.id}=${encodeState(state())}`;
    // The address bar always gets the link; the clipboard may be refused, for example on file:// pages.
    history.replaceState(null, "", address);
    try {
      await navigator.clipboard.writeText(address);
      note.textContent = "Link copied.";
    } catch {
      note.textContent = "The link is in the address bar.";
    }
  }
  function start() {
    model.on("change:state", redraw);
    window.addEventListener("hashchange", restore);
    redraw();
    restore();
  }
  function close() {
    model.off("change:state", redraw);
    window.removeEventListener("hashchange", restore);
  }
  function say(text) {
    if (status.textContent !== text) status.textContent = text;
  }
  return { root, stage, status, state, set, say, start, close };
}

// ---------------------------------------------------------------- controls
// Each returns { el, set(value) } or a plain element; set() shows a value without calling back.

export function button(label, onClick, attributes = {}) {
  return h("button", { type: "button", class: "hl-button", onclick: onClick, ...attributes }, label);
}

export function toggle(label, onChange) {
  const input = h("input", { type: "checkbox", role: "switch", onchange: () => onChange(input.checked) });
  return { el: h("label", { class: "hl-toggle" }, input, label), set: (on) => void (input.checked = on) };
}

export function slider({ label, min, max, step, show = String, onInput }) {
  const id = freshId();
  const output = h("output", { for: id });
  const input = h("input", {
    type: "range",
    id,
    min,
    max,
    step,
    oninput: () => onInput(Number(input.value)),
  });
  const el = h("div", { class: "hl-slider" }, h("label", { for: id }, label), input, output);
  return {
    el,
    input,
    set(value) {
      input.value = value;
      input.setAttribute("aria-valuetext", show(value));
      output.textContent = show(value);
    },
  };
}

// Pick one of options = [[value, label], ...].
export function choice({ label, options, onChange }) {
  const name = freshId();
  const inputs = options.map(([value]) =>
    h("input", { type: "radio", name, value, onchange: () => onChange(value) }),
  );
  const labels = options.map(([, text], index) => h("label", {}, inputs[index], h("span", {}, text)));
  const el = h("fieldset", { class: "hl-choice" }, h("legend", {}, label), ...labels);
  return {
    el,
    set: (value) => inputs.forEach((input) => void (input.checked = input.value === String(value))),
  };
}

export function textBox({ label, rows = 2, maxLength, onInput }) {
  const id = freshId();
  const box = h("textarea", {
    id,
    rows,
    maxlength: maxLength,
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    oninput: () => onInput(box.value),
  });
  const el = h("div", { class: "hl-textbox" }, h("label", { for: id }, label), box);
  return { el, set: (text) => void (box.value !== text && (box.value = text)) };
}

// Play, step back, step on and scrub through positions 0 .. last.
export function player({ label, last, show, onSeek, interval = 900 }) {
  let position = 0;
  let timer = null;
  const scrub = slider({
    label,
    min: 0,
    max: last,
    step: 1,
    show,
    onInput: (value) => (stop(), onSeek(value)),
  });
  const play = button("Play", () => (timer === null ? begin() : stop()), { "aria-pressed": "false" });
  const back = button("◀", () => (stop(), onSeek(Math.max(0, position - 1))), {
    "aria-label": "One step back",
  });
  const next = button("▶", () => (stop(), onSeek(Math.min(last, position + 1))), {
    "aria-label": "One step on",
  });

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }
  function begin() {
    if (position === last) onSeek(0);
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(() => {
      onSeek(position + 1);
      if (position === last) stop();
    }, interval);
  }
  return {
    el: h("div", { class: "hl-player" }, play, back, next, scrub.el),
    stop,
    set(value) {
      position = value;
      scrub.set(value);
    },
  };
}
