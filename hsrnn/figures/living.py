"""Living figures: one small ES module each, alive in JupyterLab and, with no kernel, on the built page.

A figure is a file `static/<name>.js` that ends in the anywidget form `export default { render };`, and a
class that says which file:

    class Pendulum(LivingFigure):
        module = "pendulum.js"

    Pendulum({"length": 1.0}, state={"angle": 30}, alt="A pendulum at 30 degrees.", fallback=picture)

`data` is what the figure shows and never changes in the page; `state` is what the reader changes. In
JupyterLab the object is an ordinary widget: `figure.observe(callback, names="state")` tells Python what the
reader does, and assigning `figure.state` moves the figure. In the notebook file and on the built page it is
its own `text/html`: the fallback picture, the data as JSON, and one script with the same module and the
twenty lines of `static/host.js` that stand in for the widget's model. Without JavaScript, in print and in a
feed reader the fallback picture remains.

How to add a figure is told step by step in `README.md` beside this file.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure

from hsrnn.figures.modules import STATIC, join
from hsrnn.figures.style import Picture, css_variables, image_element, render

LARGEST_DATA = 2_000_000
"""Bytes of JSON that one figure may bring to a page."""


class LivingFigure(anywidget.AnyWidget):
    """A figure that the reader can touch; subclasses name their ES module.

    Args:
        data: what the figure shows, made of dicts, lists, strings, booleans, finite numbers and numpy arrays.
        alt: text alternative: what is to be seen; not empty.
        fallback: the picture shown where no JavaScript runs: a `Picture`, a matplotlib figure, or SVG or PNG
            bytes.
        state: what the reader starts from; same kinds of values as `data`.
        name: id of the figure on its page and in links to its state; by default made of the class name. A
            second figure of the same name on a page gets the suffix `-2` there.

    Raises:
        ValueError: for an empty `alt`, a number that is not finite, data above 2 MB, an unknown module or a
            name that is not made of lower-case letters, digits and hyphens.
        TypeError: for a value that JSON cannot hold.
    """

    module: ClassVar[str | Path]
    styles: ClassVar[tuple[str, ...]] = ()
    """Style sheets in `static/` that this figure needs beside `living.css`."""

    data = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    alt = traitlets.Unicode().tag(sync=True)
    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        data: Mapping[str, Any],
        *,
        alt: str,
        fallback: Picture | Figure | bytes,
        state: Mapping[str, Any] | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or re.sub(r"(?<!^)(?=[A-Z])", "-", type(self).__name__).lower()
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.name):
            raise ValueError(f"name must be lower-case letters, digits and hyphens, got {self.name!r}")
        self._script = join(self.module)
        self._fallback = image_element(_image_bytes(fallback), alt)
        super().__init__(
            data=plain(data, "data"),
            state=plain(state or {}, "state"),
            alt=alt,
            _esm=self._script + "export default figure;\n",
            _css=stylesheet(*self.styles),
        )

    @traitlets.validate("alt")
    def _check_alt(self, proposal: traitlets.Bunch) -> str:
        if not proposal.value.strip():
            raise ValueError("alt must say what the figure shows, got an empty text")
        return proposal.value

    @traitlets.validate("data", "state")
    def _check_values(self, proposal: traitlets.Bunch) -> dict[str, Any]:
        value = plain(proposal.value, proposal.trait.name)
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        if size > LARGEST_DATA:
            raise ValueError(
                f"{proposal.trait.name} is {size / 1e6:.2f} MB as JSON, above the {LARGEST_DATA / 1e6:g} MB "
                "that a figure may bring to a page: show less, or pack weights with hsrnn.figures.pack"
            )
        return value

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, metadata = super()._repr_mimebundle_(**arguments)
        return bundle | {"text/html": self.html(), "text/plain": self.alt}, metadata

    def html(self) -> str:
        """Return the figure as one self-contained HTML fragment, alive wherever JavaScript runs."""
        content = json.dumps(
            {"data": self.data, "state": self.state}, ensure_ascii=False, separators=(",", ":")
        )
        # JSON needs "<" inside strings only, so the escape changes nothing, and no tag or comment can begin
        # there.
        content = content.replace("<", "\\u003c")
        return (
            f'<div class="hsrnn-living tex2jax_ignore mathjax_ignore" data-figure="{self.name}" '
            f'data-alt="{html.escape(self.alt, quote=True)}">\n'
            f"<style>\n{self._css}</style>\n"
            f'<div class="hl-fallback">{self._fallback}</div>\n'
            f'<script type="application/json">{content}</script>\n'
            f'<script type="module">\n{self._script}{_host()}host(figure, "{self.name}");\n</script>\n'
            "</div>"
        )

    def page(self, title: str = "", theme: str = "light") -> str:
        """Return a complete HTML page with nothing but this figure, to be opened from a file.

        Args:
            title: title of the page; the figure's name if empty.
            theme: "light" or "dark".
        """
        return (
            f'<!doctype html>\n<html lang="en" data-theme="{theme}">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(title or self.name)}</title>\n"
            f"<style>html {{ background: {'#14181e' if theme == 'dark' else '#ffffff'} }} "
            "body { max-width: 760px; margin: 16px auto; padding: 0 12px }</style>\n</head>\n"
            f"<body>\n<main>\n{self.html()}\n</main>\n</body>\n</html>\n"
        )


def plain(value: Any, path: str) -> Any:
    """Return a copy of `value` made of JSON types only; numpy arrays become nested lists.

    Args:
        value: the value to copy.
        path: how to call it in an error, for example "data".

    Raises:
        ValueError: for a number that is not finite; the message names its place.
        TypeError: for a value that JSON cannot hold, or a key that is not a string.
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(
            f"{path} is {value}: a figure takes finite numbers; leave the point out or replace it"
        )
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{path} has the key {key!r}: keys must be strings")
        return {key: plain(item, f'{path}["{key}"]') for key, item in value.items()}
    raise TypeError(
        f"{path} is a {type(value).__name__}: give dicts, lists, strings, numbers or numpy arrays"
    )


def stylesheet(*more: str) -> str:
    """Return the style sheet of a living figure: the palette of `style.py`, `static/living.css`, then the
    files of `static/` that the figure names."""
    return css_variables() + "".join(
        (STATIC / name).read_text(encoding="utf-8") for name in ("living.css", *more)
    )


def _host() -> str:
    """Return `static/host.js` as plain functions, for the end of a figure's script."""
    return (STATIC / "host.js").read_text(encoding="utf-8").replace("export function", "function")


def _image_bytes(fallback: Picture | Figure | bytes) -> bytes:
    """Return the bytes of a fallback picture."""
    if isinstance(fallback, Picture):
        return fallback.image
    if isinstance(fallback, Figure):
        return render(fallback, "svg")
    return fallback
