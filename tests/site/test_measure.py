"""`make measure` on a tiny site: bytes, requests and paint are what they must be; errors are said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
STYLE = "/* " + "a style sheet that compresses well; " * 2000 + "*/ body { font-size: 20px }"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tiny</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="style.css"></head>
<body><h1>A heading that is painted</h1>{more}</body></html>
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site of two pages, one of which wants a picture from elsewhere."""
    (tmp_path / "style.css").write_text(STYLE)
    (tmp_path / "one.html").write_text(PAGE.format(more=""))
    (tmp_path / "two.html").write_text(PAGE.format(more='<img src="https://example.org/x.png" alt="x">'))
    return tmp_path


def measure(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run what `make measure` runs, one load a page."""
    command = [sys.executable, "tools/measure_pages.py", "--site", str(site), "--loads", "1", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.mark.needs_browser
def test_a_page_is_weighed_and_timed(site: Path, tmp_path: Path):
    done = measure(site, "--json", str(tmp_path / "measured.json"), "one.html")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "measured.json").read_text())
    assert result["conditions"]["round_trip_milliseconds"] == 150
    assert result["conditions"]["download_bits_per_second"] == 1_600_000
    (page,) = result["pages"]
    files = len(STYLE) + (site / "one.html").stat().st_size
    assert page["page"] == "one.html" and page["requests"] == 2 and page["elsewhere"] == []
    assert page["files"] == page["decoded"] == files
    assert 500 < page["wire"] < files / 10, "compressed, headers counted"
    # The sheet holds the paint up, so two round trips at least come before it.
    assert page["element"] == "h1" and 0.3 <= page["largest_contentful_paint"] < 30
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("one.html")]
    assert f"{files / 1000:.0f} kB" in line and "<h1>" in line


@pytest.mark.needs_browser
def test_what_comes_from_elsewhere_is_named_and_fails(site: Path):
    done = measure(site, "two.html")
    assert done.returncode == 1
    assert "FROM ELSEWHERE: https://example.org/x.png" in done.stdout


@pytest.mark.needs_browser
def test_a_page_that_is_not_there_is_said(site: Path):
    done = measure(site, "three.html")
    assert done.returncode == 1 and "there is no page three.html" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--loads", "0"], "at least 1, got 0"), (["--site", "/nowhere"], "`make book` builds it")],
)
def test_bad_arguments_are_refused(site: Path, words: list[str], message: str):
    done = measure(site, *words)
    assert done.returncode == 2 and message in done.stderr
