"""Measure what a page costs its reader: bytes, requests and the largest contentful paint, on a slow line.

    python tools/measure_pages.py                          every page of _toc.yml, in _build/html
    python tools/measure_pages.py book/intro.html ...      these pages
    python tools/measure_pages.py --json measured.json     also as JSON

The site is served from this machine, compressed by gzip as the usual hosts do, to a headless Chromium with
an empty cache. The line is what Lighthouse calls slow 4G (1.6 Mbit/s down, 750 kbit/s up, 150 ms for a round
trip), and the processor is slowed down four times; the numbers are medians of three loads.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import json
import platform
import re
import shutil
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The last flag keeps the measurement on this machine: an address elsewhere is counted and not found.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
DOWNLOAD, UPLOAD = 1_600_000, 750_000  # bits a second
ROUND_TRIP = 150  # milliseconds
SLOWDOWN = 4  # of the processor
COMPRESSED = {".css", ".html", ".ipynb", ".js", ".json", ".svg", ".txt"}
SECONDS_A_PAGE = 120

LARGEST_PAINT = """() => new Promise((done) => {
  new PerformanceObserver((list) => {
    const last = list.getEntries().at(-1);
    done([last.startTime / 1000, last.element?.tagName.toLowerCase() ?? ""]);
  }).observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => done([null, ""]), 2000);
})"""


@dataclass(frozen=True)
class Load:
    """One load of a page with an empty cache.

    Attributes:
        requests: what the page asked for over http, itself included.
        wire: bytes received, compressed and with headers.
        decoded: bytes after decompression.
        files: size in bytes of the site's files that it asked for.
        paint: seconds until the largest contentful paint; None if the browser saw none.
        element: name of the element that was painted then.
        elsewhere: addresses outside the site that the page asked for.
    """

    requests: int
    wire: int
    decoded: int
    files: int
    paint: float | None
    element: str
    elsewhere: tuple[str, ...]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder silently; text is compressed."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a file, compressed where hosts compress."""
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path = path / "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in COMPRESSED:
            body = compressed(path)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Drop the message."""


@functools.cache
def compressed(path: Path) -> bytes:
    """Return the file's content compressed by gzip."""
    return gzip.compress(path.read_bytes(), compresslevel=6, mtime=0)


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder at an address of this machine, which has a slash at the end."""
    handler = functools.partial(Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


def toc_pages() -> list[str]:
    """Return the pages that _toc.yml names, in the order in which they are read."""
    named = re.findall(
        r"^\s*(?:-\s+file|root):\s*(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    return [f"{name}.html" for name in named]


def load(browser: Any, base: str, page: str, site: Path) -> Load:
    """Load a page once, in a browser context of its own, over the slow line."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    protocol = context.new_cdp_session(tab)
    asked: dict[str, str] = {}
    sizes = {"wire": 0, "decoded": 0}

    def sent(event: dict[str, Any]) -> None:
        if event["request"]["url"].startswith("http"):
            asked[event["requestId"]] = event["request"]["url"]

    def received(event: dict[str, Any]) -> None:
        if event["requestId"] in asked:
            sizes["decoded"] += event["dataLength"]

    def finished(event: dict[str, Any]) -> None:
        if event["requestId"] in asked:
            sizes["wire"] += round(event["encodedDataLength"])

    protocol.on("Network.requestWillBeSent", sent)
    protocol.on("Network.dataReceived", received)
    protocol.on("Network.loadingFinished", finished)
    protocol.send("Network.enable")
    protocol.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": ROUND_TRIP,
            "downloadThroughput": DOWNLOAD / 8,
            "uploadThroughput": UPLOAD / 8,
        },
    )
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    answer = tab.goto(base + page, wait_until="load", timeout=SECONDS_A_PAGE * 1000)
    if not answer.ok:
        raise SystemExit(f"[measure] there is no page {page} in {site}")
    tab.evaluate("() => window.MathJax?.startup?.promise.then(() => null)")
    tab.wait_for_load_state("networkidle", timeout=SECONDS_A_PAGE * 1000)
    paint, element = tab.evaluate(LARGEST_PAINT)
    context.close()
    ours = {site / unquote(urlsplit(url).path).lstrip("/") for url in asked.values() if url.startswith(base)}
    return Load(
        requests=len(asked),
        **sizes,
        files=sum(path.stat().st_size for path in ours if path.is_file()),
        paint=paint,
        element=element,
        elsewhere=tuple(sorted({url for url in asked.values() if not url.startswith(base)})),
    )


