# %% [markdown]
# # One vector
#
# **A network looked into a room and understood it: four digits, which ones, how they are written, where
# they lie. Can one vector of fixed length keep all of that, and give it back when somebody asks?**
#
# A network of modules makes *objects*: one module finds strokes, another makes digits of strokes, a third
# makes a scene of digits. What is known about an object stands in its attribute vector. To keep it, one
# could write a list. Ghazi, Panigrahy and Wang ([2019](https://arxiv.org/abs/1905.12730)) propose
# something else, a **sketch**: rotate every attribute vector by a random matrix that belongs to its
# module, and add everything up. The sum has the same length whatever was in the room. It can be added to
# other sketches, compared with them, cut short, and read without deciding beforehand what will be asked.
#
# We could not read the body of the paper. What follows is a reconstruction from its abstract and slides:
# an empirical study of the idea, not a reproduction. In this chapter: one level by hand in four
# dimensions, why reading back works and how badly, and then a room, seen by a trained network, in one
# vector.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## By hand, in four dimensions
#
# Two modules, *cat* and *wall*, have each found one object. Attributes are not negative and have length at
# most 1, say
#
# $$
# x_{\text{cat}} = (0.6,\ 0.8,\ 0,\ 0), \qquad x_{\text{wall}} = (0,\ 0.6,\ 0,\ 0.8).
# $$
#
# Each module owns a matrix, drawn once: a random rotation $R_M$, so that $R_M^\top R_M = I$. The sketch
# of the room is the weighted sum
#
# $$
# s = w_{\text{cat}} R_{\text{cat}}\, x_{\text{cat}} + w_{\text{wall}} R_{\text{wall}}\, x_{\text{wall}},
# \qquad w_{\text{cat}} = w_{\text{wall}} = \tfrac12 .
# $$

# %%
import inspect
from textwrap import dedent

import numpy as np
import torch
from IPython.display import Markdown, display

from hsrnn import datasets, exercises, figures, sketches
from hsrnn.experiments import sketches_scenes

torch.set_num_threads(1)  # networks this small run fastest on one thread
x = {"cat": np.array([0.6, 0.8, 0, 0]), "wall": np.array([0, 0.6, 0, 0.8])}
draws = np.random.default_rng(1)
R = {name: np.linalg.qr(draws.standard_normal((4, 4)))[0] for name in x}
s = 0.5 * R["cat"] @ x["cat"] + 0.5 * R["wall"] @ x["wall"]
print("sketch:", s.round(3))
assert np.allclose(R["cat"].T @ R["cat"], np.eye(4))

# %% [markdown]
# Was there a cat, and which? Rotate back by the cat's matrix and divide by the weight:
#
# $$
# \hat x_{\text{cat}} = \frac{1}{w_{\text{cat}}} R_{\text{cat}}^\top s
# = x_{\text{cat}} + \underbrace{\frac{w_{\text{wall}}}{w_{\text{cat}}}
#   R_{\text{cat}}^\top R_{\text{wall}}\, x_{\text{wall}}}_{\text{the wall, rotated at random}} .
# $$
#
# The cat comes back. So does the wall, as a vector of full length in a random direction. In four
# dimensions that is a disaster.

# %%
estimate = R["cat"].T @ s / 0.5
wall_inside = R["cat"].T @ R["wall"] @ x["wall"]
print("cat      :", x["cat"])
print("read back:", estimate.round(2))
length = np.linalg.norm(wall_inside)
print("the wall :", wall_inside.round(2), f"of length {length:.3f}")
assert np.allclose(estimate, x["cat"] + wall_inside)

# %% [markdown]
# The same by the package. A `Mechanism` fixes everything about a sketch: the modules and how many
# attributes each has, the dimension $d$, a seed for all matrices. This simplest form, without anything
# that deeper trees need, is called *prototype A* there. We take its matrices, repeat the sum by hand and
# compare.

# %%
sizes = {"cat": 4, "wall": 4}
haar = sketches.Family("haar")
mechanism = sketches.Mechanism.prototype_a(
    sizes, dimension=4, seed=1, family=haar
)
objects = [
    sketches.Object(name, torch.tensor(vector)) for name, vector in x.items()
]
room = sketches.overall(objects)
by_package = sketches.Sketcher(mechanism, dtype=torch.float64).encode([room])[0]

matrices, by_hand = mechanism.matrices(), 0
for name, vector in x.items():
    rotation = matrices.operator(name, "attributes")(
        torch.eye(4, dtype=torch.float64)
    )
    by_hand = by_hand + 0.5 * torch.from_numpy(vector) @ rotation
print("package:", *(f"{v:6.3f}" for v in by_package))
torch.testing.assert_close(by_hand, by_package)
print("by hand it is the same")

