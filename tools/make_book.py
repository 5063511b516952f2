"""Build the book: copy the maths renderer in, execute the chapters, render the pages, say where to look.

    python tools/make_book.py                   build into _build/html
    python tools/make_book.py --unless-current  only when _build/html does not show the present sources

Warnings are errors, and a crashing cell stops the build with a non-zero exit. Of two builds at a time the
second waits for the first.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fingerprint import PACKAGE, ROOT, SITE, fingerprint
from kernel_environment import kernel_environment, processors

BUILD = ROOT / "_build"
HTML = BUILD / "html"
CACHE = BUILD / ".jupyter_cache"
MATHJAX = ROOT / "book" / "_static" / "mathjax"
# One file holds the renderer, every TeX extension and the fonts as SVG paths.
MATHJAX_FILES = ("es5/tex-svg-full.js", "LICENSE")
# Jupyter Book's own has no icon, and a browser that sees none asks for /favicon.ico, which is not there.
ROOT_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta http-equiv="refresh" content="0; url={front}">
<link rel="icon" href="{icon}">
</head>
<body><a href="{front}">{title}</a></body>
</html>
"""


def say(text: str) -> None:
    """Print one progress line."""
    print(f"[book] {text}", flush=True)


@contextmanager
def alone() -> Iterator[None]:
    """Hold `_build` for this process, once any other that holds it is done."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def copy_mathjax() -> None:
    """Copy MathJax out of the locked npm dependency; without Node say in one line that the CDN serves it."""
    if MATHJAX.exists():
        shutil.rmtree(MATHJAX)
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        say("no Node.js with npm here: the pages load MathJax from its CDN; install Node.js to have it local")
        return
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    installed = ROOT / "node_modules" / ".hsrnn-lock"
    if not installed.exists() or installed.read_text(encoding="utf-8") != lock:
        say("fetching MathJax and axe-core from npm, as locked in package-lock.json")
        subprocess.run(
            [npm, "ci", "--silent", "--no-audit", "--no-fund"], cwd=ROOT, check=True, stdin=subprocess.DEVNULL
        )
        installed.write_text(lock, encoding="utf-8")
    MATHJAX.mkdir(parents=True)
    for name in MATHJAX_FILES:
        shutil.copy2(ROOT / "node_modules" / "mathjax" / name, MATHJAX)


def forget_stale() -> None:
    """Remove pages and doctrees always, executed outputs only when the package that made them changed."""
    for folder in (HTML, BUILD / ".doctrees", BUILD / "jupyter_execute"):
        shutil.rmtree(folder, ignore_errors=True)
    inputs, stamp = fingerprint(PACKAGE), BUILD / "executed-with.sha256"
    if not stamp.exists() or stamp.read_text() != inputs:
        shutil.rmtree(CACHE, ignore_errors=True)
        BUILD.mkdir(exist_ok=True)
        stamp.write_text(inputs)


def jupyter_book(folder: Path) -> list[str]:
    """Return the command that builds the book in `folder` with warnings as errors."""
    program = Path(sys.executable).parent / "jupyter-book"
    return [str(program), "build", str(folder), "--warningiserror", "--nitpick", "--keep-going", "--quiet"]


def build() -> int:
    """Build the site and return the exit status."""
    started = time.monotonic()
    sources = fingerprint(SITE)
    copy_mathjax()
    forget_stale()
    environment = kernel_environment()
    say(f"executing the chapters, {processors()} at a time (unchanged ones come from the cache)")
    execute = [sys.executable, str(ROOT / "tools" / "execute_chapters.py")]
    subprocess.run(
        execute, env=environment, stdin=subprocess.DEVNULL
    )  # what it leaves out, the next step does
    say("rendering the pages")
    status = subprocess.run(jupyter_book(ROOT), env=environment, stdin=subprocess.DEVNULL).returncode
    if status != 0 or not (HTML / "index.html").exists():
        for log in sorted((HTML / "reports").rglob("*.log")):
            say(f"report of the crash: {log.relative_to(ROOT)}")
            print(log.read_text(encoding="utf-8"))
        say("FAILED: the messages above say which page and why")
        return status or 1
    write_root_page()
    (HTML / ".sources.sha256").write_text(sources)
    say(f"done in {time.monotonic() - started:.0f} s; the first page is")
    say(f"    {(HTML / 'index.html').as_uri()}")
    say("or run `make serve` and open http://127.0.0.1:8000")
    return 0


def write_root_page() -> None:
    """Write the page at the root of the site, which leads to the first page of the book."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    icon = f"_static/{Path(config['html']['favicon']).name}"
    page = ROOT_PAGE.format(title=config["title"], front=f"{contents['root']}.html", icon=icon)
    (HTML / "index.html").write_text(page, encoding="utf-8")


def is_current() -> bool:
    """Return whether _build/html was rendered from exactly the present sources."""
    stamp = HTML / ".sources.sha256"
    return stamp.exists() and stamp.read_text() == fingerprint(SITE)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--unless-current", action="store_true", help="do nothing when the site shows the present sources"
    )
    arguments = parser.parse_args()
    with alone():
        return 0 if arguments.unless_current and is_current() else build()


if __name__ == "__main__":
    raise SystemExit(main())
