# %% [markdown]
# # Notation
#
# **Which letter means what, what shape has it, and what is it called in the code?**
#
# One notation holds for the whole book. The symbols are those of the papers where the papers agree, and
# they stand only beside equations; in the text and in the code things have English names. Every row of
# the tables on this page is checked below against a network that really runs, so the page cannot drift
# away from the package.
#
# Conventions first:
#
# - **Batch first.** Every tensor begins with its rows: `(batch, time, ...)`. A single text is a batch of
#   one.
# - **Time** runs from left to right and is written as a lower index: $h_t$ is $h$ after reading symbol
#   $t$.
# - **Layers** count from the bottom and are written as an upper index, starting with 1: $h^1$ sits on the
#   letters. In code they are items of a tuple, starting with 0: `hidden[0]` is $h^1$.
# - $\odot$ multiplies entry by entry, $\sigma(v) = 1/(1+e^{-v})$, $[\,\cdot\,;\,\cdot\,]$ stacks vectors.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## Sizes
#
# | symbol | meaning | in code |
# |---|---|---|
# | $B$ | rows of a batch | first axis of every tensor |
# | $T$ | symbols read, the time steps | second axis |
# | $L$ | layers | `len(hidden_sizes)` |
# | $H_\ell$ | units of layer $\ell$ | `hidden_sizes[l]` |
# | $E$ | width of the input embedding | `embedding_size` |
# | $O$ | width of the output embedding | `output_size` |
# | $K$ | number of different symbols, the vocabulary | `vocabulary_size` |
#
# For the checks we take sizes that are all different, so that no axis can be mistaken for another.

# %%
import math

import torch
import torch.nn.functional as F

from hsrnn import hmrnn

B, T, E, H, O, K = 2, 9, 8, (6, 5, 4), 7, 50
L = len(H)
model = hmrnn.CharLanguageModel(K, E, hmrnn.HMLSTM(E, H, seed=0), O, seed=0)
codes = torch.randint(K, (B, T), generator=torch.Generator().manual_seed(0))
output, state = model(codes)

# %% [markdown]
# ## What a network shows
#
# `output, state = model(codes)` gives everything that happened at every symbol, and the state after the
# last one.
#
# | symbol | meaning | shape | in code |
# |---|---|---|---|
# | | symbols read, as integers | $(B, T)$ | `codes` |
# | $h^0_t$ | the embedded symbol | $(B, T, E)$ | `model.embedding(codes)` |
# | $h^\ell_t$ | hidden state | $(B, T, H_\ell)$ | `output.core.hidden[l]` |
# | $z^\ell_t$ | boundary: 1 where a piece ends | $(B, T, L-1)$ | `output.core.boundaries` |
# | $s_z$ | pre-activation of the boundary | $(B, T, L-1)$ | `output.core.preactivations` |
# | | operation, see below | $(B, T, L)$ | `output.core.operations` |
# | $g^\ell_t$ | gate of the output module | $(B, T, L)$ | `output.gates` |
# | | logits of the *next* symbol | $(B, T, K)$ | `output.logits` |
# | $h^\ell_T$ | hidden state at the end | $(B, H_\ell)$ | `state[l].hidden` |
# | $c^\ell_T$ | memory cell at the end | $(B, H_\ell)$ | `state[l].cell` |
# | $z^\ell_T$ | boundary at the end | $(B, 1)$ | `state[l].boundary` |

# %%
shown = {
    "codes": (codes, (B, T)),
    "model.embedding(codes)": (model.embedding(codes), (B, T, E)),
    "output.core.boundaries": (output.core.boundaries, (B, T, L - 1)),
    "output.core.preactivations": (output.core.preactivations, (B, T, L - 1)),
    "output.core.operations": (output.core.operations, (B, T, L)),
    "output.gates": (output.gates, (B, T, L)),
    "output.logits": (output.logits, (B, T, K)),
}
for l in range(L):
    shown[f"output.core.hidden[{l}]"] = (output.core.hidden[l], (B, T, H[l]))
    shown[f"state[{l}].hidden"] = (state[l].hidden, (B, H[l]))
    shown[f"state[{l}].cell"] = (state[l].cell, (B, H[l]))
    shown[f"state[{l}].boundary"] = (state[l].boundary, (B, 1))
