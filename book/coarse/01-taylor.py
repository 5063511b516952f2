# %% [markdown]
# # A network of sums and products
#
# **What can a network do that only adds and multiplies, and how does it look at a picture from further and
# further away?**
#
# Nearly every network bends its numbers somewhere: a ReLU, a sigmoid, a softmax in the middle. Yang, Xie and
# Yang ([2023](https://arxiv.org/abs/2211.01779)) build one that does not. Its map from picture to class is a
# *Taylor series*, cut off after a few orders, and it is computed by *coarse graining*: blocks of neighbouring
# sites become one site, again and again, as physicists do when they ask what a magnet looks like from afar.
#
# One thing must be said first. The body of that paper was not available to us, only its abstract and public
# descriptions. What this room contains is therefore a **reconstruction of the idea**, with our own choices,
# and no number here is the paper's. What we can do is make everything checkable: a polynomial can be taken
# apart exactly, and this chapter does it with two pixels, then with a block, then level by level.

# %% tags=["remove-cell"]
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("hsrnn") is None:  # on Binder or Colab: install this project once
    source = "hsrnn @ git+https://github.com/hsrnn/hsrnn"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", source], check=True)

# %% [markdown]
# ## Two pixels
#
# Take two pixels $u_1$ and $u_2$, each between 0 (paper) and 1 (ink), and ask: *is there an edge between
# them*, that is, do they differ? A polynomial of order 2 in two pixels has six coefficients:
#
# $$
# y = b + w_1 u_1 + w_2 u_2 + w_{11} u_1^2 + w_{12} u_1 u_2 + w_{22} u_2^2 .
# $$
#
# The question has an answer of this kind, $(u_1 - u_2)^2 = u_1^2 - 2 u_1 u_2 + u_2^2$. Let us draw it order
# by order. The linear part is what a network without any bend could say.

# %%
from math import comb

import numpy as np
import torch

from hsrnn import coarse, exercises, figures

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
steps = np.linspace(0, 1, 9)
u1, u2 = np.meshgrid(steps, steps[::-1])
pieces = {
    "squares": u1**2 + u2**2,
    "product": -2 * u1 * u2,
    "sum: an edge?": (u1 - u2) ** 2,
}
assert np.allclose(pieces["squares"] + pieces["product"], (u1 - u2) ** 2)
figures.plot_grids(pieces, columns=3)

# %% [markdown]
# In each square $u_1$ grows to the right and $u_2$ upwards. Along the rising diagonal, where the pixels are
# equal, the sum is zero; in the two other corners it is one. And the linear part? The *best* linear answer,
# in the sense of least squares over this grid, does not even try.

# %%
inputs = np.column_stack([np.ones(81), u1.ravel(), u2.ravel()])
best, *_ = np.linalg.lstsq(inputs, ((u1 - u2) ** 2).ravel(), rcond=None)
print("best b, w1, w2:", np.round(best, 6) + 0.0)
assert np.allclose(best[1:], 0)

# %% [markdown]
# Its slopes are zero: whatever one pixel says about an edge depends on the other. This is the *exclusive or*,
# the oldest reason for bending something in a network. Here it is one product.
#
# ### Where a series is expanded
#
# A Taylor series belongs to a point. Ours is expanded at $u = 0$. Would another point $a$ give other
# functions? Multiply $(u - a)$ out, and $a$ disappears into $b$ and the slopes: for the edge above, expanded
# at $a = (0.5, 0.5)$, nothing new can arise. What *does* change is how much of one and the same function is
# called linear. Remember this for the next chapter.
#
# ## A block becomes a site
#
# Pictures are grids. We cut the grid into blocks of 2 × 2 *sites*, where a site carries a vector of $c$
# numbers ($c = 1$ for grey pixels), write the $n = 4c$ numbers of a block side by side as $u$, and let a
# polynomial of order 2 turn them into the vector of **one** site of a coarser grid:
#
# $$
# y_k = b_k + \sum_i W^{(1)}_{ik}\, u_i + \sum_{i \le j} W^{(2)}_{ijk}\, u_i u_j ,
# \qquad k = 1, \dots, c' .
# $$
#
# All blocks share their coefficients. The package calls this a `TaylorLayer`. Here is one with random
# coefficients, computed twice: by the layer, and by three loops that one can read.

# %%
layer = coarse.TaylorLayer(
    1,
    2,
    form="full",
    nonlinear_scale=1.0,
    generator=torch.Generator().manual_seed(0),
).double()
picture = torch.rand(1, 4, 4, 1, generator=torch.Generator().manual_seed(1))