# %% [markdown]
# ## Why length helps
#
# A random direction in $d$ dimensions has no room to be large anywhere: a vector of length 1 has entries
# of about $1/\sqrt d$. Nothing else changes if we give the same attributes to matrices of more dimensions
# (fill up with zeros). The cat comes back exactly; the wall is spread over $d$ coordinates. So the
# expected error of a coordinate is
#
# $$
# \text{error} \approx \frac{|s|}{w \sqrt d},
# $$
#
# and the package gives that number beside every answer, computed from the sketch alone. Let us measure
# it, twenty seeds for each $d$.

# %%
dimensions, seeds = [64, 256, 1024, 4096], range(20)
measured, predicted = [], []
for d in dimensions:
    errors, bars = [], []
    for seed in seeds:
        own = sketches.Mechanism.prototype_a(sizes, dimension=d, seed=seed)
        decoder = sketches.Decoder(own)
        read = decoder.project(
            decoder.sketcher.encode([room]), "cat", weight=0.5, depth=1
        )
        errors.append(
            float((read.value[0] - torch.tensor(x["cat"])).square().mean())
        )
        bars.append(float(read.error[0, 0]) ** 2)
    measured.append(np.sqrt(np.mean(errors)))
    predicted.append(np.sqrt(np.mean(bars)))
slope = np.polyfit(np.log(dimensions), np.log(measured), 1)[0]
assert abs(slope + 0.5) < 0.1 and np.allclose(measured, predicted, rtol=0.35)

# %% tags=["nbval-ignore-output"]
print(f"slope {slope:.3f}, expected -0.5")
words = dict(
    x="dimension d", y="error of a coordinate", title="Reading the cat back"
)
figures.plot_by_size(
    dimensions, {"measured": measured}, lines={"predicted": predicted}, **words
)

# %% [markdown]
# The dashed line is a little high, because $|s|$ counts the cat itself, which does not disturb. Four times
# the length, half the error. That is slow, and it will be the theme of this room: projection is
# simple and needs to know nothing, and it pays for that.
#
# ## Counting
#
# Three cats and a wall: rotating back by the cat's matrix gives the *sum* of the three attribute vectors.
# How many were there? To make that readable every object also leaves a marker, the first unit vector
# $e_1$ under a second matrix of its module (*prototype B*):
#
# $$
# s = \sum_i w_i \left( \tfrac12 R_{M,1}\, x_i + \tfrac12 R_{M,2}\, e_1 \right).
# $$
#
# Markers of one module all point the same way, so they add up to a count.

# %%
cat = lambda first: sketches.Object("cat", torch.tensor([first, 0.8, 0.0, 0.0]))
wall = sketches.Object("wall", torch.tensor([0.0, 0.6, 0.0, 0.8]))
crowd = sketches.overall([cat(0.6), cat(0.1), cat(0.3), wall])

counting = sketches.Decoder(
    sketches.Mechanism.prototype_b(sizes, dimension=4096)
)
vector = counting.sketcher.encode([crowd])
for module in sizes:
    count = counting.count(vector, module, weight=1 / 4, depth=1)
    print(f"{module:5} {float(count.value):5.2f} ± {float(count.error):.2f}")
    assert abs(float(count.value) - (3 if module == "cat" else 1)) < 0.5
total = counting.project(vector, "cat", weight=1 / 4, depth=1)
expected = torch.tensor([1.0, 2.4, 0.0, 0.0])
print("sum of the cats:", *(f"{v:.2f}" for v in total.value[0]))
assert float((total.value[0] - expected).abs().max()) < 4 * float(total.error)

# %% [markdown]
# ## A real room
#
# Cats of four numbers are no understanding. The data set `scenes` shows rooms with one to four handwritten
# digits, real ones from scikit-learn. A small network has been trained on such rooms (in less than a
# minute, with digits that do not occur below). A *locator* says where to look; then three kinds of
# modules make objects:
#
# - the **stroke** module takes a quarter of a window, 4 × 4 points, and gives 10 numbers;
# - the **digit** module takes four strokes and the place and gives 20: a probability for each of the ten
#   digits, 8 numbers on how it is written, and its row and column;
# - the **scene** module takes the digits and gives 10: which of six rooms, what time of day.

# %%
network = sketches_scenes.load_network()
scenes = datasets.load("scenes", train=1, valid=1, days=4)
year = scenes.test
images = sketches_scenes.images_of(year)
places = network.locate(images)
different = lambda k: len(set(year.labels[k, :3])) == year.counts[k] == 3
shown = [k for k in range(len(year)) if different(k)][:4]
corners = [
    torch.stack([places.rows[k], places.columns[k]], 1)[: places.counts[k]]
    for k in shown
]
titles = [f"{datasets.ROOMS[year.room[k]]}, {year.hour[k]} h" for k in shown]
figures.plot_rooms(year.images[shown], titles, [c.numpy() for c in corners])

