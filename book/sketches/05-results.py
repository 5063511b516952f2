# %% [markdown]
# # Verdicts
#
# **Which of the theorems' promises does the mechanism keep, with which constants, and when is a sketch the
# right way to remember?**
#
# Ghazi, Panigrahy and Wang ([2019](https://arxiv.org/abs/1905.12730)) prove that a sketch lets one recover
# attributes, compare inputs, count, and erase; that unknown matrices can be learnt; and they suggest a
# repository in which new concepts show as clusters. They report no experiment, as far as we know, and
# publish no code. We could not read the body of their paper either. So this is an **empirical study of the
# theorems, from a reconstruction**: it cannot reproduce numbers that do not exist, and a constant of ours
# is not a constant of theirs.
#
# This page trains nothing. It reads the ledger. The rule of each verdict was fixed before the runs, and
# stands under its table.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## The theorems, in words
#
# For an object of effective weight $w$ at constant depth, in a sketch of dimension $d$:
#
# - **T1, attributes.** Each number is recovered with an error of order $1/(w\sqrt d)$.
# - **T2, similarity.** (i) Without a common module, inner products are of order $1/\sqrt d$. (ii) With
#   one, of weights $w$ and $w'$, they are at least of order $w w'$. (iii) If every object's attributes
#   move by at most $\varepsilon$, the sketch moves by at most $\varepsilon / 2$, *always*.
# - **T3, summaries.** Counts and means of a module's objects have errors of order $1/(w\sqrt d)$.
# - **T4, erasure.** Keep $d'$ of the coordinates, and all holds with $d'$ for $d$.
# - **T5, learning.** The matrices need not be known: block-sparse ones are learnt from samples, level by
#   level.
#
# ## The claims

# %%
import math

import numpy as np
from IPython.display import display

from hsrnn import exercises, figures, ledger, sketches
from hsrnn.experiments import (
    EXPERIMENTS,
    sketches_slopes,
    sketches_theorems_tables,
)

names = [name for name in EXPERIMENTS if name.startswith("sketches.")]
records = {
    name: [r for r in ledger.newest(ledger.read(name)) if r.preset == "desk"]
    for name in names
}
tables = {name: EXPERIMENTS[name].tables(records[name]) for name in names}
judged = [
    table
    for made in tables.values()
    for table in made
    if "verdict" in table.header
]
claims = {row[0][:2] for table in judged for row in table.rows}
assert {"C1", "C2", "C3", "C4", "C5", "C6"} <= claims
for table in judged:
    display(table)

# %% [markdown]
# How much stands behind them:

# %%
for name, runs in records.items():
    seeds = len({record.seed for record in runs})
    minutes = sum(record.seconds for record in runs) / 60
    print(
        f"{name:20}{len(runs):3} records, {seeds:3} seeds, {minutes:3.0f} minutes"
    )
theorems = records["sketches.theorems"]
assert len({record.seed for record in theorems}) >= 20
assert len({record.seed for record in records["sketches.dictionary"]}) >= 20

# %% [markdown]
# The theorems were first run with 20 seeds. Then some intervals of slopes were wider than the tolerance of
# 0.05 on which a verdict rests, so 40 seeds were added, with settings and rules unchanged, but with the
# verdicts of the first 20 known. A reader who is strict about that takes those, which are:

# %%
first = [record for record in theorems if record.seed < 20]
for row in sketches_theorems_tables.claims_table(first).rows:
    print(row[0][:2], row[-1])
for runs in (first, theorems):
    fit = sketches_theorems_tables.slopes(runs)[
        "attributes in units of |s|/sqrt(d): weight"
    ][1]
    print(f"slope over the weight, {len(runs)} seeds: {fit.text()}")

# %% [markdown]
# ## C1: attributes come back
#
# Each line is a log-log fit: the error against the dimension, the weight, the number of objects or the kept
# share, pooled over seeds.

# %%
sketches_theorems_tables.slope_table("desk", theorems)

# %% [markdown]
# The last column may say more than the slope. Beside every answer the package puts an error bar, worked
# out from the length of the sketch and the mechanism's own recursion. Measured over predicted is 1 where
# that theory is complete. It falls a little short of 1 where few objects share a vector: the bar takes
# *all* of $|s|$ as noise, also the part that is the answer itself. That also bends the line over the
# number of objects. One of the fits by hand, so that it is no secret how it is made:

