# %% [markdown]
# # The idea: a machine inside
#
# **A recurrent network reads a word symbol by symbol and says yes or no. Is there a machine of a few
# states inside it, small enough to be run on paper?**
#
# While it reads, a network carries a vector of real numbers from symbol to symbol. In principle that
# vector could be anywhere, and one cannot say what it means. Hou and Zhou
# ([2020](https://arxiv.org/abs/1810.10708)) look at *where it actually is*. They let a trained network
# read many words, keep every vector it passes, and find that the vectors stand in clumps. Take each clump
# for a state, note which symbol leads from which clump to which, and a *finite automaton* appears: a
# machine that anybody can run by hand.
#
# In this chapter we do it on the smallest language there is something to say about: the single word
# `0110`. First the machine on paper, then a network that has learnt the language from examples, then its
# clumps; and at the end a proof that the machine found inside the network is the one on paper.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## A machine on paper
#
# Somebody reads out zeros and ones, and stops at some point. Was that exactly `0110`? You need not
# remember everything you heard. It is enough to know how much of `0110` you have heard so far, or that it
# has gone wrong: once wrong, always wrong. So there are six situations, and a table says how a symbol
# leads from one to the next. We name a situation by what was heard.

# %%
from itertools import product

import numpy as np
import torch

from hsrnn import automata, exercises, figures
from hsrnn.experiments.automata_figure import automaton_figure

rules = {
    "start": {"0": "0", "1": "dead"},
    "0": {"0": "dead", "1": "01"},
    "01": {"0": "dead", "1": "011"},
    "011": {"0": "0110", "1": "dead"},
    "0110": {"0": "dead", "1": "dead"},
    "dead": {"0": "dead", "1": "dead"},
}
accepting = {"0110"}

# %% [markdown]
# To read a word, put a finger on `start` and follow the table. The word is accepted if the finger ends on
# an accepting situation, here the only one, `0110`.

# %%
for word in ("0110", "010", "01100"):
    at, path = "start", ["start"]
    for symbol in word:
        at = rules[at][symbol]
        path.append(at)
    verdict = "accepted" if at in accepting else "rejected"
    print(f"{word:6} {verdict}: {' > '.join(path)}")

# %% [markdown]
# This is a **finite automaton**. In general it is a list of five things
#
# $$
# (\Sigma,\; Q,\; q_0,\; F,\; \delta), \qquad \delta : Q \times \Sigma \to Q,
# $$
#
# an alphabet $\Sigma$ (here `0` and `1`), a finite set $Q$ of states, a start $q_0 \in Q$, the accepting
# states $F \subseteq Q$, and the table $\delta$. Reading a symbol $s$ in state $q$ leads to
# $\delta(q, s)$. In the package a state is a number and the table an array with one row a state and one
# column a symbol.

# %%
states = list(rules)
table = [[states.index(rules[state][symbol]) for symbol in "01"] for state in states]
paper = automata.Automaton.of("01", table, [states.index("0110")])
print(paper, paper.table.tolist(), sep="\n")
assert paper.accepts(["0110", "010", "01100", ""]).tolist() == [1, 0, 0, 0]

draw = lambda machine, names, **more: figures.plot_automaton(
    machine.table, machine.accepting, machine.start, "01", names=names, **more
)
draw(paper, states, highlight=paper.trace(["0110"])[0])

# %% [markdown]
# Double circles accept, a short arrow marks the start, and what can no longer be put right is grey. The
# way of `0110` is drawn strong.
#
# ### Do we need all six?
#
# Suppose that two beginnings of a word lead a machine to one state. From there on it cannot tell them
# apart: whatever follows, it will give both the same verdict. So if *some* rest makes one of them a good
# word and the other a bad one, they must be in different states, in **every** machine for this language.
# Here are six beginnings, and for each of them which rests complete it to `0110`.

# %%
beginnings = ["", "0", "01", "011", "0110", "1"]
rests = ["0110", "110", "10", "0", ""]
print(" " * 9, *(f"{rest or 'nothing':>8}" for rest in rests))
rows = []
for begun in beginnings:
    rows.append([begun + rest == "0110" for rest in rests])
    marks = ("yes" if good else "-" for good in rows[-1])
    print(f"{begun or 'nothing':9}", *(f"{mark:>8}" for mark in marks))
