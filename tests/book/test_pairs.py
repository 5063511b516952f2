"""Every chapter obeys the guard, and the guard itself complains about each thing it is there for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from notebook_guard import BOOK, WIDGET_VIEW, complaints_about, complaints_about_pairs

NOTEBOOKS = sorted(path for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
PICTURE = {
    "output_type": "display_data",
    "metadata": {},
    "data": {"image/png": "aGVsbG8=", "text/plain": "a plot"},
}


def test_sources_and_notebooks_are_paired():
    assert NOTEBOOKS, "the book has no notebooks"
    assert complaints_about_pairs() == []


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: str(path.relative_to(BOOK)))
def test_chapter_obeys_the_guard(notebook: Path):
    assert complaints_about(notebook) == []


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the book after Jupytext, as JupyterLab runs it, has looked at every pair in it."""
    copy = tmp_path_factory.mktemp("synced")
    shutil.copy(BOOK / "jupytext.toml", copy)
    for notebook in NOTEBOOKS:
        for file in (notebook, notebook.with_suffix(".py")):
            target = copy / file.relative_to(BOOK)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    program = Path(sys.executable).parent / "jupytext"
    names = [str(notebook.relative_to(BOOK)) for notebook in NOTEBOOKS]
    ran = subprocess.run([program, "--sync", *names], cwd=copy, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return copy


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: str(path.relative_to(BOOK)))
def test_pairing_in_jupyterlab_changes_nothing(notebook: Path, synced: Path):
    for file in (notebook, notebook.with_suffix(".py")):
        copy = synced / file.relative_to(BOOK)
        assert copy.read_text(encoding="utf-8") == file.read_text(encoding="utf-8")


Change = Callable[[nbformat.NotebookNode], None]


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[Change], list[str]]:
    """A function that damages a copy of a good chapter and returns the guard's complaints about it."""
    good = BOOK / "intro.ipynb"

    def damage(change: Change) -> list[str]:
        copy = tmp_path / good.name
        shutil.copy(good.with_suffix(".py"), tmp_path)
        notebook = nbformat.read(good, as_version=4)
        change(notebook)
        nbformat.write(notebook, copy)
        return complaints_about(copy)

    return damage


def code(notebook: nbformat.NotebookNode, number: int) -> nbformat.NotebookNode:
    """Return a code cell by its place among the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"][number]


def unexecuted(notebook: nbformat.NotebookNode) -> None:
    """Forget the execution of one cell."""
    code(notebook, 1).execution_count = None


def out_of_order(notebook: nbformat.NotebookNode) -> None:
    """Execute one cell again after the others."""
    code(notebook, 1).execution_count = 99


def without_outputs(notebook: nbformat.NotebookNode) -> None:
    """Clear every output but keep the counts, as a tool that strips outputs does."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []


def bare_reprs(notebook: nbformat.NotebookNode) -> None:
    """Leave only names of objects to compare."""
    without_outputs(notebook)
    code(notebook, 1).outputs = [nbformat.v4.new_output("display_data", {"text/plain": "<Figure size 1x1>"})]


