# %% [markdown]
# # Parsing: superpixels become parts
#
# **Head, torso, upper arm, lower leg. Can a network that is only asked for the part of every pixel build
# the regions itself, from two hundred scraps to a few dozen pieces, and can one watch it do so?**
#
# All pieces are on the table: [superpixels](01-superpixels-and-graphs.ipynb),
# [Graph LSTM](02-graph-lstm.ipynb), [merging](03-merging.ipynb). This chapter puts them together. A network
# is trained here, in less than a minute, on drawings of people and animals; a larger one has been trained
# before and is loaded. Then we look: level by level, region by region, at drawings, and at photographs of
# things that it has never seen.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## From many levels, one answer
#
# A region at level 2 holds several superpixels. It has one hidden state, and all of its superpixels share
# it. But an answer is wanted for every superpixel, and at every level there is something to say. How do we
# read an answer from all of them?
#
# Three superpixels by hand. The first two merge, and above them there is one level more. Hidden states have
# one number each, so that we can add in our heads.

# %%
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from hsrnn import datasets, evolving, exercises, figures, ledger
from hsrnn.experiments.evolving_figure import level_maps, merges_figure, parse
from hsrnn.experiments.evolving_network import examples_of, load_network

torch.set_num_threads(1)  # networks this small run fastest on one thread
feature = [0.5, 0.1, -0.2]  # one for each superpixel
below = [1.0, 2.0, 3.0]  # hidden states of level 0, one for each superpixel
above = [10.0, 20.0]  # of level 1: superpixels 0 and 1 together, and 2 alone
groups = [0, 0, 1]
for i in range(3):
    terms = feature[i], below[i], above[groups[i]]
    print(f"superpixel {i}:", *terms, f"add up to {sum(terms):.1f}")

# %% [markdown]
# Every superpixel follows its own line upward, and what stands on it is added. With $a_k(i)$ for the node of
# level $k$ that superpixel $i$ has become part of,
#
# $$
# z_i = f_i + \sum_{k=0}^{K-1} h^{(k)}_{a_k(i)} ,
# $$
#
# and a linear map of $z_i$ gives the scores of the classes. The first levels can tell a superpixel from its
# neighbour; the last know what a whole region looks like. On a fixed graph, where nobody merges, $a_k(i) = i$
# and the sum is the stream of residual connections in Graph LSTM. The package keeps the lines of
# descent in a `Hierarchy`; `spread` carries a level's values down.

# %%
line = evolving.graph_from_edges(3, [[0, 1], [1, 2]])
tree = evolving.Hierarchy.start(line)
nothing = evolving.MergeLog.empty()
tree = tree.grown(torch.tensor(groups), torch.ones(2), nothing)
column = lambda values: torch.tensor(values)[:, None]
z = column(feature)
for level, hidden in enumerate((below, above)):
    z = z + tree.spread(column(hidden), level)
assert torch.allclose(z[:, 0], torch.tensor([11.5, 12.1, 22.8]))
print("by the package:", *(round(value, 1) for value in z[:, 0].tolist()))

# %% [markdown]
# How the papers' network fuses its levels we do not know; this sum is ours, and so is that each level has
# weights of its own.
#
# ## The whole network
#
# 1. A small convolutional network of the shape of a U turns the picture into a feature map, and into a first
#    guess of every pixel's class, the *confidences*.
# 2. Both are averaged over superpixels. The confidences give the order of the nodes.
# 3. For each level: one layer of Graph LSTM along the order; merging probabilities from its gates; proposals
#    until one is accepted; averages over what has merged.
# 4. $z_i$, classes of superpixels, and every pixel takes the class of its superpixel.
#
# Step 3 in the package. It is the middle of `Parser.nodes`; the branches are for variants and controls.

# %%
import inspect

source = inspect.getsource(evolving.Parser.nodes).splitlines()
first = next(k for k, text in enumerate(source) if "plan = schedule" in text)
last = next(k for k, text in enumerate(source) if "tree = tree.grown" in text)
for text in source[first : last + 1]:
    print(text.removeprefix("            "))

# %% [markdown]
# With one level there is nothing to merge, and the network must be plain Graph LSTM with one layer. Same
# seed, same weights, same order: same answer.

