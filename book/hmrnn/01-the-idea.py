# %% [markdown]
# # The idea: copy, update, flush
#
# **Can a network decide by itself when to remember, when to update and when to forget, and thereby find
# the words?**
#
# An ordinary recurrent network does the same thing at every letter: it mixes the letter into its memory.
# Reading `a cat sat.` it has no place where "cat" begins or ends, and nothing in it moves more slowly
# than the letters do. Chung, Ahn and Bengio ([2017](https://arxiv.org/abs/1609.01704)) stack several
# layers and give each of them, except the top one, a switch: a *boundary* $z$ that is 1 where the layer
# thinks its piece of text has ended, and 0 elsewhere. From these bits alone follows what every layer does
# at every letter.
#
# In this chapter you set the bits yourself, on ten letters, and work out by hand what three layers do and
# remember. Then a real network does the same, and the two are compared. How a network can *learn* the
# bits is the question of [the next chapter](02-the-cell.ipynb).

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## Two bits choose one of three operations
#
# Take one layer, $\ell$, at letter $t$. It looks at two boundaries: its own, one letter ago,
# $z^\ell_{t-1}$ (did my piece just end?), and the one of the layer below, now, $z^{\ell-1}_t$ (has
# something just been finished for me?). Below layer 1 are the letters themselves, and each letter is
# finished as soon as it is there: $z^0_t = 1$ always.

# %%
import copy

import numpy as np
import torch

from hsrnn import datasets, exercises, figures, hmrnn

figures.plot_operation_table()

# %% [markdown]
# - **COPY**: nothing has ended, neither here nor below. The layer keeps its memory exactly as it is.
# - **UPDATE**: the layer below has finished something. The layer takes it in and keeps what it had.
# - **FLUSH**: the layer's own piece ended one letter ago. What it held has been handed to the layer
#   above; now it lets go of it and begins anew, with what comes from below if something does.
#
# ## Ten letters, by hand
#
# Here are ten symbols, and boundaries as a reader would set them. Layer 1 ends a *word* at each space and
# at the full stop; layer 2 ends a *phrase* after `a␣cat␣` and at the end. Layer 3 is the top and has no
# boundary.

# %%
text = "a cat sat."
z1 = [0, 1, 0, 0, 0, 1, 0, 0, 0, 1]
z2 = [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
assert len(text) == len(z1) == len(z2) == 10

# %% [markdown]
# The rule is one line. FLUSH comes first: a layer whose own boundary fired flushes whatever the layer
# below says.

# %%
rule = lambda own, below: "FLUSH" if own else "UPDATE" if below else "COPY"

# For layers 1, 2 and 3: the boundary of the layer below, now; and their own, one letter ago.
below = [[1] * 10, z1, z2]
own = [[0] + z1[:-1], [0] + z2[:-1], [0] * 10]
by_hand = [[rule(own[l][t], below[l][t]) for l in range(3)] for t in range(10)]

print("letter  layer 1  layer 2  layer 3")
for letter, row in zip(text.replace(" ", "␣"), by_hand):
    print(f"  {letter}      {row[0]:9}{row[1]:9}{row[2]}")

# %% [markdown]
# Read it column by column. Layer 1 is busy at every letter and flushes at the first letter of each new
# word. Layer 2 moves at four letters only, and layer 3 at two.
#
# What do the layers remember? Let a memory be a list of pieces. UPDATE appends what the layer below says,
# COPY appends nothing, and FLUSH starts from an empty list. What a layer says to the layer above is all
# it holds at that moment.

# %%
memory = [[], [], []]
remembered = []
print("     layer 1    layer 2    layer 3")
for t, letter in enumerate(text.replace(" ", "␣")):
    news = letter
    for layer in range(3):
        kept = [] if by_hand[t][layer] == "FLUSH" else memory[layer]
        heard = [news] if below[layer][t] else []
        memory[layer] = kept + heard
        news = "".join(memory[layer])
    remembered.append(["|".join(pieces) for pieces in memory])
    print(f"{letter}    {'  '.join(held.ljust(9) for held in remembered[-1])}".rstrip())

assert remembered[9] == ["s|a|t|.", "sat.", "a␣cat␣|sat."]

# %% [markdown]
# Three things are worth a second look.
#
# 1. **Timescales appear by themselves.** Layer 1 holds letters, layer 2 words, layer 3 phrases, though
#    all three follow the same rule. Only the boundaries differ.
# 2. **A long memory costs nothing.** At the seventh, eighth and ninth letter layer 3 holds `a␣cat␣`
#    untouched. An LSTM would have multiplied it by a forget gate three times.
# 3. **A FLUSH comes one letter late, and often empty-handed.** Layer 2 ends its phrase at the sixth
#    letter and flushes at the seventh, where layer 1 has just begun a word and has nothing to report. So
#    layer 2 is empty there, and stays so until `sat.` is complete.
#
# The same as a picture, in the manner of the paper's figures: a line is a COPY, a black bar a boundary.

# %%
code = {"COPY": hmrnn.COPY, "UPDATE": hmrnn.UPDATE, "FLUSH": hmrnn.FLUSH}
codes = torch.tensor([[code[name] for name in row] for row in by_hand])  # (time, layers)
z = torch.tensor([z1, z2]).T.double()  # (time, layers - 1)
figures.plot_operations(text, codes.numpy(), z.numpy())

# %% [markdown]
# The boundaries cut the ten letters into a tree: two words make the first phrase, one word the second.

# %%
root = hmrnn.segment_tree(z)
for phrase in root.children:
    words = [text[word.start : word.stop] for word in phrase.children]
    print(repr(text[phrase.start : phrase.stop]), "=", " + ".join(map(repr, words)))
figures.plot_segment_tree(text, z.numpy())

# %% [markdown]
# ## Your turn
#
# The machine below is the one you have just worked through. Step through it with the arrows, and set the
# boundaries as you like. Some things to try:
#
# - Switch every $z^1$ off. Which layers ever move?
# - Switch every $z^1$ on. What can layer 1 still remember?
# - Move the boundary of `cat␣` one letter to the left. Which word does the space now belong to?
# - Set $z^2$ where $z^1$ is 0. What does layer 2 hand to layer 3?

# %%
figures.TenLetterMachine(text, [z1, z2], start=6)

# %% [markdown]
# ## The same with a real network
#
# Now the numbers. `HMLSTM` is the package's network: three layers of four units, random weights, letters
# as one-hot vectors. Left alone it would compute its own boundaries; `forced_boundaries` imposes ours.

# %%
torch.set_grad_enabled(False)  # this chapter only reads
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)  # networks this small run fastest on one thread
alphabet = sorted(set(text + "I"))
vectors = dict(zip(alphabet, torch.eye(len(alphabet))))
one_hot = lambda letters: torch.stack([vectors[letter] for letter in letters])[None]

