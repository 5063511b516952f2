"""The built site over http and from files, and one headless browser that can reach nothing else."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Route, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
HTML = ROOT / "_build" / "html"
LOCAL = ("http://127.0.0.1:", "file://", "data:", "blob:", "about:")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
]


@dataclass
class Watched:
    """A page together with everything it should not have done.

    Attributes:
        page: the Playwright page.
        external: addresses outside the site that the page asked for; all of them were refused.
        complaints: errors and warnings of the console, uncaught exceptions, failed and missing local files.
    """

    page: Page
    external: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def assert_quiet(self) -> None:
        """Fail when the page asked for anything external or complained about anything."""
        assert self.external == [], f"external requests: {self.external}"
        assert self.complaints == [], f"console: {self.complaints}"


@pytest.fixture(scope="session")
def built_site() -> Path:
    """The folder of the built site, built by `make book` unless it shows exactly the present sources."""
    command = [sys.executable, str(ROOT / "tools" / "make_book.py"), "--unless-current"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert built.returncode == 0, f"make book failed:\n{built.stdout}\n{built.stderr}"
    return HTML


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line of log for each."""

    def log_message(self, format: str, *args: object) -> None:
        """Drop the message."""


@pytest.fixture(scope="session")
def site_url(built_site: Path) -> Iterator[str]:
    """The address of the built site on an ephemeral local server, with a slash at the end."""
    handler = functools.partial(QuietHandler, directory=str(built_site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def file_url(built_site: Path) -> str:
    """The address of the built site as files, with a slash at the end."""
    return built_site.as_uri() + "/"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests of this folder."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    assert program is not None, "mark the test with needs_browser"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


OpenPage = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """A function `open_page(url, width=1280, theme="light") -> Watched`: maths typeset, network blocked."""
    with page_opener(browser) as opener:
        yield opener


@contextmanager
def page_opener(browser: Browser) -> Iterator[OpenPage]:
    """Open pages in contexts of their own and close them all at the end."""
    contexts = []

    def opener(url: str, width: int = 1280, height: int = 900, theme: str = "light") -> Watched:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
        )
        contexts.append(context)
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}');"
        )
        watched = Watched(context.new_page())

        def guard(route: Route, request: Request) -> None:
            if request.url.startswith(LOCAL):
                route.continue_()
            else:
                watched.external.append(request.url)
                route.abort()

        context.route("**/*", guard)
        page = watched.page
        page.on(
            "console",
            lambda message: (
                message.type in {"error", "warning"}
                and watched.complaints.append(f"{message.type}: {message.text}")
            ),
        )
        page.on("pageerror", lambda error: watched.complaints.append(f"uncaught: {error}"))
        page.on(
            "response",
            lambda response: (
                response.status >= 400 and watched.complaints.append(f"{response.status} for {response.url}")
            ),
        )
        page.goto(url)
        page.wait_for_load_state("load")
        page.evaluate("() => window.MathJax?.startup?.promise")
        return watched

    yield opener
    for context in contexts:
        context.close()
