"""The built site over http and from files, and one headless browser that can reach nothing else."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

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
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other machine can be reached
]
PATIENCE = 120_000  # milliseconds: a busy machine is slow, and no reason to fail


def entries(contents: object) -> list[str]:
    """Return every page that a part of _toc.yml names, in order."""
    if isinstance(contents, list):
        return [page for each in contents for page in entries(each)]
    if not isinstance(contents, dict):
        return []
    own = [contents[key] for key in ("root", "file") if key in contents]
    return own + [page for key in ("parts", "chapters", "sections") for page in entries(contents.get(key))]


PAGES = entries(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))


@dataclass
class Watched:
    """A page together with everything it should not have done.

    Attributes:
        page: the Playwright page.
        external: addresses outside the site that the page asked for; none of them was reached.
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


@pytest.fixture(scope="package")
def contexts(browser: Browser) -> dict[str, BrowserContext]:
    """A profile of the browser for each theme: pages of one share a cache, so scripts are compiled once."""
    made = {}
    for theme in ("light", "dark"):
        context = made[theme] = browser.new_context(color_scheme=theme, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE)
        context.add_init_script(
            f"localStorage.setItem('mode', '{theme}'); localStorage.setItem('theme', '{theme}');"
        )
    return made


def watch(page: Page) -> Watched:
    """Return the page with all that it will complain of, or ask from elsewhere."""
    watched = Watched(page)
    page.on(
        "request",
        lambda request: request.url.startswith(LOCAL) or watched.external.append(request.url),
    )
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
    return watched


@contextmanager
def page_opener(contexts: dict[str, BrowserContext]) -> Iterator[OpenPage]:
    """Open pages, and close them all at the end."""
    opened = []

    def opener(url: str, width: int = 1280, height: int = 900, theme: str = "light") -> Watched:
        watched = watch(contexts[theme].new_page())
        opened.append(watched)
        page = watched.page
        page.set_viewport_size({"width": width, "height": height})
        page.goto(url)
        page.wait_for_load_state("load")
        page.evaluate("() => window.MathJax?.startup?.promise")
        return watched

    yield opener
    for watched in opened:
        watched.page.close()


@pytest.fixture
def open_page(contexts: dict[str, BrowserContext]) -> Iterator[OpenPage]:
    """A function `open_page(url, width=1280, theme="light") -> Watched`: a page for one test, typeset."""
    with page_opener(contexts) as opener:
        yield opener


class Visits:
    """The views of one page of the book, each opened once for all tests that look at it.

    Most of a test's time would be the typesetting of its page. A test that changes what it looks at takes the
    view instead, and no other test gets to see it.
    """

    def __init__(self, contexts: dict[str, BrowserContext], http: str, file: str) -> None:
        self.contexts, self.bases = contexts, {"http": http, "file": file}
        self.page, self.views = "", dict[tuple[str, int, str], Watched]()
        self.stack = ExitStack()

    def __call__(self, page: str, origin: str = "http", width: int = 1280, theme: str = "light") -> Watched:
        """Return the page as seen from an origin, in a width and a theme."""
        if page != self.page:
            self.leave()
            self.page, self.opener = page, self.stack.enter_context(page_opener(self.contexts))
        view = (origin, width, theme)
        if view not in self.views:
            self.views[view] = self.opener(f"{self.bases[origin]}{page}.html", width=width, theme=theme)
        return self.views[view]

    def take(self, page: str, origin: str = "http", width: int = 1280, theme: str = "light") -> Watched:
        """Return the same, for the calling test alone."""
        watched = self(page, origin, width, theme)
        del self.views[origin, width, theme]
        return watched

    def leave(self) -> None:
        """Close what is open."""
        self.stack.close()
        self.views.clear()
        self.page = ""


@pytest.fixture(scope="package")
def visit(contexts: dict[str, BrowserContext], site_url: str, file_url: str) -> Iterator[Visits]:
    """A function `visit(page, origin="http", width=1280, theme="light") -> Watched`, shared by tests."""
    visits = Visits(contexts, site_url, file_url)
    yield visits
    visits.leave()
