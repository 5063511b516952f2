# %% [markdown]
# # How to read this book
#
# **What can you do with a page, where do its numbers come from, and how do you get them yourself?**
#
# ## Three ways
#
# 1. **On this site.** Read, and touch the figures: those that can be touched run in your browser. Nothing
#    is sent anywhere, and nothing is loaded from elsewhere; the site works from a folder on your disk,
#    too.
# 2. **In JupyterLab.** Every chapter is a notebook. `make lab` in a clone of the
#    [repository](https://github.com/hsrnn/hsrnn) opens them on your machine; the launch buttons above
#    each page open them on Binder or Colab, where the first cell installs the package. Change a number
#    and run the cell again.
# 3. **By import.** The chapters contain no implementation of their own: all that a reader may want to use
#    elsewhere is in the package.
#
#    ```bash
#    pip install "hsrnn @ git+https://github.com/hsrnn/hsrnn"
#    ```
#
#    ```python
#    from hsrnn import hmrnn
#    core = hmrnn.HMLSTM(input_size=64, hidden_sizes=(128, 128, 128))
#    ```
#
# Listings of code on the pages are read from the installed package when the page is made. They are what
# you import.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## What is computed on the page, and what comes from the ledger
#
# A chapter computes as much as a minute allows on two processor cores: worked examples, checks, a small
# training. Its outputs are stored in the notebook, and the tests run every cell again and compare.
# Chapters use the **generated corpus**, whose true word, phrase and sentence boundaries are known and
# which needs no file, or small trained networks that come with the package. So a page shows the same with
# and without the real data on your disk.
#
# What takes longer comes from the **ledger**: one line of JSON for every finished run, with all settings,
# the seed, hashes of the data, versions, machine and time. Only the command `hsrnn reproduce` writes
# there, and nobody edits it. Every table of results is made from it.

# %%
from dataclasses import asdict, fields

from IPython.display import Markdown

from hsrnn import datasets, exercises, experiments, figures, ledger

print("experiments with records:", *ledger.experiments())
print("a record holds:", ", ".join(field.name for field in fields(ledger.Record)))
assert {record.experiment for record in ledger.read("hmrnn.language")} == {"hmrnn.language"}

# %% [markdown]
# ## Presets: one experiment, four sizes
#
# Every experiment has the same four presets. They differ in size, not in kind: the same code runs, with other
# settings.
#
# - `smoke` takes seconds and only shows that everything works;
# - `book` takes less than a minute, on the generated corpus;
# - `desk` takes about twenty minutes for one seed on two cores, on real data;
# - `paper` is the paper's own setting, for a GPU or several machines.
#
# Never compare a number from one preset with a number from another, or a `desk` number with one from the
# paper: the tables keep them apart. Here are the presets of the language model, where they differ in the
# main settings.

# %%
presets = experiments.experiment("hmrnn.language").presets
shown = ("corpus", "hidden_sizes", "rows", "length", "updates", "slope_max")
table = [("preset", *shown), ("---",) * (len(shown) + 1)]
for name, config in presets.items():
    table.append((name, *(str(asdict(config)[key]) for key in shown)))
Markdown("\n".join(f"| {' | '.join(row)} |" for row in table))

# %% [markdown]
# ## Reproducing a number
#
# Each row of a result table names its command. To repeat the language model's small run and print the tables:
#
# ```bash
# hsrnn reproduce hmrnn.language --preset book --seed 0
# hsrnn results hmrnn.language
# ```
#
# Any setting can be changed behind the name (`--core lstm`; `hsrnn reproduce hmrnn.language --help` lists
# them all). A run that is interrupted goes on where it stopped when you give the same command again, and
# ends with the same result. Two machines may differ in the last digits, because processors add in
# different orders; a difference larger than the spread between seeds is worth a
# [report](https://github.com/hsrnn/hsrnn/issues). `hsrnn doctor` prints what is installed and what is
# missing.
#
# ## Finding the data
#
# `datasets.load(name)` looks in the folder that `HSRNN_DATA` names (one sub-folder for each data set),
# then in your cache, and then fetches the files from their official source. Every file is verified by its
# hash each time. `HSRNN_OFFLINE=1` forbids the network.
#
# ```bash
# hsrnn data list             # what there is, and where
# hsrnn data get ptb          # fetch it
# hsrnn data check ptb        # verify hashes and counts
# ```

# %%
table = ["| name | what it is | files |", "|---|---|---:|"]
for entry in datasets.available():
    files = "none" if entry.place == "embedded" else f"{entry.size / 1e6:.1f} MB"
    table.append(f"| `{entry.name}` | {entry.title} | {files} |")
Markdown("\n".join(table))

# %% [markdown]
# The generated corpus is there at once. Its boundaries are known, so one can say how well a network finds
# them.

# %%
corpus = datasets.load("generated", length=20_000)
text = corpus.vocabulary.decode(corpus.train)
word = corpus.boundaries["train"]["word"]
print(text[:47])
print("".join("^" if end else " " for end in word[:47]), " ends of words")
assert all(text[k] not in " \n" for k in range(len(text)) if word[k])

# %% [markdown]
# ## Living figures
#
# A figure with buttons can be touched: by mouse, by finger or by keyboard. Here is one to try. Press
# *Play*, or move through the letters; switch a boundary and see what changes.

# %%
z1 = [0, 0, 1, 0, 0, 1, 0, 0, 0, 1]
z2 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
figures.TenLetterMachine("we go home", [z1, z2])

# %% [markdown]
# - **Keyboard.** <kbd>Tab</kbd> moves from control to control, the arrow keys move a slider or a point,
#   and within a grid they move from cell to cell; <kbd>Space</kbd> or <kbd>Enter</kbd> presses a button.
# - **Reset** brings back the figure as it was on loading.
# - **Copy link to this state** puts an address on the clipboard that opens the page with the figure just
#   as you see it now. Nothing is stored anywhere: the state is in the address.
# - **In JupyterLab** the same figure is a widget: `figure.state` is what the reader changed, and
#   `figure.observe(..., names="state")` tells Python of each change.
# - **Without JavaScript**, in print, and on a code host a picture stands in its place.
#
# ## Exercises
#
# Each chapter ends with exercises. Put your answer in place of the dots and run the cell (in JupyterLab,
# Binder or Colab); a checker tries it on fresh random inputs and says what is wrong. It looks at what
# your answer does, not at how it is written. The solution is folded away below. An empty answer is no
# error:

# %%
assert exercises.check("hmrnn.01.1", ...) is False

# %% [markdown]
# ## For every reader
#
# Each picture has a description in words, made from the same data as the picture, and each living figure
# says in a line below it what has just changed, so that a screen reader can speak it. Colours are told
# apart by readers with any of the common colour-vision differences, and never carry a meaning alone:
# operations also differ by letter. Pages have a light and a dark form, fit a telephone and can be
# printed; animations keep still when your system asks for less motion. Formulas are drawn in the page and
# need no network. If something keeps you out, please [say so](https://github.com/hsrnn/hsrnn/issues).
#
# Next: [Notation](notation.ipynb), to look things up, or straight to
# [the first idea](hmrnn/01-the-idea.ipynb).
