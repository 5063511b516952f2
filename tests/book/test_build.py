"""`make book` on a tiny project with the real settings: it fails when it must, by its exit status."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from kernel_environment import processors

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = ("_config.yml", "tools", "book/_static", "book/_templates", "package.json", "package-lock.json")


TABLE = """
from IPython.display import display
from hsrnn.ledger import Table
table = Table("A title", ("model", "ours"), (("HM-LSTM | a", "1.2"), ("LSTM", "`1.3`")), "A note.")
display(table)
display(table.folded())
"""
ENVIRONMENT = """
import os
[k for k in os.environ if k.startswith("HSRNN")] + [os.environ["PYTHONHASHSEED"] * 7]
"""
# Run together with its like, it ends well; alone it waits for half a minute and fails.
MEETING = """
import time
from pathlib import Path
with open("../runs-{name}", "a") as runs:
    runs.write("x")
until = time.monotonic() + 30
while not Path("../runs-{other}").exists() and time.monotonic() < until:
    time.sleep(0.01)
assert Path("../runs-{other}").exists(), "the other chapter did not run at the same time"
"""


def new_project(folder: Path, **chapters: str) -> Path:
    """Fill a folder with this book's settings and chapters of one cell each; return it."""
    for name in SHARED:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("mathjax", "__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    others = [f"- file: book/{name}" for name in chapters if name != "intro"]
    contents = ["format: jb-book", "root: book/intro", *(["chapters:", *others] if others else [])]
    (folder / "_toc.yml").write_text("\n".join(contents) + "\n")
    for name, code in chapters.items():
        write(folder, name, text="# A title\n\nA formula $x^2$.", code=code)
    return folder


def write(project: Path, name: str, *, text: str, code: str) -> None:
    """Write a chapter of one text and one cell."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)],
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    )
    nbformat.write(notebook, project / "book" / f"{name}.ipynb")


def make_book(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run what `make book` runs, with no program but Python to be found."""
    environment = {**os.environ, "PATH": str(project / "no-programs"), "HSRNN_DATA": "/nowhere"}
    return subprocess.run(
        [sys.executable, "tools/make_book.py", *words],
        cwd=project,
        env=environment,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


Built = tuple[Path, subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A good book, built on a machine without Node.js, and what the build said."""
    meetings = {"here": MEETING.format(name="here", other="there")}
    meetings["there"] = MEETING.format(name="there", other="here")
    chapters = {"intro": "1 + 1", "table": TABLE, "environment": ENVIRONMENT}
    if processors() > 1:
        chapters |= meetings
    project = new_project(tmp_path_factory.mktemp("good"), **chapters)
    return project, make_book(project)


def page(project: Path, name: str) -> str:
    """Return the text of a page of the site."""
    return (project / "_build" / "html" / "book" / f"{name}.html").read_text(encoding="utf-8")


def test_a_good_book_is_built(built: Built):
    project, made = built
    assert made.returncode == 0, made.stdout + made.stderr
    assert (project / "_build" / "html" / "index.html").as_uri() in made.stdout
    assert "make serve" in made.stdout
    assert ">2\n" in page(project, "intro"), "the output of 1 + 1 stands on the page"
    # Without Node.js the maths comes from the CDN, said in one line.
    assert made.stdout.count("CDN") == 1
    assert "cdn.jsdelivr.net/npm/mathjax@3.2.2" in page(project, "intro")


def test_the_root_leads_to_the_first_page_and_names_its_icon(built: Built):
    site = built[0] / "_build" / "html"
    root = (site / "index.html").read_text(encoding="utf-8")
    addresses = re.findall(r'(?:href="|url=)([^"]+)"', root)
    assert sorted(set(addresses)) == ["_static/favicon.svg", "book/intro.html"]
    assert all((site / address).is_file() for address in addresses)


def test_a_markdown_table_of_a_cell_is_a_table_on_the_page(built: Built):
    shown = page(built[0], "table").split('<div class="cell_output', 1)[1]
    open_, folded = shown.split("</details>")[0].split('<details class="hsrnn-table">')
    for part in (open_, folded):
        assert part.count("<table") == 1 and part.count("<td") == 4
        assert "HM-LSTM | a" in part and ">A note.</p>" in part and "| ---" not in part
    assert "<strong>A title</strong>" in open_
    assert "<summary>A title (2 rows)</summary>" in folded


def test_chapters_do_not_see_the_real_data_sets(built: Built):
    shown = page(built[0], "environment")
    assert "HSRNN_OFFLINE" in shown and "0000000" in shown
    assert "HSRNN_DATA" not in shown


@pytest.mark.skipif(processors() == 1, reason="one processor runs one chapter at a time")
def test_every_chapter_runs_once_and_two_at_the_same_time(built: Built):
    project, made = built
    assert made.returncode == 0, made.stdout + made.stderr
    assert [(project / f"runs-{name}").read_text() for name in ("here", "there")] == ["x", "x"]


def test_what_is_current_is_not_built_again(built: Built):
    project, _ = built
    before = (project / "_build" / "html" / "index.html").stat().st_mtime_ns
    again = make_book(project, "--unless-current")
    assert again.returncode == 0 and again.stdout == ""
    assert (project / "_build" / "html" / "index.html").stat().st_mtime_ns == before


def test_a_crash_or_a_warning_fails_the_build(tmp_path: Path):
    project = new_project(tmp_path, intro="raise RuntimeError('the chapter broke')")
    before = project / "_build" / "html" / "book" / "intro.html"
    before.parent.mkdir(parents=True)
    before.write_text("the page of the build before")
    crashed = make_book(project)
    assert crashed.returncode != 0
    assert "the chapter broke" in crashed.stdout + crashed.stderr
    assert not before.exists(), "no page of the build before is left to be mistaken for this one"

    write(project, "intro", text="# A title\n\n[nowhere](no-such-chapter.md)", code="1 + 1")
    warned = make_book(project, "--unless-current")
    assert warned.returncode != 0
    assert "no-such-chapter" in warned.stdout + warned.stderr


def test_maths_comes_from_this_site_when_it_was_copied_in(tmp_path: Path):
    project = new_project(tmp_path, intro="1 + 1")
    local = project / "book" / "_static" / "mathjax" / "tex-svg-full.js"
    local.parent.mkdir()
    local.write_text("// stands in for the renderer")
    command = [
        sys.executable,
        "-c",
        "import make_book; make_book.copy_mathjax = lambda: None; raise SystemExit(make_book.build())",
    ]
    environment = {**os.environ, "PYTHONPATH": str(project / "tools")}
    built = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "cdn" not in page(project, "intro")
    assert "_static/mathjax/tex-svg-full.js" in page(project, "intro")