def by_hand(layer, maps):
    rows, columns = maps.shape[1] // 2, maps.shape[2] // 2
    result = torch.zeros(1, rows, columns, layer.out_channels)
    for r in range(rows):
        for s in range(columns):
            u = maps[0, 2 * r : 2 * r + 2, 2 * s : 2 * s + 2].flatten()
            y = layer.bias + u @ layer.linear
            for (i, j), w in zip(layer.index2.T, layer.tensor2):
                y = y + w * u[i] * u[j]
            result[0, r, s] = y
    return result


difference = (layer(picture) - by_hand(layer, picture)).abs().max()
assert difference < 1e-12
print(
    "blocks:",
    tuple(layer(picture).shape),
    " coefficients:",
    coarse.parameters(layer),
)
print("layer and loops agree")

# %% [markdown]
# The layer never writes the products $u_i u_j$ down. It computes $u \cdot (W^{(1)} + W^{(2)} u)$ from the
# inside out, as one evaluates a polynomial with pencil and paper (Horner's scheme). This is the code:

# %% tags=["hide-output"]
import inspect

print(inspect.getsource(coarse.TaylorLayer.polynomial))

# %% [markdown]
# ### Coefficients can be read
#
# In a network with ReLUs one asks for derivatives. A Taylor layer *is* its derivatives at zero:
# $b = f(0)$, $W^{(1)}$ is the gradient, and the quadratic coefficients are the second derivatives, **halved
# on the diagonal only**: $u_i^2$ has the second derivative 2, but $u_i u_j$ has the mixed derivative 1.
# `coefficients()` returns the symmetric tensors; automatic differentiation must agree.

# %%
b, first, second = layer.coefficients()
block = lambda u: layer(u.view(1, 2, 2, 1)).flatten()
zero = torch.zeros(4)
assert torch.allclose(block(zero), b)
assert torch.allclose(torch.autograd.functional.jacobian(block, zero), first)
hessian = torch.autograd.functional.hessian(lambda u: block(u)[0], zero)
assert torch.allclose(hessian, 2 * second[0])
i, j = layer.index2
factor = torch.where(i == j, 0.5, 1.0)
assert torch.allclose(layer.tensor2[:, 0], factor * hessian[i, j])
print("constant, gradient and Hessian are stored, not computed")

# %% [markdown]
# ### Fewer numbers: products of linear forms
#
# With $c$ channels a block has $n = 4c$ numbers and the quadratic part $n(n+1)/2$ coefficients for every
# output; for 32 channels that is 8,256 times 32. The other form of the layer writes the quadratic part as a
# sum of $r$ products of linear forms (a *canonical polyadic* decomposition, `form="cp"`):
#
# $$
# y = b + W^{(1)} u + C\,[(A u) \odot (B u)] .
# $$
#
# The edge detector is the smallest example: $(u_1 - u_2)^2$ is a single product, $r = 1$, with
# $A = B = (1, -1)$. On a block of four pixels we ask for an upright and for a lying edge, two products.

# %%
edges = coarse.TaylorLayer(1, 2, form="cp", rank=2).double()
left_right = torch.tensor([-0.5, 0.5, -0.5, 0.5])  # (row, column): 00, 01, 10, 11
top_bottom = torch.tensor([-0.5, -0.5, 0.5, 0.5])
with torch.no_grad():
    edges.linear.zero_()
    forms = torch.stack([left_right, top_bottom], 1)
    edges.lines2.copy_(torch.cat([forms, forms], 1))  # A, then B
    edges.mix2.copy_(torch.eye(2))
print("second derivatives of the upright edge / 2:")
dense = edges.coefficients()[2][0].detach()
print(dense.numpy())
assert torch.allclose(dense, torch.outer(left_right, left_right))

# %% [markdown]
# ## A level by hand
#
# Now a picture of 8 × 8: a square, drawn by us. One level with the two edge detectors turns it into a grid of
# 4 × 4 sites, two numbers a site.

# %%
square = torch.zeros(1, 8, 8, 1)
square[0, 1:7, 1:7] = 1
square[0, 3:5, 3:5] = 0
found = edges(square)[0].detach()
grids = {
    "picture": square[0, :, :, 0],
    "upright": found[..., 0],
    "lying": found[..., 1],
}
figures.plot_grids(grids, columns=3, outlines=(2, 0, 0))