for name, (tensor, shape) in shown.items():
    assert tensor.shape == shape, name
    print(f"{name:27}", shape)

# %% [markdown]
# Boundaries are floating-point numbers, exactly 0 or 1 unless they are *soft*. The top layer has none,
# hence $L - 1$. The state after the last symbol is the last column of what was shown.

# %%
assert output.core.boundaries.unique().tolist() == [0, 1]
for l in range(L):
    assert torch.equal(state[l].hidden, output.core.hidden[l][:, -1])
    if l + 1 < L:
        assert torch.equal(state[l].boundary[:, 0], output.core.boundaries[:, -1, l])
assert (state[L - 1].boundary == 0).all()
print("boundaries are 0 or 1, and the state is the last step")

# %% [markdown]
# ## Operations
#
# | code | name | when | figures |
# |---|---|---|---|
# | 0 | COPY | own boundary one step ago 0, boundary below now 0 | a thin line |
# | 1 | UPDATE | own boundary one step ago 0, boundary below now 1 | blue, U |
# | 2 | FLUSH | own boundary one step ago 1 | orange, F |

# %%
assert (hmrnn.COPY, hmrnn.UPDATE, hmrnn.FLUSH) == (0, 1, 2)
assert output.core.operations.dtype == torch.uint8
own, below = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([0.0, 1.0, 0.0, 1.0])
codes_of = hmrnn.operations_of(own, below).tolist()
names = [hmrnn.OPERATION_NAMES[code] for code in codes_of]
assert names == ["COPY", "UPDATE", "FLUSH", "FLUSH"]
for k in range(4):
    print(f"own {own[k]:.0f}, below {below[k]:.0f}: {codes_of[k]} {names[k]}")

# %% [markdown]
# ## Inside a layer
#
# | symbol | meaning | shape | in code |
# |---|---|---|---|
# | $U$ | recurrent weights | $(4H_\ell + 1, H_\ell)$ | `cell.recurrent` |
# | $V$ | weights of the layer above | $(4H_\ell + 1, H_{\ell+1})$ | `cell.top_down` |
# | $W$ | weights of the layer below | $(4H_\ell + 1, H_{\ell-1})$ | `cell.bottom_up` |
# | $b$ | biases | $(4H_\ell + 1)$ | `cell.bias` |
# | $s$ | pre-activation, the sum of all four | $(B, 4H_\ell + 1)$ | `cell.preactivation(...)` |
# | $f, i, o, g$ | forget, input and output gate; candidate | $(B, H_\ell)$ | `cell.gates(s)` |
# | $\tilde z$ | hard sigmoid of $s_z$ | $(B, 1)$ | `hard_sigmoid(s_z, slope)` |
# | $a$ | slope of the hard sigmoid | a number | `model.core.slope` |
#
# Rows always come in the order $f, i, o, g, \tilde z$. The top layer has no row for $\tilde z$ and no
# $V$. The paper writes $U^{\ell}_{\ell}$, $U^{\ell}_{\ell+1}$ and $W^{\ell}_{\ell-1}$ for $U$, $V$ and
# $W$; we leave out the indices where one layer is meant. Its letter $g$ has two uses: the candidate $g$
# of a cell, and the gate $g^\ell$ of the output module.

# %%
width = (E, *H)  # width[l] is what layer l + 1 hears from below
for l, cell in enumerate(model.core.cells):
    rows = 4 * H[l] + (1 if l + 1 < L else 0)
    assert cell.recurrent.shape == (rows, H[l])
    assert cell.bottom_up.shape == (rows, width[l])
    assert cell.bias.shape == (rows,)
    if l + 1 < L:
        above = torch.zeros(B, H[l + 1])
        assert cell.top_down.shape == (rows, H[l + 1])
    else:
        above = None
        assert cell.top_down is None
    below, z_below = torch.zeros(B, width[l]), torch.ones(B, 1)
    s = cell.preactivation(below, z_below, state[l], above)
    assert s.shape == (B, rows)
    assert all(gate.shape == (B, H[l]) for gate in cell.gates(s))
