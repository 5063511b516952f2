"""Renew what README.md takes from elsewhere: the picture drawn by the shipped model, and the results.

    python tools/make_readme.py            rewrite README.md and book/_static/readme.png  (`make readme`)
    python tools/make_readme.py --check    exit 1 if README.md is not what this would write

Both stand between comments of the form `<!-- NAME: ... -->` and `<!-- end of NAME -->`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import torch

from hsrnn import figures, ledger
from hsrnn.experiments import EXPERIMENTS
from hsrnn.experiments.claims import NOT_RUN
from hsrnn.experiments.hmrnn_language import load_model

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "book" / "_static" / "readme.png"
SENTENCE = "the government said it expects to report a loss"
CHECKPOINT = "hmrnn-language-ptb"

# Experiment -> the columns of its score tables that the README shows; the rest is on the page of results.
COLUMNS = {
    "hmrnn.language": ("model", "units", "paper", "test BPC", "copies"),
    "hmrnn.handwriting": ("model", "units", "paper", "test nats a line", "copies"),
    "coarse.taylornet": ("network", "form", "blocks", "normalised", "parameters", "test"),
    "evolving.parsing": ("network", "parameters", "mean IoU"),
    "automata.languages": ("cell", "learned", "exact automaton", "first k", "stable k"),
}


def picture() -> figures.Picture:
    """Return what the shipped model does at every letter of the sentence."""
    torch.set_num_threads(1)
    model, vocabulary, _ = load_model(CHECKPOINT)
    with torch.no_grad():
        core = model(torch.from_numpy(vocabulary.encode(SENTENCE).astype("int64"))[None])[0].core
    return figures.plot_operations(SENTENCE, core.operations[0].numpy(), core.boundaries[0].numpy())


def results() -> str:
    """Return, for each experiment with records, a table of its scores and one of its claims."""
    parts = []
    for name in ledger.experiments():
        tables = EXPERIMENTS[name].tables(ledger.read(name))
        columns = COLUMNS.get(name, ())
        scored = [table for table in tables if columns and set(columns) <= set(table.header)]
        rows = [
            (table.title.split(":")[0], *(row[table.header.index(column)] for column in columns))
            for table in scored
            for row in table.rows
        ]
        if rows:
            parts.append(ledger.Table(EXPERIMENTS[name].title, ("data, preset", *columns), tuple(rows)))
        for table in tables:
            if "verdict" in table.header:
                shown = tuple(row for row in table.rows if NOT_RUN not in row)
                missing = len(table.rows) - len(shown)
                note = f"{missing} more claims have no run yet." if missing else ""
                if shown:
                    text = f"{table.note} {note}".strip()
                    parts.append(ledger.Table(table.title, table.header, shown, text))
    return "\n\n".join(part.markdown() for part in parts)


def between(name: str, content: str, text: str) -> str:
    """Return `text` with what stands between the comments of `name` replaced by `content`.

    Raises:
        ValueError: if the two comments are not there exactly once.
    """
    marked = re.compile(rf"(<!-- {name}:[^>]* -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if len(marked.findall(text)) != 1:
        raise ValueError(f"README.md must hold <!-- {name}: ... --> and <!-- end of {name} --> once")
    return marked.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text)


def renewed(text: str, alt: str) -> str:
    """Return the README with the present table of results and the words for the present picture."""
    image = f"![{alt}]({PICTURE.relative_to(ROOT).as_posix()})"
    return between("results", results(), between("picture", image, text))


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something is old")
    arguments = parser.parse_args()
    drawn = picture()
    before = README.read_text(encoding="utf-8")
    after = renewed(before, drawn.alt)
    if arguments.check:
        print("[readme] current" if before == after else "[readme] README.md is old: run `make readme`")
        return int(before != after)
    README.write_text(after, encoding="utf-8")
    drawn.save(PICTURE)
    print(f"[readme] {README.relative_to(ROOT)} and {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