# %%
drawn = datasets.load("figures", size=32, train=240, valid=1, test=40)
classes = len(drawn.classes)
sets = {
    name: evolving.examples(split.images, split.labels, 150)
    for name, split in (("train", drawn.train), ("test", drawn.test))
}
some = sets["test"].batch(torch.arange(4))
shape = dict(classes=classes, levels=1, order="confidence")
answers = [
    evolving.Parser(evolving.ParserConfig(kind=kind, **shape)).eval()(
        some.images, some.parts
    )
    for kind in ("evolving", "graph-lstm")
]
assert torch.equal(answers[0].logits, answers[1].logits)
print(f"{len(answers[0].logits)} superpixels: equal to the last bit")

# %% [markdown]
# ## A loss, counted twice
#
# The loss is the cross-entropy of all pixels. A picture of 32 by 32 has 1,024 of them but far fewer regions,
# and all pixels of a region get the same logits. So with $n_{ic}$ for the number of pixels of class $c$ in
# region $i$,
#
# $$
# L = -\frac{1}{N} \sum_{\text{pixels}} \log p(\text{label})
#   = -\frac{1}{N} \sum_i \sum_c n_{ic} \log p_{ic} .
# $$
#
# The network computes the right-hand side. The left-hand side, for the same untrained network:

# %%
counts = some.parts.histogram(some.labels, classes)
with torch.no_grad():
    output = answers[0]
    by_region = -(counts * output.logits.log_softmax(1)).sum() / counts.sum()
    by_pixel = F.cross_entropy(some.parts.spread(output.logits), some.labels)
assert torch.isclose(by_region, by_pixel)
print(f"by regions {by_region:.5f}, by pixels {by_pixel:.5f} nats a pixel")

# %% [markdown]
# Two more losses are added: cross-entropy of the confidences, and squared error of the merging probabilities.
#
# ## Train one
#
# In two stages, as in the papers: first what works on pixels, then everything. Their first stage began with
# a network that had seen a million photographs. Ours begins with nothing, on 160 drawings of 32 by 32
# pixels.


# %%
def two_stages(config):
    on_pixels = replace(config, kind="backbone", levels=1, hidden=4)
    pixels = evolving.Parser(on_pixels)
    stage = evolving.TrainingConfig(epochs=12, learning_rate=6e-3)
    evolving.train(pixels, sets["train"], stage, progress=False)
    network = evolving.Parser(config)
    network.backbone.load_state_dict(pixels.backbone.state_dict())
    network.confidence.load_state_dict(pixels.confidence.state_dict())
    stage = evolving.TrainingConfig(epochs=4, learning_rate=4e-3)
    log = evolving.train(network, sets["train"], stage, progress=False)
    return network, log


config = evolving.ParserConfig(classes, levels=3, width=10, hidden=24)
small, log = two_stages(config)

# %% tags=["nbval-ignore-output"]
for row in log:
    print(
        f"epoch {row['epoch']}: loss of pixels {row['parsing']:.2f}, "
        f"of probabilities {row['merging']:.3f}"
    )
found = evolving.evaluate(small, sets["test"])
share = float((sets["test"].labels == 0).float().mean())
right, iou = found.score.accuracy, found.score.mean_iou
print(f"\nright pixels {right:.1%}; background alone {share:.1%}")
print(f"mIoU {iou:.2f}; background alone {share / classes:.2f}")
print(f"the superpixels allow {found.ceiling.mean_iou:.2f}")
assert log[-1]["parsing"] < 0.9 * log[0]["parsing"]
assert iou > 1.2 * share / classes

# %% [markdown]
# It has begun to see. Never read an mIoU here without the line under it: no network on these superpixels
# can do better than the ceiling (decision E12), and all tables of this room print it.
#
# ## Load a better one
#
# The checkpoint that ships with the book has five levels and was trained in the same two stages on 1,200
# drawings of 48 by 48 pixels (`python -m hsrnn.experiments.evolving_network` makes it again, in a few
# minutes). Sixty drawings that it has not seen:

# %%
network, names = load_network()
data = datasets.load("figures", size=48, train=1, valid=1, test=60, seed=7)
held_out = examples_of(data.test)
result = evolving.evaluate(network, held_out)