assert len(set(map(tuple, rows))) == 6

# %% [markdown]
# Six different rows: no machine with fewer states knows this language. Six is a property of the
# *language*, not of the way we wrote it down, and the machine of six states is unique up to the names of
# its states. Remember it. It is what we shall look for.
#
# ## A network that knows the language
#
# Now something that has no states. A gated recurrent network with 12 units reads symbol $x_t$ and changes
# its hidden state, a vector of 12 real numbers:
#
# $$
# h_t = \mathrm{GRU}(x_t, h_{t-1}), \qquad h_0 = 0 .
# $$
#
# After the last symbol one linear layer turns $h_T$ into two numbers; the word is accepted if the second
# is the larger. The network gets examples, half of them `0110`, half of them other words of one to eight
# symbols, and trains until it is right on **all** words of up to ten symbols. Then it goes on for sixty
# more passes, in which hidden states with the same future draw closer together
# ([Merrill and Tsilivis 2022](https://arxiv.org/abs/2201.12451)).

# %%
torch.set_num_threads(1)  # networks this small run fastest on one thread
every = ["".join(word) for n in range(1, 11) for word in product("01", repeat=n)]
truth = [word == "0110" for word in every]

only_0110 = automata.language("0110")
draws = np.random.default_rng(3)
words, labels = automata.sample(only_0110, range(1, 9), 600, draws)
net = automata.SequenceClassifier("01", "gru", 12, seed=3)
settings = automata.TrainingConfig(learning_rate=0.01, settle=60)
examples = words, labels, every, truth
trained = automata.train(net, *examples, settings, empty=False, seed=3)

right = net.predict(every) == truth
assert trained.learned and right.all() and not net.accepts_empty
print(f"right on {right.sum():,} of {len(every):,} words, and on the empty word")

# %% tags=["nbval-ignore-output"]
print(f"{trained.epochs} passes over {len(words)} words, {trained.seconds:.1f} s")
for h in net.states(["0110"]):
    print("h:", *(f"{unit:5.2f}" for unit in h))

# %% [markdown]
# That is what the network thinks while it reads `0110`: four vectors of twelve numbers. It was right on
# every word we tried, and we understand nothing.
#
# ## The cloud
#
# Let it read all its words again and keep every hidden state: one point in twelve dimensions for every
# symbol read.

# %%
points = automata.collect(net, words)
texts = automata.decode(words, "01")
heard = [text[:t] for text in texts for t in range(1, len(text) + 1)]  # one a point
assert len(heard) == len(points)
print(f"{len(points):,} points in {points.features.shape[1]} dimensions,")
print(f"from {len(set(heard))} different beginnings of words")

# %% [markdown]
# Nobody can look into twelve dimensions. *Principal components* give the flat picture that loses least:
# the two directions in which the points differ most. Here are all points, and where the network would say
# yes if the word ended there.

# %% tags=["nbval-ignore-output"]
middle, directions, plane_share = figures.plane(points.features)
flat = lambda h: (h - middle) @ directions.T
yes = points.accepted.astype(int)
figures.plot_hidden_states(
    flat(points.features), yes, names=["no", "yes"], share=plane_share
)

# %% [markdown]
# The points do not fill the space, far from it. A few spots stand alone; each of them is one beginning,
# read over and over. And in one corner there is a dense clump, in which a great many *different*
# beginnings lie on top of one another. Let us find out what they have in common.
#
# ## Clusters become states
#
# *K-means* puts $k$ centres among the points so that the points are as near as possible to their centres;
# the points of one centre are a cluster. A centre is a hidden state like any other, so the network itself
# can say whether it would accept there. And a cluster can be *named*: by the shortest beginning that
# leads into it. How many clusters? We try, from 2 upwards, and take the first $k$ whose machine will turn
# out to be right on every word (below we build that machine by hand).