core = hmrnn.HMLSTM(len(alphabet), (4, 4, 4), seed=0)
x = one_hot(text)  # (batch, time, symbols)
output, state = core(x, forced_boundaries=z[None])
print("input", tuple(x.shape), "  boundaries", tuple(output.boundaries.shape))
print("operations", tuple(output.operations.shape), "  h", tuple(output.hidden[0].shape))

# %% [markdown]
# It takes the same 30 decisions as we did.

# %%
assert torch.equal(output.boundaries[0], z)
same = output.operations[0] == codes
assert same.all()
print(f"{int(same.sum())} of {same.numel()} operations equal the table made by hand")

# %% [markdown]
# ### COPY keeps every bit
#
# In an LSTM "remember" means *multiply by something close to 1*. Here it means the same numbers, to the
# last bit. We run the network up to each letter in turn, keep the state of layer 2, and look at how far
# its memory cell $c$ and its output $h$ moved.

# %%
states = [core(x[:, :n], forced_boundaries=z[None, :n])[1] for n in range(1, 11)]
before = core.initial_state(1)[1]
for t, letter in enumerate(text.replace(" ", "␣")):
    now = states[t][1]
    of_c = (now.cell - before.cell).abs().max().item()
    of_h = (now.hidden - before.hidden).abs().max().item()
    print(f"{letter}  {by_hand[t][1]:6}   c moved by {of_c:.3f}   h moved by {of_h:.3f}")
    if by_hand[t][1] == "COPY":
        assert of_c == of_h == 0
    else:
        assert min(of_c, of_h) > 1e-6
    before = now

# %% [markdown]
# ### What FLUSH forgets, and what it does not
#
# FLUSH throws away the memory cell $c$. To see it, take layer 1 just before the seventh letter, where it
# is about to flush, and add 100 to every entry of its cell. The letter then leads to the very same state.

# %%
first = states[5][0]  # layer 1 after "a cat ", its boundary is 1
spoilt = (first._replace(cell=first.cell + 100), *states[5][1:])
assert first.boundary.item() == 1

one, other = (core(x[:, 6:7], start)[1][0] for start in (states[5], spoilt))
assert torch.equal(one.cell, other.cell) and torch.equal(one.hidden, other.hidden)
print("after the FLUSH the two states are equal, bit for bit")

