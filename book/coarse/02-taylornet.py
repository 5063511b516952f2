# %% [markdown]
# # Reading digits order by order
#
# **Can a polynomial read handwriting, and if so: what do its linear terms know, what its pairs of pixels,
# what its quadruples?**
#
# In the last chapter a `TaylorNet` was a polynomial by construction. Now one is trained, on scikit-learn's
# small scans of real digits, and then taken apart: level by level, order by order, region by region. Since
# the parts add up to the whole exactly, each question of the kind "what if this were missing?" has an
# answer that is computed and not estimated.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## Draw one
#
# Here is such a polynomial, of degree 8 in the 784 pixels of a sheet. It was trained on MNIST
# (`python -m hsrnn.experiments.coarse_shipped`) and runs in this page. Draw a digit, with the pointer or with
# the arrow keys, about as large as the example and in the middle; "Centre" helps. Every bar is one logit, put
# together from orders: grey is the constant, which does not see the ink; order 1 weighs single pixels, order
# 2 pairs of pixels, and so on.

# %%
from hsrnn.experiments.coarse_figure import taylor_orders_figure
from hsrnn.experiments.coarse_shipped import load_taylornet

sheet_net, scale = load_taylornet()
taylor_orders_figure(sheet_net, scale, name="taylor-orders")

# %% [markdown]
# Three things to try. Switch single orders off: which digits survive the loss of order 1, which that of order
# 2? Blank a region: how much did it add to the winning class, and what is the drawing taken for without it?
# Make a level straight, so that it keeps its linear part only. The rest of the page explains what you see, on
# a smaller network that is trained before your eyes.
#
# ## The digits
#
# Each is a grid of 8 × 8 grey values. Here 0 is paper and 1 is ink, so the *image of zeros*, the point that
# our series is expanded at, is an empty sheet. A term with the factor $x_i$ speaks only where there is ink on
# pixel $i$.

# %%
import numpy as np
import torch

from hsrnn import coarse, datasets, exercises, figures

torch.set_num_threads(1)  # networks this small run fastest on one thread
digits = datasets.load("digits")
tensors = lambda part: (
    torch.from_numpy(part.scaled()),
    torch.tensor(part.labels),
)
(images, labels), (test_images, test_labels) = map(
    tensors, (digits.train, digits.test)
)
print(f"{len(images):,} to learn from, {len(test_images):,} to be tested on")
print(
    "shape",
    tuple(images.shape),
    " values",
    images.min().item(),
    "to",
    images.max().item(),
)

# %% [markdown]
# ## Three levels
#
# 8 × 8 pixels become 4 × 4 sites of 12 numbers, 2 × 2 of 16, and one of 24; a linear head gives ten logits.
# Three quadratic levels: a polynomial of degree 8. The quadratic parts are sums of products of linear forms,
# and each level is followed by batch normalisation. Training is the loop in `hsrnn/coarse/train.py`:
# cross-entropy, AdamW, and shifts of the pictures by up to one pixel.

# %%
shape = coarse.TaylorNetConfig(image=(1, 8, 8), channels=(12, 16, 24))
net = coarse.TaylorNet(shape, seed=0)
settings = coarse.TrainingConfig(epochs=25, batch_size=64, shift=1)
log = coarse.train(net, images, labels, settings, seed=0, progress=False)
score = coarse.evaluate(net, test_images, test_labels)
assert score.accuracy > 0.93
print(f"{coarse.parameters(net):,} parameters, degree {shape.degree}")
print("more than 93 % of the test digits are right")

# %% tags=["nbval-ignore-output"]
print(f"{score.accuracy:.1%} right after {log[-1]['seconds']:.0f} s of training")

# %% [markdown]
# ### Beside others of the same size
#
# Four networks with at most as many parameters and the same training: one linear map; ReLU units in a hidden
# layer; a small convolutional network with ReLU and max-pooling; and a *flat* Taylor net, one quadratic step
# over all 64 pixels without any hierarchy. And one classifier that needs no training: ridge regression on all
# squares and products of 20 principal components, in closed form. One seed and a few hundred test digits do
# not decide anything, and the comparison is not even fair: the others have no batch normalisation, and so
# short a training suits it. The comparison with several seeds and with normalisation on and off is made by
# `hsrnn reproduce coarse.taylornet`. Here the question is only whether a polynomial is in the same league.

# %% tags=["nbval-ignore-output"]
accuracy = {"TaylorNet": score.accuracy}
for kind in ("linear", "mlp", "cnn", "flat"):
    other = coarse.baseline(kind, shape.image, 10, coarse.parameters(net), seed=0)
    coarse.train(other, images, labels, settings, seed=0, progress=False)
    accuracy[kind] = coarse.evaluate(other, test_images, test_labels).accuracy
