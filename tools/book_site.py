"""Sphinx extension of the book: maths from this site, and nothing in the pages that needs a kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

MATHJAX_CDN = "https://cdn.jsdelivr.net/npm/mathjax@3.2.2/es5/tex-svg-full.js"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"


def choose_mathjax(app: Sphinx, config: Config) -> None:
    """Keep the local MathJax when a build step has copied it in, otherwise point the pages at the CDN."""
    copied = any(
        (Path(app.confdir) / folder / config.mathjax_path).is_file() for folder in config.html_static_path
    )
    if not copied:
        config.mathjax_path = MATHJAX_CDN


def wanted(asset: Any) -> bool:
    """Return whether a page needs this asset: widget state and thebe both want a kernel or a CDN."""
    attributes = getattr(asset, "attributes", {})
    text = f"{getattr(asset, 'filename', asset)} {attributes.get('body', '')}".lower()
    return attributes.get("type") != WIDGET_STATE and "thebe" not in text


def drop_unhosted(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Leave out what only a kernel could bring to life; the living figures carry their own data."""
    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context.get(kind, []) if wanted(asset)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the two steps."""
    app.connect("config-inited", choose_mathjax)
    app.connect("html-page-context", drop_unhosted, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