s_z, slope = output.core.preactivations, model.core.slope
assert hmrnn.hard_sigmoid(s_z, slope).shape == (B, T, L - 1)
print("every weight has the shape of its row in the table")

# %% [markdown]
# Trained weights are stored under the names of these attributes:

# %%
for name, weight in model.state_dict().items():
    print(f"{name:25}", tuple(weight.shape))

# %% [markdown]
# ## Automata
#
# A word is a row of symbols; a *language* is a set of words. A network reads a word symbol by symbol and
# says at the end whether it belongs to the language. An automaton does the same with a table.
#
# | symbol | meaning | shape or range | in code |
# |---|---|---|---|
# | $\Sigma$ | alphabet | $\lvert\Sigma\rvert$ symbols | `automaton.alphabet` |
# | $q$ | state | $0, 1, 2, \ldots$ | a row of `automaton.table` |
# | $q_0$ | start, the state before the first symbol | one state | `automaton.start` |
# | $\delta(q, s)$ | state after reading $s$ in $q$ | states × symbols | `automaton.table[q, s]` |
# | $F$ | accepting states | one flag a state | `automaton.accepting` |
# | $h_t$ | hidden state of the network after $t$ symbols | $H$ numbers | `points.features` |
# | $k$ | number of clusters of hidden states | at least 1 | `n_clusters` |
# | $N_s[q, r]$ | how often $s$ led from $q$ to $r$ | $(k+1) \times k$ | `transition_counts_[q, s, r]` |
# | $w$ | weight of the position in k-means-x | at least 0 | `position_weight` |
#
# In the counts the start comes last: it is row $k$. Symbols are strings; where an array needs numbers, the
# number of a symbol is its place in the alphabet. Two letters have other meanings in the tables above: there
# $s$ is a pre-activation and $K$ the size of a vocabulary.

# %%
from hsrnn import automata

network = automata.SequenceClassifier("ab", "gru", hidden_size=H[0], seed=0)
texts = ["a", "ab", "abba", "bab", "bbb"]
points = automata.collect(network, texts)
lisor = automata.LISOR(3).fit(network, texts)
machine = lisor.automaton_

assert points.features.shape == (sum(map(len, texts)), H[0])  # a point for each symbol read
assert machine.alphabet == ("a", "b") and machine.start == lisor.n_clusters == 3
assert machine.table.shape == (machine.n_states, 2) and machine.accepting.shape == (machine.n_states,)
assert lisor.transition_counts_.shape == (3 + 1, 2, 3)
assert lisor.transition_counts_[3].sum() == len(texts)  # each word leaves the start once
assert lisor.transition_counts_.sum() == len(points)
state = machine.start
for symbol in "abba":
    state = machine.table[state, machine.alphabet.index(symbol)]
assert machine.accepts(["abba"])[0] == machine.accepting[state]
print("walking the table by hand and `accepts` agree; every symbol read is counted once")

# %% [markdown]
# Two accuracies of an automaton are never mixed up with each other, nor with a third number:
#
# | name | meaning | in code |
# |---|---|---|
# | accuracy | share of words on which the table alone is right | `score(...).table` |
# | state accuracy | the same for the cluster of the network's last state | `score(...).state` |
# | faithfulness | share of words on which table and *network* agree | `lisor.faithfulness(words)` |

# %%
labels = network.predict(texts)  # the network's own verdicts as the truth: now the two coincide
assert lisor.score(texts, labels).table == lisor.faithfulness(texts)
print("with the network's verdicts as labels, accuracy is faithfulness")

