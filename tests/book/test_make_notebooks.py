"""`make notebooks` on a tiny project: executes what changed, leaves the rest, and is deterministic."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from first_cell import first_cell

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = f"""# %% [markdown]
# # A title

# %% tags=["remove-cell"]
{first_cell()}

# %%
import os
print(6 * 7, "HSRNN_DATA" in os.environ)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with this one's tools and a single chapter."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "book" / "jupytext.toml", tmp_path / "book")
    (tmp_path / "book" / "one.py").write_text(SOURCE)
    return tmp_path


def make_notebooks(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what `make notebooks` runs."""
    command = [sys.executable, "tools/make_notebooks.py", *arguments]
    environment = {**os.environ, "HSRNN_DATA": "/nowhere"}
    environment.pop("FORCE", None)
    return subprocess.run(
        command, cwd=project, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def test_executes_what_changed_and_nothing_else(project: Path):
    source, notebook = project / "book" / "one.py", project / "book" / "one.ipynb"
    first = make_notebooks(project)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "executing book/one.py" in first.stdout
    stored = nbformat.read(notebook, as_version=4)
    assert stored.cells[2].outputs[0].text == "42 False\n", "the real data sets are not to be seen"
    assert [cell.get("execution_count") for cell in stored.cells] == [None, 1, 2]

    assert "current   book/one.py" in make_notebooks(project).stdout

    before = notebook.read_bytes()
    assert "executing book/one.py" in make_notebooks(project, "--force", "book/one.py").stdout
    assert notebook.read_bytes() == before, "the same source gives the same bytes"

    source.write_text(SOURCE.replace("6 * 7", "6 * 8"))
    assert "executing" in make_notebooks(project).stdout
    assert "48 False" in notebook.read_text()

    source.write_text(SOURCE + "\n# %%\nraise RuntimeError('stop')\n")
    after = notebook.read_bytes()
    crashed = make_notebooks(project)
    assert crashed.returncode == 1 and "CRASHED   book/one.py" in crashed.stderr
    assert notebook.read_bytes() == after, "a crash leaves the notebook as it was"


def test_a_broken_rule_is_said_at_once(project: Path):
    (project / "book" / "one.py").write_text(SOURCE.replace("print(", "shown = ("))
    broken = make_notebooks(project)
    assert broken.returncode == 1
    assert "GUARD     one.ipynb: no compared output" in broken.stderr


def test_a_name_that_is_no_chapter_is_refused(project: Path):
    refused = make_notebooks(project, "book/none.py")
    assert refused.returncode != 0 and "got book/none.py" in refused.stderr
