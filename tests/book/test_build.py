"""`make book` on a tiny project with the real settings: it fails when it must, by its exit status."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = ("_config.yml", "tools", "book/_static", "book/_templates", "package.json", "package-lock.json")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with this book's settings and one chapter, on a machine without Node.js."""
    for name in SHARED:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("mathjax", "__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n")
    write(tmp_path, text="# A title\n\nA formula $x^2$.", code="1 + 1")
    return tmp_path


def write(project: Path, *, text: str, code: str) -> None:
    """Write the only chapter."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)],
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    )
    nbformat.write(notebook, project / "book" / "intro.ipynb")


def make_book(project: Path) -> subprocess.CompletedProcess[str]:
    """Run what `make book` runs, with no program but Python to be found."""
    environment = {**os.environ, "PATH": str(project / "no-programs"), "HSRNN_DATA": "/nowhere"}
    return subprocess.run(
        [sys.executable, "tools/make_book.py"],
        cwd=project,
        env=environment,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


def test_a_good_book_is_built_and_a_crash_or_a_warning_fails_it(project: Path):
    good = make_book(project)
    page = project / "_build" / "html" / "book" / "intro.html"
    assert good.returncode == 0, good.stdout + good.stderr
    assert (project / "_build" / "html" / "index.html").as_uri() in good.stdout
    assert "make serve" in good.stdout
    assert ">2\n" in page.read_text(encoding="utf-8"), "the output of 1 + 1 stands on the page"
    # Without Node.js the maths comes from the CDN, said in one line.
    assert good.stdout.count("CDN") == 1
    assert "cdn.jsdelivr.net/npm/mathjax@3.2.2" in page.read_text(encoding="utf-8")

    write(project, text="# A title", code="raise RuntimeError('the chapter broke')")
    crashed = make_book(project)
    assert crashed.returncode != 0
    assert "the chapter broke" in crashed.stdout + crashed.stderr
    assert not page.exists(), "no page of the build before is left to be mistaken for this one"

    write(project, text="# A title\n\n[nowhere](no-such-chapter.md)", code="1 + 1")
    warned = make_book(project)
    assert warned.returncode != 0
    assert "no-such-chapter" in warned.stdout + warned.stderr


def test_a_markdown_table_of_a_cell_is_a_table_on_the_page(project: Path):
    code = """
from IPython.display import display
from hsrnn.ledger import Table
display(Table("A title", ("model", "ours"), (("HM-LSTM | a", "1.2"), ("LSTM", "`1.3`")), "A note."))
"""
    write(project, text="# A title", code=code)
    made = make_book(project)
    assert made.returncode == 0, made.stdout + made.stderr
    page = (project / "_build" / "html" / "book" / "intro.html").read_text(encoding="utf-8")
    shown = page.split('<div class="cell_output', 1)[1]
    assert shown.count("<table") == 1 and shown.count("<td") == 4
    assert "<strong>A title</strong>" in shown and "HM-LSTM | a" in shown and "| ---" not in shown


def test_chapters_do_not_see_the_real_data_sets(project: Path):
    code = "import os\n[k for k in os.environ if k.startswith('HSRNN')] + [os.environ['PYTHONHASHSEED'] * 7]"
    write(project, text="# A title", code=code)
    assert make_book(project).returncode == 0
    page = (project / "_build" / "html" / "book" / "intro.html").read_text(encoding="utf-8")
    assert "HSRNN_OFFLINE" in page and "0000000" in page
    assert "HSRNN_DATA" not in page


def test_maths_comes_from_this_site_when_it_was_copied_in(project: Path):
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
    page = (project / "_build" / "html" / "book" / "intro.html").read_text(encoding="utf-8")
    assert "cdn" not in page and "_static/mathjax/tex-svg-full.js" in page