# %% [markdown]
# ## Coarse graining
#
# A picture is a grid of *sites*, and a site carries a vector of numbers; of a grey picture, one. A step turns
# each block of sites into one site, by a polynomial. Images come as `(batch, channels, rows, columns)`;
# inside the network the channels are last.
#
# | symbol | meaning | shape | in code |
# |---|---|---|---|
# | $c$ | numbers of a site | | `config.channels`, one a level |
# | $n$ | numbers of a block | block² $c$ | `layer.inputs` |
# | $u$ | the block itself | $(B, \text{rows}, \text{columns}, n)$ | `neighbourhoods(maps, block, stride)` |
# | $b$, $W^{(1)}$ | constant and linear coefficients | $c'$, $c' \times n$ | `layer.coefficients()[:2]` |
# | $W^{(2)}$ | quadratic ones, symmetric | $c' \times n \times n$ | `layer.coefficients()[2]` |
# | $A$, $B$ | linear forms that are multiplied | $n \times r$ each | `layer.lines2` |
# | $C$ | how $r$ products are mixed | $r \times c'$ | `layer.mix2` |
# | $L$, $k$ | levels, and the order of a step | | `len(config.channels)`, `config.order` |
# | $k^L$ | degree of a logit in the pixels | | `config.degree` |
# | $t$ | the variable of a power series | | first axis of `Series.terms` |
# | | parts of the logits of order 0, 1, 2, ... | $(B, k^L + 1, \text{classes})$ | `orders(net, images)` |

# %%
from hsrnn import coarse

config = coarse.TaylorNetConfig(image=(1, 8, 8), channels=(3, 4, 5), norm="none")
network = coarse.TaylorNet(config).eval()
pictures = torch.rand(B, 1, 8, 8, generator=torch.Generator().manual_seed(0))
sites = network.coarse(pictures)
assert [tuple(level.shape) for level in sites] == [(B, 8, 8, 1), (B, 4, 4, 3), (B, 2, 2, 4), (B, 1, 1, 5)]
step = network.levels[1].steps[0]
n, rank = 4 * 3, step.rank
assert step.inputs == n and coarse.neighbourhoods(sites[1], 2, 2).shape == (B, 2, 2, n)
assert [tuple(part.shape) for part in step.coefficients()] == [(4,), (4, n), (4, n, n)]
assert step.lines2.shape == (n, 2 * rank) and step.mix2.shape == (rank, 4)
parts = coarse.orders(network, pictures)
assert parts.shape == (B, config.degree + 1, 10) and config.degree == config.order**3
assert torch.allclose(parts.sum(1), network(pictures), atol=1e-4)
print("every shape as in the table, and the orders add up to the logits")

# %% [markdown]
# ## Merges
#
# A picture is a graph of its regions. A batch of graphs is one graph without edges between its parts, so
# tensors begin with `nodes`, `edges` or `pairs` (every edge in both directions) in place of a batch.
#
# | symbol | meaning | shape or range | in code |
# | --- | --- | --- | --- |
# | $R_i$ | the pixels of node $i$ | $\lvert R_i\rvert$ of them | `parts.map == i`, `graph.sizes` |
# | $V, E$ | nodes and edges | | `graph.nodes`, `graph.edges` $(2, E)$ |
# | $N(i)$ | neighbours of node $i$ | $\lvert N(i)\rvert$ of them | `graph.degree` |
# | $f_i$ | feature of a node, its input | $(V, \text{features})$ | `parts.pool(map)` |
# | $h_i, m_i$ | hidden state and memory | $(V, H)$ | `state.hidden`, `state.memory` |
# | $q_j$ | 1 if $j$ was visited before $i$ | $(2E)$ | `plan.fresh` |
# | | wave in which a node is updated | $(V)$ | `plan.depth` |
# | $g^u, g^o, g^c$ | input, output and memory gate | $(V, H)$ | rows of `layer.input`, `layer.own` |
# | $g^f_{ij}$ | adaptive forget gate of a pair | $(2E, H)$ | second result of `layer(...)` |
# | $p_{ij}$ | merging probability of an edge | $(E)$, in $(0, 1)$ | `evolving.MergeScore` |
# | $G^{(0)}, G^{(1)}, \ldots$ | levels, each coarser | | `tree.graphs` |
#
# The paper writes both states of a node with the layer as an index; here they are the state before and the
# state after a layer.

# %%
from hsrnn import evolving