# %%
config = theorems[0].config
k = config["scene"]
at = config["dimensions"]
pooled = []
for d in at:
    squares = [
        cell["rms"] ** 2
        for record in theorems
        for cell in record.metrics["objects"]
        if cell["k"] == k and cell["d"] == d
    ]
    pooled.append(np.sqrt(np.mean(squares)))
slope = np.polyfit(np.log(at), np.log(pooled), 1)[0]
fit = sketches_slopes.slope(theorems, "objects", "d", "rms", k=k)
assert np.isclose(slope, fit.value) and fit.near(-0.5)
print(f"one level, {k} objects: slope {slope:.3f}; in the table {fit.text()}")


# %%
def over(part, x, y, predicted, **where):
    at, values = sketches_slopes.curve(theorems, part, x, y, **where)
    return at, values[:, :, 0], predicted(at)


fixed = config["fixed"]
many = over("objects", "k", "rms", lambda k: np.sqrt(2 * k / fixed), d=fixed)
largest = over("objects", "k", "linf", lambda k: np.sqrt(2 * k / fixed), d=fixed)
largest = (
    *largest[:2],
    largest[2] * math.sqrt(2 * math.log(config["attributes"])),
)
figures.plot_curves(
    {"rms": many, "largest of a vector": largest},
    "objects k of one level",
    "error",
    f"d = {fixed}",
)

# %% [markdown]
# The theorem bounds the *largest* error of a vector. For $a$ independent normal errors it is about
# $\sqrt{2 \ln a}$ times the root mean square, or a little less for so few numbers.
#
# What the slope does not show is the constant. [Recursion](02-recursion.ipynb) measures it: a factor of
# about 32 for each level without the path, and exact answers for who knows the tree and solves for all of
# it.
#
# ## C2: similar inputs have similar sketches

# %%
d = config["small"][-1]
scores = {}
for cell in theorems[0].metrics["similarity"]:
    where = {"d": cell["d"], "k": cell["k"]}
    if cell["k"] == max(config["shared"]):
        found = [
            sketches_slopes.cells(r, "similarity", **where)[0] for r in theorems
        ]
        related, apart = (
            sum((one[kind] for one in found), []) for kind in ("related", "apart")
        )
        scores[f"d = {cell['d']}"] = related, apart
title = f"One shared module of weight 1/{max(config['shared'])}"
figures.plot_roc(scores, title)

# %%
sketches_theorems_tables.similarity_table("desk", theorems)

# %% [markdown]
# T2 (iii) is no matter of chance. It follows in three lines: the attributes enter with the factor
# $\tfrac12 \cdot \tfrac12$; an orthonormal $R$ keeps lengths, so $T(R)$ never lengthens; weights sum to at
# most 1. So an object moves its sketch by at most $\varepsilon/4$, its inputs add half of what they move
# by, and $\tfrac14 (1 + \tfrac12 + \tfrac14 + \dots) = \tfrac12$. The package has the same number as a
# method, derived from the constants; and the records have the largest ratio ever seen.

# %%
mechanism = sketches.Mechanism({"m": 1})
assert math.isclose(mechanism.change_bound(1.0), 0.5)
series = sum(0.25 * 0.5**level for level in range(3))
assert math.isclose(mechanism.change_bound(1.0, depth=2), series)
worst = sketches_theorems_tables.farthest(theorems)
for family, ratio in worst.items():
    print(f"{family:10} largest distance {ratio:.3f} of eps/2")
assert worst["hadamard"] <= 1 + 1e-4 and worst["haar"] <= 1 + 1e-4

# %% [markdown]
# Block-sparse matrices are not orthonormal. They have no such guarantee, though random changes do not find
# the direction in which they stretch.
#
# ## C3: counts and means

# %%
curves = {}
for n in config["counted"]:
    at, values = sketches_slopes.curve(theorems, "count", "d", "rms", n=n)
    _, bars = sketches_slopes.curve(theorems, "count", "d", "predicted", n=n)
    values = np.maximum(values[:, :, 0], 1e-9)
    curves[f"{n} of each module"] = (at, values, sketches_slopes.pooled(bars))
figures.plot_curves(
    curves, "d", "error of a count", f"Counting among {k} objects"
)

# %%
sketches_theorems_tables.count_table("desk", theorems)

# %% [markdown]
# A count is a whole number, so it comes out *exactly* as soon as the error stays below one half. That makes
# counting much cheaper than reading attributes.
#
# Where one module makes up half of the scene, the errors are smaller than predicted, and rounding is exact
# more often: this is why C3 is only "partly" as its rule says. The bar is pessimistic for the reason
# above. The counted markers are a part of $s$ of length $n w/2$, and that part is no noise. Take it out:

# %%
n = max(config["counted"])
fixed_bars, ratios = [], []
for d in config["dimensions"]:
    found = [sketches_slopes.cells(r, "count", d=d, n=n)[0] for r in theorems]
    bar = np.sqrt(np.mean([cell["predicted"] ** 2 for cell in found]))
    error = np.sqrt(np.mean([cell["rms"] ** 2 for cell in found]))
    unit = 1 / (2 * k)  # what one object contributes, w / 2
    length = bar * unit * math.sqrt(d)  # |s|
    without = math.sqrt(length**2 - (n * unit) ** 2) / unit / math.sqrt(d)
    ratios.append(error / without)
    print(
        f"d = {d:5}: error {error:.3f}, bar {bar:.3f}, without its own part {without:.3f}"
    )
assert 0.85 < np.exp(np.mean(np.log(ratios))) < 1.15

# %% [markdown]
# ## C4: graceful erasure
#
# [Erasing and learning](04-erasing-and-learning.ipynb) draws the curves. In short:

# %%
for how in ("prefix", "random"):
    fit = sketches_slopes.slope(theorems, "erasure", "f", "rms", how=how)
    beside = sketches_slopes.ratio(
        theorems, "erasure", "rms", "predicted", how=how
    )
    print(
        f"{how:7} slope {fit.text()}, measured / predicted {beside.text('.2f')}"
    )
    assert fit.near(-0.5)

# %% [markdown]
# ## Which random matrices?
#
# Uniform rotations (Haar) are what the proofs love; randomised Hadamard matrices are what one can afford:
# $d \log d$ operations and no memory. Block-sparse ones can be learnt.

# %%
curves = {}
for family in dict.fromkeys(
    cell["family"] for cell in theorems[0].metrics["families"]
):
    where = {"family": family}
    curves[family] = over(
        "families", "d", "rms", lambda d: np.sqrt(8 / d), **where
    )
figures.plot_curves(
    curves, "d", "rms error", "Four objects, four kinds of matrices"
)

# %% [markdown]
# Hadamard matrices cost nothing in accuracy. $D(b, q, d)$ was expected to fall as fast, only from a little
# higher up, because its columns have a squared length of 1 only on average. It does not: its lines are
# *flatter*. An error that does not fall with $d$ is a bias. Where does it come from? In our blocks the
# first sign is always $+$, to settle the sign of the number in front. Two columns have $\tfrac db q^2$
# blocks in common, and each adds $1/(dq)$ to their inner product for that first sign alone: $q/b$
# together, whatever $d$ is. All attributes are positive, so nothing cancels. Predicted from that, for four
# objects of eight attributes, beside the mean error in the records:

# %%
draws = np.random.default_rng(0)
unit = np.abs(draws.normal(size=(20000, config["attributes"])))
unit /= np.linalg.norm(unit, axis=1, keepdims=True)
total = unit.sum(1).mean()  # sum of the attributes of one object
for b in config["blocks"]:
    family, leak = f"D(b={b}, q={config['density']:g})", config["density"] / b
    # Each number gets q/b of every other attribute and marker, along x of length 1.
    expected = leak * (4 * (total + 1) * total - 1)
    found = sketches_slopes.mean(theorems, "families", "bias", family=family)
    print(
        f"{family}: mean error along x {found.text('.2f')}, expected {expected:.2f}"
    )
    assert found.low > 0 and abs(found.value - expected) < 0.15
for family in ("hadamard", "haar"):
    found = sketches_slopes.mean(theorems, "families", "bias", family=family)
    assert abs(found.value) < 0.05

# %% [markdown]
# So this bias is a fault of our code for blocks, and not of block-sparse matrices as such.
#
# ## C5 and C6: learning, neighbours, concepts

# %%
for table in tables["sketches.dictionary"]:
    if "one level down" in table.title or "scikit-learn" in table.title:
        display(table)

# %%
sketches_theorems_tables.neighbour_table("desk", theorems)

# %% [markdown]
# The last column is a question of its own: is the *very same* object there, or only one like it? Equal
# attributes cannot tell. So an object may carry a **signature**, a few equal numbers at places chosen by a
# hash of its name.
#
# ## C7: less memory than a list?
#
# A sketch of one level that is read by projection to an error $\varepsilon$ takes $d = 2k/\varepsilon^2$
# numbers for $k$ objects. The list of their attributes takes $k a$. The number of objects cancels: a
# sketch is smaller only for more than $2/\varepsilon^2$ attributes each. From the measured errors, not the
# formula:

# %%
at, values = sketches_slopes.curve(theorems, "objects", "d", "rms", k=k)
error = sketches_slopes.pooled(values)[-1]
for eps in (0.3, 0.1, 0.03):
    measured = at[-1] * (error / eps) ** 2 / k
    print(f"error {eps}: the sketch is smaller above {measured:5.0f} attributes an object "
          f"(formula {2 / eps**2:5.0f})")  # fmt: skip
    assert 0.7 < measured / (2 / eps**2) < 1.4

# %% [markdown]
# And an attribute vector of length 1 with so many numbers has entries of typical size $1/\sqrt a$, below
# the very error that was asked for, unless it is sparse. **Against a plain list, a sketch does not save
# memory for dense attributes.** Read by least squares, on a known tree, it takes as many numbers as the
# list, no more and no fewer. On the year of rooms that is what one sees: at how many bytes a scene does
# each memory answer as well as the network that saw everything?

# %%
for table in tables["sketches.memory"]:
    if table.title.startswith("Bytes a scene"):
        display(table)

# %% [markdown]
# No memory needs fewer bytes than the list with its numbers rounded until they fit. What a sketch offers
# instead: a size that does not depend on the tree; any number of sketches added up into one; comparison by
# a single inner product; shortening without rewriting; and no table that says what is where.
#
# ## Where we depart from the paper
#
# - **Deviation S1.** The mechanism is a reconstruction; every constant is a field, and decoding
#   coefficients come from the code's own recursion.
# - **Deviation S2.** Three families of matrices, the randomised Hadamard one by default.
# - **Deviation S3.** Four decoders are reported together; least squares and pursuit are ours.
# - **Deviation S4.** Numbering and constants of the theorems are from memory. T2 (iii) is tested as an
#   invariant; all else are curves with the predicted slope beside.
# - **Deviation S5.** Modules and weights are given in the paper; here a recorder takes both from a trained
#   torch network, with a rule for weights that the caller chooses.
# - **Deviation S6.** The index is an existing library's, not locality-sensitive hashing; concepts are
#   clusters by density.
# - **Deviation S7.** The paper compares its sketches with nothing; here lists, projections, count-sketches
#   and symbolic memories of equally many bytes stand beside them.
# - **Deviation S8.** The dictionary is learnt from sums $R x$ without transparent factors; the inside of a
#   block is our own; the curve of coupons is the prediction, since the paper's bound is not known to us.
# - **Deviation S9.** A signature is a hash of an object's name behind its attributes; what the paper means
#   by one is not known to us.
#
# **Open questions.** Whoever reads sections 2 to 4 of the paper can settle some at once: where do the
# factors $\tfrac12$ stand, and is the base of the price $2^5$? What are the sample bounds of T5? Others
# are open altogether. A mechanism that stays oblivious of paths and pays less for depth; a dictionary
# learner that stands the dense identity of $\tfrac12(I + R)$; sketches of a network that is still
# learning.
#
# ## Exercises
#
# ### 1. When does a count round to the right number?
#
# One level, $k$ objects of equal weight $1/k$, a sketch of length $L$ in dimension $d$. The count is
# $\langle R_{M,2} e_1, s\rangle$ divided by $1/(2k)$. Take the error as normal and write a function of $k$,
# $d$ and $L$: the chance that rounding is exact.

# %%
chance = ...  # your function of k, d and L
solved_1 = exercises.check("sketches.05.1", chance)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# Noise of L / sqrt(d), divided by 1 / (2k); exact while it stays within one half.
solution = lambda k, d, L: math.erf(
    0.5 / (2 * k * L / math.sqrt(d)) / math.sqrt(2)
)
assert exercises.check("sketches.05.1", solution)

# %% [markdown]
# ### 2. List or sketch?
#
# Write a function of $k$, $a$ and $\varepsilon$: is a one-level sketch, read by projection, smaller than
# the list?

# %%
smaller = ...  # your function of k, a and eps
solved_2 = exercises.check("sketches.05.2", smaller)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# 2k / eps^2 < k a: the number of objects cancels.
solution = lambda k, a, eps: a > 2 / eps**2
assert exercises.check("sketches.05.2", solution)
