# %% [markdown]
# # How this book is made
#
# **Where does a page come from, how do its numbers get in, and what keeps both true?**
#
# This page is for readers who want to check, repeat or extend something. Its cells look into the files of
# the project, so they need a clone: `make lab` there, or the Binder button above. On Colab, clone first:
#
# ```
# !git clone https://github.com/hsrnn/hsrnn
# !pip install -q jupytext
# %cd hsrnn/book
# ```

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## One source, two files
#
# Every page is a pair in the folder `book`. `making.py` is the source: plain Python with the prose in
# comments, which a diff shows line by line and any editor can search. `making.ipynb` beside it is the same
# with the outputs of its cells. `make notebooks` executes each source that has changed and writes the
# notebook; in JupyterLab (`make lab`) [Jupytext](https://jupytext.readthedocs.io) keeps the two alike while
# you edit. This is how the page you are reading begins, and what Jupytext makes of it.

# %%
from collections import Counter
from pathlib import Path

import jupytext

page = Path("making.py")
print(*page.read_text(encoding="utf-8").splitlines()[:4], sep="\n")
cells = jupytext.read(page).cells
print("\nread as a notebook:", dict(Counter(cell.cell_type for cell in cells)))

# %% [markdown]
# The cells contain no implementation that a reader might want elsewhere. That is in the package `hsrnn`,
# and where a page shows code it shows the source of the installed package.
#
# ## How a number gets in
#
# A page may compute for about a minute. Everything else comes from the **ledger**: `hsrnn reproduce` trains,
# evaluates, and appends one line of JSON, a *record*, to `data/results`. Nobody writes there by hand. The
# tables of [Results](results.ipynb) and of the README are made from these lines; means stand with their
# spread, a comparison is decided on 95 % intervals, and with fewer than five seeds there is no verdict.
#
# A record says what it was made from. Take one of the language model: it names the SHA-256 of every split of
# its corpus. Generate the corpus again, hash it, and compare.

# %%
from hsrnn import datasets, ledger

records = ledger.read("hmrnn.language")
record = next(r for r in records if r.config["corpus"] == "generated")
again = datasets.load("generated", length=record.config["corpus_length"])
assert again.hashes == record.data
for name, digest in record.data.items():
    print(f"{digest[:16]}...  {name}")
print("generated anew: the same bytes")

# %% [markdown]
# The same for files that have to be fetched: what was hashed when the record was made is what the data
# set's card asks for.

# %%
card = datasets.read_card("ptb")
of_treebank = [r for r in records if r.config["corpus"] == "ptb"]
assert of_treebank and all(r.data == card.files for r in of_treebank)
print(card.title)
print("all records on it name the files of the card:", ", ".join(card.files))

# %% [markdown]
# ## Killed, and nothing lost
#
# Long runs get interrupted. Every few updates a training writes all it would need to go on: weights,
# optimiser, the state that is carried from chunk to chunk, the random generator, the place in the text, the
# schedule. The file is written under another name and then renamed, so that there is always a whole one. A
# run that is given again finds it and goes on, and its result is not merely similar: it is the same, bit for
# bit. Try it: one run undisturbed, one that is killed as soon as its first checkpoint is on the disk, and
# started again.

# %%
import os
import signal
import tempfile
import time

words = [sys.executable, "-m", "hsrnn.cli", "reproduce", "hmrnn.language", "--preset", "smoke", "--quiet"]
words += ["--checkpoint-every", "1"]
with tempfile.TemporaryDirectory() as folder:
    runs = {name: Path(folder, name) for name in ("undisturbed", "killed")}
    settings = [{"HSRNN_RUNS": str(run), "HSRNN_RESULTS": str(run)} for run in runs.values()]
    calm, rough = (os.environ | {"OMP_NUM_THREADS": "1"} | setting for setting in settings)
    subprocess.run(words, env=calm, check=True, capture_output=True)

    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(words, env=rough, **quiet)
    while process.poll() is None and not list(runs["killed"].rglob("checkpoint-*.safetensors")):
        time.sleep(0.001)
    process.kill()  # the signal that cannot be caught, as from `kill -9`
    assert process.wait() == -signal.SIGKILL and not list(runs["killed"].glob("*.jsonl"))
    subprocess.run(words, env=rough, check=True, capture_output=True)

    weights = [next(run.rglob("model.safetensors")).read_bytes() for run in runs.values()]
    scores = [ledger.read("hmrnn.language", run)[0].metrics["test_bpc"] for run in runs.values()]
assert weights[0] == weights[1] and scores[0] == scores[1]
print("the files with the trained weights are equal, byte for byte, and so are the scores")

