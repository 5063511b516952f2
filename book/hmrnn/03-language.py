# %% [markdown]
# # Does it find the words?
#
# A network is asked one thing only: guess the next letter. Nobody tells it that there are words. The
# HM-LSTM of the last two chapters may set boundaries while it reads, because a boundary lets the layer
# above summarise and the layer below start afresh. **If boundaries help to guess letters, and words are
# what letters are made of, will the boundaries end up at the words?** The paper shows a few lines of text
# on which they seem to. Here we train, look, and count.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## Read along with a trained network
#
# This network has read the Penn Treebank: business news in small letters, with `<unk>` for rare words and
# `N` for numbers. It runs in this page. Type a sentence of your own; click a cell to force a boundary
# there; switch the top-down connections off; let it continue the text.
#
# Questions to try: where do the boundaries of layer 1 fall inside *government*? Do they fall at the same
# letters when the word stands elsewhere in the sentence? What happens to the expected next letter when you
# force a boundary of layer 1 into the middle of a word, and when you forbid one?

# %% tags=["hide-input"]
from hsrnn.experiments.hmrnn_language_figure import boundaries_figure

sentence = "the government said it expects to report a loss"
boundaries_figure(sentence, name="language")

# %% [markdown]
# The page computes with weights rounded to one byte each; everything below uses the weights as they were
# trained.
#
# ## A text whose words we know
#
# To count rather than admire we need a text in which the true boundaries are known. The book brings one: a
# small grammar writes English-like sentences, letter by letter, and notes where each word, phrase and
# sentence ends.

# %%
import inspect
import math
import time
from dataclasses import replace
from textwrap import dedent, fill

import torch
from IPython.display import Markdown, display

from hsrnn import datasets, exercises, figures, hmrnn, ledger
from hsrnn.experiments import hmrnn_cost, hmrnn_language, hmrnn_language_tables
from hsrnn.experiments import hmrnn_plan, hmrnn_tables, hmrnn_text_claims

torch.set_num_threads(1)  # networks this small run fastest on one thread
corpus = datasets.load("generated", length=500_000)
print(corpus)
print(corpus.vocabulary.decode(corpus.test[:180]))

# %% [markdown]
# The notes are one truth value a letter, true at the **last letter** of a unit. Marked with a bar, the
# first line reads:

# %%
words, phrases = (corpus.boundaries["test"][level] for level in ("word", "phrase"))
first_line = corpus.vocabulary.decode(corpus.test[:80]).split("\n")[0]
for marks in (words, phrases):
    print("".join(letter + "|" * int(end) for letter, end in zip(first_line, marks)))

# %% [markdown]
# Because we know the grammar, we also know what nobody knows of a real text: the score of a reader who
# knows the grammar itself. On average no model can do better.

# %%
floor = corpus.floor["test"]
print(f"{floor:.3f} bits per character")

# %% [markdown]
# ## Rows and chunks
#
# The text is laid out as parallel rows, and each row is read in chunks; the state at the end of a chunk
# starts the next one. Chunks overlap by a single letter, the last target of one being the first input of
# the next, so that no letter is skipped.

# %%
preset = hmrnn_language.PRESETS["book"]
rows = datasets.ContiguousRows(corpus.train, rows=preset.rows, length=preset.length)
inputs, targets = rows[0]
print(len(rows), "chunks of shape", inputs.shape, "- left over:", rows.remainder)
print(repr(corpus.vocabulary.decode(inputs[0])))
print(repr(corpus.vocabulary.decode(targets[0])))
assert (targets[:, -1] == rows[1][0][:, 0]).all()

# %% [markdown]
# ## The model
#
# An embedding of each letter, three HM-LSTM layers, and the paper's output module. In it a gate for every
# layer, one number in $(0, 1)$, says how much that layer is heard at this letter:
#
# $$
# e_t = \mathrm{ReLU}\Big(\sum_{\ell=1}^{3} g^\ell_t \, W^e_\ell \, h^\ell_t + b\Big), \qquad
# g^\ell_t = \sigma\big(w^\ell \cdot [h^1_t; h^2_t; h^3_t]\big)
# $$
#
# and a softmax over the alphabet reads $e_t$. From the package:

# %%
show = lambda thing: Markdown(f"```python\n{dedent(inspect.getsource(thing))}```")
show(hmrnn.GatedOutput.forward)

# %%
model = hmrnn_language.build_model(preset, len(corpus.vocabulary), seed=0)
print(f"{sum(p.numel() for p in model.parameters()):,} parameters")

# %% [markdown]
# An untrained model knows nothing, so it should score about $\log_2$ of the size of the alphabet: a first
# check that everything is wired as it should be.

