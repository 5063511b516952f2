// What the theme leaves undone for readers who use a keyboard, a screen reader, or the site as files.

// Excerpts under search results are fetched from the pages, which a browser refuses where the pages are files.
if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
}

const REGIONS = [
  [".cell_input pre", "code"],
  [".cell_output pre, .cell_output, .output.text_html", "output"],
  ["div.highlight pre", "listing"],
  [".pst-scrollable-table-container", "table"],
  ["div.math, mjx-container", "formula"],
];

function isReachable(element) {
  return element.hasAttribute("tabindex") || element.querySelector("a, button, input, select, textarea, [tabindex]");
}

// A region that scrolls can be scrolled by keyboard only when it can have the focus.
function reachScrollingRegions() {
  const article = document.querySelector(".bd-article");
  if (!article) return;
  for (const [selector, name] of REGIONS) {
    article.querySelectorAll(selector).forEach((element, index) => {
      const wide = element.scrollWidth > element.clientWidth + 1;
      const high = element.scrollHeight > element.clientHeight + 1;
      const scrolls = /auto|scroll/.test(getComputedStyle(element).overflow);
      if (!scrolls || !(wide || high) || isReachable(element)) return;
      element.tabIndex = 0;
      element.setAttribute("role", "region");
      element.setAttribute("aria-label", `${name} ${index + 1}`);
    });
  }
}

// A folded cell says in words what it hides; the label that the notebook renderer adds would replace those words.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("summary[aria-label]").forEach((element) => {
    if (element.textContent.trim()) element.removeAttribute("aria-label");
  });
});

// What was folded has no width until it opens: only then can be seen, by the theme and by us, whether it scrolls.
document.addEventListener("toggle", () => window.dispatchEvent(new Event("resize")), true);

window.addEventListener("load", () => {
  const typeset = window.MathJax?.startup?.promise ?? Promise.resolve();
  typeset.then(reachScrollingRegions);
  window.addEventListener("resize", reachScrollingRegions);
});