ridge = coarse.quadratic_ridge(20).fit(images.flatten(1).numpy(), labels.numpy())
guesses = ridge.predict(test_images.flatten(1).numpy())
accuracy["quadratic ridge"] = (guesses == test_labels.numpy()).mean()
for name, share in accuracy.items():
    print(f"{name:16} {share:.1%}")
assert accuracy["TaylorNet"] > accuracy["linear"] - 0.02

# %% [markdown]
# ## The coarse pictures
#
# `net.coarse(images)` returns the picture of every level. One digit, and the first numbers of its sites on
# each level: three of 12, four of 16, four of 24. They are normalised, so they share one scale of colours;
# the pixels are smaller.

# %% tags=["nbval-ignore-output"]
which = int((test_labels == 3).nonzero()[0])
digit = test_images[which : which + 1]
with torch.no_grad():
    maps = net.coarse(digit)
shown = {"the digit": maps[0][0, :, :, 0]}
for level, count in ((1, 3), (2, 4), (3, 4)):
    for k in range(count):
        shown[f"level {level}, number {k + 1}"] = maps[level][0, :, :, k]
figures.plot_grids(shown, columns=4)

# %% [markdown]
# Each site of level 1 is a polynomial of 2 × 2 pixels, of level 2 of 4 × 4, and the one site of level 3 has
# seen everything. Nothing was thrown away by choosing a maximum: a site is a *weighting* of what is below and
# of its products.
#
# ## Order by order
#
# Now the split. `coarse.orders` runs the network once, on the power series $x\,t$, and returns for each digit
# an array of orders by classes; order $k$ holds all terms with $k$ factors.

# %%
parts = coarse.orders(net, test_images)  # (batch, orders, classes)
with torch.no_grad():
    logits = net(test_images)
error = (parts.sum(1) - logits).abs().max().item()
print(tuple(parts.shape), "orders add up to the logits:", error < 1e-4)
assert error < 1e-4

# %% [markdown]
# There is a second way to find the parts, without looking inside: make the digit paler. With all ink
# multiplied by $s$, order $k$ is multiplied by $s^k$. So nine shades give nine equations, and their solution
# must be the nine orders. In double precision, at well-chosen shades, it is.

# %%
exact = coarse.TaylorNet(shape).double()
exact.load_state_dict(net.state_dict())
exact.eval()
x = digit.double()
shades = np.cos(np.pi * (np.arange(9) + 0.5) / 9)  # Chebyshev's, between -1 and 1
with torch.no_grad():
    seen = torch.cat([exact(float(s) * x) for s in shades])
solved = np.linalg.solve(np.vander(shades, increasing=True), seen.numpy())
direct = coarse.orders(exact, x)[0].numpy()
assert np.allclose(solved, direct, rtol=1e-6, atol=1e-6)
print("nine shades of one digit give the same nine orders")

# %% [markdown]
# The digit's logits, order by order. Read a column from top to bottom: it adds up to the logit below.

# %% tags=["nbval-ignore-output"]
names = [str(k) for k in range(10)]
figures.plot_orders(parts[which], names, truth=int(test_labels[which]))

# %% [markdown]
# Orders are larger than their sum: they pull against each other. That is so with every series (think of
# $e^{-x}$), and it is a warning. *No single order is "the reason" for a decision.* What one can ask is what
# becomes of the decision without it.
#
# ### Leave out an order

# %% tags=["nbval-ignore-output"]
right = lambda logits: float((logits.argmax(1) == test_labels).float().mean())
whole = parts.sum(1)
up_to = [right(parts[:, : k + 1].sum(1)) for k in range(9)]
without = [right(whole - parts[:, k]) for k in range(9)]
ticks = [str(k) for k in range(9)]
lines = {"orders 0 to k": up_to, "all but order k": without}
figures.plot_shares(lines, ticks, title="Test accuracy", xlabel="k")

# %%
assert abs(up_to[-1] - score.accuracy) < 0.01 and up_to[0] < 0.3
print("order 0, the same for every digit, is a constant guess;")
print("all orders together are the network")

# %% [markdown]
# Order 0 does not see the digit at all. With the others read the two lines together: the first says which
# orders are needed *before* the decision is right, the second how much a single one can be missed.
#
# ## Leave out a region
#
# The same split works for a part of the picture. With `region` and `outside="kept"`, order 0 is what the
# network says when the region is blank, order 1 gathers all terms with exactly one factor from the region,
# and so on; all of them together are what the region contributes, *alone and in company with the rest*.