def summary(page: str, loads: list[Load]) -> dict[str, Any]:
    """Return the medians over the loads of one page, and the loads themselves."""
    paints = [each.paint for each in loads if each.paint is not None]
    return {
        "page": page,
        **{
            name: round(statistics.median(getattr(each, name) for each in loads))
            for name in ("requests", "wire", "decoded", "files")
        },
        "largest_contentful_paint": round(statistics.median(paints), 3) if paints else None,
        "element": loads[-1].element,
        "elsewhere": sorted({url for each in loads for url in each.elsewhere}),
        "loads": [asdict(each) for each in loads],
    }


def measure(site: Path, pages: list[str], times: int) -> dict[str, Any]:
    """Load every page `times` times and return the conditions and the medians, in bytes and seconds."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        raise SystemExit("[measure] Playwright is missing: pip install 'hsrnn[test]'") from error
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        raise SystemExit("[measure] no Chromium or Chrome here: for example `apt-get install chromium`")
    with sync_playwright() as playwright, served(site) as base:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        measured = []
        for page in pages:
            print(f"[measure] {page}", file=sys.stderr, flush=True)
            measured.append(summary(page, [load(browser, base, page, site) for _ in range(times)]))
        conditions = {
            "download_bits_per_second": DOWNLOAD,
            "upload_bits_per_second": UPLOAD,
            "round_trip_milliseconds": ROUND_TRIP,
            "processor_slowdown": SLOWDOWN,
            "loads": times,
            "cache": "empty",
            "compression": "gzip",
            "browser": f"Chromium {browser.version}",
            "machine": platform.machine(),
        }
        browser.close()
    return {"conditions": conditions, "pages": measured}


def table(result: dict[str, Any]) -> str:
    """Return the medians as lines for a terminal."""
    width = max(len("page"), *(len(each["page"]) for each in result["pages"]))
    lines = [f"{'page':{width}}  requests  on the wire   decoded  as files  largest paint"]
    for each in result["pages"]:
        paint = each["largest_contentful_paint"]
        lines.append(
            f"{each['page']:{width}}  {each['requests']:8}  {each['wire'] / 1000:8.0f} kB "
            f"{each['decoded'] / 1000:6.0f} kB {each['files'] / 1000:6.0f} kB  "
            + ("none seen" if paint is None else f"{paint:6.2f} s  <{each['element']}>")
        )
        lines += [f"{'':{width}}  FROM ELSEWHERE: {url}" for url in each["elsewhere"]]
    return "\n".join(lines)


def main(words: list[str] | None = None) -> int:
    """Run the command line; return 1 when a page asked for something outside the site."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="pages below the site's folder (default: those of _toc.yml)")
    parser.add_argument("--site", type=Path, default=HTML, help="folder of the built site")
    parser.add_argument("--loads", type=int, default=3, help="how often each page is loaded")
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the result to this file")
    chosen = parser.parse_args(words)
    if chosen.loads < 1:
        parser.error(f"--loads must be at least 1, got {chosen.loads}")
    if not chosen.site.is_dir():
        parser.error(f"there is no site in {chosen.site}; `make book` builds it")
    result = measure(chosen.site.resolve(), chosen.pages or toc_pages(), chosen.loads)
    print(table(result))
    if chosen.json:
        chosen.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 1 if any(each["elsewhere"] for each in result["pages"]) else 0


if __name__ == "__main__":
    raise SystemExit(main())