# %% tags=["nbval-ignore-output"]
assert result.score.mean_iou > found.score.mean_iou
rows = [
    (name, f"{own:.2f}", f"{best:.2f}")
    for name, own, best in zip(names, result.score.iou, result.ceiling.iou)
]
means = result.score.mean_iou, result.ceiling.mean_iou
rows.append(("mean", *(f"{mean:.2f}" for mean in means)))
ledger.Table(
    "Intersection over union of each part",
    ("part", "network", "what its superpixels allow"),
    tuple(rows),
    f"60 unseen drawings; {result.score.accuracy:.1%} of the pixels are right.",
)

# %% [markdown]
# Thin parts suffer twice: the network misses them, and the superpixels have swallowed some before it could
# look. And now the levels. *Purity* is the share of pixels with the majority label of their region; the
# ceiling is again the best that anybody could do with these regions.

# %% tags=["nbval-ignore-output"]
rows = [
    (
        str(level),
        f"{row.nodes:.0f}",
        f"{row.purity:.3f}",
        f"{row.ceiling.mean_iou:.2f}",
        f"{row.log.acceptance_rate:.2f}" if len(row.log) else "",
    )
    for level, row in enumerate(result.levels)
]
assert result.score.mean_iou > result.levels[-1].ceiling.mean_iou
header = ("level", "regions", "purity", "best mIoU", "proposals accepted")
ledger.Table("Level by level", header, tuple(rows))

# %% [markdown]
# Three things. A matching at most halves a graph, so five levels cannot go from two hundred superpixels to
# eight parts; they go to a few dozen regions. The network parses *better than its last regions allow*: they
# have swallowed arms that level 0 could still tell apart, and it is the sum over all levels that brings them
# back. A head that reads the last level alone could not do this. And nearly every proposal is accepted. There
# is a reason. An edge of
# probability $p$ comes up with chance $p$, so the edges of a proposal have mean log odds near
#
# $$
# \frac{E\big[\,p \log \tfrac{p}{1 - p}\,\big]}{E[\,p\,]} ,
# $$
#
# which weights sure merges up and doubtful ones down. If most edges lie within one thing, as they do, it is
# positive, and at test time nothing but these odds decides (decision E6). Formula and proposals, on one
# drawing; a matching is not quite a free draw of edges, so they need not be equal.

# %% tags=["nbval-ignore-output"]
output = parse(network, data.test.images[0], 200)
for level, p in enumerate(output.hierarchy.probabilities):
    p = p.double().clamp(1e-6, 1 - 1e-6)
    expected = float((p * p.logit()).sum() / p.sum())
    ratio = float(output.hierarchy.logs[level].transition[-1])
    print(f"level {level}: formula {expected:+.2f}, proposal {ratio:+.2f}")
    assert expected > 0 and ratio > 0

# %% [markdown]
# So what does the rule of Metropolis and Hastings do for this network once it is trained? Almost nothing. It
# is a matching by honest coins.
#
# ## Look

# %% tags=["nbval-ignore-output"]
figures.plot_levels(data.test.images[0], level_maps(output))

# %% [markdown]
# Two drawings, and two photographs that come with scikit-image. Scrub through the levels and point at
# regions. Under the pictures, proposals: the network's own, new matchings, and all sampled edges. Try the
# last at level 0, and see the picture drown.

# %% tags=["nbval-ignore-output"]
shown = {
    f"drawing {k + 1}": {
        "image": data.test.images[k],
        "labels": data.test.labels[k],
        "count": 200,
        "words": "A drawing that the network has not seen.",
    }
    for k in (0, 1)
}
for name in ("astronaut", "cat"):
    shown[name] = {
        "image": datasets.photograph(name, longest=96),
        "count": 300,
        "words": f"Photograph: {datasets.PHOTOGRAPHS[name]}.",
    }
start = {"level": 2, "region": 30, "fill": "photo"}
merges_figure(network, names, shown, state=start)

# %% [markdown]
# ## Outside its world
#
# On photographs the names of the parts mean nothing: the network knows nine classes, and a cat's eye is none
# of them. Are its *merges* worth something there? One can ask without any label. Give each region its mean
# colour; the share of the picture's variance that this keeps says whether like was merged with like. The
# control merges as many regions of each level at random; `random` moves every accepted matching to edges that
# nobody has looked at.


