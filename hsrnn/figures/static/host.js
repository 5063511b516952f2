// The stand-in for a Jupyter widget's model on a built page: it finds the figure's element, reads the
// data written into it, and gives the figure's `render` the few model methods that figures use.

export function host(figure, name) {
  const root = document.querySelector(`.hsrnn-living[data-figure="${name}"]:not([data-alive])`);
  if (root === null) return;
  const twins = document.querySelectorAll(`.hsrnn-living[data-figure="${name}"][data-alive]`).length;
  root.dataset.alive = "starting";
  root.id = `figure-${name}` + (twins === 0 ? "" : `-${twins + 1}`);

  const values = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  values.alt = root.dataset.alt;
  const listeners = new Map();
  const model = {
    get: (key) => values[key],
    set(key, value) {
      values[key] = value;
      for (const listener of listeners.get(`change:${key}`) ?? []) listener();
    },
    on: (event, listener) => listeners.set(event, [...(listeners.get(event) ?? []), listener]),
    off: (event, listener) =>
      listeners.set(
        event,
        (listeners.get(event) ?? []).filter((each) => each !== listener),
      ),
    save_changes() {},
  };

  const el = document.createElement("div");
  el.className = "hl-live";
  root.append(el);
  try {
    figure.render({ model, el });
    root.dataset.alive = "yes";
  } catch (error) {
    // The fallback picture stays in sight, which is better than half a figure.
    el.remove();
    root.dataset.alive = "no";
    console.error(error);
  }
}