# %% tags=["nbval-ignore-output"]
corners = {"upper left": (0, 0), "upper right": (0, 4)}
corners |= {"lower left": (4, 0), "lower right": (4, 4)}
for name, (row, column) in corners.items():
    region = torch.zeros(8, 8, dtype=torch.bool)
    region[row : row + 4, column : column + 4] = True
    split = coarse.orders(net, test_images, region=region, outside="kept")
    blank = test_images * ~region
    with torch.no_grad():
        assert torch.allclose(split[:, 0], net(blank), atol=1e-3)
    share = split[which, 1:].sum(0)[int(test_labels[which])]
    print(
        f"{name:12} adds {share:6.1f} to its class; blank: {right(split[:, 0]):.1%}"
    )

# %% [markdown]
# The blanked digits are pictures that the network has never been trained on, so a fall in accuracy measures
# both: what the region knew, and how strange its absence is. The sum over four quarters is not the logit
# either, as terms that join two quarters are counted in both.
#
# ## Leave out a level
#
# A level is made *straight* when its quadratic part is dropped and its linear part kept. The degree falls
# from 8 to 4, whichever level it is; what does the reading lose?

# %%
for level in range(3):
    straight = coarse.straighten(net, level)
    left = coarse.orders(straight, test_images[:20])
    assert left[:, 5:].abs().max() < 1e-3 * left.abs().max()
print("straightened, no order above 4 is left")

# %% tags=["nbval-ignore-output"]
for level in range(3):
    straight = coarse.straighten(net, level)
    kept = coarse.evaluate(straight, test_images, test_labels).accuracy
    print(f"level {level + 1} straight: {kept:.1%} right")

# %% [markdown]
# ## The network of the sheet
#
# It has three levels too, but on a lattice of 32 × 32, so 4 × 4 sites are left under the head. Each has seen
# its own 8 × 8 pixels, and only the *linear* head sees them all. So no term joins two of these regions, and
# a logit is split twice over, by order and by region, with nothing left. That is why the figure can blank a
# region without another look at the network. To check it, we need digits of the size of MNIST's. The 500 test
# digits, enlarged, will do.

# %%
from hsrnn.experiments.coarse_figure import enlarged

large = torch.from_numpy(enlarged(digits.test.scaled()))[:, None]
by_order = coarse.orders(sheet_net, large / scale)
with torch.no_grad():
    whole, nothing = sheet_net(large / scale), sheet_net(0 * large[:1])
places = (torch.arange(28) + 2) // 8  # the sheet lies in the middle
shares = []
for region in range(16):
    inside = 4 * places[:, None] + places == region
    with torch.no_grad():
        shares.append(sheet_net(large * inside / scale) - nothing)
assert torch.allclose(by_order.sum(1), whole, atol=1e-3)
assert torch.allclose(nothing + sum(shares), whole, atol=1e-3)
print("nine orders add up to the logits, and so do sixteen regions")

# %% [markdown]
# Its orders have the size of its logits, so the bars above can be read. That was asked for in training, by
# strong weight decay. Here are the mean sizes over the test digits and classes, for both networks; and what
# the network of the sheet reads when the ink is made paler, by a factor $s$. Then order $k$ shrinks by $s^k$,
# and the balance of the orders, which all training was about, is gone.

# %% tags=["nbval-ignore-output"]
for name, split in (("small", parts), ("sheet", by_order)):
    sizes = " ".join(f"{value:5.1f}" for value in split.abs().mean((0, 2)))
    logit = split.sum(1).abs().mean()
    print(f"{name}: orders 0 to 8 {sizes}; logits {logit:.1f}")
found = {}
for s in (1.0, 0.8, 0.6, 0.4):
    paler = sum(s**k * by_order[:, k] for k in range(9))
    found[s] = right(paler)
    print(f"ink times {s:.1f}: {found[s]:.1%} of the enlarged digits")

# %%
logit = by_order.sum(1).abs().mean()
assert by_order.abs().mean((0, 2)).max() < 3 * logit
assert found[1.0] > 0.75 and found[0.4] < found[1.0] - 0.2
print("no order is three times as large as the logits;")
print("with pale ink the digits are there, but the reading is lost")

# %% [markdown]
# The network of the sheet has never seen scikit-learn's digits, and it shows. Outside the region where its
# examples lie nothing binds a polynomial, and paler ink is outside.
#
# ## Coefficients, one by one
#
# Every coefficient of the polynomial can be asked for. The coefficients of single pixels are the gradient at
# the empty sheet; those of pairs are the Hessian. Both are read off the series, nothing is differentiated.
# Automatic differentiation, which goes backwards through the network, has to find the same numbers.

# %%
gradient = coarse.gradient(exact)  # (classes, channels, rows, columns)
empty = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
jacobian = torch.autograd.functional.jacobian(lambda x: exact(x)[0], empty)[:, 0]
assert torch.allclose(gradient, jacobian, atol=1e-9)

