"""Fixtures of the figure tests: a Node process, a browser without a network, and small models."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hsrnn.figures.modules import STATIC
from hsrnn.hmrnn import HMLSTM, CharLanguageModel

ROOT = Path(__file__).resolve().parents[2]
SEQUENCES = json.loads((Path(__file__).parent / "sequences.json").read_text(encoding="utf-8"))
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

RunNode = Callable[[str, Any], Any]


@pytest.fixture
def run_node(tmp_path: Path) -> RunNode:
    """Return a function that runs an ES module in Node: it finds its input as `data`, and what it logs is
    returned.

    `"@static/` at the start of an import stands for the folder of the figures' modules.
    """

    def run(source: str, data: Any) -> Any:
        (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")
        script = tmp_path / "script.mjs"
        script.write_text(
            'import { readFileSync } from "node:fs";\n'
            'const data = JSON.parse(readFileSync(process.argv[2], "utf-8"));\n'
            + source.replace('"@static/', f'"{STATIC.as_uri()}/'),
            encoding="utf-8",
        )
        command = ["node", str(script), str(tmp_path / "data.json")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def small_model(layer_norm: bool, symbols: int, seed: int = 5) -> CharLanguageModel:
    """Return a model with random weights whose boundaries fire at some letters and not at others."""
    core = HMLSTM(12, (20, 16, 14), layer_norm=layer_norm, seed=seed)
    model = CharLanguageModel(symbols, 12, core, 18, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.3 * noise if parameter.ndim == 1 else 0.15 * noise)
        core.cells[0].bias[-1] = -0.6
        core.cells[1].bias[-1] = -0.2
    return model


def arrays(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Return a model's state dict as numpy arrays."""
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium. It ends with the module, since only one may be driven at a time in one process."""
    from playwright.sync_api import sync_playwright

    program = next(
        filter(
            None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))
        )
    )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield started
        started.close()


OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[OpenPage]:
    """Return a function that opens HTML from `file://`, offline; no page may log an error."""
    errors: list[str] = []
    contexts = []

    def open_html(html: str, *, width: int = 1280, fragment: str = "", **options: Any) -> Any:
        path = tmp_path / f"page-{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_offline(True)
        context.set_default_timeout(120_000)  # a busy machine is slow
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "data:", "blob:")) else errors.append(request.url)
            ),
        )
        page.goto(path.as_uri() + fragment)
        return page

    yield open_html
    for context in contexts:
        context.close()
    assert errors == []