# %%
def kept(image, regions):
    pixels, flat = image.reshape(-1, 3) / 255, regions.ravel()
    sizes = np.bincount(flat)
    means = [np.bincount(flat, pixels[:, c]) / sizes for c in range(3)]
    lost = np.square(pixels - np.stack(means, 1)[flat]).sum()
    return 1 - lost / np.square(pixels - pixels.mean(0)).sum()


def kept_by_level(net, images, count):
    shares = []
    for image in images:
        maps = level_maps(parse(net, image, count)).values()
        shares.append([kept(image, regions) for regions in maps])
    return np.mean(shares, 0)


blind = evolving.Parser(
    replace(network.config, rule=evolving.MergeRule("random"))
).eval()
blind.load_state_dict(network.state_dict())
same_weights = zip(network.parameters(), blind.parameters())
assert all(torch.equal(a, b) for a, b in same_weights)

# %% tags=["nbval-ignore-output"]
photographs = [
    datasets.photograph(name, longest=96) for name in datasets.PHOTOGRAPHS
]
kinds = {
    f"{len(photographs)} photographs": (photographs, 300),
    "12 drawings": (data.test.images[:12], 200),
}
rows = []
for kind, images in kinds.items():
    learned, at_random = (
        kept_by_level(net, *images) for net in (network, blind)
    )
    assert np.isclose(learned[0], at_random[0])
    for level, pair in enumerate(zip(learned, at_random)):
        rows.append((kind, str(level), *(f"{share:.2f}" for share in pair)))
header = ("", "level", "the network", "at random")
title = "Share of the variance of colours that regions keep, mean over pictures"
ledger.Table(title, header, tuple(rows))

# %% [markdown]
# Level 0 is the same for both, since nothing has merged yet. This is one network and one draw, and colour is
# not what it was trained for. Whether learned merging beats random merging *for parsing*, at node counts that
# are equal, with several networks and intervals, is the question that decides, and
# [the verdicts](05-results.ipynb) answer it.
#
# ## Where we depart from the papers
#
# - **Deviation E7:** the head sees the features and the hidden states of *all* levels, added up. Whether the
#   papers' network fuses its levels or reads the last alone, we do not know; `fusion="last"` does the latter.
# - **Deviation E8:** every level has weights of its own; `shared=True` gives all levels one layer.
# - **Deviation E13:** the backbone is trained from nothing. The papers start from networks trained on other
#   pictures, which is worth more than anything in this chapter. Any module can be passed to `Parser` instead.
#
# **Open questions.** A level that may merge three or four neighbours at once, without drowning: would fewer
# levels do? The merging loss asks for equal *labels*, so two legs side by side want to merge; would asking
# for equal *limbs* give better parts? And what would make a rejection worth having at test time, when the
# loss is not known?
#
# ## Exercises
#
# ### 1. The read-out
#
# Write a function of `features` `(superpixels, units)`, `hidden`, a list of `(nodes, units)` for each level,
# and `groups`, a list of `(nodes,)` for each level but the last, that returns $z$ for every superpixel.

# %%
read_out = ...  # your function of features, hidden, groups
solved = exercises.check("evolving.04.1", read_out)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(features, hidden, groups):
    z, at = features + hidden[0], np.arange(len(features))
    for level, states in zip(groups, hidden[1:]):
        at = level[at]
        z = z + states[at]
    return z


assert exercises.check("evolving.04.1", solution)

# %% [markdown]
# ### 2. The loss by regions
#
# Write a function of `logits` `(regions, classes)` and `counts` `(regions, classes)`, the pixels of each
# class in each region, that returns the cross-entropy in nats a pixel. A region may hold no labelled pixel.

# %%
loss = ...  # your function of logits, counts
solved = exercises.check("evolving.04.2", loss)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(logits, counts):
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return -(counts * log_p).sum() / counts.sum()


assert exercises.check("evolving.04.2", solution)

# %% [markdown]
# ### 3. What is inside?
#
# Write a function of `groups`, a list as in exercise 1, and the number of a `region` of the last level that
# returns the superpixels it is made of.

# %%
inside = ...  # your function of groups, region
solved = exercises.check("evolving.04.3", inside)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(groups, region):
    found = [region]
    for level in reversed(groups):
        found = np.flatnonzero(np.isin(level, found))
    return found


assert exercises.check("evolving.04.3", solution)