# %% [markdown]
# A *recorder* watches the network run and turns the pass into a tree of objects: it follows each module's
# output back to the outputs it was made from. Nothing in the network has to know about sketches. Here is
# the tree of the first of these rooms, strokes left out.

# %%
trees = sketches.record_scenes(network, images)
k = shown[0]
(scene,) = trees[k].inputs
told = lambda digit: sketches.digits_read(digit.attributes)
rooms, periods = sketches.scenes_read(scene.attributes, network.sizes)
guess = (
    datasets.ROOMS[int(rooms.argmax())],
    datasets.PERIODS[int(periods.argmax())],
)
print("scene: probably", *guess)
for digit, label in zip(scene.inputs, year.labels[k]):
    best = int(told(digit).classes.argmax())
    row, column = (24 * told(digit).place).round().int().tolist()
    at = f"at row {row}, column {column}"
    print(f"  digit: {best} (truth {label}), {at}, {len(digit.inputs)} strokes")

# %% [markdown]
# Attributes are not negative and no longer than 1: the network was built that way. Why not negative? Two
# sketches that both hold a cat should be *more* alike for it, and with signs the inner product of the two
# cats could cancel.
#
# ## Its sketch
#
# A stroke is three levels down, and deeper trees need one more idea than rotating and adding, so that an
# object can be found without knowing in what it was contained: every step up passes a part of the vector
# unchanged, $T(R) = (I + R)/2$. [The next chapter](02-recursion.ipynb) is about nothing else. Here is the
# whole recursion from the package: an object's sketch is made from its own attributes and from the
# sketches of its inputs.

# %%
code = dedent(inspect.getsource(sketches.Recursion.object_sketch))
display(Markdown(f"```python\n{code}```"))

# %%
mechanism = sketches_scenes.mechanism_of(network, dimension=1024, seed=0)
sketcher = sketches.Sketcher(mechanism)
vector = sketcher.encode([trees[k]])
plain = sketches.Vectors(mechanism).object_sketch(trees[k])
torch.testing.assert_close(vector[0].double(), plain, atol=1e-7, rtol=0)
of_tree = sketches.Forest.of([trees[k]]).attributes
numbers = sum(vectors.numel() for vectors in of_tree.values())
print(f"{numbers} attributes of 16 objects in {vector.shape[1]} coordinates")
print("the batched code and the plain recursion agree")

# %% tags=["nbval-ignore-output"]
figures.plot_vector(
    vector[0].numpy(), "What the network understood of the room"
)

# %% [markdown]
# ## Getting it back
#
# First by projection, as above: rotate back by the digit module's matrix and divide by what the recursion
# leaves of it. All objects have known weights, so the divisor is known too; and so is the error.

# %%
decoder = sketches.Decoder(sketcher)
read = decoder.project(vector, "digit", weight=1 / 3, depth=2)
scale = 1 / decoder.gain("attributes", 1 / 3, 2)
print(f"the answer is multiplied by {scale:,.0f}")
print(f"its expected error is {float(read.error):.0f}")
print("a digit's attributes lie between 0 and 1")
assert float(read.error) > 5

# %% [markdown]
# Useless: at two levels below the top the noise is amplified by thousands, and with this decoder no vector
# of any practical length would do. But projection does not use everything that is known. For a known tree
# the sketch is *linear* in all attributes together,
#
# $$
# s = A\,x + m ,
# $$
#
# with one column of $A$ for every attribute of every object, and $m$ for the markers. As long as there are
# no more attributes than coordinates, **least squares** finds them exactly. Two derivations: the package's
# general solver, and the matrix written out and inverted.

# %%
shape = sketches.scene_tree(network.sizes, 3)  # three digits, unknown
solution = sketches.least_squares(decoder, vector, shape)
digits = solution.attributes["digit"].value
strokes = solution.attributes["stroke"].value

written = sketches.WrittenOut(sketcher, shape)
again = written.split(written.solve(vector))
torch.testing.assert_close(again["digit"][0], digits, atol=1e-4, rtol=0)
truth = torch.stack([digit.attributes for digit in scene.inputs])
error = float((digits - truth).abs().max())
print(f"{written.numbers} unknowns, {vector.shape[1]} equations")
print("largest error under 0.001")
assert error < 1e-3

# %% [markdown]
# What did the digits look like? The stroke module was trained to give its quarter back, so attributes that
# come out of the vector can be drawn. First row: the windows the network saw. Second: drawn from the
# strokes that were read out of the sketch. Third: drawn from the digit's own 18 numbers, what was kept one
# level up.