# %% [markdown]
# But a flushed layer has not forgotten everything. It is tempting to read FLUSH as a reset of the whole
# layer; it resets $c$ only. Two other ways lead from the past into the new state:
#
# - the **recurrent** weights, which read the layer's old output $h_{t-1}$ with no gate at all;
# - the **top-down** weights, which read what the layer *above* has just taken in. They are open exactly
#   when the layer flushes: that is how the new word gets its context.
#
# Let us measure how much of the first letter is left in layer 1 at the third, for the pasts `a c` and
# `I c`. We do it with a boundary after the first word (so that `c` is a FLUSH) and without one (so that
# it is an UPDATE), and close the two ways one after the other by setting their weights to zero.

# %%
gaps = {}
for removed in ((), ("top_down",), ("recurrent",), ("recurrent", "top_down")):
    damaged = copy.deepcopy(core)
    for part in removed:
        getattr(damaged.cells[0], part).zero_()
    for operation, fires in (("UPDATE", 0.0), ("FLUSH", 1.0)):
        forced = torch.tensor([[[0.0, 0.0], [fires, 0.0], [0.0, 0.0]]])
        pasts = [one_hot(past) for past in ("a c", "I c")]
        a, i = (damaged(past, forced_boundaries=forced)[1][0].cell for past in pasts)
        gaps[removed, operation] = (a - i).abs().max().item()
    left = [f"{name} leaves {gaps[removed, name]:.4f}" for name in ("UPDATE", "FLUSH")]
    print(f"without {' and '.join(removed) or 'nothing':22}", *left, sep="  ")

# %% [markdown]
# With both ways closed, a FLUSH leaves exactly nothing, and an UPDATE still keeps the past through $c$.
# With either way open, some of the past comes through.

# %%
closed = gaps.pop((("recurrent", "top_down"), "FLUSH"))
assert closed == 0 and min(gaps.values()) > 1e-6

# %% [markdown]
# ## How much work is saved?
#
# A COPY needs no arithmetic. So the share of copies among all *layer steps* (letters times layers) is
# what a machine that skips them could save. For our ten letters we count it in two ways that must agree:
# from the table of operations, and from the boundaries alone. A layer above the first is at work where
# the layer below has fired now, or it has fired itself one letter ago:
#
# $$
# n_1 = T, \qquad
# n_\ell = \bigl|\{t : z^{\ell-1}_t = 1 \ \text{or}\ z^\ell_{t-1} = 1\}\bigr| \quad (\ell > 1).
# $$

# %%
from_table = [sum(row[layer] != "COPY" for row in by_hand) for layer in range(3)]
from_boundaries = [10] + [sum(b or o for b, o in zip(below[l], own[l])) for l in (1, 2)]
counts = hmrnn.count_operations(output.operations[0])

assert from_table == from_boundaries == counts.updates.tolist()
assert counts.saving == 1 - sum(from_table) / 30
print("at work in layers 1, 2, 3:", from_table, "of 10 letters each")
print(f"copied: {30 - sum(from_table)} of 30 layer steps, {counts.saving:.1%}")
print(counts.as_dict())

# %% [markdown]
# The paper counts the same thing on one sample of 270 characters from the Penn Treebank, read by its
# trained network: the three layers were at work 270, 56 and 9 times. Its text says that this saves 60 %
# of the updates.

# %%
length, at_work = 270, (270, 56, 9)
copies = 3 * length - sum(at_work)
share = copies / (3 * length)
print(f"{sum(at_work)} of {3 * length} layer steps at work, {copies} copied: {share:.1%}")
for layer in (1, 2):
    print(f"one letter in {length / at_work[layer]:.1f} moved layer {layer + 1}")

# %% [markdown]
# The counts say a little more than that. Layer 3 is at work where layer 2 fires, so $z^2$ fired 9 times.
# By the formula above, the 56 steps of layer 2 are the letters where $z^1$ fired, plus up to 9 more for
# its flushes. So $z^1$ fired between 47 and 56 times: about once in five letters, roughly as often as
# words end in English. Encouraging, but a rate is not yet a word.
# [The chapter on language](03-language.ipynb) measures how often a boundary and the end of a word
# coincide.
#
# One warning: "saves" means *could be skipped*. Within a batch, one row copies while another updates, and
# a program that computes everything and then selects saves nothing.
#
# ## Left alone
#
# So far we set the boundaries. What does the network do when we do not? Here are forty-eight letters of
# the generated corpus, read with random weights.

# %%
corpus = datasets.load("generated", length=2_000)
codes = torch.from_numpy(corpus.train[:500].astype(np.int64))
sample = corpus.vocabulary.decode(corpus.train[:48])
symbols = len(corpus.vocabulary)
untrained = hmrnn.HMLSTM(symbols, (16, 16, 16), seed=1)
free, _ = untrained(torch.eye(symbols)[codes[:48]][None])
figures.plot_operations(sample, free.operations[0].numpy(), free.boundaries[0].numpy())