def all_ignored(notebook: nbformat.NotebookNode) -> None:
    """Tag every cell so that nothing is compared."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "nbval-ignore-output"]


def other_source(notebook: nbformat.NotebookNode) -> None:
    """Edit the notebook and not its source."""
    code(notebook, 1).source += "\n# edited"


def cell_more(notebook: nbformat.NotebookNode) -> None:
    """Add a cell to the notebook and not to its source."""
    notebook.cells.append(nbformat.v4.new_markdown_cell("One more."))


def other_tags(notebook: nbformat.NotebookNode) -> None:
    """Tag a cell in the notebook and not in its source."""
    code(notebook, 1).metadata["tags"] = ["hide-cell"]


def stored_error(notebook: nbformat.NotebookNode) -> None:
    """Store an error as an output."""
    code(notebook, 1).outputs.append(nbformat.v4.new_output("error", ename="E", evalue="e", traceback=[]))


def promised_error(notebook: nbformat.NotebookNode) -> None:
    """Promise an error that is not there."""
    code(notebook, 1).metadata["tags"] = ["raises-exception"]


def skipped_cell(notebook: nbformat.NotebookNode) -> None:
    """Keep a cell out of the tests."""
    code(notebook, 1).metadata["tags"] = ["nbval-skip"]


def stderr(notebook: nbformat.NotebookNode) -> None:
    """Store a warning."""
    code(notebook, 1).outputs.append(nbformat.v4.new_output("stream", name="stderr", text="Warning!"))


def silent_picture(notebook: nbformat.NotebookNode) -> None:
    """Show a picture without words."""
    code(notebook, 1).outputs.append(nbformat.from_dict(PICTURE))


def silent_html_picture(notebook: nbformat.NotebookNode) -> None:
    """Show a picture without words as HTML."""
    output = nbformat.v4.new_output("display_data", {"text/html": '<p><img src="x.png" alt=" "></p>'})
    code(notebook, 1).outputs.append(output)


def silent_markdown(notebook: nbformat.NotebookNode) -> None:
    """Show three pictures without words in the text."""
    text = "![](a.png)\n\n<img src='b.png'>\n\n```{figure} c.png\n:width: 50%\nCaption\n```\n"
    notebook.cells.append(nbformat.v4.new_markdown_cell(text))


def huge_output(notebook: nbformat.NotebookNode) -> None:
    """Print more than two megabytes."""
    code(notebook, 1).outputs.append(nbformat.v4.new_output("stream", name="stdout", text="x" * 2_000_001))


def widget_state(notebook: nbformat.NotebookNode) -> None:
    """Store the state of widgets."""
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}


def widget_view(notebook: nbformat.NotebookNode) -> None:
    """Store a living figure twice, as an editor does after running its cell."""
    data = {"text/html": "<p>alive</p>", WIDGET_VIEW: {"model_id": "0" * 32}}
    code(notebook, 1).outputs.append(nbformat.v4.new_output("display_data", data))


def dead_widget(notebook: nbformat.NotebookNode) -> None:
    """Show a widget that has no form without a kernel."""
    data = {"text/plain": "IntSlider(value=0)", WIDGET_VIEW: {"model_id": "0" * 32}}
    code(notebook, 1).outputs.append(nbformat.v4.new_output("display_data", data))


def timings(notebook: nbformat.NotebookNode) -> None:
    """Store when a cell ran."""
    code(notebook, 1).metadata["execution"] = {"iopub.execute_input": "2020-01-01T00:00:00Z"}


def local_path(notebook: nbformat.NotebookNode) -> None:
    """Print where the project lies on this machine."""
    code(notebook, 1).outputs.append(nbformat.v4.new_output("stream", name="stdout", text=f"{BOOK.parent}/x"))


def no_installation(notebook: nbformat.NotebookNode) -> None:
    """Change the cell that installs the project on Binder and Colab."""
    code(notebook, 0).source = "import hsrnn"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (unexecuted, "not every code cell was executed"),
        (out_of_order, "in order"),
        (without_outputs, "no compared output"),
        (bare_reprs, "no compared output"),
        (all_ignored, "no compared output"),
        (other_source, "differs from intro.py"),
        (cell_more, "in intro.py: run"),
        (other_tags, "differs from intro.py"),
        (stored_error, "an error is stored"),
        (promised_error, "raises none"),
        (skipped_cell, "nbval-skip"),
        (stderr, "writes to stderr"),
        (silent_picture, "a picture without alt text"),
        (silent_html_picture, "an <img> in its output has no alt text"),
        (silent_markdown, "a figure without :alt:"),
        (huge_output, "more than 2,000,000"),
        (widget_state, "widget state is stored"),
        (widget_view, "a widget view is stored"),
        (dead_widget, "dead without a kernel"),
        (timings, "times of execution"),
        (local_path, "a path of this machine"),
        (no_installation, "the first code cell must be"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_guard_complains(change: Change, complaint: str, broken: Callable[[Change], list[str]]):
    found = broken(change)
    assert any(complaint in text for text in found), found


def test_guard_is_content_with_an_undamaged_copy(broken: Callable[[Change], list[str]]):
    assert broken(lambda notebook: None) == []


def test_guard_wants_sources_without_header(broken: Callable[[Change], list[str]], tmp_path: Path):
    broken(lambda notebook: None)
    source = tmp_path / "intro.py"
    source.write_text(
        "# ---\n# jupyter: {}\n# ---\n\n" + source.read_text(encoding="utf-8"), encoding="utf-8"
    )
    assert any("needs no header" in text for text in complaints_about(tmp_path / "intro.ipynb"))


def test_guard_counts_each_silent_picture_of_a_text(broken: Callable[[Change], list[str]]):
    assert len([text for text in broken(silent_markdown) if "without" in text]) == 3


@pytest.mark.parametrize("removed", ["intro.py", "intro.ipynb"])
def test_guard_misses_the_other_half_of_a_pair(removed: str, tmp_path: Path):
    for ending in (".py", ".ipynb"):
        shutil.copy(BOOK / f"intro{ending}", tmp_path)
    assert complaints_about_pairs(tmp_path) == []
    (tmp_path / removed).unlink()
    assert len(complaints_about_pairs(tmp_path)) == 1