# %%
tried = automata.sweep(net, words, every, truth, n_clusters=range(2, 25))
k = tried.first_k
cluster = automata.kmeans(points.features, k)
centres = np.array([points.features[cluster == c].mean(0) for c in range(k)])
accepts = net.accepts_hidden(centres)

of_cluster = [
    [word for word, c in zip(heard, cluster) if c == each] for each in range(k)
]
names = [min(group, key=lambda word: (len(word), word)) for group in of_cluster]
spread = ((points.features - middle) ** 2).sum()
within = ((points.features - centres[cluster]) ** 2).sum() / spread
assert within < 0.2 and [names[c] for c in np.flatnonzero(accepts)] == ["0110"]
print("less than a fifth of the variance is left inside the clusters;")
print("the one cluster where the network says yes is that of 0110")

# %% tags=["nbval-ignore-output"]
print(f"k = {k}, {within:.1%} of the variance left")
print("cluster  points  different  shortest  network there")
for c, group in enumerate(of_cluster):
    verdict = "yes" if accepts[c] else "no"
    line = f"{c:5} {len(group):9} {len(set(group)):9}"
    print(f"{line}    {names[c]:8}  {verdict}")
look = dict(names=names, accepting=accepts, centres=flat(centres), share=plane_share)
track = flat(net.states(["0110"]))
figures.plot_hidden_states(flat(points.features), cluster, path=track, **look)

# %% [markdown]
# The line follows the word `0110` through its four points. The beginnings of `0110` have clusters to
# themselves, or nearly so. The others are full of words that have gone wrong; the dense clump is those
# that went wrong some time ago. The network is not forced to put all of these in *one* place, and it does
# not: just after the mistake they still lie apart.
#
# ## Counting by hand
#
# Between two neighbouring points of a word the network has read one symbol. Count it: from which cluster,
# by which symbol, to which cluster,
#
# $$
# N_s[q, r] = \text{number of times that symbol } s \text{ led from cluster } q \text{ to cluster } r .
# $$
#
# Before the first symbol there is no point, so we add one more state, number $k$, for the start. It has
# ways out and no way in.

# %%
counts = np.zeros((k + 1, 2, k), int)  # from, symbol, to
for i in range(len(points)):
    before = k if points.position[i] == 1 else cluster[i - 1]
    counts[before, points.symbol[i], cluster[i]] += 1
assert counts.sum() == len(points) and counts[k].sum() == len(texts)
print("counted:", counts.sum(), "symbols, of which", counts[k].sum(), "first ones")

# %% [markdown]
# If the clusters really are states, then where a symbol leads must depend on the cluster alone, and each
# row of counts has a single entry that is not zero. How nearly is that so? And if it is nearly so, the
# table of the machine is the largest entry of every row. A row that is empty, because no word ever took
# that way, leads to a rejecting *sink*, state $k + 1$.

# %%
share = counts.max(2).sum() / counts.sum()
assert share > 0.85
print("more than 85 % of all steps went where most steps from there went")

seen = counts.sum(2) > 0
delta = np.where(seen, counts.argmax(2), k + 1)
machine = automata.Automaton.of(
    "01", [*delta, [k + 1, k + 1]], [*np.flatnonzero(accepts)], start=k
)
assert (machine.accepts(every) == truth).all()
print(f"the machine is right on all {len(every):,} words")

# %% [markdown]
# That is the whole method, and we have done it in about a dozen lines. The package calls it `LISOR`. Two
# derivations of one thing must agree:

# %%
lisor = automata.LISOR(k).fit(net, words)
assert np.array_equal(lisor.transition_counts_, counts)
assert np.array_equal(lisor.automaton_.table[: k + 1], delta)
verdicts = lisor.automaton_.accepting[: k + 1], machine.accepting[: k + 1]
assert np.array_equal(*verdicts)
print("equal counts, equal table, equal verdicts")

# %% tags=["nbval-ignore-output"]
named = [*names, "start", "sink"]
print("        0       1      steps that went elsewhere")
for q in [k, *range(k)]:
    elsewhere = counts[q].sum() - counts[q].max(1).sum()
    to = (f"{named[r]:8}" for r in delta[q])
    print(f"{named[q]:7}", *to, f"{elsewhere:5} of {counts[q].sum()}")