parts = evolving.from_map([[0, 0, 1], [2, 2, 1]])
V, E, wide = parts.graph.nodes, parts.graph.edges.shape[1], 7
layer = evolving.GraphLSTM(wide, H[0], generator=torch.Generator().manual_seed(0))
plan = evolving.schedule(parts.graph, torch.tensor([1, 0, 2]))  # node 1 first
features = parts.pool(torch.rand(1, wide, 2, 3, generator=torch.Generator().manual_seed(1)))
after, pair_gates = layer(features, parts.graph, plan)
assert (V, E) == (3, 3) and features.shape == (V, wide) and parts.graph.degree.tolist() == [2, 2, 2]
assert after.hidden.shape == after.memory.shape == (V, H[0]) and pair_gates.shape == (2 * E, H[0])
assert plan.fresh.shape == (2 * E,) and plan.depth.tolist() == [1, 0, 2]
score = evolving.MergeScore(H[0], generator=torch.Generator().manual_seed(2))
merging = score(pair_gates)
assert merging.shape == (E,) and 0 < merging.min() < merging.max() < 1
tree = evolving.Hierarchy.start(parts.graph)
tree = tree.grown(torch.tensor([0, 1, 0]), merging, evolving.MergeLog.empty())
assert [graph.nodes for graph in tree.graphs] == [3, 2]
print("three regions, three edges, three waves; two of them merged: every shape as in the table")

# %% [markdown]
# ## Sketches
#
# An **object** is what a module made of its inputs; a **tree** of objects is what a network understood.
#
# | symbol | meaning | shape or range | in code |
# | --- | --- | --- | --- |
# | $d$ | dimension of a sketch | at least 1 | `mechanism.dimension` |
# | $s$ | a sketch | $d$ numbers | `sketcher.encode(forest)` |
# | $x$ | attributes of an object | $a$ numbers, length at most 1 | `object.attributes` |
# | $w$ | effective weight, the product of weights on the way to the top | $(0, 1]$ | `forest.effective` |
# | $h$ | depth of an object, 0 for the top | at least 0 | `forest.depth` |
# | $R$ | a random matrix | $d \times d$ | `Haar`, `Hadamard`, `BlockSparse` |
# | $T(R)$ | the transparent matrix $(I + R)/2$ | $d \times d$ | `Transparent(R)` |
# | $f$ | kept share of the coordinates | $(0, 1]$ | `erased.fraction` |
# | $b, q$ | length of a block, chance that it is not 0 | | `BlockSparse(block=b, density=q)` |
#
# In the chapters on learning matrices $s$ is, as in the literature, the number of active columns.

# %%
from hsrnn import sketches

part = sketches.Object("part", torch.tensor([0.6, 0.8]))
whole = sketches.Object("whole", torch.tensor([1.0]), (part,), (0.5,))
forest = sketches.Forest.of([whole])
mechanism = sketches.Mechanism({"part": 2, "whole": 1}, dimension=64)
sketch = sketches.Sketcher(mechanism).encode(forest)
assert sketch.shape == (1, mechanism.dimension)
assert forest.effective.tolist() == [0.5, 1.0] and forest.depth.tolist() == [1, 0]
assert sketches.erase(sketch, 16).fraction == 0.25
print("a tree of two objects, its weights and depths, and a quarter of its sketch")

# %% [markdown]
# ## Units
#
# - **Nats** measure information with the natural logarithm. Losses are in nats *per symbol*, handwriting
#   will be in nats *per sequence*.
# - **Bits per character** (BPC) are nats per symbol divided by $\ln 2$. Guessing all $K$ symbols alike
#   costs $\log_2 K$ bits per character; a perfect prediction costs 0.
# - **Rates** are shares of all letters, in $[0, 1]$: a boundary rate of 0.2 is one boundary in five
#   letters.
# - **Precision, recall, F1** compare boundaries with the true ones letter by letter; a word's true
#   boundary is its last letter.

# %%
targets = codes.roll(-1, dims=1)
nats = F.cross_entropy(torch.zeros(B * T, K), targets.flatten()).item()  # all alike
assert math.isclose(nats, math.log(K), rel_tol=1e-6)
bits = nats / math.log(2)
print(f"{K} symbols guessed alike: {nats:.3f} nats = {bits:.3f} bits per character")

loss, _, _ = model.loss(codes, targets)
by_hand = -output.logits.log_softmax(2).gather(2, targets[:, :, None]).mean()
assert math.isclose(loss.item(), by_hand.item(), rel_tol=1e-5)
