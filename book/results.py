# %% [markdown]
# # Results
#
# **What came out, how sure is it, and how do you get any line of it again?**
#
# Every number on this page comes from the ledger, the folder
# [`data/results`](https://github.com/hsrnn/hsrnn/tree/main/data/results): one line of JSON for each
# finished run. The tables are made from those lines when the page is made. No number is typed in except
# the papers' own, which stand beside ours in the column *paper*.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## What there is
#
# One row for each experiment and preset. A *setting* is everything but the seed: the model, its size, the
# data, the schedule. When the same setting is run again with the same seed, the ledger keeps both records
# and the newest one counts.

# %%
import json
import math
import re
from dataclasses import asdict

import numpy as np
from IPython.display import Markdown, display
from scipy.stats import t

from hsrnn import ledger
from hsrnn.experiments import EXPERIMENTS, claims, hmrnn_language_tables

everything = {name: ledger.read(name) for name in ledger.experiments()}
rows = []
for name, records in everything.items():
    for preset, part in ledger.group(records, lambda r: r.preset).items():
        settings = ledger.group(ledger.newest(part), lambda r: json.dumps(r.config))
        seeds = max(len(runs) for runs in settings.values())
        rows.append((name, preset, str(len(part)), str(len(settings)), str(seeds)))
ledger.Table("The ledger", ("experiment", "preset", "records", "settings", "most seeds"), tuple(rows))

# %% [markdown]
# ## How to read the tables
#
# - **Mean ± standard deviation (seeds).** A run depends on its seed: the first weights, and whatever is
#   drawn at random later. `1.476 ± 0.021 (5 seeds)` would mean that five runs have the mean 1.476 and the
#   sample standard deviation 0.021, which says how far one run typically lies from the mean. One run has
#   no standard deviation and no interval, and none is shown.
# - **Range.** The lowest and the highest of the runs.
# - **Paper.** What the paper reports for its own networks, which are larger and train longer than ours.
#   Compare rows of one table with each other, never rows of two presets, and never a `book` or `desk` row
#   with the paper's number as if they had run the same race.
# - **Interval.** Whether one model is better than another is decided on the 95 % confidence interval of
#   each mean, by Student's $t$: with $n$ seeds, mean $m$ and standard deviation $s$ it reaches from
#   $m - h$ to $m + h$, where $h = t_{0.975,\,n-1}\, s / \sqrt{n}$. For five seeds that is about
#   $1.24\, s$ to each side.
#   The tables of automata hold many networks of each seed, on several languages. There the interval comes
#   from drawing whole seeds anew, with replacement, two thousand times;
#   [How many gates?](automata/03-gates.ipynb) makes one by hand.
# - **Verdict.** *Reproduced*: the two intervals do not overlap, and the order is the paper's. *Partly*:
#   the order is the paper's, the intervals overlap. *Not reproduced*: the order is the other way round. A
#   claim about one model alone is compared with a threshold instead; the thresholds stand in
#   [`hsrnn/experiments`](https://github.com/hsrnn/hsrnn/tree/main/hsrnn/experiments), in the file of the
#   experiment's tables.
# - **Not tested.** Fewer than five seeds, or no run yet. The direction seen so far is then added ("points
#   to yes"), and it is no more than a direction: with one seed each, two equal models differ in one
#   direction or the other every time.
#
# A verdict is about our setting. "Not reproduced" at 128 units does not say that the paper is wrong at
# 512.
#
# ## The claims
#
# What was measured for each claim, and the rule by which it is decided, stands in the last tables of its
# experiment, below.

# %%
tables = {name: EXPERIMENTS[name].tables(records) for name, records in everything.items()}
claims.overview(tables)

# %% [markdown]
# ## The tables
#
# Each experiment has a heading of its own, and its tables are folded: a line names the table and says how
# many rows it has; a click, or the enter key, opens it. Runs of the preset `smoke` only show that everything
# works and are left out.

# %% tags=["hide-input"]
for name, made in tables.items():
    display(Markdown(f"### {name}: {EXPERIMENTS[name].title}"))
    for table in made:
        display(table.folded())

# %% [markdown]
# ## One cell of a table, by hand
#
# Take the setting of the language model that has the most seeds, and work out mean, standard deviation and
# interval from the definitions. The package must say the same.

# %%
language = ledger.newest(everything["hmrnn.language"])
settings = ledger.group(language, lambda r: (r.preset, json.dumps(r.config)))
runs = max(settings.values(), key=len)
x = [run.metrics["test_bpc"] for run in runs]
n, m = len(x), sum(x) / len(x)
s = math.sqrt(sum((value - m) ** 2 for value in x) / (n - 1))
h = t.ppf(0.975, n - 1) * s / math.sqrt(n)