edges = {(q, r) for q in range(k) for r in delta[q] if r < k}
figures.plot_hidden_states(flat(points.features), cluster, edges=edges, **look)

# %% [markdown]
# There is the machine, lying over the cloud it was read from; the arrows are the table. Drawn without the
# cloud, and with the start, it is easier to read. Find the way of `0110`: start, 0, 01, 011, 0110.
# Everything else runs around among the clusters of words that have gone wrong.

# %% tags=["nbval-ignore-output"]
draw(lisor.automaton_, named[: lisor.automaton_.n_states])

# %% [markdown]
# ## Merge what makes no difference
#
# This machine has more states than the one on paper. But the argument with beginnings and rests can be
# turned round: two states that **no** rest tells apart are one state written twice. *Minimising* merges
# all such states, and drops those that cannot be reached.

# %%
small, merged_into = lisor.automaton_.minimise_with_map()
called = ["start", "0", "dead", "01", "011", "0110"]  # by the words that lead there
assert small.run(["", "0", "1", "01", "011", "0110"]).tolist() == [0, 1, 2, 3, 4, 5]
print(small, small.table.tolist(), sep="\n")
draw(small, called)

# %% tags=["nbval-ignore-output"]
for state in range(small.n_states):
    together = [named[q] for q in np.flatnonzero(merged_into == state)]
    print(f"state {state}: {', '.join(together)}")

# %% [markdown]
# Six states. Is it *the* machine of six states, the one on paper? Two ways to find out, which have
# nothing to do with each other.
#
# 1. **By proof.** Walk through both machines at once, over all pairs of states that some word can reach.
#    If no pair has one accepting and one rejecting state, then no word of whatever length is judged
#    differently.
# 2. **By trying.** Ask both about all words of up to ten symbols, one by one.

# %%
assert small.equivalent(paper) and small.counterexample(paper) is None
assert small == only_0110.automaton and small.n_states == len(rules)
assert (small.accepts(every) == paper.accepts(every)).all()
assert list(small.words(10)) == [tuple("0110")]
print("proved equal for words of any length")
print(f"tried equal on {len(every):,} words; accepted:", *small.words(10))

# %% [markdown]
# The second is a proof as well, which may surprise: two machines of $m$ and $n$ states that differ at all
# differ on some word of at most $m + n - 2$ symbols (Moore 1956), and $6 + 6 - 2 = 10$.
#
# So the machine was in there. Nobody told the network that there are six situations; it was shown words
# and verdicts.
#
# ## Side by side
#
# A word walks through both. On the left the network: its real hidden state, and the cluster whose centre
# is nearest to it. In the middle the machine with its clusters, on the right the machine of six states,
# which never see the network. After every symbol both say what they would answer if the word ended here.

# %%
def side_by_side(word):
    h = net.states([word])
    nearest = ((h[:, None] - lisor.centres_) ** 2).sum(2).argmin(1)
    walked = lisor.automaton_.trace([word])[0, 1:]
    minimal = small.trace([word])[0, 1:]
    answers = net.accepts_hidden(h), small.accepting[minimal]
    assert (answers[0] == answers[1]).all()
    return zip(word, nearest, walked, minimal, *answers)


# %% tags=["nbval-ignore-output"]
for word in ("0110", "01101", "1011"):
    print(f"{word:8} network          machine")
    for symbol, c, q, state, yes, also in side_by_side(word):
        says = ["yes" if answer else "no" for answer in (yes, also)]
        line = f"   {symbol}     {names[c]:8} {says[0]:4}"
        print(f"{line}    {named[q]:8} {called[state]:6} {says[1]}")

# %% [markdown]
# On every word of up to ten symbols the two give the same answer after every symbol, for every beginning
# of such a word is such a word. Are they also in the same cluster at each step? That is asked for
# nowhere: the machine takes the way that *most* words took. Let us count.

# %% tags=["nbval-ignore-output"]
test = automata.collect(net, every)
test_heard = [word[:t] for word in every for t in range(1, len(word) + 1)]
by_machine = lisor.automaton_.run(test_heard)
distance = ((test.features[:, None] - lisor.centres_) ** 2).sum(2)
together = by_machine == distance.argmin(1)
print(f"the same cluster after {together.mean():.1%} of {len(together):,} symbols")

