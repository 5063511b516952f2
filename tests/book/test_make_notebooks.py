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
from make_notebooks import drop_widget_views, join_streams
from make_test import NOTEBOOKS
from notebook_guard import WIDGET_VIEW

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


LIVING = f"""# %% [markdown]
# # A title

# %% tags=["remove-cell"]
{first_cell()}

# %%
import os
import sys
import time

for part in ("in ", "three ", "pieces"):
    print(part, end="")
    sys.stdout.flush()
    time.sleep(float(os.environ.get("PAUSE", "0")))

# %%
from hsrnn.figures import StraightThrough

StraightThrough()
"""


@pytest.fixture
def living(project: Path) -> Path:
    """The notebook of a chapter that shows a living figure, executed."""
    (project / "book" / "one.py").write_text(LIVING)
    made = make_notebooks(project)
    assert made.returncode == 0, made.stdout + made.stderr
    return project / "book" / "one.ipynb"


def test_a_living_figure_is_stored_once_and_without_chance(
    living: Path, project: Path, monkeypatch: pytest.MonkeyPatch
):
    stored = nbformat.read(living, as_version=4)
    assert stored.cells[2].outputs[0].text == "in three pieces"
    (figure,) = stored.cells[3].outputs
    assert set(figure.data) == {"text/html", "text/plain"}
    assert figure.data["text/html"].count('<script type="module">') == 1
    assert "widgets" not in stored.metadata
    text = living.read_text(encoding="utf-8")
    assert "model_id" not in text and "widget-view" not in text
    assert text.count("function openFigure") == 1, "the figure's module stands in the file once"

    monkeypatch.setenv("PAUSE", "0.5")  # longer than a kernel keeps text back: it comes in three pieces
    assert make_notebooks(project, "--force").returncode == 0
    assert living.read_text(encoding="utf-8") == text, "the same outputs give the same bytes"


def test_the_comparison_passes_without_the_widget_view_and_sees_another_figure(living: Path, project: Path):
    """The kernel gives a widget view, the stored notebook has none: nbval leaves that key out of both."""
    arguments = NOTEBOOKS[: NOTEBOOKS.index("--nbval-sanitize-with")]
    command = [sys.executable, "-m", "pytest", *arguments, "-p", "no:cacheprovider", str(living)]
    same = subprocess.run(command, cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert same.returncode == 0 and "3 passed" in same.stdout, same.stdout + same.stderr

    living.write_text(living.read_text(encoding="utf-8").replace("hl-fallback", "hl-other"), encoding="utf-8")
    other = subprocess.run(command, cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert other.returncode == 1 and "mismatch 'text/html'" in other.stdout, other.stdout + other.stderr


def test_only_a_widget_with_another_form_loses_its_view():
    bundles = [{"text/plain": "slider"}, {"text/html": "<p>", "text/plain": "figure"}]
    outputs = [nbformat.v4.new_output("display_data", {**data, WIDGET_VIEW: {}}) for data in bundles]
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("error"), *outputs])
    drop_widget_views(cell)
    assert [set(output.data) for output in cell.outputs[1:]] == [{"text/plain", WIDGET_VIEW}, set(bundles[1])]


def test_printed_text_is_joined_only_with_its_neighbour():
    def text(name: str, value: str) -> nbformat.NotebookNode:
        return nbformat.v4.new_output("stream", name=name, text=value)

    shown = nbformat.v4.new_output("display_data", {"text/plain": "a figure"})
    pieces = [text("stdout", "a"), text("stdout", "b"), shown, text("stdout", "c"), text("stderr", "d")]
    cell = nbformat.v4.new_code_cell(outputs=pieces)
    join_streams(cell)
    assert [output.get("text", "shown") for output in cell.outputs] == ["ab", "shown", "c", "d"]