summary = ledger.summarise(x)
assert np.allclose([summary.mean, summary.sd, *summary.interval], [m, s, m - h, m + h])
print("test bits per character of", hmrnn_language_tables.variant(runs[0].config), "by seed:")
for run in runs:
    print(f"  seed {run.seed}: {run.metrics['test_bpc']:.4f}")
print("in the table:", summary.text())
print(f"95 % interval of the mean: {m - h:.3f} to {m + h:.3f}")

# %% [markdown]
# ## Any line again
#
# Every record holds all its settings, so the command that repeats it can be worked out from the record.
# Here is the shortest one for each setting of the language model.

# %%
for same in settings.values():
    seeds = ", ".join(str(run.seed) for run in same)
    print(claims.command(same[0]), f"  # recorded seeds: {seeds}")

# %% [markdown]
# `--seeds 0-4 --jobs 2` runs several seeds, two at a time. A run that is interrupted goes on where it
# stopped when the command is given again. The new record is appended to the ledger of your clone; to keep
# that ledger as it is, name another folder for yours:
#
# ```bash
# HSRNN_RESULTS=my-results hsrnn reproduce hmrnn.language --preset book --seed 0
# HSRNN_RESULTS=my-results hsrnn results hmrnn.language
# ```
#
# On the same processor and with the same versions the numbers come out the same. On another processor the
# last digits of a sum differ; a boundary that was just above its threshold may then fall below it, and
# from there on two trainings part. So compare means over seeds, and ask whether the difference is larger
# than the spread.
#
# ## Run twice
#
# Some settings have been run more than once with the same seed, for instance because the code became
# faster. Nothing is deleted: the older record still says what it said, and from which revision. How far
# apart the scores are shows how much that kind of change can do.

# %%
repeated = ledger.group(
    everything["hmrnn.language"], lambda r: (r.preset, r.seed, json.dumps(r.config, sort_keys=True))
)
print(f"{sum(len(same) > 1 for same in repeated.values())} of {len(repeated)} runs were repeated")
for (preset, seed, _), same in repeated.items():
    if len(same) > 1:
        print(f"{hmrnn_language_tables.variant(same[0].config)}, {preset}, seed {seed}:")
        for run in same:
            score, time = f"{run.metrics['test_bpc']:.4f} bits per character", f"{run.seconds / 60:.1f} min"
            print(f"  {score} in {time} at revision {run.commit}, {run.machine['processor']}")

# %% [markdown]
# ## A record, raw
#
# This is the oldest record of the language model, cut to the width of the page. The file is plain JSON,
# one record a line, so any program can read it; `ledger.read` gives the same as objects.

# %%
oldest = everything["hmrnn.language"][0]
for field, value in asdict(oldest).items():
    entries = value.items() if isinstance(value, dict) else [("", value)]
    for name, entry in entries:
        label, text = f"{field} {name}".strip(), json.dumps(entry)
        print(f"{label:30} {text if len(text) <= 44 else text[:40] + ' ...'}")

# %% [markdown]
# - `data` gives the SHA-256 of every input. `hsrnn data check` computes them on your machine.
# - `commit` is the revision of this repository that ran. A `+` behind it would mean that files had been
#   changed since; no such record may be published.
# - `versions` and `machine` say what numbers can depend on beside the code.
# - `seconds` is the time of the whole run, interruptions left out.
# - `metrics curve` is the course of the training, one entry for each evaluation.
#
# ## Is every record complete?
#
# The last cell checks what this page relies on. It runs again with every test of the book.

# %%
for name, records in everything.items():
    assert records and name in EXPERIMENTS
    for record in records:
        assert record.experiment == name and record.preset in EXPERIMENTS[name].presets
        assert isinstance(record.seed, int)
        assert re.fullmatch("[0-9a-f]{7,}", record.commit), "a known revision, with no changes since"
        # Words of a formal language, and what is sketched, are drawn from the settings and the seed; all
        # else is hashed.
        drawn = "languages" in record.config or name in ("sketches.theorems", "sketches.dictionary")
        assert record.data or drawn
        assert all(re.fullmatch("[0-9a-f]{64}", value) for value in record.data.values())
        assert record.seconds > 0 and record.versions["torch"] and record.machine["processor"]
count = sum(map(len, everything.values()))
print(f"{count} records: each names its seed, its revision, and the hash of every input it read")