# %% [markdown]
# The verdicts agree everywhere; the way there need not. A machine that goes astray among words that are
# wrong anyway does no harm, for its states there merge to one.
#
# ## Clumps of many words
#
# Each state on the way to `0110` stands for a single beginning. That such a clump is small is no
# surprise: it is one point, read many times. So take a language in which every state stands for endlessly
# many beginnings: the words that hold `0110` *somewhere*. Its machine has five states. Four say how much
# of `0110` the last symbols make, the fifth says that it has been found.

# %%
somewhere = automata.language("contains-0110")
holds = np.array(["0110" in word for word in every])
draws = np.random.default_rng(1)
more, labels = automata.sample(somewhere, range(4, 11), 1500, draws)
finder = automata.SequenceClassifier("01", "gru", 12, seed=1)
settings = automata.TrainingConfig(learning_rate=0.01, settle=20)
automata.train(finder, more, labels, every, holds, settings, empty=False, seed=1)
assert (finder.predict(every) == holds).all()

tried = automata.sweep(finder, more, every, holds, n_clusters=range(2, 25))
of_finder = automata.LISOR(tried.first_k).fit(finder, more)
assert of_finder.minimal_ == somewhere.automaton
print("the network knows the language; its machine is the true one,")
print(f"{of_finder.minimal_.n_states} states when minimised")

# %% tags=["nbval-ignore-output"]
five = ["none", "0", "01", "011", "found"]
cloud = automata.collect(finder, more)
state = of_finder.automaton_.minimise_with_map()[1][of_finder.labels_]
read = automata.decode(more, "01")
begun = np.array([word[:t] for word in read for t in range(1, len(word) + 1)])
print(f"{tried.first_k} clusters")
for q, name in enumerate(five):
    own = begun[state == q]
    print(f"{name:6} {len(own):6,} points, {len(set(own)):5,} different beginnings")
in_plane, plane_share = figures.project(cloud.features)
figures.plot_hidden_states(in_plane, state, names=five, share=plane_share)

# %% [markdown]
# Now each clump holds many different beginnings, some of one symbol, some of ten. What they share is what
# they leave to be read: **the same rests make them good words.** The network has learnt to put together
# what has the same future, and to keep apart what has not. That is what a state is.

# %%
draw(of_finder.minimal_, five)

# %% [markdown]
# ## Your turn
#
# Four networks have learnt the same language, each with another cell. (The first is the one from above;
# [a later chapter](03-gates.ipynb) compares them.) Build a word and watch it walk: on one side through the
# cloud of the network's own hidden states, which the page computes, on the other through the machine. Some
# things to try:
#
# - Write `0110` and then anything. Which way back is there?
# - Choose a machine that is not exact, and let the figure find the shortest word it gets wrong. Where do
#   network and machine part?
# - Step through the minimising. Which states become one, and in which round?
# - Change the cell. Do the clouds look alike?

# %% tags=["nbval-ignore-output"]
taught = {"GRU": finder}
for cell in ("srn", "mgu", "lstm"):
    other = automata.SequenceClassifier("01", cell, 12, seed=3)
    automata.train(other, more, labels, every, holds, empty=False, seed=3)
    taught[cell.upper()] = other
automaton_figure(
    taught, more.take(slice(0, 400)), somewhere.automaton, word="10011010",
    language="words that contain 0110",
)  # fmt: skip

# %% [markdown]
# ## What the machine knows and the network does not
#
# The machine is proved right for words of any length. Of the network we know only that it is right on
# words of up to ten symbols. What does it do with words of twenty or fifty? To make it hard, half of the
# words begin with `0110`.

# %%
random = np.random.default_rng(0)
long = ["".join(random.choice(["0", "1"], n)) for n in random.integers(11, 60, 4000)]
long = ["0110" * (i % 2) + word for i, word in enumerate(long)]
assert not small.accepts(long).any()
print(f"the machine rejects all {len(long):,} long words, as it should")