some = torch.tensor(
    [18, 19, 27, 28]
)  # four neighbours: (2, 2), (2, 3), (3, 3), (3, 4)
pairs = coarse.hessian(exact, some)
three = lambda x: exact(x.view(1, 1, 8, 8))[0, 3]
hessian = torch.autograd.functional.hessian(three, empty.flatten())
assert torch.allclose(pairs[3], hessian[some][:, some], atol=1e-8)
one = coarse.coefficient(exact, {(0, 2, 2): 1, (0, 2, 3): 1})
assert torch.allclose(one, pairs[:, 0, 1], atol=1e-9)
print("gradient, Hessian and a single coefficient agree with autograd")

# %% [markdown]
# What single pixels say in favour of (orange) and against (blue) some classes, beyond order 0:

# %% tags=["nbval-ignore-output"]
single = {f"for {k}": gradient[k, 0].numpy() for k in (0, 1, 3, 7)}
figures.plot_grids(single, columns=4)

# %% [markdown]
# ## The split depends on the origin
#
# We expand at the empty sheet. Had we centred the pixels first, as many do, then "zero" would be the average
# digit, and the *same* network, with the same logits, would fall into *other* orders. Both splits are true.
# An order belongs to a network **and** a point; whoever quotes one must say which.

# %%
mean = images.mean(0)
centred = coarse.orders(net, test_images, origin=mean)
assert torch.allclose(centred.sum(1), logits, atol=1e-3)
assert (centred[:, 1] - parts[:, 1]).abs().max() > 1
size = lambda split: split[:, 1:].abs().mean((0, 2))
assert (size(centred)[1:6] < size(parts)[1:6]).all()
print("same logits, other orders")
print("orders 2 to 6 are smaller about the average digit")

# %% tags=["nbval-ignore-output"]
for k, (a, b) in enumerate(zip(size(parts), size(centred)), start=1):
    print(
        f"order {k}: {a:8.2f} at the empty sheet, {b:8.2f} at the average digit"
    )

# %% [markdown]
# A digit lies nearer to the average digit than to an empty sheet, and near its origin a series is short. The
# price is the meaning of a term: $x_i$ is then not ink, but more or less ink than usual.
#
# ## What is ours, and what is open
#
# - **Deviation T2: normalisation.** No activation, max-pooling, layer norm or attention anywhere in the body.
#   Batch normalisation is an option, said wherever it is used, as here: while training it divides by
#   statistics of the batch, which is no polynomial; afterwards it is a fixed scale and shift. The split
#   refuses a network that is still training. Without it there is one fixed number a level
#   (`norm="scale"`), which is a polynomial throughout.
# - **Deviation T3: the split by orders** as the main way to read such a network is ours.
#
# Whether such a network equals others of its size (claim C1), whether the hierarchy saves parameters (C2) and
# what the orders are worth (C3) are questions for several seeds and more digits; their records are made by
# `hsrnn reproduce coarse.taylornet`. Open on this page: do orders of two seeds resemble each other? How much
# accuracy do small orders cost, and could a network be trained to need fewer of them? Which origin makes the
# series shortest?
#
# ## Exercises
#
# ### 1. Multiply two series
#
# Write a function of two rows of coefficients (power 0 first) and a limit. It returns the coefficients of
# the product, without the powers above the limit. That is all a TaylorNet needs to know about series.

# %%
multiply = ...  # your function of two rows and a limit
answered = exercises.check("coarse.02.1", multiply)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(a, b, limit):
    found = np.zeros(min(len(a) + len(b) - 1, limit + 1))
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            if i + j < len(found):
                found[i + j] += x * y
    return found


assert exercises.check("coarse.02.1", solution)

# %% [markdown]
# ### 2. Orders from outside
#
# You get a function $f$ and its degree, and may only ask for values. Write a function of the two that
# returns the coefficients of $f(t) = c_0 + c_1 t + \dots$, power 0 first.

# %%
measure = ...  # your function of f and degree
answered = exercises.check("coarse.02.2", measure)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(f, degree):
    t = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    return np.linalg.solve(np.vander(t, increasing=True), [f(x) for x in t])


assert exercises.check("coarse.02.2", solution)

# %% [markdown]
# ### 3. Leave one out
#
# Write a function of the parts (images, orders, classes), the labels, and the number $k$ of an order: the
# accuracy when that order is left out.

# %%
leave_out = ...  # your function of parts, labels and k
answered = exercises.check("coarse.02.3", leave_out)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(parts, labels, k):
    return ((parts.sum(1) - parts[:, k]).argmax(1) == labels).mean()


assert exercises.check("coarse.02.3", solution)
