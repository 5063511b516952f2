"""Execute the chapters: every py:percent source under book/ becomes the notebook beside it, outputs included.

    python tools/make_notebooks.py                     what changed since the last time
    python tools/make_notebooks.py book/hmrnn/02-the-cell.py ...
    python tools/make_notebooks.py --force             all of them

A notebook is skipped when its source, the package, the shipped data and the pinned versions are unchanged.
Executed again, a chapter whose outputs are the same gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fingerprint import PACKAGE, ROOT, fingerprint
from kernel_environment import kernel_environment
from notebook_guard import WIDGET_VIEW, complaints_about

BOOK = ROOT / "book"
STAMPS = ROOT / "_build" / "notebooks"
# What the stored form of a notebook depends on beside its chapter.
INPUTS = (*PACKAGE, "tools/make_notebooks.py")
SECONDS_A_CELL = 120

METADATA = {
    # What book/jupytext.toml says, so that saving in JupyterLab changes nothing.
    "jupytext": {
        "cell_metadata_filter": "tags,mystnb,-all",
        "formats": "ipynb,py:percent",
        "notebook_metadata_filter": "-all",
    },
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}


def read_source(source: Path) -> nbformat.NotebookNode:
    """Return the notebook that a py:percent file describes, each cell named by its text, not at random."""
    notebook = jupytext.read(source, fmt="py:percent")
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        name = hashlib.sha256(f"{cell.cell_type}\0{cell.source}".encode()).hexdigest()[:12]
        seen[name] = seen.get(name, 0) + 1
        cell["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(
    notebook: nbformat.NotebookNode, folder: Path, environment: dict[str, str]
) -> nbformat.NotebookNode:
    """Run the notebook in its folder; return it with outputs that are the same whenever the results are."""
    notebook.metadata = nbformat.from_dict(METADATA)
    client = NotebookClient(
        notebook,
        timeout=SECONDS_A_CELL,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=environment)
    notebook.metadata = nbformat.from_dict(METADATA)  # anew: the run adds the interpreter's version
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        cell.metadata.pop("widgets", None)
        if cell.cell_type == "code":
            join_streams(cell)
            drop_widget_views(cell)
    return notebook


def join_streams(cell: nbformat.NotebookNode) -> None:
    """Join pieces of printed text that follow each other: where they part is a matter of timing."""
    joined: list[nbformat.NotebookNode] = []
    for output in cell.outputs:
        before = joined[-1] if joined else None
        if before and output.output_type == before.output_type == "stream" and output.name == before.name:
            before.text += output.text
        else:
            joined.append(output)
    cell.outputs = joined


def drop_widget_views(cell: nbformat.NotebookNode) -> None:
    """Store a living figure once: in its `text/html` form, which needs no kernel.

    Its widget view is a random name for something that ends with the kernel; an editor that met it first
    would show a dead frame. A widget with no other form keeps its view, and the guard complains about it.
    """
    for output in cell.outputs:
        if "text/html" in output.get("data", {}):
            output.data.pop(WIDGET_VIEW, None)


def refresh(source: Path, *, force: bool, environment: dict[str, str]) -> bool:
    """Execute one chapter unless it is current; return whether it ran."""
    target = source.with_suffix(".ipynb")
    stamp = STAMPS / source.relative_to(BOOK).with_suffix(".sha256")
    inputs = fingerprint([*INPUTS, source.relative_to(ROOT)])
    if not force and target.exists() and stamp.exists() and stamp.read_text() == stamp_of(inputs, target):
        print(f"[notebooks] current   {source.relative_to(ROOT)}", flush=True)
        return False
    print(f"[notebooks] executing {source.relative_to(ROOT)}", flush=True)
    started = time.monotonic()
    notebook = execute(read_source(source), source.parent, environment)
    target.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(stamp_of(inputs, target))
    print(f"[notebooks] done in {time.monotonic() - started:.1f} s", flush=True)
    return True


def stamp_of(inputs: str, target: Path) -> str:
    """Return what the stamp file of a current notebook holds: its inputs and the notebook itself."""
    return f"{inputs} {hashlib.sha256(target.read_bytes()).hexdigest()}\n"


def chosen(names: list[str]) -> list[Path]:
    """Return the sources that the names on the command line mean; all of them without names."""
    if not names:
        return sorted(path for path in BOOK.rglob("*.py") if ".ipynb_checkpoints" not in path.parts)
    sources = []
    for name in names:
        path = Path(name).resolve().with_suffix(".py")
        if not path.is_file() or BOOK not in path.parents:
            raise SystemExit(f"a chapter is a .py file under book/, got {name}")
        sources.append(path)
    return sources


def main() -> int:
    """Run the command line; return 1 when a chapter crashed or breaks a rule, after all had their turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="chapters under book/ (default: all)")
    parser.add_argument(
        "--force",
        action="store_true",
        default=bool(os.environ.get("FORCE")),
        help="execute even what is current (also FORCE=1)",
    )
    arguments = parser.parse_args()
    environment = kernel_environment()
    failed = []
    for source in chosen(arguments.names):
        try:
            refresh(source, force=arguments.force, environment=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            print(error, file=sys.stderr)
            failed.append(source.relative_to(ROOT))
    for source in failed:
        print(f"[notebooks] CRASHED   {source} (its notebook is left as it was)", file=sys.stderr)
    found = [
        text
        for source in chosen(arguments.names)
        if source.with_suffix(".ipynb").exists()
        for text in complaints_about(source.with_suffix(".ipynb"))
    ]
    for text in found:
        print(f"[notebooks] GUARD     {text}", file=sys.stderr)
    return 1 if failed or found else 0


if __name__ == "__main__":
    raise SystemExit(main())