# %% [markdown]
# ## What the tests hold
#
# `make test` runs everything, in as many processes as there are processors; `make test ARGS='tests/hmrnn
# -x'` some of it. There are few golden numbers, which only say that nothing has changed. Instead a result
# is compared with something that must be true:
#
# - **Oracles.** An HM-LSTM that always updates is PyTorch's LSTM, in values and gradients. A COPY keeps
#   every bit. The fast path equals the plain loop that one can read. A state carried over chunks equals one
#   long pass. Two processes that share a batch equal one.
# - **Notebooks.** Every cell runs again and its output is compared with the one stored
#   ([nbval](https://nbval.readthedocs.io)). Where processors may differ in the last digits the cell is
#   tagged, its output is not compared, and an assertion with a tolerance stands in the cell instead.
# - **The guard.** A comparison passes when there is nothing to compare. So a guard refuses notebooks that
#   were not executed, that differ from their source, that hold errors, pictures without words, or paths of
#   somebody's machine.
# - **The site.** Every page is opened in a real browser with the network cut off, over http and from files,
#   wide and narrow, light and dark. It must ask for nothing from elsewhere, log no error, typeset its
#   formulas, and pass the serious and critical rules of [axe](https://github.com/dequelabs/axe-core). Every
#   living figure is operated by mouse and by keyboard.
# - **The house rules.** Imports point down, versions agree, public names are documented and tested.
#
# Nothing is skipped in silence: what this machine lacks, be it a browser, Node.js or a data set, is listed
# at the end of the run together with the way to get it. Here are the test functions by folder, counted when
# this page was last executed; many of them run with several inputs.

# %% tags=["nbval-ignore-output"]
root = Path("..").resolve()
count = Counter()
for file in sorted((root / "tests").rglob("test_*.py")):
    defined = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("def test_")]
    count[file.parent.relative_to(root).as_posix()] += len(defined)
for folder, number in sorted(count.items()):
    print(f"{number:4}  {folder}")
assert min(count.values()) > 0

# %% [markdown]
# The guard at work: this very page before it is executed.

# %%
sys.path.insert(0, str(root / "tools"))
from notebook_guard import about_execution

for complaint in about_execution(jupytext.read(page)):
    print("-", complaint)

# %% [markdown]
# ## Living figures
#
# A figure that can be touched is one ES module, `render({model, el})`, and has three hosts. In JupyterLab
# it is a widget, and Python can observe it. On the built site there is no kernel, so the notebook stores the
# figure a second way, as HTML that carries the same module, its data, and a host of a few lines. The third
# host is a page opened from a folder on your disk, where a browser lets no module load another; that is why
# the modules are joined into one script. Where no JavaScript runs, a picture with the same content remains.

# %%
from hsrnn import figures

figure = figures.StraightThrough()
widget, page_form = figure.get_state()["_esm"], figure.html()
script = widget.removesuffix("export default figure;\n")
assert len(script) > 1000 and script in page_form and "import " not in script
print("one script for Lab and for the page:", script in page_form)
print("addresses that the page form loads something from:", page_form.count('src="http'))

# %% [markdown]
# The figure at the top of the introduction contains a network. Its arithmetic is written once more in
# JavaScript, and that would be one more thing to trust. So a test runs both on a hundred stored texts, with
# the same weights: every boundary and every operation must be identical, and probabilities, gates and
# states may differ from PyTorch's in double precision by no more than $10^{-9}$.
#
# To make a figure of your own, follow
# [Add a figure in an hour](https://github.com/hsrnn/hsrnn/blob/main/hsrnn/figures/README.md). The example
# there is run by a test.
#
# ## Weight and speed of the pages
#
# The site brings its own mathematics, icons and networks, so a page is not small. How long does a reader on
# a slow line wait? `make measure ARGS='--json book/pages.json'` opens every page in a real browser with an
# empty cache, on a line and a processor slowed down on purpose, and takes the median of three loads. The
# largest paint is the moment at which the largest thing in the window is on the screen.

# %% tags=["hide-input"]
import json

measured = json.loads((root / "book/pages.json").read_text(encoding="utf-8"))
line = measured["conditions"]
table = ledger.Table(
    "Every page, on a slow line",
    ("page", "requests", "sent", "unpacked", "largest paint after"),
    tuple(
        (
            page["page"].removeprefix("book/").removesuffix(".html"),
            str(page["requests"]),
            f"{page['wire'] / 1e6:.2f} MB",
            f"{page['decoded'] / 1e6:.2f} MB",
            f"{page['largest_contentful_paint']:.1f} seconds",
        )
        for page in measured["pages"]
    ),
    f"{line['download_bits_per_second'] / 1e6:.1f} Mbit/s, {line['round_trip_milliseconds']} ms round trip, "
    f"processor {line['processor_slowdown']} times slower, {line['browser']}.",
)
assert not any(page["elsewhere"] for page in measured["pages"])  # nothing came from another site
table

# %% [markdown]
# Most of it is the renderer of formulas and the theme's icons, which the next page takes from the browser's
# cache. A page with the living figure of a network brings that network along, one byte a weight.
#
# ## Floors
#
# The package is built in floors: an import points down, never up, and never to a neighbour on the same
# floor. So a room can be read and used alone, without the data sets, the figures or the experiments. The
# rule stands in `pyproject.toml` as a contract of [import-linter](https://import-linter.readthedocs.io), and
# a test enforces it.

# %%
import tomllib

project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
(contract,) = project["tool"]["importlinter"]["contracts"]
for floor in contract["layers"]:
    print(floor.replace("(", "").replace(")", ""))