# %% tags=["nbval-ignore-output"]
at = places.rows[k : k + 1, :3], places.columns[k : k + 1, :3]
seen = network.windows(images[k : k + 1], *at)
from_strokes = network.picture_of_strokes(strokes.float().view(3, 4, -1))
from_digits = network.picture_of_digit(digits.float())
drawn = {
    "seen": seen,
    "from strokes": from_strokes,
    "from the digit": from_digits,
}
figures.plot_windows(
    {n: p.numpy() for n, p in drawn.items()}, ["first", "second", "third"]
)

# %%
of_network = torch.stack(
    [stroke.attributes for d in scene.inputs for stroke in d.inputs]
)
kept = network.picture_of_strokes(of_network.view(3, 4, -1))
assert float((from_strokes - kept).abs().max()) < 0.01
print("drawn from the sketch = drawn from the network's own strokes")

# %% [markdown]
# The blur is the network's, not the sketch's: a quarter of 16 points has become 10 numbers. And if the
# number of digits is not known? There are only four shapes of trees. Try all; the right one leaves nothing
# unexplained.

# %%
for count in (1, 2, 3, 4):
    candidate = sketches.WrittenOut(
        sketcher, sketches.scene_tree(network.sizes, count)
    )
    left = float(candidate.residual(vector) / vector.norm())
    share = "under 0.001 %" if left < 1e-5 else f"{left:.1%}"
    print(f"{count} digits: {share} unexplained")
    assert (left < 1e-5) == (count == 3)

# %% [markdown]
# ## What it costs
#
# The list of the attributes is shorter than the sketch, and it stays shorter: a vector of $d$ numbers
# cannot hold more than $d$ numbers. Whoever wants a room back exactly should write a list.

# %%
for name, size in (
    ("sketch, float32", 4 * 1024),
    ("attributes, float32", 4 * numbers),
):
    print(f"{name:20} {size:5} bytes")
print(f"{'picture, one byte each':20} {32 * 32:3} bytes")

# %% [markdown]
# So what is a sketch for? It has one length for every room, so a million of them is a matrix. Two can be
# added, and the sum still answers. Two can be compared by an inner product, without being read. Half of it
# can be lost. Which of these is worth the price is the question of [chapter 3](03-memory.ipynb), on a whole
# year of rooms.
#
# ## What the paper says, and what we have seen
#
# | the paper says (abstract) | here |
# |---|---|
# | a sketch records the objects a network found, with attributes | a scene of 16 objects in 1,024 numbers |
# | attributes are recoverable, up to noise | one level: the noise falls as $1/\sqrt d$, measured |
# | counts can be read | markers: three cats, one wall |
# | it works for a hierarchy | by projection not at this depth and length; by least squares exactly |
#
# **Open questions.** Least squares needs the tree's shape. We tried four; what if there are a million? And
# the error of projection falls so slowly: is there a decoder between the two, that knows nothing of the
# tree and still uses more than one matrix?
#
# ## Exercises
#
# ### 1. The sum
#
# Write a function of `vectors` `(k, d)`, `weights` `(k,)` and `matrices` `(k, d, d)` that returns the
# sketch $\sum_i w_i R_i x_i$ as an array `(d,)`.

# %%
sketch_of = ...  # your function of vectors, weights and matrices
solved = exercises.check("sketches.01.1", sketch_of)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(vectors, weights, matrices):
    return sum(
        w * matrix @ x for w, matrix, x in zip(weights, matrices, vectors)
    )


assert exercises.check("sketches.01.1", solution)

# %% [markdown]
# ### 2. An answer with its error
#
# Write a function of a sketch `s` `(d,)`, the weight `w` of an object and its module's `matrix` `(d, d)`.
# It returns two things: the estimate of the object's attributes, and the error to be expected of a
# coordinate.

# %%
read_out = ...  # your function of s, w and matrix
solved = exercises.check("sketches.01.2", read_out)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(s, w, matrix):
    return matrix.T @ s / w, np.linalg.norm(s) / (w * np.sqrt(len(s)))


assert exercises.check("sketches.01.2", solution)

# %% [markdown]
# ### 3. How long must it be?
#
# In prototype B, $k$ objects of weight $1/k$, each with attributes of length 1, give a sketch of length
# about $1/\sqrt{2k}$, and reading divides by $1/(2k)$. So the error of a coordinate is $\sqrt{2k/d}$.
# Write a function of `k` and `error` that returns the smallest power of two $d$ with an error of at most
# `error`.

# %%
dimension = ...  # your function of k and error
solved = exercises.check("sketches.01.3", dimension)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(k, error):
    d = 1
    while np.sqrt(2 * k / d) > error:
        d *= 2
    return d


assert exercises.check("sketches.01.3", solution)