# %%
valid = datasets.ContiguousRows(corpus.valid, rows=preset.rows, length=preset.length)
untrained = hmrnn.evaluate_rows(model, valid).bits_per_character
uniform = math.log2(len(corpus.vocabulary))
print(f"alphabet: {uniform:.2f} bits; untrained: {untrained:.1f} bits per character")
assert abs(untrained - uniform) < 0.3

# %% [markdown]
# ## Training, live
#
# The loop is explicit: read a chunk, take the loss, descend, carry $(h, c, z)$ on; `descend` is one update:
# go back through the chunk, clip, step. Open the cell to read both.

# %% tags=["hide-output"]
display(show(hmrnn.train), show(hmrnn.Descent.descend))

# %%
live = replace(preset.training, updates=200)  # the preset takes 300; a page has a minute
began = time.perf_counter()
log = hmrnn.train(model, lambda epoch: rows, valid, live, progress=False)
seconds = time.perf_counter() - began

# %% tags=["nbval-ignore-output"]
letters = log[-1]["characters"]
print(f"{live.updates} updates, {letters:,} letters read in {seconds:.0f} s")
for entry in log:
    rates = ", ".join(f"{z:.2f}" for z in entry["boundary_rates"])
    bits = f"{entry['valid_bpc']:.3f} bits per character"
    print(f"update {entry['update']:3}: {bits}; boundaries at {rates}")
figures.plot_training({"HM-LSTM": log})

# %% [markdown]
# On another processor your numbers may well differ from these in the second digit. A boundary is a decision:
# where two processors round differently, one of them fires and the other does not, and from there the two
# trainings part. On one machine they are equal to the last bit.
#
# The score that counts is taken on the test text, read as one stream from a zero state, every letter but
# the first predicted. Two ways to compute it must agree: the function of the package, and the definition,
# by hand, on a short piece.

# %%
piece = torch.from_numpy(corpus.test[:400].astype("int64"))[None]
with torch.no_grad():
    said, _ = model(piece[:, :-1])
p = torch.softmax(said.logits[0].double(), -1)
by_hand = -torch.log2(p[torch.arange(399), piece[0, 1:]]).mean().item()
by_package = hmrnn.evaluate_stream(model, corpus.test[:400]).bits_per_character
assert abs(by_hand - by_package) < 1e-4

score = hmrnn.evaluate_stream(model, corpus.test)
assert floor < score.bits_per_character < 1.9
print(f"{len(score.bits):,} letters predicted; definition and function agree")

# %% tags=["nbval-ignore-output"]
print(f"test: {score.bits_per_character:.3f} bits per character")
print(f"the grammar itself: {floor:.3f}")

# %% [markdown]
# ## What the layers do
#
# A line of the test text, with the operation of every layer. Layer 1 never copies: it gets a new letter at
# each step.

# %% tags=["nbval-ignore-output"]
decoded = corpus.vocabulary.decode(corpus.test[:2000])
line = next(line for line in decoded.split("\n")[1:] if 40 < len(line) < 65)
span = slice(decoded.index(line), decoded.index(line) + len(line))
figures.plot_operations(line, score.operations[span], score.boundaries[span])

# %% tags=["nbval-ignore-output"]
counted = hmrnn.count_operations(score.operations)
assert counted.counts[0, hmrnn.COPY] == 0  # a letter arrives at every step
assert counted.counts[2, hmrnn.FLUSH] == 0  # the top layer has no boundary
assert counted.counts.sum() == score.operations.size == 3 * len(score.bits)
print(f"updates by layer: {counted.updates.tolist()}")
print(f"{counted.saving:.0%} of all layer steps are copies")

# %% [markdown]
# A copy needs no product, a connection that a boundary closes need not be computed, and what a letter itself
# contributes can be looked up. How much of the time of a training step does that save, and where?
# `hsrnn bench hmrnn.cost` counts the multiplications of the fast path and times it, beside an LSTM of equal
# sizes, with boundaries that fire as in the trained network below, more seldom, and more often. Its output is
# stored; the count is the prediction.

# %% tags=["hide-input"]
hmrnn_cost.cost_table(hmrnn_cost.read_cost())

# %% [markdown]
# Count and time both fall as boundaries become rarer. But the time lies above the count nearly everywhere:
# finding the rows that do not copy, gathering them, and the layer norms cost what no multiplication counts,
# and a matrix that serves thirty rows in place of sixty-four must still be fetched from memory whole. That
# part weighs most where there are few rows: with 16 of them the HM-LSTM takes half as long again as the LSTM,
# with one, several times as long; with 64 and more it is ahead. And at the rates of this network, whose layer
# 1 fires at every second letter, the count itself leaves only a third to save. Times are of one processor;
# on another, 64 rows may come out behind.
#
# The boundaries cut the line into segments, the segments of layer 1 nested in those of layer 2:

# %% tags=["nbval-ignore-output"]
figures.plot_segment_tree(line, score.boundaries[span])

# %% [markdown]
# ## Are the segments words?
#
# Now the count. A boundary is a *hit* if it stands where a word ends. But where does a word end for a
# reader who goes from left to right? At its last letter, says the grammar. At the space behind it, says
# common sense: only then does the reader *know*. We score both. And a score alone means nothing, so each
# stands beside three others:
#
# - **random**: boundaries thrown at the same rate, what chance would get;
# - **entropy**: the places at which a plain 5-gram model is least sure of the next letter, again at the
#   same rate;
# - **spaces**: a boundary at every space, the rule anyone would write.

# %% tags=["nbval-ignore-output"]
scores = hmrnn_language.segmentation(score.boundaries, corpus)
rules = {
    "layer 1": "layer1",
    "random, rate of layer 1": "random1",
    "entropy, rate of layer 1": "entropy1",
    "layer 2": "layer2",
    "random, rate of layer 2": "random2",
    "entropy, rate of layer 2": "entropy2",
    "spaces": "spaces",
}
at_last = {name: scores["word"][rule] for name, rule in rules.items()}
display(figures.plot_scores(at_last, "Words, at their last letter"))
one_later = {name: scores["word, one later"][rule] for name, rule in rules.items()}
figures.plot_scores(one_later, "Words, at the symbol behind them")

# %% [markdown]
# What is sure, whatever the seed: the rule of spaces is nearly perfect one letter later and useless at the
# last letter itself, and that is arithmetic, not learning. Compare each layer with the grey bars of chance
# at its own rate. A layer that fires often has a high recall for free, which is why the random bars have
# one too.

# %%
assert scores["word"]["spaces"]["f1"] == 0
assert scores["word, one later"]["spaces"]["f1"] > 0.99
expected = hmrnn.random_score(scores["word"]["layer1"]["rate"], words[:-1])
assert abs(expected.f1 - scores["word"]["random1"]["f1"]) < 1e-12
print("spaces: F1 is 0 at the last letter, above 0.99 one later")
print("random: F1 is what the formula says")

# %% [markdown]
# One run is an anecdote. The ledger has several seeds of this training, run on to 300 updates, and of LSTMs
# with the same output module:

# %% tags=["hide-input"]
records = ledger.newest(ledger.read("hmrnn.language"))
records = [record for record in records if record.preset != "smoke"]
book = [r for r in records if r.preset == "book" and r.config["corpus"] == "generated"]
hmrnn_language_tables.score_table("generated", "book", book)

# %% tags=["hide-input"]
hmrnn_language_tables.segmentation_table("generated", "book", book)

# %% [markdown]
# Read the F1 of each layer against the column *random* beside it: hardly better, on average. But a mean
# over seeds hides what happens. Here is each seed by itself, at the symbol behind the word:

# %%
hierarchical = [record for record in book if record.config["core"] == "hmlstm"]
found_words, alone = 0, 0
for record in sorted(hierarchical, key=lambda record: record.seed):
    found = record.metrics["segmentation"]["word, one later"]
    f1 = [found[f"layer{l}"]["f1"] for l in (1, 2)]
    by_chance = [found[f"random{l}"]["f1"] for l in (1, 2)]
    gain = sorted(ours / theirs for ours, theirs in zip(f1, by_chance))
    found_words += gain[1] > 1.5
    alone += gain[1] > 1.5 and gain[0] < 1
    assert max(f1) < found["entropy"]["f1"]  # of all local peaks of the 5-gram model's
    shown = (f"layer {l + 1}: {f1[l]:.2f} (chance {by_chance[l]:.2f})" for l in (0, 1))
    print(f"seed {record.seed:2}   {'   '.join(shown)}")
print(f"{found_words} of {len(hierarchical)} seeds: a layer above 1.5 times chance;")
print(f"in {alone} of these the other is below chance")

# %% [markdown]
# Nobody tells the layers what to do. In about half of the seeds one of them comes to fire at spaces, far more
# often than chance would; most often the other then keeps away from spaces, as if they shared the work. In
# the rest neither finds them. Which layer it is differs from seed to seed too, so the average over seeds sees
# almost nothing. The answer to the question of this chapter is: *sometimes, in one of its layers*. And a rule
# that needs no network, a boundary at every local peak of a 5-gram model's entropy, finds more words than the
# better layer of any seed does.
#
# ## Real text
#
# The network at the top of this page was trained by `hsrnn reproduce hmrnn.language --preset desk` on the
# Penn Treebank and ships with the book. Its training, as the ledger kept it, beside those of two LSTMs with
# as many units and the same output module, without layer norm and with it:

# %% tags=["hide-input"]
desk = [r for r in records if r.preset == "desk" and r.config["corpus"] == "ptb"]
settings, curves = hmrnn_plan.language("desk"), {}
for label in ("step", "LSTM", "LN LSTM"):
    first = next(r for r in hmrnn_tables.runs(desk, settings[label]) if r.seed == 0)
    curves[hmrnn_language_tables.variant(first.config)] = first.metrics["curve"]
figures.plot_training(curves)

# %% tags=["hide-input"]
hmrnn_language_tables.score_table("ptb", "desk", desk)

# %% [markdown]
# How far is each layer heard? The gates of the output module, letter by letter:

# %% tags=["nbval-ignore-output"]
trained, symbols, config = hmrnn_language.load_model("hmrnn-language-ptb")
with torch.no_grad():
    codes = torch.from_numpy(symbols.encode(sentence).astype("int64"))
    read, _ = trained(codes[None])
figures.plot_gates(sentence, read.gates[0].numpy())

# %% [markdown]
# And do its boundaries end words? Against the Treebank's own spaces and lines:

# %% tags=["hide-input"]
hmrnn_language_tables.segmentation_table("ptb", "desk", desk)

# %% [markdown]
# It can also write. The continuation is drawn letter by letter at a temperature of 0.7, from a seed:

# %% tags=["nbval-ignore-output"]
opening = "the president said "
prompt = torch.from_numpy(symbols.encode(opening).astype("int64"))
seeded = torch.Generator().manual_seed(0)
drawn = hmrnn.generate(trained, prompt, 200, temperature=0.7, generator=seeded)
print(fill(opening + symbols.decode(list(drawn)), 80))

# %% [markdown]
# ## What the paper says, and what we measured

# %% tags=["hide-input"]
hmrnn_text_claims.claims_table(records)

# %% [markdown]
# Our `desk` runs read fifteen million letters with 128 units a layer; the paper trains 512 units for as
# long as it helps. So these scores do not contradict the paper's; they say what a small network does that
# trained for less than an hour. What they show is the shape of the question. All layers stay alive. Layer 1
# fires at nearly every second letter in most runs, far more often than a word ends, so its boundaries cannot
# simply be the words: in every row of the tables above, fewer than half of the boundaries are hits.
#
# ## Open questions
#
# - Layer 1 fires at nearly every second letter here and at about every fifth on the paper's sample. Is
#   that a matter of training time, of the slope, or of the start?
# - Kádár and colleagues ([2018](https://arxiv.org/abs/1807.03595)) report that the quality of segments and
#   the quality of prediction do not go together. With many seeds one can test that: does F1 go along with
#   bits per character? [Verdicts](05-results.ipynb) does, and reads texts without spaces too.
# - What decides whether a layer takes the spaces, and which? Nothing in the model prefers one.
# - A boundary is useful to the *network*, not to us. What would a good test of usefulness be that does not
#   mention words?
#
# ## Exercises
#
# ### 1. Bits per character
#
# Write a function of `logits`, `(time, symbols)`, and `targets`, `(time,)`, both torch tensors, that
# returns the bits per character as a float.

# %%
bits = ...  # your function of logits and targets
solved = exercises.check("hmrnn.03.1", bits)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
def solution(logits, targets):
    chosen = torch.log_softmax(logits, -1)[torch.arange(len(targets)), targets]
    return float(-chosen.mean() / math.log(2))


assert exercises.check("hmrnn.03.1", solution)

# %% [markdown]
# ### 2. What chance gets
#
# Boundaries are thrown at random with probability `rate`; a share `gold` of all positions are true
# boundaries. Write a function that returns the F1 to expect in a long text. At which rate is it largest?

# %%
chance = ...  # your function of rate and gold
solved = exercises.check("hmrnn.03.2", chance)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# Precision is `gold`, recall is `rate`. Their harmonic mean grows with the rate:
# the best that chance can do is a boundary everywhere.
solution = lambda rate, gold: 2 * gold * rate / (gold + rate)
assert exercises.check("hmrnn.03.2", solution)

# %% [markdown]
# ### 3. What copying could save
#
# In a network of three layers, let $z^1$ and $z^2$ fire independently at every step, at rates `r1` and
# `r2`. Write a function that returns the share of all layer steps that are copies. (Layer 1 never copies;
# the top layer never flushes.)

# %%
saving = ...  # your function of r1 and r2
solved = exercises.check("hmrnn.03.3", saving)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# Layer 2 copies where neither its own boundary fired nor the one below; layer 3
# where none fired below.
solution = lambda r1, r2: ((1 - r2) * (1 - r1) + (1 - r2)) / 3
assert exercises.check("hmrnn.03.3", solution)