# %% [markdown]
# ## Add a room
#
# A *room* is one paper: a package that implements it, and chapters that teach it. Suppose it is called
# `pendulum`. This is everything that has to exist, in the order in which one would make it; most of it is
# demanded by a test.
#
# 1. **The package** `hsrnn/pendulum/`. Its `__init__.py` cites the paper, maps its equations to modules and
#    lists the public names in `__all__`. Tensors in, tensors out, batch first. Every module has a docstring
#    and at most 400 lines. Where the code departs from the paper, a comment says `Deviation D1: ...`.
# 2. **The contract**: `(pendulum)` on the floor of the rooms, in `[tool.importlinter]` of `pyproject.toml`.
# 3. **Tests** in `tests/pendulum/`, against oracles. Every public name has to be mentioned in some test.
# 4. **Data**, if the room needs any that is not there: a card `data/cards/NAME.json`, the name in `NAMES` of
#    `hsrnn/datasets/cards.py`, and how to read the files in `hsrnn/datasets/registry.py`. A generated set
#    with known truth comes first, so that every chapter runs without a download.
# 5. **The experiment** `hsrnn/experiments/pendulum_swing.py`: a frozen dataclass of settings, `PRESETS` with
#    `smoke`, `book`, `desk` and `paper`, and `run(config, *, seed, folder, device, progress)`, which returns
#    metrics, hashes and seconds. Its tables, `tables(records)`, stand in `pendulum_swing_tables.py`. One
#    entry in `EXPERIMENTS` of `hsrnn/experiments/__init__.py`, named `pendulum.swing`, and the command line,
#    the ledger and the page of results know it. If speed matters, an entry in `BENCHMARKS` of
#    `benchmarks.py`.
# 6. **Records**: commit, then `hsrnn reproduce pendulum.swing --preset book --seeds 0-4`. A record made
#    with uncommitted changes in `hsrnn/` ends its revision in `+`, and a test refuses it.
# 7. **Figures**: plotting functions in `hsrnn/figures/`, and a living figure where touching teaches
#    something.
# 8. **Exercises**: checkers in `hsrnn/exercises/pendulum.py`, as `CHECKERS` with names such as
#    `pendulum.01.1`, merged into `hsrnn/exercises/__init__.py`; tests in `tests/exercises/`.
# 9. **Chapters** `book/pendulum/01-title.py`. The first code cell is what `python tools/first_cell.py`
#    prints. They list every `Deviation` of the code. `make notebooks` makes the notebooks.
# 10. **The way in**: a part in `_toc.yml`, a paragraph in `book/intro.py`, new symbols in
#     `book/notation.py`, the paper in `CITATION.cff`, a line for each chapter in `README.md`. The
#     columns of its score table go into `COLUMNS` of `tools/make_readme.py`; then `make readme`.
#
# The next cell takes the rooms from the contract and looks for each of these things. A room may be in use
# before its chapters are written.

# %%
import yaml

from hsrnn import exercises, experiments

rooms_floor = next(floor for floor in contract["layers"] if "(figures)" in floor)
shared = {"figures", "ledger", "datasets"}
rooms = [name.strip("() ") for name in rooms_floor.split("|") if name.strip("() ") not in shared]
contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
listed = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
for room in rooms:
    has = {
        "package": (root / "hsrnn" / room / "__init__.py").exists(),
        "tests": any((root / "tests" / room).glob("test_*.py")),
        "experiment": any(name.startswith(f"{room}.") for name in experiments.EXPERIMENTS),
        "records": any(name.startswith(f"{room}.") for name in ledger.experiments()),
        "exercises": any(name.startswith(f"{room}.") for name in exercises.names()),
        "chapters": any(file.startswith(f"book/{room}/") for file in listed),
    }
    assert has["package"] and has["tests"]
    print(f"{room}:", ", ".join(name for name in has if has[name]))
    print("    still to come:", ", ".join(name for name in has if not has[name]) or "nothing")

# %% [markdown]
# ## How to cite, and the licences
#
# Cite the project together with the paper whose room you use. The repository's `CITATION.cff` has both;
# GitHub turns it into BibTeX by the button *Cite this repository*.

# %%
citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
print(f"{citation['authors'][0]['name']}. {citation['title']}.")
print(f"Version {citation['version']}. {citation['repository-code']}")
for paper in citation["references"]:
    authors = ", ".join(author["family-names"] for author in paper["authors"])
    print(f"{authors} ({paper['year']}). {paper['title']}. {paper['url']}")

# %% [markdown]
# - **Code**, the cells of the chapters included:
#   [MIT](https://github.com/hsrnn/hsrnn/blob/main/LICENSE). Use it for anything; keep the notice.
# - **Text and figures**: [CC BY 4.0](https://github.com/hsrnn/hsrnn/blob/main/LICENSE-text). Share and
#   change them; say where they come from.
# - **Data sets** that the loaders fetch are not ours and keep their own terms; the cards in
#   [`data/cards`](https://github.com/hsrnn/hsrnn/tree/main/data/cards) name them. The generated corpus is
#   free of any.
