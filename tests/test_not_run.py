"""What this machine lacks is said loudly at the end of a test run, with the reason and the remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TESTS = """
import pytest

@pytest.mark.needs_data("ptb")
def test_data():
    pass

@pytest.mark.needs_browser
def test_browser():
    pass

@pytest.mark.needs_node
def test_node():
    pass

def test_nothing_special():
    pass
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A small test suite with this project's conftest."""
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_needs.py").write_text(TESTS)
    return tmp_path


def run(suite: Path, *words: str, **environment: str) -> list[str]:
    """Run the suite with this project's settings and return the lines of its output."""
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml")]
    command += ["-p", "no:cacheprovider", "-p", "no:nbval"]  # nbval is slow to import and not needed here
    ran = subprocess.run(
        [*command, "--rootdir", str(suite), *words, str(suite)],
        env={key: value for key, value in os.environ.items() if key != "HSRNN_DATA"} | environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("processes", ["0", "2"])
def test_everything_missing_is_listed_with_its_remedy(processes: str, suite: Path):
    lines = run(suite, "-n", processes, PATH=str(suite / "no-programs"))
    text = "\n".join(lines)
    assert text.count("NOT RUN: 1 tests in") == 3
    for what, remedy in (
        ("the data set 'ptb' is not below HSRNN_DATA", "hsrnn data get ptb"),
        ("there is no Chromium or Chrome", "apt-get install chromium"),
        ("there is no Node.js with npm", "install Node.js"),
    ):
        assert what in text and remedy in text
    assert lines[-1].startswith("1 passed, 3 skipped"), "the runner's closing line comes last"


def test_nothing_is_listed_when_nothing_is_missing(suite: Path):
    (suite / "ptb").mkdir()
    programs = suite / "programs"
    programs.mkdir()
    for name in ("chromium", "node", "npm"):
        program = programs / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    lines = run(suite, PATH=str(programs), HSRNN_DATA=str(suite))
    assert "NOT RUN" not in "\n".join(lines)
    assert lines[-1].startswith("4 passed")