# %% [markdown]
# Compute one of these numbers yourself. The block in the upper left corner holds $0, 0$ above $0, 1$. The
# upright form gives $\tfrac12(-0 + 0 - 0 + 1) = \tfrac12$, its square is $\tfrac14$.

# %%
corner = square[0, :2, :2, 0].flatten()
assert corner.tolist() == [0, 0, 0, 1]
assert float(found[0, 0, 0]) == float((corner @ left_right) ** 2) == 0.25
print("the corner of the square: 0.25 upright, 0.25 lying")

# %% [markdown]
# Two facts follow from the construction, and we can check both. A site knows its own block and nothing
# else. And as the blocks share their coefficients, a picture that is moved by a whole block gives the same
# coarse picture, moved by one site.

# %%
touched = square.clone()
touched[0, 4, 1, 0] += 1.0  # row 4, column 1
changed = (edges(touched) != edges(square)).any(-1)[0].nonzero()
assert changed.tolist() == [[4 // 2, 1 // 2]]
moved = edges(square.roll((2, -2), (1, 2)))
assert torch.equal(moved, edges(square).roll((1, -1), (1, 2)))
print(
    "pixel (4, 1) changes site",
    changed[0].tolist(),
    "only; a shift by 2 is a shift by 1",
)

# %% [markdown]
# ## Level upon level
#
# The coarse picture is a grid of sites again, so it can be coarse-grained again, by a layer of its own. With
# $L$ levels, 8 × 8 pixels become 4 × 4, 2 × 2, and one. At the top a linear map gives the logits. That is a
# `TaylorNet`: nothing else is in it.

# %%
shape = coarse.TaylorNetConfig(
    image=(1, 8, 8),
    classes=3,
    channels=(3, 4, 5),
    norm="none",
    nonlinear_scale=1.0,
)
net = coarse.TaylorNet(shape, seed=0).double().eval()
image = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(2))
for level, maps in enumerate(net.coarse(image)):
    print(
        f"level {level}: {maps.shape[1]} x {maps.shape[2]} sites of {maps.shape[3]}"
    )
by_levels = net.coarse(image)[-1].flatten(1) @ net.head.weight.T + net.head.bias
assert torch.allclose(net(image), by_levels)
print("degree in the pixels:", shape.degree)

# %% [markdown]
# ## Why the degree doubles
#
# The first level is quadratic in the pixels. The second is quadratic in the first: a product of two
# quadratics is of degree 4. The third multiplies two of degree 4. So after $L$ levels of order $k$ the
# degree is $k^L$, here $2^3 = 8$. Let us not believe this, but measure it, in two ways that have nothing to
# do with each other.
#
# **By looking from outside.** Walk along a straight line $x + t d$ in the space of pictures, and write down a
# logit at equal steps of $t$. If it is a polynomial of degree $D$ in $t$, its differences, differences of
# differences and so on vanish from the $(D+1)$-th on. Nothing is assumed about what is inside.


# %%
def differences(net, size):
    x, d = torch.rand(
        2, 1, 1, size, size, generator=torch.Generator().manual_seed(3)
    )
    t = torch.linspace(-1, 1, 13).view(-1, 1, 1, 1)
    with torch.no_grad():
        value = net(x + t * d)[:, 0]
    sizes = []
    for n in range(1, 12):
        row = value.diff(n=n)
        noise = value.abs().max() * comb(
            n, n // 2
        )  # what rounding would be a part of
        sizes.append(float(row.abs().max() / noise) + 1e-18)
    return np.array(sizes)


def made(levels):
    settings = dict(classes=3, norm="none", nonlinear_scale=1.0)
    image = (1, 2**levels, 2**levels)
    config = coarse.TaylorNetConfig(image, channels=(4,) * levels, **settings)
    return coarse.TaylorNet(config, seed=levels).double().eval()


nets = {levels: made(levels) for levels in (1, 2, 3)}
sizes = {levels: differences(net, 2**levels) for levels, net in nets.items()}
outside = {
    levels: int(np.flatnonzero(row > 1e-13)[-1]) + 1
    for levels, row in sizes.items()
}
print("levels -> last difference that does not vanish:", outside)
assert outside == {1: 2, 2: 4, 3: 8}

# %% tags=["nbval-ignore-output"]
named = {
    f"{levels} level{'s' * (levels > 1)}": row for levels, row in sizes.items()
}
figures.plot_degrees(named, dict(zip(named, outside.values())))

# %% [markdown]
# What remains behind the dotted lines is rounding: 16 digits down.
#
# **By counting inside.** Feed the network not numbers but a *power series*: every pixel becomes $x_i t$, a
# series whose only term is of power 1. Linear maps act on each coefficient by itself. A product of two
# series is again a series; its coefficient of $t^k$ gathers all ways to share $k$ between the factors. What
# comes out at the top is each logit as a series in $t$, exactly, and the coefficient of $t^k$ is the part of
# the logit that is *homogeneous of degree $k$* in the pixels. This is the whole multiplication:

# %%
print(inspect.getsource(coarse.Series.__mul__))

# %%
inside = {}
for levels, each in nets.items():
    x = torch.rand(
        1, 1, 2**levels, 2**levels, generator=torch.Generator().manual_seed(4)
    )
    parts = coarse.orders(each, x)  # (batch, orders, classes)
    assert torch.allclose(parts.sum(1), each(x).detach())
    inside[levels] = int(parts.abs().amax((0, 2)).nonzero().max())
print("levels -> highest order that is there:       ", inside)
assert inside == outside

# %% [markdown]
# Both say 2, 4, 8. And the orders add up to the logits, to the last digits: we have taken a network apart
# without remainder. The next chapter does this with a network that reads digits.
#
# ## What depth buys
#
# A polynomial of degree 8 in 64 pixels has $\binom{64+8}{8}$ coefficients. Our network of three levels has
# all its degree-8 terms too, but it does not choose their coefficients freely: they arise from a few hundred
# numbers. That is the bargain of coarse graining. Which polynomials does it give up? Those that are not
# built from neighbours first.

# %%
free = comb(64 + 8, 8)
own = coarse.parameters(net)
print(f"free coefficients: {free:,}\nparameters of the network: {own}")
for channels, form in ((4, "full"), (8, "full"), (16, "cp"), (32, "cp")):
    config = coarse.TaylorNetConfig(
        channels=(channels,) * 5, form=form, norm="none"
    )
    count = coarse.parameters(coarse.TaylorNet(config))
    print(
        f"28 x 28 pixels, 5 levels, {channels:2} channels, {form:4}: {count:6,}"
    )
assert free > 11_000_000_000 and own < 1000

# %% [markdown]
# ## What is ours
#
# - **Deviation T1: the layer.** Blocks that do not overlap, order 2, one set of weights a level: these are
#   our defaults, since the paper's equations could not be read. Order 1, 2 or 3, blocks of 2, 3 or 4 sites,
#   overlapping blocks, weights of their own for every block, one map for all levels, several steps on one
#   grid: each is a switch of `TaylorNetConfig`.
#
# Open questions that this leaves: which block and order the authors use; whether blocks share weights; how
# the last level becomes a class. Chapter 02 lists two more choices, of normalisation and of the split.
#
# ## Exercises
#
# ### 1. An edge of a wanted height
#
# Write a function of $s$ that returns the six coefficients
# $(b, w_1, w_2, w_{11}, w_{12}, w_{22})$ of $(u_1 - u_2 - s)^2$.

# %%
contrast = ...  # your function of s
solved = exercises.check("coarse.01.1", contrast)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(s):
    return s * s, -2 * s, 2 * s, 1.0, -2.0, 1.0


assert exercises.check("coarse.01.1", solution)

# %% [markdown]
# ### 2. Cut into blocks
#
# Write a function of a map `(rows, columns, channels)` and a block size that returns the disjoint blocks,
# `(rows', columns', block * block * channels)`, each in the order (row, column, channel).

# %%
blocks = ...  # your function of a map and a block size
solved = exercises.check("coarse.01.2", blocks)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(maps, block):
    rows, columns, channels = maps.shape
    parts = maps.reshape(rows // block, block, columns // block, block, channels)
    return parts.transpose(0, 2, 1, 3, 4).reshape(
        rows // block, columns // block, -1
    )


assert exercises.check("coarse.01.2", solution)

# %% [markdown]
# ### 3. How large is a step?
#
# Write a function of the channels below, the channels above, the block, the form (`"full"` or `"cp"`) and the
# rank of the second form, that returns the number of parameters of a quadratic step.

# %%
size = ...  # your function of below, above, block, form and rank
solved = exercises.check("coarse.01.3", size)

# %% [markdown]
# #### Solution


# %% tags=["hide-cell"]
def solution(below, above, block, form, rank):
    n = block * block * below
    if form == "full":
        return above * (1 + n + n * (n + 1) // 2)
    return above * (1 + n) + 2 * n * rank + rank * above


assert exercises.check("coarse.01.3", solution)