# %% tags=["nbval-ignore-output"]
print(f"the network accepts {net.predict(long).sum()} of them")

# %% [markdown]
# Whatever number stands there on your machine: to get it we had to try, and zero out of four thousand
# would still be no proof. That is a first meaning of the paper's claim that the automaton deserves more
# trust than the network. [The chapter on results](05-results.ipynb) puts it to the test, with words much
# longer than those in training and with wrong labels among the examples.
#
# ## What the paper says, and what we have seen
#
# Of the paper we know its claims, not its tables.
#
# | the paper says | here |
# |---|---|
# | clustering hidden states turns a trained network into an automaton | done by hand, equal to `LISOR` |
# | the automaton can be run on paper | six states, proved to be the machine we began with |
# | it deserves more trust than its network | proved for every length; the network could only be tried |
# | gates are needed, few are better than many | not yet: [gates](03-gates.ipynb) |
# | on text, states mean something | not yet: [words](04-words.ipynb) |
#
# **Open questions.** We found $k$ by asking which machine is right, and for that we had to know the
# language. What if we do not? Why does the network keep words apart that have gone wrong in different
# ways, when no verdict depends on it, and does it stop doing so when it trains on? And the language here
# is one that a machine of six states knows. What would the clusters be if *no* finite machine knew it?
#
# [The next chapter](02-extract.ipynb) takes the method apart, step by step, on a network that is not
# perfect.
#
# ## Exercises
#
# ### 1. On paper
#
# Write down an automaton for the words over `0` and `1` that have an even number of `1`s **and** end with
# `0`: `automata.Automaton.of("01", table, accepting)`, where `table` has one row a state, the start first,
# and `accepting` is a list of states. Zero is even; the empty word does not end with `0`. Three states are
# enough.

# %%
even_and_0 = ...  # your automaton
solved = exercises.check("automata.01.1", even_and_0)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# State 0: even, but not at a 0 (the start). State 1: odd; a 0 changes nothing.
# State 2: even and just read a 0.
solution = automata.Automaton.of("01", [[2, 1], [1, 0], [2, 1]], accepting=[2])
assert exercises.check("automata.01.1", solution)

# %% [markdown]
# ### 2. Counting, for any alphabet
#
# Write a function of `words`, a list of strings, `clusters`, a list with one list a word that holds the
# cluster after each of its symbols, the `alphabet`, a string, and the number `k` of clusters. It returns
# the counts $N$ as an array `(k + 1, symbols, k)`: state before, symbol, cluster after; state $k$ is the
# start.

# %%
count = ...  # your function of words, clusters, alphabet and k
solved = exercises.check("automata.01.2", count)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
def solution(words, clusters, alphabet, k):
    counts = np.zeros((k + 1, len(alphabet), k), int)
    for word, path in zip(words, clusters):
        for before, symbol, after in zip([k, *path], word, path):
            counts[before, alphabet.index(symbol), after] += 1
    return counts


assert exercises.check("automata.01.2", solution)

# %% [markdown]
# ### 3. Two states too many
#
# This machine has two states more than it needs. Find all pairs of states that can be merged, by pencil:
# which states differ at once, which differ after one more symbol, which after two? Answer with a list of
# pairs, such as `[(0, 1), (2, 5)]`.

# %%
wasteful = exercises.automata.WASTEFUL
print(wasteful)
for state, (by_0, by_1) in enumerate(wasteful.table.tolist()):
    print(f"state {state}: 0 leads to {by_0}, 1 to {by_1}")

# %%
pairs = ...  # your list of pairs
solved = exercises.check("automata.01.3", pairs)

# %% [markdown]
# #### Solution

# %% tags=["hide-cell"]
# 2 accepts, no other state does. By one 0 only 5 comes to 2: it stands alone. By a
# 0 to 5 come 1 and 3, and 0 and 4 do not. That leaves two pairs, and no symbol
# parts them: from 1 and 3 a 1 leads to 4 and 0, from 0 and 4 a 0 leads to 3 and 1.
solution = [(0, 4), (1, 3)]
assert exercises.check("automata.01.3", solution)