# %% [markdown]
# The generated corpus knows where its words end. Do the boundaries of layer 1 fall there? A fair measure
# is F1, the harmonic mean of precision and recall, beside what boundaries thrown at random at the same
# rate would get. One network and nine words prove nothing, so we take ten networks and 500 letters.

# %%
word_ends = corpus.boundaries["train"]["word"][:500]
f1, by_chance = [], []
for seed in range(10):
    network = hmrnn.HMLSTM(symbols, (16, 16, 16), seed=seed)
    fired = network(torch.eye(symbols)[codes][None])[0].boundaries[0, :, 0].numpy()
    score = hmrnn.boundary_score(fired, word_ends)
    f1.append(score.f1)
    by_chance.append(hmrnn.random_score(score.rate, word_ends).f1)
print(f"F1 of layer 1: mean {np.mean(f1):.2f}, from {min(f1):.2f} to {max(f1):.2f}")
print(f"by chance:     mean {np.mean(by_chance):.2f}")
assert abs(np.mean(f1) - np.mean(by_chance)) < 0.05

# %% [markdown]
# The boundaries are there, and they mean nothing. Some networks are lucky, because they happen to fire at
# a letter that often ends a word, others are unlucky; on average they agree with the words as chance
# would. The machinery can express "remember, update, forget"; whether it will depends on whether the bits
# can be learnt.
#
# ## What the paper says, and what we have seen
#
# | the paper says | here |
# |---|---|
# | two boundaries choose the operation | table by hand and network agree in all 30 decisions |
# | COPY keeps the state, where an LSTM would let it leak | equal to the last bit, $c$ and $h$ |
# | FLUSH ejects the state and re-initialises it | it forgets $c$; $h$ and the layer above still speak |
# | 60 % of the updates saved on a sample | its own counts give the share computed above, slightly less |
# | boundaries follow words and phrases | not yet seen: random weights agree with words by chance only |
#
# **Open questions.** Does a useful hierarchy need the flush to be so late? Does the network use the ways
# around the forgetting that we measured? Does it stay with these boundaries when training goes on? The
# paper answers none of them; the tools to look are on this page.
#
# ## Exercises
#
# ### 1. Any number of layers
#
# Write a function that takes boundaries as an array of 0 and 1, `(T, L - 1)` for $T$ letters and $L$
# layers, and returns the operations as an array `(T, L)`: 0 for COPY, 1 for UPDATE, 2 for FLUSH. The
# checker compares it with a real network on random boundaries.

# %%
operations_from_boundaries = ...  # your function
solved = exercises.check("hmrnn.01.1", operations_from_boundaries)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
def solution(z):
    letters = len(z)
    one_ago = np.vstack([0 * z[:1], z[:-1]])
    own = np.hstack([one_ago, np.zeros((letters, 1), int)])  # the top layer has none
    below = np.hstack([np.ones((letters, 1), int), z])  # letters are finished
    return np.where(own == 1, 2, below)


assert exercises.check("hmrnn.01.1", solution)

# %% [markdown]
# ### 2. A budget
#
# A network of three layers reads twelve letters. Find boundaries, `(12, 2)`, with which exactly half of
# its 36 layer steps are copies and layer 2 flushes exactly twice. First work out what each boundary
# costs: which steps that would have been copies does it turn into work?

# %%
boundaries = ...  # an array or a list of twelve pairs
solved = exercises.check("hmrnn.01.2", boundaries)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# Layer 1 takes 12 steps whatever we do, so the two other layers may take 6. Each
# z^2 costs two: layer 3 updates now, layer 2 flushes at the next letter. Two of
# them make 4, and the 2 that are left are updates of layer 2: two z^1, for example
# at the same letters, so that layer 2 has something to hand over.
solution = np.zeros((12, 2), int)
solution[[3, 7]] = 1
assert exercises.check("hmrnn.01.2", solution)

# %% [markdown]
# ### 3. The past that does not matter
#
# Write a function that takes the state of a layer about to flush (a `CellState` with the fields `hidden`,
# `cell` and `boundary`) and returns *another* state that leads to exactly the same future. The checker
# tries it on random networks. `state._replace(field=value)` makes a changed copy.

# %%
another_past = ...  # your function
solved = exercises.check("hmrnn.01.3", another_past)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# Only the memory cell is forgotten; any change of `hidden` would come through the
# recurrent weights, and without the boundary there is no FLUSH.
assert exercises.check("hmrnn.01.3", lambda state: state._replace(cell=-state.cell))
