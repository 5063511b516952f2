"""What every chapter must obey: pairs that agree, outputs that are really there, pictures that have words.

    python tools/notebook_guard.py [book/hmrnn/02-the-cell.ipynb ...]   prints complaints, exits 1 if any

A notebook that was never executed passes a comparison of outputs, because nothing is compared: hence a guard.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat

sys.path.insert(0, str(Path(__file__).resolve().parent))
from first_cell import ROOT, TAGS, first_cell

BOOK = ROOT / "book"
LARGEST_OUTPUT = 2_000_000  # bytes of one cell's outputs
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

IMAGE_TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
ALT_ATTRIBUTE = re.compile(r"""\balt\s*=\s*("[^"]*\S[^"]*"|'[^']*\S[^']*')""", re.IGNORECASE)
EMPTY_MARKDOWN_ALT = re.compile(r"!\[\s*\]\(")
FIGURE_DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(figure|image)\}(?P<body>.*?)^(?P=fence)", re.M | re.S
)
BARE_REPR = re.compile(r"^\s*<[^>]*>\s*$")


def complaints_about_pairs(book: Path = BOOK) -> list[str]:
    """Return a complaint for every source without its notebook and every notebook without its source."""
    found = []
    for one, other in ((".py", ".ipynb"), (".ipynb", ".py")):
        for path in sorted(book.rglob(f"*{one}")):
            if ".ipynb_checkpoints" not in path.parts and not path.with_suffix(other).exists():
                found.append(
                    f"{path.relative_to(book)}: there is no {path.with_suffix(other).name} beside it"
                )
    return found


def complaints_about(notebook_file: Path) -> list[str]:
    """Return what is wrong with one executed notebook, one sentence each; an empty list is good."""
    notebook = nbformat.read(notebook_file, as_version=4)
    found = about_source(notebook, notebook_file.with_suffix(".py"))
    found += about_execution(notebook)
    found += about_words(notebook)
    found += about_weight(notebook)
    return [f"{notebook_file.name}: {text}" for text in found]


def about_source(notebook: nbformat.NotebookNode, source: Path) -> list[str]:
    """Check that the py:percent file says the same, and that the first code cell is the agreed one."""
    if not source.exists():
        return [f"there is no {source.name} beside it"]
    ours, theirs = ([essence(cell) for cell in each.cells] for each in (notebook, jupytext.read(source)))
    found = []
    if not source.read_text(encoding="utf-8").startswith("# %%"):
        found.append(f"{source.name} must begin with its first cell (# %%): it needs no header")
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
        if one != other:
            found.append(f"cell {number} differs from {source.name}: run `make notebooks`")
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} cells here, {len(theirs)} in {source.name}: run `make notebooks`")
    code = code_cells(notebook)
    if not code or code[0].source != first_cell() or code[0].metadata.get("tags") != TAGS:
        found.append("the first code cell must be the one that `python tools/first_cell.py` prints")
    return found


def about_execution(notebook: nbformat.NotebookNode) -> list[str]:
    """Check that every code cell ran, in order, without errors, and that something is left to compare."""
    code = code_cells(notebook)
    found = [f"an empty code cell {cell.get('id')}: remove it" for cell in code if not cell.source.strip()]
    counts = [cell.execution_count for cell in code]
    if None in counts:
        found.append("not every code cell was executed: run `make notebooks`")
    elif counts != list(range(1, len(code) + 1)):
        found.append(f"code cells were not executed once each and in order: {counts}")
    for cell in code:
        tags = cell.metadata.get("tags", [])
        failed = any(output.output_type == "error" for output in cell.outputs)
        if failed and "raises-exception" not in tags:
            found.append(f"an error is stored in cell {cell.execution_count}")
        if "raises-exception" in tags and not failed:
            found.append(f"cell {cell.execution_count} is tagged raises-exception and raises none")
        if "nbval-skip" in tags:
            found.append(
                f"cell {cell.execution_count} is tagged nbval-skip: every cell must run in the tests"
            )
        if (
            any(output.get("name") == "stderr" for output in cell.outputs)
            and "nbval-ignore-output" not in tags
        ):
            found.append(
                f"cell {cell.execution_count} writes to stderr: silence the warning or the progress bar"
            )
    if not any(is_compared(cell) for cell in code):
        found.append(
            "no compared output that means something: every cell is silent, noisy or prints a bare object"
        )
    return found


def about_words(notebook: nbformat.NotebookNode) -> list[str]:
    """Check that every picture, in an output or in the text, has an alternative in words."""
    found = []
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            found += [f"cell {number}: {text}" for text in about_markdown(cell.source)]
            continue
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            html = text_of(data.get("text/html", ""))
            if any(not ALT_ATTRIBUTE.search(tag) for tag in IMAGE_TAG.findall(html)):
                found.append(f"cell {number}: an <img> in its output has no alt text")
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            if any(kind.startswith("image/") for kind in data) and not html and not alt.strip():
                found.append(
                    f"cell {number}: a picture without alt text: show a Picture of hsrnn.figures, "
                    'or give the cell mystnb={"image": {"alt": "..."}}'
                )
    return found


def about_markdown(text: str) -> list[str]:
    """Return the pictures of a Markdown cell that have no alternative in words."""
    found = ["a Markdown image without alt text"] * len(EMPTY_MARKDOWN_ALT.findall(text))
    found += ["an <img> without alt text" for tag in IMAGE_TAG.findall(text) if not ALT_ATTRIBUTE.search(tag)]
    found += [
        "a figure without :alt:"
        for match in FIGURE_DIRECTIVE.finditer(text)
        if not re.search(r"^:alt:\s*\S", match["body"], re.MULTILINE)
    ]
    return found


def about_weight(notebook: nbformat.NotebookNode) -> list[str]:
    """Check that outputs are small, and that no widget, timing or path of this machine is stored."""
    found = []
    if "widgets" in notebook.metadata:
        found.append("widget state is stored: run `make notebooks`")
    for cell in code_cells(notebook):
        stored = json.dumps(cell.outputs)
        if len(stored) > LARGEST_OUTPUT:
            found.append(
                f"cell {cell.execution_count}: its output takes {len(stored):,} bytes, "
                f"more than {LARGEST_OUTPUT:,}"
            )
        if any(place in stored for place in (str(ROOT), f"{Path.home()}/")):
            found.append(f"cell {cell.execution_count}: its output holds a path of this machine")
        views = [output.data for output in cell.outputs if WIDGET_VIEW in output.get("data", {})]
        if any("text/html" in data for data in views):
            found.append(f"cell {cell.execution_count}: a widget view is stored: run `make notebooks`")
        elif views:
            found.append(
                f"cell {cell.execution_count}: a widget that is dead without a kernel: show a LivingFigure"
            )
        if "execution" in cell.metadata:
            found.append(f"cell {cell.execution_count}: times of execution are stored: run `make notebooks`")
    return found


def is_compared(cell: nbformat.NotebookNode) -> bool:
    """Return whether the tests compare an output of this cell that says more than the name of an object."""
    if "nbval-ignore-output" in cell.metadata.get("tags", []):
        return False
    texts = [
        text_of(output.get("text", "")) + text_of(output.get("data", {}).get("text/plain", ""))
        for output in cell.outputs
    ]
    return any(text.strip() and not BARE_REPR.match(text) for text in texts)


def essence(cell: nbformat.NotebookNode) -> tuple[Any, ...]:
    """Return what a source and its notebook must share of a cell."""
    return cell.cell_type, cell.source, cell.metadata.get("tags", []), cell.metadata.get("mystnb", {})


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Return the code cells."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text_of(value: str | list[str]) -> str:
    """Return a stored text, which may be a list of lines, as one string."""
    return value if isinstance(value, str) else "".join(value)


def main() -> int:
    """Run the command line."""
    chosen = [Path(name).resolve() for name in sys.argv[1:]] or sorted(
        path for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts
    )
    found = complaints_about_pairs() + [text for path in chosen for text in complaints_about(path)]
    print("\n".join(found) or f"{len(chosen)} notebooks: nothing to complain about")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
