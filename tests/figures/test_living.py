"""The living figure's Python side: what it stores, what it refuses, what it shows."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from hsrnn.figures import LivingFigure, Picture, StraightThrough
from hsrnn.figures.living import plain, stylesheet
from hsrnn.figures.modules import STATIC

from .conftest import OpenPage, RunNode

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Plot(LivingFigure):
    module = "straight_through.js"


def make(data: Any = None, **options: Any) -> Plot:
    return Plot(data or {}, **({"alt": "A plot.", "fallback": PNG} | options))


class Scripts(HTMLParser):
    """Collect the scripts of a fragment as a browser's parser finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[tuple[str | None, str]] = []
        self.depth = 0
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag == "div"
        if tag == "script":
            self.inside = True
            self.scripts.append((dict(attrs).get("type"), ""))

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "div"
        self.inside = self.inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self.inside:
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
hostile = st.sampled_from(["</script>", "<!--", "<script>", "]]>", "\u2028", "&lt;", "</SCRIPT ", "--!>"])


@given(st.dictionaries(hostile | st.text(), json_values | hostile, max_size=4))
def test_any_data_survives_the_page(data: dict[str, Any]) -> None:
    parser = Scripts()
    parser.feed(make(data).html())
    kinds = [kind for kind, _ in parser.scripts]
    assert kinds == ["application/json", "module"]
    assert parser.depth == 0
    assert json.loads(parser.scripts[0][1]) == {"data": data, "state": {}}


def test_the_alt_text_is_escaped() -> None:
    html = make(alt='x < 1 & "y"').html()
    assert 'alt="x &lt; 1 &amp; &quot;y&quot;"' in html
    assert 'data-alt="x &lt; 1 &amp; &quot;y&quot;"' in html


def test_the_notebook_holds_widget_view_page_form_and_words_and_the_data_once() -> None:
    figure = make({"marker": "only-once-9f"})
    bundle, _ = figure._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == figure.model_id
    assert bundle["text/plain"] == "A plot."
    assert json.dumps(bundle).count("only-once-9f") == 1
    assert make({"marker": "only-once-9f"}).html() == figure.html()


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = StraightThrough().html()
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not a request
    assert "import " not in "\n".join(line for line in html.splitlines() if line.startswith("import "))


def test_arrays_become_lists_and_the_state_is_observed() -> None:
    figure = make({"curve": np.array([[0.5, 1.0]]), "n": np.int64(3)}, state={"t": 0})
    assert figure.data == {"curve": [[0.5, 1.0]], "n": 3}
    seen = []
    figure.observe(lambda change: seen.append(change.new), names="state")
    figure.state = {"t": np.int64(2)}
    assert seen == [{"t": 2}]
    assert '"state":{"t":2}' in figure.html()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"alt": "  "}, Exception, "alt must say what the figure shows"),
        ({"data": {"p": [1.0, float("nan")]}}, ValueError, r'data\["p"\]\[1\] is nan'),
        ({"data": {"p": np.array([np.inf])}}, ValueError, r'data\["p"\]\[0\] is inf'),
        ({"state": {"p": float("-inf")}}, ValueError, r'state\["p"\] is -inf'),
        ({"data": {"p": {1, 2}}}, TypeError, r'data\["p"\] is a set'),
        ({"data": {"p": {1: 2}}}, TypeError, "has the key 1"),
        ({"data": {"p": "x" * 2_000_001}}, Exception, r"data is 2\.00 MB as JSON, above the 2 MB"),
        ({"fallback": b"GIF89a"}, ValueError, "image must be SVG or PNG bytes"),
        ({"name": "My Figure"}, ValueError, "name must be lower-case letters"),
    ],
)
def test_bad_input_is_refused(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make(**options)


def test_plain_copies() -> None:
    inner = [1]
    value = {"a": inner}
    copied = plain(value, "data")
    inner.append(2)
    assert copied == {"a": [1]}


@pytest.mark.parametrize("fallback", ["figure", "picture", "svg"])
def test_fallback_may_be_a_figure_a_picture_or_bytes(fallback: str) -> None:
    figure = Figure(figsize=(1, 1))
    picture = Picture(figure, "Nothing.")
    given_fallback = {"figure": figure, "picture": picture, "svg": picture.image}[fallback]
    assert "data:image/svg+xml;base64," in make(fallback=given_fallback).html()


def test_every_module_speaks_of_colours_by_role_only() -> None:
    """Colours stand in style.py alone: no module and no rule names one itself."""
    sources = [path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")]
    rules = (STATIC / "living.css").read_text(encoding="utf-8")
    for source in [*sources, rules.replace("background: #fff;", "")]:
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!})|\brgba?\(", re.sub(r"#\$\{|0x\w+", "", source))
    used = set(re.findall(r"var\(--hl-([a-z-]+)", rules))
    defined = set(re.findall(r"--hl-([a-z-]+):", stylesheet()))
    assert used <= defined


@pytest.mark.needs_node
def test_state_in_a_link_round_trip(run_node: RunNode) -> None:
    states = [
        {},
        {"text": "a “b” ↵\n é 𝒳 \u0000", "n": -1.5, "deep": {"x": [1, None, True]}},
        {"long": "ab?>" * 300},
    ]
    source = """
import { decodeState, encodeState } from "@static/kit.js";
const texts = data.map(encodeState);
const broken = ["%%%", "bnVsbA", "WzFd", "gA", ""].map((text) => {
  try { decodeState(text); return "read"; } catch { return "refused"; }
});
console.log(JSON.stringify({ texts, back: texts.map(decodeState), broken }));
"""
    result = run_node(source, states)
    assert result["back"] == states
    assert all(re.fullmatch(r"[A-Za-z0-9_-]*", text) for text in result["texts"])
    for text, state in zip(result["texts"], states, strict=True):
        assert json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) == state
    assert result["broken"] == ["refused"] * 5


@pytest.mark.needs_browser
def test_a_module_that_fails_leaves_the_picture(browser: Any, tmp_path: Path) -> None:
    module = tmp_path / "failing.js"
    body = 'el.append("half");\n  throw new Error("no");'
    module.write_text(f"function render({{ el }}) {{\n  {body}\n}}\nexport default {{ render }};\n")

    class Failing(LivingFigure):
        pass

    Failing.module = module
    (tmp_path / "page.html").write_text(Failing({}, alt="A picture.", fallback=PNG).page(), encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert page.locator(".hsrnn-living").get_attribute("data-alive") == "no"
    assert page.locator(".hl-fallback img").is_visible()
    assert page.locator(".hl-live").count() == 0
    page.close()


@pytest.mark.needs_browser
def test_the_example_of_the_readme(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Add a figure in an hour", done as it says."""
    monkeypatch.chdir(tmp_path)
    text = (STATIC.parent / "README.md").read_text(encoding="utf-8")
    (module,) = re.findall(r"```js\n(.*?)```", text, re.DOTALL)
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    Path("echo.js").write_text(module, encoding="utf-8")
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(program, "README.md", "exec"), names)
    page = open_page(names["echo"].page())
    assert page.locator(".echo").inner_text() == "one two three, one two three"
    page.get_by_label("Times").press("ArrowRight")
    assert page.locator(".hl-status").inner_text() == "9 words."
    page.get_by_role("button", name="Reset").click()
    assert page.locator(".hl-status").inner_text() == "6 words."
